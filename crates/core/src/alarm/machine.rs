//! The alarm machine: one alarm at a time, prolonged by whatever triggers during it.
//!
//! ```text
//!          trigger                        60 s after the last trigger
//!   quiet ─────────▶ alarm of a cause ───────────────────────────────▶ quiet
//!                      ▲          │
//!                      └─ trigger ┘ (prolonged; the cause stays)
//! ```

use std::time::{Duration, Instant};

use super::{Cause, Reason};
use crate::profile::settings::{Alarm, LineLevel};

/// How long an alarm lasts after its last trigger (PROFILE 4.4).
pub const LASTS: Duration = Duration::from_secs(60);

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
    /// Drive the output.
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
}

/// An alarm that lasts.
#[derive(Debug)]
struct Going {
    cause: Cause,
    last: Instant,
    upload: Option<Instant>,
    driven: Option<LineLevel>,
}

impl Machine {
    /// Returns what began the alarm, if there is one.
    pub fn cause(&self) -> Option<Cause> {
        self.alarm.as_ref().map(|going| going.cause)
    }

    /// Takes a trigger of a cause that is armed; says whether it began an alarm or prolonged one, and what is to be done.
    pub fn trigger(&mut self, cause: Cause, rules: &Alarm, now: Instant) -> (Reason, Vec<Action>) {
        if let Some(going) = &mut self.alarm {
            going.last = now;
            return (Reason::Prolonged, Vec::new());
        }
        let driven = rules.iolinkage.then_some(rules.ioout_level);
        let mut actions = vec![Action::Begin(cause)];
        actions.extend(driven.map(Action::Output));
        actions.extend(u8::try_from(rules.preset.get()).ok().filter(|preset| *preset > 0).map(Action::Preset));
        actions.extend(rules.mail.then_some(Action::Mail));
        actions.extend((rules.http && !rules.http_url.as_str().is_empty()).then_some(Action::Call));
        let mut going = Going { cause, last: now, upload: Some(now), driven };
        actions.extend(going.due_upload(rules, now));
        self.alarm = Some(going);
        (Reason::Alarm, actions)
    }

    /// Returns when the machine wants to be told of the time again; not before the next trigger: none.
    pub fn due(&self) -> Option<Instant> {
        let going = self.alarm.as_ref()?;
        let end = going.last + LASTS;
        Some(going.upload.map_or(end, |upload| upload.min(end)))
    }

    /// Tells the time; says what is to be done.
    pub fn tick(&mut self, rules: &Alarm, now: Instant) -> Vec<Action> {
        let Some(going) = &mut self.alarm else { return Vec::new() };
        if now < going.last + LASTS {
            return going.due_upload(rules, now).into_iter().collect();
        }
        let back = going.driven.map(|level| Action::Output(level.other()));
        self.alarm = None;
        back.into_iter().chain([Action::End]).collect()
    }
}

impl Going {
    /// Says whether a picture is to be uploaded, and notes when the next one is.
    fn due_upload(&mut self, rules: &Alarm, now: Instant) -> Option<Action> {
        let interval = u64::try_from(rules.upload_interval_s.get()).ok().filter(|seconds| *seconds > 0);
        let interval = interval.map(Duration::from_secs);
        let due = self.upload.filter(|due| *due <= now && interval.is_some());
        if due.is_some() || interval.is_none() {
            self.upload = interval.map(|interval| now + interval);
        }
        due.map(|_| Action::Upload)
    }
}
