use std::{f64::consts::TAU, sync::LazyLock};

use proptest::prelude::*;

use super::*;

static BEGIN: LazyLock<Instant> = LazyLock::new(|| Instant::now() + Duration::from_secs(10_000));

fn at(seconds: f64) -> Instant {
    if seconds < 0.0 { *BEGIN - Duration::from_secs_f64(-seconds) } else { *BEGIN + Duration::from_secs_f64(seconds) }
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
    for (rate, hertz) in [(48_000, 6000.0), (48_000, 4500.0), (44_100, 7000.0), (16_000, 5000.0), (96_000, 40_000.0)] {
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
    for (rate, channels) in [(0, 1), (3999, 1), (384_001, 1), (u32::MAX, 1), (8000, 0), (8000, 33), (8000, u16::MAX)] {
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
