//! A patrol: from end to end of one axis, round after round, and back to where it began.
//!
//! ```text
//!            ┌────────── rounds left ───────────┐
//!            ▼                                  │
//!   Begin ──▶ First (left, top) ──▶ Second (right, bottom) ── none left ──▶ Home ──▶ over, or the other axis
//! ```

use std::time::Instant;

use super::travel::{PAN, TILT};
use crate::{
    profile::settings::{Misc, PatrolType},
    ptz::Axis,
};

/// A patrol that goes on or rests for a while.
#[derive(Clone, Debug)]
pub(super) struct Patrol {
    /// Along what it goes now.
    pub(super) axis: Axis,
    /// Whether the other axis has its turn when this one is through.
    both: bool,
    leg: Leg,
    /// How many rounds it has gone along this axis.
    done: u32,
    /// Where on this axis it began.
    home: f64,
    /// Whether it rests because somebody moved the head.
    pub(super) by_hand: bool,
    /// When it was at its first end, if nothing has disturbed it since.
    pub(super) turned: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leg {
    Begin,
    First,
    Second,
    Home,
}

/// Where a patrol goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// To the left or upper end.
    Least,
    /// To the right or lower end.
    Most,
    /// To a place.
    At(f64),
}

impl Patrol {
    /// Makes it, not yet begun.
    pub(super) const fn new(axis: Axis, both: bool) -> Self {
        Self { axis, both, leg: Leg::Begin, done: 0, home: 0.0, by_hand: false, turned: None }
    }

    /// Makes an automatic one.
    pub(super) const fn automatic(kind: PatrolType) -> Option<Self> {
        match kind {
            PatrolType::None => None,
            PatrolType::Horizontal => Some(Self::new(Axis::Horizontal, false)),
            PatrolType::Vertical => Some(Self::new(Axis::Vertical, false)),
            PatrolType::Both => Some(Self::new(Axis::Horizontal, true)),
        }
    }

    /// Says whether it is one along a single axis.
    pub(super) fn is(&self, axis: Axis) -> bool {
        !self.both && self.axis == axis
    }

    /// Says whether an order that concerns an axis concerns it.
    pub(super) fn includes(&self, axis: Axis) -> bool {
        self.both || self.axis == axis
    }

    /// Says whether it can go anywhere, where there is room along some axes.
    pub(super) fn has_room(&self, room: [bool; 2]) -> bool {
        Axis::ALL.iter().any(|axis| self.includes(*axis) && room[index(*axis)])
    }

    /// Says whether it goes where another one goes.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.axis, self.both) == (other.axis, other.both)
    }

    /// Says whether it is at its very beginning.
    pub(super) fn begins(&self) -> bool {
        self.leg == Leg::Begin && (!self.both || self.axis == Axis::Horizontal)
    }

    /// Returns where it goes now; nowhere before it has begun.
    pub(super) const fn goal(&self) -> Option<Goal> {
        match self.leg {
            Leg::Begin => None,
            Leg::First => Some(Goal::Least),
            Leg::Second => Some(Goal::Most),
            Leg::Home => Some(Goal::At(self.home)),
        }
    }

    /// Is where it went, and goes on to its next goal; says whether it is not over.
    pub(super) fn next(&mut self, place: [f64; 2], room: [bool; 2], misc: &Misc) -> bool {
        let axis = index(self.axis);
        match self.leg {
            Leg::Begin if room[axis] => (self.home, self.done, self.leg) = (place[axis], 0, Leg::First),
            Leg::First if room[axis] => self.leg = Leg::Second,
            Leg::Second if room[axis] => {
                self.done = self.done.saturating_add(1);
                self.leg = if self.left(misc) == Some(0) { Leg::Home } else { Leg::First };
            }
            Leg::Begin | Leg::First | Leg::Second | Leg::Home => {
                let endless = misc.patrol_h_rounds.get() == 0 || misc.patrol_v_rounds.get() == 0;
                let more = self.both && (self.axis == Axis::Horizontal || endless) && self.has_room(room);
                if more {
                    (self.axis, self.leg, self.turned) = (self.axis.other(), Leg::Begin, None);
                }
                return more;
            }
        }
        true
    }

    /// Returns how many rounds are left of those along this axis, the one that goes on included; none: it is endless.
    pub(super) fn left(&self, misc: &Misc) -> Option<u32> {
        let rounds = match self.axis {
            Axis::Horizontal => misc.patrol_h_rounds,
            Axis::Vertical => misc.patrol_v_rounds,
        };
        match rounds.get().unsigned_abs() {
            0 if self.both => Some(1_u32.saturating_sub(self.done)),
            0 => None,
            rounds => Some(rounds.saturating_sub(self.done)),
        }
    }

    /// Has gone a number of rounds.
    pub(super) fn went(&mut self, rounds: u32) {
        self.done = self.done.saturating_add(rounds);
    }
}

/// Returns the axis of a place that an axis is.
pub(super) const fn index(axis: Axis) -> usize {
    match axis {
        Axis::Horizontal => PAN,
        Axis::Vertical => TILT,
    }
}
