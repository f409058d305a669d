//! A digital head as it was at any moment of late: one head of a while ago, and what it has been told since.
//!
//! ```text
//!     base ──┬──── word ── word ──────┬──── word ─────┬──▶ time
//!            │                        │               │
//!      settled until here   a picture's capture   whoever asks for now
//! ```
//! Bargain: pictures come up to [`LATE`] after their capture, at any moment between what the head is told, and all who ask see
//! the same movement. So nothing but time moves the base, and every answer is told the words anew; they are few.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use lookout_core::{
    profile::settings::Settings,
    ptz::{
        Order, Pose,
        mover::{Body, Mover},
    },
};

/// So much later than a picture was captured it is not expected to come any more.
const LATE: Duration = Duration::from_secs(1);
/// So many words are kept; of more, the oldest are settled early.
const WORDS: usize = 64;

/// The head, and what it has been told.
#[derive(Debug)]
pub struct Past {
    base: Head,
    /// What it has been told since, and when, in that order.
    told: VecDeque<(Instant, Word)>,
    /// When it began, until anything is settled: pictures may still say where.
    began: Option<Instant>,
}

/// What a head can be told.
#[derive(Debug)]
pub enum Word {
    /// An order that it takes; see [`Mover::order`].
    Order(Order, Option<Pose>),
    /// See [`Mover::hold`].
    Hold(bool),
    /// What it is like in other pictures.
    Body(Body),
    /// Other speeds and patrols.
    Settings(Arc<Settings>),
}

/// A head, and the settings by which it goes.
#[derive(Clone, Debug)]
struct Head {
    mover: Mover,
    settings: Arc<Settings>,
}

impl Past {
    /// Makes it of a head that rests.
    pub fn new(body: Body, start: Pose, settings: Arc<Settings>, now: Instant) -> Self {
        let base = Head { mover: Mover::new(body, start, now), settings };
        Self { base, told: VecDeque::new(), began: Some(now) }
    }

    /// Returns the head as it is at a moment, and where that is; the settings are those of today.
    pub fn at(&mut self, settings: &Arc<Settings>, at: Instant) -> (Mover, Pose) {
        self.follow(settings, at);
        if let (None, Some(late)) = (self.began, at.checked_sub(LATE)) {
            while self.told.front().is_some_and(|(told, _)| *told <= late) {
                self.settle();
            }
            self.base.pose(late);
        }
        let mut head = self.base.clone();
        for (told, word) in self.told.iter().take_while(|(told, _)| *told <= at) {
            head.hear(word, *told);
        }
        let pose = head.pose(at);
        (head.mover, pose)
    }

    /// Tells it something; pictures that were captured before are seen as if it were not told.
    pub fn tell(&mut self, word: Word, at: Instant) {
        if self.told.len() == WORDS {
            self.settle();
        }
        let after = self.told.partition_point(|(told, _)| *told <= at);
        self.told.insert(after, (at, word));
    }

    /// Fits it to pictures of another kind. The first ones say where it began, and all that it was told counts from there, at
    /// its time.
    pub fn fit(&mut self, body: Body, start: Pose, captured: Instant) {
        match self.began.take() {
            Some(began) => self.base.mover = Mover::new(body, start, began),
            None => self.tell(Word::Body(body), captured),
        }
    }

    /// Tells it the settings if they are others. Who has old pictures may be the first to see that.
    fn follow(&mut self, settings: &Arc<Settings>, at: Instant) {
        let told = self.told.iter().rev().find_map(|(_, word)| match word {
            Word::Settings(settings) => Some(settings),
            Word::Order(..) | Word::Hold(_) | Word::Body(_) => None,
        });
        if told.unwrap_or(&self.base.settings).misc != settings.misc {
            let at = self.told.back().map_or(at, |(last, _)| at.max(*last));
            self.tell(Word::Settings(settings.clone()), at);
        }
    }

    /// Tells the base the oldest word for good.
    fn settle(&mut self) {
        if let Some((told, word)) = self.told.pop_front() {
            self.base.hear(&word, told);
            self.began = None;
        }
    }
}

impl Head {
    fn hear(&mut self, word: &Word, now: Instant) {
        match word {
            Word::Order(order, place) => {
                // It was taken once; in other pictures it may be one that leads nowhere.
                let _ = self.mover.order(*order, *place, &self.settings.misc, now);
            }
            Word::Hold(held) => self.mover.hold(*held, now),
            Word::Body(body) => self.mover.set_body(*body, now),
            Word::Settings(settings) => {
                self.settings.clone_from(settings);
                self.pose(now);
            }
        }
    }

    fn pose(&mut self, now: Instant) -> Pose {
        self.mover.pose(&self.settings.misc, now)
    }
}
