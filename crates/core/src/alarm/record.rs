//! What was decided in the last day, and why.
//!
//! Decisions come with every picture; what goes on is one entry, which counts them. So a quiet day is a few lines, and a
//! storm is bounded by [`KEPT`].

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use super::{Cause, Reason};

/// How many entries are kept.
pub const KEPT: usize = 1000;
/// How long an entry is kept after its last decision.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Decisions of a cause, one after the other and for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was looked at.
    pub cause: Cause,
    /// What was decided.
    pub reason: Reason,
    /// When the first was made, on the host's clock.
    pub first: SystemTime,
    /// When the last was made.
    pub last: SystemTime,
    /// How many there were.
    pub count: u64,
    /// The strongest of what was seen or heard: a share of the picture, or of full scale, 0 to 1.
    pub most: f32,
}

/// The decisions of the last day.
#[derive(Debug, Default)]
pub struct Record {
    entries: VecDeque<Entry>,
}

impl Record {
    /// Notes a decision.
    pub fn note(&mut self, cause: Cause, reason: Reason, strength: f32, at: SystemTime) {
        let same = self.entries.iter_mut().rev().find(|entry| entry.cause == cause);
        if let Some(entry) = same.filter(|entry| entry.reason == reason) {
            (entry.last, entry.count, entry.most) = (at, entry.count + 1, entry.most.max(strength));
            return;
        }
        while self.entries.len() >= KEPT || self.entries.front().is_some_and(|entry| old(entry, at)) {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { cause, reason, first: at, last: at, count: 1, most: strength });
    }

    /// Returns the entries of the day before a moment, the oldest first.
    pub fn entries(&self, now: SystemTime) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| !old(entry, now))
    }
}

fn old(entry: &Entry, now: SystemTime) -> bool {
    now.duration_since(entry.last).is_ok_and(|age| age > DAY)
}
