//! A port that is mapped on the Internet gateway (PROFILE 4.6).

use lookout_core::upnp::Standing;
use tokio::sync::watch;

/// The port mapping as others see it.
pub struct Upnp {
    standing: watch::Sender<Standing>,
    /// Whether the camera ends.
    ends: watch::Sender<bool>,
}

impl Upnp {
    /// Makes one that is off.
    pub fn new() -> Self {
        Self { standing: watch::Sender::default(), ends: watch::Sender::default() }
    }

    /// Returns `upnp_status`.
    pub fn status(&self) -> u8 {
        *self.standing.borrow() as u8
    }

    /// Ends its service, before the camera ends: returns when the gateway has been told, if it listens.
    pub async fn close(&self) {
        self.ends.send_replace(true);
        self.ends.closed().await;
    }
}
