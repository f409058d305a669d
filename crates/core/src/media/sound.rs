//! Sound: what a microphone hands over, laid on one even track of 8000 samples a second, and how loud it is.
//!
//! The bargain: sample `n` of a [`Track`] was captured `n / 8000` seconds after its beginning, on the monotonic clock that
//! also stamps the pictures. A microphone's clock that runs fast or slow, one that was lost, samples that came twice: all
//! of that is put right here, once, so that whoever takes blocks need only count them (ADR 0019).

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use self::input::Input;

mod input;

/// Samples a second of the track, of one channel: what these cameras send (PROFILE 5.3).
pub const RATE: u32 = 8000;
/// Samples of a block: what one block of IMA ADPCM holds, 63.125 ms.
pub const BLOCK: usize = 505;

/// Samples of which the level is told: 100 ms.
const METERED: u64 = RATE as u64 / 10;
/// Samples that wait to be taken, at most: 10.1 s, whole blocks and whole levels.
const MOST: u64 = 80_800;
/// What a sample is a share of.
const FULL: f32 = 32_768.0;
/// Rates that are believed, in samples a second.
pub const RATES: RangeInclusive<u32> = 4000..=384_000;
/// Numbers of channels that are believed.
pub const CHANNELS: RangeInclusive<u16> = 1..=32;
/// How much of one piece of sound is taken, in tenths of a second.
const LONGEST: usize = 100;
/// How far off a piece of sound must be, in samples, for a gap or a jump: 80 ms. What is less is the jitter of whoever
/// hands it over, or a clock that runs off.
const JUMP: f64 = 640.0;

/// What a microphone hands over: a piece of sound as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
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

/// Says what comes from a microphone, such as `48000 Hz, 2 channels`.
pub fn rate_and_channels(rate: u32, channels: u16) -> String {
    format!("{rate} Hz, {channels} channel{}", if channels == 1 { "" } else { "s" })
}

/// Returns a share of full scale in decibels below it, but of silence −120.
pub fn dbfs(share: f32) -> f32 {
    20.0 * share.max(1e-6).log10()
}

/// An even track of samples.
#[derive(Debug)]
pub struct Track {
    begin: Instant,
    /// Samples before `waiting`, whole blocks.
    taken: u64,
    waiting: VecDeque<i16>,
    meter: Meter,
    /// What was heard last, if no silence was laid behind it.
    input: Option<Input>,
}

impl Track {
    /// Begins a track.
    pub fn new(begin: Instant) -> Self {
        Self { begin, taken: 0, waiting: VecDeque::new(), meter: Meter::default(), input: None }
    }

    /// Lays what was heard on the track: resampled, and with silence before it where there is a gap. What the track has
    /// already, it does not get twice. `now` is when it was handed over: nothing was captured later.
    ///
    /// Takes [`RATES`], [`CHANNELS`] and 10 s at once; anything else is not heard.
    pub fn feed(&mut self, heard: &Chunk, now: Instant) {
        let Chunk { captured, rate, channels, ref samples } = *heard;
        if !RATES.contains(&rate) || !CHANNELS.contains(&channels) {
            return;
        }
        let captured = self.place(captured.min(now));
        let frames = rate as usize / 10;
        for (piece, samples) in samples.chunks(frames * usize::from(channels)).take(LONGEST).enumerate() {
            let after = (piece * frames) as f64 * f64::from(RATE) / f64::from(rate);
            self.lay_heard(samples, channels, rate, captured + after);
        }
    }

    /// Lays silence on the track up to a moment, as far as there is nothing yet. What the microphone hands over later of
    /// the time before is dropped: `until` is now, less what a microphone may take to hand over its sound.
    pub fn fill(&mut self, until: Instant) {
        let until = self.place(until);
        if self.heard_until().is_none_or(|heard| heard < until) {
            self.end_input();
            self.lay_silence(until);
        }
    }

    /// Cuts off the next block, if it is whole.
    pub fn cut(&mut self) -> Option<Block> {
        if self.waiting.len() < BLOCK {
            return None;
        }
        let samples = self.waiting.drain(..BLOCK).collect();
        let nanos = self.taken % u64::from(RATE) * (1_000_000_000 / u64::from(RATE));
        let captured = self.begin + Duration::from_secs(self.taken / u64::from(RATE)) + Duration::from_nanos(nanos);
        let number = self.taken / BLOCK as u64;
        self.taken += BLOCK as u64;
        Some(Block { number, captured, samples })
    }

    /// Takes how loud the next 100 ms were, also of silence; there may be several at once, or none.
    pub fn level(&mut self) -> Option<Level> {
        self.meter.levels.pop_front()
    }

    /// Says where on the track a moment is, in samples, also before its beginning.
    fn place(&self, moment: Instant) -> f64 {
        let after = moment.saturating_duration_since(self.begin).as_secs_f64();
        let before = self.begin.saturating_duration_since(moment).as_secs_f64();
        (after - before) * f64::from(RATE)
    }

    /// Where the track's next sample goes.
    fn end(&self) -> u64 {
        self.taken + self.waiting.len() as u64
    }

    /// Where the microphone's next frame goes, if it goes on.
    fn heard_until(&self) -> Option<f64> {
        self.input.as_ref().map(|input| self.end() as f64 + input.ahead())
    }

    /// Lays at most 100 ms of sound on the track, which were captured from `place` on.
    fn lay_heard(&mut self, samples: &[i16], channels: u16, rate: u32, place: f64) {
        let late = self.heard_until().map_or(0.0, |until| place - until);
        let frames = samples.chunks_exact(usize::from(channels));
        let goes_on = self.input.take_if(|input| input.rate == rate && late.abs() < JUMP);
        let mut input = match goes_on {
            Some(mut input) => {
                input.follow(late / f64::from(RATE), frames.len() as f64 / f64::from(rate));
                input
            }
            None => {
                self.end_input();
                // The sinc reaches into the silence before.
                self.lay_silence(place - input::REACH as f64);
                Input::new(rate, place - self.end() as f64)
            }
        };
        input.extend(frames.map(|frame| {
            let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
            sum as f32 / f32::from(channels)
        }));
        self.lay_input(&mut input);
        self.input = Some(input);
    }

    /// Lays what can be read of a microphone's sound.
    fn lay_input(&mut self, input: &mut Input) {
        while let Some(sample) = input.read() {
            self.lay(sample);
        }
        input.trim();
    }

    /// Lays the rest of a microphone's sound, behind which there is silence.
    fn end_input(&mut self) {
        if let Some(mut input) = self.input.take() {
            input.end();
            self.lay_input(&mut input);
        }
    }

    /// Lays silence up to a place. Of a long one only the end: it takes the place of all that waits.
    fn lay_silence(&mut self, until: f64) {
        let silent = (until.max(0.0) as u64).saturating_sub(self.end());
        let skipped = silent - silent % MOST;
        if skipped > 0 {
            self.waiting.iter_mut().for_each(|sample| *sample = 0);
            self.taken += skipped;
        }
        (skipped..silent).for_each(|_| self.lay(0));
    }

    fn lay(&mut self, sample: i16) {
        if self.waiting.len() as u64 == MOST {
            self.waiting.drain(..BLOCK);
            self.taken += BLOCK as u64;
        }
        self.waiting.push_back(sample);
        self.meter.feed(sample);
    }
}

/// Tells how loud each 100 ms are.
#[derive(Debug, Default)]
struct Meter {
    count: u64,
    squares: f64,
    peak: u16,
    levels: VecDeque<Level>,
}

impl Meter {
    fn feed(&mut self, sample: i16) {
        self.count += 1;
        self.squares += f64::from(sample).powi(2);
        self.peak = self.peak.max(sample.unsigned_abs());
        if self.count == METERED {
            let rms = (self.squares / METERED as f64).sqrt() as f32;
            self.levels.push_back(Level { rms: rms / FULL, peak: f32::from(self.peak) / FULL });
            (self.count, self.squares, self.peak) = (0, 0.0, 0);
            if self.levels.len() as u64 > MOST / METERED {
                self.levels.pop_front();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "times are relative to a beginning that a test may take from the clock")]
mod tests;
