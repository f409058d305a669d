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
/// Rates that are believed.
const RATES: RangeInclusive<u32> = 4000..=384_000;
/// Numbers of channels that are believed.
const CHANNELS: RangeInclusive<u16> = 1..=32;
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
    /// Takes 4 to 384 kHz, 1 to 32 channels and 10 s at once; anything else is not heard.
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
mod tests {
    use std::{f64::consts::TAU, sync::LazyLock};

    use proptest::prelude::*;

    use super::*;

    static BEGIN: LazyLock<Instant> = LazyLock::new(|| Instant::now() + Duration::from_secs(10_000));

    fn at(seconds: f64) -> Instant {
        if seconds < 0.0 {
            *BEGIN - Duration::from_secs_f64(-seconds)
        } else {
            *BEGIN + Duration::from_secs_f64(seconds)
        }
    }

    /// What a microphone hands over of a sound from `begin` to `end`, in seconds.
    fn heard(rate: u32, channels: u16, begin: f64, end: f64, sound: impl Fn(f64) -> f64) -> Chunk {
        let frames = ((end - begin) * f64::from(rate)).round() as usize;
        let frame = |n: usize| sound(begin + n as f64 / f64::from(rate)).round() as i16;
        let samples = (0..frames).flat_map(|n| std::iter::repeat_n(frame(n), channels.into())).collect();
        Chunk { captured: at(begin), rate, channels, samples }
    }

    /// All whole blocks of a track, behind which a second of silence was laid.
    fn take(mut track: Track) -> Vec<i16> {
        track.fill(*BEGIN + Duration::from_millis((track.end() / 8 + 1000) / 1000 * 1000));
        cut(&mut track)
    }

    fn cut(track: &mut Track) -> Vec<i16> {
        std::iter::from_fn(|| track.cut()).flat_map(|block| block.samples).collect()
    }

    fn tone(hertz: f64) -> impl Fn(f64) -> f64 {
        move |seconds| 10_000.0 * (TAU * hertz * seconds).sin()
    }

    /// A click of 2 ms, whose middle is at a moment.
    fn click(middle: f64) -> impl Fn(f64) -> f64 {
        move |seconds| {
            let turn = (seconds - middle) / 0.002;
            if turn.abs() < 0.5 { 10_000.0 * (1.0 + (TAU * turn).cos()) } else { 0.0 }
        }
    }

    /// Where the middle of a click lies, in seconds.
    fn middle(samples: &[i16]) -> f64 {
        let (mut weight, mut moment) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let energy = f64::from(*sample).powi(2);
            (weight, moment) = (weight + energy, moment + energy * n as f64);
        }
        moment / weight / f64::from(RATE)
    }

    fn rms(samples: &[i16]) -> f64 {
        (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    /// How much of a tone comes through, in dB.
    fn passes(rate: u32, hertz: f64) -> f64 {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(rate, 1, 0.0, 0.3, tone(hertz)), at(0.3));
        let sounds = &cut(&mut track)[200..1800];
        20.0 * (rms(sounds) / (10_000.0 / 2_f64.sqrt())).log10()
    }

    #[test]
    fn a_click_lies_where_it_was_captured_whatever_the_rate() {
        for rate in [4000, 8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 384_000] {
            for (channels, begin, place) in [(1, 0.0, 0.15), (2, 0.1234, 0.25004), (5, 0.2, 0.2031)] {
                let mut track = Track::new(*BEGIN);
                for piece in 0..5 {
                    let begin = begin + 0.04 * f64::from(piece);
                    track.feed(&heard(rate, channels, begin, begin + 0.04, click(place)), at(begin + 0.04));
                }
                let found = middle(&take(track));
                assert!((found - place).abs() < 0.000_1, "{rate} Hz: the click of {place} is at {found}");
            }
        }
    }

    #[test]
    fn voices_come_through_and_what_the_track_cannot_hold_does_not() {
        for rate in [8000, 11_025, 16_000, 44_100, 48_000, 192_000] {
            for hertz in [50.0, 1000.0, 3000.0] {
                let passed = passes(rate, hertz);
                assert!(passed.abs() < 0.5, "{hertz} Hz of {rate} Hz: {passed} dB");
            }
        }
        for (rate, hertz) in
            [(48_000, 6000.0), (48_000, 4500.0), (44_100, 7000.0), (16_000, 5000.0), (96_000, 40_000.0)]
        {
            let passed = passes(rate, hertz);
            assert!(passed < -50.0, "{hertz} Hz of {rate} Hz: {passed} dB");
        }
    }

    #[test]
    fn channels_are_mixed_down_without_overflow() {
        let mut track = Track::new(*BEGIN);
        let frame = [i16::MAX; 31].into_iter().chain([i16::MIN]);
        let samples = frame.cycle().take(32 * 800).collect();
        track.feed(&Chunk { captured: *BEGIN, rate: 8000, channels: 32, samples }, at(0.1));
        let sample = track.cut().unwrap().samples[400];
        assert!((30_700..30_740).contains(&sample), "{sample}");
    }

    #[test]
    fn what_is_louder_than_full_scale_is_clipped() {
        let mut track = Track::new(*BEGIN);
        let square = |seconds: f64| if seconds * 300.0 % 1.0 < 0.5 { 32_767.0 } else { -32_768.0 };
        track.feed(&heard(48_000, 1, 0.0, 0.2, square), at(0.2));
        let samples = cut(&mut track);
        assert!(samples.contains(&i16::MAX) && samples.contains(&i16::MIN));
        assert!(samples.windows(3).all(|near| near[1] > -30_000 || near[0] < 0 || near[2] < 0), "it wraps around");
    }

    #[test]
    fn it_does_not_matter_how_sound_is_cut_into_pieces() {
        let mut whole = Track::new(*BEGIN);
        whole.feed(&heard(44_100, 1, 0.0, 3.0, tone(440.0)), at(3.0));
        let mut pieces = Track::new(*BEGIN);
        let all = heard(44_100, 1, 0.0, 3.0, tone(440.0)).samples;
        let (mut from, mut length) = (0, 1);
        while from < all.len() {
            let samples = all[from..(from + length).min(all.len())].to_vec();
            let captured = at(from as f64 / 44_100.0);
            (from, length) = (from + length, (length * 7 + 3) % 4099);
            pieces.feed(&Chunk { captured, rate: 44_100, channels: 1, samples }, at(3.0));
        }
        let (whole, pieces) = (cut(&mut whole), cut(&mut pieces));
        assert_eq!(whole.len(), pieces.len());
        let off = whole.iter().zip(&pieces).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(1), "{off:?}");
    }

    /// Feeds a click each second through a microphone whose clock runs off by `drift`, and that hands pieces of 20 ms over
    /// up to `jitter` seconds too early or late. Returns how far off each click is, in seconds.
    fn run_off(rate: u32, drift: f64, jitter: f64, seconds: usize) -> Vec<f64> {
        let mut track = Track::new(*BEGIN);
        let (mut samples, mut random) = (Vec::new(), 1_u32);
        let length = rate as usize / 50;
        for piece in 0..seconds * 50 {
            // The frames come so much slower than they should.
            let time = |frame: usize| (piece * length + frame) as f64 * (1.0 + drift) / f64::from(rate);
            let sample = |frame| click((time(frame) - 0.5).round() + 0.5)(time(frame)) as i16;
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let late = jitter * (f64::from(random >> 16) / 32_768.0 - 1.0);
            let samples_heard = (0..length).map(sample).collect();
            let heard = Chunk { captured: at(time(0) + late), rate, channels: 1, samples: samples_heard };
            track.feed(&heard, at(seconds as f64));
            samples.extend(cut(&mut track));
        }
        samples.chunks_exact(8000).map(|second| middle(second) - 0.5).collect()
    }

    #[test]
    fn a_microphone_whose_clock_runs_off_is_followed() {
        for drift in [500e-6, -500e-6] {
            let off = run_off(8000, drift, 0.0, 40);
            assert!(off.iter().all(|off| off.abs() < 0.003), "{off:?}");
            assert!(off[35..].iter().all(|off| off.abs() < 0.000_5), "{off:?}");
        }
    }

    #[test]
    fn a_microphone_that_hands_over_early_and_late_is_followed() {
        let off = run_off(8000, 300e-6, 0.02, 40);
        assert!(off[20..].iter().all(|off| off.abs() < 0.005), "{off:?}");
    }

    #[test]
    fn nobody_hears_that_a_clock_is_followed() {
        let mut track = Track::new(*BEGIN);
        let mut samples = Vec::new();
        for piece in 0..500 {
            let begin = 0.02 * f64::from(piece);
            let mut heard = heard(16_000, 1, begin, begin + 0.02, tone(440.0));
            heard.captured = at(begin * 1.000_5 + if piece % 2 == 0 { 0.0 } else { 0.02 });
            track.feed(&heard, at(20.0));
            samples.extend(cut(&mut track));
        }
        // A tone is bent as much everywhere; a click would stand out.
        let most = 10_000.0 * (TAU * 440.0 / f64::from(RATE)).powi(2);
        let bent = samples.windows(3).map(|near| 2 * i32::from(near[1]) - i32::from(near[0]) - i32::from(near[2]));
        let bent = bent.skip(40).map(i32::abs).max().unwrap();
        assert!(f64::from(bent) < 1.02 * most + 2.0, "{bent}, and {most} without");
    }

    #[test]
    fn a_gap_is_silence_and_what_follows_lies_right() {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(16_000, 1, 0.0, 0.1, tone(500.0)), at(0.1));
        track.feed(&heard(16_000, 1, 0.3, 0.4, tone(500.0)), at(0.4));
        let samples = take(track);
        assert!(rms(&samples[40..760]) > 7000.0 && rms(&samples[2440..3160]) > 7000.0);
        assert!(samples[830..2370].iter().all(|sample| *sample == 0));
        for (n, sample) in (2440..3160).map(|n| (n, f64::from(samples[n]))) {
            let wanted = tone(500.0)(n as f64 / 8000.0);
            assert!((sample - wanted).abs() < 50.0, "sample {n} is {sample}, not {wanted}");
        }
    }

    #[test]
    fn what_comes_twice_is_laid_once() {
        let mut once = Track::new(*BEGIN);
        let mut twice = Track::new(*BEGIN);
        for piece in 0..5 {
            let begin = 0.1 * f64::from(piece);
            let heard = heard(8000, 1, begin, begin + 0.1, tone(440.0));
            once.feed(&heard, at(1.0));
            twice.feed(&heard, at(1.0));
            twice.feed(&heard, at(1.0));
        }
        let (once, twice) = (take(once), take(twice));
        assert_eq!(once.len(), twice.len());
        // Where it was begun anew, the sinc reaches into silence.
        assert!((rms(&once) - rms(&twice)).abs() < 100.0, "{} and {}", rms(&once), rms(&twice));
    }

    #[test]
    fn a_jump_is_one_jump() {
        let mut track = Track::new(*BEGIN);
        for piece in 0..40 {
            let begin = 0.02 * f64::from(piece);
            let mut heard = heard(8000, 1, begin, begin + 0.02, |_| 1000.0);
            if piece >= 20 {
                heard.captured += Duration::from_millis(200);
            }
            track.feed(&heard, at(10.0));
        }
        let samples = cut(&mut track);
        let silent: Vec<usize> = (100..samples.len()).filter(|n| samples[*n] == 0).collect();
        assert!((1500..1600).contains(&silent.len()), "{}", silent.len());
        assert!(silent.iter().all(|n| (3200..4800).contains(n)), "{silent:?}");
    }

    #[test]
    fn a_rate_may_change_midway() {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(48_000, 2, 0.0, 0.2, tone(440.0)), at(0.2));
        track.feed(&heard(11_025, 1, 0.2, 0.4, tone(440.0)), at(0.4));
        let samples = take(track);
        for n in (40..1560).chain(1640..3160) {
            let wanted = tone(440.0)(n as f64 / 8000.0);
            assert!((f64::from(samples[n]) - wanted).abs() < 50.0, "sample {n} is {}, not {wanted}", samples[n]);
        }
    }

    #[test]
    fn silence_goes_on_and_sound_that_comes_too_late_is_dropped() {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(8000, 1, 0.0, 0.1, |_| 1000.0), at(0.1));
        track.fill(at(0.05));
        track.fill(at(0.5));
        track.feed(&heard(8000, 1, 0.1, 0.6, |_| 1000.0), at(0.6));
        let samples = take(track);
        assert!(samples[100..780].iter().all(|sample| sample.abs_diff(1000) < 20));
        assert!(samples[830..4000].iter().all(|sample| *sample == 0));
        assert!(samples[4030..4780].iter().all(|sample| sample.abs_diff(1000) < 20));
    }

    #[test]
    fn silence_is_laid_where_there_is_nothing_and_nowhere_else() {
        let [mut filled, mut left] = [(); 2].map(|()| Track::new(*BEGIN));
        for piece in 0..20 {
            let begin = 0.02 * f64::from(piece);
            let heard = heard(44_100, 1, begin, begin + 0.02, tone(440.0));
            left.feed(&heard, at(begin + 0.02));
            filled.feed(&heard, at(begin + 0.02));
            filled.fill(at(begin + 0.01));
        }
        assert!(take(filled) == take(left));
    }

    #[test]
    fn what_was_captured_before_the_track_begins_is_not_on_it() {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(16_000, 1, -0.2, 0.2, click(0.1)), at(0.2));
        let found = middle(&take(track));
        assert!((found - 0.1).abs() < 0.000_1, "{found}");
    }

    #[test]
    fn an_hour_of_silence_is_soon_laid_and_its_blocks_are_counted() {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(8000, 1, 0.0, 0.1, |_| 1000.0), at(0.1));
        track.fill(at(3600.0));
        let blocks: Vec<Block> = std::iter::from_fn(|| track.cut()).collect();
        let last = blocks.last().unwrap();
        assert_eq!((blocks.len(), last.number), (69, 57_028));
        assert_eq!(last.captured, *BEGIN + Duration::from_micros(57_028 * 63_125));
        assert!(blocks.iter().all(|block| block.samples == [0; BLOCK]));
        let levels: Vec<Level> = std::iter::from_fn(|| track.level()).collect();
        assert!(levels.len() == 44 && levels[2..].iter().all(|level| *level == Level::default()), "{levels:?}");
    }

    #[test]
    fn it_is_told_how_loud_each_tenth_of_a_second_is() {
        let mut track = Track::new(*BEGIN);
        track.feed(&heard(8000, 1, 0.0, 0.25, tone(500.0)), at(0.25));
        let level = track.level().unwrap();
        assert!((level.rms - 0.2158).abs() < 0.001 && (level.peak - 0.305).abs() < 0.01, "{level:?}");
        assert!(track.level().is_some() && track.level().is_none());
        track.fill(at(0.4));
        assert!(track.level().unwrap().rms > 0.1);
        assert_eq!((track.level(), track.level()), (Some(Level::default()), None));
    }

    #[test]
    fn a_microphone_that_lies_is_not_believed() {
        let mut track = Track::new(*BEGIN);
        let samples = vec![1000; 800];
        for (rate, channels) in
            [(0, 1), (3999, 1), (384_001, 1), (u32::MAX, 1), (8000, 0), (8000, 33), (8000, u16::MAX)]
        {
            track.feed(&Chunk { captured: *BEGIN, rate, channels, samples: samples.clone() }, at(1.0));
        }
        assert!(track.cut().is_none(), "nothing of it was heard");
        track.feed(&Chunk { captured: at(1e9), rate: 8000, channels: 1, samples: samples.clone() }, at(1.0));
        track.feed(&Chunk { captured: at(-5000.0), rate: 8000, channels: 1, samples: samples.clone() }, at(1.2));
        track.feed(&Chunk { captured: at(1.2), rate: 8000, channels: 1, samples }, at(1.3));
        let heard = cut(&mut track);
        assert!(rms(&heard[8040..8760]) > 900.0 && rms(&heard[9640..]) > 900.0, "and it is heard again");
    }

    #[test]
    fn of_sound_without_an_end_ten_seconds_are_taken() {
        let mut track = Track::new(*BEGIN);
        track.feed(&Chunk { captured: *BEGIN, rate: 4000, channels: 1, samples: vec![1000; 10_000_000] }, at(1.0));
        assert!(track.end() <= 80_000, "{}", track.end());
        for _ in 0..3 {
            track.feed(&Chunk { captured: at(5.0), rate: 4000, channels: 1, samples: vec![1000; 40_000] }, at(5.0));
        }
        let blocks = std::iter::from_fn(|| track.cut()).count();
        assert!((159..=160).contains(&blocks), "{blocks}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_a_microphone_says_blocks_lie_in_their_places(
            heard in proptest::collection::vec((
                prop_oneof![-1e6..1e6, -1.0..5.0, Just(1e10)],
                prop_oneof![any::<u32>(), 3990..400_000_u32, Just(8000)],
                0..40_u16,
                0..3000_usize,
                prop_oneof![Just(0.0), 0.0..1e6, 0.0..5.0],
            ), 1..12),
        ) {
            let mut track = Track::new(*BEGIN);
            let mut next = 0;
            for (captured, rate, channels, length, now) in heard {
                let now = at(now);
                let samples = (0..length).map(|n| (n * 7919) as i16).collect();
                track.feed(&Chunk { captured: at(f64::max(captured, -9000.0)), rate, channels, samples }, now);
                track.fill(now);
                prop_assert!(track.waiting.len() as u64 <= MOST && track.meter.levels.len() <= 101);
                while let Some(block) = track.cut() {
                    prop_assert!(block.number >= next && block.samples.len() == BLOCK);
                    prop_assert_eq!(block.captured, *BEGIN + Duration::from_micros(63_125) * block.number as u32);
                    next = block.number + 1;
                }
                prop_assert!(track.end() as f64 >= (now - *BEGIN).as_secs_f64() * 8000.0 - 50.0);
            }
        }
    }
}
