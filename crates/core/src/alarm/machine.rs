//! The alarm machine: one alarm at a time, prolonged by whatever triggers during it.
//!
//! ```text
//!          trigger                 60 s after the last trigger, or nothing that
//!   quiet ─────────▶ alarm         triggered it is armed any more
//!     ▲              of a cause ───────────────────────────────┐
//!     │                ▲    └─ trigger: prolonged; the cause stays
//!     └────────────────┴───────────────────────────────────────┘
//! ```
//!
//! Bargains: time is monotonic and never counted up, so that a machine that slept, or a service that was late, does once
//! what was due. The output is driven while an alarm (or, for a moment, a drill) wants it and the settings say so; whatever
//! changes, it is put back to the other level of the one that was driven.

use std::time::{Duration, Instant};

use super::{Cause, Reason};
use crate::profile::settings::{Alarm, LineLevel};

/// How long an alarm lasts after its last trigger (PROFILE 4.4).
pub const LASTS: Duration = Duration::from_secs(60);
/// How long a drill drives the output.
pub const DRILL: Duration = Duration::from_secs(5);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// An alarm begins.
    Begin(Cause),
    /// Send the alarm's mail.
    Mail,
    /// Make the HTTP call.
    Call,
    /// Go to a preset, 1-32.
    Preset(u8),
    /// Drive the output, or put it back.
    Output(LineLevel),
    /// Upload a picture.
    Upload,
    /// The alarm ends.
    End,
}

/// Whether there is an alarm.
#[derive(Debug, Default)]
pub struct Machine {
    alarm: Option<Going>,
    /// Until when a drill drives the output.
    drill: Option<Instant>,
    /// The level that the output is driven to.
    driven: Option<LineLevel>,
}

/// An alarm that lasts.
#[derive(Debug)]
struct Going {
    /// What began it.
    cause: Cause,
    /// What has triggered it since, too.
    causes: Vec<Cause>,
    /// The last trigger.
    last: Instant,
    /// The last upload.
    uploaded: Option<Instant>,
}

impl Machine {
    /// Returns what began the alarm, if there is one.
    pub fn cause(&self) -> Option<Cause> {
        self.alarm.as_ref().map(|going| going.cause)
    }

    /// Takes a trigger of a cause that is [armed](super::armed); says whether it began an alarm or prolonged one, and what
    /// is to be done.
    pub fn trigger(&mut self, cause: Cause, rules: &Alarm, now: Instant) -> (Reason, Vec<Action>) {
        let mut actions = self.tick(rules, now);
        if let Some(going) = &mut self.alarm {
            going.last = now;
            if !going.causes.contains(&cause) {
                going.causes.push(cause);
            }
            return (Reason::Prolonged, actions);
        }
        let uploaded = interval(rules).map(|_| now);
        self.alarm = Some(Going { cause, causes: vec![cause], last: now, uploaded });
        actions.push(Action::Begin(cause));
        actions.extend(self.drive(rules));
        actions.extend(errands(rules));
        (Reason::Alarm, actions)
    }

    /// Tells the time, and settings that have changed; says what is to be done.
    pub fn tick(&mut self, rules: &Alarm, now: Instant) -> Vec<Action> {
        self.drill = self.drill.filter(|until| now < *until);
        let over = self.alarm.take_if(|going| going.is_over(rules, now)).map(|_| Action::End);
        let upload = self.alarm.as_mut().and_then(|going| going.upload(rules, now));
        self.drive(rules).into_iter().chain(upload).chain(over).collect()
    }

    /// Returns when the machine wants to be told of the time again; not before something else happens: none. After a
    /// [tick](Self::tick) with the same settings this is in the future.
    pub fn due(&self, rules: &Alarm) -> Option<Instant> {
        let alarm = self.alarm.as_ref().map(|going| {
            let end = going.last + LASTS;
            going.next(rules).map_or(end, |upload| upload.min(end))
        });
        alarm.into_iter().chain(self.drill).min()
    }

    /// Begins a drill: says what an alarm would have the camera do, whether there is one or not.
    pub fn drill(&mut self, rules: &Alarm, now: Instant) -> Vec<Action> {
        self.drill = Some(now + DRILL);
        let turned = self.drive(rules);
        // Said also where an alarm drives it already: the drill asks whether it can be driven.
        self.driven.map(Action::Output).or(turned).into_iter().chain(errands(rules)).collect()
    }

    /// Ends everything, before the camera does.
    pub fn end(&mut self) -> Vec<Action> {
        self.drill = None;
        let over = self.alarm.take().map(|_| Action::End);
        self.driven.take().map(|level| Action::Output(level.other())).into_iter().chain(over).collect()
    }

    /// Drives the output as it is wanted, or puts it back.
    fn drive(&mut self, rules: &Alarm) -> Option<Action> {
        let wanted = rules.iolinkage && (self.alarm.is_some() || self.drill.is_some());
        let wanted = wanted.then_some(rules.ioout_level);
        if wanted == self.driven {
            return None;
        }
        let was = std::mem::replace(&mut self.driven, wanted);
        wanted.or_else(|| was.map(LineLevel::other)).map(Action::Output)
    }
}

impl Going {
    /// Says whether it has lasted long enough, or nobody wants to hear any more of what triggered it.
    fn is_over(&self, rules: &Alarm, now: Instant) -> bool {
        now >= self.last + LASTS || !self.causes.iter().any(|cause| cause.is_on(rules))
    }

    /// Returns when the next picture is to be uploaded.
    fn next(&self, rules: &Alarm) -> Option<Instant> {
        let interval = interval(rules)?;
        Some(self.uploaded.map_or(self.last, |uploaded| uploaded + interval))
    }

    /// Says whether a picture is to be uploaded now.
    fn upload(&mut self, rules: &Alarm, now: Instant) -> Option<Action> {
        self.next(rules).filter(|due| *due <= now)?;
        self.uploaded = Some(now);
        Some(Action::Upload)
    }
}

/// Returns the time between two uploads, if there are to be any.
fn interval(rules: &Alarm) -> Option<Duration> {
    let seconds = u64::try_from(rules.upload_interval_s.get()).ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Returns what an alarm has the camera do when it begins, but for the output.
fn errands(rules: &Alarm) -> impl Iterator<Item = Action> + use<> {
    let preset = u8::try_from(rules.preset.get()).ok().filter(|preset| *preset > 0).map(Action::Preset);
    let mail = rules.mail.then_some(Action::Mail);
    let call = (rules.http && !rules.http_url.as_str().is_empty()).then_some(Action::Call);
    let upload = interval(rules).map(|_| Action::Upload);
    [preset, mail, call, upload].into_iter().flatten()
}

#[cfg(test)]
mod tests;
