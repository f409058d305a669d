//! The camera's public address: finds it (`find`), watches it, and has a new one mailed (`mail_inet_ip`, Q64).
//!
//! Whoever finds it tells it through a port ([`Seen`]). The one that was mailed last is kept in the state folder, so that one that
//! changed while the camera was off is told, too.

mod find;

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use lookout_core::{
    profile::settings::Settings,
    public::{Moved, Watch},
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

pub use self::find::{Parts as Finding, Wide, find};
use crate::files;

/// The public address, as far as it is known.
pub type Seen = watch::Sender<Option<IpAddr>>;

/// The file of the address that was known at last.
const FILE: &str = "public-address";
/// How often what is known is looked at again.
const EVERY: Duration = Duration::from_secs(60);

/// What the service needs.
pub struct Parts {
    /// The settings, which say whether new addresses are mailed.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// The public address.
    pub seen: watch::Receiver<Option<IpAddr>>,
    /// Who mails.
    pub mail: mpsc::Sender<Moved>,
    /// The state folder.
    pub state: PathBuf,
}

/// Removes what is known of the address.
///
/// # Errors
/// The disk refuses.
pub fn forget(state: &Path) -> io::Result<()> {
    files::forget(state, FILE)
}

/// Follows the address, for ever.
pub async fn run(mut parts: Parts) {
    let mut watch = Watch::new(read(&parts.state));
    // One that came too soon after another is looked at again.
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            changed = parts.seen.changed() => if changed.is_err() {
                return;
            },
            changed = parts.settings.changed() => if changed.is_err() {
                return;
            },
        }
        if !parts.settings.borrow_and_update().mail.inet_ip {
            continue;
        }
        let (known, seen) = (watch.known(), *parts.seen.borrow_and_update());
        let moved = watch.see(seen, now());
        if watch.known() != known {
            keep(&parts.state, watch.known()).await;
        }
        if let Some(moved) = moved {
            tracing::info!("the public address is {}, and was {}", moved.new, moved.old);
            // Who mails takes some seconds for an alarm, and there is one such mail an hour.
            let _ = parts.mail.try_send(moved);
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Reads the address that was known at last; what cannot be read is none.
fn read(state: &Path) -> Option<IpAddr> {
    files::read_back(state, FILE).ok()?.trim().parse().ok()
}

async fn keep(state: &Path, address: Option<IpAddr>) {
    let Some(address) = address else { return };
    files::keep(state, FILE, format!("{address}\n"), "the public address").await;
}

#[cfg(test)]
mod tests;
