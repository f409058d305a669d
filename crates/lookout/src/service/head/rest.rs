//! Whether the head has come to rest, and where it is to be after a restart: where somebody, and no patrol, left it.

use std::time::Duration;

use lookout_core::{
    profile::place::Place,
    ptz::{Order, Pose},
};
use tokio::time::Instant;

use crate::head::Standing;

/// How long what is seen may still move when the head stands.
const SETTLE: Duration = Duration::from_millis(300);
/// How long it must rest before that is stored.
const LONG: Duration = Duration::from_secs(10);

/// Since when the head rests.
pub struct Rest {
    /// Whether the head forgets where it is.
    keeps_place: bool,
    /// Whether somebody has moved it, and that is not stored.
    by_hand: bool,
    /// Whether it is being stored.
    saving: bool,
    /// Since when it does not move; none: it moves.
    since: Option<Instant>,
    settled: bool,
}

impl Rest {
    /// Makes it for a head that rests; `keeps_place`: that it does is to be stored.
    pub fn new(keeps_place: bool) -> Self {
        Self { keeps_place, by_hand: false, saving: false, since: Some(Instant::now()), settled: true }
    }

    /// Notes whether it moves, and says whether what is seen does.
    pub fn moves(&mut self, moving: bool) -> bool {
        if moving {
            (self.since, self.settled) = (None, false);
            return true;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.settled |= since.elapsed() >= SETTLE;
        !self.settled
    }

    /// Notes that somebody has ordered something.
    pub fn ordered(&mut self, order: Order) {
        self.by_hand = self.keeps_place && !matches!(order, Order::Patrol(_, true));
    }

    /// Says where it rests, if that is to be stored instead of what is stored.
    pub fn tick(&mut self, standing: &Standing, stored: Place) -> Option<Place> {
        // What a patrol does is of no interest after a restart.
        self.by_hand &= standing.patrol.is_none();
        if self.saving || !self.by_hand || self.since.is_none_or(|since| since.elapsed() < LONG) {
            return None;
        }
        self.by_hand = false;
        let place = standing.pose.map(Pose::place).filter(|place| *place != stored);
        self.saving = place.is_some();
        place
    }

    /// Notes whether that was stored; else it is tried again later.
    pub fn saved(&mut self, well: bool) {
        self.saving = false;
        if !well {
            (self.by_hand, self.since) = (true, Some(Instant::now()));
        }
    }

    /// Says where it is at the end of the camera, if nobody has stored that.
    pub fn last(&self, pose: Option<Pose>) -> Option<Place> {
        pose.filter(|_| self.by_hand).map(Pose::place)
    }

    /// Says when it is to be ticked.
    pub fn due(&self) -> Option<Instant> {
        // The head may have come to rest since it was looked at, and then nothing else wakes whoever says that it moves.
        let Some(since) = self.since else { return Some(Instant::now() + SETTLE) };
        let settled = (!self.settled).then(|| since + SETTLE);
        let long = (self.by_hand && !self.saving).then(|| since + LONG);
        settled.into_iter().chain(long).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_to_move_is_looked_at_again_until_it_has_settled() {
        let mut rest = Rest::new(false);
        assert_eq!(rest.due(), None);
        assert!(rest.moves(true));
        assert_eq!(rest.due(), Some(Instant::now() + SETTLE));
        tokio::time::advance(SETTLE).await;
        assert!(rest.moves(false), "it has just come to rest");
        assert_eq!(rest.due(), Some(Instant::now() + SETTLE));
        tokio::time::advance(SETTLE).await;
        assert!(!rest.moves(false));
        assert_eq!(rest.due(), None);
    }
}
