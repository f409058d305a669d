//! How long a server that failed is left alone before it is tried again.

use std::time::Duration;

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

/// Makes a pause up to an eighth shorter.
pub fn jitter(pause: Duration, random: u8) -> Duration {
    pause - pause / 8 * random.into() / 255
}

#[cfg(test)]
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
    fn chance_makes_a_pause_up_to_an_eighth_shorter() {
        assert_eq!([0, 255].map(|random| jitter(S(80), random)), [S(80), S(70)]);
        assert!((0..=254).all(|random| jitter(S(80), random) > jitter(S(80), random + 1)));
    }
}
