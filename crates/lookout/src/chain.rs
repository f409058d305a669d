//! The wiring of the alarm chain: who triggers, the alarm service, who acts.

use std::{path::Path, sync::Arc};

use lookout_core::journal::Event;
use tokio::task::JoinSet;

use crate::{StartError, app::App, service::alarm};

/// Starts the services of the chain; what holds devices is put into `holding`.
pub fn start(app: &Arc<App>, _state: &Path, _holding: &mut JoinSet<()>) -> Result<(), StartError> {
    let parts = alarm::Parts {
        settings: app.store.follow(),
        alarms: app.alarms.clone(),
        links: alarm::Links::default(),
        note: note(app),
        counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(alarm::run(parts));
    Ok(())
}

/// Gives the way into the journal.
fn note(app: &App) -> Box<dyn Fn(&Event) + Send + Sync> {
    let journal = app.journal.clone();
    Box::new(move |event| journal.note(event))
}
