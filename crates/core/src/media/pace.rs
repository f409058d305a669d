//! How often a viewer gets a picture: the rate codes of `rate=` (PROFILE 5.1, Q11).

use std::time::{Duration, Instant};

/// Chooses, picture by picture, which ones a viewer gets; the average interval is exact however the source's rate
/// divides it.
///
/// The next picture is due one interval after the last one was *due*, not after it came: a source at 30 a second
/// watched at 20 gives one, skips none, one, skips one, and 20 a second on average.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
    due: Option<Instant>,
}

/// The listed codes and their shortest intervals in microseconds.
const CODES: [(u32, u64); 13] = [
    (0, 0),
    (1, 50_000),
    (3, 66_667),
    (6, 100_000),
    (11, 200_000),
    (12, 250_000),
    (13, 333_333),
    (14, 500_000),
    (15, 1_000_000),
    (17, 2_000_000),
    (19, 3_000_000),
    (21, 4_000_000),
    (23, 5_000_000),
];

impl Pace {
    /// Every picture.
    pub const FULL: Self = Self { interval: Duration::ZERO, due: None };

    /// At most one picture in an interval, on average.
    pub const fn every(interval: Duration) -> Self {
        Self { interval, due: None }
    }

    /// Reads a rate code: between two listed ones it is the next higher listed one; over 23 or not a number, 0 (Q11).
    pub fn from_code(code: &str) -> Self {
        let code = code.parse::<u32>().unwrap_or(0);
        let micros = CODES.iter().find(|listed| listed.0 >= code).map_or(0, |listed| listed.1);
        Self { interval: Duration::from_micros(micros), due: None }
    }

    /// Says whether the viewer gets the picture captured at this moment, and reckons with it if so.
    pub fn takes(&mut self, captured: Instant) -> bool {
        if self.interval.is_zero() {
            return true;
        }
        let due = *self.due.get_or_insert(captured);
        if captured < self.earliest(due) {
            return false;
        }
        let late = captured.saturating_duration_since(due);
        self.due = Some(if late > self.interval { captured } else { due } + self.interval);
        true
    }

    /// Cameras are not exact: a picture that comes a little early is the one that was meant.
    fn earliest(&self, due: Instant) -> Instant {
        let slack = (self.interval / 8).min(Duration::from_millis(10));
        due.checked_sub(slack).unwrap_or(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what a viewer gets of `seconds` of a source, with ±3 ms of jitter.
    fn pictures(code: &str, source_fps: u32, seconds: u32) -> u32 {
        #[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
        let start = Instant::now() + Duration::from_secs(1);
        let mut pace = Pace::from_code(code);
        let jitter = |n: u32| Duration::from_millis(u64::from(n * 7919 % 7));
        let at = |n: u32| start + Duration::from_secs(1) * n / source_fps + jitter(n);
        (0..source_fps * seconds).filter(|n| pace.takes(at(*n))).count().try_into().unwrap()
    }

    #[test]
    fn every_code_is_exact_to_two_per_cent_from_any_source() {
        let codes = [
            ("1", 20.),
            ("3", 15.),
            ("6", 10.),
            ("11", 5.),
            ("12", 4.),
            ("13", 3.),
            ("14", 2.),
            ("15", 1.),
            ("17", 0.5),
        ];
        for source in [20, 24, 25, 30, 50, 60] {
            for (code, per_second) in codes {
                let got = f64::from(pictures(code, source, 300)) / 300.;
                assert!((got / per_second - 1.).abs() < 0.02, "code {code} of {source} fps: {got}");
            }
        }
    }

    #[test]
    fn a_source_slower_than_the_pace_is_shown_whole() {
        assert_eq!(pictures("1", 10, 60), 600);
        assert_eq!(pictures("0", 30, 10), 300);
    }

    #[test]
    fn q11_codes_between_the_listed_ones_mean_the_next_higher_one() {
        for (code, means) in [
            ("2", "3"),
            ("4", "6"),
            ("7", "11"),
            ("16", "17"),
            ("22", "23"),
            ("24", "0"),
            ("x", "0"),
            ("", "0"),
            ("-1", "0"),
        ] {
            assert_eq!(Pace::from_code(code).interval, Pace::from_code(means).interval, "{code}");
        }
    }

    #[test]
    fn after_a_gap_a_viewer_gets_no_burst() {
        #[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
        let start = Instant::now();
        let mut pace = Pace::from_code("15");
        let ms = |ms| start + Duration::from_millis(ms);
        let taken = [0, 9_000, 9_100, 9_200, 9_990, 10_000].map(|at| pace.takes(ms(at)));
        assert_eq!(taken, [true, true, false, false, true, false]);
    }
}
