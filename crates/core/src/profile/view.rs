//! What a listing is made from: the settings, and the state that is only shown.

use std::{fmt, str::FromStr};

use super::{
    settings::Settings,
    wire::{Illegal, Mac},
};

/// Everything that a row of the table may show.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The device id in force: a new one of the settings waits for the next start.
    pub id: Mac,
    /// The camera's clock, seconds since 1970 UTC.
    pub now: i64,
    /// Version of the camera, four numbers.
    pub sys_ver: &'a str,
    /// Version of the web UI.
    pub app_ver: Version,
    /// How the engines stand.
    pub status: Status,
}

impl<'a> View<'a> {
    /// Makes the view of settings that are not in force anywhere: those of a file, or of the manual.
    pub fn of(settings: &'a Settings) -> Self {
        Self { settings, id: settings.id, now: 0, sys_ver: "", app_ver: Version::default(), status: Status::default() }
    }
}

/// The version of a web UI: four numbers of 0 to 255, as a pack carries them (PROFILE 5.11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(pub [u8; 4]);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

impl FromStr for Version {
    type Err = Illegal;
    fn from_str(text: &str) -> Result<Self, Illegal> {
        let numbers = text.split('.').map(str::parse).collect::<Result<Vec<u8>, _>>().map_err(|_| Illegal)?;
        numbers.try_into().map(Self).map_err(|_| Illegal)
    }
}

/// How the engines stand, by the profile's numbers (PROFILE 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// 0 none, 1 motion, 2 input, 3 sound.
    pub alarm: u8,
    /// PROFILE 4.5.
    pub ddns: u8,
    /// 0 standard, 1 professional.
    pub oray: u8,
    /// PROFILE 4.6.
    pub upnp: u8,
    /// 1: joined to the wireless network.
    pub wifi: u8,
}

/// Whether listings give secrets back (PROFILE 1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Every secret that is not empty shows as its mask; passwords of users are kept as hashes.
    #[default]
    Masked,
    /// As the vendor's document says: shown as they are.
    Plain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_four_numbers_of_a_byte() {
        assert_eq!("2.4.10.255".parse(), Ok(Version([2, 4, 10, 255])));
        assert_eq!(Version([2, 4, 10, 5]).to_string(), "2.4.10.5");
        for bad in ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.x", "1.2.3.", " 1.2.3.4"] {
            assert_eq!(bad.parse::<Version>(), Err(Illegal), "{bad:?}");
        }
    }
}
