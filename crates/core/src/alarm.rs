//! Alarms: what triggers them, when they are armed, and what an alarm has the camera do (PROFILE 4.4).
//!
//! Nothing here acts: the [`Machine`] is told of triggers and of time, and returns [`Action`]s for the alarm service to
//! carry out. Whatever was decided, also that there is no alarm, is a [`Reason`], one for each decision, which the
//! [`Record`] keeps for a day.

mod debounce;
mod input;
mod machine;
mod output;
mod record;
mod rules;

use std::fmt;

pub use self::{
    debounce::Debounce,
    input::{Input, Meaning, Speaker},
    machine::{Action, Machine},
    output::Output,
    record::{Entry, KEPT, Record},
    rules::armed,
};
use crate::profile::settings::Alarm;

/// What triggers an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Something moved in the picture.
    Motion,
    /// The alarm input, or whoever stands in for it.
    Input,
    /// Something was heard.
    Sound,
}

impl Cause {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Motion, Self::Input, Self::Sound];

    /// Says whether the settings have it trigger alarms, at whatever hours.
    pub const fn is_on(self, rules: &Alarm) -> bool {
        match self {
            Self::Motion => rules.motion_armed,
            Self::Input => rules.input_armed,
            Self::Sound => rules.sound_armed,
        }
    }

    /// Returns its number in `alarm_status` and in the names of uploads (PROFILE 4.4, 5.7).
    pub const fn number(self) -> u8 {
        match self {
            Self::Motion => 1,
            Self::Input => 2,
            Self::Sound => 3,
        }
    }

    /// Returns its word in mails, `/events.json`, `/metrics` and MQTT.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Input => "input",
            Self::Sound => "sound",
        }
    }
}

/// The word of mails, of `/events.json` and of MQTT.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why there is an alarm, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// An alarm begins.
    Alarm,
    /// An alarm lasts and is prolonged.
    Prolonged,
    /// The cause is not armed.
    NotArmed,
    /// It is armed, but not at this hour.
    OutOfSchedule,
    /// No picture may be looked at in forbidden hours.
    Forbidden,
    /// There is no picture or sound to look at: its source is lost.
    NoSource,
    /// The background is being learnt: after the start, and after the picture has changed as a whole.
    Learning,
    /// What changed is too little, or what is heard too quiet.
    BelowThreshold,
    /// The light changed, or the camera's infra-red filter was switched.
    LightChange,
    /// The camera itself was moved or shaken.
    Shaken,
    /// The camera's head moves or has just moved: what is seen is not what was seen.
    HeadMoves,
    /// What moved lies in zones that are not watched.
    Masked,
    /// It goes on since before the camera looked, and says nothing new: an input that is held, a sound that goes on.
    CoolingDown,
    /// Somebody tests the chain.
    Drill,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Alarm,
        Self::Prolonged,
        Self::NotArmed,
        Self::OutOfSchedule,
        Self::Forbidden,
        Self::NoSource,
        Self::Learning,
        Self::BelowThreshold,
        Self::LightChange,
        Self::Shaken,
        Self::HeadMoves,
        Self::Masked,
        Self::CoolingDown,
        Self::Drill,
    ];

    /// Returns its word in `/events.json` and in `/metrics`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Prolonged => "alarm prolonged",
            Self::NotArmed => "not armed",
            Self::OutOfSchedule => "out of schedule",
            Self::Forbidden => "forbidden hours",
            Self::NoSource => "no source",
            Self::Learning => "learning",
            Self::BelowThreshold => "below threshold",
            Self::LightChange => "light change",
            Self::Shaken => "camera shaken",
            Self::HeadMoves => "head moves",
            Self::Masked => "masked",
            Self::CoolingDown => "cooling down",
            Self::Drill => "drill",
        }
    }
}

/// The words of `/events.json`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
