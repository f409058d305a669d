//! Finds the public address: the host's own, or what two agree on of the Internet gateway and the servers that are asked
//! (`ddns.check_urls`, Q77).
//!
//! The host is looked at each minute, which sends nothing. Servers are asked only while somebody must know the address and
//! the host has none of its own; one after the other, in another order each time, until two agree; then again after some ten
//! minutes (Dyn's rule for its own), at once when the host's IPv4 or the gateway's word has changed, but for one that changes all
//! the time, and ever later after a failure. What they agreed on is told for [`FRESH`], and to nobody who must not know.

use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use lookout_core::{
    backoff::{Backoff, jitter},
    ddns::Account,
    host::Standing,
    profile::settings::Settings,
    public::{self, Answer, Source, agree},
};
use reqwest::Url;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{EVERY, Seen};
use crate::{
    fetch::{self, Wish},
    metrics::DdnsCounters,
    pauses::chance,
    setup,
};

/// The pause after an agreement: chance leaves ten and a half minutes of it at least.
const AGREED: Duration = Duration::from_secs(12 * 60);
/// Nobody is asked again sooner than this, whatever changes.
const GAP: Duration = Duration::from_secs(60);
/// How often that may be within an hour; whatever changes more often has them asked each [`UNSTEADY`].
const HURRIES: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);
const UNSTEADY: Duration = Duration::from_secs(10 * 60);
/// How long an agreement is believed: two attempts behind the next one may fail.
const FRESH: Duration = Duration::from_secs(20 * 60);
/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many servers are asked at most.
const MOST: usize = 8;

/// What finding needs.
pub struct Parts {
    /// The settings, which say whether anybody must know.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// What the gateway says.
    pub gateway: watch::Receiver<Option<IpAddr>>,
    /// How the host's network stands.
    pub standing: watch::Receiver<Standing>,
    /// The servers that are asked.
    pub urls: Vec<String>,
    /// Where it tells the address.
    pub seen: Seen,
    /// Counters.
    pub counters: Arc<DdnsCounters>,
}

/// What finding sees of the world.
pub trait World: Send {
    /// Returns the addresses by which the host reaches others.
    fn own(&self) -> Vec<IpAddr>;
    /// Asks a server for the address from which it is asked; none if it gives no good answer.
    fn ask(&mut self, url: &str) -> impl Future<Output = Option<IpAddr>> + Send;
}

/// The host and the Internet.
pub struct Wide;

impl World for Wide {
    fn own(&self) -> Vec<IpAddr> {
        setup::addresses()
    }

    async fn ask(&mut self, url: &str) -> Option<IpAddr> {
        let heard = fetch::get(&Wish { url, login: None, proxy: None, v4: true }).await;
        let heard = heard.inspect_err(|failure| tracing::debug!("nobody says the public address: {failure}")).ok()?;
        if heard.status == 200 { public::read(&heard.body) } else { None }
    }
}

/// Says whether anybody must know the public address.
fn needed(settings: &Settings) -> bool {
    settings.mail.inet_ip || Account::of(&settings.ddns).is_some()
}

/// Finds the address, for ever.
pub async fn find(mut parts: Parts, world: impl World) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let servers = servers(&parts.urls);
    let (start, backoff) = (Instant::now(), Backoff::new(GAP, HOUR));
    let mut finder =
        Finder { world, servers, agreed: None, due: start, asked: None, hurried: VecDeque::new(), backoff };
    let (mut outside, mut way) = (*parts.gateway.borrow(), finder.way(&parts.standing.borrow()));
    loop {
        tokio::select! {
            _ = every.tick() => {}
            Ok(()) = parts.gateway.changed() => {
                // One that comes and goes, and says what it said, is no news.
                let says = *parts.gateway.borrow_and_update();
                if says.is_some() && std::mem::replace(&mut outside, says) != says {
                    finder.hurry();
                }
            }
            Ok(()) = parts.standing.changed() => {}
            Ok(()) = parts.settings.changed() => {}
            () = sleep_until(finder.due), if finder.due > Instant::now() => {}
        }
        let goes = finder.way(&parts.standing.borrow_and_update());
        if std::mem::replace(&mut way, goes) != way {
            finder.hurry();
        }
        // What has changed meanwhile is still to be heard of.
        let wanted = needed(&parts.settings.borrow());
        let gateway = *parts.gateway.borrow();
        let found = finder.look(gateway, wanted).await;
        parts.seen.send_if_modified(|seen| std::mem::replace(seen, found) != found);
        parts.counters.known(found.is_some());
    }
}

/// Numbers the servers: those of one host are one source.
fn servers(urls: &[String]) -> Vec<(Source, String)> {
    let host = |url: &String| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let number = |url: &String| urls.iter().position(|other| host(other) == host(url)).unwrap_or_default();
    urls.iter().take(MOST).map(|url| (Source::Service(number(url)), url.clone())).collect()
}

struct Finder<W> {
    world: W,
    servers: Vec<(Source, String)>,
    /// What was agreed on last, and when.
    agreed: Option<(IpAddr, Instant)>,
    /// When servers are asked next, if they must be.
    due: Instant,
    /// When they were asked last.
    asked: Option<Instant>,
    /// When that was hurried lately.
    hurried: VecDeque<Instant>,
    backoff: Backoff,
}

impl<W: World> Finder<W> {
    /// Returns the host's address of IPv4 by which it reaches the Internet, and all.
    fn way(&self, standing: &Standing) -> (Option<Ipv4Addr>, BTreeSet<Ipv4Addr>) {
        let v4 = |address: IpAddr| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        (self.world.own().into_iter().find_map(v4), standing.addresses.iter().copied().filter_map(v4).collect())
    }

    /// Notes that the network has changed.
    fn hurry(&mut self) {
        let now = Instant::now();
        let soonest = |gap| self.asked.map_or(now, |asked| asked + gap);
        if self.due <= soonest(GAP) {
            return;
        }
        while self.hurried.front().is_some_and(|hurried| now - *hurried >= HOUR) {
            self.hurried.pop_front();
        }
        if self.hurried.len() < HURRIES {
            self.due = soonest(GAP);
            self.hurried.push_back(now);
        } else {
            self.due = self.due.min(soonest(UNSTEADY));
        }
    }

    /// Returns the address that is believed now; of no age that nobody knows.
    async fn look(&mut self, gateway: Option<IpAddr>, wanted: bool) -> Option<IpAddr> {
        let others = !self.servers.is_empty() || gateway.is_some();
        if let Some(own) = public::own(&self.world.own(), others) {
            return Some(own);
        }
        if !wanted {
            return None;
        }
        if !self.servers.is_empty() && Instant::now() >= self.due {
            self.ask(gateway).await;
        }
        self.agreed.filter(|(_, when)| when.elapsed() < FRESH).map(|(address, _)| address)
    }

    /// Asks the servers, until two agree.
    async fn ask(&mut self, gateway: Option<IpAddr>) {
        self.asked = Some(Instant::now());
        let mut answers: Vec<Answer> =
            gateway.map(|address| Answer { source: Source::Gateway, address }).into_iter().collect();
        let first = usize::from(chance()) % self.servers.len();
        for at in 0..self.servers.len() {
            let (source, url) = &self.servers[(first + at) % self.servers.len()];
            let said = timeout(PATIENCE, self.world.ask(url)).await.ok().flatten();
            answers.extend(said.map(|address| Answer { source: *source, address }));
            if let Some(agreed) = agree(&answers) {
                self.backoff.went_well();
                self.due = Instant::now() + jitter(AGREED, chance());
                self.agreed = Some((agreed, Instant::now()));
                return;
            }
        }
        self.due = Instant::now() + self.backoff.failed(chance()).max(GAP);
    }
}

#[cfg(test)]
mod tests;
