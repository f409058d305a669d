//! Tells an MQTT broker of alarms and of how the camera stands, and lets it arm and close the gate (Q63, ADR 0026).
//!
//! ```text
//!           answered, logged in                 lost, refused, silent
//!   calling ───────────────────▶ session ──────────────────────────────▶ pause, up to a minute ──▶ calling
//! ```
//! A message that is too large ends a connection, as the library has no other answer. One that the broker kept would end
//! every connection, so those of the hour after it ask for no commands and tell what there is to tell.
//!
//! Bargains: whatever happens at the broker, nobody waits for it. Of what is to be told, the newest of each topic waits
//! and nothing else; a picture waits only as long as the privacy gate stays open. A session begins with the whole
//! state, so that nothing of the one before is kept. Names are looked up with those of all servers (RULES F17).

mod broker;
mod session;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use lookout_core::{
    backoff::Backoff,
    journal::{Event, Peer},
    mqtt::{Orders, Switch, Topics},
    profile::wire::Mac,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

pub use self::broker::{Account, Broker};
use crate::{
    alarm::{Alarms, Errand, Link},
    hub::Hub,
    metrics::{AlarmCounters, MqttCounters},
    pauses::chance,
    privacy::Privacy,
    store::Store,
};

/// How long the broker is left alone at first, and at most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// A session that lasted so long was good.
const GOOD: Duration = Duration::from_secs(30);
/// For how long no commands are asked for after a message that was too large.
const DEAF: Duration = Duration::from_secs(3600);

/// What the service needs.
pub struct Parts {
    /// The broker.
    pub account: Account,
    /// What everything is called there.
    pub topics: Topics,
    /// The camera's id.
    pub id: Mac,
    /// Its version.
    pub version: &'static str,
    /// Whether the broker may switch.
    pub switches: bool,
    /// The settings.
    pub store: Arc<Store>,
    /// What is known of alarms.
    pub alarms: Arc<Alarms>,
    /// The pictures.
    pub hub: Arc<Hub>,
    /// The gate before them.
    pub gate: Arc<Privacy>,
    /// Drills to tell of.
    pub drills: mpsc::Receiver<Errand>,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<MqttCounters>,
    /// Counters of all links.
    pub links: Arc<AlarmCounters>,
}

/// Why a session ended.
#[derive(Debug)]
struct Ended {
    /// For the journal.
    words: &'static str,
    /// For the log.
    cause: String,
    /// For how long it was up.
    up: Option<Duration>,
    /// Whether a message came that was too large, on a topic that was asked for.
    choked: bool,
}

/// Serves the broker for ever.
pub async fn run(mut parts: Parts) {
    let (mut orders, mut backoff, mut told) = (Orders::default(), Backoff::new(FIRST, LONGEST), None);
    // Until when no commands are asked for.
    let mut deaf = None;
    loop {
        // What was wanted long ago is not made now.
        orders.forget();
        let ended = session::run(&mut parts, &mut orders, deaf).await;
        let host = parts.account.broker().to_string();
        if ended.choked {
            deaf = Some(Instant::now() + DEAF);
            tracing::warn!("{}", choked(&parts));
        }
        if ended.up.is_some() || told != Some(ended.words) {
            tracing::warn!("{host}: {}: {}", ended.words, ended.cause);
            (parts.note)(&Event::Failed(Peer::Mqtt, ended.words));
            told = Some(ended.words);
        } else {
            tracing::debug!("{host}: {}: {}", ended.words, ended.cause);
        }
        // A broker that lets the camera in and throws it out at once is no better than one that does not.
        if ended.up.is_some_and(|up| up >= GOOD) {
            backoff.went_well();
        }
        rest(&mut parts, &ended, Instant::now() + backoff.failed(chance())).await;
    }
}

/// Says what is to be done about a message that was too large; the library does not say on which topic it came.
fn choked(Parts { account, topics, .. }: &Parts) -> String {
    let topics = Switch::ALL.map(|switch| topics.command(switch)).join(", ");
    format!(
        "{} sent a message of more than {} bytes, so that nothing can be switched over MQTT for an hour or until the \
         camera starts anew: if it is retained, clean the topics {topics}",
        account.broker(),
        broker::LARGEST_IN
    )
}

/// Waits, and tells whoever drills meanwhile that the broker is not there.
async fn rest(parts: &mut Parts, ended: &Ended, until: Instant) {
    loop {
        tokio::select! {
            () = sleep_until(until) => return,
            drill = parts.drills.recv() => match drill {
                Some(drill) => {
                    let why = format!("{}: {}", parts.account.broker().host(), ended.words);
                    finish(&parts.links, &drill, Err(why));
                }
                // Nobody is left who drills.
                None => return sleep_until(until).await,
            },
        }
    }
}

/// Tells and counts what came of a drill.
fn finish(links: &AlarmCounters, drill: &Errand, outcome: Result<String, String>) {
    links.done(Link::Mqtt.word(), outcome.is_ok());
    drill.tell(Link::Mqtt, outcome);
}
