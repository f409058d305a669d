//! The alarm service: carries the alarm machine's actions out, and never waits for a link (PROFILE 4.4, ADR 0024).

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use lookout_core::{
    alarm::{Action, Cause, Machine, Reason, armed},
    journal::Event,
    profile::settings::{LineLevel, Settings},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    alarm::{Alarms, Errand, Link, Occasion, Outcome, Report, Trigger},
    clock::unix,
    metrics::AlarmCounters,
};

/// How long the end waits for the output to be put back.
const PUT_BACK: Duration = Duration::from_millis(300);

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

/// Serves alarms until the camera ends.
pub async fn run(parts: Parts) {
    let Some(mut triggers) = parts.alarms.triggers() else { return };
    let (mut settings, alarms) = (parts.settings.clone(), parts.alarms.clone());
    let mut service = Service { parts, machine: Machine::default(), occasion: None, drill: None, behind: Vec::new() };
    loop {
        let due = service.due();
        let tick = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            trigger = triggers.recv() => match trigger {
                Some(trigger) => service.trigger(&trigger),
                None => break,
            },
            () = tick => service.tick(),
            changed = settings.changed() => match changed {
                Ok(()) => service.tick(),
                Err(_) => break,
            },
            () = alarms.ending() => break,
        }
    }
    service.end().await;
}

struct Service {
    parts: Parts,
    machine: Machine,
    /// The alarm.
    occasion: Option<Arc<Occasion>>,
    /// The last drill.
    drill: Option<Arc<Occasion>>,
    /// Links of which it was told in this alarm that too much waits for them.
    behind: Vec<Link>,
}

impl Service {
    fn due(&self) -> Option<Instant> {
        self.machine.due(&self.parts.settings.borrow().alarm).map(Instant::from_std)
    }

    fn trigger(&mut self, trigger: &Trigger) {
        let settings = self.parts.settings.borrow().clone();
        if let Some(report) = &trigger.drill {
            return self.drill(trigger, report, &settings);
        }
        let reason = match allowed(&settings, trigger) {
            Ok(()) => {
                let (reason, actions) = self.machine.trigger(trigger.cause, &settings.alarm, now());
                self.act(&actions, trigger);
                reason
            }
            Err(reason) => reason,
        };
        self.parts.alarms.note(trigger.cause, reason, trigger.strength, trigger.at);
    }

    fn tick(&mut self) {
        let settings = self.parts.settings.borrow().clone();
        let actions = self.machine.tick(&settings.alarm, now());
        self.go_on(&actions, None);
    }

    /// Does what a trigger brings about: what was due before it, and perhaps an alarm's beginning.
    fn act(&mut self, actions: &[Action], trigger: &Trigger) {
        let begins = actions.iter().position(|action| matches!(action, Action::Begin(_)));
        let (before, beginning) = actions.split_at(begins.unwrap_or(actions.len()));
        self.go_on(before, None);
        if begins.is_some() {
            let occasion = self.occasion(trigger);
            tracing::info!(cause = occasion.cause.word(), strength = trigger.strength, "an alarm begins");
            (self.parts.note)(&event(occasion.cause));
            self.parts.alarms.stand(Some(occasion.clone()));
            self.occasion = Some(occasion);
            self.behind.clear();
        }
        self.go_on(beginning, None);
    }

    fn occasion(&self, trigger: &Trigger) -> Arc<Occasion> {
        let Trigger { cause, at, wall, .. } = *trigger;
        Arc::new(Occasion { number: self.parts.alarms.number(), cause, at, wall, drill: trigger.drill.is_some() })
    }

    /// Tests the chain: gives every link that the settings want an errand, and says of the others why they have none.
    fn drill(&mut self, trigger: &Trigger, report: &mpsc::Sender<Report>, settings: &Settings) {
        // What is due is of no drill.
        self.tick();
        tracing::info!("a drill begins");
        self.parts.alarms.note(trigger.cause, Reason::Drill, trigger.strength, trigger.at);
        let actions = self.machine.drill(&settings.alarm, now());
        let occasion = self.occasion(trigger);
        self.drill = Some(occasion.clone());
        let forbidden = !settings.open_at(unix(trigger.wall));
        let off = Link::ALL.map(|link| (link, self.off(link, settings, forbidden)));
        for (link, why) in off.iter().filter_map(|(link, why)| Some((*link, (*why)?))) {
            // Whoever drilled may have left.
            let _ = report.try_send(Report { link, outcome: Outcome::Off(why) });
        }
        let errand = Errand { occasion, report: Some(report.clone()) };
        for action in actions.iter().filter(|action| !(forbidden && **action == Action::Upload)) {
            self.give(*action, errand.clone());
        }
        if self.parts.links.mqtt.is_some() {
            self.send(Link::Mqtt, |links| links.mqtt.as_ref(), errand.clone(), errand);
        }
    }

    /// Says why a link has nothing to do in an alarm, if it has not.
    fn off(&self, link: Link, settings: &Settings, forbidden: bool) -> Option<&'static str> {
        let alarm = &settings.alarm;
        match link {
            Link::Mail if !alarm.mail => Some("alarms are not mailed: alarm_mail is 0"),
            Link::Ftp if alarm.upload_interval_s.get() == 0 => {
                Some("alarms upload no pictures: alarm_upload_interval is 0")
            }
            Link::Ftp if forbidden => Some("no picture may leave in forbidden hours"),
            Link::Http if !alarm.http => Some("alarms call no address: alarm_http is 0"),
            Link::Http if alarm.http_url.as_str().is_empty() => Some("alarms call no address: alarm_http_url is empty"),
            Link::Output if !alarm.iolinkage => Some("alarms do not drive the output: alarm_iolinkage is 0"),
            Link::Preset if alarm.preset.get() == 0 => Some("alarms move to no preset: alarm_preset is 0"),
            Link::Mqtt if self.parts.links.mqtt.is_none() => Some("no MQTT broker is configured"),
            Link::Mail | Link::Ftp | Link::Http | Link::Output | Link::Preset | Link::Mqtt => None,
        }
    }

    /// Does what an alarm or the end of a drill brings about.
    fn go_on(&mut self, actions: &[Action], report: Option<&mpsc::Sender<Report>>) {
        let Some(occasion) = self.occasion.clone().or_else(|| self.drill.clone()) else { return };
        for action in actions {
            self.give(*action, Errand { occasion: occasion.clone(), report: report.cloned() });
        }
    }

    /// Gives an errand to its link.
    fn give(&mut self, action: Action, errand: Errand) {
        let told = errand.clone();
        match action {
            // Noted already: an occasion comes before its errands.
            Action::Begin(_) => {}
            Action::Mail => self.send(Link::Mail, |links| links.mail.as_ref(), errand, told),
            Action::Call => self.send(Link::Http, |links| links.http.as_ref(), errand, told),
            Action::Upload => self.send(Link::Ftp, |links| links.ftp.as_ref(), errand, told),
            Action::Output(level) => self.send(Link::Output, |links| links.output.as_ref(), (level, errand), told),
            Action::Preset(preset) => self.send(Link::Preset, |links| links.preset.as_ref(), (preset, errand), told),
            Action::End => {
                tracing::info!("the alarm is over");
                self.occasion = None;
                self.parts.alarms.stand(None);
            }
        }
    }

    /// Hands over, if the link has room for it.
    fn send<T>(&mut self, link: Link, to: impl Fn(&Links) -> Option<&mpsc::Sender<T>>, what: T, told: Errand) {
        let Some(to) = to(&self.parts.links) else {
            return told.tell(link, Err(missing(link).to_owned()));
        };
        if to.try_send(what).is_ok() {
            return;
        }
        self.parts.counters.errands_lost.inc();
        told.tell(link, Err("too much waits for it".to_owned()));
        // Once an alarm: in a storm the log stays short.
        if !self.behind.contains(&link) {
            self.behind.push(link);
            tracing::warn!("too much waits for {}: an alarm is not told there", link.word());
        }
    }

    /// Ends an alarm or a drill that goes on, and waits a moment until the output is put back.
    async fn end(mut self) {
        let (report, mut told) = mpsc::channel(Link::ALL.len());
        let actions = self.machine.end();
        self.go_on(&actions, Some(&report));
        drop(report);
        // Nobody has to tell where nothing was driven: the channel is closed then.
        let _ = timeout(PUT_BACK, told.recv()).await;
    }
}

/// Says whether a trigger counts.
fn allowed(settings: &Settings, trigger: &Trigger) -> Result<(), Reason> {
    armed(settings, trigger.cause, unix(trigger.wall))?;
    match trigger.cause {
        // What is seen or heard in forbidden hours does not leave, nor does it that there was something.
        Cause::Motion | Cause::Sound if !settings.open_at(unix(trigger.wall)) => Err(Reason::Forbidden),
        Cause::Motion | Cause::Input | Cause::Sound => Ok(()),
    }
}

/// Says what a link lacks that is wanted and none of this machine.
fn missing(link: Link) -> &'static str {
    match link {
        Link::Mail | Link::Ftp | Link::Http | Link::Mqtt => "this camera cannot do that",
        Link::Output => "no output is configured",
        Link::Preset => "there is no head to move",
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn event(cause: Cause) -> Event {
    match cause {
        Cause::Motion => Event::Motion,
        Cause::Input => Event::Input,
        Cause::Sound => Event::Sound,
    }
}
