//! The clock that drivers stamp with.

use std::time::Duration;

/// Reads `CLOCK_MONOTONIC`.
pub(crate) fn now() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that we hold exclusively; nothing else is touched.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    debug_assert_eq!(result, 0, "every Linux has CLOCK_MONOTONIC");
    since_boot(now).unwrap_or_default()
}

/// Reads what was stamped with that clock; none where it cannot be.
pub(crate) fn since_boot(stamp: libc::timespec) -> Option<Duration> {
    Some(Duration::new(stamp.tv_sec.try_into().ok()?, stamp.tv_nsec.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_runs_like_instant() {
        let (clock, instant) = (now(), Instant::now());
        std::thread::sleep(Duration::from_millis(5));
        let (clock, instant) = (now() - clock, instant.elapsed());
        assert!(clock.abs_diff(instant) < Duration::from_secs(1));
    }

    #[test]
    fn a_stamp_before_the_clock_began_is_none() {
        assert_eq!(since_boot(libc::timespec { tv_sec: 7, tv_nsec: 500_000_000 }), Some(Duration::from_millis(7500)));
        assert_eq!(since_boot(libc::timespec { tv_sec: -1, tv_nsec: 0 }), None);
    }
}
