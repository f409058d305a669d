//! One connection to the broker, from its beginning to its end.
//!
//! One message at a time is on its way, until the broker has acknowledged it; all others wait in the outbox, where a
//! newer one of the same topic takes their place. The client library's own loop is never dropped in the midst: its
//! future is handed on until it fails.

mod say;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use lookout_core::{
    alarm::Cause,
    journal::Event as Note,
    mqtt::{Orders, Outbox, Sensor, Switch, document, order, state},
    profile::{
        reply::Failure,
        settings::{Resolution, Settings},
    },
};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, NetworkOptions, Packet, Publish, PublishOptions,
    QoS, SubscribeFilter, SubscribeReasonCode,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{Ended, Parts, broker::LARGEST_PICTURE, finish};
use crate::{
    alarm::{Errand, Link, Occasion},
    hub::Hub,
    metrics::Held,
    privacy::{Pass, Privacy},
    store::By,
};

/// How long looking up, connecting and logging in may take in all, in seconds.
const CONNECT_S: u64 = 15;
/// How long the broker may take to acknowledge a message.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a picture of an alarm may take to come.
const PICTURE: Duration = Duration::from_secs(5);

type Later<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// What is to be published.
struct Message {
    payload: Bytes,
    retain: bool,
    /// A drill, told when it has arrived.
    drill: Option<Errand>,
}

/// A picture of an alarm, while it may be shown.
struct Picture {
    jpeg: Bytes,
    pass: Pass,
}

/// What is on its way to the broker.
struct Sending {
    arrived: Pin<Box<dyn Future<Output = bool> + Send>>,
    until: Instant,
    drill: Option<Errand>,
    /// Of a picture, what lets it out.
    pass: Option<Pass>,
}

/// What happens next.
enum Next {
    Heard(Result<Event, ConnectionError>, Box<EventLoop>),
    Subscribed(bool),
    Arrived(bool),
    Silent,
    Closed,
    Hearing,
    Settings,
    Alarm,
    Drill(Errand),
    Shot(Option<Picture>),
    Order,
    Saved(Result<(), Failure>),
}

struct Session<'a> {
    parts: &'a mut Parts,
    orders: &'a mut Orders,
    client: AsyncClient,
    settings: watch::Receiver<Arc<Settings>>,
    alarm: watch::Receiver<Option<Arc<Occasion>>>,
    /// Since when the broker has let us in.
    up: Option<(Instant, Held)>,
    /// Until when no commands are asked for.
    deaf: Option<Instant>,
    ready: bool,
    /// What was last said of the switches and of the name.
    said: Option<([bool; Switch::ALL.len()], String)>,
    on: [bool; Sensor::ALL.len()],
    outbox: Outbox<Message>,
    picture: Option<Picture>,
    sending: Option<Sending>,
    subscribing: Later<bool>,
    shooting: Later<Option<Picture>>,
    saving: Later<Result<(), Failure>>,
    making: Vec<(Switch, bool)>,
}

/// Connects, and serves the connection until it ends; asks for no commands until `deaf` is over.
pub async fn run(parts: &mut Parts, orders: &mut Orders, deaf: Option<Instant>) -> Ended {
    let client = format!("lookout-{}", parts.id);
    let options = match parts.account.options(&client, parts.topics.status()).await {
        Ok(options) => options,
        Err(error) => return Ended { words: "TLS failed", cause: error.to_string(), up: None, choked: false },
    };
    let (client, mut events) = AsyncClient::builder(options).capacity(8).build();
    let mut network = NetworkOptions::new();
    network.set_connection_timeout(CONNECT_S);
    events.set_network_options(network);
    let (settings, alarm) = (parts.store.follow(), parts.alarms.follow());
    let session = Session {
        parts,
        orders,
        client,
        settings,
        alarm,
        up: None,
        deaf,
        ready: false,
        said: None,
        on: [false; Sensor::ALL.len()],
        outbox: Outbox::default(),
        picture: None,
        sending: None,
        subscribing: None,
        shooting: None,
        saving: None,
        making: Vec::new(),
    };
    session.serve(Box::new(events)).await
}

/// Lets the library work until something has happened.
async fn next(mut events: Box<EventLoop>) -> (Result<Event, ConnectionError>, Box<EventLoop>) {
    let event = events.poll().await;
    (event, events)
}

/// Waits for something that may not be going on.
async fn done<T>(later: &mut Later<T>) -> T {
    let Some(going) = later else { return std::future::pending().await };
    let value = going.await;
    *later = None;
    value
}

/// Waits until a picture must not be seen any more.
async fn ended(pass: Option<&Pass>) {
    match pass {
        Some(pass) => pass.ended().await,
        None => std::future::pending().await,
    }
}

impl Session<'_> {
    async fn serve(mut self, events: Box<EventLoop>) -> Ended {
        let mut polled = Box::pin(next(events));
        loop {
            self.send();
            let happened = self.happens(&mut polled).await;
            let over = match happened {
                Next::Heard(Ok(event), events) => {
                    polled.set(next(events));
                    self.hear(&event);
                    None
                }
                Next::Heard(Err(error), _) => {
                    let (words, choked) = (self.words(&error), self.choked(&error));
                    return Ended { choked, ..self.end(words, error.to_string()) };
                }
                Next::Subscribed(may) => {
                    if !may {
                        tracing::warn!("{} lets nobody switch the camera", self.parts.account.broker());
                    }
                    if !self.ready {
                        self.begin();
                    }
                    None
                }
                Next::Arrived(true) => {
                    self.arrived();
                    None
                }
                Next::Arrived(false) => Some(("connection lost", "a message was not delivered".to_owned())),
                Next::Silent => Some(("no answer", "a message was not acknowledged in time".to_owned())),
                Next::Closed if self.sending.as_ref().is_some_and(|sending| sending.pass.is_some()) => {
                    Some(("privacy", "the forbidden hours began while a picture was on its way".to_owned()))
                }
                other @ (Next::Closed
                | Next::Hearing
                | Next::Settings
                | Next::Alarm
                | Next::Drill(_)
                | Next::Shot(_)
                | Next::Order
                | Next::Saved(_)) => {
                    self.act(other);
                    None
                }
            };
            if let Some((words, cause)) = over {
                return self.end(words, cause);
            }
        }
    }

    async fn happens(
        &mut self,
        polled: &mut Pin<Box<impl Future<Output = (Result<Event, ConnectionError>, Box<EventLoop>)>>>,
    ) -> Next {
        let wait = self.orders.due(Instant::now().into_std()).filter(|_| self.saving.is_none());
        let deaf = self.deaf.filter(|_| self.ready);
        let sent = self.sending.as_mut();
        let (pass, until) = match &sent {
            Some(sending) => (sending.pass.clone(), Some(sending.until)),
            None => (self.picture.as_ref().map(|picture| picture.pass.clone()), None),
        };
        let arrived = async {
            match sent {
                Some(sending) => sending.arrived.as_mut().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            (event, events) = polled.as_mut() => Next::Heard(event, events),
            may = done(&mut self.subscribing) => Next::Subscribed(may),
            well = arrived => Next::Arrived(well),
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => Next::Silent,
            () = ended(pass.as_ref()) => Next::Closed,
            () = sleep_until(deaf.unwrap_or_else(Instant::now)), if deaf.is_some() => Next::Hearing,
            Ok(()) = self.settings.changed(), if self.ready => Next::Settings,
            Ok(()) = self.alarm.changed(), if self.ready => Next::Alarm,
            Some(drill) = self.parts.drills.recv() => Next::Drill(drill),
            picture = done(&mut self.shooting) => Next::Shot(picture),
            saved = done(&mut self.saving) => Next::Saved(saved),
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => Next::Order,
        }
    }

    fn act(&mut self, what: Next) {
        match what {
            Next::Settings => self.tell_settings(),
            Next::Alarm => self.tell_alarm(),
            Next::Drill(drill) => self.drill(drill),
            Next::Shot(Some(picture)) => {
                if self.picture.replace(picture).is_some() {
                    self.parts.links.dropped(Link::Mqtt.word());
                }
            }
            Next::Shot(None) => {}
            Next::Closed => {
                self.picture = None;
                self.parts.links.dropped(Link::Mqtt.word());
            }
            Next::Hearing => self.ask(),
            Next::Order => self.make(),
            Next::Saved(saved) => self.made(saved),
            Next::Heard(..) | Next::Subscribed(_) | Next::Arrived(_) | Next::Silent => {}
        }
    }
}
