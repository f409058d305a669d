//! A camera that runs, and its two ends: for good, or to start anew in the same process (ADR 0016).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use lookout_core::profile::wire::Secret;
use lookout_linux::handover::Named;
use tokio::task::{AbortHandle, JoinSet};

use crate::{app::App, sockets::Doors, source::Locator};

/// A camera that runs.
pub struct Running {
    /// Where it speaks HTTP.
    pub http: Vec<SocketAddr>,
    /// Where it speaks HTTPS.
    pub https: Vec<SocketAddr>,
    /// SHA-256 of its certificate.
    pub fingerprint: Option<String>,
    /// Whether the source was chosen by us because none was named.
    pub chosen: bool,
    /// The accounts made at this first start, with the passwords that were not given.
    pub made: Vec<(String, Secret)>,
    /// What is captured.
    pub source: Locator,
    /// The listening sockets.
    pub(crate) doors: Doors,
    /// The services that hold devices and programs: capture and sound.
    pub(crate) holding: JoinSet<()>,
    /// Keeps the network as it is set; ends before the sockets do, which it would miss.
    pub(crate) keeper: AbortHandle,
    /// What requests reach.
    pub(crate) app: Arc<App>,
}

/// How long a restart waits for requests that are being answered.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

impl Running {
    /// Waits until somebody wants the camera to start anew. May be cancelled.
    pub async fn restart(&self) {
        self.app.restart.notified().await;
    }

    /// Lets go of everything but the listening sockets, which are for the program that follows in this process.
    pub async fn hand_over(self) -> Vec<Named> {
        self.keeper.abort();
        // Whoever connects from now on waits for the next program.
        let listeners = self.doors.close().await;
        self.app.shut.send_replace(true);
        self.app.watchdog.restarting();
        // Whoever has asked already is answered, unless that takes long; who has not is cut off.
        let _answered = tokio::time::timeout(LAST_ANSWERS, self.app.answering.write()).await;
        end(self.holding, &self.app).await;
        listeners
    }

    /// Tells the service manager that the camera stops, and lets go of the source.
    pub async fn stop(self) {
        self.keeper.abort();
        self.app.watchdog.stopping();
        end(self.holding, &self.app).await;
    }
}

/// Ends an alarm, so that its output is put back and its mail is on the disk; capture and sound, as a program that makes
/// them must not outlive the camera; and the head, so that it is on the disk where it rests; takes the port back from the
/// gateway, and the announcement from the network; and writes the journal.
async fn end(mut holding: JoinSet<()>, app: &App) {
    let held = async {
        app.alarms.close().await;
        holding.shutdown().await;
    };
    let all = async {
        tokio::join!(
            held,
            app.alarms.written(),
            app.devices.close(),
            app.head.close(),
            app.upnp.close(),
            app.announced.close(),
            app.upgrades.ended(&app.watchdog),
            app.journal.close()
        )
    };
    // They end at their next await; neither a driver that hangs nor such a disk must hold up the end.
    let _ = tokio::time::timeout(Duration::from_secs(1), all).await;
}
