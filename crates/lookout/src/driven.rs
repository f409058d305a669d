//! A line or a lamp that is driven, and opened anew when it is lost.

use std::{future::Future, time::Duration};

use lookout_core::{
    port::{Lost, OutputLine, Promise},
    profile::settings::LineLevel,
};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::{
    metrics::{Held, LineCounters},
    pauses::Pauses,
};

/// Opens it at a level and with the level at which it rests, again and again.
pub type Open = Box<dyn Fn(bool, bool) -> Promise<'static, Result<Box<dyn OutputLine>, Lost>> + Send>;

/// So often it is driven anew: one that went may not say so, and a chip may have forgotten.
const AGAIN: Duration = Duration::from_secs(2);
/// How long it may take for anything.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is driven. Dropped, it rests.
pub struct Driven {
    open: Open,
    /// What it is, for the log.
    name: String,
    /// How its low and its high are called.
    words: [&'static str; 2],
    counters: LineCounters,
    /// What was opened.
    line: Option<Line>,
    /// Why it is lost.
    lost: Option<Lost>,
    /// When it is driven anew, or opened anew.
    next: Instant,
    pauses: Pauses,
}

struct Line {
    line: Box<dyn OutputLine>,
    level: LineLevel,
    since: Instant,
    _up: Held,
}

impl Driven {
    /// Makes it; nothing is opened yet. Of `words` one stands for low, and one for high.
    pub fn new(name: String, words: [&'static str; 2], open: Open, counters: LineCounters) -> Self {
        let (line, lost, pauses) = (None, None, Pauses::default());
        Self { open, name, words, counters, line, lost, next: Instant::now(), pauses }
    }

    /// Drives it to a level, and opens it if that is due.
    pub async fn show(&mut self, level: LineLevel, rest: LineLevel) {
        let due = Instant::now() >= self.next;
        match &mut self.line {
            Some(line) if due || line.level != level => {
                line.line.rest_at(high(rest));
                match bounded(line.line.drive(high(level))).await {
                    Ok(()) => (line.level, self.next) = (level, Instant::now() + AGAIN),
                    Err(lost) => self.lose(lost),
                }
            }
            Some(line) => line.line.rest_at(high(rest)),
            None if due => match bounded((self.open)(high(level), high(rest))).await {
                Ok(line) => {
                    let word = self.words[usize::from(high(level))];
                    tracing::info!("{} is {word}: {}", self.name, line.about());
                    self.line = Some(Line { line, level, since: Instant::now(), _up: self.counters.up() });
                    (self.lost, self.next) = (None, Instant::now() + AGAIN);
                }
                Err(lost) => self.lose(lost),
            },
            None => {}
        }
        self.counters.level(self.line.as_ref().map(|line| line.level));
    }

    /// Returns when it is to be shown again though nothing has changed.
    pub fn due(&self) -> Sleep {
        sleep_until(self.next)
    }

    /// Returns the level that it has.
    ///
    /// # Errors
    /// Why it has none.
    pub fn level(&self) -> Result<LineLevel, String> {
        match (&self.line, &self.lost) {
            (Some(line), _) => Ok(line.level),
            (None, Some(lost)) => Err(format!("is lost: {lost}")),
            (None, None) => Err("is not open yet".into()),
        }
    }

    fn lose(&mut self, why: Lost) {
        if let Some(line) = self.line.take() {
            self.pauses.delivered(line.since.elapsed());
            self.counters.lost.inc();
        }
        if self.lost.as_ref() != Some(&why) {
            tracing::warn!("{}: {why}", self.name);
        }
        self.next = Instant::now() + self.pauses.next();
        self.lost = Some(why);
    }
}

fn high(level: LineLevel) -> bool {
    level == LineLevel::High
}

async fn bounded<T>(wait: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(Lost("it does not answer in time".into())))
}
