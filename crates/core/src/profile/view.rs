//! What a listing is made from: the settings, and the state that is only shown.

use super::{settings::Settings, wire::Mac};

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
    /// Version of the web UI, four numbers.
    pub app_ver: &'a str,
    /// How the engines stand.
    pub status: Status,
}

impl<'a> View<'a> {
    /// Makes the view of settings that are not in force anywhere: those of a file, or of the manual.
    pub fn of(settings: &'a Settings) -> Self {
        Self { settings, id: settings.id, now: 0, sys_ver: "", app_ver: "", status: Status::default() }
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
