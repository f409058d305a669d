//! The loudness service: listens while sound is armed, and decides of each 100 ms (PROFILE 4.4).
//!
//! Bargains: it listens to how loud it is, and to nothing else, so that nothing is encoded for it; only on duty does it
//! listen at all. A microphone that is not there, or is lost, is one decision, noted once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lookout_core::{
    alarm::{Cause, Reason},
    media::loudness::{Ear, Heard, Verdict},
};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

use crate::{
    alarm::{Alarms, Trigger},
    duty::Duty,
    hub::{Hub, Loud},
    metrics::AlarmCounters,
};

/// Nothing for so long, and there is nothing to hear.
const DEAF: Duration = Duration::from_secs(2);

/// What the service needs.
pub struct Parts {
    /// When it listens.
    pub duty: Duty,
    /// Where sound comes from.
    pub hub: Arc<Hub>,
    /// Where decisions go.
    pub alarms: Arc<Alarms>,
    /// Counters.
    pub counters: Arc<AlarmCounters>,
}

/// Serves for ever.
pub async fn run(mut parts: Parts) {
    loop {
        match parts.duty.look() {
            Ok(_) => listen(&mut parts).await,
            Err(_) => parts.duty.turns().await,
        }
    }
}

/// Listens until the duty ends.
async fn listen(parts: &mut Parts) {
    let mut levels = parts.hub.sound.levels();
    let (mut ear, mut deaf) = (Ear::default(), Some(Instant::now() + DEAF));
    loop {
        let wait = async {
            match deaf {
                Some(moment) => sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        let loud = tokio::select! {
            () = parts.duty.turns() => match parts.duty.look() {
                Ok(_) => continue,
                Err(_) => return,
            },
            () = wait => {
                (ear, deaf) = (Ear::default(), None);
                parts.alarms.note(Cause::Sound, Reason::NoSource, 0.0, Instant::now().into_std());
                continue;
            }
            loud = levels.recv() => loud,
        };
        let Ok(settings) = parts.duty.look() else { return };
        // 0 to 9 by its type.
        let sensitivity = u8::try_from(settings.alarm.sound_sensitivity.get()).unwrap_or(u8::MAX);
        match loud {
            Ok(Some(loud)) => {
                deaf = Some(Instant::now() + DEAF);
                decide(&parts.alarms, ear.hear(loud.level, sensitivity), loud);
            }
            Ok(None) => ear = Ear::default(),
            Err(RecvError::Lagged(missed)) => _ = parts.counters.windows_unheard.inc_by(missed),
            // The hub is ours: it stays.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Passes on what was decided of a window: whether something loud is an alarm says the alarm service.
fn decide(alarms: &Alarms, heard: Heard, loud: Loud) {
    let (cause, at, strength) = (Cause::Sound, loud.from, heard.share);
    let wall = || {
        let now = SystemTime::now();
        now.checked_sub(Instant::now().into_std().saturating_duration_since(at)).unwrap_or(now)
    };
    let reason = match heard.verdict {
        Verdict::Loud => return alarms.trigger(Trigger { cause, at, wall: wall(), strength, drill: None }),
        Verdict::Quiet => Reason::BelowThreshold,
        Verdict::Learning => Reason::Learning,
        Verdict::GoesOn => Reason::CoolingDown,
    };
    alarms.note(cause, reason, strength, at);
}

#[cfg(test)]
mod tests;
