//! What a request can reach: the store, the hub, the doorman, and the camera's own time.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use lookout_core::{
    access::{hosts::Hosts, origin::Origin},
    profile::{
        settings::Settings,
        view::{Status, View},
        wire::Mac,
    },
};
use tokio::sync::Notify;

use crate::{
    config::Config,
    doorman::Doorman,
    http::{Caps, Fans},
    hub::Hub,
    metrics::Metrics,
    store::Store,
    watchdog::Watchdog,
};

/// Version of the camera as the profile writes it: our major and minor, then the level of the dialect (PROFILE 6).
pub const SYS_VER: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"), ".2.43");
/// Version of the web UI.
pub const APP_VER: &str = concat!(
    env!("CARGO_PKG_VERSION_MAJOR"),
    ".",
    env!("CARGO_PKG_VERSION_MINOR"),
    ".",
    env!("CARGO_PKG_VERSION_PATCH"),
    ".0"
);

/// Everything that a request can reach.
pub struct App {
    /// The machine's configuration.
    pub config: Config,
    /// The device id in force since the start.
    pub id: Mac,
    /// The settings.
    pub store: Arc<Store>,
    /// The pictures.
    pub hub: Arc<Hub>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Whether the loops turn.
    pub watchdog: Arc<Watchdog>,
    /// The push streams that run.
    pub fans: Arc<Fans>,
    /// Bounds on connections.
    pub caps: Arc<Caps>,
    /// Who may come in.
    pub doorman: Doorman,
    /// Origins whose pages may read answers.
    pub origins: Vec<Origin>,
    /// The name by which the network knows the camera.
    pub mdns_name: String,
    /// The port of HTTPS, if there is one.
    pub https_port: Option<u16>,
    /// Rung when the camera is to start anew.
    pub restart: Notify,
}

impl App {
    /// Returns the names by which clients may call the camera.
    pub fn hosts(&self, settings: &Settings) -> Hosts {
        let own = [format!("{}.local", self.mdns_name), settings.ddns.host.as_str().to_owned()];
        Hosts::new(own.iter().chain(&self.config.http.hosts).filter(|name| !name.is_empty()))
    }

    /// Returns what listings show.
    pub fn view<'a>(&self, settings: &'a Settings) -> View<'a> {
        let now = camera_time(settings, SystemTime::now());
        View { settings, id: self.id, now, sys_ver: SYS_VER, app_ver: APP_VER, status: Status::default() }
    }
}

/// Returns seconds since 1970 UTC on the host's clock.
pub fn unix(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// Returns seconds since 1970 UTC on the camera's clock.
pub fn camera_time(settings: &Settings, at: SystemTime) -> i64 {
    unix(at).saturating_add(settings.clock.offset_s.0)
}

/// Writes a moment as the camera's local time, by a format of `strftime`.
pub fn local_text(settings: &Settings, at: SystemTime, format: &str) -> String {
    let local = camera_time(settings, at).saturating_add(settings.clock.local_offset_s().into());
    jiff::Timestamp::from_second(local).map_or_else(
        |_| "a time beyond all calendars".into(),
        |at| at.to_zoned(jiff::tz::TimeZone::UTC).strftime(format).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use lookout_core::profile::wire::Wire as _;

    use super::*;

    #[test]
    fn q6_west_of_greenwich_is_positive_and_summer_adds() {
        let mut settings = Settings::factory();
        let text = |settings: &Settings| local_text(settings, UNIX_EPOCH, "%Y%m%d%H%M%S");
        assert_eq!(text(&settings), "19700101000000");
        settings.clock.tz.take("18000").unwrap();
        assert_eq!(text(&settings), "19691231190000");
        settings.clock.dst.take("3600").unwrap();
        assert_eq!(text(&settings), "19691231200000");
        settings.clock.offset_s.take("60").unwrap();
        assert_eq!(text(&settings), "19691231200100");
    }
}
