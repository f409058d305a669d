//! Announces the camera in its networks, by multicast DNS (Q83).
//!
//! ```text
//!            what is to be said, or where, has changed · the name is another machine's · too much was heard
//!   silent ◀──────────────────────────────────────────────────────────────────────────────────────────── announcing
//!      └────────────────────────────────────── a second later ─────────────────────────────────────────────▶
//! ```
//! The responder is a library's, with a thread of its own. It is there as long as one announcement: each change ends it,
//! which takes back what it said, and starts another. So it is never told to change, and whatever it has gathered goes
//! with it. It keeps records of others for which nobody asks it, and when each of them ends, as often as it is said; when that is
//! too much, it is started anew, too. While more comes than it can read it hears nothing else, and there is no second one beside it.
//!
//! A camera that only its own machine can reach says nothing, and has no such thread. Nothing that fails here is more than a
//! line in the log.

use std::{net::IpAddr, time::Duration};

use lookout_core::{
    mdns::{Service, host, instance, services, spare_host, text},
    profile::wire::{Mac, Text},
};
use mdns_sd::{DaemonEvent, IfKind, IfPredicate, Metrics, Receiver, ServiceDaemon, ServiceInfo};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::{sockets::Listening, store::Watched};

/// How long nothing is said between two announcements: who changes the alias three times is announced once.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked at what the responder has gathered.
const LOOK: Duration = Duration::from_secs(1);
/// The most records of others that it may keep, some hundred bytes each. A network with so many devices is a hall.
const HEARD: i64 = 4096;
/// The most moments that it may wait for, some bytes each: two of each record, and two more whenever one is said again.
const MOMENTS: i64 = 1 << 16;
/// How long it is not told again that too much is said.
const SILENCE: Duration = Duration::from_secs(3600);
/// When an announcement that has not gone out is worth a line in the log.
const LATE: Duration = Duration::from_secs(30);
/// How long the responder may take to say goodbye.
const ANSWER: Duration = Duration::from_millis(500);

/// What the service needs.
pub struct Parts {
    /// The host name, without `.local`.
    pub name: String,
    /// Which camera it is.
    pub id: Mac,
    /// What it is called.
    pub alias: Watched<Text<20>>,
    /// Where it listens.
    pub listening: watch::Receiver<Listening>,
    /// Whether the camera ends; dropped when all has been taken back.
    pub ends: watch::Receiver<bool>,
}

/// The end of the announcement.
pub struct Announced(watch::Sender<bool>);

impl Announced {
    /// Makes one that goes on.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Gives it to the service.
    pub fn follow(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    /// Has the announcement taken back, before the camera ends.
    pub async fn close(&self) {
        self.0.send_replace(true);
        self.0.closed().await;
    }
}

/// Why an announcement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The camera ends.
    Over,
    /// Something else is to be said.
    Changed,
    /// Another machine has the host name.
    Taken,
    /// The responder has gathered too much, or is gone.
    Worn,
}

/// Announces the camera until it ends.
pub async fn run(mut parts: Parts) {
    let (mut name, mut told) = (host(&parts.name, parts.id), None::<Instant>);
    loop {
        let (http, https) = {
            let listening = parts.listening.borrow_and_update();
            (listening.http.clone(), listening.https.clone())
        };
        let offered = services(&http, &https);
        let end = if offered.is_empty() {
            changed(&mut parts).await
        } else {
            let called = instance(parts.alias.get().as_str(), parts.id);
            match Announcement::begin(&name, &called, parts.id, &offered) {
                Ok(announcement) => announcement.watch(&mut parts).await,
                Err(error) => {
                    tracing::warn!("the camera cannot be announced in the network: {error}");
                    changed(&mut parts).await
                }
            }
        };
        match end {
            End::Over => return,
            End::Taken if name != spare_host(parts.id) => {
                let other = spare_host(parts.id);
                tracing::warn!("another machine is called {name}.local; this camera is {other}.local");
                name = other;
            }
            End::Worn if told.is_none_or(|told| told.elapsed() > SILENCE) => {
                told = Some(Instant::now());
                tracing::warn!("too much is said in the network by multicast DNS; the announcement begins anew");
            }
            End::Changed | End::Taken | End::Worn => {}
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = over(&mut parts.ends) => return,
        }
    }
}

/// Waits until something else is to be said.
async fn changed(parts: &mut Parts) -> End {
    tokio::select! {
        () = over(&mut parts.ends) => End::Over,
        _ = parts.alias.changed() => End::Changed,
        // Whoever tells it is there as long as the camera.
        _ = parts.listening.changed() => End::Changed,
    }
}

async fn over(ends: &mut watch::Receiver<bool>) {
    // Whoever tells it is gone with the camera.
    let _ = ends.wait_for(|ends| *ends).await;
}

/// A responder that says one thing, and its thread.
struct Announcement {
    responder: ServiceDaemon,
    events: Receiver<DaemonEvent>,
    name: String,
}

impl Announcement {
    fn begin(name: &str, called: &str, id: Mac, offered: &[Service]) -> mdns_sd::Result<Self> {
        let responder = ServiceDaemon::new()?;
        let begun = Self { events: responder.monitor()?, responder, name: name.to_owned() };
        begun.responder.disable_interface(IfKind::All)?;
        begun.responder.enable_interface(through(offered))?;
        for service in offered {
            let (host, said) = (format!("{name}.local."), text(id));
            let info = ServiceInfo::new(service.kind, called, &host, (), service.port, &said[..]);
            let mut info = info?.enable_addr_auto();
            info.set_interfaces(vec![through(std::slice::from_ref(service))]);
            begun.responder.register(info)?;
        }
        Ok(begun)
    }

    /// Waits until it ends, and takes back what was said.
    async fn watch(self, parts: &mut Parts) -> End {
        let (mut look, begun, mut told, mut late) = (interval(LOOK), Instant::now(), false, false);
        // What it keeps, asked at one look and read at the next: whoever waited for the answer would be woken once more.
        let mut kept = None::<Receiver<Metrics>>;
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                end = changed(parts) => break end,
                event = self.events.recv_async() => match event {
                    Ok(DaemonEvent::NameChange(change)) if change.original.trim_end_matches('.') == format!("{}.local", self.name) => {
                        break End::Taken;
                    }
                    Ok(DaemonEvent::Announce(what, _)) => {
                        if !told {
                            tracing::info!("announced in the network as {}.local ({what})", self.name);
                        }
                        told = true;
                    }
                    Ok(event) => tracing::debug!("mDNS: {event:?}"),
                    Err(_) => break End::Worn,
                },
                _ = look.tick() => {
                    if kept.is_some_and(|kept| kept.try_recv().map_or(true, |metrics| too_much(&metrics))) {
                        break End::Worn;
                    }
                    let Ok(asked) = self.responder.get_metrics() else { break End::Worn };
                    kept = Some(asked);
                    if !told && !late && begun.elapsed() > LATE {
                        late = true;
                        tracing::info!("the camera is not announced: no network with multicast, or port 5353 is held alone");
                    }
                }
            }
        };
        self.end(&mut parts.ends).await;
        end
    }

    /// Ends the responder, however long that takes while the camera runs: where it reads and reads, another would as well.
    async fn end(self, ends: &mut watch::Receiver<bool>) {
        let Ok(done) = self.responder.shutdown() else { return };
        if timeout(ANSWER, done.recv_async()).await.is_err() {
            tracing::debug!("the responder of multicast DNS does not end");
            tokio::select! {
                _ = done.recv_async() => {}
                () = over(ends) => {}
            }
        }
    }
}

/// Says whether a responder keeps too much of what others said.
fn too_much(metrics: &Metrics) -> bool {
    let records: i64 = metrics.iter().filter(|(name, _)| name.starts_with("cached-")).map(|(_, count)| count).sum();
    records > HEARD || metrics.get("timer").is_some_and(|moments| *moments > MOMENTS)
}

/// Chooses the interfaces through which one of the services can be had.
fn through(offered: &[Service]) -> IfKind {
    let offered = offered.to_vec();
    let reached = move |own: IpAddr| offered.iter().any(|service| service.reached(own));
    IfKind::Predicate(IfPredicate::new(move |interface| reached(interface.ip())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_records_and_one_that_is_said_again_and_again_are_too_much() {
        let kept = |records: [i64; 2], moments| {
            let names = ["cached-addr", "cached-txt"].into_iter().zip(records);
            let all = names.chain([("timer", moments), ("respond", i64::MAX)]);
            too_much(&all.map(|(name, count)| (name.to_owned(), count)).collect())
        };
        assert!(!kept([HEARD / 2, HEARD / 2], MOMENTS));
        assert!(kept([HEARD / 2, HEARD / 2 + 1], 0));
        assert!(kept([1, 0], MOMENTS + 1));
    }
}
