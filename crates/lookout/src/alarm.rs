//! The alarm chain's common words: triggers on their way to the alarm service, errands on their way from it.
//!
//! ```text
//!   motion, loudness, input, drill ── Trigger ──▶ service::alarm ── Errand ──▶ mailer, uploader, caller, output, head
//!                └────────────── Decision ──────────▶ Alarms ◀── standing ──┘
//! ```
//! Bargains: whoever triggers never waits, and neither does the alarm service for a link. What does not fit into a
//! channel is lost and counted.
//!
//! # What a link owes
//! - It does its errands one after the other and never makes anybody wait: a link that is behind loses errands.
//! - It decides by the settings as they are when it acts; the errand says only for which alarm.
//! - It [tells](Errand::tell) what came of an errand, once, within 50 s of it, in one clause for people: lower case, no
//!   full stop, no password, the other machine by its name. Of a real alarm nobody hears that; it does not ask whether
//!   there is a drill. What it drops without having told counts as failed.
//! - `Ok` is what was done: `sent to one@example.org, two@example.org`, `uploaded as drill_… to
//!   ftp.example.org`, `answered by example.org`, `line 5 of gpiochip0 is high`, `told to broker.example.org`.
//! - `Err` is why not, the same words as in the log: `mail.example.org refused the password`; of an HTTP call no more than
//!   that it failed or is not allowed, so that nobody looks around with it (RULES R10.1). Also what is lacking:
//!   `no mail server is set`, `no output is configured`. That something is *off* is told by the alarm service alone,
//!   which gives no errand then: `alarm_mail` is 0, the link is none of this machine, pictures in forbidden hours.
//!
//! # What a drill changes ([`Occasion::drill`], ADR 0024)
//! - It is tried once and at once, beside what waits in a queue on the disk, and never put there.
//! - Mail: `DRILL ` before the subject (`DRILL <ID>(<alias>) motion alarm at …`), and a first line of the
//!   text that says so. Pictures are those of a real alarm; in forbidden hours it goes without.
//! - FTP: `drill_` before the whole name of the file, also before a name of the settings; no number of a ring is used up.
//! - HTTP: the same address, with one more header, `X-Drill: 1`.
//! - MQTT: nothing of the alarm's state; a message of its own that says drill. It has its errand for that
//!   ([`Links::mqtt`](crate::service::alarm::Links)); real alarms it [follows](Alarms::follow), where no drill is seen.
//! - Output and preset: as in a real alarm; the alarm service puts the output back after 5 s.
//!
//! # At the end
//! When the camera ends or starts anew in an alarm, the alarm service gives the output link one last errand, to put the
//! line back, and waits up to 300 ms until it has told; whoever holds the line puts it back too when it is dropped. Who has
//! an alarm to put on the disk [has the end wait](Alarms::write) for that, within the second that it may take in all.

mod drill;
mod events;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use lookout_core::alarm::{Cause, Entry, Reason, Record};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, mpsc, watch};

pub use self::{
    drill::{drill, in_json},
    events::told,
};

use crate::metrics::AlarmCounters;

/// How many triggers wait for the alarm service, and how many errands for a link.
pub const WAITING: usize = 64;

/// How long a look at motion says something of now.
const FRESH: Duration = Duration::from_secs(3);

/// Something that may begin an alarm, or prolong one.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// What it is.
    pub cause: Cause,
    /// When it was captured, on the monotonic clock.
    pub at: Instant,
    /// The same on the host's clock.
    pub wall: SystemTime,
    /// How strong it is: a share of the picture, or of full scale, 0 to 1.
    pub strength: f32,
    /// Where the links of a drill report; a real trigger has none. A drill needs nothing armed, and is marked everywhere.
    pub drill: Option<mpsc::Sender<Report>>,
}

/// An alarm, as the links know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Occasion {
    /// Counts alarms and drills since the start.
    pub number: u64,
    /// What began it.
    pub cause: Cause,
    /// When it began, on the monotonic clock.
    pub at: Instant,
    /// The same on the host's clock.
    pub wall: SystemTime,
    /// Whether it is a drill.
    pub drill: bool,
}

/// What a link is to do.
#[derive(Clone, Debug)]
pub struct Errand {
    /// For which alarm.
    pub occasion: Arc<Occasion>,
    /// Where it reports, in a drill.
    pub report: Option<mpsc::Sender<Report>>,
}

impl Errand {
    /// Tells whoever drills what came of it; of a real alarm it tells nobody.
    pub fn tell(&self, link: Link, outcome: Result<String, String>) {
        if let Some(report) = &self.report {
            // Whoever drilled may have left.
            let outcome = outcome.map_or_else(Outcome::Failed, Outcome::Done);
            let _ = report.try_send(Report { link, outcome });
        }
    }
}

/// A part of the chain that acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what it is called")]
pub enum Link {
    Mail,
    Ftp,
    Http,
    Output,
    Preset,
    Mqtt,
}

impl Link {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Mail, Self::Ftp, Self::Http, Self::Output, Self::Preset, Self::Mqtt];

    /// Returns its word in `/metrics` and in what a drill reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Ftp => "ftp",
            Self::Http => "http",
            Self::Output => "output",
            Self::Preset => "preset",
            Self::Mqtt => "mqtt",
        }
    }
}

/// What a link has to say of its errand of a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose it was.
    pub link: Link,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an errand of a drill, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was done.
    Done(String),
    /// Why it was not, though it is wanted.
    Failed(String),
    /// Why nothing is wanted.
    Off(&'static str),
}

impl Outcome {
    /// Returns what `/drill.cgi` calls it, and its words.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Done(words) => ("done", words),
            Self::Failed(words) => ("failed", words),
            Self::Off(words) => ("off", words),
        }
    }
}

/// What is known of alarms; and the bell by which whoever sees, hears or feels something triggers one.
pub struct Alarms {
    bell: mpsc::Sender<Trigger>,
    ring: Mutex<Option<mpsc::Receiver<Trigger>>>,
    standing: watch::Sender<Option<Arc<Occasion>>>,
    record: Mutex<Record>,
    /// How much moved when it was looked last, and when that was.
    motion: Mutex<Option<(f32, Instant)>>,
    number: AtomicU64,
    /// Held by whoever drills: one at a time.
    drilling: Arc<tokio::sync::Mutex<()>>,
    /// Whether the camera ends.
    ends: watch::Sender<bool>,
    /// Read by whoever puts alarms on the disk; the end waits a moment to write.
    writing: Arc<RwLock<()>>,
    counters: Arc<AlarmCounters>,
}

impl Alarms {
    /// Makes it without an alarm.
    pub fn new(counters: Arc<AlarmCounters>) -> Arc<Self> {
        let (bell, ring) = mpsc::channel(WAITING);
        Arc::new(Self {
            bell,
            ring: Mutex::new(Some(ring)),
            standing: watch::Sender::default(),
            record: Mutex::default(),
            motion: Mutex::default(),
            number: AtomicU64::new(0),
            drilling: Arc::default(),
            ends: watch::Sender::default(),
            writing: Arc::default(),
            counters,
        })
    }

    /// Tells the alarm service of a trigger, if it is not told of too many; never waits.
    pub fn trigger(&self, trigger: Trigger) {
        if self.bell.try_send(trigger).is_err() {
            self.counters.triggers_lost.inc();
        }
    }

    /// Gives the triggers, once: to the alarm service.
    pub fn triggers(&self) -> Option<mpsc::Receiver<Trigger>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes a decision of an alarm or of none, and when what was decided about was captured or came.
    pub fn note(&self, cause: Cause, reason: Reason, strength: f32, at: Instant) {
        self.counters.decided(cause.word(), reason.word());
        if self.record().note(cause, reason, strength, at) {
            self.counters.events_dropped.inc();
        }
    }

    /// Notes how much moves, as a share of the picture.
    pub fn note_motion(&self, share: f32, at: Instant) {
        *self.motion.lock().unwrap_or_else(PoisonError::into_inner) = Some((share, at));
    }

    /// Returns how much moved of late, as a share of the picture; none where nothing was looked for.
    pub fn motion(&self, now: Instant) -> Option<f32> {
        let last = *self.motion.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(_, at)| now.saturating_duration_since(*at) <= FRESH).map(|(share, _)| share)
    }

    /// Notes that an alarm begins or, with none, that it is over.
    pub fn stand(&self, occasion: Option<Arc<Occasion>>) {
        self.counters.active(occasion.is_some());
        self.standing.send_replace(occasion);
    }

    /// Numbers an alarm or a drill.
    pub fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns what began the alarm, if there is one; a drill is none.
    pub fn standing(&self) -> Option<Cause> {
        self.standing.borrow().as_ref().map(|occasion| occasion.cause)
    }

    /// Ends what goes on, before the camera ends: returns when the output is put back, or could not be for 300 ms.
    pub async fn close(&self) {
        self.ends.send_replace(true);
        // Where no alarm service runs, nobody has to be waited for.
        drop(self.triggers());
        self.bell.closed().await;
    }

    /// Waits until the camera ends. May be cancelled.
    pub async fn ending(&self) {
        // Whoever holds the alarms holds the sender.
        let _ = self.ends.subscribe().wait_for(|ends| *ends).await;
    }

    /// Has the camera's end wait, a moment, for as long as this lives: for whoever has an alarm to put on the disk.
    pub async fn write(&self) -> OwnedRwLockReadGuard<()> {
        self.writing.clone().read_owned().await
    }

    /// Waits until all that was [to be written](Self::write) is on the disk.
    pub async fn written(&self) {
        drop(self.writing.write().await);
    }

    /// Gives the alarm to follow; drills are not seen.
    pub fn follow(&self) -> watch::Receiver<Option<Arc<Occasion>>> {
        self.standing.subscribe()
    }

    /// Gives what was decided in the day before a moment, in the order of the last decisions.
    pub fn decisions(&self, now: Instant) -> Vec<Entry> {
        self.record().entries(now).cloned().collect()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment that it is, on the clock that tests can hold.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
