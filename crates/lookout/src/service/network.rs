//! The host's network as the settings want it (PROFILE 4.7, 5.13), its clock and its power.
//!
//! Four small tasks, none of which knows of another: [`keeper`] applies changes and has them confirmed or taken back, [`look`]
//! watches how the network stands, [`scan`] looks for wireless networks, [`clock`] and [`power`] do what their names say. A CGI
//! looks at what they have left in [`Network`], or rings for them, and never waits: what stands behind
//! [`Host`](lookout_core::port::Host) may hang for as long as it likes, and has a deadline in each of them.

pub mod clock;
mod confirmed;
pub mod keeper;
pub mod look;
pub mod manager;
pub mod power;
pub mod scan;

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use lookout_core::{
    host::{
        Abilities, AccessPoint, Standing,
        plan::{self, Refused},
        scan as listing,
    },
    journal::Event,
    profile::{commands::Group, settings::Settings},
};
use tokio::sync::watch;

pub use confirmed::remove;
pub use manager::Came;

/// Writes into the journal.
pub type Note = Arc<dyn Fn(&Event) + Send + Sync>;

/// The host's network as others see it.
pub struct Network {
    /// Whether the settings are applied to the host.
    managed: bool,
    standing: watch::Sender<Standing>,
    /// What the host can do; none while it has not said so.
    able: watch::Sender<Option<Abilities>>,
    /// Whether a manager who comes in now would confirm a change.
    awaits: AtomicBool,
    /// Until when a manager is waited for, before a change comes back.
    until: Mutex<Option<Instant>>,
    /// How a manager came, while one was waited for.
    seen: watch::Sender<Option<Came>>,
    scan: watch::Sender<()>,
    found: watch::Sender<Arc<[AccessPoint]>>,
    power: watch::Sender<()>,
}

impl Network {
    /// Makes one of which nothing is known; `managed` says whether a backend applies the settings.
    pub fn new(managed: bool) -> Self {
        Self {
            managed,
            standing: watch::Sender::default(),
            able: watch::Sender::default(),
            awaits: AtomicBool::new(false),
            until: Mutex::default(),
            seen: watch::Sender::default(),
            scan: watch::Sender::new(()),
            found: watch::Sender::new([].into()),
            power: watch::Sender::new(()),
        }
    }

    /// Says whether the settings are applied to the host.
    pub fn managed(&self) -> bool {
        self.managed
    }

    /// Gives how the host's network stands to follow.
    pub fn follow(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Notes that a manager came in: what was changed of the network has not cut him off. Nearly always there is nothing to
    /// confirm, and this costs next to nothing.
    pub fn seen(&self, came: Option<Came>) {
        if self.awaits.load(Ordering::Relaxed) {
            self.seen.send_replace(came);
        }
    }

    fn wait_until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Returns until when a manager is waited for, before a change comes back.
    pub fn waits_until(&self) -> Option<Instant> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether the wireless network is joined.
    pub fn wifi(&self) -> bool {
        self.standing.borrow().wifi
    }

    /// Says whether a request may set a group of settings: without a backend all that is legal, else what makes sense and
    /// what the host can.
    ///
    /// # Errors
    /// It makes no sense, or the host cannot.
    pub fn fits(&self, group: Group, new: &Settings) -> Result<(), Refused> {
        if self.managed { plan::fits(group, new, self.able.borrow().as_ref()) } else { Ok(()) }
    }

    /// Has the host look for wireless networks; while it does, that is enough.
    ///
    /// # Errors
    /// There is nothing to look with.
    pub fn scan(&self) -> Result<(), Refused> {
        let cardless = self.able.borrow().is_some_and(|able| able.wifi.is_none());
        if !self.managed || cardless {
            return Err(Refused::NotSupported);
        }
        self.scan.send_replace(());
        Ok(())
    }

    /// Returns what was found last, as its CGI tells it.
    pub fn found(&self) -> String {
        listing::result(&self.found.borrow())
    }

    /// Has the machine start anew.
    pub fn restart(&self) {
        self.power.send_replace(());
    }
}
