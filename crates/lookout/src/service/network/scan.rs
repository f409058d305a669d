//! Looks for wireless networks when somebody asks, one look at a time; what was found before is told until it is over.

use std::{sync::Arc, time::Duration};

use lookout_core::port::Host;
use tokio::time::timeout;

use super::Network;

/// How long a scan may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Scans whenever it is rung for, for ever.
pub async fn run(host: Arc<dyn Host>, network: Arc<Network>) {
    let mut bell = network.scan.subscribe();
    while bell.changed().await.is_ok() {
        match timeout(PATIENCE, host.scan()).await {
            Ok(Ok(found)) => {
                tracing::info!("{} wireless networks were found", found.len());
                network.found.send_replace(found.into());
            }
            Ok(Err(lost)) => tracing::warn!("wireless networks cannot be looked for: {lost}"),
            Err(_) => tracing::warn!("wireless networks cannot be looked for: the host does not answer"),
        }
        // Who rang meanwhile is served by what was found.
        bell.mark_unchanged();
    }
}
