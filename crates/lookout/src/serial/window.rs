//! How often clients may write.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// How many may pass in any [`SPAN`].
const MOST: usize = 10;
const SPAN: Duration = Duration::from_secs(1);

/// Lets ten pass in any second.
#[derive(Debug, Default)]
pub struct Window {
    passed: VecDeque<Instant>,
}

impl Window {
    /// Says whether one more may pass, and counts it if so.
    pub fn pass(&mut self, now: Instant) -> bool {
        self.passed.retain(|at| now.saturating_duration_since(*at) < SPAN);
        let pass = self.passed.len() < MOST;
        if pass {
            self.passed.push_back(now);
        }
        pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_pass_in_any_second_and_who_is_refused_does_not_count() {
        let mut window = Window::default();
        let begin = Instant::now();
        let mut pass = |ms| window.pass(begin + Duration::from_millis(ms));
        assert!((0..10).all(|n| pass(90 * n)));
        assert!(!pass(810) && !pass(999));
        assert!(pass(1000), "the first was a second ago");
        assert!(!pass(1001) && pass(1090));
    }
}
