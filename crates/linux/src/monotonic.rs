//! The clock that drivers stamp with, which is also that of `Instant`.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Returns the moment of a stamp of `CLOCK_MONOTONIC`, given as the time since that began.
pub(crate) fn instant(stamp: Duration) -> Option<Instant> {
    // One moment on both, read once, and well: whoever reads two clocks may be held up between them.
    static BOTH: OnceLock<(Duration, Instant)> = OnceLock::new();
    let (clock, instant) = *BOTH.get_or_init(|| {
        let read = || {
            let (before, clock, after) = (Instant::now(), now(), Instant::now());
            (after - before, clock, before)
        };
        let (_, clock, instant) = (0..8).map(|_| read()).min().unwrap_or_else(read);
        (clock, instant)
    });
    match stamp.checked_sub(clock) {
        Some(later) => instant.checked_add(later),
        None => instant.checked_sub(clock.saturating_sub(stamp)),
    }
}

/// Reads a stamp; none where it is before the clock began.
pub(crate) fn since_boot(stamp: libc::timespec) -> Option<Duration> {
    Some(Duration::new(stamp.tv_sec.try_into().ok()?, stamp.tv_nsec.try_into().ok()?))
}

/// Reads the clock.
fn now() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that we hold exclusively; nothing else is touched.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    debug_assert_eq!(result, 0, "every Linux has CLOCK_MONOTONIC");
    since_boot(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_moment_at_which_it_was_made() {
        // Whoever is held up between the calls is held up by no more than they are apart.
        for _ in 0..3 {
            let (before, stamp, after) = (Instant::now(), now(), Instant::now());
            let made = instant(stamp).unwrap();
            let blur = Duration::from_millis(5);
            assert!(made + blur > before && made < after + blur, "{before:?} {made:?} {after:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_stamp_from_before_the_first_that_was_read_is_known_too() {
        let (stamp, later) = (now().saturating_sub(Duration::from_millis(20)), Duration::from_millis(15));
        assert_eq!(instant(stamp).unwrap() + later, instant(stamp + later).unwrap());
        assert!(instant(stamp).unwrap() < Instant::now());
    }

    #[test]
    fn a_stamp_before_the_clock_began_is_none() {
        assert_eq!(since_boot(libc::timespec { tv_sec: 7, tv_nsec: 500_000_000 }), Some(Duration::from_millis(7500)));
        assert_eq!(since_boot(libc::timespec { tv_sec: -1, tv_nsec: 0 }), None);
    }
}
