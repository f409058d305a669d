use std::fmt::Write as _;

use super::{super::sound::RATE, *};

/// The documented figures.
const DOCUMENT: &str = include_str!("../../../../../docs/sound-alarm.md");
/// Samples of a window.
const WINDOW: usize = RATE as usize / 10;
const SECOND: usize = RATE as usize;
const DEFAULT: u8 = 5;

/// Noise that is the same each time.
struct Noise {
    state: u32,
    low: f32,
    lower: f32,
}

impl Noise {
    fn new() -> Self {
        Self { state: 0x9e37_79b9, low: 0.0, lower: 0.0 }
    }

    /// The next sample of white noise, -1 to 1.
    fn white(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state as f32 / (u32::MAX / 2) as f32 - 1.0
    }

    /// The next sample of noise below about 150 Hz, with root mean square about that of `white`.
    fn dull(&mut self) -> f32 {
        self.low += (self.white() - self.low) * 0.11;
        self.low * 4.0
    }

    /// The next sample of noise below about 10 Hz and its harmonics: wind in the microphone.
    fn wind(&mut self) -> f32 {
        self.lower += (self.dull() - self.lower) * 0.008;
        self.lower * 8.0
    }
}

fn share(dbfs: f32) -> f32 {
    10_f32.powf(dbfs / 20.0)
}

/// Root mean square of white noise from -1 to 1.
const WHITE: f32 = 0.577;

fn wave(at: usize, hz: f32) -> f32 {
    (at as f32 / RATE as f32 * hz * std::f32::consts::TAU).sin()
}

/// Sounds that go on and are no alarm, each with its loudness in dBFS and sample by sample.
type Going = (&'static str, f32, fn(&mut Noise, usize) -> f32);
const GOING: [Going; 5] = [
    ("a quiet room", -60.0, |noise, _| noise.white() / WHITE),
    ("a fan", -40.0, |noise, at| noise.dull() + 0.5 * wave(at, 100.0)),
    ("rain on a roof", -35.0, |noise, at| {
        // A drop now and then.
        let drop = if at % 977 < 40 { 2.0 } else { 1.0 };
        noise.white() / WHITE * drop
    }),
    ("traffic far away", -45.0, |noise, at| noise.dull() * (1.0 + 0.5 * wave(at, 0.05))),
    // A gust every few seconds, four times as loud as the lull before it.
    ("wind in the microphone", -40.0, |noise, at| noise.wind() * (1.0 + 0.6 * wave(at, 0.13) * wave(at, 0.031))),
];

/// Sounds that are alarms, from their beginning on, with a peak of about 1.
type Event = (&'static str, usize, fn(&mut Noise, usize) -> f32);
const EVENTS: [Event; 4] = [
    ("a bang", 2400, |noise, at| noise.white() * (-(at as f32) / 160.0).exp()),
    ("breaking glass", 4000, |noise, at| {
        let ring = wave(at, 2900.0) + wave(at, 3470.0) + noise.white();
        ring / 3.0 * (-(at as f32) / 480.0).exp()
    }),
    ("a knock at the door", 1600, |noise, at| (noise.white() + wave(at, 180.0)) / 2.0 * (-(at as f32) / 60.0).exp()),
    ("a voice", SECOND, |noise, at| {
        // Syllables, four a second, of 140 Hz and its harmonics.
        let syllable = wave(at, 4.0).max(0.0);
        let voice: f32 = (1..=12_u8).map(|n| wave(at, 140.0 * f32::from(n)) / f32::from(n)).sum();
        syllable * (voice / 2.0 + 0.05 * noise.white())
    }),
];

/// Listens to samples; gives what is said of each window.
fn judged(samples: impl Iterator<Item = f32>, sensitivities: &[u8], mut judge: impl FnMut(u8, Verdict)) {
    let mut ears: Vec<_> = sensitivities.iter().map(|sensitivity| (*sensitivity, Ear::default())).collect();
    let (mut squares, mut peak, mut count) = (0.0_f32, 0.0_f32, 0);
    for sample in samples {
        let sample = sample.clamp(-1.0, 1.0);
        (squares, peak, count) = (squares + sample * sample, peak.max(sample.abs()), count + 1);
        if count == WINDOW {
            let level = Level { rms: (squares / WINDOW as f32).sqrt(), peak };
            for (sensitivity, ear) in &mut ears {
                judge(*sensitivity, ear.hear(level, *sensitivity).verdict);
            }
            (squares, peak, count) = (0.0, 0.0, 0);
        }
    }
}

/// Says whether an event with a peak in dBFS is loud over something that goes on, wherever in a window it begins.
fn alarms(event: &Event, peak: f32, over: &Going, sensitivity: u8) -> bool {
    let (_, length, sound) = *event;
    let (_, going, background) = *over;
    [0, WINDOW / 2].iter().all(|shift| {
        let (mut noise, mut other) = (Noise::new(), Noise::new());
        let begin = 3 * SECOND + shift;
        let samples = (0..4 * SECOND + WINDOW).map(|at| {
            let event = at.checked_sub(begin).filter(|at| *at < length);
            background(&mut noise, at) * share(going) + event.map_or(0.0, |at| sound(&mut other, at)) * share(peak)
        });
        let mut loud = false;
        judged(samples, &[sensitivity], |_, verdict| loud |= verdict == Verdict::Loud);
        loud
    })
}

/// Returns the least peak, in dBFS, with which an event is loud; above -1 none.
fn least(event: &Event, over: &Going, sensitivity: u8) -> Option<i32> {
    // The more there is of it, the louder it is.
    let (mut quiet, mut loud) = (-71, 0);
    while loud - quiet > 1 {
        let middle = (quiet + loud) / 2;
        if alarms(event, middle as f32, over, sensitivity) { loud = middle } else { quiet = middle }
    }
    (loud < 0).then_some(loud)
}

#[test]
fn the_documented_figures_are_measured() {
    let [room, fan] = [&GOING[0], &GOING[1]];
    let mut table = String::new();
    for (sensitivity, Threshold { least: floor, above }) in (0..).zip(CURVE) {
        let mut row = format!("| {sensitivity} | {floor} dBFS | {above} dB |");
        for event in &EVENTS {
            for over in [room, fan] {
                let told = least(event, over, sensitivity).map_or("none".into(), |least| format!("{least}"));
                write!(row, " {told} |").unwrap();
            }
        }
        table.push_str(&row);
        table.push('\n');
    }
    assert!(DOCUMENT.contains(&table), "docs/sound-alarm.md should have\n{table}");
}

#[test]
fn twenty_minutes_of_what_goes_on_are_no_alarm() {
    for (name, loudness, sound) in GOING {
        let mut noise = Noise::new();
        let samples = (0..1200 * SECOND).map(|at| sound(&mut noise, at) * share(loudness));
        let mut heard = 0_u32;
        judged(samples, &[0, DEFAULT, 9], |sensitivity, verdict| {
            heard += 1;
            // The most sensitive ear hears gusts.
            if sensitivity == 0 && name.starts_with("wind") {
                return;
            }
            assert!(matches!(verdict, Verdict::Quiet | Verdict::Learning), "{name} at {sensitivity}: {verdict:?}");
        });
        assert_eq!(heard, 3 * 12_000);
    }
}

/// A window that is so loud, in dBFS.
fn window(dbfs: i32) -> Level {
    Level { rms: share(dbfs as f32), peak: share(dbfs as f32 + 10.0).min(1.0) }
}

/// Hears windows, each so many times in a row; gives what is said, without repeating it.
fn said(ear: &mut Ear, windows: &[(i32, usize)]) -> Vec<(Verdict, usize)> {
    let mut said: Vec<(Verdict, usize)> = Vec::new();
    for (loud, times) in windows {
        for _ in 0..*times {
            let verdict = ear.hear(window(*loud), DEFAULT).verdict;
            match said.last_mut().filter(|last| last.0 == verdict) {
                Some(last) => last.1 += 1,
                None => said.push((verdict, 1)),
            }
        }
    }
    said
}

#[test]
fn nothing_is_said_in_the_first_two_seconds() {
    assert_eq!(said(&mut Ear::default(), &[(-10, 20), (-70, 1)]), [(Verdict::Learning, 20), (Verdict::Quiet, 1)]);
}

#[test]
fn a_fan_that_is_switched_on_is_loud_until_it_is_what_goes_on_and_what_is_louder_still_is_heard_over_it() {
    let mut ear = Ear::default();
    let told = said(&mut ear, &[(-70, 100), (-35, 200), (-15, 1), (-35, 100)]);
    let [(Verdict::Learning, 20), (Verdict::Quiet, 80), (Verdict::Loud, fan), (Verdict::Quiet, quiet), rest @ ..] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert!((40..=100).contains(fan) && fan + quiet == 200, "{told:?}");
    assert_eq!(rest, [(Verdict::Loud, 1), (Verdict::Quiet, 100)]);
}

#[test]
fn a_fan_that_is_switched_off_leaves_no_threshold_behind_for_long() {
    let mut ear = Ear::default();
    said(&mut ear, &[(-35, 200), (-70, 15)]);
    assert_eq!(said(&mut ear, &[(-38, 1)]), [(Verdict::Loud, 1)]);
}

#[test]
fn what_pauses_is_loud_for_a_minute_then_goes_on_until_it_rests_for_ten_seconds() {
    let mut ear = Ear::default();
    said(&mut ear, &[(-70, 100)]);
    // Half a second of a voice, half a second of a breath.
    let speech = [(-20, 5), (-70, 5)];
    let speak = |ear: &mut Ear, seconds: usize| said(ear, &speech.repeat(seconds));
    let minute = speak(&mut ear, 60);
    assert!(minute.iter().all(|(verdict, _)| *verdict != Verdict::GoesOn) && minute.len() == 120, "{minute:?}");
    let after = speak(&mut ear, 120);
    assert!(after.iter().all(|(verdict, _)| *verdict != Verdict::Loud) && after.len() == 240, "{after:?}");
    assert_eq!(said(&mut ear, &[(-3, 1)]), [(Verdict::Loud, 1)], "louder by as much again");
    said(&mut ear, &[(-70, 94)]);
    assert_eq!(said(&mut ear, &[(-20, 1)]), [(Verdict::GoesOn, 1)]);
    said(&mut ear, &[(-70, 100)]);
    assert_eq!(said(&mut ear, &[(-20, 1)]), [(Verdict::Loud, 1)]);
}

#[test]
fn a_click_is_heard_by_its_peak_and_digital_silence_is_a_floor_like_any_other() {
    let mut ear = Ear::default();
    (0..100).for_each(|_| _ = ear.hear(Level::default(), DEFAULT));
    assert_eq!(ear.hear(window(-41), DEFAULT).verdict, Verdict::Quiet);
    let click = Level { rms: share(-45.0), peak: share(-15.0) };
    let heard = ear.hear(click, DEFAULT);
    assert_eq!(heard.verdict, Verdict::Loud);
    assert!((heard.share - share(-33.0)).abs() < 1e-4);
}

#[test]
fn whatever_the_levels_it_says_something_and_remembers_ten_seconds() {
    let mut ear = Ear::default();
    for level in [f32::NAN, f32::INFINITY, -1.0, 1e30].repeat(500) {
        ear.hear(Level { rms: level, peak: level }, 255);
    }
    assert_eq!(ear.last.len(), REMEMBERED);
}
