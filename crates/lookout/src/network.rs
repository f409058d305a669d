//! The wiring of the network side: the host, dynamic DNS, the port mapping, the announcement.

mod ddns;

use std::{net::SocketAddr, path::Path, sync::Arc};

use lookout_core::{
    journal::{Event, Peer},
    port::Host,
    profile::{
        change::Rules,
        settings::{Network, Settings},
        wire::Int,
    },
};
use lookout_linux::host::NetworkManager;
use tokio::task::JoinSet;

use crate::{
    StartError,
    app::App,
    config::{Backend, Config},
    sockets::{Doors, Listening},
    store::{By, Store},
};

/// Starts the services of the network side; what must let go of something in the end is put into `holding`.
///
/// # Errors
/// The machine refused something.
pub fn start(app: &Arc<App>, state: &Path, doors: &Doors, _holding: &mut JoinSet<()>) -> Result<(), StartError> {
    tokio::spawn(follow_port(app.clone(), doors.clone()));
    ddns::start(app, state);
    Ok(())
}

/// Stores which port of plain HTTP is in force, and which one the configuration names: whoever changes one of them after
/// this start is the last who did (ADR 0036).
pub async fn settle(store: &Store, configured: Option<u16>, listening: &Listening) {
    let now = listening.http.first().map(SocketAddr::port);
    // Where the configuration names none, the setting counts for nothing and stays as it is.
    let Some((own, now)) = configured.zip(now) else { return };
    let stored = store.change(By::Camera, move |old, _: &Rules| Ok(with_port(old, now.into(), Some(own.into())))).await;
    if stored.is_err() {
        tracing::warn!("the port cannot be stored; the next start takes it from the configuration or from before");
    }
}

/// Has the first plain listener of the configuration follow the setting. A port that cannot be had is set back.
async fn follow_port(app: Arc<App>, doors: Doors) {
    let mut wish = app.store.watch(|settings| settings.network.port);
    let mut now = wish.get().get();
    loop {
        let port = wish.changed().await.get();
        let Err(lost) = doors.move_to(u16::try_from(port).unwrap_or_default()) else {
            now = port;
            continue;
        };
        tracing::warn!("{lost}; plain HTTP stays on port {now}");
        app.journal.note(&Event::Failed(Peer::Host, "port not to be had"));
        // Nobody who has set another one meanwhile loses it.
        let back = move |old: &Settings, _: &Rules| {
            Ok(if old.network.port.get() == port { with_port(old, now, None) } else { old.clone() })
        };
        if app.store.change(By::Camera, back).await.is_err() {
            tracing::warn!("the port cannot be set back");
        }
    }
}

fn with_port(old: &Settings, port: i32, configured: Option<i32>) -> Settings {
    let port_configured = configured.map_or(old.network.port_configured, Int::new);
    Settings { network: Network { port: Int::new(port), port_configured, ..old.network.clone() }, ..old.clone() }
}

/// Gives the host, if the operator lets the camera have anything of it: its network only where `host.backend` says so, which
/// whoever applies it must ask, its clock and its power where `host.clock` and `host.reboot` do.
pub fn host(config: &Config) -> Option<Arc<dyn Host>> {
    let host = &config.host;
    let wanted = host.backend == Backend::NetworkManager || host.clock || host.reboot;
    wanted.then(|| Arc::new(NetworkManager::new(host.interface.clone(), host.wifi_interface.clone())) as Arc<dyn Host>)
}
