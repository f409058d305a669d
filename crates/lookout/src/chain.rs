//! The wiring of the alarm chain: who triggers, the alarm service, who acts.

use std::{path::Path, sync::Arc};

use lookout_core::journal::Event;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    StartError,
    alarm::{Errand, Link, WAITING},
    app::App,
    queue::Queue,
    service::{alarm, uploader},
};

/// Starts the services of the chain; what holds devices is put into `holding`.
pub fn start(app: &Arc<App>, state: &Path, _holding: &mut JoinSet<()>) -> Result<(), StartError> {
    let parts = alarm::Parts {
        settings: app.store.follow(),
        alarms: app.alarms.clone(),
        links: alarm::Links { ftp: Some(uploads(app, state)), ..alarm::Links::default() },
        note: note(app),
        counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(alarm::run(parts));
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

/// Gives the way into the journal.
fn note(app: &App) -> Box<dyn Fn(&Event) + Send + Sync> {
    let journal = app.journal.clone();
    Box::new(move |event| journal.note(event))
}
