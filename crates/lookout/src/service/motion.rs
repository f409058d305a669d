//! The motion service: looks at pictures while motion is armed, at most ten a second, and decides of each (PROFILE 4.4).
//!
//! ```text
//!        on duty                  a picture is due
//!   off ────────▶ somebody who watches ──────────▶ looked at, on a thread that may compute
//!       ◀────────                       ◀──────────
//!        no duty                  one decision
//! ```
//! Bargains: only on duty does it watch, so that the camera does nothing for it at other times; it takes the newest picture,
//! as every viewer does, and nobody waits for it. What it has seen is forgotten when the source is lost and when the duty ends,
//! so that nothing of the camera's day is kept in forbidden hours. No picture of one view of the head is compared with one of
//! another (Q69): while the head moves there is no duty, and each picture says itself which view it shows, for those that were
//! captured before the duty ends or begins.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lookout_core::{
    alarm::{Cause, Reason},
    media::{
        motion::{Detector, Luma, Seen, Verdict, Watch},
        pace::Pace,
        transform::{Eighth, Failed},
    },
    profile::settings::{Alarm, Resolution},
};
use tokio::task::spawn_blocking;

use crate::{
    alarm::{Alarms, Trigger},
    duty::Duty,
    hub::{Hub, Shown, Viewer},
    metrics::AlarmCounters,
};

/// The least time between two pictures that are looked at.
const PACE: Duration = Duration::from_millis(100);

/// What the service needs.
pub struct Parts {
    /// When it looks.
    pub duty: Duty,
    /// Where pictures come from.
    pub hub: Arc<Hub>,
    /// Where decisions go.
    pub alarms: Arc<Alarms>,
    /// Counters.
    pub counters: Arc<AlarmCounters>,
    /// Opens an eye; fails without memory.
    pub open: fn() -> Result<Box<dyn Eye>, Failed>,
}

/// Looks at one picture after the other, and remembers what it has seen.
pub trait Eye: Send {
    /// Looks at a JPEG; sees nothing in one that does not decode.
    fn look(&mut self, jpeg: &[u8], watch: &Watch, captured: Instant) -> Option<Seen>;
}

/// Looks with the detector at an eighth of the picture.
struct Eyes {
    eighth: Eighth,
    luma: Luma,
    detector: Detector,
}

/// Opens an eye that has seen nothing yet.
///
/// # Errors
/// There is no memory.
pub fn open() -> Result<Box<dyn Eye>, Failed> {
    let (luma, detector) = (Luma::default(), Detector::default());
    Ok(Box::new(Eyes { eighth: Eighth::new()?, luma, detector }))
}

/// Whether eyes could not be opened of late: told once, not with each picture.
#[derive(Default)]
struct Blind(bool);

impl Blind {
    /// Takes what came of opening an eye; returns it, or the error that is to be told.
    fn sees<E>(&mut self, opened: Result<Box<dyn Eye>, E>) -> Result<Box<dyn Eye>, Option<E>> {
        let before = std::mem::replace(&mut self.0, opened.is_err());
        opened.map_err(|error| (!before).then_some(error))
    }

    /// Opens an eye; none without memory.
    fn open(&mut self, open: fn() -> Result<Box<dyn Eye>, Failed>) -> Option<Box<dyn Eye>> {
        let told = |error: &Option<Failed>| {
            if let Some(error) = error {
                tracing::error!("motion cannot be looked for: {error}");
            }
        };
        self.sees(open()).inspect_err(told).ok()
    }
}

impl Eye for Eyes {
    fn look(&mut self, jpeg: &[u8], watch: &Watch, captured: Instant) -> Option<Seen> {
        self.eighth.decode(jpeg, &mut self.luma).ok()?;
        Some(self.detector.look(&self.luma, watch, captured))
    }
}

/// Serves for ever.
pub async fn run(mut parts: Parts) {
    let mut blind = Blind::default();
    loop {
        // The gate may close between the two: the duty then turns at once.
        let viewer = parts.duty.look().ok().and_then(|_| parts.hub.view(Resolution::Vga).ok());
        match viewer {
            Some(viewer) => watch(&mut parts, &mut blind, viewer).await,
            None => parts.duty.turns().await,
        }
    }
}

/// Watches until the duty ends or the privacy gate closes.
async fn watch(parts: &mut Parts, blind: &mut Blind, mut viewer: Viewer) {
    let (mut eye, mut pace, mut view) = (None, Pace::every(PACE), None);
    loop {
        let shown = tokio::select! {
            shown = viewer.next() => shown,
            () = parts.duty.turns() => match parts.duty.look() {
                Ok(_) => continue,
                Err(_) => return,
            },
        };
        let Some(shown) = shown else { return };
        if !shown.live {
            eye = None;
            parts.alarms.note(Cause::Motion, Reason::NoSource, 0.0, shown.captured);
        } else if pace.takes(shown.captured) {
            let Ok(settings) = parts.duty.look() else { return };
            let Some(shows) = shown.view else {
                eye = None;
                parts.alarms.note(Cause::Motion, Reason::HeadMoves, 0.0, shown.captured);
                continue;
            };
            if view.replace(shows) != Some(shows) {
                eye = None;
            }
            let open = eye.take().or_else(|| blind.open(parts.open));
            let Some(looked) = look(parts, open, shown.clone(), wanted(&settings.alarm)).await else { return };
            eye = looked.0;
            match looked.1 {
                Some(seen) => decide(&parts.alarms, seen, &shown),
                None => drop(parts.counters.pictures_unseen.inc()),
            }
        }
    }
}

/// An eye that is still good, and what it saw.
type Looked = (Option<Box<dyn Eye>>, Option<Seen>);

/// Looks at a picture on a thread that may compute; none if the duty ends meanwhile.
async fn look(parts: &mut Parts, eye: Option<Box<dyn Eye>>, shown: Arc<Shown>, watch: Watch) -> Option<Looked> {
    let Some(mut eye) = eye else { return Some((None, None)) };
    let mut work = spawn_blocking(move || {
        let seen = eye.look(&shown.jpeg, &watch, shown.captured);
        (Some(eye), seen)
    });
    loop {
        tokio::select! {
            // One that panics has seen nothing, and is no good any more.
            looked = &mut work => return Some(looked.unwrap_or((None, None))),
            () = parts.duty.turns() => drop(parts.duty.look().ok()?),
        }
    }
}

/// Says what is looked for.
fn wanted(alarm: &Alarm) -> Watch {
    Watch { sensitivity: alarm.sensitivity(), compensation: alarm.motion_compensation, mask: alarm.motion_mask.clone() }
}

/// Passes on what was decided of a picture: whether motion is an alarm says the alarm service.
fn decide(alarms: &Alarms, seen: Seen, shown: &Shown) {
    let (cause, at, strength) = (Cause::Motion, shown.captured, seen.area);
    alarms.note_motion(strength, at);
    let reason = match seen.verdict {
        Verdict::Motion => return alarms.trigger(Trigger { cause, at, wall: shown.wall, strength, drill: None }),
        Verdict::Still => Reason::BelowThreshold,
        Verdict::Masked => Reason::Masked,
        Verdict::LightChange => Reason::LightChange,
        Verdict::Shaken => Reason::Shaken,
        Verdict::Learning => Reason::Learning,
    };
    alarms.note(cause, reason, strength, at);
}

#[cfg(test)]
mod tests;
