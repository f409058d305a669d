//! A head that knows where it is: it starts, moves, slows down and stops on the spot, as a function of time.
//!
//! ```text
//!            move, step, preset, centre, test          stop, end of travel, there, 60 s
//!   Resting ─────────────────────────────────▶ Moving ────────────────────────────────▶ Resting
//!      │  ▲                                      │ ▲
//!      │  └────────── rounds done, off, stop     │ └─ move …: the patrol pauses, and goes on later
//!      └───▶ Patrolling ◀────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use super::{Axis, NotSupported, Order, Pose};
use crate::profile::settings::Misc;

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
    /// Where it is cheaper to rest, of the same kind, at zoom `grid_zoom` alone: a movement that somebody stops ends there.
    pub blocks: (f64, f64),
    /// The zoom at which `blocks` count.
    pub blocks_zoom: f64,
}

/// A head that moves.
#[derive(Clone, Debug)]
pub struct Mover {
    body: Body,
    pose: Pose,
}

impl Mover {
    /// Makes it, resting at a pose, or as near to it as it can be.
    pub fn new(body: Body, pose: Pose, now: Instant) -> Self {
        let _ = now;
        Self { body, pose }
    }

    /// Changes what the head is like, such as when the source has another size; it stays where it is, as near as it can.
    pub fn set_body(&mut self, body: Body, now: Instant) {
        let _ = now;
        self.body = body;
    }

    /// Takes an order, whose way is the world's own. `place` is where the preset of [`Order::GoTo`] is.
    ///
    /// # Errors
    /// This kind of head does not know it, or there is no such preset. Setting and clearing presets is not its business.
    pub fn order(&mut self, order: Order, place: Option<Pose>, misc: &Misc, now: Instant) -> Result<(), NotSupported> {
        let _ = (order, place, misc, now);
        Err(NotSupported)
    }

    /// Lets a patrol rest while `held`, as while there is an alarm.
    pub fn hold(&mut self, held: bool, now: Instant) {
        let _ = (held, now);
    }

    /// Returns where it is at a moment. Time only goes forward: an earlier moment is the last one that was asked for.
    pub fn pose(&mut self, misc: &Misc, now: Instant) -> Pose {
        let _ = (misc, now);
        self.pose
    }

    /// Says how long from `now` nothing happens that must be looked at by [`Mover::pose`]: while it rests, until an automatic
    /// patrol begins or goes on; while it moves, [`Duration::ZERO`].
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        let _ = (misc, now);
        None
    }

    /// Says whether it moves.
    pub fn moving(&self) -> bool {
        false
    }

    /// Returns which patrol goes on or rests for a while.
    pub fn patrol(&self) -> Option<Axis> {
        None
    }
}
