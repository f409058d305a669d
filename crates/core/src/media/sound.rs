//! Sound: what a microphone hands over, laid on one even track of 8000 samples a second, and how loud it is.
//!
//! The bargain: sample `n` of a [`Track`] was captured `n / 8000` seconds after its beginning, on the monotonic clock that
//! also stamps the pictures. A microphone's clock that runs fast or slow, one that was lost, samples that came twice: all
//! of that is put right here, once, so that whoever takes blocks need only count them.

use std::time::{Duration, Instant};

/// Samples a second of the track, of one channel: what these cameras send (PROFILE 5.3).
pub const RATE: u32 = 8000;
/// Samples of a block: what one block of IMA ADPCM holds, 63.125 ms.
pub const BLOCK: usize = 505;

/// What a microphone hands over: a piece of sound as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When the first sample was captured, on the monotonic clock.
    pub captured: Instant,
    /// Samples a second and channel.
    pub rate: u32,
    /// How many channels lie interleaved in `samples`.
    pub channels: u16,
    /// The samples.
    pub samples: Vec<i16>,
}

/// A piece of the track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Counts the blocks of a track, from 0. Numbers are missing where blocks were not taken in time, or a gap was longer
    /// than the track holds.
    pub number: u64,
    /// When the first sample was captured.
    pub captured: Instant,
    /// [`BLOCK`] samples.
    pub samples: Vec<i16>,
}

/// How loud 100 ms of sound were, as shares of full scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Root mean square, 0 to 1.
    pub rms: f32,
    /// The farthest sample from zero, 0 to 1.
    pub peak: f32,
}

/// Returns a share of full scale in decibels below it, but of silence −120.
pub fn dbfs(share: f32) -> f32 {
    20.0 * share.max(1e-6).log10()
}

/// An even track of samples.
#[derive(Debug)]
pub struct Track {
    begin: Instant,
    /// Samples before `waiting`.
    taken: u64,
    waiting: Vec<i16>,
    level: Option<Level>,
}

impl Track {
    /// Begins a track.
    pub fn new(begin: Instant) -> Self {
        Self { begin, taken: 0, waiting: Vec::new(), level: None }
    }

    /// Lays what was heard on the track: resampled, and with silence before it where there is a gap. What the track has
    /// already, it does not get twice. `now` is when it was handed over: nothing was captured later.
    pub fn feed(&mut self, heard: &Heard, now: Instant) {
        self.fill(heard.captured.min(now));
        let channels = usize::from(heard.channels.max(1));
        let step = (heard.rate / RATE).max(1) as usize;
        self.waiting.extend(heard.samples.iter().step_by(channels * step));
    }

    /// Lays silence on the track up to a moment, as far as there is nothing yet. What the microphone hands over later of
    /// the time before is dropped: `until` is now, less what a microphone may take to hand over its sound.
    pub fn fill(&mut self, until: Instant) {
        let due = until.saturating_duration_since(self.begin).as_micros() * u128::from(RATE) / 1_000_000;
        let silent = due.saturating_sub(u128::from(self.taken) + self.waiting.len() as u128);
        self.waiting.resize(self.waiting.len() + silent as usize, 0);
    }

    /// Cuts off the next block, if it is whole.
    pub fn cut(&mut self) -> Option<Block> {
        if self.waiting.len() < BLOCK {
            return None;
        }
        let rest = self.waiting.split_off(BLOCK);
        let samples = std::mem::replace(&mut self.waiting, rest);
        let captured = self.begin + Duration::from_micros(self.taken * 1_000_000 / u64::from(RATE));
        let number = self.taken / BLOCK as u64;
        self.taken += BLOCK as u64;
        Some(Block { number, captured, samples })
    }

    /// Takes how loud the next 100 ms were, also of silence; there may be several at once, or none.
    pub fn level(&mut self) -> Option<Level> {
        self.level.take()
    }
}
