//! A host that does as the test wants: it applies, fails, hangs, is asked for what it was told, and counts.

use std::{
    future::{pending, poll_fn},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::SystemTime,
};

use lookout_core::{
    host::{Abilities, AccessPoint, Ciphers, Standing, Wanted},
    port::{Host, Lost, Promise},
};

/// What a host does with whatever it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Obeys {
    /// It does it.
    #[default]
    Yes,
    /// It refuses.
    Never,
    /// It never answers.
    Hangs,
    /// It does it, and never answers: what a call that was cut off leaves behind.
    HangsBehind,
}

/// A simulated host.
pub struct SimHost {
    state: Mutex<State>,
}

/// What there is of it.
pub struct State {
    /// What it does.
    pub obeys: Obeys,
    /// Everything that was applied.
    pub applied: Vec<Option<Wanted>>,
    /// How its network stands.
    pub standing: Standing,
    /// What it can do.
    pub able: Abilities,
    /// What a scan finds.
    pub found: Vec<AccessPoint>,
    /// How many scans were begun.
    pub scans: usize,
    /// To what its clock was set.
    pub clock: Vec<SystemTime>,
    /// Its clock, at a moment of the right one.
    moved: Option<(SystemTime, SystemTime)>,
    /// The right time, as far as the test has told.
    right: SystemTime,
    /// How often it was restarted.
    pub restarts: usize,
    /// Whether something has changed since that was last waited for.
    changed: bool,
    waiting: Vec<Waker>,
}

impl Default for SimHost {
    /// A host that can do everything and is in no network.
    fn default() -> Self {
        let card = Ciphers { wep: true, tkip: true, aes: true, wpa: true, wpa2: true };
        Self {
            state: Mutex::new(State {
                obeys: Obeys::Yes,
                applied: Vec::new(),
                standing: Standing::default(),
                able: Abilities { wifi: Some(card), pppoe: true },
                found: Vec::new(),
                scans: 0,
                clock: Vec::new(),
                moved: None,
                right: SystemTime::UNIX_EPOCH,
                restarts: 0,
                changed: false,
                waiting: Vec::new(),
            }),
        }
    }
}

impl SimHost {
    /// Gives what there is of it, to look at or to set.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how its network stands, and tells whoever waits.
    pub fn stands(&self, standing: Standing) {
        let mut state = self.state();
        (state.standing, state.changed) = (standing, true);
        state.waiting.drain(..).for_each(Waker::wake);
    }

    /// Returns what was applied last; none if nothing was.
    pub fn last(&self) -> Option<Option<Wanted>> {
        self.state().applied.last().cloned()
    }

    /// Returns what its clock shows at a moment: that moment, until it was set.
    pub fn time(&self, right: SystemTime) -> SystemTime {
        let mut state = self.state();
        state.right = right;
        let (set, then) = state.moved.unwrap_or((right, right));
        set + right.duration_since(then).unwrap_or_default()
    }

    /// Does something as it obeys.
    async fn obey<T>(&self, what: impl FnOnce(&mut State) -> T) -> Result<T, Lost> {
        let obeys = self.state().obeys;
        match obeys {
            Obeys::Yes => Ok(what(&mut self.state())),
            Obeys::Never => Err(Lost("not allowed".into())),
            Obeys::Hangs => pending().await,
            Obeys::HangsBehind => {
                what(&mut self.state());
                pending().await
            }
        }
    }
}

impl Host for SimHost {
    fn about(&self) -> Promise<'_, Result<String, Lost>> {
        Box::pin(async { Ok("a simulated host".to_owned()) })
    }

    fn abilities(&self) -> Promise<'_, Result<Abilities, Lost>> {
        Box::pin(self.obey(|state| state.able))
    }

    fn apply<'a>(&'a self, wanted: Option<&'a Wanted>) -> Promise<'a, Result<(), Lost>> {
        Box::pin(self.obey(move |state| state.applied.push(wanted.cloned())))
    }

    fn scan(&self) -> Promise<'_, Result<Vec<AccessPoint>, Lost>> {
        self.state().scans += 1;
        Box::pin(self.obey(|state| state.found.clone()))
    }

    fn standing(&self) -> Promise<'_, Result<Standing, Lost>> {
        Box::pin(self.obey(|state| state.standing.clone()))
    }

    fn changed(&self) -> Promise<'_, Result<(), Lost>> {
        Box::pin(poll_fn(|context| {
            let mut state = self.state();
            if std::mem::take(&mut state.changed) {
                return Poll::Ready(Ok(()));
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        }))
    }

    fn set_clock(&self, now: SystemTime) -> Promise<'_, Result<(), Lost>> {
        Box::pin(self.obey(move |state| {
            state.clock.push(now);
            state.moved = Some((now, state.right));
        }))
    }

    fn restart(&self) -> Promise<'_, Result<(), Lost>> {
        Box::pin(self.obey(|state| state.restarts += 1))
    }
}
