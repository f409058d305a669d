//! A port that is mapped on the Internet gateway (PROFILE 4.6, Q81).
//!
//! ```text
//!          on                found            given                     each 45 s: is it still there?
//!   off ───────▶ searching ─────────▶ asking ─────────▶ mapped ─────────────────────────────────────┐
//!    ▲               ▲                  │                 │ ▲                                       │
//!    │               └── a pause ───────┴── gone, or nonsense ──── anew at half its lease, or when lost
//!    └── off, or the camera ends: the mapping is removed
//! ```
//! Bargains: nothing goes out while it is off, or while the camera listens where no gateway reaches it. What is mapped is HTTPS,
//! and the plain port only if the machine's operator says so. An entry of the gateway's list that is not ours is left alone.
//! Whatever a gateway does, nobody waits for it: an attempt has [`WHOLE`], the end of the camera [`LAST`].

mod lan;
#[cfg(test)]
mod tests;

use std::{
    future::{Future, pending},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use lookout_core::{
    host,
    journal::{Event, Peer},
    upnp::{
        Standing, Trouble,
        device::Service,
        mapping::{LEASE, Rhythm, Wanted, Whose},
        soap::{Answer, Ask, Failure},
    },
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

pub use self::lan::Lan;
use crate::{metrics::UpnpCounters, pauses::chance, sockets::Listening, store::Watched};

/// How long an attempt may take.
const WHOLE: Duration = Duration::from_secs(30);
/// How long a gateway may take to remove a mapping, before something else is done.
const REMOVAL: Duration = Duration::from_secs(5);
/// The same when the camera ends.
const LAST: Duration = Duration::from_millis(800);

/// The port mapping as others see it.
pub struct Upnp {
    standing: watch::Sender<Standing>,
    /// Whether the camera ends.
    ends: watch::Sender<bool>,
}

impl Upnp {
    /// Makes one that is off.
    pub fn new() -> Self {
        Self { standing: watch::Sender::default(), ends: watch::Sender::default() }
    }

    /// Returns `upnp_status`.
    pub fn status(&self) -> u8 {
        *self.standing.borrow() as u8
    }

    /// Gives its service what it tells by, and what ends it.
    pub fn ways(&self) -> (watch::Sender<Standing>, watch::Receiver<bool>) {
        (self.standing.clone(), self.ends.subscribe())
    }

    /// Ends its service, before the camera ends: returns when the gateway has been told, if it listens.
    pub async fn close(&self) {
        self.ends.send_replace(true);
        self.ends.closed().await;
    }
}

/// What the service needs.
pub struct Parts {
    /// Whether anything is to be mapped (`upnp_enable`).
    pub on: Watched<bool>,
    /// Where the camera listens.
    pub listening: watch::Receiver<Listening>,
    /// Whether its plain port is mapped, and not that of HTTPS.
    pub expose_plain: bool,
    /// The host's network: when its addresses change, the mapping does.
    pub network: watch::Receiver<host::Standing>,
    /// What the mapping is called on the gateway.
    pub name: String,
    /// Takes how it stands.
    pub standing: watch::Sender<Standing>,
    /// Whether the camera ends.
    pub ends: watch::Receiver<bool>,
    /// Takes the address that the gateway has outside.
    pub outside: watch::Sender<Option<IpAddr>>,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<UpnpCounters>,
}

/// What the service sees of the world.
pub trait World: Send + Sync {
    /// Returns this machine's address towards the Internet.
    fn own(&self) -> Option<Ipv4Addr>;
    /// Finds the gateway; has a deadline of its own, and may be cancelled.
    fn search(&self, from: Ipv4Addr) -> impl Future<Output = Result<Service, Trouble>> + Send;
    /// Asks a gateway; has a deadline of its own, and may be cancelled.
    fn ask(
        &self,
        from: Ipv4Addr,
        gateway: &Service,
        ask: Ask<'_>,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

/// Serves for as long as the camera runs.
pub async fn run(parts: Parts, world: impl World) {
    let Parts { on, listening, expose_plain, network, name, standing, ends, outside, note, counters } = parts;
    let addresses = network.borrow().addresses.clone();
    let mut bells = Bells { on, listening, network, addresses, ends };
    let mut mapper = Mapper {
        world,
        name,
        standing,
        outside,
        note,
        counters,
        rhythm: Rhythm::default(),
        due: Instant::now(),
        gateway: None,
        held: None,
        permanent: false,
        told: None,
    };
    while !*bells.ends.borrow() {
        let listening = {
            let Listening { http, https } = &*bells.listening.borrow_and_update();
            if expose_plain { http.clone() } else { https.clone() }
        };
        let wish = bells.on.get().then_some(listening);
        tokio::select! {
            () = bells.ring() => mapper.begin_anew(),
            () = mapper.follow(wish) => {}
        }
    }
    let _ = timeout(LAST, mapper.let_go()).await;
}

/// What changes the wish.
struct Bells {
    on: Watched<bool>,
    listening: watch::Receiver<Listening>,
    network: watch::Receiver<host::Standing>,
    /// The host's addresses when they were looked at last.
    addresses: Vec<IpAddr>,
    ends: watch::Receiver<bool>,
}

impl Bells {
    /// Waits until something is otherwise. May be cancelled.
    async fn ring(&mut self) {
        loop {
            tokio::select! {
                _ = self.on.changed() => return,
                Ok(()) = self.listening.changed() => return,
                Ok(()) = self.network.changed() => {
                    let addresses = self.network.borrow_and_update().addresses.clone();
                    if std::mem::replace(&mut self.addresses, addresses) != self.addresses {
                        return;
                    }
                }
                Ok(()) = self.ends.changed() => return,
            }
        }
    }
}

/// A mapping that a gateway has from us, or may have.
#[derive(Clone)]
struct Held {
    gateway: Service,
    wanted: Wanted,
}

struct Mapper<W> {
    world: W,
    name: String,
    standing: watch::Sender<Standing>,
    outside: watch::Sender<Option<IpAddr>>,
    note: Box<dyn Fn(&Event) + Send + Sync>,
    counters: Arc<UpnpCounters>,
    rhythm: Rhythm,
    /// When the gateway is asked next.
    due: Instant,
    /// The gateway that was found.
    gateway: Option<Service>,
    held: Option<Held>,
    /// Whether the gateway gives no mapping but one for good.
    permanent: bool,
    /// What was told of the last attempt.
    told: Option<Result<Wanted, Trouble>>,
}

impl<W: World> Mapper<W> {
    fn begin_anew(&mut self) {
        (self.rhythm, self.due) = (Rhythm::default(), Instant::now());
    }

    /// Does what is due next to have one of these addresses mapped, or nothing, for ever. May be cancelled.
    async fn follow(&mut self, wish: Option<Vec<SocketAddr>>) {
        let Some(listening) = wish else {
            // What cannot be removed ends with its lease.
            let _ = timeout(REMOVAL, self.let_go()).await;
            (self.held, self.gateway, self.told) = (None, None, None);
            self.stand(Standing::Off, None);
            return pending().await;
        };
        sleep_until(self.due).await;
        let outcome = timeout(WHOLE, self.attempt(&listening)).await.unwrap_or(Err(Trouble::Unreached));
        self.tell(outcome);
        self.due = Instant::now() + self.rhythm.pause(outcome.map(|_| ()), chance());
    }

    /// Sees to it that the port is mapped.
    async fn attempt(&mut self, listening: &[SocketAddr]) -> Result<Wanted, Trouble> {
        let wanted = Wanted::choose(listening, self.world.own());
        if self.held.as_ref().is_some_and(|held| wanted != Ok(held.wanted)) {
            let _ = timeout(REMOVAL, self.let_go()).await;
            self.held = None;
        }
        let wanted = wanted?;
        if let Some(gateway) = self.gateway.clone() {
            match self.keep(&gateway, wanted).await {
                // It may have started anew somewhere else.
                Err(Trouble::Unreached | Trouble::Nonsense(_)) => self.gateway = None,
                kept => return kept.map(|()| wanted),
            }
        }
        let gateway = self.world.search(wanted.client).await?;
        self.permanent = false;
        self.gateway = Some(gateway.clone());
        self.keep(&gateway, wanted).await.map(|()| wanted)
    }

    /// Looks at the gateway's entry, and asks for it where that is wanted.
    async fn keep(&mut self, gateway: &Service, wanted: Wanted) -> Result<(), Trouble> {
        let outside = match self.world.ask(wanted.client, gateway, Ask::Outside).await {
            Ok(answer) => answer.outside().map(IpAddr::V4),
            Err(Failure::Refused(_)) => None,
            Err(failure) => return Err(failure.into()),
        };
        self.outside.send_if_modified(|before| std::mem::replace(before, outside) != outside);
        match self.whose(gateway, wanted).await? {
            Whose::Ours if !self.rhythm.is_due(Instant::now().into_std()) => Ok(()),
            Whose::Ours | Whose::Nobodys => self.add(gateway, wanted).await,
            Whose::Past => {
                self.world.ask(wanted.client, gateway, Ask::Remove { port: wanted.port }).await?;
                self.add(gateway, wanted).await
            }
            Whose::Given => Ok(()),
            Whose::Others => {
                self.held = None;
                Err(Trouble::Taken)
            }
        }
    }

    async fn whose(&self, gateway: &Service, wanted: Wanted) -> Result<Whose, Failure> {
        let entry = match self.world.ask(wanted.client, gateway, Ask::Entry { port: wanted.port }).await {
            Ok(answer) => answer.entry(),
            // There is none, or the gateway does not tell of it: what is asked for next says more.
            Err(Failure::Refused(_)) => None,
            Err(failure) => return Err(failure),
        };
        Ok(Whose::of(entry.as_ref(), wanted, &self.name, self.held.is_some()))
    }

    async fn add(&mut self, gateway: &Service, wanted: Wanted) -> Result<(), Trouble> {
        /// OnlyPermanentLeasesSupported.
        const PERMANENT: Failure = Failure::Refused(725);
        let Wanted { client, port } = wanted;
        // Whether the gateway has heard of it is not known until it answers.
        self.held = Some(Held { gateway: gateway.clone(), wanted });
        loop {
            let lease_s = if self.permanent { 0 } else { LEASE.as_secs() as u32 };
            let ask = Ask::Add { port, client, lease_s, name: &self.name };
            match self.world.ask(client, gateway, ask).await {
                Ok(_) => {
                    self.rhythm.renewed(Instant::now().into_std());
                    self.counters.given.inc();
                    return Ok(());
                }
                Err(PERMANENT) if !self.permanent => self.permanent = true,
                Err(failure) => {
                    if matches!(failure, Failure::Refused(_)) {
                        self.held = None;
                    }
                    return Err(failure.into());
                }
            }
        }
    }

    /// Removes the mapping that is held, unless it is another's by now. May be cancelled, and called again.
    async fn let_go(&mut self) {
        let Some(Held { gateway, wanted }) = self.held.clone() else { return };
        let removed = match self.whose(&gateway, wanted).await {
            Ok(Whose::Ours | Whose::Past | Whose::Nobodys) => {
                self.world.ask(wanted.client, &gateway, Ask::Remove { port: wanted.port }).await.map(|_| ())
            }
            Ok(Whose::Given | Whose::Others) => Ok(()),
            Err(failure) => Err(failure),
        };
        self.held = None;
        match removed {
            // 714: there was none.
            Ok(()) | Err(Failure::Refused(714)) => tracing::info!("port {} is mapped no more", wanted.port),
            Err(failure) => {
                tracing::warn!("the mapping of port {} was not removed: {}", wanted.port, Trouble::from(failure));
            }
        }
    }

    fn stand(&self, standing: Standing, outside: Option<IpAddr>) {
        self.counters.mapped(standing == Standing::Mapped);
        self.standing.send_replace(standing);
        self.outside.send_if_modified(|before| std::mem::replace(before, outside) != outside);
    }

    fn tell(&mut self, outcome: Result<Wanted, Trouble>) {
        let outside = *self.outside.borrow();
        match outcome {
            Ok(Wanted { client, port }) => {
                self.stand(Standing::Mapped, outside);
                if self.told != Some(outcome) {
                    let shown =
                        outside.map_or("an address that it does not tell".to_owned(), |outside| outside.to_string());
                    tracing::info!("port {port} of the gateway, {shown} outside, leads to {client}");
                }
            }
            Err(trouble) => {
                // A gateway that maps nothing still says where it is.
                self.stand(trouble.standing(), outside.filter(|_| trouble.standing() == Standing::Refused));
                self.counters.failed.inc();
                let words = |told: Option<Result<Wanted, Trouble>>| told.and_then(Result::err).map(Trouble::words);
                if words(self.told) != Some(trouble.words()) {
                    tracing::warn!("no port is mapped: {trouble}");
                    (self.note)(&Event::Failed(Peer::Upnp, trouble.words()));
                }
            }
        }
        self.told = Some(outcome);
    }
}
