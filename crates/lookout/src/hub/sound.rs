//! Where sound meets listeners: each block is encoded once and shared by all who listen.
//!
//! Of pictures only the newest counts; of sound each block does. So listeners share a ring of the last blocks, 4 s of them,
//! each at its own place in it: whoever keeps up misses nothing, and whoever falls farther behind than that misses what
//! has left the ring, which is counted.

use std::{
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
    metrics::Flow,
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
    flow: Arc<Flow>,
    present: AtomicBool,
    blocks: broadcast::Sender<Arc<Sound>>,
    level: watch::Sender<Option<Level>>,
}

impl Sounds {
    /// Makes it without a microphone, behind the privacy gate.
    pub fn new(gate: Arc<Privacy>, flow: Arc<Flow>) -> Self {
        let (blocks, level) = (broadcast::Sender::new(RING), watch::Sender::new(None));
        Self { gate, flow, present: AtomicBool::new(false), blocks, level }
    }

    /// Notes that there is a microphone, which may be lost and come back, but will be heard, if only as silence.
    pub fn appear(&self) {
        self.present.store(true, Ordering::Relaxed);
    }

    /// Says whether anybody listens.
    pub fn listened(&self) -> bool {
        self.blocks.receiver_count() > 0
    }

    /// Lets all who listen hear a block, if it may be heard.
    pub fn publish(&self, block: Block) {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let wall = wall.checked_sub(now.saturating_duration_since(block.captured)).unwrap_or(wall);
        let Some(opening) = self.gate.admit(block.captured, wall) else { return };
        let adpcm = Bytes::copy_from_slice(&adpcm::encode(&block.samples));
        // Nobody may listen any more.
        let _ = self.blocks.send(Arc::new(Sound { block, adpcm, opening }));
    }

    /// Notes how loud it is.
    pub fn loud(&self, level: Level) {
        self.level.send_replace(Some(level));
    }

    /// Follows how loud it is: none before the first sound. For whoever decides by it, in the camera; it must not leave
    /// while the privacy gate is closed.
    pub fn level(&self) -> watch::Receiver<Option<Level>> {
        self.level.subscribe()
    }

    /// Lets somebody listen, from the next block on until the privacy gate closes; none without a microphone.
    ///
    /// # Errors
    /// The gate is closed.
    pub fn listen(&self) -> Result<Option<Listener>, Forbidden> {
        let pass = self.gate.pass()?;
        let present = self.present.load(Ordering::Relaxed);
        Ok(present.then(|| Listener { blocks: self.blocks.subscribe(), pass, flow: self.flow.clone() }))
    }
}

/// Somebody who listens, until the privacy gate closes.
pub struct Listener {
    blocks: broadcast::Receiver<Arc<Sound>>,
    pass: Pass,
    flow: Arc<Flow>,
}

impl Listener {
    /// Waits for the next block; `None` once the privacy gate has closed, also if it is open again, or the hub is gone.
    /// May be cancelled.
    pub async fn next(&mut self) -> Option<Arc<Sound>> {
        loop {
            let got = tokio::select! {
                () = self.pass.ended() => return None,
                got = self.blocks.recv() => got,
            };
            match got {
                Ok(sound) if self.pass.is_for(sound.opening) => return Some(sound),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => self.miss(missed),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Returns the next block if it is there already.
    pub fn waiting(&mut self) -> Option<Arc<Sound>> {
        loop {
            match self.blocks.try_recv() {
                Ok(sound) if self.pass.is_for(sound.opening) => return Some(sound),
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Lagged(missed)) => self.miss(missed),
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return None,
            }
        }
    }

    /// Says whether there may be another block: not once the privacy gate has closed.
    pub fn may_hear(&self) -> bool {
        self.pass.holds()
    }

    fn miss(&self, blocks: u64) {
        self.flow.sound_missed.inc_by(blocks);
    }
}
