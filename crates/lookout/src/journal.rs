//! The journal: what is told in memory at once, and on the disk a little later (PROFILE 5.9, ADR 0017).
//!
//! The bargain: [`Journal::note`] holds a lock for as long as it takes to write a line, never waits for a disk, and never
//! fails. What was noted after a quiet minute is on the disk a second later, and so is every entry of an alarm; what else
//! comes more often, a minute later at most. The allowance for alarms bounds their writes, so a storm costs a few writes
//! and fsyncs a minute, of a bounded number of lines. A clean end and a restart write
//! what is left. A disk that refuses costs a line in the log, and is tried again.

mod paper;
#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lookout_core::journal::{Event, Ring};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};

use crate::metrics::Metrics;
use paper::Paper;

/// How long an entry waits for others that come with it.
const SOON: Duration = Duration::from_secs(1);
/// The shortest time between two writes, but for those of alarms.
const BETWEEN: Duration = Duration::from_secs(60);

/// Writes the camera's local time as the journal does, `Mon, 2009-08-03 19:53:04`.
pub type Stamp = Box<dyn Fn() -> String + Send + Sync>;

/// The journal, in memory and on the disk.
pub struct Journal {
    ring: Mutex<Ring>,
    paper: Arc<tokio::sync::Mutex<Paper>>,
    more: Notify,
    /// Changes with every entry of an alarm.
    alarm: watch::Sender<()>,
    stamp: Stamp,
    started: Instant,
    metrics: Arc<Metrics>,
}

impl Journal {
    /// Reads the journal of a state folder.
    ///
    /// A camera without accounts is new or was reset, perhaps by a program that was killed before it came to the journal:
    /// what it keeps then tells of the reset alone.
    pub fn open(state: &Path, fresh: bool, stamp: Stamp, metrics: Arc<Metrics>) -> Self {
        let (mut paper, text) = Paper::open(state);
        let (mut ring, whole) = Ring::load(&text);
        if fresh {
            ring.forget();
        }
        if fresh || !whole {
            paper.rewrite_next();
        }
        Self {
            ring: Mutex::new(ring),
            paper: Arc::new(tokio::sync::Mutex::new(paper)),
            more: Notify::new(),
            alarm: watch::Sender::new(()),
            stamp,
            started: Instant::now(),
            metrics,
        }
    }

    /// Notes what the camera did by itself.
    pub fn note(&self, event: &Event) {
        self.tell(event, None);
    }

    /// Notes what somebody at an address did, by the name that he gave.
    pub fn note_by(&self, user: &str, address: IpAddr, event: &Event) {
        self.tell(event, Some((user, address)));
    }

    fn tell(&self, event: &Event, who: Option<(&str, IpAddr)>) {
        let stamp = (self.stamp)();
        let kept = self.ring().note(event, who, &stamp, self.started.elapsed());
        self.more.notify_one();
        if kept && event.is_alarm() {
            self.alarm.send_replace(());
        }
    }

    /// Returns the answer of `get_log.cgi`.
    pub fn listing(&self) -> String {
        self.ring().listing()
    }

    /// Forgets everything but that somebody brought the factory state back; on the disk as well when it returns.
    pub async fn forget(&self, user: &str, address: IpAddr) {
        // With the paper in hand, so that no write of old lines comes behind.
        let mut paper = self.paper.lock().await;
        *self.ring() = Ring::default();
        self.note_by(user, address, &Event::Factory);
        paper.rewrite_next();
        drop(paper);
        self.flush().await;
    }

    /// Writes what is noted, for ever. May be cancelled.
    pub async fn keep(&self) {
        let mut alarm = self.alarm.subscribe();
        loop {
            self.more.notified().await;
            sleep(SOON).await;
            // Those until now are written now.
            alarm.mark_unchanged();
            let more = self.ring().settle(&(self.stamp)(), self.started.elapsed());
            if !self.flush().await || more {
                self.more.notify_one();
            }
            // An alarm does not wait: it may be the last thing that the camera sees.
            tokio::select! {
                () = sleep(BETWEEN - SOON) => {}
                Ok(()) = alarm.changed() => {}
            }
        }
    }

    /// Tells what was left out, and writes what is left: before the end.
    pub async fn close(&self) {
        // By the end, every allowance has filled.
        self.ring().settle(&(self.stamp)(), Duration::MAX);
        self.flush().await;
    }

    /// Writes what is not on the disk yet; says whether it is now.
    pub async fn flush(&self) -> bool {
        let mut paper = self.paper.clone().lock_owned().await;
        let (text, entries) = {
            let ring = self.ring();
            let (text, entries) = ring.unsaved();
            (if paper.wants_all(entries) { ring.text() } else { text }, entries)
        };
        // The paper comes back with what was written: who has it next must know what is on it.
        let write = move || (paper.write(&text, entries), paper);
        let Ok((Some(written), _paper)) = tokio::task::spawn_blocking(write).await else { return false };
        self.ring().saved(entries);
        self.metrics.journal_bytes.inc_by(written.bytes);
        self.metrics.journal_syncs.inc_by(written.syncs);
        true
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the journal of a camera that does not run.
///
/// # Errors
/// The system refused.
pub fn remove(state: &Path) -> std::io::Result<()> {
    paper::remove(state)
}
