//! How long a source or a microphone that was lost is left alone before it is tried again; and the chance in the pauses
//! of servers ([`Backoff`](lookout_core::backoff::Backoff)).

use std::time::Duration;

use crate::password;

/// The pauses grow, but never so long that a return goes unseen for 3 s.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(1500)];
/// Whatever delivered for so long is good: when it is lost, it is tried again at once. Else a program that ends after a
/// picture would be started, and complained about, ten times a second.
const GOOD: Duration = Duration::from_secs(5);

/// The pauses between attempts.
#[derive(Debug, Default)]
pub struct Pauses {
    attempts: usize,
}

impl Pauses {
    /// Notes for how long it has delivered.
    pub fn delivered(&mut self, long: Duration) {
        if long > GOOD {
            self.attempts = 0;
        }
    }

    /// Returns the pause before the next attempt.
    pub fn next(&mut self) -> Duration {
        let pause = PAUSES[self.attempts.min(PAUSES.len() - 1)];
        self.attempts += 1;
        pause
    }
}

/// Gives the chance in a pause: cameras that failed together do not come back together. Without random numbers all
/// pauses are their longest.
pub fn chance() -> u8 {
    password::random().map_or(0, |[byte]| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_it_was_good() {
        let mut pauses = Pauses::default();
        let mut next = |long| {
            pauses.delivered(Duration::from_secs(long));
            pauses.next().as_millis()
        };
        assert_eq!([0, 1, 0, 5, 0].map(&mut next), [100, 500, 1000, 1500, 1500]);
        assert_eq!([6, 0].map(&mut next), [100, 500]);
    }
}
