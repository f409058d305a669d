//! The host's network as the settings want it (PROFILE 4.7, 5.13).

use lookout_core::host::Standing;
use tokio::sync::watch;

/// The host's network as others see it.
pub struct Network {
    standing: watch::Sender<Standing>,
    seen: watch::Sender<()>,
}

impl Network {
    /// Makes one of which nothing is known.
    pub fn new() -> Self {
        Self { standing: watch::Sender::default(), seen: watch::Sender::new(()) }
    }

    /// Gives how the host's network stands to follow.
    pub fn follow(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Notes that a manager came in: what was changed of the network has not cut him off.
    pub fn seen(&self) {
        self.seen.send_replace(());
    }

    /// Says whether the wireless network is joined.
    pub fn wifi(&self) -> bool {
        self.standing.borrow().wifi
    }
}
