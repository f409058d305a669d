//! Which part of the source's picture viewers see: a digital head, as the capture service and the head's service share it.
//!
//! ```text
//!   head's service ── orders ──▶ Past ◀── the moment of capture ── capture service
//!                                  │
//!                                pose ──▶ Window ──▶ every picture
//! ```
//! Bargains: what is seen of a picture is decided by the moment of its capture, so that a movement is as smooth and as fast as
//! it was ordered, however late pictures come ([ADR 0030](../../../docs/adr/0030-digital-head-on-the-capture-clock.md)).
//! Poses are places of the source's picture as it is before anything is flipped. A pose that sees all of a picture in its own
//! size leaves it untouched.

mod past;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lookout_core::{
    media::{
        frame::Size,
        window::{self, Window},
    },
    profile::settings::Settings,
    ptz::{Axis, NotSupported, Order, Pose, mover::Body},
};
use tokio::sync::{Notify, watch};

use self::past::{Past, Word};
use crate::config::{Config, HeadKind};

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
    past: Past,
    /// The pictures it is made for, none before the first: their size and that of their MCUs.
    pictures: Option<(Size, Size)>,
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
    /// if the head is another. It goes by the settings of the moment.
    pub fn new(config: &Config, settings: watch::Receiver<Arc<Settings>>, now: Instant) -> Option<Self> {
        let known = settings.borrow().clone();
        let wish = Wish { rested: Pose::at(known.head_place), ..Wish::of(config) };
        let body = wish.body(config.source.size, Size::new(2, 2));
        let past = Past::new(body, wish.start(&body, config.source.size), known, now);
        let state = Mutex::new(State { past, pictures: None, rest: None, view: 0 });
        (config.ptz.head == HeadKind::Digital).then(|| Self { wish, settings, state, fitted: Notify::new() })
    }

    /// Returns what is seen of a picture of this size and these MCUs, captured at a moment.
    pub fn sight(&self, picture: Size, mcu: Size, captured: Instant) -> Sight {
        let settings = self.settings.borrow().clone();
        let mut state = self.state();
        if state.pictures.replace((picture, mcu)) != Some((picture, mcu)) {
            let body = self.wish.body(picture, mcu);
            state.past.fit(body, self.wish.start(&body, picture), captured);
            state.rest = None;
            self.fitted.notify_one();
            if let Some(words) = self.wish.too_large(picture) {
                tracing::warn!("{words}");
            }
        }
        let (mover, pose) = state.past.at(&settings, captured);
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

    /// Takes an order; see [`Mover::order`](lookout_core::ptz::mover::Mover::order).
    ///
    /// # Errors
    /// As there.
    pub fn order(&self, order: Order, place: Option<Pose>, now: Instant) -> Result<(), NotSupported> {
        let settings = self.settings.borrow().clone();
        let mut state = self.state();
        state.past.at(&settings, now).0.order(order, place, &settings.misc, now)?;
        state.past.tell(Word::Order(order, place), now);
        Ok(())
    }

    /// Lets a patrol rest while `held`.
    pub fn hold(&self, held: bool, now: Instant) {
        self.state().past.tell(Word::Hold(held), now);
    }

    /// Returns where it is, whether it moves, and which patrol goes on or rests for a while.
    pub fn standing(&self, now: Instant) -> (Pose, bool, Option<Axis>) {
        let settings = self.settings.borrow().clone();
        let (mover, pose) = self.state().past.at(&settings, now);
        (pose, mover.moving(), mover.patrol())
    }

    /// Says when it is to be looked at; see [`Mover::due`](lookout_core::ptz::mover::Mover::due).
    pub fn due(&self, now: Instant) -> Option<Duration> {
        let settings = self.settings.borrow().clone();
        let (mover, _) = self.state().past.at(&settings, now);
        mover.due(&settings.misc, now)
    }

    /// Waits until pictures of another kind may have put it elsewhere, or have since the last time. May be cancelled.
    pub async fn fitted(&self) {
        self.fitted.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    let large = Wish::of(config).too_large(picture).map(|words| format!("; {words}")).unwrap_or_default();
    format!("digital, viewers see {} of {picture}, zoom 1 to {zoom} times{large}", reach.view)
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

    /// Says so if viewers see more pixels than the picture has, even of the whole: that costs a lot and shows nothing more.
    fn too_large(&self, picture: Size) -> Option<String> {
        let Reach { view, sharp, .. } = self.reach(picture);
        let much = sharp * self.magnify < 1.0;
        much.then(|| format!("ptz.view = \"{view}\" makes pictures of {picture} larger than ptz.magnify says"))
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
