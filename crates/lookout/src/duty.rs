//! Whether a cause is looked for now: it is armed, at this hour, and no forbidden hour; and the head rests, where it matters.
//!
//! ```text
//!        armed, in the schedule, the gate open, at rest
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
    head::Standing,
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
    /// Whose movement it waits out.
    head: Option<watch::Receiver<Standing>>,
    /// Whether that moved when last looked at.
    moved: bool,
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
        Self { cause, settings, gate, turns, clock, alarms, head: None, moved: false, off: None }
    }

    /// Makes it end whenever the head moves.
    pub fn while_rests(self, head: watch::Receiver<Standing>) -> Self {
        Self { head: Some(head), ..self }
    }

    /// Returns the settings by which it is on duty now; why it is not, is noted when that changes.
    ///
    /// # Errors
    /// [`Reason::NotArmed`], [`Reason::OutOfSchedule`], [`Reason::Forbidden`] or [`Reason::HeadMoves`].
    pub fn look(&mut self) -> Result<Arc<Settings>, Reason> {
        let settings = self.settings.borrow_and_update().clone();
        let armed = armed(&settings, self.cause, unix((self.clock)()));
        let on = armed.and_then(|()| self.gate.pass().map(drop).map_err(|_| Reason::Forbidden));
        self.moved = self.head.as_ref().is_some_and(|head| head.borrow().moving);
        let on = if self.moved { on.and(Err(Reason::HeadMoves)) } else { on };
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
        let moved = self.moved;
        let head = async {
            let turned = match &mut self.head {
                // Where it is on its way is no matter.
                Some(head) => head.wait_for(|standing| standing.moving != moved).await.is_ok(),
                None => false,
            };
            if !turned {
                std::future::pending().await
            }
        };
        tokio::select! {
            changed = self.settings.changed() => if changed.is_err() {
                std::future::pending().await
            },
            changed = self.turns.changed() => if changed.is_err() {
                std::future::pending().await
            },
            () = head => {}
            () = sleep(rest_of_second((self.clock)())), if by_the_clock => {}
        }
    }
}
