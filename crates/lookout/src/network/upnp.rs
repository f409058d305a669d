//! The wiring of the port mapping.

use lookout_core::{
    journal::Event,
    upnp::{mapping, search},
};

use crate::{app::App, service::upnp};

/// Starts mapping a port on the Internet gateway.
pub fn start(app: &App) {
    let journal = app.journal.clone();
    let (standing, ends) = app.upnp.ways();
    let parts = upnp::Parts {
        on: app.store.watch(|settings| settings.upnp),
        listening: app.listening.subscribe(),
        expose_plain: app.config.upnp.expose_plain,
        network: app.network.follow(),
        name: mapping::name(app.id),
        standing,
        ends,
        outside: app.gateway.clone(),
        note: Box::new(move |event: &Event| journal.note(event)),
        counters: app.metrics.upnp.clone(),
    };
    tokio::spawn(upnp::run(parts, upnp::Lan { group: search::GROUP }));
}
