//! How long a server that failed is left alone before it is tried again.

use std::time::{Duration, Instant};

/// The pauses between attempts: each twice as long as the one before, up to a longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Makes one whose first pause is so long, and whose longest.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// Returns the pause after a failure; `random` makes it up to an eighth shorter, so that cameras that failed together
    /// do not come back together for ever.
    pub fn failed(&mut self, random: u8) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        jitter(self.longest.min(doubled), random)
    }

    /// Notes that it went well.
    pub fn went_well(&mut self) {
        self.failures = 0;
    }
}

/// When a server is tried again that is also tried whenever there is something new for it: such an attempt between makes no
/// pause longer, or a minute of many pictures would be an outage of ten.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    backoff: Backoff,
    until: Option<Instant>,
}

impl Rest {
    /// Makes one with these pauses.
    pub const fn new(backoff: Backoff) -> Self {
        Self { backoff, until: None }
    }

    /// Returns until when the server is left alone after a failure; `random` as in [`Backoff::failed`].
    pub fn failed(&mut self, now: Instant, random: u8) -> Instant {
        let going_on = self.until.filter(|until| now < *until);
        let until = going_on.unwrap_or_else(|| now + self.backoff.failed(random));
        self.until = Some(until);
        until
    }

    /// Notes that it went well.
    pub fn went_well(&mut self) {
        self.backoff.went_well();
        self.until = None;
    }
}

/// Makes a pause up to an eighth shorter.
pub fn jitter(pause: Duration, random: u8) -> Duration {
    pause - pause / 8 * random.into() / 255
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_when_it_went_well() {
        let mut backoff = Backoff::new(S(5), S(60));
        assert_eq!([(); 6].map(|()| backoff.failed(0)), [5, 10, 20, 40, 60, 60].map(S));
        for _ in 0..100 {
            assert_eq!(backoff.failed(0), S(60));
        }
        backoff.went_well();
        assert_eq!(backoff.failed(0), S(5));
        let mut long = Backoff { failures: u32::MAX, ..Backoff::new(Duration::MAX, Duration::MAX) };
        assert_eq!(long.failed(0), Duration::MAX);
    }

    #[test]
    fn attempts_within_a_pause_make_no_pause_longer() {
        let (mut rest, start) = (Rest::new(Backoff::new(S(5), S(60))), Instant::now());
        for second in 0..5 {
            assert_eq!(rest.failed(start + S(second), 0), start + S(5), "{second}");
        }
        assert_eq!(rest.failed(start + S(5), 0), start + S(15));
        assert_eq!(rest.failed(start + S(14), 0), start + S(15));
        assert_eq!(rest.failed(start + S(20), 0), start + S(40));
        rest.went_well();
        assert_eq!(rest.failed(start + S(21), 0), start + S(26));
    }

    #[test]
    fn chance_makes_a_pause_up_to_an_eighth_shorter() {
        assert_eq!([0, 255].map(|random| jitter(S(80), random)), [S(80), S(70)]);
        assert!((0..=254).all(|random| jitter(S(80), random) > jitter(S(80), random + 1)));
    }
}
