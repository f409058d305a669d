//! The settings and their file: nothing else changes them.
//!
//! A change is parsed into a draft, checked as a whole, written to disk, and only then announced and answered with
//! `ok.`; so what was answered is never lost, and a disk that refuses changes nothing in memory. Services watch their
//! part and cannot veto.

mod disk;

use std::{path::Path, sync::Arc};

use lookout_core::{
    profile::{
        change::{self, Rules},
        commands::Group,
        reply::Failure,
        settings::Settings,
        view::Secrets,
        wire::Illegal,
    },
    query::Query,
};
use tokio::sync::{Mutex, watch};

pub use disk::StateError;

use crate::password;

/// The settings, their file, and who must hear of changes.
pub struct Store {
    now: watch::Sender<Arc<Settings>>,
    disk: Arc<Mutex<disk::Disk>>,
    rules: Rules,
}

/// A store just opened.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Whether the owner has no account yet.
    pub fresh: bool,
}

impl Store {
    /// Opens the state folder, makes it if there is none, and locks it for this process.
    ///
    /// A settings file that is damaged is put aside and the previous generation is used, else factory settings, which
    /// have no account; which is said in the log.
    ///
    /// # Errors
    /// The folder cannot be made, written or locked.
    pub fn open(dir: &Path, rules: Rules) -> Result<Opened, StateError> {
        let disk = disk::Disk::open(dir)?;
        let found = disk.load()?.unwrap_or_else(Settings::factory);
        let fresh = found.users == Settings::factory().users;
        let now = watch::Sender::new(Arc::new(found));
        Ok(Opened { store: Self { now, disk: Arc::new(Mutex::new(disk)), rules }, fresh })
    }

    /// Returns the settings as they are.
    pub fn get(&self) -> Arc<Settings> {
        self.now.borrow().clone()
    }

    /// Returns how secrets are kept and shown.
    pub fn secrets(&self) -> Secrets {
        self.rules.secrets
    }

    /// Sets a CGI's parameters from a request (PROFILE 1.5).
    pub async fn set(&self, group: Group, query: &Query) -> Result<(), Failure> {
        self.change(|old, rules| change::apply(old, group, |name| query.get(name), rules)).await
    }

    /// Changes the settings; answers once they are on the disk.
    pub async fn change(
        &self,
        draft: impl FnOnce(&Settings, &Rules) -> Result<Settings, Illegal>,
    ) -> Result<(), Failure> {
        let disk = self.disk.clone().lock_owned().await;
        let old = self.get();
        let mut new = draft(&old, &self.rules)?;
        if new == *old {
            return Ok(());
        }
        let seal = self.rules.secrets == Secrets::Masked;
        let write = move || {
            if seal {
                password::seal(&mut new).map_err(|error| error.to_string())?;
            }
            disk.save(&new).map_err(|error| error.to_string())?;
            Ok::<_, String>((new, disk))
        };
        // The guard of the disk comes back with the settings, so that two changes are announced in their order.
        match tokio::task::spawn_blocking(write).await.map_err(|error| error.to_string()).flatten() {
            Ok((new, _disk)) => {
                self.now.send_replace(Arc::new(new));
                Ok(())
            }
            Err(error) => {
                tracing::error!("the settings were not saved: {error}");
                Err(Failure::Internal)
            }
        }
    }

    /// Goes back to the factory state, which keeps the id and the factory values (PROFILE 7.2) and has no account.
    pub async fn reset(&self) -> Result<(), Failure> {
        self.change(|old, _| Ok(old.reset())).await?;
        let forgotten = self.disk.lock().await.forget_previous();
        forgotten.map_err(|error| {
            tracing::error!("the previous settings were not removed: {error}");
            Failure::Internal
        })
    }

    /// Gives all settings to follow, without a copy; wakes at every change.
    pub fn follow(&self) -> watch::Receiver<Arc<Settings>> {
        self.now.subscribe()
    }

    /// Gives a part of the settings to watch.
    pub fn watch<T: PartialEq>(&self, part: fn(&Settings) -> T) -> Watched<T> {
        let mut changes = self.now.subscribe();
        let last = part(&changes.borrow_and_update());
        Watched { changes, part, last }
    }
}

/// A part of the settings that a service follows; wakes only when that part differs.
pub struct Watched<T> {
    changes: watch::Receiver<Arc<Settings>>,
    part: fn(&Settings) -> T,
    last: T,
}

impl<T: PartialEq> Watched<T> {
    /// Returns the part as it was when last looked at.
    pub fn get(&self) -> &T {
        &self.last
    }

    /// Returns the part if it differs from when it was last looked at.
    pub fn taken(&mut self) -> Option<&T> {
        if !self.changes.has_changed().unwrap_or(false) {
            return None;
        }
        let now = (self.part)(&self.changes.borrow_and_update());
        let differs = now != self.last;
        self.last = now;
        differs.then_some(&self.last)
    }

    /// Waits until the part differs and returns it; for ever, once the store is gone. May be cancelled.
    pub async fn changed(&mut self) -> &T {
        loop {
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let now = (self.part)(&self.changes.borrow_and_update());
            if now != self.last {
                self.last = now;
                return &self.last;
            }
        }
    }
}
