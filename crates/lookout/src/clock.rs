//! The camera's own clock: the host's, plus the offset that the settings keep (PROFILE 4.1).
//!
//! The host's clock is read where something happens and handed in; it may jump at any moment, in either direction.
//! What it says is shown, written into names and looked up in schedules. Nothing is ever timed by it: intervals are
//! measured with `Instant`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lookout_core::profile::{
    settings::{Clock, Settings},
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
    use lookout_core::profile::{week::LocalTime, wire::Wire as _};

    use super::*;

    /// Gives the moment of the week for which a schedule is asked.
    fn week(settings: &Settings, host: SystemTime) -> LocalTime {
        LocalTime::of(settings.clock.local(unix(host)))
    }

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

    /// Moments at which days, months, years, leap days, 31 and 32 bits end, and the first and the last that can be said.
    const EDGES: [i64; 10] = [
        0,
        951_782_399,   // 28 February 2000
        1_709_251_199, // 29 February 2024
        1_798_761_599, // 31 December 2026
        2_085_978_495, // the end of NTP's first era
        2_147_483_647,
        4_102_444_799, // 31 December 2099
        4_107_542_399, // 28 February 2100, which has no 29th
        4_294_967_294,
        4_294_967_295,
    ];

    #[test]
    fn local_time_is_the_calendars_for_every_zone_and_summer_at_every_edge() {
        let mut settings = Settings::factory();
        for tz in (-50_400..=50_400).step_by(450) {
            settings.clock.tz.take(&tz.to_string()).unwrap();
            for dst in [-7200, -1, 0, 3600, 7200] {
                settings.clock.dst.take(&dst.to_string()).unwrap();
                let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::from_seconds(dst - tz).unwrap());
                for edge in EDGES.iter().flat_map(|edge| [*edge, edge + 1]) {
                    // A host whose clock is years behind, and a camera whose clock is right.
                    settings.clock.offset_s = Seconds::new(edge - 1000).unwrap();
                    let host = UNIX_EPOCH + Duration::from_secs(1000);
                    let calendar = jiff::Timestamp::from_second(edge).unwrap().to_zoned(zone.clone());
                    let format = "%Y-%m-%d %H:%M:%S %w";
                    assert_eq!(local_text(&settings, host, format), calendar.strftime(format).to_string());
                    let [hour, minute] = [calendar.hour(), calendar.minute()].map(u16::try_from).map(Result::unwrap);
                    let weekday = u8::try_from(calendar.weekday().to_sunday_zero_offset()).unwrap();
                    let expected = LocalTime { weekday, minute: hour * 60 + minute };
                    assert_eq!(week(&settings, host), expected, "{calendar}");
                }
            }
        }
    }

    #[test]
    fn every_day_until_2106_has_its_weekday() {
        let settings = Settings::factory();
        let begin = jiff::civil::date(1970, 1, 1);
        for (day, date) in begin.series(jiff::Span::new().days(1)).take(49_711).enumerate() {
            let noon = UNIX_EPOCH + Duration::from_secs(day as u64 * 86_400 + 43_200);
            let weekday = u8::try_from(date.weekday().to_sunday_zero_offset()).unwrap();
            assert_eq!(week(&settings, noon), LocalTime { weekday, minute: 720 }, "{date}");
        }
    }

    #[test]
    fn a_correction_is_to_the_nearest_second_and_made_only_for_a_whole_one() {
        let mut clock = Clock::default();
        let host = UNIX_EPOCH + Duration::from_millis(1_800_000_000_600);
        let corrected = |clock: &Clock, ms: u64| correction(clock, Duration::from_millis(ms), host).unwrap().0;
        for (ms, offset) in [
            (1_800_000_000_600, 0),
            (1_800_000_001_599, 0),
            (1_799_999_999_601, 0),
            (1_800_000_001_600, 1),
            (1_800_000_002_099, 1),
            (1_800_000_002_100, 2),
            (1_799_999_999_600, -1),
            (1_799_999_998_000, -3),
            (4_294_967_295_600, 2_494_967_295),
        ] {
            assert_eq!(corrected(&clock, ms), offset, "{ms}");
        }
        clock.offset_s = Seconds::new(-3).unwrap();
        assert_eq!([1_799_999_998_500, 1_799_999_996_700].map(|ms| corrected(&clock, ms)), [-3, -3]);
        let before = UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(correction(&clock, Duration::from_secs(1_800_000_000), before).unwrap().0, 1_800_000_002);
        let absurd = UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(correction(&clock, Duration::from_secs(1_800_000_000), absurd).is_err());
    }

    #[test]
    fn a_jump_is_seen_in_both_directions_and_a_clock_that_goes_is_none() {
        let start = (UNIX_EPOCH + Duration::from_secs(1000), Instant::now());
        let later = |host: i64, steady: u64| {
            let host = UNIX_EPOCH + Duration::from_secs((1000 + host) as u64);
            drift(start, (host, start.1 + Duration::from_secs(steady))).as_secs()
        };
        assert_eq!([later(0, 0), later(60, 60), later(3600, 60), later(-10, 60), later(0, 60)], [0, 0, 3540, 70, 60]);
    }
}
