//! What a session tells the broker, and what it takes from it.

use tokio::time::timeout;

use super::*;

impl Session<'_> {
    /// Gives the library the next message, if none is on its way.
    pub(super) fn send(&mut self) {
        if !self.ready || self.sending.is_some() {
            return;
        }
        if let Some((topic, Message { payload, retain, drill })) = self.outbox.take() {
            self.publish(topic, payload, retain, drill, None);
        } else if let Some(Picture { jpeg, pass }) = self.picture.take() {
            if pass.holds() {
                self.publish(self.parts.topics.snapshot(), jpeg, false, None, Some(pass));
            } else {
                self.parts.links.dropped(Link::Mqtt.word());
            }
        }
    }

    fn publish(&mut self, topic: String, payload: Bytes, retain: bool, drill: Option<Errand>, pass: Option<Pass>) {
        let options = PublishOptions::at_least_once().retain(retain);
        match self.client.try_publish_tracked(topic, payload, options) {
            Ok(notice) => {
                let arrived = Box::pin(async move { notice.wait_async().await.is_ok() });
                self.sending = Some(Sending { arrived, until: Instant::now() + PATIENCE, drill, pass });
            }
            // One at a time fits into any channel: the library is at its end, which its loop tells.
            Err(error) => {
                self.parts.links.dropped(Link::Mqtt.word());
                if let Some(drill) = drill {
                    finish(&self.parts.links, &drill, Err(error.to_string()));
                }
            }
        }
    }

    /// Notes that what was on its way has arrived.
    pub(super) fn arrived(&mut self) {
        let Some(Sending { drill, pass, .. }) = self.sending.take() else { return };
        if pass.is_some() {
            self.parts.links.done(Link::Mqtt.word(), true);
        }
        if let Some(drill) = drill {
            let told = format!("told to {}", self.parts.account.broker().host());
            finish(&self.parts.links, &drill, Ok(told));
        }
    }

    /// Takes what the broker says.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => self.welcome(),
            Event::Incoming(Packet::Publish(publish)) => self.command(publish),
            // Acknowledgements are waited for where something was sent.
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
    }

    /// Asks for commands, before anything is told: the library would send what is told first, and who answers to it
    /// would not be heard.
    fn welcome(&mut self) {
        tracing::info!("connected to {}", self.parts.account.broker());
        self.up = Some((Instant::now(), self.parts.counters.session()));
        if !self.parts.switches {
            self.deaf = None;
        } else if self.deaf.is_none_or(|until| until <= Instant::now()) {
            return self.ask();
        }
        self.begin();
    }

    /// Asks for commands.
    pub(super) fn ask(&mut self) {
        self.deaf = None;
        let topics =
            Switch::ALL.map(|switch| SubscribeFilter::new(self.parts.topics.command(switch), QoS::AtLeastOnce));
        self.subscribing = match self.client.try_subscribe_many_tracked(topics) {
            Ok(notice) => Some(Box::pin(async move {
                let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
                let answer = timeout(PATIENCE, notice.wait_async()).await;
                answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.return_codes.iter().all(granted)))
            })),
            Err(_) => Some(Box::pin(std::future::ready(false))),
        };
    }

    /// Tells everything, and that the camera is there at last.
    pub(super) fn begin(&mut self) {
        self.ready = true;
        self.tell_settings();
        for sensor in Sensor::ALL {
            self.put(self.parts.topics.sensor(sensor), state(false));
        }
        self.tell_alarm();
        self.put(self.parts.topics.status(), "online");
    }

    fn put(&mut self, topic: String, payload: impl Into<Bytes>) {
        // A state that nobody has heard of is no loss when there is a newer one.
        self.outbox.put(topic, Message { payload: payload.into(), retain: true, drill: None });
    }

    /// Tells what of the settings is not told yet.
    pub(super) fn tell_settings(&mut self) {
        let settings = self.settings.borrow_and_update().clone();
        let now = (Switch::ALL.map(|switch| switch.get(&settings)), settings.alias.as_str().to_owned());
        let said = self.said.take();
        if said.as_ref().is_none_or(|said| said.1 != now.1) {
            let Parts { topics, id, version, switches, .. } = &*self.parts;
            if let Some(topic) = topics.discovery().map(str::to_owned) {
                let document = document(topics, *id, &settings, version, *switches);
                self.put(topic, document);
            }
        }
        for (at, switch) in Switch::ALL.into_iter().enumerate() {
            if said.as_ref().is_none_or(|said| said.0[at] != now.0[at]) {
                self.put(self.parts.topics.switch(switch), state(now.0[at]));
            }
        }
        self.said = Some(now);
    }

    /// Tells whether there is an alarm, and has a picture of it taken.
    pub(super) fn tell_alarm(&mut self) {
        let alarm = self.alarm.borrow_and_update().clone();
        for (at, sensor) in Sensor::ALL.into_iter().enumerate() {
            let on = alarm.as_ref().is_some_and(|alarm| of(alarm.cause) == sensor);
            if self.on[at] != on {
                self.on[at] = on;
                self.put(self.parts.topics.sensor(sensor), state(on));
            }
        }
        if let Some(alarm) = alarm {
            let shot = shoot(self.parts.hub.clone(), self.parts.gate.clone(), alarm.at.into());
            self.shooting = Some(Box::pin(shot));
        }
    }

    /// Tells of a drill, on a topic of its own.
    pub(super) fn drill(&mut self, drill: Errand) {
        if !self.ready {
            let host = self.parts.account.broker().host();
            return finish(&self.parts.links, &drill, Err(format!("{host} has not let the camera in yet")));
        }
        let text = serde_json::json!({ "drill": true, "cause": drill.occasion.cause.to_string() }).to_string();
        let message = Message { payload: text.into(), retain: false, drill: Some(drill) };
        let older = self.outbox.put(self.parts.topics.drill(), message);
        if let Some(older) = older.and_then(|message| message.drill) {
            finish(&self.parts.links, &older, Err("another drill came".to_owned()));
        }
    }

    /// Takes a command. A retained one is nobody's wish of now: it would come again with every connection.
    fn command(&mut self, publish: &Publish) {
        let topic = std::str::from_utf8(&publish.topic).ok().filter(|_| !publish.retain);
        let switch = topic.and_then(|topic| self.parts.topics.commanded(topic));
        let command = switch.zip(order(&publish.payload));
        self.parts.counters.command(command.is_some());
        if let Some((switch, on)) = command {
            self.orders.want(switch, on);
        }
    }

    /// Begins to make what is wanted, as one change.
    pub(super) fn make(&mut self) {
        let changes = self.orders.take(&self.parts.store.get(), Instant::now().into_std());
        if changes.is_empty() {
            return;
        }
        self.making.clone_from(&changes);
        let store = self.parts.store.clone();
        self.saving = Some(Box::pin(async move {
            let draft = move |old: &Settings, _: &_| {
                let mut new = old.clone();
                changes.iter().for_each(|(switch, on)| switch.set(&mut new, *on));
                Ok(new)
            };
            store.change(By::Camera, draft).await
        }));
    }

    /// Notes what came of a change.
    pub(super) fn made(&mut self, saved: Result<(), Failure>) {
        let made = std::mem::take(&mut self.making);
        match saved {
            Ok(()) => {
                let of = |privacy: bool| made.iter().any(|(switch, _)| (*switch == Switch::Privacy) == privacy);
                for (is, cgi) in [(of(false), "alarm"), (of(true), "privacy")] {
                    if is {
                        (self.parts.note)(&Note::SetByBroker(cgi));
                    }
                }
            }
            // The store has said why; the broker still has the old state.
            Err(_) => tracing::warn!("what {} wanted was not saved", self.parts.account.broker()),
        }
    }

    /// Says whether an error of the library is a message that is too large, on a topic that was asked for.
    pub(super) fn choked(&self, error: &ConnectionError) -> bool {
        use rumqttc::{Error::PayloadSizeLimitExceeded, StateError::Deserialization};
        let large = matches!(error, ConnectionError::MqttState(Deserialization(PayloadSizeLimitExceeded(_))));
        large && self.up.is_some() && self.parts.switches && self.deaf.is_none()
    }

    /// Says in a few words what an error of the library means.
    pub(super) fn words(&self, error: &ConnectionError) -> &'static str {
        use ConnectReturnCode::{BadUserNamePassword, NotAuthorized};
        if let ConnectionError::ConnectionRefused(code) = error {
            if matches!(code, BadUserNamePassword | NotAuthorized) { "login refused" } else { "refused" }
        } else if self.choked(error) {
            "message too large"
        } else if self.up.is_some() {
            "connection lost"
        } else if matches!(error, ConnectionError::Tls(_)) {
            "TLS failed"
        } else {
            "cannot connect"
        }
    }

    /// Ends the session: whoever waits for something is told.
    pub(super) fn end(mut self, words: &'static str, cause: String) -> Ended {
        let links = self.parts.links.clone();
        let why = format!("{}: {words}", self.parts.account.broker().host());
        let sending = self.sending.take();
        if self.picture.is_some() || sending.as_ref().is_some_and(|sending| sending.pass.is_some()) {
            links.dropped(Link::Mqtt.word());
        }
        let waiting = std::iter::from_fn(|| self.outbox.take()).map(|(_, message)| message.drill);
        for drill in sending.into_iter().map(|sending| sending.drill).chain(waiting).flatten() {
            finish(&links, &drill, Err(why.clone()));
        }
        Ended { words, cause, up: self.up.as_ref().map(|(since, _)| since.elapsed()), choked: false }
    }
}

fn of(cause: Cause) -> Sensor {
    match cause {
        Cause::Motion => Sensor::Motion,
        Cause::Input => Sensor::Input,
        Cause::Sound => Sensor::Sound,
    }
}

/// Takes a picture of an alarm, from its beginning on; a smaller one where the full size is too large to be sent. None in
/// forbidden hours.
async fn shoot(hub: Arc<Hub>, gate: Arc<Privacy>, from: Instant) -> Option<Picture> {
    // Of the opening that is now, as the viewer's: good only if it still is when there is a picture.
    let pass = gate.pass().ok()?;
    for size in [Resolution::Vga, Resolution::Qvga] {
        let shown = hub.view(size).ok()?.after(from.into_std(), PICTURE).await?;
        if shown.jpeg.len() <= LARGEST_PICTURE {
            return pass.holds().then(|| Picture { jpeg: shown.jpeg.clone(), pass });
        }
    }
    None
}
