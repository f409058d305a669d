//! Whether a cause is looked for now: it is armed, at this hour, and no forbidden hour.
//!
//! ```text
//!        armed, in the schedule, the gate open
//!   off ───────────────────────────────────────▶ on duty
//!       ◀───────────────────────────────────────
//!        a reason, noted once
//! ```
//! Whoever is on duty looks at the hour with all that it takes up, and is woken whenever something may have changed: like
//! the privacy gate at the beginning of every second of the host's clock, so that a clock that jumps is noticed.

use std::sync::Arc;

use lookout_core::{
    alarm::{Cause, Reason, armed},
    profile::settings::Settings,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    alarm::Alarms,
    clock::unix,
    privacy::{HostClock, Privacy, State, rest_of_second},
};

/// The duty of whoever looks for a cause.
pub struct Duty {
    cause: Cause,
    settings: watch::Receiver<Arc<Settings>>,
    gate: Arc<Privacy>,
    turns: watch::Receiver<State>,
    clock: HostClock,
    alarms: Arc<Alarms>,
    /// Why it is off, if it was when last looked at.
    off: Option<Reason>,
}

impl Duty {
    /// Makes it, not looked at yet.
    pub fn new(
        cause: Cause,
        settings: watch::Receiver<Arc<Settings>>,
        gate: Arc<Privacy>,
        clock: HostClock,
        alarms: Arc<Alarms>,
    ) -> Self {
        let turns = gate.follow();
        Self { cause, settings, gate, turns, clock, alarms, off: None }
    }

    /// Returns the settings by which it is on duty now; why it is not, is noted when that changes.
    ///
    /// # Errors
    /// [`Reason::NotArmed`], [`Reason::OutOfSchedule`] or [`Reason::Forbidden`].
    pub fn look(&mut self) -> Result<Arc<Settings>, Reason> {
        let settings = self.settings.borrow_and_update().clone();
        let armed = armed(&settings, self.cause, unix((self.clock)()));
        let on = armed.and_then(|()| self.gate.pass().map(drop).map_err(|_| Reason::Forbidden));
        let before = self.off;
        self.off = on.err();
        if let Some(reason) = self.off.filter(|_| self.off != before) {
            self.alarms.note(self.cause, reason, 0.0, Instant::now().into_std());
        }
        on.map(|()| settings)
    }

    /// Waits until it must be looked at. May be cancelled.
    pub async fn turns(&mut self) {
        let by_the_clock = self.settings.borrow().alarm.schedule.enable;
        tokio::select! {
            changed = self.settings.changed() => if changed.is_err() {
                std::future::pending().await
            },
            changed = self.turns.changed() => if changed.is_err() {
                std::future::pending().await
            },
            () = sleep(rest_of_second((self.clock)())), if by_the_clock => {}
        }
    }
}
