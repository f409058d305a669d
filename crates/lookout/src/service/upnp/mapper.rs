//! Who follows the wish: finds the gateway, has the port mapped there and looks after it.

use std::{
    future::pending,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lookout_core::{
    journal::{Event, Peer},
    upnp::{
        Standing, Trouble,
        device::Service,
        mapping::{LEASE, Rhythm, Wanted, Whose},
        soap::{Ask, Failure},
    },
};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Told, World};
use crate::pauses::chance;

/// How long an attempt may take.
const WHOLE: Duration = Duration::from_secs(30);
/// How long a gateway may take to remove a mapping, before something else is done.
const REMOVAL: Duration = Duration::from_secs(5);

/// A mapping that a gateway has from us, or may have.
#[derive(Clone)]
struct Held {
    gateway: Service,
    wanted: Wanted,
}

pub(super) struct Mapper<W> {
    world: W,
    name: String,
    others: Told,
    rhythm: Rhythm,
    /// When the gateway is asked next.
    due: Instant,
    /// The gateway that was found, and when.
    gateway: Option<(Service, Instant)>,
    held: Option<Held>,
    /// Whether the gateway gives no mapping but one for good.
    permanent: bool,
    /// What was told of the last attempt.
    told: Option<Result<Wanted, Trouble>>,
}

impl<W: World> Mapper<W> {
    pub(super) fn new(world: W, name: String, others: Told) -> Self {
        let (rhythm, due) = (Rhythm::default(), Instant::now());
        Self { world, name, others, rhythm, due, gateway: None, held: None, permanent: false, told: None }
    }

    pub(super) fn begin_anew(&mut self) {
        (self.rhythm, self.due, self.gateway) = (Rhythm::default(), Instant::now(), None);
    }

    /// Does what is due next to have one of these addresses mapped, or nothing, for ever. May be cancelled.
    pub(super) async fn follow(&mut self, wish: Option<Vec<SocketAddr>>) {
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
        if let Some((gateway, since)) = self.gateway.clone() {
            if self.is_second_best(&gateway, since)
                && let Some(router) = self.search_router(wanted).await
            {
                return self.turn_to(router, wanted).await;
            }
            match self.keep(&gateway, wanted).await {
                // It may have started anew somewhere else.
                Err(Trouble::Unreached | Trouble::Nonsense(_)) => self.gateway = None,
                kept => return kept.map(|()| wanted),
            }
        }
        let gateway = self.world.search(wanted.client).await?;
        self.turn_to(gateway, wanted).await
    }

    /// Says whether the router is to be searched for again: while the gateway is another, behind each refusal and half a lease.
    /// Whoever answers first when the power comes back may be anybody.
    fn is_second_best(&self, gateway: &Service, since: Instant) -> bool {
        let refused = matches!(self.told, Some(Err(trouble)) if trouble.standing() == Standing::Refused);
        !self.is_router(gateway) && (refused || since.elapsed() >= LEASE / 2)
    }

    fn is_router(&self, gateway: &Service) -> bool {
        Some(*gateway.place.at.ip()) == self.world.router()
    }

    /// Searches for the router; that it does not answer changes nothing.
    async fn search_router(&mut self, wanted: Wanted) -> Option<Service> {
        let found = self.world.search(wanted.client).await.ok();
        self.gateway = self.gateway.take().map(|(gateway, _)| (gateway, Instant::now()));
        found.filter(|found| self.is_router(found))
    }

    /// Takes a gateway that was found, and removes what another has of us.
    async fn turn_to(&mut self, gateway: Service, wanted: Wanted) -> Result<Wanted, Trouble> {
        match &mut self.held {
            Some(held) if held.gateway.place.at.ip() != gateway.place.at.ip() => {
                let _ = timeout(REMOVAL, self.let_go()).await;
                (self.held, self.rhythm) = (None, Rhythm::default());
            }
            Some(held) => held.gateway = gateway.clone(),
            None => {}
        }
        self.permanent = false;
        self.gateway = Some((gateway.clone(), Instant::now()));
        self.keep(&gateway, wanted).await.map(|()| wanted)
    }

    /// Looks at the gateway's entry, and asks for it where that is wanted.
    async fn keep(&mut self, gateway: &Service, wanted: Wanted) -> Result<(), Trouble> {
        let outside = match self.world.ask(wanted.client, gateway, Ask::Outside).await {
            Ok(answer) => answer.outside().map(IpAddr::V4),
            Err(Failure::Refused(_)) => None,
            Err(failure) => return Err(failure.into()),
        };
        self.others.outside.send_if_modified(|before| std::mem::replace(before, outside) != outside);
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
                    self.others.counters.given.inc();
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
    pub(super) async fn let_go(&mut self) {
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
        self.others.counters.mapped(standing == Standing::Mapped);
        self.others.standing.send_replace(standing);
        self.others.outside.send_if_modified(|before| std::mem::replace(before, outside) != outside);
    }

    fn tell(&mut self, outcome: Result<Wanted, Trouble>) {
        let outside = *self.others.outside.borrow();
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
                self.others.counters.failed.inc();
                let words = |told: Option<Result<Wanted, Trouble>>| told.and_then(Result::err).map(Trouble::words);
                if words(self.told) != Some(trouble.words()) {
                    tracing::warn!("no port is mapped: {trouble}");
                    (self.others.note)(&Event::Failed(Peer::Upnp, trouble.words()));
                }
            }
        }
        self.told = Some(outcome);
    }
}
