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
/// How long the end waits for the head and the settings.
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
    let head = parts.head.clone();
    let mut service = Service::new(parts);
    tokio::select! {
        biased;
        // Also of a head that is just being waited for.
        () = head.ending() => {}
        () = service.heed(&mut orders) => {}
    }
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

    /// Does what is wanted and what is due, for ever. May be cancelled.
    async fn heed(&mut self, orders: &mut mpsc::Receiver<Ordered>) {
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
                // Whoever orders without a pause keeps neither alarms nor what is stored waiting.
                Ok(()) = self.parts.alarm.changed() => {
                    let held = self.parts.alarm.borrow_and_update().is_some();
                    self.parts.body.hold(held);
                }
                Some((preset, errand)) = self.parts.errands.recv() => self.errand(preset, &errand).await,
                Some(stored) = self.storing.join_next() => match stored {
                    Ok(Stored::Preset(preset, place, mark)) => self.shot.wish(preset, place, mark),
                    Ok(Stored::Rest(well)) => self.rest.saved(well),
                    // It was given up.
                    Ok(Stored::Nothing) | Err(_) => {}
                },
                Some(ordered) = orders.recv() => self.ordered(ordered).await,
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
        let Parts { body, head, hub, store, .. } = &mut self.parts;
        head.pictures.follow(|| store.get());
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
        let (pose, moving, patrol) = body.standing(misc);
        let standing =
            Standing { lost: body.lost().is_some(), moving: self.rest.moves(moving), patrol, pose, presets: !self.off };
        head.stands(standing);
        counters.stands(!standing.lost);
        standing
    }

    /// Does what somebody wants.
    async fn ordered(&mut self, Ordered { wish, user, done }: Ordered) {
        // Whoever has given up is not moved for any more; but what is to stop is stopped.
        let stops = matches!(wish, Wish::Order(order) if order.stops());
        if done.is_closed() && !stops {
            return;
        }
        let settings = self.settings.borrow().clone();
        let answer = match wish {
            Wish::Order(Order::SetPreset(preset)) => return self.keep(preset, None, user, done, &settings.misc).await,
            Wish::Keep(preset, name) => return self.keep(preset, name, user, done, &settings.misc).await,
            Wish::Order(Order::ClearPreset(preset)) => return self.clear(preset, user, done, &settings.misc).await,
            Wish::Name(preset, name) => return self.name(preset, name, user, done, &settings),
            Wish::Order(order) => self.command(order, &settings).await,
        };
        tell(done, answer);
    }

    /// Gives the head an order of somebody who says from now on where it goes.
    async fn command(&mut self, order: Order, settings: &Settings) -> Result<(), Failure> {
        let answer = self.order(order, settings).await;
        if !order.stores() && answer != Err(Failure::NotSupported) {
            self.start.give_up();
        }
        answer
    }

    /// Gives the head an order that keeps no preset.
    async fn order(&mut self, order: Order, settings: &Settings) -> Result<(), Failure> {
        let place = if let Order::GoTo(preset) = order { self.find(preset, settings)? } else { None };
        // For a viewer whose picture may be turned (Q13).
        let flip = settings.image.flip;
        let upside_down = matches!(flip, Flip::Vertical | Flip::Both);
        let mirrored = matches!(flip, Flip::Mirror | Flip::Both) != (self.parts.directions == Directions::Swapped);
        let order = order.turned(upside_down, mirrored);
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

    /// Goes to an alarm's preset, and tells what came of it.
    async fn errand(&mut self, preset: u8, errand: &Errand) {
        let settings = self.settings.borrow().clone();
        let outcome = match Preset::parse(&preset.to_string()) {
            Err(_) => Err(Failure::NotSupported),
            Ok(preset) => self.command(Order::GoTo(preset), &settings).await,
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
        match self.place(preset, Order::SetPreset(preset), misc).await {
            Ok(place) => {
                let mark = self.shot.mark(&self.parts.head.standing());
                self.store(preset, Change { name, place: Some(place), mark }, user, done);
            }
            Err(failure) => tell(done, Err(failure)),
        }
    }

    /// Forgets a preset.
    async fn clear(&mut self, preset: Preset, user: User, done: Done, misc: &Misc) {
        match self.place(preset, Order::ClearPreset(preset), misc).await {
            Ok(_) => {
                let change = Change { name: Some(Text::default()), place: Some(Place::None), mark: None };
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
        self.store(preset, Change { name: Some(name), place, mark: None }, user, done);
    }

    /// Returns where the head is, and has it note that if it keeps its presets itself.
    async fn place(&mut self, preset: Preset, order: Order, misc: &Misc) -> Result<Place, Failure> {
        if self.off {
            return Err(Failure::NotSupported);
        }
        if self.parts.body.keeps() {
            self.parts.body.order(order, None, misc).await?;
            // The head has done it, whether or not that can be stored.
            let Parts { store, head, .. } = &self.parts;
            head.pictures.forget(preset, || store.get().presets[index(preset)].place);
        }
        self.parts.body.place(misc)
    }

    /// Has a preset changed for whoever wants that, as long as he waits for it.
    fn store(&mut self, preset: Preset, change: Change, user: User, mut done: Done) {
        let (store, pictures) = (self.parts.store.clone(), self.parts.head.pictures.clone());
        self.storing.spawn(async move {
            let Change { place, mark, .. } = change;
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
                pictures.forget(preset, || store.get().presets[index(preset)].place);
            }
            tell(done, stored);
            place.filter(|_| stored.is_ok()).map_or(Stored::Nothing, |place| Stored::Preset(preset, place, mark))
        });
    }

    /// Has it stored where the head rests.
    fn save(&mut self, place: Place) {
        let store = self.parts.store.clone();
        self.storing.spawn(async move { Stored::Rest(store.change(By::Camera, rests(place)).await.is_ok()) });
    }

    /// Stops a head that would go on without the camera, and has it stored where it rests.
    async fn end(mut self) {
        let settings = self.settings.borrow().clone();
        let last = async {
            let Parts { body, store, .. } = &mut self.parts;
            body.end(&settings.misc).await;
            let pose = body.pose(&settings.misc);
            if let Some(place) = self.rest.last(pose).filter(|place| *place != settings.head_place) {
                let _ = store.change(By::Camera, rests(place)).await;
            }
        };
        // The end waits no longer than that for all together.
        let _ = timeout(LAST, last).await;
    }
}

/// What becomes of a preset; none: as before.
struct Change {
    name: Option<Text<32>>,
    place: Option<Place>,
    /// Where the head rested then.
    mark: Option<u64>,
}

/// What was stored.
enum Stored {
    Nothing,
    /// A preset is there now, and where the head rested when it was kept.
    Preset(Preset, Place, Option<u64>),
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
