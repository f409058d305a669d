use std::{sync::Weak, time::Duration};

use lookout_core::media::sound::BLOCK;
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};

use super::*;
use crate::{
    hub::Hub,
    metrics::{Metrics, testing::has},
    privacy::testing::Hours,
};

/// A hub with a microphone, and its hours.
struct Room {
    hours: Hours,
    hub: Arc<Hub>,
    metrics: Arc<Metrics>,
}

impl Room {
    fn new() -> Self {
        let (hours, metrics) = (Hours::default(), Arc::new(Metrics::new()));
        let hub = Hub::new(hours.gate(metrics.clone()), metrics.camera.clone(), metrics.sound.clone());
        hub.sound.appear();
        Self { hours, hub, metrics }
    }

    fn listen(&self) -> Listener {
        self.hub.sound.listen().unwrap().unwrap()
    }

    /// Publishes blocks that are captured now.
    fn say(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.hub.sound.publish(block(number));
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn block(number: u64) -> Block {
    Block { number, captured: now(), samples: (0..BLOCK as i16).map(|n| n * 50).collect() }
}

fn numbers(listener: &mut Listener) -> Vec<u64> {
    std::iter::from_fn(|| listener.waiting()).map(|sound| sound.block.number).collect()
}

/// Says whether nothing waits, and no bell will ring again.
async fn hears_nothing_more(listener: &mut Listener) -> bool {
    let mut bell = listener.bell();
    let ends = async { while bell.rings().await.is_some() {} };
    timeout(Duration::from_secs(5), ends).await.is_ok() && listener.waiting().is_none()
}

const LOUD: Level = Level { rms: 0.1, peak: 0.5 };

#[tokio::test]
async fn whoever_keeps_up_hears_every_block_from_the_next_one_on() {
    let room = Room::new();
    assert!(!room.hub.sound.listened());
    room.say(0..1);
    let mut listener = room.listen();
    assert!(room.hub.sound.listened());
    for number in 1..200 {
        room.say(number..number + 1);
        assert_eq!(numbers(&mut listener), [number]);
    }
    room.say(200..200 + RING as u64);
    assert_eq!(numbers(&mut listener), Vec::from_iter(200..200 + RING as u64));
    has(&room.metrics, "lookout_sound_missed_total 0");
    drop(listener);
    assert!(!room.hub.sound.listened());
}

#[tokio::test]
async fn whoever_waits_is_woken_by_the_next_block() {
    let room = Room::new();
    let mut listener = room.listen();
    let mut bell = listener.bell();
    let waiting = tokio::spawn(async move { bell.rings().await });
    yield_now().await;
    assert!(!waiting.is_finished(), "nothing was said");
    room.say(7..8);
    assert_eq!(waiting.await.unwrap(), Some(()));
    assert_eq!(numbers(&mut listener), [7]);
}

#[tokio::test]
async fn whoever_falls_behind_misses_what_has_left_the_ring_and_that_is_counted() {
    let room = Room::new();
    let (mut slow, mut quick) = (room.listen(), room.listen());
    let all = RING as u64 + 5;
    for number in 0..all {
        room.say(number..number + 1);
        assert_eq!(numbers(&mut quick), [number]);
    }
    assert_eq!(numbers(&mut slow), Vec::from_iter(5..all));
    has(&room.metrics, "lookout_sound_missed_total 5");
    room.say(all..all + 1);
    assert_eq!(numbers(&mut slow), [all]);
    has(&room.metrics, "lookout_sound_missed_total 5");
}

#[tokio::test]
async fn a_hundred_listeners_share_one_encoded_block() {
    let room = Room::new();
    let mut listeners: Vec<_> = (0..100).map(|_| room.listen()).collect();
    has(&room.metrics, "lookout_sound_listeners 100");
    room.say(0..1);
    let heard: Vec<_> = listeners.iter_mut().map(|listener| listener.waiting().unwrap()).collect();
    assert_eq!(heard[0].adpcm[..], adpcm::encode(&heard[0].block.samples));
    assert!(heard.iter().all(|sound| Arc::ptr_eq(sound, &heard[0])));
    has(&room.metrics, "lookout_sound_encoded_total 1");
    drop(listeners);
    has(&room.metrics, "lookout_sound_listeners 0");
}

#[tokio::test]
async fn without_a_microphone_nobody_listens() {
    let hours = Hours::default();
    let sounds = Sounds::new(hours.gate(Arc::default()), Arc::default());
    assert!(sounds.listen().unwrap().is_none());
    hours.forbid(true);
    assert!(sounds.listen().is_err());
    hours.forbid(false);
    sounds.appear();
    assert!(sounds.listen().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn no_listener_hears_a_block_of_the_hours_or_of_before_them() {
    let room = Room::new();
    let mut early = room.listen();
    room.say(1..3);
    assert_eq!(early.waiting().map(|sound| sound.block.number), Some(1));
    room.hours.forbid(true);
    room.say(3..4);
    assert!(room.hub.sound.listen().is_err() && !early.may_hear());
    assert!(hears_nothing_more(&mut early).await);
    room.hours.forbid(false);
    let mut late = room.listen();
    // In the second behind the hours, a late microphone still hands over what it heard in them.
    room.say(4..5);
    room.hours.wait_out_the_guard().await;
    room.say(5..6);
    assert_eq!(numbers(&mut late), [5]);
    assert!(hears_nothing_more(&mut early).await, "its opening is over");
    has(&room.metrics, "lookout_sound_missed_total 0");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_block_when_the_hours_begin_waits_no_more() {
    let room = Room::new();
    let mut bell = room.listen().bell();
    let begin = tokio::time::Instant::now();
    let waiting = tokio::spawn(async move { bell.rings().await.is_none() });
    yield_now().await;
    room.hours.forbid(true);
    room.say(1..2);
    assert!(waiting.await.unwrap());
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

/// Says a block and forgets it but for what the hub keeps.
fn kept(room: &Room) -> Weak<Sound> {
    room.say(1..2);
    Arc::downgrade(room.hub.sound.ring.borrow().blocks.back().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_leaves_no_block_in_memory_whoever_has_not_heard_it_yet() {
    let room = Room::new();
    let listener = room.listen();
    let held = kept(&room);
    room.hours.forbid(true);
    assert!(room.hub.sound.listen().is_err());
    sleep(Duration::from_millis(1)).await;
    assert!(held.upgrade().is_none(), "the listener is still there");
    drop(listener);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_slips_in_while_the_gate_closes_is_not_heard_and_forgotten_with_the_next() {
    let room = Room::new();
    let _listener = room.listen();
    let slipped = Arc::new(Sound { block: block(1), adpcm: Bytes::new(), opening: 0 });
    let held = Arc::downgrade(&slipped);
    room.hours.forbid(true);
    assert!(room.hub.sound.listen().is_err());
    sleep(Duration::from_millis(1)).await;
    room.hub.sound.ring.send_modify(|ring| ring.push(slipped.clone()));
    room.say(2..3);
    room.hours.forbid(false);
    let mut late = room.listen();
    room.hub.sound.ring.send_modify(|ring| ring.push(slipped));
    assert!(late.waiting().is_none(), "it is of another opening");
    room.say(3..4);
    assert!(held.upgrade().is_none());
}

#[tokio::test]
async fn what_nobody_listens_to_any_more_is_forgotten() {
    let room = Room::new();
    let listener = room.listen();
    let held = kept(&room);
    drop(listener);
    room.say(2..3);
    assert!(held.upgrade().is_none() && room.hub.sound.ring.borrow().blocks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn how_loud_it_is_is_known_and_told_outside_of_the_hours_alone() {
    let room = Room::new();
    let (sound, mut levels) = (&room.hub.sound, room.hub.sound.levels());
    let mut known = || {
        let newest = std::iter::from_fn(|| levels.try_recv().ok()).last().flatten();
        (newest.map(|loud| loud.level), sound.loudness())
    };
    assert_eq!(known(), (None, None));
    sound.loud(Some(LOUD), now());
    assert_eq!(known(), (Some(LOUD), Some(LOUD)));
    room.hours.forbid(true);
    assert_eq!(sound.loudness(), None, "whoever asks closes the gate");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(known(), (None, None));
    sound.loud(Some(LOUD), now());
    assert_eq!(known(), (None, None));
    let within = now();
    room.hours.forbid(false);
    sound.loud(Some(LOUD), within);
    room.hours.wait_out_the_guard().await;
    sound.loud(Some(LOUD), within);
    assert_eq!(known(), (None, None));
    sound.loud(Some(LOUD), now());
    assert_eq!(known(), (Some(LOUD), Some(LOUD)));
    sound.loud(None, now());
    assert_eq!(known(), (None, None));
}

#[tokio::test]
async fn with_the_hub_end_all_who_listen() {
    let room = Room::new();
    let mut listener = room.listen();
    drop(room.hub);
    assert!(!listener.may_hear());
    assert!(hears_nothing_more(&mut listener).await);
}
