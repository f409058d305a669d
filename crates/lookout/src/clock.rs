//! The camera's own clock: the host's, plus the offset that the settings keep (PROFILE 4.1).
//!
//! The host's clock is read where something happens and handed in; it may jump at any moment, in either direction.
//! What it says is shown, written into names and looked up in schedules. Nothing is ever timed by it: intervals are
//! measured with `Instant`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lookout_core::profile::{
    settings::{Clock, Settings},
    week::LocalTime,
    wire::{Illegal, Seconds},
};
use tokio::time::Instant;

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

/// Returns the offset that makes the camera's clock right: it was `time`, since 1970 UTC, when the host's clock said
/// `host`. An offset that is wrong by less than a second stays.
///
/// # Errors
/// The host's clock is further off than an offset can say.
pub fn correction(clock: &Clock, time: Duration, host: SystemTime) -> Result<Seconds, Illegal> {
    const SECOND: i128 = 1_000_000_000;
    // Nanoseconds of 64 bits of seconds are far from the end of 128 bits.
    let host = match host.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    let right = time.as_nanos() as i128 - host;
    if (right - i128::from(clock.offset_s.0) * SECOND).abs() < SECOND {
        return Ok(clock.offset_s);
    }
    let nearest = (right + SECOND / 2).div_euclid(SECOND);
    Seconds::new(i64::try_from(nearest).map_err(|_| Illegal)?)
}

/// A moment on the host's clock and on the steady one.
pub type Moment = (SystemTime, Instant);

/// Returns how far the host's clock was moved, in either direction, from one moment to a later one.
pub fn drift(then: Moment, now: Moment) -> Duration {
    let steady = now.1.duration_since(then.1);
    match now.0.duration_since(then.0) {
        Ok(host) => host.abs_diff(steady),
        Err(back) => back.duration() + steady,
    }
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
