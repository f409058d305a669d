//! When a cause is armed.

use super::{Cause, Reason};
use crate::profile::{settings::Settings, week::LocalTime};

/// Says whether a cause is armed at a moment: seconds since 1970 on the host's clock (PROFILE 4.4).
///
/// # Errors
/// [`Reason::NotArmed`] or [`Reason::OutOfSchedule`].
pub fn armed(settings: &Settings, cause: Cause, host: i64) -> Result<(), Reason> {
    let alarm = &settings.alarm;
    if !cause.is_on(alarm) {
        return Err(Reason::NotArmed);
    }
    let now = LocalTime::of(settings.clock.local(host));
    let off = alarm.schedule.enable && !alarm.schedule.week.contains(now);
    if off { Err(Reason::OutOfSchedule) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::week::Word;

    #[test]
    fn a_cause_is_armed_by_its_own_switch_and_at_all_hours_without_a_schedule() {
        let mut settings = Settings::factory();
        for cause in Cause::ALL {
            assert_eq!(armed(&settings, cause, 0), Err(Reason::NotArmed));
        }
        settings.alarm.input_armed = true;
        assert_eq!(Cause::ALL.map(|cause| armed(&settings, cause, 0).is_ok()), [false, true, false]);
    }

    #[test]
    fn with_a_schedule_it_is_armed_in_its_quarter_hours_of_local_time() {
        let mut settings = Settings::factory();
        settings.alarm.motion_armed = true;
        settings.alarm.schedule.enable = true;
        assert_eq!(armed(&settings, Cause::Motion, 0), Err(Reason::OutOfSchedule));
        // 1 January 1970 was a Thursday.
        settings.alarm.schedule.week.days[4][0] = Word(1 << 1);
        let at = |at: i64| armed(&settings, Cause::Motion, at).is_ok();
        assert_eq!([899, 900, 1799, 1800].map(at), [false, true, true, false]);
    }
}
