//! The wiring of the announcement.

use crate::{app::App, service::mdns};

/// Starts it, if the operator wants it.
pub fn start(app: &App) {
    if !app.config.mdns.announce {
        return;
    }
    tokio::spawn(mdns::run(mdns::Parts {
        name: app.mdns_name.clone(),
        id: app.id,
        alias: app.store.watch(|settings| settings.alias.clone()),
        listening: app.listening.subscribe(),
        ends: app.announced.follow(),
    }));
}
