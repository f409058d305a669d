//! The alarm service: carries the alarm machine's actions out, and never waits for a link (PROFILE 4.4).

use std::{sync::Arc, time::Instant};

use lookout_core::{
    alarm::{Action, Cause, Machine, Reason, armed},
    journal::Event,
    profile::settings::{LineLevel, Settings},
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};

use crate::{
    alarm::{Alarms, Errand, Link, Occasion, Report, Trigger},
    clock::unix,
    metrics::AlarmCounters,
};

/// What the service needs.
pub struct Parts {
    /// The settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// What is known of alarms.
    pub alarms: Arc<Alarms>,
    /// Who acts.
    pub links: Links,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<AlarmCounters>,
}

/// Who acts; a link that is not there is none of this machine.
#[derive(Default)]
pub struct Links {
    /// Sends the alarm's mail.
    pub mail: Option<mpsc::Sender<Errand>>,
    /// Uploads a picture.
    pub ftp: Option<mpsc::Sender<Errand>>,
    /// Makes the HTTP call.
    pub http: Option<mpsc::Sender<Errand>>,
    /// Drives the output.
    pub output: Option<mpsc::Sender<(LineLevel, Errand)>>,
    /// Moves the head to a preset.
    pub preset: Option<mpsc::Sender<(u8, Errand)>>,
    /// Tells MQTT of a drill; alarms it follows by itself.
    pub mqtt: Option<mpsc::Sender<Errand>>,
}

/// Serves alarms for ever.
pub async fn run(parts: Parts) {
    let Some(mut triggers) = parts.alarms.triggers() else { return };
    let mut service = Service { parts, machine: Machine::default(), occasion: None };
    loop {
        let due = service.machine.due();
        let tick = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            trigger = triggers.recv() => match trigger {
                Some(trigger) => service.trigger(&trigger),
                None => return,
            },
            () = tick => service.tick(),
        }
    }
}

struct Service {
    parts: Parts,
    machine: Machine,
    occasion: Option<Arc<Occasion>>,
}

impl Service {
    fn trigger(&mut self, trigger: &Trigger) {
        let settings = self.parts.settings.borrow().clone();
        let Trigger { cause, at, wall, strength, .. } = *trigger;
        let (reason, actions) = match armed(&settings, cause, unix(wall)) {
            Ok(()) => self.machine.trigger(cause, &settings.alarm, now()),
            Err(reason) => (reason, Vec::new()),
        };
        self.parts.alarms.note(cause, reason, strength, at);
        if reason == Reason::Alarm {
            let occasion = Occasion { number: self.parts.alarms.number(), cause, at, wall, drill: false };
            self.occasion = Some(Arc::new(occasion));
        }
        self.act(&actions, None);
    }

    fn tick(&mut self) {
        let settings = self.parts.settings.borrow().clone();
        let actions = self.machine.tick(&settings.alarm, now());
        self.act(&actions, None);
    }

    fn act(&mut self, actions: &[Action], report: Option<&mpsc::Sender<Report>>) {
        let Some(occasion) = self.occasion.clone() else { return };
        let errand = || Errand { occasion: occasion.clone(), report: report.cloned() };
        let links = &self.parts.links;
        for action in actions {
            match *action {
                Action::Begin(cause) => {
                    (self.parts.note)(&event(cause));
                    self.parts.alarms.stand(Some(occasion.clone()));
                }
                Action::Mail => self.send(Link::Mail, links.mail.as_ref(), errand()),
                Action::Call => self.send(Link::Http, links.http.as_ref(), errand()),
                Action::Upload => self.send(Link::Ftp, links.ftp.as_ref(), errand()),
                Action::Output(level) => self.send(Link::Output, links.output.as_ref(), (level, errand())),
                Action::Preset(preset) => self.send(Link::Preset, links.preset.as_ref(), (preset, errand())),
                Action::End => self.parts.alarms.stand(None),
            }
        }
    }

    fn send<T>(&self, link: Link, to: Option<&mpsc::Sender<T>>, what: T) {
        if to.is_some_and(|to| to.try_send(what).is_err()) {
            self.parts.counters.errands_lost.inc();
            tracing::warn!("too much waits for {}: an alarm is not told there", link.word());
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn event(cause: Cause) -> Event {
    match cause {
        Cause::Motion => Event::Motion,
        Cause::Input => Event::Input,
        Cause::Sound => Event::Sound,
    }
}
