//! Has the host's clock follow the camera's, where its operator wants that (`host.clock`): whatever the camera's clock was set
//! ahead of it, by hand or by a time server, the host's is set by, and then the two are the same again.
//!
//! An offset is applied once: what time it makes is noted when it is first seen, and every later try sets that time plus what has
//! gone by, or only takes the offset back where the host has it already. So neither a disk that refuses nor an answer that is
//! late moves the host twice. A power cut between the host's clock and the disk does: the camera is then ahead once more, until
//! a time server or a manager sets it again.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    backoff::Backoff,
    journal::{Event, Peer},
    port::{Host, Lost},
    profile::{change::Rules, settings::Settings, wire::Seconds},
};
use tokio::time::{sleep, timeout};

use super::Note;
use crate::{
    pauses::chance,
    store::{By, Store, Watched},
};

/// How long the host may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How near to the right time the host's clock is right.
const NEAR: Duration = Duration::from_secs(2);
/// The pauses while it refuses.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(60), Duration::from_secs(3600));

/// What the service needs.
pub struct Parts {
    /// The settings, for the offset that it takes back.
    pub store: Arc<Store>,
    /// The offset.
    pub offset: Watched<i64>,
    /// The host.
    pub host: Arc<dyn Host>,
    /// Reads the host's clock.
    pub clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    /// Writes into the journal.
    pub note: Note,
}

/// Returns the part of the settings that the service follows.
pub fn offset(settings: &Settings) -> i64 {
    settings.clock.offset_s.0
}

/// Follows the camera's clock for ever.
pub async fn run(mut parts: Parts) {
    let (mut pauses, mut failed, mut aim) = (PAUSES, false, None);
    loop {
        let offset = *parts.offset.get();
        if offset == 0 {
            aim = None;
            parts.offset.changed().await;
            continue;
        }
        match set(&parts, offset, &mut aim).await {
            Ok(()) => {
                tracing::info!("the machine's clock was set by {offset:+} s");
                (pauses, failed) = (PAUSES, false);
                // Until the settings have it, too.
                let _ = timeout(PATIENCE, parts.offset.changed()).await;
            }
            Err(Lost(why)) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!("the machine's clock cannot be set: {why}; the camera keeps its own beside it");
                    (parts.note)(&Event::Failed(Peer::Host, "clock not set"));
                }
                let pause = pauses.failed(chance());
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = parts.offset.changed() => {}
                }
            }
        }
    }
}

/// What an offset makes of the host's clock.
struct Aim {
    offset: i64,
    /// The right time when it was first seen, and when that was.
    right: SystemTime,
    at: Instant,
    /// Whether the host was set.
    hit: bool,
}

impl Aim {
    fn new(offset: i64, host: SystemTime) -> Option<Self> {
        let by = Duration::from_secs(offset.unsigned_abs());
        let right = if offset < 0 { host.checked_sub(by) } else { host.checked_add(by) };
        Some(Self { offset, right: right?, at: now(), hit: false })
    }

    /// Returns the right time.
    fn now(&self) -> SystemTime {
        self.right + now().saturating_duration_since(self.at)
    }

    /// Says whether the host's clock is right: nearer to it than to where it was, and near.
    fn reached(&self, host: SystemTime) -> bool {
        let right = self.now();
        let off = host.duration_since(right).unwrap_or_else(|earlier| earlier.duration());
        off <= NEAR.min(Duration::from_secs(self.offset.unsigned_abs()) / 2)
    }
}

/// Sets the host's clock, and takes the offset back that is in it now.
async fn set(parts: &Parts, offset: i64, aim: &mut Option<Aim>) -> Result<(), Lost> {
    if aim.as_ref().is_none_or(|aim| aim.offset != offset) {
        *aim = Aim::new(offset, (parts.clock)());
    }
    let aim = aim.as_mut().ok_or_else(|| Lost("it is no time that a machine can have".into()))?;
    // An order whose answer never came may have been carried out all the same.
    if !aim.hit && !aim.reached((parts.clock)()) {
        let told = timeout(PATIENCE, parts.host.set_clock(aim.now())).await;
        told.map_err(|_| Lost("the host does not answer".into()))??;
    }
    aim.hit = true;
    let draft = move |old: &Settings, _: &Rules| {
        let mut new = old.clone();
        // One that was set meanwhile is one by the clock that is right now.
        if old.clock.offset_s.0 == offset {
            new.clock.offset_s = Seconds::default();
        }
        Ok(new)
    };
    let stored = timeout(PATIENCE, parts.store.change(By::Camera, draft)).await;
    stored.ok().and_then(Result::ok).ok_or_else(|| Lost("it is set, but the disk does not take that".into()))
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
