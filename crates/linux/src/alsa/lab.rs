//! The microphone against the kernel's loopback sound card, in the virtual hardware lab (`cargo xtask lab microphone`).
//!
//! What is played on its device 1 is recorded on its device 0. There is one such card, so the tests run one at a time.

use std::{
    f64::consts::TAU,
    fs,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use lookout_core::{
    media::sound::Chunk,
    port::{Lost, Microphone as _},
};
use tokio::time::timeout;

use super::{Microphone, capture_devices};

const DEVICE: &str = "hw:Loopback,0";
const TONE_HZ: f64 = 440.0;
/// Half of full scale.
const TONE_PEAK: f64 = 16384.0;
/// What the player says goes here.
const SAID: &str = "/tmp/aplay.log";

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
}

/// Plugs the card in, unless it is.
fn plug() {
    if !fs::exists("/proc/asound/Loopback").unwrap() {
        run("lab-audio", &[]);
    }
}

/// Somebody who plays a tone on all channels, upside down on every second one, until dropped.
struct Player(Child);

impl Player {
    fn start(format: &str, rate: u32, channels: u32) -> Self {
        plug();
        let mut sound = Vec::new();
        for at in 0..rate {
            let sample = TONE_PEAK / 32768.0 * (TAU * TONE_HZ * f64::from(at) / f64::from(rate)).sin();
            for channel in 0..channels {
                let sample = if channel % 2 == 0 { sample } else { -sample };
                let whole = (sample * f64::from(1_u32 << 31)) as i32;
                match format {
                    "S16_LE" => sound.extend(&whole.to_le_bytes()[2..]),
                    "S24_3LE" => sound.extend(&whole.to_le_bytes()[1..]),
                    "S32_LE" => sound.extend(whole.to_le_bytes()),
                    "FLOAT_LE" => sound.extend((sample as f32).to_le_bytes()),
                    _ => panic!("{format}"),
                }
            }
        }
        // A second ends where it began.
        fs::write("/tmp/tone.raw", sound.repeat(10)).unwrap();
        let (rate, channels) = (rate.to_string(), channels.to_string());
        let mut aplay = Command::new("aplay");
        aplay.args([
            "-q",
            "-D",
            "hw:Loopback,1",
            "-t",
            "raw",
            "-f",
            format,
            "-r",
            &rate,
            "-c",
            &channels,
            "/tmp/tone.raw",
        ]);
        let player = Self(aplay.stderr(fs::File::create(SAID).unwrap()).spawn().unwrap());
        eventually(|| {
            fs::read_to_string("/proc/asound/Loopback/pcm1p/sub0/status").unwrap().starts_with("state: RUNNING")
        });
        player
    }
}

impl Player {
    /// Says whether it ran dry since it had said so much; it says so once it is awake again.
    fn ran_dry(&self, said: usize) -> bool {
        let patience = Instant::now() + Duration::from_secs(2);
        while Instant::now() < patience {
            if fs::read_to_string(SAID).unwrap()[said..].contains("underrun") {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn eventually(holds: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < patience, "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

async fn open(device: &str) -> Result<Microphone, Lost> {
    timeout(Duration::from_secs(15), Microphone::open(device)).await.expect("a microphone or an error within 15 s")
}

async fn hear(microphone: &mut Microphone) -> Result<Chunk, Lost> {
    timeout(Duration::from_secs(15), microphone.hear()).await.expect("sound or an error within 15 s")
}

async fn lost(microphone: &mut Microphone) -> String {
    loop {
        if let Err(lost) = hear(microphone).await {
            return lost.0;
        }
    }
}

/// How much was captured later than the sound before it says, and earlier.
fn strays(pieces: &[Chunk]) -> (Duration, Duration) {
    let begin = pieces[0].captured;
    let (mut frames, mut late, mut early) = (0, Duration::ZERO, Duration::ZERO);
    for heard in pieces {
        let due = begin + Duration::from_secs(1) * frames / heard.rate;
        late = late.max(heard.captured.saturating_duration_since(due));
        early = early.max(due.saturating_duration_since(heard.captured));
        frames += u32::try_from(heard.samples.len() / usize::from(heard.channels)).unwrap();
    }
    (late, early)
}

/// Listens to the tone for a while: it must have the right height and strength in each channel, and no sample may be
/// missing, in the sound or in the times. It is tried again only if the player ran dry, or the times say that the machine
/// was held up.
async fn listen(microphone: &mut Microphone, player: &Player, seconds: f64) -> (u32, u16) {
    for _ in 0..5 {
        let said = fs::read_to_string(SAID).unwrap().len();
        let mut pieces = vec![first_of_the_tone(microphone).await];
        let (rate, channels) = (pieces[0].rate, pieces[0].channels);
        let enough = (seconds * f64::from(rate)) as usize * usize::from(channels);
        while pieces.iter().map(|heard| heard.samples.len()).sum::<usize>() < enough {
            let heard = hear(microphone).await.unwrap();
            let age = heard.captured.elapsed().as_secs_f64();
            let length = heard.samples.len() as f64 / f64::from(channels) / f64::from(rate);
            assert!(length <= 0.1 && length <= age + 0.01 && age < 5.0, "{length} s of sound, the first {age} s old");
            pieces.push(heard);
        }
        let (about, wrong) = (microphone.about(), wrong_samples(&pieces));
        let (late, early) = strays(&pieces);
        let held_up = late + early > Duration::from_millis(15);
        let faults = format!("{}; late by {late:?} at most, early by {early:?}", wrong.as_deref().unwrap_or("heard"));
        println!("{about}: {faults}");
        if wrong.is_none() && !held_up {
            return (rate, channels);
        }
        assert!(held_up || player.ran_dry(said), "{about}: {faults}");
    }
    panic!("it is never heard as it is played");
}

/// Passes over what was captured before anybody played.
async fn first_of_the_tone(microphone: &mut Microphone) -> Chunk {
    loop {
        let heard = hear(microphone).await.unwrap();
        let begin = heard.samples.iter().take(40 * usize::from(heard.channels));
        if begin.copied().any(|sample| sample != 0) {
            return heard;
        }
    }
}

/// Says what is wrong with the samples that were heard of the tone.
fn wrong_samples(pieces: &[Chunk]) -> Option<String> {
    let (rate, channels) = (pieces[0].rate, usize::from(pieces[0].channels));
    let all: Vec<_> = pieces.iter().flat_map(|heard| heard.samples.iter().map(|&sample| f64::from(sample))).collect();
    // Each sample of a sine follows from the two before it, and from nothing else.
    let turn = 2.0 * (TAU * TONE_HZ / f64::from(rate)).cos();
    for channel in 0..channels {
        let samples: Vec<_> = all.iter().copied().skip(channel).step_by(channels).collect();
        let peak = samples.iter().fold(0.0, |peak: f64, sample| peak.max(sample.abs()));
        if (peak - TONE_PEAK).abs() > 0.01 * TONE_PEAK {
            return Some(format!("its peak is {peak}"));
        }
        let stray = |three: &[f64]| (three[2] - (turn * three[1] - three[0])).abs();
        if let Some(at) = samples.windows(3).position(|three| stray(three) > 6.0) {
            return Some(format!("sample {at} of {} does not follow from those before it", samples.len()));
        }
        let sign = if channel % 2 == 0 { 1.0 } else { -1.0 };
        let mut both = samples.iter().zip(all.iter().step_by(channels));
        if both.any(|(this, first)| (this - sign * first).abs() > 2.0) {
            return Some(format!("channel {channel} is another's"));
        }
    }
    None
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_tone_is_heard_as_it_is_played_in_any_format_rate_and_number_of_channels() {
    for (format, rate, channels) in [
        ("S16_LE", 16_000, 1),
        ("S24_3LE", 44_100, 2),
        ("S32_LE", 48_000, 2),
        ("FLOAT_LE", 22_050, 1),
        ("S16_LE", 37_000, 3),
    ] {
        let player = Player::start(format, rate, channels);
        let mut microphone = open(DEVICE).await.unwrap();
        let s = if channels == 1 { "" } else { "s" };
        assert_eq!(microphone.about(), format!("sound card \"Loopback\", {rate} Hz, {channels} channel{s}"));
        let heard = listen(&mut microphone, &player, 1.0).await;
        assert_eq!(heard, (rate, u16::try_from(channels).unwrap()));
    }
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn plugins_are_asked_for_what_the_card_has_and_may_share_it() {
    let player = Player::start("S32_LE", 48_000, 1);
    for device in ["plughw:CARD=Loopback,DEV=0", "default"] {
        let mut microphone = open(device).await.unwrap();
        assert_eq!(listen(&mut microphone, &player, 0.5).await, (48_000, 1), "{device}");
    }
    drop(player);
    let player = Player::start("S16_LE", 48_000, 2);
    let (mut one, mut other) = (open("dsnoop:Loopback").await.unwrap(), open("dsnoop:Loopback").await.unwrap());
    let heard = tokio::join!(listen(&mut one, &player, 0.5), listen(&mut other, &player, 0.5));
    assert_eq!(heard, ((48_000, 2), (48_000, 2)));
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn what_is_free_to_choose_is_chosen_as_it_is_cheapest() {
    plug();
    let mut microphone = open(DEVICE).await.unwrap();
    assert_eq!(microphone.about(), "sound card \"Loopback\", 8000 Hz, 1 channel");
    let heard = hear(&mut microphone).await.unwrap();
    assert_eq!((heard.rate, heard.channels), (8000, 1));
    assert!((80..=800).contains(&heard.samples.len()), "{}", heard.samples.len());
    assert!(heard.samples.iter().all(|&sample| sample == 0), "nobody plays");
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_device_in_use_says_so_and_one_that_was_dropped_can_be_opened_at_once() {
    plug();
    for _ in 0..5 {
        let mut microphone = open(DEVICE).await.unwrap();
        hear(&mut microphone).await.unwrap();
        drop(microphone);
    }
    let mut microphone = open(DEVICE).await.unwrap();
    let second = open(DEVICE).await.map(|_| ());
    assert_eq!(second, Err(Lost(format!("sound device {DEVICE} is in use by another program"))));
    hear(&mut microphone).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn an_unplugged_card_is_lost_and_heard_again_when_it_is_back() {
    // Often, because the kernel may be met at any point of taking it away.
    for _ in 0..6 {
        plug();
        let mut microphone = open(DEVICE).await.unwrap();
        hear(&mut microphone).await.unwrap();
        let pulled = Instant::now();
        let unplugging = thread::spawn(|| run("lab-audio", &["out"]));
        assert_eq!(lost(&mut microphone).await, format!("sound device {DEVICE} was unplugged"));
        println!("lost {:?} after the unplug began", pulled.elapsed());
        // The kernel lets a card go only when nobody holds it any more: it is closed, though the microphone is not dropped.
        unplugging.join().unwrap();
        let gone = open(DEVICE).await.map(|_| ());
        assert_eq!(gone, Err(Lost(format!("no such sound device {DEVICE}"))));
        drop(microphone);
    }
    plug();
    hear(&mut open(DEVICE).await.unwrap()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn what_a_late_listener_missed_is_a_gap_in_the_times() {
    let player = Player::start("S16_LE", 16_000, 1);
    let mut microphone = open(DEVICE).await.unwrap();
    hear(&mut microphone).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let mut pieces = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        pieces.push(hear(&mut microphone).await.unwrap());
    }
    let length = |heard: &Chunk| Duration::from_secs(1) * u32::try_from(heard.samples.len()).unwrap() / heard.rate;
    let gaps: Vec<_> = pieces
        .windows(2)
        .map(|two| two[1].captured.saturating_duration_since(two[0].captured + length(&two[0])))
        .collect();
    let (at, gap) = gaps.iter().enumerate().max_by_key(|(_, gap)| **gap).unwrap();
    println!("a gap of {gap:?} after {at} pieces");
    assert!(*gap > Duration::from_secs(1), "{gaps:?}");
    for part in [&pieces[..=at], &pieces[at + 1..]] {
        let (late, early) = strays(part);
        assert!(late + early < Duration::from_millis(15), "late by {late:?}, early by {early:?}");
    }
    listen(&mut microphone, &player, 0.5).await;
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_device_that_hangs_while_it_is_opened_holds_a_thread_but_not_many() {
    // Its sound is a pipe of that name (lab/tests/microphone.sh): it waits, as it is opened, until somebody writes into that.
    let attempt = || timeout(Duration::from_millis(50), Microphone::open("hang"));
    for _ in 0..8 {
        let opened = attempt().await.map(|opened| opened.map(|_| ()));
        assert!(opened.is_err(), "it hangs: {opened:?}");
    }
    let refused = attempt().await.expect("it does not hang").map(|_| ());
    assert_eq!(refused, Err(Lost("sound device hang is not opened: 8 earlier attempts still hang".to_owned())));

    let _writer = fs::OpenOptions::new().write(true).open("/run/hang").unwrap();
    eventually(|| {
        let threads = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("comm"));
        !threads.into_iter().any(|comm| fs::read_to_string(comm).is_ok_and(|name| name == "microphone\n"))
    });
    plug();
    hear(&mut open(DEVICE).await.unwrap()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn devices_are_listed_by_the_names_that_open_them() {
    plug();
    let devices = capture_devices();
    println!("{}", devices.join("\n"));
    for name in ["hw:CARD=Loopback,DEV=0", "plughw:CARD=Loopback,DEV=0"] {
        let line = format!("{name}  Loopback, Loopback PCM");
        assert!(devices.contains(&line), "{devices:?}");
        hear(&mut open(name).await.unwrap()).await.unwrap();
    }
}
