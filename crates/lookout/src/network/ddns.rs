//! The wiring of who finds the public address, and of dynamic DNS, which follows it.

use std::path::Path;

use lookout_core::journal::Event;

use crate::{
    app::App,
    service::{address, ddns},
};

/// Starts both.
pub fn start(app: &App, state: &Path) {
    public_address(app);
    dynamic_dns(app, state);
}

/// Starts finding the public address.
fn public_address(app: &App) {
    let parts = address::Finding {
        settings: app.store.follow(),
        gateway: app.gateway.subscribe(),
        standing: app.network.follow(),
        urls: app.config.ddns.check_urls.clone(),
        seen: app.public.clone(),
        counters: app.metrics.ddns.clone(),
    };
    tokio::spawn(address::find(parts, address::Wide));
}

/// Starts keeping the camera's name at its public address.
fn dynamic_dns(app: &App, state: &Path) {
    let (status, again) = app.ddns.ends();
    let parts = ddns::Parts {
        account: app.store.watch(ddns::account),
        bases: app.config.ddns.clone(),
        seen: app.public.subscribe(),
        status,
        again,
        state: state.to_owned(),
        note: note(app),
        counters: app.metrics.ddns.clone(),
    };
    tokio::spawn(ddns::run(parts, ddns::Http));
}

/// Gives the way into the journal.
fn note(app: &App) -> Box<dyn Fn(&Event) + Send + Sync> {
    let journal = app.journal.clone();
    Box::new(move |event| journal.note(event))
}
