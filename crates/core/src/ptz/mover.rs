//! A head that knows where it is: it starts, moves, slows down and stops on the spot, as a function of time
//! ([ADR 0028](../../../../docs/adr/0028-paths-in-closed-form.md), Q66).
//!
//! ```text
//!              move, zoom                            stop, end of travel, 60 s
//!            ┌────────────▶ Moving ── slows down, settles on the grid ─────────┐
//!            │ step                                               there        │
//!   Resting ─┼────────────▶ Stepping ──────────────────────────────────────────┼─▶ Resting
//!    ▲       │ preset, centre, test                               there        │
//!    │       ├────────────▶ Going ────────────────────────────────────────────┘
//!    │       │ patrol; its interval is over; 10 s are over, or the alarm is
//!    │       └────────────▶ Patrolling ─┬─ move, step, preset …: goes there, and the patrol waits ─┐
//!    │                                  ├─ an alarm: stops, and the patrol waits ──────────────────┤
//!    └── rounds done, stop, off, no room┘                  Resting, with a patrol that waits ◀─────┘
//! ```
//! Every state can be left for every other by an order; what moves then slows down first, or bends into the new movement.
//!
//! Bargains: where it is does not depend on who asks how often. Asking costs a few steps, however much time has passed: of rounds
//! that are all the same the last alone is gone through. It is never outside the world, and where it rests is a place that a
//! preset can tell.

mod course;
mod orders;
mod path;
mod patrol;
mod steer;
#[cfg(test)]
mod tests;
mod travel;

use std::time::{Duration, Instant};

use self::{
    path::Path,
    patrol::{Patrol, index},
    travel::{PAN, Place, TILT, ZOOM},
};
use super::{Axis, Lens, NotSupported, Order, Pose, Way};
use crate::profile::settings::Misc;

/// So long after somebody has moved the head a patrol goes on.
pub const RESUME: Duration = Duration::from_secs(10);
/// So often a movement looks anew at what is seen while the zoom changes it.
const LOOK: Duration = Duration::from_millis(20);
/// So near is there.
const THERE: f64 = 1e-9;

/// What a head is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// How often what is seen at the widest is doubled in size at the nearest: log2 of the zoom; 0: no zoom.
    pub octaves: f64,
    /// The share of the world that is seen at the widest, across and down. A window cannot leave its picture: its middle keeps
    /// half of what is seen away from the edges. 0 for a device, whose middle may go anywhere.
    pub seen: (f64, f64),
    /// The whole world in degrees, across and down. 0: nothing moves that way, such as of a camera that has a zoom alone; it
    /// is at 0.5 there, and an order that way alone is not supported.
    pub degrees: (f64, f64),
    /// Where the centre is, across and down: in the middle of a picture, (0.5, 0.5); where a device has its own, whose ways
    /// up and down are seldom as long as each other.
    pub centre: (f64, f64),
    /// Where a window may rest: multiples of these shares of the world, for its left and its upper edge. 0: anywhere.
    pub grid: (f64, f64),
    /// Where it is cheaper to rest, of the same kind, at zoom `blocks_zoom` alone: a movement that somebody stops ends there.
    pub blocks: (f64, f64),
    /// The zoom at which `blocks` count.
    pub blocks_zoom: f64,
}

/// A head that moves.
#[derive(Clone, Debug)]
pub struct Mover {
    body: Body,
    /// What was said last of the speeds and patrols.
    misc: Misc,
    /// Until when everything has happened.
    at: Instant,
    paths: [Path; 3],
    doing: Doing,
    /// The patrol, also while it rests for a while.
    patrol: Option<Patrol>,
    held: bool,
    /// When the last order came.
    ordered: Instant,
    /// When it came to rest.
    rested: Instant,
    /// When a movement looked last at what is seen.
    looked: Instant,
    /// Where it rests, or would if its body let it.
    wish: Place,
    /// When and where a patrol began that may be repeated, if nothing has disturbed it since.
    began: Option<(Instant, Place, Patrol)>,
    /// How many things have happened by themselves.
    #[cfg(test)]
    happened: usize,
}

/// What it does.
#[derive(Clone, Debug)]
enum Doing {
    Resting,
    /// What somebody has ordered until he stops it; neither, once it is stopped.
    Moving {
        way: Option<Way>,
        tele: Option<bool>,
    },
    Stepping,
    /// Goes to these places, the last first.
    Going(Vec<Place>),
    Patrolling,
}

impl Mover {
    /// Makes it, resting at a pose, or as near to it as it can be.
    pub fn new(body: Body, pose: Pose, now: Instant) -> Self {
        let body = body.checked();
        let wish = [pose.pan, pose.tilt, pose.zoom];
        Self {
            body,
            misc: Misc::default(),
            at: now,
            paths: body.rest(wish).map(|place| Path::rest(place, now)),
            doing: Doing::Resting,
            patrol: None,
            held: false,
            ordered: now,
            rested: now,
            looked: now,
            wish,
            began: None,
            #[cfg(test)]
            happened: 0,
        }
    }

    /// Changes what the head is like, such as when the source has another size; it stays where it is, as near as it can.
    pub fn set_body(&mut self, body: Body, now: Instant) {
        let body = body.checked();
        if body == self.body {
            return;
        }
        self.advance(now);
        self.disturb();
        let place = if matches!(self.doing, Doing::Resting) { self.wish } else { self.place() };
        self.body = body;
        self.paths = body.rest(place).map(|place| Path::rest(place, self.at));
        self.steer(true);
        self.advance(now);
    }

    /// Takes an order, whose way is the world's own. `place` is where the preset of [`Order::GoTo`] is.
    ///
    /// # Errors
    /// This kind of head does not know it, or there is no such preset. Setting and clearing presets is not its business.
    pub fn order(&mut self, order: Order, place: Option<Pose>, misc: &Misc, now: Instant) -> Result<(), NotSupported> {
        self.pose(misc, now);
        let body = self.body;
        let can = |way: Way| (way.right() != 0 && body.has(PAN)) || (way.down() != 0 && body.has(TILT));
        let centre = || {
            let place = self.place();
            [body.middle(PAN), body.middle(TILT), place[ZOOM]]
        };
        match order {
            Order::Move(way) if can(way) => self.go_on(|moving| moving.0 = Some(way)),
            Order::Lens(lens @ (Lens::ZoomWide | Lens::ZoomTele)) if body.has(ZOOM) => {
                self.go_on(|moving| moving.1 = Some(lens == Lens::ZoomTele));
            }
            Order::LensStop if body.has(ZOOM) => self.stop_lens(),
            Order::Step(way, degrees) if can(way) => self.step(way, degrees.map(|degrees| degrees.get())),
            Order::Stop => self.stop(),
            Order::GoTo(_) => {
                let pose = place.ok_or(NotSupported)?;
                self.go(vec![[pose.pan, pose.tilt, pose.zoom]]);
            }
            Order::Centre if body.has(PAN) || body.has(TILT) => self.go(vec![centre()]),
            Order::Test if body.has(PAN) || body.has(TILT) => {
                let [pan, tilt, zoom] = centre();
                self.go(vec![
                    [pan, tilt, zoom],
                    [pan, 1.0, zoom],
                    [pan, 0.0, zoom],
                    [1.0, tilt, zoom],
                    [0.0, tilt, zoom],
                ]);
            }
            Order::Patrol(axis, true) if body.has(index(axis)) => self.begin_patrol(axis),
            Order::Patrol(axis, false) if body.has(index(axis)) => self.end_patrol(axis),
            Order::Move(_)
            | Order::Lens(_)
            | Order::LensStop
            | Order::Step(..)
            | Order::Centre
            | Order::Test
            | Order::Patrol(..)
            | Order::Scan(_)
            | Order::Aux(..)
            | Order::SetPreset(_)
            | Order::ClearPreset(_)
            | Order::Output(_) => return Err(NotSupported),
        }
        self.disturb();
        self.ordered = self.at;
        self.advance(now);
        Ok(())
    }

    /// Lets a patrol rest while `held`, as while there is an alarm.
    pub fn hold(&mut self, held: bool, now: Instant) {
        self.advance(now);
        if self.held == held {
            return;
        }
        self.held = held;
        self.disturb();
        if held && matches!(self.doing, Doing::Patrolling) {
            self.halt();
        }
        self.advance(now);
    }

    /// Returns where it is at a moment. Time only goes forward: an earlier moment is the last one that was asked for.
    pub fn pose(&mut self, misc: &Misc, now: Instant) -> Pose {
        self.advance(now);
        if *misc != self.misc {
            self.misc.clone_from(misc);
            self.disturb();
            self.steer(false);
            self.advance(now);
        }
        let [pan, tilt, zoom] = self.place();
        Pose { pan, tilt, zoom }
    }

    /// Says how long from `now` nothing happens that must be looked at by [`Mover::pose`]: while it rests, until an automatic
    /// patrol begins or goes on; while it moves, [`Duration::ZERO`].
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        if self.moving() {
            return Some(Duration::ZERO);
        }
        self.next(misc).map(|next| next.saturating_duration_since(now))
    }

    /// Says whether it moves.
    pub fn moving(&self) -> bool {
        !matches!(self.doing, Doing::Resting)
    }

    /// Returns which patrol goes on or rests for a while.
    pub fn patrol(&self) -> Option<Axis> {
        self.patrol.as_ref().map(|patrol| patrol.axis)
    }
}
