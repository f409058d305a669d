//! Mails alarms, new public addresses and tests (PROFILE 4.2, Q60, Q64).
//!
//! ```text
//!   errands, new addresses ──▶ write ──▶ queue on the disk ──▶ post ──▶ the server
//!                                └ hub, album: pictures          └ as the settings say when it leaves
//! ```
//! Bargains: an alarm is one mail, which is on the disk some seconds after the alarm's beginning and is sent until the server
//! takes it or refuses it for good. A mail that shows something waits while the privacy gate is closed; an alarm of forbidden
//! hours shows nothing. A mail of a drill is sent once and at once, beside what waits, and whoever drills is told what came of
//! that.

mod line;
mod parcel;
mod post;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use lookout_core::{
    journal::{Event, Peer},
    letter::{Letter, Shows, fit},
    names::{FileName, Sequence, TIMED},
    profile::{
        settings::{MailAccount, Resolution, Settings},
        wire::Mac,
    },
    public::Moved,
    smtp::{Delivered, Failure, Fault},
};
use tokio::sync::{Mutex, Notify, mpsc, watch};

pub use self::line::Undelivered;
use self::parcel::Parcel;
use crate::{
    alarm::{Alarms, Errand, Link, Occasion, WAITING},
    album::Album,
    clock::{local_text, unix},
    hub::{Hub, Shown},
    metrics::AlarmCounters,
    privacy::Privacy,
    queue::{Limits, Queue},
};

/// How much waits on the disk.
pub const LIMITS: Limits = Limits { items: 32, bytes: 64 << 20 };
/// How many pictures of an alarm are mailed, one a second from its beginning.
const SINCE: u32 = 6;
/// How long a picture that is due may take to come.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How many bytes of pictures a mail has: encoded it is a third larger, and many servers take no more than 10 MB.
const ROOM: usize = 7 << 20;

/// What the service needs.
pub struct Parts {
    /// The settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The camera's id.
    pub id: Mac,
    /// What is known of alarms, and of the camera's end.
    pub alarms: Arc<Alarms>,
    /// The pictures.
    pub hub: Arc<Hub>,
    /// Numbers the pictures that leave.
    pub sequence: Arc<Sequence>,
    /// The pictures of the last seconds.
    pub album: Arc<Album>,
    /// The gate before them.
    pub gate: Arc<Privacy>,
    /// Where mails wait.
    pub queue: Arc<Queue>,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<AlarmCounters>,
}

/// Who takes mails to a server.
pub trait Carrier: Sync {
    /// Delivers a mail to some receivers, within 30 s. Cancelled, it is not delivered, unless the server has all of it.
    ///
    /// # Errors
    /// It was not, to nobody.
    fn deliver(
        &self,
        account: &MailAccount,
        receivers: Vec<String>,
        mail: &[u8],
    ) -> impl Future<Output = Result<Delivered, Undelivered>> + Send;
}

/// Who does so over the network.
pub struct Smtp;

impl Carrier for Smtp {
    async fn deliver(
        &self,
        account: &MailAccount,
        receivers: Vec<String>,
        mail: &[u8],
    ) -> Result<Delivered, Undelivered> {
        line::deliver(account, receivers, mail).await
    }
}

/// Mails whatever comes, for ever; but takes nothing new once nobody gives errands any more, because the camera ends.
pub async fn run<C: Carrier>(
    parts: Parts,
    carrier: C,
    mut errands: mpsc::Receiver<Errand>,
    mut moves: mpsc::Receiver<Moved>,
) {
    let (drill, drills) = mpsc::channel(WAITING);
    let desk = Desk {
        parts,
        carrier,
        drill,
        coming: watch::Sender::new(()),
        drilled: Notify::new(),
        written: watch::Sender::new(()),
    };
    let write = async {
        let _writing = desk.parts.alarms.write().await;
        loop {
            tokio::select! {
                errand = errands.recv() => match errand {
                    Some(errand) => desk.alarm(errand).await,
                    None => return,
                },
                Some(moved) = moves.recv() => desk.moved(moved).await,
            }
        }
    };
    tokio::join!(write, desk.post(), desk.drills(drills));
}

struct Desk<C> {
    parts: Parts,
    carrier: C,
    /// The way of a drill's mail.
    drill: mpsc::Sender<(Parcel, Errand)>,
    /// Rung when a mail is about to be put into the queue, for whoever leaves a server alone.
    coming: watch::Sender<()>,
    /// Rung when a server has taken one of a drill.
    drilled: Notify,
    /// Rung when a mail is there, for whoever waits for the gate.
    written: watch::Sender<()>,
}

/// What of an alarm is mailed.
enum Seen {
    Pictures(Vec<Arc<Shown>>, Vec<Arc<Shown>>),
    Forbidden,
}

impl<C: Carrier> Desk<C> {
    async fn alarm(&self, errand: Errand) {
        let occasion = errand.occasion.clone();
        let settings = self.parts.settings.borrow().clone();
        if let Err(failure) = ready(&settings.mail) {
            self.failed(&failure);
            errand.tell(Link::Mail, Err(failure.words));
            return;
        }
        let (shows, pictures) = match self.look(&occasion).await {
            Seen::Forbidden => (Shows::Forbidden, Vec::new()),
            Seen::Pictures(before, since) => self.choose(&settings, &occasion, &before, &since),
        };
        let (stamp, cause) = (stamp(&settings, occasion.wall), occasion.cause.to_string());
        let letter = Letter { id: self.parts.id, alias: settings.alias.as_str(), stamp: &stamp };
        let text = letter.alarm_text(&cause, occasion.drill, shows);
        let written = Parcel::new(letter.alarm_subject(&cause, occasion.drill), text, unix(occasion.wall));
        let parcel = Parcel { pictures, ..written };
        if !occasion.drill {
            return self.write(&parcel).await;
        }
        if let Err(full) = self.drill.try_send((parcel, errand)) {
            let (_, errand) = full.into_inner();
            self.parts.counters.done(Link::Mail.word(), false);
            errand.tell(Link::Mail, Err("too much waits for it".to_owned()));
        }
    }

    async fn moved(&self, moved: Moved) {
        let (settings, now) = (self.parts.settings.borrow().clone(), SystemTime::now());
        if let Err(failure) = ready(&settings.mail) {
            self.failed(&failure);
            return;
        }
        let stamp = stamp(&settings, now);
        let letter = Letter { id: self.parts.id, alias: settings.alias.as_str(), stamp: &stamp };
        let text = letter.moved_text(moved.old, moved.new);
        self.write(&Parcel::new(letter.moved_subject(), text, unix(now))).await;
    }

    /// Collects an alarm's pictures; takes some seconds, but when the camera ends no longer.
    async fn look(&self, occasion: &Occasion) -> Seen {
        let before = self.parts.album.before(occasion.at);
        let Ok(view) = self.parts.hub.view(Resolution::Vga) else { return Seen::Forbidden };
        // An errand that had to wait shows what is to be seen now.
        let begin = occasion.at.max(now().checked_sub(Duration::from_secs(1)).unwrap_or(occasion.at));
        let mut since: Vec<Arc<Shown>> = Vec::new();
        for second in 0..SINCE {
            let due = begin + Duration::from_secs(second.into());
            let there = view.newest().filter(|shown| shown.live && shown.captured >= due);
            let patience = (due + PATIENCE).saturating_duration_since(now());
            let shown = async {
                match there {
                    Some(there) => Some(there),
                    None => view.clone().after(due, patience).await,
                }
            };
            tokio::select! {
                shown = shown => since.extend(shown),
                () = self.parts.alarms.ending() => break,
            }
        }
        // What is not in a mail by now stays out of it.
        if view.may_see() { Seen::Pictures(before, since) } else { Seen::Forbidden }
    }

    /// Takes as many pictures as a mail has room for, and names them.
    fn choose(
        &self,
        settings: &Settings,
        occasion: &Occasion,
        before: &[Arc<Shown>],
        since: &[Arc<Shown>],
    ) -> (Shows, Vec<(FileName, Bytes)>) {
        let sizes = |shown: &[Arc<Shown>]| shown.iter().map(|shown| shown.jpeg.len()).collect::<Vec<_>>();
        let (left_out, taken) = fit(&sizes(before), &sizes(since), ROOM);
        let (before, since) = (&before[left_out..], &since[..taken]);
        let d = occasion.cause.number();
        let named = |shown: &Arc<Shown>| self.parts.named(settings, d, shown);
        let pictures: Vec<_> = before.iter().chain(since).map(named).collect();
        let shows = if pictures.is_empty() { Shows::Nothing } else { Shows::Pictures(before.len(), since.len()) };
        (shows, pictures)
    }

    /// Puts a new mail behind all that wait.
    async fn write(&self, parcel: &Parcel) {
        self.coming.send_replace(());
        self.put(parcel).await;
        self.written.send_replace(());
    }

    /// Puts a mail behind all that wait.
    async fn put(&self, parcel: &Parcel) {
        if let Err(error) = self.parts.queue.push(parcel.pack()).await {
            tracing::error!("a mail is lost: {error}");
        }
    }

    /// Tells log and journal of a failure.
    fn failed(&self, failure: &Failure) {
        tracing::warn!("mail: {failure}");
        (self.parts.note)(&Event::Failed(Peer::Mail, failure.fault.words()));
    }
}

impl Parts {
    fn named(&self, settings: &Settings, d: u8, shown: &Shown) -> (FileName, Bytes) {
        named(settings, self.id, d, &self.sequence, shown)
    }
}

fn named(settings: &Settings, id: Mac, d: u8, sequence: &Sequence, shown: &Shown) -> (FileName, Bytes) {
    let stamp = stamp(settings, shown.wall);
    (FileName::picture(id, settings.alias.as_str(), d, &stamp, sequence.next()), shown.jpeg.clone())
}

/// Says whether mail is set up so far that a server can be asked (Q60).
fn ready(mail: &MailAccount) -> Result<(), Failure> {
    let nobody = mail.receivers.iter().all(|receiver| receiver.as_str().is_empty());
    if mail.svr.as_str().is_empty() {
        Err(Failure::lasting(Fault::Connect, "no mail server is set"))
    } else if mail.sender.as_str().is_empty() {
        Err(Failure::lasting(Fault::Sender, "no sender of mail is set"))
    } else if nobody {
        Err(Failure::lasting(Fault::Receiver, "no receiver of mail is set"))
    } else {
        Ok(())
    }
}

fn stamp(settings: &Settings, at: SystemTime) -> String {
    local_text(settings, at, "%Y%m%d%H%M%S")
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Sends test mails (`test_mail.cgi`).
pub struct Tester {
    /// The settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The camera's id.
    pub id: Mac,
    /// The pictures.
    pub hub: Arc<Hub>,
    /// Numbers the pictures that leave.
    pub sequence: Arc<Sequence>,
    /// Held while a test runs.
    pub going: Mutex<()>,
}

impl Tester {
    /// Sends a mail with the settings as they are, with a picture if there is one to be seen; returns the result of
    /// `test_mail.cgi`, within 35 s, or none while another test runs. The log has the cause in words.
    pub async fn test(&self) -> Option<i8> {
        self.by(&Smtp).await
    }

    async fn by(&self, carrier: &impl Carrier) -> Option<i8> {
        let _one = self.going.try_lock().ok()?;
        let settings = self.settings.borrow().clone();
        let outcome = self.send(&settings, carrier).await;
        if let Err(failure) = &outcome {
            tracing::warn!("the test mail failed: {failure}");
        }
        Some(outcome.map_or_else(|failure| failure.fault.number(), |()| 0))
    }

    async fn send(&self, settings: &Settings, carrier: &impl Carrier) -> Result<(), Failure> {
        ready(&settings.mail)?;
        let now = SystemTime::now();
        let stamp = stamp(settings, now);
        let letter = Letter { id: self.id, alias: settings.alias.as_str(), stamp: &stamp };
        let mut parcel = Parcel::new(letter.test_subject(), letter.test_text(), unix(now));
        let view = self.hub.view(Resolution::Vga).ok();
        if let Some(view) = &view {
            let shown = view.clone().after(self::now(), PATIENCE).await.filter(|shown| shown.jpeg.len() <= ROOM);
            parcel.pictures.extend(shown.map(|shown| named(settings, self.id, TIMED, &self.sequence, &shown)));
        }
        let letter = parcel.letter(settings)?;
        let delivered = carrier.deliver(&settings.mail, parcel.receivers(settings), &letter);
        let closed = async {
            match view.filter(|_| !parcel.pictures.is_empty()) {
                Some(view) => view.ended().await,
                None => std::future::pending().await,
            }
        };
        let delivered = tokio::select! {
            () = closed => return Err(Failure::passing(Fault::Network, "forbidden hours have begun meanwhile")),
            delivered = delivered => delivered.map_err(|Undelivered { why, .. }| why)?,
        };
        match delivered.refused.into_iter().next() {
            Some(refused) => Err(refused.why),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
