//! The alarm input: a line of the machine, and whoever stands in for it over HTTP (PROFILE 4.4, Q58).
//!
//! ```text
//!   line ── levels ──▶ run: debounce ──┐
//!                                      ├──▶ Input: is that news? ── Trigger ──▶ service::alarm
//!   /input.cgi ────────────────────────┘        └─ shown ─▶ /metrics, MQTT
//! ```
//! Bargains: a level triggers when it comes, not while it is held, so that a door that is left open does not prolong an
//! alarm for ever. What the input showed is not kept over a restart, and what its line shows at the start does not trigger.
//! What changed while the line was lost does.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use lookout_core::{
    alarm::{self, Cause, Debounce, Meaning, Reason, Speaker, armed},
    port::{InputLine, Lost, Promise},
    profile::settings::{LineLevel, Settings},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    alarm::{Alarms, Trigger},
    clock::unix,
    metrics::PinCounters,
    pauses::Pauses,
};

/// What the input shows, and who is told of it.
pub struct Input {
    state: Mutex<alarm::Input>,
    shown: watch::Sender<Option<LineLevel>>,
    settings: watch::Receiver<Arc<Settings>>,
    alarms: Arc<Alarms>,
    counters: Arc<PinCounters>,
}

impl Input {
    /// Makes it show nothing yet.
    pub fn new(settings: watch::Receiver<Arc<Settings>>, alarms: Arc<Alarms>, counters: Arc<PinCounters>) -> Self {
        Self { state: Mutex::default(), shown: watch::Sender::default(), settings, alarms, counters }
    }

    /// Takes a level; never waits. Whether the input is armed is for the alarm service to say.
    pub fn tell(&self, who: Speaker, level: LineLevel) {
        let settings = self.settings.borrow().clone();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let meaning = state.tell(who, level, settings.alarm.ioin_level);
        let shown = state.shown();
        self.counters.input.level(shown);
        self.shown.send_if_modified(|before| std::mem::replace(before, shown) != shown);
        let (at, wall) = (now(), SystemTime::now());
        match meaning {
            Meaning::Trigger => {
                self.alarms.trigger(Trigger { cause: Cause::Input, at, wall, strength: 1.0, drill: None });
            }
            Meaning::Held => {
                let why = armed(&settings, Cause::Input, unix(wall)).err().unwrap_or(Reason::CoolingDown);
                self.alarms.note(Cause::Input, why, 1.0, at);
            }
            Meaning::Rest => {}
        }
    }

    /// Gives what it shows to follow; none until somebody has told.
    pub fn follow(&self) -> watch::Receiver<Option<LineLevel>> {
        self.shown.subscribe()
    }
}

/// Opens the line, again and again.
pub type Open = Box<dyn Fn() -> Promise<'static, Result<Box<dyn InputLine>, Lost>> + Send>;

/// What the service of the line needs.
pub struct Parts {
    /// Opens the line.
    pub open: Open,
    /// Its name, for the log.
    pub name: String,
    /// How long a level must last.
    pub debounce: Duration,
    /// Who is told.
    pub input: Arc<Input>,
}

/// How long a line may take to be opened.
const OPENING: Duration = Duration::from_secs(10);

/// Feels the line for ever, and opens it anew when it is lost.
pub async fn run(parts: Parts) -> Infallible {
    let (mut pauses, mut said) = (Pauses::default(), None);
    let counters = parts.input.counters.clone();
    loop {
        let opened = tokio::time::timeout(OPENING, (parts.open)()).await;
        let lost = match opened.unwrap_or_else(|_| Err(Lost("it cannot be opened in time".into()))) {
            Ok(mut line) => {
                tracing::info!("input {} is felt: {}", parts.name, line.about());
                said = None;
                let (_up, begin) = (counters.input.up(), Instant::now());
                let lost = feel(&parts.input, parts.debounce, &mut *line).await;
                pauses.delivered(begin.elapsed());
                counters.input.lost.inc();
                lost
            }
            Err(lost) => lost,
        };
        if said.as_ref() != Some(&lost) {
            tracing::warn!("input {}: {lost}", parts.name);
        }
        said = Some(lost);
        sleep(pauses.next()).await;
    }
}

/// Tells what a line shows until it is lost.
async fn feel(input: &Input, debounce: Duration, line: &mut dyn InputLine) -> Lost {
    let mut debounce = Debounce::new(if line.settled() { Duration::ZERO } else { debounce });
    loop {
        let due = debounce.due();
        let lasted = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        let settled = tokio::select! {
            biased;
            level = line.level() => match level {
                Ok(level) => debounce.feel(level, now()),
                Err(lost) => return lost,
            },
            () = lasted => debounce.settle(now()),
        };
        if let Some(high) = settled {
            input.tell(Speaker::Line, if high { LineLevel::High } else { LineLevel::Low });
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;
