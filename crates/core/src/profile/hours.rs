//! The forbidden hours: when no picture or sound may leave the camera, by its own local time (PROFILE 5.6); and the
//! privacy switch, which is like an hour that lasts until it is off again (Q63).

use super::{settings::Settings, week::LocalTime};

/// For so many seconds after the hours end, pictures still count as taken in them: how late a source hands over what it
/// saw is not known.
pub const GUARD_S: i64 = 1;

impl Settings {
    /// Says whether pictures may leave the camera at a moment: seconds since 1970 on the host's clock.
    pub fn open_at(&self, host: i64) -> bool {
        !self.privacy_now && !self.forbidden.holds(LocalTime::of(self.clock.local(host)))
    }

    /// Says whether a picture captured at a moment, seconds since 1970 on the host's clock, may ever leave the camera.
    pub fn showable(&self, captured: i64) -> bool {
        self.open_at(captured) && self.open_at(captured.saturating_sub(GUARD_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{week::Word, wire::Wire as _};

    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    /// Sunday 4 January 1970, 00:00.
    const SUNDAY: i64 = 3 * DAY;

    /// Settings with the given quarter-hours forbidden: day (0 Sunday), quarter of the day.
    fn forbidden(quarters: &[(usize, usize)]) -> Settings {
        let mut settings = Settings::factory();
        settings.forbidden.enable = true;
        for (day, quarter) in quarters {
            let Word(bits) = &mut settings.forbidden.week.days[*day][quarter / 32];
            *bits |= 1 << (quarter % 32);
        }
        settings
    }

    /// Says for a second before, the first second, the last second and the one after it whether the camera is open.
    fn edges(settings: &Settings, begin: i64, end: i64) -> [bool; 4] {
        [begin - 1, begin, end - 1, end].map(|at| settings.open_at(at))
    }

    #[test]
    fn the_hours_begin_and_end_with_their_quarter_to_the_second() {
        let settings = forbidden(&[(1, 34)]);
        let begin = SUNDAY + DAY + 8 * HOUR + 30 * MINUTE;
        assert_eq!(edges(&settings, begin, begin + 15 * MINUTE), [true, false, false, true]);
        // A week later again, and so in 2106; the day after, not.
        for weeks in [1, 7000] {
            let begin = begin + weeks * 7 * DAY;
            assert_eq!(edges(&settings, begin, begin + 15 * MINUTE), [true, false, false, true]);
        }
        assert!(settings.open_at(begin + DAY));
    }

    #[test]
    fn neighbouring_quarters_are_one_stretch_over_words_midnight_and_the_end_of_the_week() {
        // 07:45-08:15 lies in two words; Saturday's last quarter is followed by Sunday's first.
        let words = forbidden(&[(3, 31), (3, 32)]);
        let begin = SUNDAY + 3 * DAY + 7 * HOUR + 45 * MINUTE;
        assert_eq!(edges(&words, begin, begin + 30 * MINUTE), [true, false, false, true]);
        let night = forbidden(&[(6, 95), (0, 0)]);
        let begin = SUNDAY + 7 * DAY - 15 * MINUTE;
        assert_eq!(edges(&night, begin, begin + 30 * MINUTE), [true, false, false, true]);
        assert!((begin..begin + 30 * MINUTE).all(|at| !night.open_at(at)));
    }

    #[test]
    fn the_hours_are_those_of_the_cameras_clock_zone_and_summer() {
        let mut settings = forbidden(&[(0, 0)]);
        let begins_at = |settings: &Settings, begin| edges(settings, begin, begin + 15 * MINUTE);
        let expected = [true, false, false, true];
        assert_eq!(begins_at(&settings, SUNDAY), expected);
        // Five hours west: midnight comes five hours later.
        settings.clock.tz.take("18000").unwrap();
        assert_eq!(begins_at(&settings, SUNDAY + 5 * HOUR), expected);
        settings.clock.dst.take("3600").unwrap();
        assert_eq!(begins_at(&settings, SUNDAY + 4 * HOUR), expected);
        // The camera's clock is a minute ahead of the host's.
        settings.clock.offset_s.take("60").unwrap();
        assert_eq!(begins_at(&settings, SUNDAY + 4 * HOUR - MINUTE), expected);
    }

    #[test]
    fn a_schedule_that_is_switched_off_forbids_nothing() {
        let mut settings = forbidden(&(0..96).map(|quarter| (0, quarter)).collect::<Vec<_>>());
        assert!(!settings.open_at(SUNDAY) && !settings.showable(SUNDAY));
        settings.forbidden.enable = false;
        assert!(settings.open_at(SUNDAY) && settings.showable(SUNDAY));
    }

    #[test]
    fn the_privacy_switch_closes_at_every_hour_and_leaves_the_hours_as_they_are() {
        let mut settings = forbidden(&[(0, 0)]);
        settings.privacy_now = true;
        for at in [SUNDAY, SUNDAY + HOUR] {
            assert!(!settings.open_at(at) && !settings.showable(at));
        }
        settings.privacy_now = false;
        assert_eq!([SUNDAY, SUNDAY + HOUR].map(|at| settings.open_at(at)), [false, true]);
    }

    #[test]
    fn what_was_captured_in_the_hours_or_the_second_behind_them_is_never_shown() {
        let settings = forbidden(&[(0, 0)]);
        let end = SUNDAY + 15 * MINUTE;
        let showable = [SUNDAY - 1, SUNDAY, end - 1, end, end + 1].map(|at| settings.showable(at));
        assert_eq!(showable, [true, false, false, false, true]);
    }

    #[test]
    fn no_clock_is_too_far_off() {
        let settings = forbidden(&[(0, 0)]);
        for at in [i64::MIN, i64::MAX] {
            let _ = (settings.open_at(at), settings.showable(at));
        }
    }
}
