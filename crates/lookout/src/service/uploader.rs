//! Uploads pictures: of alarms, by way of a queue on the disk, and timed ones, which are not queued (PROFILE 4.3, Q57).
//!
//! ```text
//!   errand ─▶ taken: a picture ─▶ queue on the disk ─▶ sent ──▶ one connection ──▶ server
//!   interval ─────────────────────▶ timed ─────────────────────────▲
//! ```
//! Loops that never wait for one another but for the one connection. A picture is taken when its errand comes, however the
//! server is; what is sent waits while the privacy gate is closed, and is cut off when it closes. Drills go by a connection
//! of their own, at once and past the queue. Taking leave of a server is no part of an upload's deadline.

mod data;
mod session;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use lookout_core::{
    backoff::Rest,
    ftp::{Failure, Step, Trouble},
    journal::{Event, Peer},
    names::{FileName, Sequence, TIMED},
    profile::{
        settings::{Ftp, Settings},
        week::LocalTime,
        wire::Mac,
    },
};
use serde_json::json;
use tokio::{
    sync::{Mutex as Lock, mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use self::session::{Account, Session};
use crate::{
    alarm::{Errand, Link},
    clock::{local_text, unix},
    hub::{Hub, Shown},
    metrics::AlarmCounters,
    password,
    pauses::chance,
    peer::WHOLE,
    privacy::Privacy,
    queue::{BACKOFF, Item, Limits, Queue, Ticket},
};

/// How much waits on the disk (RULES F18).
pub const LIMITS: Limits = Limits { items: 100, bytes: 32 << 20 };
/// How often a picture is put behind others that its server refuses to take; one that waits because no server is to be had
/// is thrown away by the queue in its time.
const ROUNDS: u64 = 150;
/// How long a picture is waited for.
const PICTURE: Duration = Duration::from_secs(5);

/// What the service needs.
pub struct Parts {
    /// The settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The device id.
    pub id: Mac,
    /// The pictures.
    pub hub: Arc<Hub>,
    /// The gate before every road of pictures.
    pub gate: Arc<Privacy>,
    /// What waits for the server.
    pub queue: Arc<Queue>,
    /// Numbers pictures.
    pub pictures: Arc<Sequence>,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<AlarmCounters>,
}

/// Serves uploads for ever.
pub async fn run(parts: Parts, mut errands: mpsc::Receiver<Errand>) {
    let uploader = Arc::new(Uploader {
        parts,
        kept: Lock::default(),
        well: Mutex::default(),
        turns: Sequence::default(),
        coming: watch::Sender::new(()),
    });
    let taken = async {
        while let Some(errand) = errands.recv().await {
            uploader.take(errand).await;
        }
    };
    tokio::join!(taken, uploader.send(), uploader.timed(), uploader.tidy());
}

/// Tests uploads (`test_ftp.cgi`).
pub struct Tester {
    /// The settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The device id.
    pub id: Mac,
    /// Held while a test runs.
    pub going: Lock<()>,
}

impl Tester {
    /// Stores a small file with the settings as they are, and removes it; returns the `result` of `test_ftp.cgi` (PROFILE
    /// 4.3), within 31 s, or none while another test runs. The log has the cause in words.
    pub async fn test(&self) -> Option<i8> {
        let _one = self.going.try_lock().ok()?;
        let settings = self.settings.borrow().clone();
        Some(test(&settings.ftp, self.id).await)
    }
}

/// Stores a small file as pictures are stored, and removes it.
async fn test(ftp: &Ftp, id: Mac) -> i8 {
    let Some(account) = Account::of(ftp) else {
        return Failure { step: Step::Connect, trouble: Trouble::Unreachable }.code();
    };
    // Two tests at once do not meet, unless there are no random numbers.
    let mark = lookout_core::hex::show(&password::random::<4>().unwrap_or_default());
    let (name, part) = (FileName::test(id, &mark), FileName::part(id, &format!("_test_{mark}")));
    let file = format!("The camera {id} can store files here.\r\n");
    let mut last = None;
    let tested = within(async {
        let session = last.insert(Session::open(&account).await?);
        session.store(&name, &part, file.as_bytes()).await?;
        session.remove(&name).await
    });
    let tested = tested.await;
    leave(last).await;
    match tested {
        Ok(()) => 0,
        Err(failure) => {
            tracing::warn!("FTP test: {} {failure}", account.host);
            failure.code()
        }
    }
}

/// Gives an upload its deadline (RULES F16).
async fn within(upload: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let late = Failure { step: Step::Store, trouble: Trouble::Late };
    timeout(WHOLE, upload).await.unwrap_or(Err(late))
}

/// Closes a connection, if there is one.
async fn leave(session: Option<Session>) {
    if let Some(session) = session {
        session.close().await;
    }
}

/// Why a picture was not uploaded.
#[derive(Debug, PartialEq, Eq)]
enum Miss {
    /// No server is set.
    NoServer,
    /// The privacy gate is closed, or closed meanwhile.
    Forbidden,
    /// The server did not take it.
    Failed(Failure),
}

struct Uploader {
    parts: Parts,
    /// The connection that is kept between uploads, and for whom.
    kept: Lock<Option<(Account, Session)>>,
    /// How the last upload went; none was tried: none.
    well: Mutex<Option<bool>>,
    /// Counts the files with numbers.
    turns: Sequence,
    /// Rung when a new picture waits, for whoever leaves a server alone.
    coming: watch::Sender<()>,
}

impl Uploader {
    fn settings(&self) -> Arc<Settings> {
        self.parts.settings.borrow().clone()
    }

    /// Takes a picture of an alarm, and puts it on the disk; of a drill, uploads it.
    async fn take(self: &Arc<Self>, errand: Errand) {
        let settings = self.settings();
        let miss = |why: &str| {
            self.parts.counters.done(Link::Ftp.word(), false);
            errand.tell(Link::Ftp, Err(why.to_owned()));
        };
        let Some(account) = Account::of(&settings.ftp) else { return miss("no FTP server is set") };
        let shown = match self.picture(&settings).await {
            Ok(Some(shown)) => shown,
            Ok(None) => return miss("there is no picture"),
            Err(Miss::Forbidden | Miss::NoServer | Miss::Failed(_)) => {
                return miss("no picture leaves in forbidden hours");
            }
        };
        let cause = errand.occasion.cause.number();
        if errand.occasion.drill {
            let name = self.name(&settings, cause, &shown, true);
            tokio::spawn(self.clone().drill(errand, account, name, shown));
            return;
        }
        let name = self.name(&settings, cause, &shown, false);
        let once = settings.ftp.filename.as_str().trim().is_empty();
        let item = Item { head: json!({ "name": name.as_str(), "once": once }), body: shown.jpeg.clone() };
        if let Err(error) = self.parts.queue.push(item).await {
            tracing::warn!("a picture of an alarm is not uploaded: {error}");
            self.parts.counters.done(Link::Ftp.word(), false);
        }
        self.coming.send_replace(());
    }

    /// Takes a picture now; none comes in time: none.
    async fn picture(&self, settings: &Settings) -> Result<Option<Arc<Shown>>, Miss> {
        let viewer = self.parts.hub.view(settings.image.resolution).map_err(|_| Miss::Forbidden)?;
        Ok(viewer.after(Instant::now().into_std(), PICTURE).await)
    }

    fn name(&self, settings: &Settings, d: u8, shown: &Shown, drill: bool) -> FileName {
        let files = u32::try_from(settings.ftp.numberoffiles.get()).unwrap_or(0);
        let fixed = settings.ftp.filename.as_str();
        // A drill takes no turn.
        let turn = if drill { 0 } else { self.turns.next() - 1 };
        let name = FileName::fixed(fixed, if drill { 1 } else { files }, turn).unwrap_or_else(|| {
            let stamp = local_text(settings, shown.wall, "%Y%m%d%H%M%S");
            FileName::picture(self.parts.id, settings.alias.as_str(), d, &stamp, self.parts.pictures.next())
        });
        if drill { name.of_drill() } else { name }
    }

    async fn drill(self: Arc<Self>, errand: Errand, account: Account, name: FileName, shown: Arc<Shown>) {
        let part = FileName::part(self.parts.id, "_drill");
        let mut last = None;
        let upload = async {
            let session = last.insert(Session::open(&account).await?);
            session.store(&name, &part, &shown.jpeg).await
        };
        let host = &account.host;
        let outcome = match self.behind_the_gate(upload).await {
            Ok(()) => Ok(format!("uploaded as {name} to {host}")),
            Err(Miss::Failed(failure)) => Err(format!("{host} {failure}")),
            Err(Miss::Forbidden | Miss::NoServer) => Err("no picture leaves in forbidden hours".to_owned()),
        };
        self.parts.counters.done(Link::Ftp.word(), outcome.is_ok());
        errand.tell(Link::Ftp, outcome);
        leave(last).await;
    }

    /// Sends what waits on the disk, the oldest first.
    async fn send(&self) {
        let (mut settings, mut coming) = (self.parts.settings.clone(), self.coming.subscribe());
        let mut rest = Rest::new(BACKOFF);
        // What was begun before the start may have got anywhere.
        let mut again = true;
        loop {
            let ticket = self.parts.queue.oldest().await;
            self.may_send().await;
            let head = &ticket.item.head;
            let Some(name) = head["name"].as_str().and_then(FileName::parse) else {
                self.parts.queue.give_up(ticket).await;
                continue;
            };
            let once = head["once"].as_bool().unwrap_or(false);
            let before = settings.borrow_and_update().ftp.clone();
            coming.mark_unchanged();
            match self.upload(&name, &ticket.item.body, again.then_some(once)).await {
                Ok(()) => {
                    self.parts.counters.done(Link::Ftp.word(), true);
                    self.parts.queue.done(ticket).await;
                    again = false;
                    rest.went_well();
                }
                Err(Miss::Forbidden | Miss::NoServer) => again = true,
                Err(Miss::Failed(failure)) => {
                    again = true;
                    if once && failure.is_of_file() {
                        self.behind(ticket).await;
                    }
                    let changed = async { settings.wait_for(|now| now.ftp != before).await.map(drop) };
                    let until = rest.failed(Instant::now().into_std(), chance());
                    tokio::select! {
                        () = sleep_until(until.into()) => {}
                        _ = changed => {}
                        _ = coming.changed() => {}
                    }
                }
            }
        }
    }

    /// Puts a picture that its server refuses behind the others, some times; a power cut between leaves it there twice rather
    /// than not at all.
    async fn behind(&self, mut ticket: Ticket) {
        let rounds = ticket.item.head["rounds"].as_u64().unwrap_or(0) + 1;
        if rounds >= ROUNDS {
            tracing::warn!("a picture is thrown away that the server refuses");
            self.parts.counters.done(Link::Ftp.word(), false);
            return self.parts.queue.give_up(ticket).await;
        }
        ticket.item.head["rounds"] = rounds.into();
        match self.parts.queue.push(ticket.item.clone()).await {
            Ok(()) => self.parts.queue.done(ticket).await,
            Err(error) => tracing::warn!("a picture stays where it is: {error}"),
        }
    }

    /// Waits until there is a server and the privacy gate is open.
    async fn may_send(&self) {
        let (mut settings, mut gate) = (self.parts.settings.clone(), self.parts.gate.follow());
        while self.parts.gate.pass().is_err() || Account::of(&self.settings().ftp).is_none() {
            tokio::select! {
                // Both are there as long as the camera runs.
                _ = settings.changed() => {}
                _ = gate.changed() => {}
            }
        }
    }

    /// Closes the kept connection as soon as the settings want none, or another.
    async fn tidy(&self) {
        let mut settings = self.parts.settings.clone();
        while settings.changed().await.is_ok() {
            let mut kept = self.kept.lock().await;
            let ftp = settings.borrow_and_update().ftp.clone();
            let wanted = Account::of(&ftp).filter(|_| ftp.retain);
            let unwanted = kept.take_if(|(account, _)| wanted.as_ref() != Some(account));
            leave(unwanted.map(|(_, session)| session)).await;
        }
    }

    /// Uploads a picture now and then, while the schedule says so.
    async fn timed(&self) {
        let mut settings = self.parts.settings.clone();
        loop {
            let rhythm = |settings: &Settings| (Account::of(&settings.ftp), settings.ftp.upload_interval_s.get());
            let now = rhythm(&settings.borrow_and_update());
            let every = u64::try_from(now.1).ok().filter(|seconds| *seconds > 0 && now.0.is_some());
            let mut ticks = interval(Duration::from_secs(every.unwrap_or(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let changed = async { settings.wait_for(|other| rhythm(other) != now).await.is_ok() };
                tokio::select! {
                    changed = changed => if changed { break } else { return },
                    _ = ticks.tick(), if every.is_some() => self.upload_by_time().await,
                }
            }
        }
    }

    async fn upload_by_time(&self) {
        let settings = self.settings();
        let at = LocalTime::of(settings.clock.local(unix(SystemTime::now())));
        if settings.ftp.schedule.enable && !settings.ftp.schedule.week.contains(at) {
            return;
        }
        // In forbidden hours, and without a picture, this time is left out.
        let Ok(Some(shown)) = self.picture(&settings).await else { return };
        let name = self.name(&settings, TIMED, &shown, false);
        let outcome = self.upload(&name, &shown.jpeg, None).await;
        self.parts.counters.done(Link::Ftp.word(), outcome.is_ok());
    }

    /// Uploads a picture, if it may be; `again` says that it may have got somewhere before, and whether its name is its own.
    async fn upload(&self, name: &FileName, picture: &[u8], again: Option<bool>) -> Result<(), Miss> {
        let mut kept = self.kept.lock().await;
        let settings = self.settings();
        let account = Account::of(&settings.ftp).ok_or(Miss::NoServer)?;
        let attempt = self.attempt(&mut kept, &account, name, picture, again);
        let outcome = self.behind_the_gate(attempt).await;
        match &outcome {
            Ok(()) => self.went(&account, Ok(())),
            Err(Miss::Failed(failure)) => self.went(&account, Err(*failure)),
            Err(Miss::Forbidden | Miss::NoServer) => {}
        }
        if outcome.is_err() || !settings.ftp.retain {
            leave(kept.take().map(|(_, session)| session)).await;
        }
        outcome
    }

    /// Does it within its deadline, unless the privacy gate is closed, and for as long as it is not.
    async fn behind_the_gate(&self, upload: impl Future<Output = Result<(), Failure>>) -> Result<(), Miss> {
        let pass = self.parts.gate.pass().map_err(|_| Miss::Forbidden)?;
        tokio::select! {
            biased;
            () = pass.ended() => Err(Miss::Forbidden),
            outcome = within(upload) => outcome.map_err(Miss::Failed),
        }
    }

    /// Stores a picture by the kept connection or a new one, which is kept whatever comes of it.
    async fn attempt(
        &self,
        kept: &mut Option<(Account, Session)>,
        account: &Account,
        name: &FileName,
        picture: &[u8],
        mut again: Option<bool>,
    ) -> Result<(), Failure> {
        let part = FileName::part(self.parts.id, "");
        // Whoever is cut off here has no connection to keep.
        let mut last = kept.take().filter(|(known, _)| known == account).map(|(_, session)| session);
        loop {
            let (mut session, used) = match last.take() {
                Some(session) => (session, true),
                None => (Session::open(account).await?, false),
            };
            let stored = async {
                let there = match again {
                    Some(once) => session.resume(name, &part, picture.len(), once).await?,
                    None => false,
                };
                if there { Ok(()) } else { session.store(name, &part, picture).await }
            };
            match stored.await {
                // The server has closed what was kept.
                Err(failure) if used && failure.is_loss() => again = again.or(Some(false)),
                outcome => {
                    *kept = Some((account.clone(), session));
                    return outcome;
                }
            }
        }
    }

    /// Tells how it went, once an outage.
    fn went(&self, account: &Account, outcome: Result<(), Failure>) {
        let before = self.well.lock().unwrap_or_else(PoisonError::into_inner).replace(outcome.is_ok());
        match outcome {
            Ok(()) if before == Some(false) => tracing::info!("pictures are uploaded to {} again", account.host),
            Err(failure) if before != Some(false) => {
                tracing::warn!("a picture was not uploaded: {} {failure}", account.host);
                (self.parts.note)(&Event::Failed(Peer::Ftp, failure.words()));
            }
            Ok(()) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
