use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use lookout_core::{
    alarm::Cause,
    port::{Lost, OutputLine, Promise},
    profile::{
        change::Rules,
        settings::{
            LineLevel::{High, Low},
            Settings,
        },
    },
};
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;
use crate::{
    alarm::{Outcome, Report},
    driven::Open,
    metrics::{Metrics, testing::has},
    store::{By, Store},
};

/// A line as a meter sees it.
#[derive(Default)]
struct Wire {
    /// Whether it is there.
    there: bool,
    /// Whether it takes for ever.
    hangs: bool,
    /// Each level that it got, with the one before left out if it was the same.
    levels: Vec<bool>,
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<Wire>>);

impl World {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }

    fn drive(&self, level: bool) -> Result<(), Lost> {
        let mut wire = self.wire();
        if !wire.there {
            return Err(Lost("it was unplugged".into()));
        }
        if wire.levels.last() != Some(&level) {
            wire.levels.push(level);
        }
        Ok(())
    }
}

struct Line {
    world: World,
    rest: bool,
}

impl OutputLine for Line {
    fn drive(&mut self, high: bool) -> Promise<'_, Result<(), Lost>> {
        Box::pin(async move {
            if self.world.wire().hangs {
                std::future::pending::<()>().await;
            }
            self.world.drive(high)
        })
    }

    fn rest_at(&mut self, high: bool) {
        self.rest = high;
    }

    fn about(&self) -> String {
        "a line".into()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.world.drive(self.rest);
    }
}

struct Rig {
    world: World,
    store: Store,
    _state: TempDir,
    errands: mpsc::Sender<(LineLevel, Errand)>,
    standing: watch::Sender<Option<Arc<Occasion>>>,
    output: Arc<Output>,
    metrics: Metrics,
    task: JoinHandle<Infallible>,
}

impl Rig {
    /// Starts the service on a line that is there, or is not yet.
    async fn start(there: bool) -> Self {
        let world = World::default();
        world.wire().there = there;
        let state = tempfile::tempdir().unwrap();
        let store = Store::open(state.path(), crate::rules(&crate::config::Config::default())).unwrap().store;
        let metrics = Metrics::new();
        let (errands, taken) = mpsc::channel(4);
        let (standing, output) = (watch::Sender::default(), Output::new(true));
        let line = world.clone();
        let open: Open = Box::new(move |level, rest| {
            let world = line.clone();
            Box::pin(async move { world.drive(level).map(|()| Box::new(Line { world, rest }) as Box<dyn OutputLine>) })
        });
        let parts = Parts {
            line: Driven::new("output gpiochip0:5".into(), ["low", "high"], open, metrics.pins.output.clone()),
            name: "gpiochip0:5".into(),
            level: store.watch(|settings| settings.alarm.ioout_level),
            errands: taken,
            orders: output.orders(),
            standing: standing.subscribe(),
            errand_counters: metrics.alarms.clone(),
        };
        let task = tokio::spawn(run(parts));
        let rig = Self { world, store, _state: state, errands, standing, output, metrics, task };
        rig.settle().await;
        rig
    }

    /// Lets the service do what it has to.
    async fn settle(&self) {
        sleep(Duration::from_millis(10)).await;
    }

    /// Gives an errand as the alarm service does, and returns what came of it.
    async fn errand(&self, level: LineLevel) -> Report {
        let (report, mut reports) = mpsc::channel(1);
        let wall = SystemTime::UNIX_EPOCH;
        let occasion = Occasion { number: 1, cause: Cause::Input, at: Instant::now().into_std(), wall, drill: false };
        let errand = Errand { occasion: Arc::new(occasion.clone()), report: Some(report) };
        self.standing.send_if_modified(|standing| level == High && standing.replace(Arc::new(occasion)).is_none());
        self.errands.send((level, errand)).await.unwrap();
        reports.recv().await.expect("a link tells what came of an errand")
    }

    async fn alarm_level(&self, level: LineLevel) {
        let draft = move |old: &Settings, _: &Rules| {
            let mut draft = old.clone();
            draft.alarm.ioout_level = level;
            Ok(draft)
        };
        self.store.change(By::Camera, draft).await.unwrap();
        self.settle().await;
    }

    fn levels(&self) -> Vec<bool> {
        self.world.wire().levels.clone()
    }

    async fn stop(&self) {
        self.task.abort();
        self.settle().await;
        assert!(self.task.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn the_output_rests_from_the_start_is_driven_by_an_alarm_and_put_back() {
    let rig = Rig::start(true).await;
    assert_eq!(rig.levels(), [false]);
    has(&rig.metrics, "lookout_output_level 0");
    let told = rig.errand(High).await;
    assert_eq!(told, Report { link: Link::Output, outcome: Outcome::Done("line gpiochip0:5 is high".into()) });
    assert_eq!(rig.levels(), [false, true]);
    has(&rig.metrics, "lookout_output_level 1");
    assert_eq!(rig.errand(Low).await.outcome, Outcome::Done("line gpiochip0:5 is low".into()));
    assert_eq!(rig.levels(), [false, true, false]);
    has(&rig.metrics, "lookout_alarm_errands_total{link=\"output\",result=\"done\"} 2");
}

#[tokio::test(start_paused = true)]
async fn no_siren_goes_on_when_the_camera_ends_or_the_alarms_last_word_is_lost() {
    let rig = Rig::start(true).await;
    rig.errand(High).await;
    rig.stop().await;
    assert_eq!(rig.levels(), [false, true, false]);
    let rig = Rig::start(true).await;
    rig.errand(High).await;
    rig.standing.send_replace(None);
    rig.settle().await;
    assert_eq!(rig.levels(), [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn another_level_of_alarms_moves_a_line_that_rests_and_ends_at_the_new_rest() {
    let rig = Rig::start(true).await;
    rig.alarm_level(Low).await;
    assert_eq!(rig.levels(), [false, true]);
    rig.alarm_level(High).await;
    rig.errand(High).await;
    rig.alarm_level(Low).await;
    assert_eq!(rig.levels(), [false, true, false, true], "the alarm goes on");
    rig.world.wire().levels.clear();
    rig.stop().await;
    assert_eq!(rig.levels(), [true], "it rests as the settings have it now");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_was_lost_gets_the_level_that_it_is_to_have_when_it_is_back() {
    let rig = Rig::start(true).await;
    rig.world.wire().there = false;
    assert_eq!(rig.errand(High).await.outcome, Outcome::Failed("line gpiochip0:5 is lost: it was unplugged".into()));
    has(&rig.metrics, "lookout_output_up 0");
    has(&rig.metrics, "lookout_output_level -1");
    has(&rig.metrics, "lookout_output_lost_total 1");
    sleep(Duration::from_secs(20)).await;
    rig.world.wire().there = true;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(rig.levels(), [false, true]);
    has(&rig.metrics, "lookout_output_up 1");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_goes_without_a_word_is_noticed() {
    let rig = Rig::start(true).await;
    rig.world.wire().there = false;
    sleep(Duration::from_secs(3)).await;
    has(&rig.metrics, "lookout_output_lost_total 1");
    rig.world.wire().there = true;
    sleep(Duration::from_secs(3)).await;
    has(&rig.metrics, "lookout_output_up 1");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_hangs_is_lost_and_says_so() {
    let rig = Rig::start(true).await;
    rig.world.wire().hangs = true;
    assert_eq!(
        rig.errand(High).await.outcome,
        Outcome::Failed("line gpiochip0:5 is lost: it does not answer in time".into())
    );
    rig.world.wire().hangs = false;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(rig.levels().last(), Some(&true));
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_starts_without_its_line_takes_it_when_it_comes() {
    let rig = Rig::start(false).await;
    assert_eq!(rig.levels(), [false; 0]);
    rig.world.wire().there = true;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(rig.levels(), [false]);
    has(&rig.metrics, "lookout_output_lost_total 0");
}

#[tokio::test(start_paused = true)]
async fn an_order_by_hand_is_carried_out_also_if_it_is_that_of_before() {
    let rig = Rig::start(true).await;
    rig.output.order(High).unwrap();
    rig.settle().await;
    rig.errand(High).await;
    rig.errand(Low).await;
    rig.output.order(High).unwrap();
    rig.settle().await;
    assert_eq!(rig.levels(), [false, true, false, true]);
    assert_eq!(Output::new(false).order(High), Err(Failure::NotSupported), "there is none");
}
