//! The head's service: gives it orders, keeps its presets and where it rests, and says how it stands (PROFILE 5.4, Q67).
//!
//! ```text
//!   CGIs ── Ordered ──▶ ┌─────────┐ ──▶ Digital: the window over the source's picture
//!   alarm ── Errand ──▶ │ service │ ──▶ Line:    a serial port's owner
//!   settings ─────────▶ └─────────┘ ──▶ Device:  a device that takes positions
//!                            └── Standing ──▶ /head.json, motion      Store: presets, where it rests
//! ```
//! Bargains: a head that blocks or vanishes keeps nobody waiting beyond 2 s, is said to be lost, and comes back by itself. It
//! never moves by itself but where the settings say so: at the start and in patrols. Whatever is stored is stored by the
//! `Store`, for whom it was asked for.

mod body;
mod device;
mod rest;
mod shot;
mod start;
mod wired;

use std::{sync::Arc, time::Duration};

use lookout_core::{
    profile::{
        change::Rules,
        place::Place,
        reply::Failure,
        settings::{Flip, Misc, Settings, User},
        wire::{Illegal, Text, Wire as _},
    },
    ptz::{Order, Pose, Preset},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

pub use self::{body::Body, device::Device, wired::Wired};

use self::{rest::Rest, shot::Shot, start::Start};
use crate::{
    alarm::{Errand, Link, Occasion},
    config::Directions,
    head::{Head, Ordered, Standing, Wish, index, is_set},
    hub::Hub,
    metrics::{AlarmCounters, HeadCounters},
    store::{By, Store},
};

/// How often a head that moves is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long the end waits for the settings.
const LAST: Duration = Duration::from_millis(800);

/// What the service needs.
pub struct Parts {
    /// The head as others see it.
    pub head: Arc<Head>,
    /// What is moved.
    pub body: Body,
    /// Which way clients mean.
    pub directions: Directions,
    /// Presets, and where the head rests.
    pub store: Arc<Store>,
    /// What alarms want: to go to a preset.
    pub errands: mpsc::Receiver<(u8, Errand)>,
    /// Whether there is an alarm, in which patrols rest.
    pub alarm: watch::Receiver<Option<Arc<Occasion>>>,
    /// What presets show.
    pub hub: Arc<Hub>,
    /// Counters.
    pub counters: Arc<HeadCounters>,
    /// Counters of errands.
    pub errand_counters: Arc<AlarmCounters>,
}

/// Moves the head until the camera ends.
pub async fn run(parts: Parts) {
    let Some(mut orders) = parts.head.orders() else { return };
    let mut service = Service::new(parts);
    service.heed(&mut orders).await;
    // Whoever waits for the end waits until these are let go of.
    service.end().await;
}

struct Service {
    parts: Parts,
    settings: watch::Receiver<Arc<Settings>>,
    /// Whether there are no presets until the next start.
    off: bool,
    start: Start,
    rest: Rest,
    shot: Shot,
    /// Presets that are being stored.
    storing: JoinSet<Stored>,
}

impl Service {
    fn new(parts: Parts) -> Self {
        let settings = parts.store.follow();
        let misc = settings.borrow().misc.clone();
        let keeps_place = matches!(parts.body, Body::Digital(_));
        let (start, rest, shot) = (Start::new(&misc), Rest::new(keeps_place), Shot::default());
        Self { parts, settings, off: misc.disable_preset, start, rest, shot, storing: JoinSet::new() }
    }

    /// Does what is wanted and what is due, until the camera ends.
    async fn heed(&mut self, orders: &mut mpsc::Receiver<Ordered>) {
        let head = self.parts.head.clone();
        loop {
            self.tick().await;
            let due = self.due();
            let until = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = head.ending() => return,
                Some(ordered) = orders.recv() => self.ordered(ordered).await,
                Some((preset, errand)) = self.parts.errands.recv() => self.errand(preset, &errand).await,
                Ok(()) = self.parts.alarm.changed() => {
                    let held = self.parts.alarm.borrow_and_update().is_some();
                    self.parts.body.hold(held);
                }
                Some(stored) = self.storing.join_next() => match stored {
                    // Where a head is that says nothing is not known while it moves.
                    Ok(Stored::Preset(_, Place::Head)) if head.standing().moving => {}
                    Ok(Stored::Preset(preset, place)) => self.shot.wish(preset, place),
                    Ok(Stored::Rest(well)) => self.rest.saved(well),
                    // It was given up.
                    Ok(Stored::Nothing) | Err(_) => {}
                },
                // A change of the settings is looked at by the next tick.
                Ok(()) = self.settings.changed() => {}
                () = self.parts.body.shifted() => {}
                () = self.shot.taken() => {}
                () = until => {}
            }
        }
    }

    /// Does what is due, and says how the head stands.
    async fn tick(&mut self) {
        let settings = self.settings.borrow_and_update().clone();
        let misc = &settings.misc;
        self.parts.body.tick(misc).await;
        while let Some(order) = self.start.next(self.parts.body.lost().is_some()) {
            let done = self.order(order, &settings).await;
            self.start.done(done);
        }
        let standing = self.stand(misc);
        if let Some(place) = self.rest.tick(&standing, settings.head_place) {
            self.save(place);
        }
        let Parts { body, head, hub, .. } = &mut self.parts;
        self.shot.tick(&standing, body.place(misc).unwrap_or_default(), hub, &head.pictures);
    }

    fn due(&mut self) -> Option<Instant> {
        let settings = self.settings.borrow().clone();
        // What moves is due at every moment, and looked at as often as anybody needs it.
        let look = |due: Instant| if due > Instant::now() { due } else { Instant::now() + LOOK };
        let body = self.parts.body.due(&settings.misc).map(look);
        body.into_iter().chain(self.rest.due()).chain(self.start.due()).min()
    }

    /// Says how the head stands.
    fn stand(&mut self, misc: &Misc) -> Standing {
        let Parts { body, head, counters, .. } = &mut self.parts;
        let moving = body.moving(misc);
        let standing = Standing {
            lost: body.lost().is_some(),
            moving: self.rest.moves(moving),
            patrol: body.patrol(),
            pose: body.pose(misc),
            presets: !self.off,
        };
        head.stands(standing);
        counters.stands(!standing.lost);
        standing
    }

    /// Does what somebody wants.
    async fn ordered(&mut self, Ordered { wish, user, done }: Ordered) {
        // Whoever has given up is not moved for any more; but what is to stop is stopped.
        if done.is_closed() && wish != Wish::Order(Order::Stop) {
            return;
        }
        let settings = self.settings.borrow().clone();
        let answer = match wish {
            Wish::Order(Order::SetPreset(preset)) => return self.keep(preset, None, user, done, &settings.misc).await,
            Wish::Keep(preset, name) => return self.keep(preset, name, user, done, &settings.misc).await,
            Wish::Order(Order::ClearPreset(preset)) => return self.clear(preset, user, done, &settings.misc).await,
            Wish::Name(preset, name) => return self.name(preset, name, user, done, &settings),
            Wish::Order(order) => {
                self.start.give_up();
                self.order(order, &settings).await
            }
        };
        tell(done, answer);
    }

    /// Gives the head an order that stores nothing.
    async fn order(&mut self, order: Order, settings: &Settings) -> Result<(), Failure> {
        let place = match order {
            Order::GoTo(preset) => self.find(preset, settings)?,
            Order::Move(_)
            | Order::Step(..)
            | Order::Stop
            | Order::Lens(_)
            | Order::LensStop
            | Order::Scan(_)
            | Order::Aux(..)
            | Order::Patrol(..)
            | Order::Centre
            | Order::SetPreset(_)
            | Order::ClearPreset(_)
            | Order::Output(_)
            | Order::Test => None,
        };
        let order = self.turned(order, settings);
        self.parts.body.order(order, place, &settings.misc).await?;
        self.rest.ordered(order);
        let pictures = &self.parts.head.pictures;
        let place = |preset| settings.presets[index(preset)].place;
        self.shot.ordered(order, |preset| Some(place(preset)).filter(|place| !pictures.has(preset, *place)));
        Ok(())
    }

    /// Finds where a preset is; none where the head knows that itself.
    fn find(&self, preset: Preset, settings: &Settings) -> Result<Option<Pose>, Failure> {
        let place = settings.presets[index(preset)].place;
        match Pose::at(place) {
            _ if self.off => Err(Failure::NotSupported),
            _ if self.parts.body.keeps() => Ok(None),
            Some(pose) => Ok(Some(pose)),
            None => Err(Failure::NotSupported),
        }
    }

    /// Returns an order as the head must have it, for a viewer whose picture may be turned (Q13).
    fn turned(&self, order: Order, settings: &Settings) -> Order {
        let flip = settings.image.flip;
        let upside_down = matches!(flip, Flip::Vertical | Flip::Both);
        let mirrored = matches!(flip, Flip::Mirror | Flip::Both) != (self.parts.directions == Directions::Swapped);
        match order {
            Order::Move(way) => Order::Move(way.turned(upside_down, mirrored)),
            Order::Step(way, degrees) => Order::Step(way.turned(upside_down, mirrored), degrees),
            Order::Stop
            | Order::Lens(_)
            | Order::LensStop
            | Order::Scan(_)
            | Order::Aux(..)
            | Order::Patrol(..)
            | Order::Centre
            | Order::SetPreset(_)
            | Order::GoTo(_)
            | Order::ClearPreset(_)
            | Order::Output(_)
            | Order::Test => order,
        }
    }

    /// Goes to an alarm's preset, and tells what came of it.
    async fn errand(&mut self, preset: u8, errand: &Errand) {
        let settings = self.settings.borrow().clone();
        self.start.give_up();
        let outcome = match Preset::parse(&preset.to_string()) {
            Err(_) => Err(Failure::NotSupported),
            Ok(preset) => self.order(Order::GoTo(preset), &settings).await,
        };
        let outcome = match (outcome, self.parts.body.lost()) {
            (Ok(()), _) => Ok(format!("the head goes to preset {preset}")),
            (Err(Failure::NotSupported), _) if self.off => Err("presets are off: ptz_disable_preset is 1".to_owned()),
            (Err(Failure::NotSupported), _) => Err(format!("preset {preset} is not set")),
            (Err(_), Some(why)) => Err(format!("the head is lost: {why}")),
            (Err(_), None) => Err("the head has too much to do".to_owned()),
        };
        if let Err(why) = &outcome {
            tracing::warn!("an alarm does not move the head: {why}");
        }
        self.parts.errand_counters.done(Link::Preset.word(), outcome.is_ok());
        errand.tell(Link::Preset, outcome);
    }

    /// Keeps where the head is as a preset.
    async fn keep(&mut self, preset: Preset, name: Option<Text<32>>, user: User, done: Done, misc: &Misc) {
        match self.place(Order::SetPreset(preset), misc).await {
            Ok(place) => self.store(preset, Change { name, place: Some(place) }, user, done),
            Err(failure) => tell(done, Err(failure)),
        }
    }

    /// Forgets a preset.
    async fn clear(&mut self, preset: Preset, user: User, done: Done, misc: &Misc) {
        match self.place(Order::ClearPreset(preset), misc).await {
            Ok(_) => {
                let change = Change { name: Some(Text::default()), place: Some(Place::None) };
                self.store(preset, change, user, done);
            }
            Err(failure) => tell(done, Err(failure)),
        }
    }

    /// Names a preset. One that the head keeps itself may have been set by others.
    fn name(&mut self, preset: Preset, name: Text<32>, user: User, done: Done, settings: &Settings) {
        let set = is_set(self.parts.head.kind, settings.presets[index(preset)].place);
        if self.off || !(set || self.parts.body.keeps()) {
            return tell(done, Err(Failure::NotSupported));
        }
        let place = if set { None } else { Some(Place::Head) };
        self.store(preset, Change { name: Some(name), place }, user, done);
    }

    /// Returns where the head is, and has it note that if it keeps its presets itself.
    async fn place(&mut self, order: Order, misc: &Misc) -> Result<Place, Failure> {
        if self.off {
            return Err(Failure::NotSupported);
        }
        if self.parts.body.keeps() {
            self.parts.body.order(order, None, misc).await?;
        }
        self.parts.body.place(misc)
    }

    /// Has a preset changed for whoever wants that, as long as he waits for it.
    fn store(&mut self, preset: Preset, change: Change, user: User, mut done: Done) {
        let (store, pictures) = (self.parts.store.clone(), self.parts.head.pictures.clone());
        self.storing.spawn(async move {
            let place = change.place;
            let draft = move |old: &Settings, _: &_| {
                let mut new = old.clone();
                let kept = &mut new.presets[index(preset)];
                kept.name = change.name.unwrap_or_else(|| kept.name.clone());
                kept.place = place.unwrap_or(kept.place);
                Ok(new)
            };
            let stored = tokio::select! {
                stored = store.change(By::User(&user), draft) => stored,
                () = done.closed() => return Stored::Nothing,
            };
            if let (Ok(()), Some(_)) = (stored, place) {
                // By the settings of that moment: somebody else may have set it again.
                pictures.forget(preset, || store.get().presets[index(preset)].place).await;
            }
            tell(done, stored);
            place.filter(|_| stored.is_ok()).map_or(Stored::Nothing, |place| Stored::Preset(preset, place))
        });
    }

    /// Has it stored where the head rests.
    fn save(&mut self, place: Place) {
        let store = self.parts.store.clone();
        self.storing.spawn(async move { Stored::Rest(store.change(By::Camera, rests(place)).await.is_ok()) });
    }

    /// Has it stored where the head rests, before the camera ends.
    async fn end(mut self) {
        let settings = self.settings.borrow().clone();
        let pose = self.parts.body.pose(&settings.misc);
        if let Some(place) = self.rest.last(pose).filter(|place| *place != settings.head_place) {
            // The end waits no longer than that for all together.
            let _ = timeout(LAST, self.parts.store.change(By::Camera, rests(place))).await;
        }
    }
}

/// What becomes of a preset; none: as before.
struct Change {
    name: Option<Text<32>>,
    place: Option<Place>,
}

/// What was stored.
enum Stored {
    Nothing,
    /// A preset is there now.
    Preset(Preset, Place),
    /// Where the head rests; whether it was.
    Rest(bool),
}

type Done = oneshot::Sender<Result<(), Failure>>;

fn tell(done: Done, answer: Result<(), Failure>) {
    // Whoever asked may have left.
    let _ = done.send(answer);
}

/// Makes the draft in which the head rests at a place; not of a camera that was just reset, which keeps nothing.
fn rests(place: Place) -> impl FnOnce(&Settings, &Rules) -> Result<Settings, Illegal> + Send + 'static {
    move |old, _| {
        let reset = old.users == Settings::factory().users;
        if reset { Err(Illegal) } else { Ok(Settings { head_place: place, ..old.clone() }) }
    }
}

#[cfg(test)]
mod tests;
