//! Has the machine start anew when `reboot.cgi` wants it and its operator allows it (`host.reboot`).

use std::{sync::Arc, time::Duration};

use lookout_core::{
    journal::{Event, Peer},
    port::Host,
};
use tokio::time::{sleep, timeout};

use super::{Network, Note};

/// How long the host may take to take the order.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to end the camera then.
const GOODBYE: Duration = Duration::from_secs(60);

/// Restarts the machine whenever it is rung for; `instead` restarts the camera alone, where the machine does not.
pub async fn run(host: Arc<dyn Host>, network: Arc<Network>, note: Note, instead: impl Fn()) {
    let mut bell = network.power.subscribe();
    while bell.changed().await.is_ok() {
        match timeout(PATIENCE, host.restart()).await {
            Ok(Ok(())) => {
                tracing::info!("the machine restarts");
                sleep(GOODBYE).await;
                tracing::warn!("the machine does not restart; the camera does");
            }
            Ok(Err(lost)) => tracing::warn!("the machine does not restart: {lost}; the camera does"),
            Err(_) => tracing::warn!("the machine does not restart: it does not answer; the camera does"),
        }
        note(&Event::Failed(Peer::Host, "machine not restarted"));
        instead();
    }
}
