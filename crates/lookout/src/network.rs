//! The wiring of the network side: the host, dynamic DNS, the port mapping, the announcement.

use std::{path::Path, sync::Arc};

use lookout_core::port::Host;
use lookout_linux::host::NetworkManager;
use tokio::task::JoinSet;

use crate::{
    StartError,
    app::App,
    config::{Backend, Config},
};

/// Starts the services of the network side; what must let go of something in the end is put into `holding`.
///
/// # Errors
/// The machine refused something.
pub fn start(_app: &Arc<App>, _state: &Path, _holding: &mut JoinSet<()>) -> Result<(), StartError> {
    Ok(())
}

/// Gives the host, if the operator lets the camera have anything of it: its network only where `host.backend` says so, which
/// whoever applies it must ask, its clock and its power where `host.clock` and `host.reboot` do.
pub fn host(config: &Config) -> Option<Arc<dyn Host>> {
    let host = &config.host;
    let wanted = host.backend == Backend::NetworkManager || host.clock || host.reboot;
    wanted.then(|| Arc::new(NetworkManager::new(host.interface.clone(), host.wifi_interface.clone())) as Arc<dyn Host>)
}
