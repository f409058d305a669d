//! When a level that bounces has settled.

use std::time::{Duration, Instant};

/// Lets a level pass once it has lasted.
#[derive(Debug)]
pub struct Debounce {
    period: Duration,
    settled: Option<bool>,
    coming: Option<(bool, Instant)>,
}

impl Debounce {
    /// Makes it for levels that must last `period`; the first passes at once.
    pub const fn new(period: Duration) -> Self {
        Self { period, settled: None, coming: None }
    }

    /// Takes a level as it is now; returns the level that is settled with it, none while it has yet to last.
    pub fn feel(&mut self, level: bool, now: Instant) -> Option<bool> {
        if self.settled.is_none_or(|settled| settled == level) {
            (self.settled, self.coming) = (Some(level), None);
            return Some(level);
        }
        self.coming = self.coming.or(Some((level, now + self.period)));
        self.settle(now)
    }

    /// Returns when a level that is coming has lasted, unless another comes before.
    pub fn due(&self) -> Option<Instant> {
        self.coming.map(|(_, due)| due)
    }

    /// Tells the time; returns a level that has now lasted.
    pub fn settle(&mut self, now: Instant) -> Option<bool> {
        let (level, _) = self.coming.filter(|(_, due)| *due <= now)?;
        (self.settled, self.coming) = (Some(level), None);
        Some(level)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
mod tests {
    use super::*;

    /// Feels levels at milliseconds, with the time told in between, and returns what passed and when.
    fn passed(period: u64, felt: &[(u64, bool)]) -> Vec<(u64, bool)> {
        let begin = Instant::now();
        let mut debounce = Debounce::new(Duration::from_millis(period));
        let mut passed = Vec::new();
        for at in 0..1000 {
            let now = begin + Duration::from_millis(at);
            if debounce.due().is_some_and(|due| due <= now) {
                passed.extend(debounce.settle(now).map(|level| (at, level)));
            }
            for (_, level) in felt.iter().filter(|(when, _)| *when == at) {
                passed.extend(debounce.feel(*level, now).map(|level| (at, level)));
            }
        }
        passed
    }

    #[test]
    fn the_first_level_passes_at_once() {
        assert_eq!(passed(50, &[(3, true)]), [(3, true)]);
        assert_eq!(passed(50, &[(3, false)]), [(3, false)]);
    }

    #[test]
    fn a_level_passes_when_it_has_lasted() {
        assert_eq!(passed(50, &[(0, false), (10, true)]), [(0, false), (60, true)]);
    }

    #[test]
    fn what_does_not_last_passes_never() {
        assert_eq!(passed(50, &[(0, false), (10, true), (59, false)]), [(0, false), (59, false)]);
    }

    #[test]
    fn a_level_that_bounces_lasts_from_its_last_bounce_on() {
        let bounces = [(0, false), (10, true), (20, false), (30, true), (35, false), (40, true)];
        let passed = passed(50, &bounces);
        assert_eq!(passed.iter().filter(|(_, level)| *level).collect::<Vec<_>>(), [&(90, true)]);
    }

    #[test]
    fn a_level_that_is_told_again_does_not_begin_anew() {
        assert_eq!(passed(50, &[(0, false), (10, true), (40, true)]), [(0, false), (60, true)]);
    }

    #[test]
    fn without_a_period_everything_passes() {
        let felt = [(0, false), (10, true), (10, false), (11, true)];
        assert_eq!(passed(0, &felt), felt);
    }
}
