//! Where sound meets listeners: each block is encoded once and shared by all who listen.
//!
//! Of pictures only the newest counts; of sound each block does. So listeners share a ring of the last blocks, 4 s of them,
//! each at its own place in it: whoever keeps up misses nothing, and whoever falls farther behind than that misses what
//! has left the ring, which is counted. Nothing is kept of what nobody listens to, nor of what was said before the privacy
//! gate closed, whoever still holds a place in the ring.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use lookout_core::media::{
    adpcm,
    sound::{Block, Level},
};
use tokio::sync::watch;

use crate::{
    metrics::{Held, SoundCounters},
    privacy::{Forbidden, Pass, Privacy},
};

/// How many blocks wait for listeners that are slow: 4 s.
const RING: usize = 64;

/// A block on its way to listeners.
#[derive(Debug)]
pub struct Sound {
    /// The samples.
    pub block: Block,
    /// The block as IMA ADPCM.
    pub adpcm: Bytes,
    /// The opening of the privacy gate in which it may be heard.
    opening: u64,
}

/// The newest sound.
pub struct Sounds {
    gate: Arc<Privacy>,
    counters: Arc<SoundCounters>,
    present: AtomicBool,
    ring: watch::Sender<Ring>,
    level: watch::Sender<Option<Level>>,
}

/// The last blocks. Listeners know their places in it as numbers that go on for ever.
#[derive(Default)]
struct Ring {
    /// How many blocks have left it.
    gone: u64,
    blocks: VecDeque<Arc<Sound>>,
}

impl Ring {
    /// The place of the next block.
    fn end(&self) -> u64 {
        self.gone + self.blocks.len() as u64
    }

    fn push(&mut self, sound: Arc<Sound>) {
        if self.blocks.len() == RING {
            self.blocks.pop_front();
            self.gone += 1;
        }
        self.blocks.push_back(sound);
    }

    /// Gives the block at a place, unless it is still to come or has left.
    fn at(&self, place: u64) -> Option<Arc<Sound>> {
        let index = usize::try_from(place.checked_sub(self.gone)?).ok()?;
        self.blocks.get(index).cloned()
    }

    /// Empties it; says whether there was something.
    fn forget(&mut self) -> bool {
        self.gone = self.end();
        let some = !self.blocks.is_empty();
        self.blocks = VecDeque::new();
        some
    }
}

impl Sounds {
    /// Makes it without a microphone, behind the privacy gate.
    pub fn new(gate: Arc<Privacy>, counters: Arc<SoundCounters>) -> Self {
        let (ring, level) = (watch::Sender::default(), watch::Sender::default());
        Self { gate, counters, present: AtomicBool::new(false), ring, level }
    }

    /// Notes that there is a microphone, which may be lost and come back, but will be heard, if only as silence.
    pub fn appear(&self) {
        self.present.store(true, Ordering::Relaxed);
    }

    /// Says whether anybody listens.
    pub fn listened(&self) -> bool {
        self.ring.receiver_count() > 0
    }

    /// Lets all who listen hear a block, if it may be heard. It is encoded here, so only if somebody does.
    pub fn publish(&self, block: Block) {
        let opening = if self.listened() { self.admit(block.captured) } else { None };
        let Some(opening) = opening else {
            // What lies there was for whoever has left, or slipped in while the gate closed.
            self.ring.send_if_modified(Ring::forget);
            return;
        };
        let adpcm = Bytes::copy_from_slice(&adpcm::encode(&block.samples));
        self.counters.encoded.inc();
        let sound = Arc::new(Sound { block, adpcm, opening });
        self.ring.send_modify(|ring| ring.push(sound));
    }

    /// Notes how loud it was from a moment on, if that may be known; `None` when there is nothing to hear.
    pub fn loud(&self, level: Option<Level>, from: Instant) {
        let level = level.filter(|_| self.admit(from).is_some());
        self.level.send_replace(level);
    }

    /// Follows how loud it is: none without a microphone, nor while the privacy gate is closed. For whoever decides by
    /// it, in the camera; what is to leave it is [`Sounds::loudness`].
    pub fn level(&self) -> watch::Receiver<Option<Level>> {
        self.level.subscribe()
    }

    /// Returns how loud it is, if that may leave the camera now.
    pub fn loudness(&self) -> Option<Level> {
        let level = *self.level.borrow();
        level.filter(|_| self.gate.pass().is_ok())
    }

    /// Lets somebody listen, from the next block on until the privacy gate closes; none without a microphone.
    ///
    /// # Errors
    /// The gate is closed.
    pub fn listen(&self) -> Result<Option<Listener>, Forbidden> {
        let pass = self.gate.pass()?;
        if !self.present.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let ring = self.ring.subscribe();
        let next = ring.borrow().end();
        let (counters, held) = (self.counters.clone(), self.counters.listener());
        Ok(Some(Listener { ring, next, pass, counters, _held: held }))
    }

    /// Forgets all sound and how loud it was.
    pub(super) fn forget(&self) {
        self.ring.send_if_modified(Ring::forget);
        self.level.send_replace(None);
    }

    /// Returns the opening of the gate in which what was captured at a moment may be heard.
    fn admit(&self, captured: Instant) -> Option<u64> {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let wall = wall.checked_sub(now.saturating_duration_since(captured)).unwrap_or(wall);
        self.gate.admit(captured, wall)
    }
}

/// Somebody who listens, until the privacy gate closes.
pub struct Listener {
    ring: watch::Receiver<Ring>,
    /// The place of the next block to hear.
    next: u64,
    pass: Pass,
    counters: Arc<SoundCounters>,
    _held: Held,
}

impl Listener {
    /// Waits for the next block; `None` once the privacy gate has closed, also if it is open again, or the hub is gone.
    /// May be cancelled.
    pub async fn next(&mut self) -> Option<Arc<Sound>> {
        loop {
            if let Some(sound) = self.waiting() {
                return Some(sound);
            }
            tokio::select! {
                () = self.pass.ended() => return None,
                changed = self.ring.changed() => changed.ok()?,
            }
        }
    }

    /// Returns the next block if it is there already.
    pub fn waiting(&mut self) -> Option<Arc<Sound>> {
        loop {
            let (gone, sound) = {
                let ring = self.ring.borrow_and_update();
                (ring.gone, ring.at(self.next.max(ring.gone)))
            };
            if gone > self.next {
                // What was forgotten when the gate closed would not be heard anyway.
                if self.pass.holds() {
                    self.counters.missed.inc_by(gone - self.next);
                }
                self.next = gone;
            }
            let sound = sound?;
            self.next += 1;
            if self.pass.is_for(sound.opening) {
                return Some(sound);
            }
        }
    }

    /// Says whether there may be another block: not once the privacy gate has closed or the hub is gone.
    pub fn may_hear(&self) -> bool {
        self.pass.holds() && self.ring.has_changed().is_ok()
    }

    /// Has somebody told whenever there may be blocks to hear, who serves listeners and does not listen himself.
    pub fn bell(&self) -> Bell {
        Bell { ring: self.ring.clone(), pass: self.pass.clone() }
    }
}

/// Rings when there may be a new block.
pub struct Bell {
    ring: watch::Receiver<Ring>,
    pass: Pass,
}

impl Bell {
    /// Waits until it rings; `None` once the privacy gate has closed, also if it is open again, or the hub is gone. May be
    /// cancelled.
    pub async fn rings(&mut self) -> Option<()> {
        tokio::select! {
            () = self.pass.ended() => None,
            changed = self.ring.changed() => changed.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
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

    async fn hears_nothing_more(listener: &mut Listener) -> bool {
        listener.waiting().is_none()
            && timeout(Duration::from_secs(5), listener.next()).await.expect("it waits for a block").is_none()
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
            assert_eq!(listener.next().await.map(|sound| sound.block.number), Some(number));
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
        let waiting = tokio::spawn(async move { listener.next().await });
        yield_now().await;
        room.say(7..8);
        assert_eq!(waiting.await.unwrap().map(|sound| sound.block.number), Some(7));
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
        assert_eq!(early.next().await.map(|sound| sound.block.number), Some(1));
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
        let mut listener = room.listen();
        let begin = tokio::time::Instant::now();
        let waiting = tokio::spawn(async move { listener.next().await.is_none() });
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
        let (sound, level) = (&room.hub.sound, room.hub.sound.level());
        let known = || (*level.borrow(), sound.loudness());
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
}
