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
//! Of gateways the router is believed first (Q82):
//! another is searched beside for it again. Whatever a gateway does, nobody waits for it: an attempt has half a minute, the end of
//! the camera [`LAST`].

mod lan;
mod mapper;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use lookout_core::{
    host,
    journal::Event,
    upnp::{
        Standing, Trouble,
        device::Service,
        soap::{Answer, Ask, Failure},
    },
};
use tokio::{sync::watch, time::timeout};

pub use self::lan::Lan;
use self::mapper::Mapper;
use crate::{metrics::UpnpCounters, sockets::Listening, store::Watched};

/// How long a gateway may take to remove the mapping when the camera ends.
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

/// Whom the service tells how it stands.
struct Told {
    standing: watch::Sender<Standing>,
    outside: watch::Sender<Option<IpAddr>>,
    note: Box<dyn Fn(&Event) + Send + Sync>,
    counters: Arc<UpnpCounters>,
}

/// What the service sees of the world.
pub trait World: Send + Sync {
    /// Returns this machine's address towards the Internet.
    fn own(&self) -> Option<Ipv4Addr>;
    /// Returns the router of this machine's way to the Internet.
    fn router(&self) -> Option<Ipv4Addr>;
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
    let mut mapper = Mapper::new(world, name, Told { standing, outside, note, counters });
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
