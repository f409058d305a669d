//! Has the host's clock follow the camera's, where its operator wants that (`host.clock`): whatever the camera's clock was set
//! ahead of it, by hand or by a time server, the host's is set by, and then the two are the same again.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
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
    pub clock: fn() -> SystemTime,
    /// Writes into the journal.
    pub note: Note,
}

/// Returns the part of the settings that the service follows.
pub fn offset(settings: &Settings) -> i64 {
    settings.clock.offset_s.0
}

/// Follows the camera's clock for ever.
pub async fn run(mut parts: Parts) {
    let (mut pauses, mut failed) = (PAUSES, false);
    loop {
        let offset = *parts.offset.get();
        if offset == 0 {
            parts.offset.changed().await;
            continue;
        }
        match set(&parts, offset).await {
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

/// Sets the host's clock, and takes the offset back that is in it now.
async fn set(parts: &Parts, offset: i64) -> Result<(), Lost> {
    let (now, by) = ((parts.clock)(), Duration::from_secs(offset.unsigned_abs()));
    let right = if offset < 0 { now.checked_sub(by) } else { now.checked_add(by) };
    let right = right.ok_or_else(|| Lost("it is no time that a machine can have".into()))?;
    timeout(PATIENCE, parts.host.set_clock(right)).await.map_err(|_| Lost("the host does not answer".into()))??;
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
