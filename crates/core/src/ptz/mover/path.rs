//! How one axis gets from where it is to where it rests: it gains speed, keeps it, and loses it again just in time.
//!
//! ```text
//!   speed      gains   keeps    loses
//!               ┌───────────────┐
//!             ╱                   ╲
//!    first ─╱                       ╲
//!                                     ╲── at rest, exactly there
//! ```

use std::time::{Duration, Instant};

/// A path of one axis: a function of time. Lengths are of any unit, times in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    begin: Instant,
    lasts: Duration,
    from: f64,
    to: f64,
    /// The speed at the beginning.
    first: f64,
    /// The speed that is kept.
    kept: f64,
    /// How long speed is gained, kept and lost.
    times: [f64; 3],
}

/// How fast an axis may go, and how fast it may get faster and slower: both over 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    pub(super) top: f64,
    pub(super) gain: f64,
}

impl Path {
    /// Rests.
    pub(super) const fn rest(at: f64, now: Instant) -> Self {
        Self { begin: now, lasts: Duration::ZERO, from: at, to: at, first: 0.0, kept: 0.0, times: [0.0; 3] }
    }

    /// Goes on from a place at a speed, and comes to rest at another as soon as the pace allows. If it is too fast to stop there
    /// it comes back; if it is faster than the pace it slows down first.
    pub(super) fn to(now: Instant, from: f64, speed: f64, to: f64, pace: Pace) -> Self {
        let Pace { top, gain } = pace;
        let way = if to >= stops(from, speed, gain) { 1.0 } else { -1.0 };
        let (length, first) = ((to - from) * way, speed * way);
        // The highest speed from which it can still stop in time, had it no limit.
        let kept = (gain * length + first * first / 2.0).max(0.0).sqrt().min(top);
        let gaining = if first > kept { (first - kept) / gain } else { (kept - first) / gain };
        let losing = kept / gain;
        let left = length - (first + kept) / 2.0 * gaining - kept / 2.0 * losing;
        let keeping = if kept > 0.0 { (left / kept).max(0.0) } else { 0.0 };
        Self::of(now, (from, to), (speed, kept * way), [gaining, keeping, losing])
    }

    /// Loses all speed.
    pub(super) fn brake(now: Instant, from: f64, speed: f64, gain: f64) -> Self {
        Self::of(now, (from, stops(from, speed, gain)), (speed, speed), [0.0, 0.0, speed.abs() / gain])
    }

    /// Returns the same path in time, between two other places.
    pub(super) fn between(&self, from: f64, to: f64) -> Self {
        if from == to {
            return Self::rest(to, self.begin);
        }
        let times = (to - from) / (self.to - self.from);
        Self { from, to, first: self.first * times, kept: self.kept * times, ..*self }
    }

    fn of(begin: Instant, (from, to): (f64, f64), (first, kept): (f64, f64), times: [f64; 3]) -> Self {
        let lasts = Duration::try_from_secs_f64(times.iter().sum()).unwrap_or_default();
        Self { begin, lasts, from, to, first, kept, times }
    }

    /// Returns where it is at a moment, and how fast.
    pub(super) fn at(&self, now: Instant) -> (f64, f64) {
        let gone = now.saturating_duration_since(self.begin);
        if gone >= self.lasts {
            return (self.to, 0.0);
        }
        let [gaining, keeping, losing] = self.times;
        let gone = gone.as_secs_f64();
        if gone < gaining {
            let gained = (self.kept - self.first) * gone / gaining;
            (self.from + (self.first + gained / 2.0) * gone, self.first + gained)
        } else if gone < gaining + keeping {
            let before = self.from + (self.first + self.kept) / 2.0 * gaining;
            (before + self.kept * (gone - gaining), self.kept)
        } else {
            // From its end, so that it arrives.
            let left = (gaining + keeping + losing - gone).clamp(0.0, losing);
            let speed = self.kept * left / losing;
            (self.to - speed * left / 2.0, speed)
        }
    }

    /// Returns where it ends.
    pub(super) const fn end(&self) -> f64 {
        self.to
    }

    /// Returns when it ends.
    pub(super) fn ends(&self) -> Instant {
        self.begin + self.lasts
    }
}

/// Returns where something stops that begins to stop now.
pub(super) fn stops(from: f64, speed: f64, gain: f64) -> f64 {
    from + speed * speed.abs() / (2.0 * gain)
}
