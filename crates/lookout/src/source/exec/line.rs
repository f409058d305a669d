//! When sound was captured that comes out of a pipe without a time.
//!
//! What arrives was captured just before, which is all that is known. So the newest sample of what was read gets the time
//! of its arrival, and from there on the samples count: they lie on a line, one behind the other, and the line gives way
//! a little to where they arrive, for a microphone's clock is not ours.
//!
//! Who writes faster than sound goes, be it a burst now and then or a file as fast as it can be read, is held back until
//! the time has come: what waits meanwhile waits in the pipe, and then the program. A thousandth is caught up, so that the
//! clock of a microphone that is a little fast does not fill the pipe in the end.

use std::time::{Duration, Instant};

/// This late is a gap, and so much of what arrives at once is taken for new.
pub(super) const GAP: Duration = Duration::from_millis(250);
/// What is late moves the line by one part of so many of how late it is.
const GIVES: u32 = 32;
/// What is early moves the line by one part of so many of how long it is.
const CATCHES_UP: u32 = 1000;

/// The line.
#[derive(Debug)]
pub(super) struct Line {
    rate: u32,
    /// When the next sample was captured.
    next: Option<Instant>,
    /// How much is left out instead of being held back, after a gap: it was written in the gap, or instead.
    left_out: Duration,
    /// Whether the samples that come next were held back.
    waited: bool,
}

/// What becomes of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The line goes on with them.
    Take,
    /// They are to be shown again then.
    Wait(Instant),
    /// So many are left out, the first ones.
    Drop(usize),
}

impl Line {
    /// Makes one that has not begun, for samples of that rate.
    pub(super) fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), next: None, left_out: Duration::ZERO, waited: false }
    }

    /// Decides about `count` samples, a channel, of which the last arrived just now.
    pub(super) fn arrive(&mut self, count: usize, now: Instant) -> Verdict {
        let length = self.length(count);
        let captured = now.checked_sub(length).unwrap_or(now);
        let next = *self.next.get_or_insert(captured);
        let (late, early) = (captured.saturating_duration_since(next), next.saturating_duration_since(captured));
        let waited = self.waited && early.is_zero();
        self.waited &= !waited;
        if late > GAP {
            (self.next, self.left_out) = (Some(captured), late);
            return Verdict::Take;
        }
        if waited {
            self.next = next.checked_sub(length / CATCHES_UP);
            return Verdict::Take;
        }
        if early < length / 2 {
            // The pipe was empty before: what was written in a gap has been seen.
            self.left_out = Duration::ZERO;
        }
        if early.is_zero() {
            self.next = Some(next + late / GIVES);
            return Verdict::Take;
        }
        let left_out = (self.left_out.as_nanos() * u128::from(self.rate) / 1_000_000_000) as usize;
        if left_out > 0 {
            let count = count.min(left_out);
            self.left_out = self.left_out.saturating_sub(self.length(count));
            return Verdict::Drop(count);
        }
        self.waited = true;
        Verdict::Wait(now + early)
    }

    /// Goes on by `count` samples and returns when the first of them was captured.
    pub(super) fn advance(&mut self, count: usize, now: Instant) -> Instant {
        let captured = self.next.unwrap_or(now);
        self.next = Some(captured + self.length(count));
        captured
    }

    /// How long so many samples are.
    fn length(&self, count: usize) -> Duration {
        Duration::from_secs(count as u64) / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A program and who hears it: what it has written is read as soon as it may be, 250 ms at once at most.
    struct Played {
        line: Line,
        begin: Instant,
        now: Instant,
        /// When which samples were captured, and how many there were: in ms and samples.
        heard: Vec<(f64, usize)>,
        dropped: usize,
    }

    impl Played {
        fn new() -> Self {
            // So far from the beginning of the clock that nothing ends there.
            let begin = Instant::now() + Duration::from_secs(3600);
            Self { line: Line::new(8000), begin, now: begin, heard: Vec::new(), dropped: 0 }
        }

        /// The program writes so many ms of sound at a time.
        fn write(&mut self, at: Duration, ms: usize) {
            self.now = self.now.max(self.begin + at);
            let mut left = ms * 8;
            while left > 0 {
                let count = left.min(2000);
                match self.line.arrive(count, self.now) {
                    Verdict::Take => {
                        let captured = self.line.advance(count, self.now);
                        self.heard.push(((captured - (self.begin - 1000 * MS)).as_secs_f64() * 1e3 - 1e3, count));
                        left -= count;
                    }
                    Verdict::Wait(until) => {
                        assert!(until > self.now);
                        self.now = until;
                    }
                    Verdict::Drop(count) => {
                        assert!(count > 0 && count <= left);
                        self.dropped += count;
                        left -= count;
                    }
                }
            }
        }

        /// The largest gap and overlap between one piece and the next, in ms.
        fn seams(&self) -> (f64, f64) {
            let seams = self.heard.windows(2).map(|two| two[1].0 - two[0].0 - two[0].1 as f64 / 8.0);
            seams.fold((0.0, 0.0), |(gap, overlap): (f64, f64), seam| (gap.max(seam), overlap.max(-seam)))
        }
    }

    #[test]
    fn what_arrives_was_captured_just_before() {
        let mut played = Played::new();
        for piece in 1..=80 {
            played.write(125 * MS * piece, 125);
        }
        assert_eq!(played.heard[0], (0.0, 1000));
        assert_eq!(played.heard[79], (79.0 * 125.0, 1000));
        assert_eq!(played.seams(), (0.0, 0.0));
    }

    #[test]
    fn a_late_piece_moves_the_line_a_little_and_a_slow_clock_is_followed() {
        let mut played = Played::new();
        for piece in 1..=3000 {
            // A clock that is 200 millionths slow, and 9 ms of jitter.
            let jitter = [0, 3, 9, 1][piece as usize % 4];
            played.write(20 * MS * piece + Duration::from_micros(4) * piece + jitter * MS, 20);
        }
        let (gap, overlap) = played.seams();
        assert!(gap < 0.5 && overlap < 0.1, "{gap} {overlap}");
        let (captured, _) = played.heard[2999];
        let off = captured - 2999.0 * 20.004;
        assert!((0.0..9.0).contains(&off), "{off}");
    }

    #[test]
    fn a_fast_clock_is_followed_and_nothing_is_left_in_the_pipe() {
        let mut played = Played::new();
        let mut most = Duration::ZERO;
        for piece in 1..=30_000 {
            let at = Duration::from_micros(19_990) * piece;
            played.write(at, 20);
            most = most.max(played.now - (played.begin + at));
        }
        assert!(most < 5 * MS, "{most:?} behind");
        assert_eq!(played.dropped, 0);
    }

    #[test]
    fn a_file_is_played_at_its_pace() {
        let mut played = Played::new();
        played.write(Duration::ZERO, 60_000);
        let took = (played.now - played.begin).as_millis();
        assert!((59_650..=59_750).contains(&took), "{took} ms for what is behind the first quarter of a second");
        let (gap, overlap) = played.seams();
        assert!(gap == 0.0 && overlap < 0.3, "{gap} {overlap}");
    }

    #[test]
    fn bursts_are_played_evenly() {
        let mut played = Played::new();
        for second in 1..=60 {
            played.write(1000 * MS * second, 1000);
        }
        let (gap, overlap) = played.seams();
        assert!(gap < 1.0 && overlap < 0.3, "{gap} {overlap}");
        assert_eq!((played.dropped, played.heard.len()), (0, 240));
    }

    #[test]
    fn after_a_gap_what_was_written_in_it_is_left_out() {
        let mut played = Played::new();
        played.write(20 * MS, 20);
        // Nobody heard it for 10 s; 8 s of that wait in the pipe.
        played.write(10_020 * MS, 8000);
        assert_eq!(played.heard[1..], [(9770.0, 2000)], "the first that is read counts as new");
        assert_eq!(played.dropped, 62_000);
        played.write(10_040 * MS, 20);
        played.write(10_060 * MS, 1000);
        assert_eq!(played.dropped, 62_000, "what comes after that is held back again");
        assert_eq!(played.heard.len(), 3 + 4);
    }

    #[test]
    fn no_rate_or_count_panics() {
        for (rate, count) in [(0, 0), (1, usize::MAX >> 20), (u32::MAX, 1)] {
            let mut line = Line::new(rate);
            let now = Instant::now();
            for _ in 0..3 {
                line.arrive(count, now);
                line.advance(count, now);
            }
        }
    }
}
