//! The wiring of the alarm chain: who triggers, the alarm service, who acts; and of the lamp beside them.

mod pins;

use std::{path::Path, sync::Arc, time::SystemTime};

use lookout_core::{alarm::Cause, journal::Event, mqtt::Topics};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    StartError,
    alarm::{Errand, Link, WAITING},
    album::Album,
    app::App,
    duty::Duty,
    queue::Queue,
    service::{address, alarm, caller, loudness, mailer, motion, mqtt, uploader},
};

/// Starts the services of the chain, of which `preset` moves the head; what holds devices is put into `holding`.
pub fn start(
    app: &Arc<App>,
    state: &Path,
    preset: Option<mpsc::Sender<(u8, Errand)>>,
    holding: &mut JoinSet<()>,
) -> Result<(), StartError> {
    let links = alarm::Links {
        mail: Some(mail(app, state)),
        ftp: Some(uploads(app, state)),
        output: pins::output(app, holding),
        mqtt: mqtt(app)?,
        http: Some(calls(app)),
        preset,
    };
    let parts = alarm::Parts {
        settings: app.store.follow(),
        alarms: app.alarms.clone(),
        links,
        note: note(app),
        counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(alarm::run(parts));
    pins::input(app);
    pins::led(app, holding);
    watchers(app);
    Ok(())
}

/// Starts uploading; gives the way of its errands.
fn uploads(app: &Arc<App>, state: &Path) -> mpsc::Sender<Errand> {
    let (errands, taken) = mpsc::channel(WAITING);
    let parts = uploader::Parts {
        settings: app.store.follow(),
        id: app.id,
        hub: app.hub.clone(),
        gate: app.privacy.clone(),
        queue: Queue::open(state, Link::Ftp, uploader::LIMITS, app.metrics.alarms.clone()),
        pictures: app.pictures.clone(),
        note: note(app),
        counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(uploader::run(parts, taken));
    errands
}

/// Starts those who look for motion and listen.
fn watchers(app: &App) {
    let duty = |cause| {
        let clock = Box::new(SystemTime::now);
        Duty::new(cause, app.store.follow(), app.privacy.clone(), clock, app.alarms.clone())
    };
    let (hub, alarms, counters) = (app.hub.clone(), app.alarms.clone(), app.metrics.alarms.clone());
    // A turn of the head moves all that is seen.
    let watch = duty(Cause::Motion).while_rests(app.head.follow());
    tokio::spawn(motion::run(motion::Parts { duty: watch, hub, alarms, counters, open: motion::open }));
    let (hub, alarms, counters) = (app.hub.clone(), app.alarms.clone(), app.metrics.alarms.clone());
    tokio::spawn(loudness::run(loudness::Parts { duty: duty(Cause::Sound), hub, alarms, counters }));
}

/// Starts whoever mails, and whoever has new addresses mailed; gives the way to the former.
fn mail(app: &Arc<App>, state: &Path) -> mpsc::Sender<Errand> {
    let (errand, errands) = mpsc::channel(WAITING);
    let (moved, moves) = mpsc::channel(1);
    let album = Arc::new(Album::default());
    tokio::spawn(album.clone().keep(app.store.follow(), app.hub.clone()));
    let parts = mailer::Parts {
        settings: app.store.follow(),
        id: app.id,
        alarms: app.alarms.clone(),
        hub: app.hub.clone(),
        sequence: app.pictures.clone(),
        album,
        gate: app.privacy.clone(),
        queue: Queue::open(state, Link::Mail, mailer::LIMITS, app.metrics.alarms.clone()),
        note: note(app),
        counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(mailer::run(parts, mailer::Smtp, errands, moves));
    let parts = address::Parts {
        settings: app.store.follow(),
        seen: app.public.subscribe(),
        mail: moved,
        state: state.to_owned(),
    };
    tokio::spawn(address::run(parts));
    errand
}

/// Starts telling the MQTT broker, if the machine's operator has named one.
fn mqtt(app: &Arc<App>) -> Result<Option<mpsc::Sender<Errand>>, StartError> {
    let config = &app.config.mqtt;
    let Some(broker) = &config.server else { return Ok(None) };
    let (drill, drills) = mpsc::channel(WAITING);
    let parts = mqtt::Parts {
        account: mqtt::Account::new(broker, config).map_err(StartError::Config)?,
        topics: Topics::new(&config.topic, &config.discovery, app.id),
        id: app.id,
        version: env!("CARGO_PKG_VERSION"),
        switches: config.switches,
        store: app.store.clone(),
        alarms: app.alarms.clone(),
        hub: app.hub.clone(),
        gate: app.privacy.clone(),
        drills,
        note: note(app),
        counters: app.metrics.mqtt.clone(),
        links: app.metrics.alarms.clone(),
    };
    tokio::spawn(mqtt::run(parts));
    Ok(Some(drill))
}

/// Starts making HTTP calls; gives the way of their errands.
fn calls(app: &App) -> mpsc::Sender<Errand> {
    let (errands, taken) = mpsc::channel(WAITING);
    let parts = caller::Parts {
        settings: app.store.follow(),
        errands: taken,
        agent: app.config.alarm.call_agent.clone(),
        reach: app.config.alarm.call_targets.reach(),
        note: note(app),
        counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(caller::run(parts));
    errands
}

/// Gives the way into the journal.
fn note(app: &App) -> Box<dyn Fn(&Event) + Send + Sync> {
    let journal = app.journal.clone();
    Box::new(move |event| journal.note(event))
}
