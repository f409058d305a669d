mod device;
mod digital;
mod line;

use std::sync::{Mutex, MutexGuard};

use lookout_core::{
    port::{Lost, Promise, Turner},
    profile::{
        settings::User,
        wire::{Int, Wire as _},
    },
    ptz::{Way, line::Line, mover},
};
use tempfile::TempDir;
use tokio::time::sleep;

use super::*;
use crate::{
    alarm::Report,
    config::{Config, HeadKind},
    framing::Framing,
    metrics::Metrics,
    privacy::testing::Hours,
};

/// A line or a device as it is, and what it was told.
#[derive(Default)]
struct Machine {
    /// Whether it is not there, or takes nothing.
    gone: bool,
    /// Whether it takes for ever.
    hangs: bool,
    /// Whether others have their turn.
    busy: bool,
    /// Each write to the line.
    written: Vec<Vec<u8>>,
    /// Each pose that a device was told, and when.
    turned: Vec<(Instant, Pose)>,
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<Machine>>);

impl World {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap()
    }

    /// Does something for whoever drives it, if it does anything.
    async fn act(&self, act: impl FnOnce(&mut Machine)) -> Result<(), Lost> {
        if self.machine().hangs {
            std::future::pending::<()>().await;
        }
        let mut machine = self.machine();
        if machine.gone {
            return Err(Lost("it was unplugged".into()));
        }
        act(&mut machine);
        Ok(())
    }

    fn line(&self) -> Body {
        let world = self.clone();
        let write = move |bytes: Vec<u8>| -> Promise<'static, Result<(), Failure>> {
            let world = world.clone();
            Box::pin(async move {
                if world.machine().busy {
                    return Err(Failure::Busy);
                }
                // As ports do, it answers in time.
                let written = timeout(body::PATIENCE, world.act(|machine| machine.written.push(bytes))).await;
                written.is_ok_and(|written| written.is_ok()).then_some(()).ok_or(Failure::Internal)
            })
        };
        Body::Line(Wired::new(Line::new(1), "address 1".into(), Box::new(write)))
    }

    fn device(&self) -> Body {
        let world = self.clone();
        let open = move || -> Promise<'static, Result<Box<dyn Turner>, Lost>> {
            let world = world.clone();
            Box::pin(async move {
                world.act(|_| {}).await?;
                Ok(Box::new(Turning(world)) as Box<dyn Turner>)
            })
        };
        Body::Device(Box::new(Device::new("/dev/video0".into(), Box::new(open))))
    }

    /// Returns what was written since the last look.
    fn written(&self) -> Vec<u8> {
        std::mem::take(&mut self.machine().written).concat()
    }
}

struct Turning(World);

impl Turner for Turning {
    fn turn(&mut self, to: Pose) -> Promise<'_, Result<(), Lost>> {
        Box::pin(self.0.act(move |machine| machine.turned.push((Instant::now(), to))))
    }

    fn body(&self) -> mover::Body {
        mover::Body {
            octaves: 1.0,
            seen: (0.0, 0.0),
            degrees: (180.0, 90.0),
            centre: (0.5, 0.5),
            grid: (0.0, 0.0),
            blocks: (0.0, 0.0),
            blocks_zoom: 0.0,
        }
    }

    fn pose(&self) -> Pose {
        let told = self.0.machine().turned.last().map(|(_, pose)| *pose);
        told.unwrap_or(Pose { pan: 0.5, tilt: 0.5, zoom: 0.0 })
    }

    fn about(&self) -> String {
        "a device".into()
    }
}

/// The service with a head of a kind.
struct Rig {
    world: World,
    store: Arc<Store>,
    state: TempDir,
    hours: Hours,
    hub: Arc<Hub>,
    head: Arc<Head>,
    errands: mpsc::Sender<(u8, Errand)>,
    alarm: watch::Sender<Option<Arc<Occasion>>>,
    metrics: Metrics,
    user: User,
}

impl Rig {
    async fn start(kind: HeadKind, change: impl FnOnce(&mut Settings) + Send + 'static) -> Self {
        Self::start_in(World::default(), kind, Directions::Document, change).await
    }

    async fn start_in(
        world: World,
        kind: HeadKind,
        directions: Directions,
        change: impl FnOnce(&mut Settings) + Send + 'static,
    ) -> Self {
        let state = tempfile::tempdir().unwrap();
        let config = Config::default();
        let store = Arc::new(Store::open(state.path(), crate::rules(&config)).unwrap().store);
        let mut user = User::default();
        user.name.take("oper").unwrap();
        let account = user.clone();
        let first = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            new.users[0] = account;
            change(&mut new);
            Ok(new)
        };
        store.change(By::Camera, first).await.unwrap();
        let (metrics, hours) = (Metrics::new(), Hours::default());
        let gate = hours.gate(Arc::default());
        tokio::spawn(gate.clone().keep());
        let hub = Hub::new(gate, Arc::default(), Arc::default());
        let head = Head::new(kind, state.path(), &store.get(), metrics.head.clone());
        let body = match kind {
            HeadKind::PelcoD => world.line(),
            HeadKind::Uvc => world.device(),
            HeadKind::None | HeadKind::Digital => {
                Body::Digital(Arc::new(Framing::new(&config, store.follow(), body::now()).unwrap()))
            }
        };
        let (errands, taken) = mpsc::channel(4);
        let alarm = watch::Sender::default();
        let parts = Parts {
            head: head.clone(),
            body,
            directions,
            store: store.clone(),
            errands: taken,
            alarm: alarm.subscribe(),
            hub: hub.clone(),
            counters: metrics.head.clone(),
            errand_counters: metrics.alarms.clone(),
        };
        tokio::spawn(run(parts));
        let rig = Self { world, store, state, hours, hub, head, errands, alarm, metrics, user };
        rig.settle().await;
        rig
    }

    /// Lets the service do what there is to do now.
    async fn settle(&self) {
        sleep(Duration::from_millis(2)).await;
    }

    async fn order(&self, order: Order) -> Result<(), Failure> {
        self.head.order(order, &self.user).await
    }

    /// Orders, and waits until the head has come to rest.
    async fn rests_after(&self, order: Order) {
        self.order(order).await.unwrap();
        self.rest().await;
    }

    async fn rest(&self) {
        self.settle().await;
        let mut standing = self.head.follow();
        let rests = standing.wait_for(|standing| !standing.moving);
        timeout(Duration::from_secs(60), rests).await.expect("it does not come to rest").unwrap();
    }

    async fn set(&self, change: impl FnOnce(&mut Settings) + Send + 'static) {
        let draft = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            change(&mut new);
            Ok(new)
        };
        self.store.change(By::Camera, draft).await.unwrap();
        self.settle().await;
    }

    fn pose(&self) -> Pose {
        self.head.standing().pose.unwrap()
    }

    fn place(&self, number: i32) -> Place {
        self.store.get().presets[index(preset(number))].place
    }

    /// Sends an alarm's errand; returns what came of it.
    async fn alarm(&self, number: u8) -> (&'static str, String) {
        let (report, mut told) = mpsc::channel(1);
        let (at, wall) = (body::now(), std::time::SystemTime::now());
        let occasion = Occasion { number: 1, cause: lookout_core::alarm::Cause::Input, at, wall, drill: true };
        let errand = Errand { occasion: Arc::new(occasion), report: Some(report) };
        self.errands.try_send((number, errand)).unwrap();
        let Report { link, outcome } = timeout(Duration::from_secs(2), told.recv()).await.unwrap().unwrap();
        assert_eq!(link, Link::Preset);
        let (result, words) = outcome.words();
        (result, words.to_owned())
    }
}

fn preset(number: i32) -> Preset {
    Int::new(number)
}
