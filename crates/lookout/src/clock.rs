//! The camera's own clock: the host's, plus the offset that the settings keep (PROFILE 4.1).
//!
//! The host's clock is read where something happens and handed in; it may jump at any moment, in either direction.
//! What it says is shown, written into names and looked up in schedules. Nothing is ever timed by it: intervals are
//! measured with `Instant`.

use std::time::{SystemTime, UNIX_EPOCH};

use lookout_core::profile::{settings::Settings, week::LocalTime};

/// Returns seconds since 1970 UTC on the host's clock.
pub fn unix(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// Returns seconds since 1970 UTC on the camera's clock, when the host's says `at`.
pub fn camera_time(settings: &Settings, at: SystemTime) -> i64 {
    settings.clock.unix(unix(at))
}

/// Returns the moment of the camera's local week, for schedules, when the host's clock says `at`.
pub fn local_time(settings: &Settings, at: SystemTime) -> LocalTime {
    LocalTime::of(settings.clock.local(unix(at)))
}

/// Writes a moment of the host's clock as the camera's local time, by a format of `strftime`.
pub fn local_text(settings: &Settings, at: SystemTime, format: &str) -> String {
    jiff::Timestamp::from_second(settings.clock.local(unix(at))).map_or_else(
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
