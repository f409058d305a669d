//! One microphone's sound, read at any moment: resampling to the track's rate, and following the microphone's clock.
//!
//! A sample of the track is read from between the microphone's frames by a windowed sinc, which stands on the moment that
//! is read: so there is no delay to make up for, and rates need not fit each other in any way. Where the microphone has
//! the higher rate, the sinc is as much wider, and keeps out what the track cannot hold.
//!
//! A microphone's clock is not the computer's. When it is found to run off, frames are read a little faster or slower,
//! by so little and changing so slowly that nobody hears it, until they are in step again.

use std::{
    f64::consts::{PI, TAU},
    sync::LazyLock,
};

use super::RATE;

/// How far the sinc reaches to either side, in samples of the lower of the two rates: 2.5 ms.
pub(super) const REACH: usize = 20;
/// What passes, as a share of what the lower rate can hold: half of it is left at 3600 Hz.
const PASS: f64 = 0.9;
/// Points of the sinc's table for each sample that it reaches; between them it is a straight line.
const POINTS: usize = 256;

/// Half of the sinc under a Blackman window.
static SINC: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let point = |at: usize| {
        let x = at as f64 / POINTS as f64;
        let sinc = if at == 0 { PASS } else { (PI * PASS * x).sin() / (PI * x) };
        let turn = TAU * x / (2 * REACH) as f64;
        (sinc * (0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())) as f32
    };
    // A point more, and another for what rounds up to it.
    (0..REACH * POINTS + 2).map(|at| if at < REACH * POINTS { point(at) } else { 0.0 }).collect()
});

/// What a microphone has handed over without a gap, as far as it is still needed.
#[derive(Debug)]
pub(super) struct Input {
    /// Frames a second.
    pub rate: u32,
    /// The frames, mixed down.
    frames: Vec<f32>,
    /// Where in `frames` the next sample of the track lies; it may be far behind them.
    at: f64,
    clock: Clock,
}

impl Input {
    /// Begins with a frame that lies so many samples of the track, also less than none, after the next one that is read.
    pub fn new(rate: u32, after: f64) -> Self {
        let mut input = Self { rate, frames: Vec::new(), at: 0.0, clock: Clock::default() };
        let before = (input.reach() + (after * input.step()).max(0.0)).ceil();
        input.frames.resize(before as usize, 0.0);
        input.at = before - after * input.step();
        input
    }

    /// Says how many samples of the track there are until the frame that comes next.
    pub fn ahead(&self) -> f64 {
        (self.frames.len() as f64 - self.at) / self.step()
    }

    /// Notes that frames of `length` seconds that come now were captured `late` seconds later than was thought.
    pub fn follow(&mut self, late: f64, length: f64) {
        self.clock.follow(late, length);
    }

    /// Takes frames.
    pub fn extend(&mut self, frames: impl IntoIterator<Item = f32>) {
        self.frames.extend(frames);
    }

    /// Takes as much silence as lets everything before it be read.
    pub fn end(&mut self) {
        let length = self.frames.len() + self.reach().ceil() as usize;
        self.frames.resize(length, 0.0);
    }

    /// Reads the track's next sample, if all frames are there on which it stands.
    pub fn read(&mut self) -> Option<i16> {
        let reach = self.reach();
        if self.at + reach >= self.frames.len() as f64 {
            return None;
        }
        let first = (self.at - reach).ceil().max(0.0) as usize;
        let last = (self.at + reach).floor() as usize;
        // Points of the table from one frame to the next.
        let apart = (REACH as f64 * POINTS as f64 / reach) as f32;
        let mut point = (first as f64 - self.at) as f32 * apart;
        let (table, mut sum) = (SINC.as_slice(), 0.0);
        for frame in &self.frames[first..=last] {
            let (before, between) = (point.abs() as usize, point.abs().fract());
            if let Some([a, b]) = table.get(before..before + 2) {
                sum += frame * (a + (b - a) * between);
            }
            point += apart;
        }
        self.at += self.step();
        Some((sum * (apart / POINTS as f32)).round() as i16)
    }

    /// Lets go of what is not needed any more.
    pub fn trim(&mut self) {
        let past = ((self.at - self.reach()).floor().max(0.0) as usize).min(self.frames.len());
        self.frames.drain(..past);
        self.at -= past as f64;
    }

    /// Frames from one sample of the track to the next.
    fn step(&self) -> f64 {
        f64::from(self.rate) / f64::from(RATE) / (1.0 + self.clock.slower)
    }

    /// How many frames the sinc reaches to either side.
    fn reach(&self) -> f64 {
        REACH as f64 * self.step().max(1.0)
    }
}

/// How much slower than it says a microphone runs.
///
/// What it is late by is smoothed first: pipes hand over at any time. Then it is a control loop of the second order:
/// half a minute after a microphone was plugged in whose clock is 500 millionths off, it is in step, and it was never 3 ms
/// out of it.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// How late it is, smoothed, in seconds.
    late: f64,
    /// The part of `slower` that stays when it is late no more.
    steady: f64,
    /// How much longer than it says a frame takes, as a share.
    slower: f64,
}

impl Clock {
    /// Over how many seconds lateness is smoothed.
    const SMOOTH_S: f64 = 1.0;
    /// In how many seconds it is made up for.
    const CATCH_UP_S: f64 = 5.0;
    /// How much it can be slower or faster: a sixth of a semitone.
    const MOST: f64 = 0.01;

    fn follow(&mut self, late: f64, length: f64) {
        self.late += (late - self.late) * length / (Self::SMOOTH_S + length);
        let catch_up = self.late / Self::CATCH_UP_S;
        self.steady = (self.steady + catch_up * length / (4.0 * Self::CATCH_UP_S)).clamp(-Self::MOST, Self::MOST);
        self.slower = (self.steady + catch_up).clamp(-Self::MOST, Self::MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_hours_a_clock_is_followed_within_3_ms_and_a_very_bad_one_within_17() {
        for (drift, most) in [(500e-6, 0.003), (-500e-6, 0.003), (0.004, 0.017)] {
            let (mut clock, mut late) = (Clock::default(), 0.0_f64);
            for piece in 0..3 * 3600 * 50 {
                late += 0.02 * (drift - clock.slower);
                clock.follow(late, 0.02);
                let most = if piece < 120 * 50 { most } else { 0.000_1 };
                assert!(late.abs() < most, "after {} s it is {late} s late", piece / 50);
            }
        }
    }

    #[test]
    fn jitter_moves_no_tone_by_more_than_the_300th_part_of_a_semitone_at_once() {
        let mut clock = Clock::default();
        for piece in 0..3000 {
            let before = clock.slower;
            clock.follow(if piece * 7919 % 11 < 5 { 0.02 } else { -0.02 }, 0.02);
            assert!((clock.slower - before).abs() < 200e-6, "{before}, then {}", clock.slower);
        }
    }

    #[test]
    fn a_clock_is_not_followed_beyond_what_may_be_heard() {
        let mut clock = Clock::default();
        for late in [f64::from(u32::MAX), -1e9, 0.08, 1e300] {
            clock.follow(late, 0.1);
            assert!(clock.slower.abs() <= Clock::MOST && clock.steady.abs() <= Clock::MOST);
        }
    }
}
