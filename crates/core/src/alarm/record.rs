//! What was decided in the last day, and why.
//!
//! Decisions come with every picture; those of one cause for one reason that follow each other closely are one entry,
//! which counts them, also where others come between: something that moves on and off is two entries, not thousands. So a
//! quiet day is a few lines, and a storm is bounded by [`KEPT`]. What was decided last of a cause is kept for as long as
//! it holds.
//!
//! Moments are those of the monotonic clock, which never jumps: whoever shows them reckons back from the time of day that
//! it is for him.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{Cause, Reason};

/// How many entries are kept.
pub const KEPT: usize = 1000;
/// How long an entry is kept after its last decision.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an entry waits for its next decision.
pub const CLOSE: Duration = Duration::from_secs(60);
/// How long after its first decision an entry takes others: what goes on all day can be seen hour by hour.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Decisions of a cause for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was looked at.
    pub cause: Cause,
    /// What was decided.
    pub reason: Reason,
    /// When the first was made.
    pub first: Instant,
    /// When the last was made.
    pub last: Instant,
    /// How many there were.
    pub count: u64,
    /// The strongest of what was seen or heard: a share of the picture, or of full scale, 0 to 1.
    pub most: f32,
}

impl Entry {
    /// Says whether a decision for the same reason belongs to it.
    fn takes(&self, at: Instant) -> bool {
        let alone = matches!(self.reason, Reason::Alarm | Reason::Drill);
        !alone && at.duration_since(self.last) <= CLOSE && at.duration_since(self.first) < LONGEST
    }

    fn old(&self, now: Instant) -> bool {
        now.duration_since(self.last) > DAY
    }
}

/// The decisions of the last day.
#[derive(Debug, Default)]
pub struct Record {
    /// In the order of their last decisions.
    entries: VecDeque<Entry>,
}

impl Record {
    /// Notes a decision. Says whether entries of the last day were thrown away for it.
    pub fn note(&mut self, cause: Cause, reason: Reason, strength: f32, at: Instant) -> bool {
        let strength = if strength.is_nan() { 0.0 } else { strength.clamp(0.0, 1.0) };
        // Those who note do not wait for each other.
        let at = self.entries.back().map_or(at, |newest| newest.last.max(at));
        let same = self.entries.iter().rposition(|entry| (entry.cause, entry.reason) == (cause, reason));
        let same = same.filter(|same| self.entries.get(*same).is_some_and(|entry| entry.takes(at)));
        if let Some(entry) = same.and_then(|same| self.entries.remove(same)) {
            let most = entry.most.max(strength);
            self.entries.push_back(Entry { last: at, count: entry.count + 1, most, ..entry });
            return false;
        }
        self.entries.push_back(Entry { cause, reason, first: at, last: at, count: 1, most: strength });
        let mut lost = false;
        while let Some(oldest) = self.dispensable() {
            let old = self.entries[oldest].old(at);
            if !old && self.entries.len() <= KEPT {
                break;
            }
            self.entries.remove(oldest);
            lost |= !old;
        }
        lost
    }

    /// Returns the place of the oldest that is not what was decided last of its cause.
    fn dispensable(&self) -> Option<usize> {
        let standing = standing(&self.entries);
        (0..self.entries.len()).find(|place| !standing.contains(&Some(*place)))
    }

    /// Returns the entries of the day before a moment, in the order of their last decisions.
    pub fn entries(&self, now: Instant) -> impl Iterator<Item = &Entry> {
        let standing = standing(&self.entries);
        let entries = self.entries.iter().enumerate();
        entries
            .filter(move |(place, entry)| standing.contains(&Some(*place)) || !entry.old(now))
            .map(|(_, entry)| entry)
    }
}

/// Returns the places of what was decided last, of each cause.
fn standing(entries: &VecDeque<Entry>) -> [Option<usize>; Cause::ALL.len()] {
    Cause::ALL.map(|cause| entries.iter().rposition(|entry| entry.cause == cause))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "times are relative to a beginning that a test may take from the clock")]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const FRAME: Duration = Duration::from_millis(100);

    /// A record that is written from a beginning on.
    struct Written(Record, Instant);

    impl Written {
        fn new() -> Self {
            Self(Record::default(), Instant::now())
        }

        fn note(&mut self, cause: Cause, reason: Reason, after: Duration) -> bool {
            self.0.note(cause, reason, 0.5, self.1 + after)
        }

        /// What is told after a time: cause, reason, count, and how long it lasted.
        fn told(&self, after: Duration) -> Vec<(Cause, Reason, u64, Duration)> {
            let entries = self.0.entries(self.1 + after);
            entries.map(|entry| (entry.cause, entry.reason, entry.count, entry.last - entry.first)).collect()
        }
    }

    #[test]
    fn what_goes_on_is_one_entry_also_where_others_come_between() {
        let mut record = Written::new();
        for frame in 0..600 {
            let reason = if frame % 3 == 0 { Reason::Prolonged } else { Reason::BelowThreshold };
            record.note(Cause::Motion, reason, FRAME * frame);
            record.note(Cause::Sound, Reason::BelowThreshold, FRAME * frame);
        }
        let expected = [
            (Cause::Motion, Reason::Prolonged, 200, FRAME * 597),
            (Cause::Motion, Reason::BelowThreshold, 400, FRAME * 598),
            (Cause::Sound, Reason::BelowThreshold, 600, FRAME * 599),
        ];
        assert_eq!(record.told(MINUTE), expected);
    }

    #[test]
    fn an_entry_ends_a_minute_after_its_last_decision_and_an_hour_after_its_first() {
        let mut record = Written::new();
        for after in [Duration::ZERO, MINUTE, MINUTE * 2 + FRAME] {
            record.note(Cause::Motion, Reason::Masked, after);
        }
        assert_eq!(record.told(MINUTE * 3).iter().map(|told| told.2).collect::<Vec<_>>(), [2, 1]);
        let mut record = Written::new();
        (0..120).for_each(|minute| _ = record.note(Cause::Motion, Reason::Masked, MINUTE * minute));
        assert_eq!(record.told(MINUTE * 120).iter().map(|told| told.2).collect::<Vec<_>>(), [60, 60]);
    }

    #[test]
    fn each_alarm_and_each_drill_is_an_entry_of_its_own() {
        let mut record = Written::new();
        for second in 0..6 {
            let reason = if second % 2 == 0 { Reason::Alarm } else { Reason::Drill };
            record.note(Cause::Input, reason, Duration::from_secs(second));
        }
        assert_eq!(record.told(MINUTE).len(), 6);
    }

    #[test]
    fn the_strongest_is_told() {
        let (mut record, at) = (Record::default(), Instant::now());
        for strength in [0.1, 0.3, 0.2] {
            record.note(Cause::Motion, Reason::BelowThreshold, strength, at);
        }
        assert_eq!(record.entries(at).map(|entry| entry.most).collect::<Vec<_>>(), [0.3]);
    }

    #[test]
    fn after_a_day_all_is_forgotten_but_what_was_decided_last_of_each_cause() {
        let mut record = Written::new();
        for cause in Cause::ALL {
            record.note(cause, Reason::NoSource, Duration::ZERO);
            record.note(cause, Reason::NotArmed, FRAME);
        }
        assert_eq!(record.told(DAY).len(), 6);
        let standing = Cause::ALL.map(|cause| (cause, Reason::NotArmed, 1, Duration::ZERO));
        assert_eq!(record.told(DAY * 2), standing);
        // Nor does it stay in memory.
        record.note(Cause::Sound, Reason::NotArmed, DAY * 2);
        assert_eq!(record.0.entries.len(), 3);
        assert_eq!(record.told(DAY * 2), standing);
    }

    #[test]
    fn a_full_record_forgets_the_oldest_and_says_so_and_never_what_holds_now() {
        let mut record = Written::new();
        record.note(Cause::Sound, Reason::NotArmed, Duration::ZERO);
        let lost = (1..=1500).filter(|alarm| record.note(Cause::Input, Reason::Alarm, FRAME * *alarm)).count();
        let told = record.told(FRAME * 1500);
        assert_eq!((lost, told.len()), (501, KEPT));
        assert_eq!(told[0].0, Cause::Sound);
        assert!(told[1..].iter().all(|told| told.0 == Cause::Input));
    }

    #[test]
    fn what_is_noted_late_is_no_reason_to_go_back() {
        let mut record = Written::new();
        record.note(Cause::Sound, Reason::BelowThreshold, FRAME * 3);
        record.note(Cause::Motion, Reason::BelowThreshold, FRAME);
        let entries: Vec<_> = record.0.entries(record.1).map(|entry| entry.last).collect();
        assert!(entries.is_sorted());
    }
}
