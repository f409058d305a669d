//! Which part of the source's picture viewers see: a digital head, as the capture service and the head's service share it.
//!
//! ```text
//!   head's service ── orders ──▶ Mover ◀── the moment of capture ── capture service
//!                                  │
//!                                pose ──▶ Window ──▶ every picture
//! ```
//! Bargains: what is seen of a picture is decided by the moment of its capture, so that a movement is as smooth and as fast as
//! it was ordered, however late pictures come ([ADR 0030](../../../docs/adr/0030-digital-head-on-the-capture-clock.md)).
//! Poses are places of the source's picture as it is before anything is flipped. A pose that sees all of a picture in its own
//! size leaves it untouched.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lookout_core::{
    media::{
        frame::Size,
        window::{self, Window},
    },
    profile::settings::{Misc, Settings},
    ptz::{
        Axis, NotSupported, Order, Pose,
        mover::{Body, Mover},
    },
};
use tokio::sync::{Notify, watch};

use crate::config::{Config, HeadKind};

/// So much later than a picture was captured it is not expected to come any more.
const LATE: Duration = Duration::from_secs(1);
/// So many orders may come between a picture's capture and its arrival.
const ORDERS: usize = 8;

/// The digital head.
#[derive(Debug)]
pub struct Framing {
    wish: Wish,
    settings: watch::Receiver<Arc<Settings>>,
    state: Mutex<State>,
    /// Rung when the pictures are of another kind.
    fitted: Notify,
}

/// What the machine's operator wants of it.
#[derive(Clone, Copy, Debug)]
struct Wish {
    /// The size that viewers see; none: that of the picture.
    view: Option<Size>,
    /// Pixels of the view to one of the picture, at most.
    magnify: f64,
    /// The zoom at the start; none: pixels one by one.
    zoom: Option<f64>,
    /// What the whole picture shows across.
    field_deg: f64,
    /// Where it rested when the camera ended, if it has been told.
    rested: Option<Pose>,
}

#[derive(Debug)]
struct State {
    mover: Mover,
    /// As it was when somebody other than a picture last asked.
    now: Mover,
    /// As it was until each of the last orders came, for pictures that were captured before that and come after it.
    before: VecDeque<(Instant, Mover)>,
    /// The pictures it is made for, none before the first: their size and that of their MCUs.
    pictures: Option<(Size, Size)>,
    /// What was ordered last before the first picture.
    early: Option<(Order, Option<Pose>)>,
    /// Where it last rested; none when the pictures have changed since.
    rest: Option<Pose>,
    /// Counts where it has rested.
    view: u64,
}

/// What is seen of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// Which part of it.
    pub window: Window,
    /// Which view that is, counted; none while the head moves.
    pub view: Option<u64>,
}

impl Framing {
    /// Makes it, resting where it last did, or first in the middle of a picture, of which only the wished size is known; none
    /// if the head is another.
    pub fn new(config: &Config, settings: watch::Receiver<Arc<Settings>>, now: Instant) -> Option<Self> {
        let wish = Wish { rested: Pose::at(settings.borrow().head_place), ..Wish::of(config) };
        let body = wish.body(config.source.size, Size::new(2, 2));
        let mover = Mover::new(body, wish.start(&body, config.source.size), now);
        let state = State {
            now: mover.clone(),
            mover,
            before: VecDeque::new(),
            pictures: None,
            early: None,
            rest: None,
            view: 0,
        };
        (config.ptz.head == HeadKind::Digital).then(|| Self {
            wish,
            settings,
            state: Mutex::new(state),
            fitted: Notify::new(),
        })
    }

    /// Returns what is seen of a picture of this size and these MCUs, captured at a moment.
    pub fn sight(&self, picture: Size, mcu: Size, captured: Instant) -> Sight {
        let settings = self.settings.borrow().clone();
        let mut state = self.state();
        self.fit(&mut state, picture, mcu, captured, &settings.misc);
        while state.before.front().is_some_and(|(ordered, _)| *ordered <= captured) {
            state.before.pop_front();
        }
        let state = &mut *state;
        let mover = state.before.front_mut().map_or(&mut state.mover, |(_, before)| before);
        let pose = mover.pose(&settings.misc, captured);
        let moving = mover.moving();
        if !moving && state.rest != Some(pose) {
            (state.rest, state.view) = (Some(pose), state.view + 1);
        }
        let reach = self.wish.reach(picture);
        let share = reach.most.powf(-pose.zoom);
        let window = Window { x: pose.pan, y: pose.tilt, share, view: reach.view };
        Sight { window, view: (!moving).then_some(state.view) }
    }

    /// Says whether pictures leave untouched at a moment, if they are as the last one was.
    pub fn sees_all(&self, captured: Instant) -> bool {
        let pictures = self.state().pictures;
        pictures.is_some_and(|(size, mcu)| self.sight(size, mcu, captured).window.crop(size).is_whole(size))
    }

    /// Takes an order; see [`Mover::order`].
    ///
    /// # Errors
    /// As there.
    pub fn order(&self, order: Order, place: Option<Pose>, misc: &Misc, now: Instant) -> Result<(), NotSupported> {
        let mut state = self.state();
        state.tell(now, |mover| mover.order(order, place, misc, now))?;
        if state.pictures.is_none() {
            state.early = Some((order, place));
        }
        Ok(())
    }

    /// See [`Mover::hold`].
    pub fn hold(&self, held: bool, now: Instant) {
        self.state().tell(now, |mover| mover.hold(held, now));
    }

    /// See [`Mover::pose`].
    pub fn pose(&self, misc: &Misc, now: Instant) -> Pose {
        self.ahead(misc, now).pose(misc, now)
    }

    /// See [`Mover::due`].
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        self.ahead(misc, now).due(misc, now)
    }

    /// Says whether it moved when its pose was last asked for; see [`Mover::moving`].
    pub fn moving(&self) -> bool {
        self.state().now.moving()
    }

    /// Returns the patrol that went on when its pose was last asked for; see [`Mover::patrol`].
    pub fn patrol(&self) -> Option<Axis> {
        self.state().now.patrol()
    }

    /// Waits until pictures of another kind may have put it elsewhere, or have since the last time. May be cancelled.
    pub async fn fitted(&self) {
        self.fitted.notified().await;
    }

    /// Returns it as it is at a moment. Pictures may still come that were captured earlier: it goes ahead alone.
    fn ahead(&self, misc: &Misc, now: Instant) -> Mover {
        let mut state = self.state();
        if let Some(late) = now.checked_sub(LATE) {
            state.mover.pose(misc, late);
        }
        state.now = state.mover.clone();
        state.now.pose(misc, now);
        state.now.clone()
    }

    /// Fits it to pictures of another kind. The first ones decide where it begins.
    fn fit(&self, state: &mut State, picture: Size, mcu: Size, captured: Instant, misc: &Misc) {
        if state.pictures == Some((picture, mcu)) {
            return;
        }
        let first = state.pictures.replace((picture, mcu)).is_none();
        let body = self.wish.body(picture, mcu);
        (state.before, state.rest) = (VecDeque::new(), None);
        if first {
            state.mover = Mover::new(body, self.wish.start(&body, picture), captured);
            if let Some((order, place)) = state.early.take() {
                // It was taken once, and what it knows does not depend on the picture.
                let _ = state.mover.order(order, place, misc, captured);
            }
        } else {
            state.mover.set_body(body, captured);
        }
        self.fitted.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells it something; pictures that were captured before are seen as if it were not told.
    fn tell<T>(&mut self, now: Instant, tell: impl FnOnce(&mut Mover) -> T) -> T {
        if self.before.len() == ORDERS {
            self.before.pop_front();
        }
        self.before.push_back((now, self.mover.clone()));
        let told = tell(&mut self.mover);
        self.now = self.mover.clone();
        told
    }
}

/// How far a head can see in a picture.
struct Reach {
    /// The size that viewers see.
    view: Size,
    /// The zoom at which they see its pixels one by one, under 1 where the picture is too small for that.
    sharp: f64,
    /// The nearest zoom, at least 1.
    most: f64,
}

impl Reach {
    /// Returns a zoom as a pose writes it.
    fn pose(&self, zoom: f64) -> f64 {
        if self.most > 1.0 { (zoom.log2() / self.most.log2()).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Says in words what a digital head has to move in pictures of this size, for `lookout check`.
pub fn about(config: &Config, picture: Size) -> String {
    let reach = Wish::of(config).reach(picture);
    let zoom = (reach.most * 10.0).round() / 10.0;
    format!("digital, viewers see {} of {picture}, zoom 1 to {zoom} times", reach.view)
}

impl Wish {
    fn of(config: &Config) -> Self {
        let ptz = &config.ptz;
        Self {
            view: ptz.view,
            magnify: ptz.magnify.into(),
            zoom: ptz.zoom.map(f64::from),
            field_deg: ptz.field_deg.into(),
            rested: None,
        }
    }

    fn reach(&self, picture: Size) -> Reach {
        let view = self.view.unwrap_or(picture);
        let sharp = 1.0 / window::one_to_one(picture, view);
        Reach { view, sharp, most: (sharp * self.magnify).max(1.0) }
    }

    /// Returns where it begins.
    fn start(&self, body: &Body, picture: Size) -> Pose {
        let reach = self.reach(picture);
        let (pan, tilt) = body.centre;
        self.rested.unwrap_or(Pose { pan, tilt, zoom: reach.pose(self.zoom.unwrap_or(reach.sharp)) })
    }

    fn body(&self, picture: Size, mcu: Size) -> Body {
        let reach = self.reach(picture);
        // Where no zoom shows the pixels one by one, nothing is gained by resting on blocks.
        let blocks = if reach.sharp < 1.0 { (0.0, 0.0) } else { window::blocks(picture, mcu) };
        let seen = window::seen(picture, reach.view);
        // The centre is where it is cheap to rest, too: as near to the middle as blocks begin.
        let centre = |seen: f64, block: f64| {
            let seen = seen / reach.sharp;
            if block > 0.0 { ((1.0 - seen) / 2.0 / block).round() * block + seen / 2.0 } else { 0.5 }
        };
        let tall = f64::from(picture.height) / f64::from(picture.width.max(1));
        Body {
            octaves: reach.most.log2(),
            seen,
            degrees: (self.field_deg, self.field_deg * tall),
            centre: (centre(seen.0, blocks.0), centre(seen.1, blocks.1)),
            grid: window::grid(picture),
            blocks,
            blocks_zoom: reach.pose(reach.sharp),
        }
    }
}

#[cfg(test)]
mod tests;
