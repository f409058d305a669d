use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::task::yield_now;

use super::*;
use crate::{
    hub::{Bell, Listener, Loud, Sound},
    metrics::{Metrics, testing::has},
    privacy::testing::Hours,
};

/// How much sound the microphone hands over at once.
const PIECE: Duration = Duration::from_millis(20);
/// How much it hands over at once when it bursts, and by how much each is late.
const BURST_PIECE: Duration = Duration::from_millis(256);
const LATER_MS: [u64; 5] = [0, 30, 5, 40, 0];
/// How late a block may be: until it is whole, its last piece was handed over, and the filters have let it go.
const SOON: Duration = Duration::from_millis(64 + 20 + 30);
/// How late silence may be.
const IN_TIME: Duration = Duration::from_millis(64 + 300 + 10);

/// What the microphone does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// It cannot be opened.
    Absent,
    /// Opening it takes for ever.
    Stuck,
    /// It hears a tone of 500 Hz.
    Hear,
    /// It hears that tone, and hands over 256 ms at once, more or less late.
    Burst,
    /// It hears nothing and does not say so.
    Hang,
    /// It says that it is lost.
    Fail,
    /// It panics.
    Panic,
    /// It hands over sound without end, and nothing of it takes time.
    Flood,
    /// It hands over pieces in which there is nothing.
    Empty,
}

/// The world's one microphone.
#[derive(Default)]
struct World {
    does: Mutex<Option<Does>>,
    /// How many are open.
    open: AtomicUsize,
    /// How often one was opened.
    openings: AtomicUsize,
    /// How many pieces were handed over.
    pieces: AtomicUsize,
}

impl World {
    fn does(&self) -> Does {
        self.does.lock().unwrap().unwrap_or(Does::Hear)
    }

    fn opened(self: &Arc<Self>) -> Fake {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.openings.fetch_add(1, Ordering::Relaxed);
        Fake { world: self.clone(), does: None, at: Instant::now() }
    }
}

/// A microphone that is open.
struct Fake {
    world: Arc<World>,
    /// What this one does, whatever the world's does.
    does: Option<Does>,
    /// When its next piece begins.
    at: Instant,
}

impl Fake {
    fn bursts(&self) -> usize {
        self.world.pieces.load(Ordering::Relaxed)
    }
}

impl Microphone for Fake {
    fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>> {
        Box::pin(async move {
            let does = self.does.unwrap_or_else(|| self.world.does());
            match does {
                Does::Hear => sleep_until(self.at + PIECE).await,
                Does::Burst => {
                    sleep_until(self.at + BURST_PIECE + Duration::from_millis(LATER_MS[self.bursts() % LATER_MS.len()]))
                        .await
                }
                Does::Flood | Does::Empty => {}
                Does::Hang | Does::Stuck => pending().await,
                Does::Fail | Does::Absent => return Err(Lost("it was unplugged".into())),
                Does::Panic => panic!("a microphone's fault"),
            }
            self.world.pieces.fetch_add(1, Ordering::Relaxed);
            let captured = self.at;
            self.at = if does == Does::Burst { captured + BURST_PIECE } else { Instant::now() };
            let count = if does == Does::Burst { 2048 } else { 160 };
            let tone = |n: u32| if (n / 8).is_multiple_of(2) { 8000 } else { -8000 };
            let samples = if does == Does::Empty { Vec::new() } else { (0..count).map(tone).collect() };
            Ok(Chunk { captured: captured.into_std(), rate: 8000, channels: 1, samples })
        })
    }

    fn about(&self) -> String {
        "fake".into()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.world.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The service, running.
struct Rig {
    world: Arc<World>,
    hub: Arc<Hub>,
    metrics: Arc<Metrics>,
    given: Arc<Given>,
    hours: Hours,
}

impl Rig {
    /// Starts it with a device that does something.
    fn device(does: Does) -> Self {
        let world = Arc::new(World { does: Mutex::new(Some(does)), ..World::default() });
        let door = world.clone();
        let open: Open = Box::new(move || {
            let world = door.clone();
            Box::pin(async move {
                match world.does() {
                    Does::Absent => Err(Lost("there is no such device".into())),
                    Does::Stuck => pending().await,
                    Does::Hear | Does::Burst | Does::Hang | Does::Fail | Does::Panic | Does::Flood | Does::Empty => {
                        Ok(Box::new(world.opened()) as Box<dyn Microphone>)
                    }
                }
            })
        });
        Self::start(world, |_| Input::Device(open))
    }

    /// Starts it with a source that has given nothing yet.
    fn source() -> Self {
        Self::start(Arc::default(), Input::Source)
    }

    fn start(world: Arc<World>, input: impl FnOnce(Arc<Given>) -> Input) -> Self {
        let (hours, metrics, given) = (Hours::default(), Arc::new(Metrics::new()), Arc::new(Given::default()));
        let hub = Hub::new(hours.gate(metrics.clone()), metrics.camera.clone(), metrics.sound.clone());
        let parts = Parts {
            input: input(given.clone()),
            name: "microphone".into(),
            hub: hub.clone(),
            counters: metrics.sound.clone(),
        };
        let hearing = SoundService::new(parts);
        let device = matches!(hearing.parts.input, Input::Device(_));
        assert_eq!(hub.sound.listen().unwrap().is_some(), device, "a device is there from the start");
        tokio::spawn(hearing.run());
        Self { world, hub, metrics, given, hours }
    }

    fn does(&self, does: Does) {
        *self.world.does.lock().unwrap() = Some(does);
    }

    /// Lets the source give another microphone.
    fn give(&self, does: Does) {
        let mut fake = self.world.opened();
        fake.does = Some(does);
        self.given.give(Box::new(fake));
    }

    async fn listen(&self) -> Ear {
        yield_now().await;
        let listener = self.hub.sound.listen().unwrap().expect("there is a microphone");
        Ear { bell: listener.bell(), listener, last: None }
    }

    fn has(&self, line: &str) {
        has(&self.metrics, &format!("lookout_sound_{line}"));
    }

    fn open(&self) -> usize {
        self.world.open.load(Ordering::Relaxed)
    }

    fn openings(&self) -> usize {
        self.world.openings.load(Ordering::Relaxed)
    }

    /// How loud it is known to be, in full decibels.
    fn peak(&self) -> Option<f32> {
        self.hub.sound.loudness().map(|level| level.peak)
    }
}

/// A listener who checks what he hears: every block, each where the one before ended, and in time.
struct Ear {
    listener: Listener,
    bell: Bell,
    last: Option<Arc<Sound>>,
}

impl Ear {
    async fn next(&mut self, late: Duration) -> Arc<Sound> {
        let sound = loop {
            if let Some(sound) = self.listener.waiting() {
                break sound;
            }
            let rings = timeout(Duration::from_secs(5), self.bell.rings());
            rings.await.expect("nothing is heard").expect("the end");
        };
        let age = Instant::now() - Instant::from_std(sound.block.captured);
        assert!(age <= late, "block {} is heard after {age:?}", sound.block.number);
        if let Some(last) = &self.last {
            assert_eq!(sound.block.number, last.block.number + 1);
            assert_eq!(sound.block.captured, last.block.captured + LENGTH);
        }
        self.last = Some(sound.clone());
        sound
    }

    /// Listens for so long; says of each block whether there was something to hear.
    async fn hear(&mut self, for_so_long: Duration, late: Duration) -> Vec<bool> {
        let end = Instant::now() + for_so_long;
        let mut all = Vec::new();
        while Instant::now() < end {
            let sound = self.next(late).await;
            all.push(sound.block.samples.iter().any(|sample| sample.abs() > 2000));
        }
        all
    }

    /// Passes over what was under way when something changed.
    async fn settle(&mut self) {
        self.hear(Duration::from_millis(500), IN_TIME).await;
    }

    async fn hears(&mut self, seconds: u64) {
        let all = self.hear(Duration::from_secs(seconds), SOON).await;
        assert!(all.iter().all(|something| *something), "{all:?}");
    }

    async fn hears_silence(&mut self, seconds: u64) {
        let all = self.hear(Duration::from_secs(seconds), IN_TIME).await;
        assert!(!all.iter().any(|something| *something), "{all:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_microphone_hears_is_heard_block_by_block_and_soon() {
    let rig = Rig::device(Does::Hear);
    let mut ear = rig.listen().await;
    ear.settle().await;
    ear.hears(6).await;
    rig.has("up 1");
    rig.has("lost_total 0");
    rig.has("missed_total 0");
    assert_eq!((rig.openings(), rig.open()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_hands_over_a_quarter_of_a_second_at_once_is_in_time() {
    let rig = Rig::device(Does::Burst);
    let mut ear = rig.listen().await;
    ear.settle().await;
    for _ in 0..100 {
        let sound = ear.next(IN_TIME).await;
        let silent = sound.block.samples.chunks(20).any(|few| few.iter().all(|sample| sample.abs() < 1000));
        assert!(!silent, "silence in block {}", sound.block.number);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_begins_to_listen_hears_the_next_block() {
    let rig = Rig::device(Does::Hear);
    sleep(Duration::from_secs(3)).await;
    for ms in [0, 7, 20, 63] {
        sleep(Duration::from_millis(ms)).await;
        let (mut ear, begin) = (rig.listen().await, Instant::now());
        ear.next(SOON).await;
        assert!(begin.elapsed() <= LENGTH + PIECE, "{:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn until_a_device_is_there_and_after_it_is_lost_there_is_silence_and_it_comes_back() {
    let rig = Rig::device(Does::Absent);
    let mut ear = rig.listen().await;
    ear.hears_silence(2).await;
    assert_eq!(rig.peak(), None);
    rig.has("up 0");
    for lost in 1..=2 {
        rig.does(Does::Hear);
        // A return is heard within 3 s.
        ear.hear(Duration::from_secs(2), IN_TIME).await;
        ear.hears(1).await;
        rig.has("up 1");
        assert_eq!(rig.peak().map(|peak| peak > 0.1), Some(true));
        rig.does(if lost == 2 { Does::Absent } else { Does::Fail });
        ear.settle().await;
        ear.hears_silence(2).await;
        rig.has("up 0");
        rig.has(&format!("lost_total {lost}"));
        assert_eq!(rig.peak(), None);
    }
    assert_eq!(rig.open(), 0, "what is lost is closed");
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_hangs_is_closed_and_opened_again() {
    let rig = Rig::device(Does::Hear);
    let mut ear = rig.listen().await;
    ear.hears(0).await;
    ear.settle().await;
    rig.does(Does::Hang);
    ear.settle().await;
    assert_eq!((rig.openings(), rig.open()), (1, 1), "it may be late by so much");
    rig.has("up 1");
    ear.hears_silence(2).await;
    drop(ear);
    sleep(Duration::from_secs(8)).await;
    rig.has("up 0");
    rig.has("lost_total 1");
    assert!((3..=8).contains(&rig.openings()), "{}", rig.openings());
    assert!(rig.open() <= 1);
    rig.does(Does::Hear);
    sleep(Duration::from_secs(4)).await;
    rig.listen().await.hears(1).await;
    rig.has("up 1");
}

#[tokio::test(start_paused = true)]
async fn what_a_device_holds_of_forbidden_hours_is_thrown_away_with_it() {
    let rig = Rig::device(Does::Hear);
    for (forbidden, openings) in [(false, 1), (true, 2), (false, 3), (false, 3)] {
        rig.hours.forbid(forbidden);
        // Whoever asks has the gate look.
        assert_eq!(rig.hub.sound.listen().is_err(), forbidden);
        sleep(Duration::from_secs(6)).await;
        assert_eq!((rig.openings(), rig.open()), (openings, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_panics_is_lost_like_any_other() {
    let rig = Rig::device(Does::Hear);
    let mut ear = rig.listen().await;
    ear.settle().await;
    rig.does(Does::Panic);
    ear.settle().await;
    ear.hears_silence(1).await;
    rig.has("lost_total 1");
    rig.does(Does::Hear);
    ear.hear(Duration::from_secs(2), IN_TIME).await;
    ear.hears(1).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_device_takes_for_ever_to_open_there_is_silence() {
    let rig = Rig::device(Does::Stuck);
    let mut ear = rig.listen().await;
    ear.hears_silence(3).await;
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_floods_is_held_back_and_time_goes_on() {
    for flood in [Does::Flood, Does::Empty] {
        let rig = Rig::device(flood);
        let mut ear = rig.listen().await;
        ear.hear(Duration::from_secs(2), IN_TIME).await;
        drop(ear);
        sleep(Duration::from_secs(8)).await;
        let pieces = rig.world.pieces.load(Ordering::Relaxed);
        // Twice the time that passes, at 20 ms a piece (an empty one counts as 5), and a burst.
        let most = if flood == Does::Flood { 2 * 500 + 100 } else { 2 * 2000 + 400 };
        assert!(pieces <= most, "{pieces}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_source_nothing_is_heard_before_it_gives_a_microphone() {
    let rig = Rig::source();
    sleep(Duration::from_secs(60)).await;
    assert!(rig.hub.sound.listen().unwrap().is_none());
    rig.give(Does::Hear);
    let mut ear = rig.listen().await;
    ear.settle().await;
    ear.hears(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_opened_anew_is_heard_anew_and_its_newest_microphone_counts() {
    let rig = Rig::source();
    rig.give(Does::Hear);
    let mut ear = rig.listen().await;
    ear.settle().await;
    // The old one may have noticed that its source is gone, or not.
    for old in [Does::Hear, Does::Fail, Does::Hang] {
        rig.give(old);
        rig.give(old);
        ear.settle().await;
        rig.give(Does::Hear);
        ear.settle().await;
        ear.hears(1).await;
        assert_eq!(rig.open(), 1, "the old ones are closed");
    }
    rig.give(Does::Fail);
    ear.settle().await;
    ear.hears_silence(3).await;
    rig.has("up 0");
}

#[tokio::test(start_paused = true)]
async fn while_nobody_listens_it_is_known_how_loud_it_is_and_nothing_else() {
    for does in [Does::Hear, Does::Burst] {
        each_window_is_told_once_and_in_order(does).await;
    }
}

async fn each_window_is_told_once_and_in_order(does: Does) {
    let rig = Rig::device(does);
    sleep(Duration::from_secs(2)).await;
    let mut following = rig.hub.sound.levels();
    let (mut levels, mut before) = (0, None);
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        let Loud { level, from } = following.recv().await.unwrap().expect("it is known");
        assert!((0.2..0.35).contains(&level.peak) && level.rms > 0.15, "{level:?}");
        assert!(before.replace(from).is_none_or(|before| before < from), "they come in order");
        levels += 1;
    }
    assert!((98..=102).contains(&levels), "{levels} in 10 s");
    assert!(!rig.hub.sound.listened());
}
