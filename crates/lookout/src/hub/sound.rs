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
use tokio::sync::{broadcast, watch};

use crate::{
    metrics::{Held, SoundCounters},
    privacy::{Forbidden, Pass, Privacy, State},
};

/// How many blocks wait for listeners that are slow: 4 s.
const RING: usize = 64;

/// How many windows wait for whoever follows how loud it is: more than 10 s, which a microphone may hand over at once.
const LEVELS: usize = 128;

/// How loud a window was, and when it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loud {
    /// How loud it was.
    pub level: Level,
    /// When it began, within a block.
    pub from: Instant,
}

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
    /// Each window, and none whenever there is nothing to hear.
    levels: broadcast::Sender<Option<Loud>>,
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
        let levels = broadcast::Sender::new(LEVELS);
        Self { gate, counters, present: AtomicBool::new(false), ring, level, levels }
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
        self.tell(level.map(|level| Loud { level, from }));
    }

    /// Follows how loud each window is, in order: none when there is nothing to hear, or not while the privacy gate is
    /// closed. For whoever decides by it, in the camera; what is to leave it is [`Sounds::loudness`].
    pub fn levels(&self) -> broadcast::Receiver<Option<Loud>> {
        self.levels.subscribe()
    }

    /// Returns how loud it is, if that may leave the camera now.
    pub fn loudness(&self) -> Option<Level> {
        let level = *self.level.borrow();
        level.filter(|_| self.gate.pass().is_ok())
    }

    /// Wakes whenever the privacy gate closes or opens: for whoever has sound to throw away.
    pub fn turns(&self) -> watch::Receiver<State> {
        self.gate.follow()
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
        self.tell(None);
    }

    fn tell(&self, loud: Option<Loud>) {
        // Nobody may follow.
        let _ = self.levels.send(loud);
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
                self.counters.taken.inc();
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
mod tests;
