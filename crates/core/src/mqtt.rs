//! What the camera tells an MQTT broker, and what it lets one tell it: topics, the discovery document of Home Assistant,
//! commands (ADR 0026).
//!
//! Nothing here acts: the MQTT service publishes what waits in an [`Outbox`] and makes the changes that [`Orders`] give
//! it.

mod discovery;
mod orders;
mod outbox;

pub use self::{
    discovery::document,
    orders::{Orders, order},
    outbox::Outbox,
};
use crate::profile::{settings::Settings, wire::Mac};

/// What tells of alarms: on while one lasts that this began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// Something moved.
    Motion,
    /// Something was heard.
    Sound,
    /// The alarm input.
    Input,
}

impl Sensor {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Motion, Self::Sound, Self::Input];

    /// Returns its word in topics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Sound => "sound",
            Self::Input => "input",
        }
    }
}

/// What the broker may switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Whether motion is armed.
    Motion,
    /// Whether sound is armed.
    Sound,
    /// Whether the alarm input is armed.
    Input,
    /// Whether the privacy gate is closed whatever the hour (Q63).
    Privacy,
}

impl Switch {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Motion, Self::Sound, Self::Input, Self::Privacy];

    /// Returns its word in topics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Motion => "armed/motion",
            Self::Sound => "armed/sound",
            Self::Input => "armed/input",
            Self::Privacy => "privacy",
        }
    }

    /// Says how it stands.
    pub const fn get(self, settings: &Settings) -> bool {
        match self {
            Self::Motion => settings.alarm.motion_armed,
            Self::Sound => settings.alarm.sound_armed,
            Self::Input => settings.alarm.input_armed,
            Self::Privacy => settings.privacy_now,
        }
    }

    /// Turns it.
    pub const fn set(self, settings: &mut Settings, on: bool) {
        match self {
            Self::Motion => settings.alarm.motion_armed = on,
            Self::Sound => settings.alarm.sound_armed = on,
            Self::Input => settings.alarm.input_armed = on,
            Self::Privacy => settings.privacy_now = on,
        }
    }
}

/// Returns the word of a state.
pub const fn state(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// The topics of one camera: all of them below `PREFIX/ID`, but for that of the discovery.
#[derive(Clone, Debug)]
pub struct Topics {
    base: String,
    discovery: Option<String>,
}

impl Topics {
    /// Makes the topics of a camera below a prefix; without a discovery prefix it is not announced.
    pub fn new(prefix: &str, discovery: &str, id: Mac) -> Self {
        let announced = (!discovery.is_empty()).then(|| format!("{discovery}/device/lookout_{id}/config"));
        Self { base: format!("{prefix}/{id}"), discovery: announced }
    }

    /// Returns that of the camera's availability: `online`, or `offline` by its last will.
    pub fn status(&self) -> String {
        format!("{}/status", self.base)
    }

    /// Returns that of a sensor's state.
    pub fn sensor(&self, sensor: Sensor) -> String {
        format!("{}/{}", self.base, sensor.word())
    }

    /// Returns that of a switch's state.
    pub fn switch(&self, switch: Switch) -> String {
        format!("{}/{}", self.base, switch.word())
    }

    /// Returns that of a switch's commands.
    pub fn command(&self, switch: Switch) -> String {
        format!("{}/set", self.switch(switch))
    }

    /// Returns the switch that is meant by a topic of commands.
    pub fn commanded(&self, topic: &str) -> Option<Switch> {
        let word = topic.strip_prefix(&self.base)?.strip_prefix('/')?.strip_suffix("/set")?;
        Switch::ALL.into_iter().find(|switch| switch.word() == word)
    }

    /// Returns that of pictures of alarms.
    pub fn snapshot(&self) -> String {
        format!("{}/snapshot", self.base)
    }

    /// Returns that of drills.
    pub fn drill(&self) -> String {
        format!("{}/drill", self.base)
    }

    /// Returns that of the discovery document, if the camera is announced.
    pub fn discovery(&self) -> Option<&str> {
        self.discovery.as_deref()
    }
}

/// Says whether topics may begin with this: letters, digits and `-_.`, in parts between single slashes.
pub fn is_prefix(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= 128 && text.split('/').all(|part| !part.is_empty() && part.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::wire::Wire as _;

    fn topics() -> Topics {
        Topics::new("home/cams", "homeassistant", Mac::parse("00606E000001").unwrap())
    }

    #[test]
    fn every_topic_is_below_the_cameras_own_and_no_two_are_one() {
        let topics = topics();
        let mut all = vec![topics.status(), topics.snapshot(), topics.drill()];
        all.extend(Sensor::ALL.map(|sensor| topics.sensor(sensor)));
        all.extend(Switch::ALL.map(|switch| topics.switch(switch)));
        all.extend(Switch::ALL.map(|switch| topics.command(switch)));
        assert!(all.iter().all(|topic| topic.starts_with("home/cams/00606E000001/")), "{all:?}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 14);
        assert_eq!(topics.discovery(), Some("homeassistant/device/lookout_00606E000001/config"));
        assert_eq!(Topics::new("a", "", Mac::default()).discovery(), None);
    }

    #[test]
    fn a_command_is_for_the_switch_of_its_topic_and_every_other_topic_is_none() {
        let topics = topics();
        for switch in Switch::ALL {
            assert_eq!(topics.commanded(&topics.command(switch)), Some(switch));
            assert_eq!(topics.commanded(&topics.switch(switch)), None);
        }
        let base = "home/cams/00606E000001";
        for other in ["", "/set", "/privacy/set/set", "privacy/set", "/armed/set", "/motion/set", "/PRIVACY/set"] {
            assert_eq!(topics.commanded(&format!("{base}{other}")), None, "{other}");
        }
        assert_eq!(topics.commanded("home/cams/00606E000002/privacy/set"), None);
    }

    #[test]
    fn a_switch_turns_what_it_shows_and_nothing_else() {
        for switch in Switch::ALL {
            let mut settings = Settings::factory();
            switch.set(&mut settings, true);
            assert_eq!(Switch::ALL.map(|each| each.get(&settings)), Switch::ALL.map(|each| each == switch));
            switch.set(&mut settings, false);
            assert_eq!(settings, Settings::factory());
        }
    }

    #[test]
    fn a_prefix_has_no_wildcard_no_empty_part_and_no_control_character() {
        for good in ["lookout", "a/b", "my-home_1.x/cam"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in ["", "/", "/a", "a/", "a//b", "a/+", "#", "$SYS", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }
}
