//! The wiring of the network side: the host, dynamic DNS, the port mapping, the announcement.

mod ddns;
mod mdns;
mod upnp;

use std::{net::SocketAddr, path::Path, sync::Arc, time::SystemTime};

use lookout_core::{
    port::Host,
    profile::{
        change::Rules,
        settings::{Network, Settings},
        wire::Int,
    },
};
use lookout_linux::host::NetworkManager;
use tokio::task::{AbortHandle, JoinSet};

use crate::{
    StartError,
    app::App,
    config::{Backend, Config},
    service::network::{Note, clock, keeper, look, manager, power, scan},
    sockets::{self, Doors, Listening},
    store::{By, Store},
};

/// Starts the services of the network side; what must let go of something in the end is put into `holding`. Gives
/// the one that moves ports, to be ended before them.
///
/// # Errors
/// The machine refused something.
pub fn start(
    app: &Arc<App>,
    state: &Path,
    doors: &Doors,
    holding: &mut JoinSet<()>,
) -> Result<AbortHandle, StartError> {
    let keeper = machine(app, state, doors, holding);
    ddns::start(app, state);
    mdns::start(app);
    upnp::start(app);
    Ok(keeper)
}

/// Starts what has to do with the machine below: its network, its clock, its power.
fn machine(app: &Arc<App>, state: &Path, doors: &Doors, holding: &mut JoinSet<()>) -> AbortHandle {
    let host = host(&app.config);
    let managed = host.clone().filter(|_| app.network.managed());
    let journal = app.journal.clone();
    let note: Note = Arc::new(move |event| journal.note(event));
    if let Some(host) = &managed {
        tokio::spawn(look::run(host.clone(), app.network.clone()));
        tokio::spawn(scan::run(host.clone(), app.network.clone()));
    }
    let doors = doors.clone();
    let move_to: keeper::MoveTo = Box::new(move |port| doors.move_to(port));
    let keeper = holding.spawn(keeper::run(keeper::Parts {
        store: app.store.clone(),
        network: app.network.clone(),
        host: managed,
        move_to: sockets::configured(&app.config).map(|_| move_to),
        window: app.config.host.network_confirm,
        state: state.to_owned(),
        own: Box::new(manager::own),
        note: note.clone(),
    }));
    if let Some(host) = host.clone().filter(|_| app.config.host.clock) {
        let offset = app.store.watch(clock::offset);
        let (store, note, clock) = (app.store.clone(), note.clone(), Box::new(SystemTime::now));
        tokio::spawn(clock::run(clock::Parts { store, offset, host, clock, note }));
    }
    if let Some(host) = host.filter(|_| app.config.host.reboot) {
        let instead = app.clone();
        tokio::spawn(power::run(host, app.network.clone(), note, move || instead.restart.notify_one()));
    }
    keeper
}

/// Stores which port of plain HTTP is in force, and which one the configuration names: whoever changes one of them after
/// this start is the last who did (ADR 0036).
pub async fn settle(store: &Store, configured: Option<u16>, listening: &Listening) {
    let now = listening.http.first().map(SocketAddr::port);
    // Where the configuration names none, the setting counts for nothing and stays as it is.
    let Some((own, now)) = configured.zip(now) else { return };
    let stored = store.change(By::Camera, move |old, _: &Rules| Ok(with_ports(old, now.into(), own.into()))).await;
    if stored.is_err() {
        tracing::warn!("the port cannot be stored; the next start takes it from the configuration or from before");
    }
}

fn with_ports(old: &Settings, port: i32, configured: i32) -> Settings {
    let (port, port_configured) = (Int::new(port), Int::new(configured));
    Settings { network: Network { port, port_configured, ..old.network.clone() }, ..old.clone() }
}

/// Gives the host, if the operator lets the camera have anything of it: its network only where `host.backend` says so, which
/// whoever applies it must ask, its clock and its power where `host.clock` and `host.reboot` do.
fn host(config: &Config) -> Option<Arc<dyn Host>> {
    let host = &config.host;
    let wanted = host.backend == Backend::NetworkManager || host.clock || host.reboot;
    wanted.then(|| Arc::new(NetworkManager::new(host.interface.clone(), host.wifi_interface.clone())) as Arc<dyn Host>)
}
