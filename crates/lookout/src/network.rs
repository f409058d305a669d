//! The wiring of the network side: the host, dynamic DNS, the port mapping, the announcement.

use std::{path::Path, sync::Arc};

use tokio::task::JoinSet;

use crate::{StartError, app::App};

/// Starts the services of the network side; what must let go of something in the end is put into `holding`.
///
/// # Errors
/// The machine refused something.
pub fn start(_app: &Arc<App>, _state: &Path, _holding: &mut JoinSet<()>) -> Result<(), StartError> {
    Ok(())
}
