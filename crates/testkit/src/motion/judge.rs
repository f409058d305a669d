//! Compares what a detector says with what is so.

use super::{FPS, Truth};

/// What became of one scene.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many pictures after it began each visit was noticed, 1 for the first; `None` for one that was not.
    pub visits: Vec<Option<usize>>,
    /// The pictures in which false alarms began.
    pub false_alarms: Vec<usize>,
    /// Pictures in which something moved.
    pub moving: usize,
    /// How many of them were said to be so.
    pub said: usize,
}

/// Sums of outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Visits.
    pub visits: usize,
    /// Delays of those that were noticed, in pictures, in order.
    pub delays: Vec<usize>,
    /// False alarms.
    pub false_alarms: usize,
    /// Pictures in which something moved.
    pub moving: usize,
    /// How many of them were said to be so.
    pub said: usize,
}

/// Judges what was said of each picture of a scene.
///
/// A visit is a row of pictures in which something moves; pauses of up to a second belong to it. It is noticed if motion
/// is told in it or up to half a second after it. False alarms are pictures of motion while everything rests; those
/// within two seconds are one.
pub fn judge(truth: &[Truth], motion: &[bool]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut visits: Vec<[usize; 2]> = Vec::new();
    for (at, _) in truth.iter().enumerate().filter(|(_, truth)| **truth == Truth::Moves) {
        match visits.last_mut() {
            Some([_, end]) if at <= *end + FPS => *end = at + 1,
            _ => visits.push([at, at + 1]),
        }
        outcome.moving += 1;
        outcome.said += usize::from(motion[at]);
    }
    for [begin, end] in visits {
        // It may have been noticed while it came.
        let before = truth[..begin].iter().rev().take_while(|truth| **truth == Truth::Either).count();
        let early = motion[begin - before.min(5)..begin].iter().any(|motion| *motion);
        let told = (begin..(end + FPS / 2).min(motion.len())).find(|at| motion[*at]);
        outcome.visits.push(told.map(|at| if early { 1 } else { at - begin + 1 }));
    }
    for at in (0..truth.len()).filter(|at| motion[*at] && truth[*at] == Truth::Rests) {
        if outcome.false_alarms.last().is_none_or(|last| at > last + 2 * FPS) {
            outcome.false_alarms.push(at);
        }
    }
    outcome
}

impl Score {
    /// Adds a scene's.
    pub fn add(&mut self, outcome: &Outcome) {
        self.visits += outcome.visits.len();
        self.delays.extend(outcome.visits.iter().flatten());
        self.delays.sort_unstable();
        self.false_alarms += outcome.false_alarms.len();
        self.moving += outcome.moving;
        self.said += outcome.said;
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.visits += other.visits;
        self.delays.extend(&other.delays);
        self.delays.sort_unstable();
        self.false_alarms += other.false_alarms;
        self.moving += other.moving;
        self.said += other.said;
    }

    /// Returns the share of visits that were noticed.
    pub fn recall(&self) -> f64 {
        self.delays.len() as f64 / self.visits.max(1) as f64
    }

    /// Returns the share of what was told that was so; 1 if nothing was.
    pub fn precision(&self) -> f64 {
        let told = self.delays.len() + self.false_alarms;
        if told == 0 { 1.0 } else { self.delays.len() as f64 / told as f64 }
    }

    /// Returns a delay that a share of the noticed visits did not exceed, in pictures.
    pub fn delay(&self, share: f64) -> usize {
        let at = (self.delays.len() as f64 * share).ceil() as usize;
        self.delays.get(at.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// Returns the share of moving pictures that were said to move.
    pub fn said(&self) -> f64 {
        self.said as f64 / self.moving.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_noticed_late_early_or_not_and_what_nobody_did_is_a_false_alarm() {
        use Truth::{Either, Moves, Rests};
        let truth = [&[Rests; 30][..], &[Either; 3], &[Moves; 10], &[Either; 10], &[Rests; 40]].concat();
        let told = |pictures: &[usize]| -> Vec<bool> { (0..truth.len()).map(|at| pictures.contains(&at)).collect() };
        assert_eq!(judge(&truth, &told(&[33])).visits, [Some(1)]);
        assert_eq!(judge(&truth, &told(&[31, 40])).visits, [Some(1)]);
        assert_eq!(judge(&truth, &told(&[35])).visits, [Some(3)]);
        assert_eq!(judge(&truth, &told(&[60])).visits, [None]);
        assert_eq!(judge(&truth, &told(&[5, 7, 60, 90])).false_alarms, [5, 60, 90]);
        let mut score = Score::default();
        score.add(&judge(&truth, &told(&[2, 35, 36])));
        score.add(&judge(&truth, &told(&[])));
        assert_eq!((score.recall(), score.precision(), score.delay(1.0)), (0.5, 0.5, 3));
        assert_eq!((score.moving, score.said), (20, 2));
    }
}
