//! Applies changes of the network, and has them confirmed or taken back: the hands of [`Confirm`].
//!
//! What was last confirmed is on the disk ([`confirmed`]) after the settings, at a confirmation as on the way back, so that every
//! moment between two writes is one of before both.

use std::{
    io,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use lookout_core::{
    host::{
        Abilities,
        chosen::Chosen,
        confirm::{Because, Confirm, Next, Outcome, Reach},
        plan::supports,
    },
    journal::{Event, Peer},
    port::{Host, Lost},
    profile::{change::Rules, settings::Settings},
};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{sleep_until, timeout},
};

use super::{
    Network, Note, confirmed,
    manager::{self, Came},
};
use crate::{
    pauses::chance,
    store::{By, Store},
};

/// How long the host may take to apply something.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the disk may take to take something.
const DISK: Duration = Duration::from_secs(30);
/// How long after a manager came in the address to which he came must still be the host's. Whoever asks all the time may have come
/// by the old way at the last moment.
const SETTLED: Duration = Duration::from_secs(2);

/// Moves the port of plain HTTP.
pub type MoveTo = Box<dyn Fn(u16) -> Result<(), Lost> + Send + Sync>;

/// What the service needs.
pub struct Parts {
    /// The settings, some of which it may take back.
    pub store: Arc<Store>,
    /// How it shows outside, and where managers are seen.
    pub network: Arc<Network>,
    /// The host, if its network is managed.
    pub host: Option<Arc<dyn Host>>,
    /// Moves the port, if the setting counts.
    pub move_to: Option<MoveTo>,
    /// How long a manager is waited for; 0: nobody is.
    pub window: Duration,
    /// The state folder.
    pub state: PathBuf,
    /// Says whether an address is one of this host's, loopback left out.
    pub own: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Writes into the journal.
    pub note: Note,
}

/// Follows the settings for ever.
pub async fn run(parts: Parts) {
    let settings = parts.store.follow();
    let seen = parts.network.seen.subscribe();
    let reach = Reach { host: parts.host.is_some(), port: parts.move_to.is_some() };
    let confirm = Confirm::new(confirmed::read(&parts.state), &parts.store.get(), reach, parts.window, now());
    let mut keeper = Keeper { parts, settings, seen, confirm, guest: None, failed: false, untold: false };
    loop {
        keeper.step().await;
    }
}

struct Keeper {
    parts: Parts,
    settings: watch::Receiver<Arc<Settings>>,
    seen: watch::Receiver<Option<Came>>,
    confirm: Confirm,
    /// The address to which a manager came, and when it is looked whether it is the host's still.
    guest: Option<(IpAddr, Instant)>,
    /// Whether it was told that the host failed.
    failed: bool,
    /// Whether it is still to be told that a change was confirmed.
    untold: bool,
}

impl Keeper {
    async fn step(&mut self) {
        let awaits = self.confirm.waits_for_a_manager();
        if !awaits {
            self.guest = None;
            self.seen.mark_unchanged();
        }
        self.parts.network.awaits.store(awaits, Ordering::Relaxed);
        self.parts.network.wait_until(self.confirm.until());
        match self.confirm.next(now()) {
            Next::Back => self.put_back().await,
            Next::Write => self.write().await,
            Next::Tell => self.tell().await,
            Next::Wait(until) => self.wait(until).await,
        }
    }

    /// Waits until something happens, or is due.
    async fn wait(&mut self, until: Option<Instant>) {
        let look = self.guest.map(|(_, at)| at);
        tokio::select! {
            () = due(until) => {}
            () = changed(&mut self.settings) => self.follow(),
            () = changed(&mut self.seen) => self.welcome(),
            () = due(look) => self.look(),
        }
    }

    fn follow(&mut self) {
        let before = self.confirm.target().clone();
        self.confirm.changed(&self.settings.borrow_and_update(), now());
        if *self.confirm.target() != before {
            self.failed = false;
        }
    }

    /// Takes note of a manager.
    fn welcome(&mut self) {
        let Some(came) = *self.seen.borrow_and_update() else { return };
        if !self.confirm.is_behind(came.accepted) {
            return;
        }
        let (port, kept) = (self.confirm.wanted().network.port, self.confirm.kept().network.port);
        // The port that was left is listened on for a moment more, and what came in by it may be read later still.
        if self.parts.move_to.is_some() && port != kept && !came.secure && i32::from(came.here.port()) != port.get() {
            return;
        }
        if self.confirm.moves_the_port_alone() {
            // The port alone was changed: whoever comes in by it has found it.
            self.confirmed();
        } else if self.guest.is_none() && !came.is_of_this_machine(&self.parts.own) {
            self.guest = Some((came.here.ip().to_canonical(), now() + SETTLED));
        }
    }

    /// Looks whether a manager came to an address that the host still has.
    fn look(&mut self) {
        if let Some((here, _)) = self.guest.take()
            && (self.parts.own)(here)
            && manager::may_stand_at(here, &self.parts.network.standing.borrow())
        {
            self.confirmed();
        }
    }

    fn confirmed(&mut self) {
        self.untold |= self.confirm.seen(now());
    }

    /// Has the host be as it is wanted, unless something else is wanted meanwhile.
    async fn tell(&mut self) {
        let (target, kept) = (self.confirm.target().clone(), self.confirm.kept().clone());
        let (parts, settings) = (&self.parts, &mut self.settings);
        let mut told = std::pin::pin!(timeout(PATIENCE, tell(parts, &target, self.confirm.tries(), &kept)));
        let (outcome, why) = loop {
            tokio::select! {
                told = &mut told => break told.unwrap_or((Outcome::Failed, Some(("does not answer".into(), UNSET)))),
                () = changed(settings) => {
                    self.confirm.changed(&settings.borrow_and_update(), now());
                    if *self.confirm.target() != target {
                        self.failed = false;
                        return;
                    }
                }
            }
        };
        self.confirm.tried(outcome, now(), chance());
        let Some((why, words)) = why else {
            self.failed = false;
            return;
        };
        // A host that is away for days is spoken of once.
        if !std::mem::replace(&mut self.failed, true) {
            tracing::warn!("the network is not as it was set: {why}");
            (self.parts.note)(&Event::Failed(Peer::Host, words));
        }
    }

    /// Puts the settings back that were confirmed last.
    async fn put_back(&mut self) {
        let (kept, tried) = (self.confirm.kept().clone(), self.confirm.wanted().clone());
        let draft = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            // Nobody who has set something else meanwhile loses it.
            if (Chosen { told: tried.told, ..Chosen::of(old, tried.id, tried.mac_set) }) == tried {
                kept.put(&tried, &mut new);
            }
            Ok(new)
        };
        let stored = timeout(DISK, self.parts.store.change(By::Camera, draft)).await.is_ok_and(|stored| stored.is_ok());
        if !stored {
            tracing::warn!("the settings of the network cannot be put back on the disk yet");
            return self.confirm.put_back(None, now());
        }
        self.confirm.put_back(Some(&self.parts.store.get()), now());
        if self.confirm.wanted() == self.confirm.kept() {
            let why = match self.confirm.because() {
                Because::Nobody => "nobody was seen behind the change of the network",
                Because::Late => "the change of the network could not be made in time",
                Because::Impossible => "the change of the network cannot be made",
            };
            tracing::warn!("{why}: what was confirmed last is back");
            (self.parts.note)(&Event::NetworkBack);
        }
    }

    /// Writes down what was confirmed last.
    async fn write(&mut self) {
        let (state, text) = (self.parts.state.clone(), self.confirm.kept().encode());
        let write = spawn_blocking(move || confirmed::write(&state, &text));
        let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
        let written =
            timeout(DISK, write).await.map_or_else(late, |written| written.map_err(io::Error::other).flatten());
        if let Err(error) = &written {
            tracing::warn!("what was confirmed of the network cannot be kept: {error}");
        }
        self.confirm.written(written.is_ok(), now());
        // What is told of is on the disk: no end of the camera takes it back any more.
        if written.is_ok() && std::mem::take(&mut self.untold) {
            tracing::info!("a manager was seen: the network stays as it was set");
            (self.parts.note)(&Event::NetworkKept);
        }
    }
}

/// Why something is not as it was set: for the log, and for the journal.
type Why = Option<(String, &'static str)>;

const UNSET: &str = "network not set";

/// Has port and host be as a target says. Of a change that is only tried, nothing is begun that cannot be ended; on the way
/// back one of them does not wait for the other.
async fn tell(parts: &Parts, target: &Chosen, tries: bool, kept: &Chosen) -> (Outcome, Why) {
    // What is confirmed the host is told of whatever it can: a card may come up later, and the rest does not wait for it.
    let able: Option<Abilities> = parts.network.able.borrow().filter(|_| tries);
    let wanted = match target.wanted_beside(kept, able.as_ref()) {
        Err(refused) => Err(refused.to_string()),
        Ok(Some(wanted)) if able.is_some_and(|able| !supports(&able, &wanted)) => {
            Err("this machine cannot do it".into())
        }
        Ok(wanted) => Ok(wanted),
    };
    let wanted = match wanted {
        Err(why) if tries => return (Outcome::Impossible, Some((why, UNSET))),
        wanted => wanted,
    };
    let port = move_port(parts, target);
    if tries && port.0 != Outcome::Done {
        return port;
    }
    let host = match (&parts.host, wanted) {
        (_, Err(why)) => (Outcome::Impossible, Some((why, UNSET))),
        (None, Ok(_)) => (Outcome::Done, None),
        (Some(host), Ok(wanted)) => match host.apply(wanted.as_ref()).await {
            Ok(()) => (Outcome::Done, None),
            Err(lost) => (Outcome::Failed, Some((lost.to_string(), UNSET))),
        },
    };
    if host.0 == Outcome::Done { port } else { host }
}

fn move_port(parts: &Parts, target: &Chosen) -> (Outcome, Why) {
    let port = u16::try_from(target.network.port.get()).unwrap_or_default();
    match parts.move_to.as_ref().map(|move_to| move_to(port)) {
        None | Some(Ok(())) => (Outcome::Done, None),
        Some(Err(lost)) => (Outcome::Impossible, Some((lost.to_string(), "port not to be had"))),
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for a change; for ever, once nobody can make one.
async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
