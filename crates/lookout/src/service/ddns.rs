//! Dynamic DNS: keeps a name at the camera's public address (PROFILE 4.5).
//!
//! When a service is asked is the [`Keeper`]'s to say; this asks it, one request at a time, and tells what came of it: as
//! `ddns_status`, to the journal once, and to the state folder, so that a restart asks nobody without need. New settings cut a
//! request off that is under way.

use std::{
    future::Future,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use lookout_core::{
    ddns::{Account, Answer, Fate, Keeper, Next, Outcome, Request, Service, read},
    journal::{Event, Peer},
    profile::settings::Settings,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    config,
    fetch::{self, Failure, Heard, Wish},
    files,
    metrics::DdnsCounters,
    pauses::chance,
    peer::WHOLE,
    store::Watched,
};

/// How long the host's clock may have been set before it is looked at again.
const CLOCK: Duration = Duration::from_secs(3600);
/// The file of the last update.
const FILE: &str = "ddns";

/// Dynamic DNS as others see it.
pub struct Ddns {
    /// How it stands, by the profile's number.
    status: watch::Sender<u8>,
    /// Rung when it is to be tried again.
    again: watch::Sender<()>,
}

impl Ddns {
    /// Makes one that is idle.
    pub fn new() -> Self {
        Self { status: watch::Sender::default(), again: watch::Sender::new(()) }
    }

    /// Returns `ddns_status`.
    pub fn status(&self) -> u8 {
        *self.status.borrow()
    }

    /// Has it tried again now, also what was refused for good.
    pub fn again(&self) {
        self.again.send_replace(());
    }

    /// Gives what the service needs of it: where it tells how it stands, and who rings.
    pub fn ends(&self) -> (watch::Sender<u8>, watch::Receiver<()>) {
        (self.status.clone(), self.again.subscribe())
    }
}

/// What the service needs.
pub struct Parts {
    /// The account, if there is one.
    pub account: Watched<Option<Account>>,
    /// Where the services are.
    pub bases: config::Ddns,
    /// The public address.
    pub seen: watch::Receiver<Option<IpAddr>>,
    /// Where it tells how it stands.
    pub status: watch::Sender<u8>,
    /// Rung when it is to be tried again.
    pub again: watch::Receiver<()>,
    /// The state folder.
    pub state: PathBuf,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<DdnsCounters>,
}

/// Returns the part of the settings that the service follows.
pub fn account(settings: &Settings) -> Option<Account> {
    Account::of(&settings.ddns)
}

/// What the service sees of the world.
pub trait World: Send {
    /// Sends a request; may be cancelled. `v4` is whether it is about the address from which it is asked.
    fn ask(&mut self, request: &Request, v4: bool) -> impl Future<Output = Result<Heard, Failure>> + Send;
    /// Reads the host's clock.
    fn host(&self) -> SystemTime;
}

/// The Internet.
pub struct Http;

impl World for Http {
    async fn ask(&mut self, request: &Request, v4: bool) -> Result<Heard, Failure> {
        let (login, proxy) = (Some((request.user.as_str(), &request.pwd)), request.proxy.as_deref());
        fetch::get(&Wish { url: &request.url, login, proxy, v4 }).await
    }

    fn host(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Removes what is known of the last update.
///
/// # Errors
/// The disk refuses.
pub fn forget(state: &Path) -> io::Result<()> {
    files::forget(state, FILE)
}

/// Keeps the name, for ever.
pub async fn run(mut parts: Parts, world: impl World) {
    let kept = files::read_back(&parts.state, FILE).ok().and_then(|text| text.parse().ok());
    let mut keeper = Keeper::new(kept, now());
    keeper.see(*parts.seen.borrow_and_update(), now());
    let mut service = Updater { parts, world, keeper, told: None, away: None };
    service.configure();
    loop {
        let address = service.wait().await;
        service.attempt(address).await;
    }
}

struct Updater<W> {
    parts: Parts,
    world: W,
    keeper: Keeper,
    /// What the journal was told last: the address that the name has, or what went wrong.
    told: Option<Result<Option<IpAddr>, &'static str>>,
    /// Why nothing was heard, as the log was told.
    away: Option<Failure>,
}

impl<W: World> Updater<W> {
    /// Waits until the service is to be asked; returns for which address.
    async fn wait(&mut self) -> Option<IpAddr> {
        loop {
            self.keeper.judge(now(), self.clock_s());
            self.show();
            let looks = Instant::now() + CLOCK;
            let due = match self.keeper.next(now()) {
                Next::Ask(address) => return address,
                Next::At(at) => looks.min(at.into()),
                Next::Never => looks,
            };
            tokio::select! {
                _ = self.parts.account.changed() => self.configure(),
                Ok(()) = self.parts.again.changed() => self.keeper.again(now()),
                Ok(()) = self.parts.seen.changed() => self.keeper.see(*self.parts.seen.borrow_and_update(), now()),
                () = sleep_until(due) => {}
            }
        }
    }

    /// Asks the service, unless the settings change meanwhile.
    async fn attempt(&mut self, address: Option<IpAddr>) {
        let Some(account) = self.keeper.account().cloned() else { return };
        let base = match account.service {
            Service::DynDns(_) => &self.parts.bases.dyndns_url,
            Service::Dyn3322(_) => &self.parts.bases.dyn3322_url,
            Service::Oray => &self.parts.bases.oray_url,
        };
        let request = Request::new(&account, base, address);
        self.keeper.asking(now());
        self.show();
        let asked = tokio::select! {
            _ = self.parts.account.changed() => return self.configure(),
            asked = timeout(WHOLE, self.world.ask(&request, address.is_none())) => asked,
        };
        // Whoever rang meanwhile has got what he wanted.
        self.parts.again.mark_unchanged();
        let outcome = match asked {
            Ok(Ok(heard)) => {
                self.away = None;
                Outcome::Answered(read(heard.status, &heard.body, address))
            }
            Ok(Err(failure)) => self.unheard(failure),
            Err(_) => self.unheard(Failure::Unheard("no answer in time".into())),
        };
        let clock_s = self.clock_s();
        let kept = self.keeper.done(outcome, now(), clock_s, chance()).map(|kept| format!("{kept}\n"));
        self.tell(outcome);
        self.show();
        if let Some(line) = kept {
            files::keep(&self.parts.state, FILE, line, "the last update of dynamic DNS").await;
        }
    }

    /// Says why nothing was heard, once; returns what that is.
    fn unheard(&mut self, failure: Failure) -> Outcome {
        let (what, outcome) = match failure {
            Failure::Unsent(_) => ("cannot be reached", Outcome::Unreachable),
            Failure::Unheard(_) => ("does not answer", Outcome::Answered(Answer::UNHEARD)),
        };
        if self.away.as_ref() != Some(&failure) {
            tracing::warn!("the service of dynamic DNS {what}: {failure}");
            self.away = Some(failure);
        }
        outcome
    }

    fn configure(&mut self) {
        let clock_s = self.clock_s();
        (self.told, self.away) = (None, None);
        self.keeper.configure(self.parts.account.get().clone(), now(), clock_s);
    }

    fn show(&self) {
        let status = self.keeper.status();
        self.parts.status.send_if_modified(|shown| std::mem::replace(shown, status) != status);
    }

    /// Counts what came of a request, and tells the journal what it does not know yet.
    fn tell(&mut self, outcome: Outcome) {
        let (word, news) = match outcome {
            Outcome::Unreachable => ("unreachable", Err("cannot connect")),
            Outcome::Answered(answer) => {
                let well = answer.verdict.fate() == Fate::Well;
                (answer.verdict.word(), if well { Ok(answer.address) } else { Err(answer.verdict.words()) })
            }
        };
        self.parts.counters.done(word);
        if self.told.replace(news) == Some(news) {
            return;
        }
        match news {
            Ok(address) => {
                let address = address.map_or_else(|| "the address that it sees".into(), |address| address.to_string());
                tracing::info!("the service of dynamic DNS has {address}");
                (self.parts.note)(&Event::DdnsUpdated);
            }
            Err(words) => {
                tracing::warn!("dynamic DNS failed: {words}");
                (self.parts.note)(&Event::Failed(Peer::Ddns, words));
            }
        }
    }

    fn clock_s(&self) -> u64 {
        self.world.host().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;
