//! Watches how the host's network stands, and what the host can do.

use std::{sync::Arc, time::Duration};

use lookout_core::{
    backoff::Backoff,
    host::Standing,
    port::{Host, Lost},
};
use tokio::time::{sleep, timeout};

use super::Network;
use crate::pauses::chance;

/// How long the host may take to say something.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked when it says nothing by itself.
const EVERY: Duration = Duration::from_secs(60);
/// The shortest time between two looks, however much happens.
const GAP: Duration = Duration::from_millis(250);
/// The pauses while it is lost.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));

/// Looks for ever.
pub async fn run(host: Arc<dyn Host>, network: Arc<Network>) {
    let (mut pauses, mut well) = (PAUSES, None);
    loop {
        match look(&*host, &network).await {
            Ok(()) => {
                if well.replace(true) != Some(true) {
                    let about = timeout(PATIENCE, host.about()).await;
                    tracing::info!("the host: {}", about.ok().and_then(Result::ok).unwrap_or_default());
                }
                pauses.went_well();
                sleep(GAP).await;
                // A host that cannot tell of changes is asked now and then.
                if let Ok(Err(_)) = timeout(EVERY, host.changed()).await {
                    sleep(pauses.failed(chance())).await;
                }
            }
            Err(Lost(why)) => {
                // What was known of it may have changed since.
                network.standing.send_if_modified(|known| {
                    *known != Standing::default() && {
                        *known = Standing::default();
                        true
                    }
                });
                if well.replace(false) != Some(false) {
                    tracing::warn!("the host does not say how its network stands: {why}");
                }
                sleep(pauses.failed(chance())).await;
            }
        }
    }
}

async fn look(host: &dyn Host, network: &Network) -> Result<(), Lost> {
    let silent = |_| Lost("it does not answer".into());
    let standing = timeout(PATIENCE, host.standing()).await.map_err(silent)??;
    let able = timeout(PATIENCE, host.abilities()).await.map_err(silent)??;
    network.able.send_replace(Some(able));
    network.standing.send_if_modified(|known| std::mem::replace(known, standing.clone()) != standing);
    Ok(())
}
