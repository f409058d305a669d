//! The accounts as they are, for what goes on longer than a look at them: whoever is removed, demoted or given another
//! password while he watches, uploads or waits has no more to say (RULES W12).

use std::sync::Arc;

use lookout_core::profile::settings::{Settings, User};
use tokio::sync::watch;

/// The accounts as they are.
pub struct Accounts(watch::Receiver<Arc<Settings>>);

impl Accounts {
    /// Makes it of the settings to follow.
    pub fn new(settings: watch::Receiver<Arc<Settings>>) -> Self {
        Self(settings)
    }

    /// Says whether an account is there as it was.
    ///
    /// It only looks: whoever waits for a change still hears of it.
    pub fn have(&self, user: &User) -> bool {
        self.0.borrow().users.contains(user)
    }

    /// Waits for a change of settings; `false` once there will be none. May be cancelled.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Waits until an account is not there any more as it was. May be cancelled.
    pub async fn lose(mut self, user: &User) {
        while self.have(user) && self.changed().await {}
    }
}
