//! The time service: the camera's clock follows a time server (PROFILE 4.1).
//!
//! ```text
//!              due, or rung for, or the host's clock jumped
//!   waiting ────────────────────────────────────────────────▶ asking
//!      ▲                                                        │
//!      └── read: an hour · failed: 5 s, 10 s … 1 h · denied: a day
//! ```
//! Off, it only waits to be turned on; a change of the server is asked at once. What a server says moves the offset
//! between the camera's clock and the host's, and only if that is wrong by a second or more: a good clock costs no
//! write. The host's clock is left alone.
//!
//! That clock may jump, and takes the camera's along. It is looked at every few seconds, and a jump is a reason to ask
//! at once. All waits are measured on the steady clock.

mod udp;

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use lookout_core::{
    profile::settings::Settings,
    sntp::{Outcome, Reading, Refusal, Rhythm},
};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    clock::{correction, drift},
    password,
    store::{Store, Watched},
};

pub use udp::Udp;

/// What the service needs.
pub struct Parts {
    /// The settings, for the offset that it moves.
    pub store: Arc<Store>,
    /// The server to follow, if any.
    pub server: Watched<Option<String>>,
    /// Rung to have the server asked at once.
    pub bell: watch::Receiver<()>,
}

/// Returns the part of the settings that the service follows.
pub fn server(settings: &Settings) -> Option<String> {
    let clock = &settings.clock;
    Some(clock.ntp_svr.as_str().to_owned()).filter(|name| clock.ntp && !name.is_empty())
}

/// What the service sees of the world.
pub trait World: Send {
    /// Asks a time server; has a deadline of its own, and may be cancelled.
    fn ask(&mut self, server: &str) -> impl Future<Output = Result<Reading, Failure>> + Send;
    /// Reads the host's clock.
    fn host(&self) -> SystemTime;
}

/// Why a server gave no time; finishes the sentence “the time server …”.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Its name has no address, or no name server answers.
    #[error("cannot be found: {0}")]
    Unknown(io::Error),
    /// The network or the server's machine refuses.
    #[error("cannot be reached: {0}")]
    Unreachable(io::Error),
    /// Nothing came.
    #[error("does not answer")]
    Silent,
    /// Its answer is not one to set a clock by.
    #[error(transparent)]
    Refused(Refusal),
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(Refusal::Slower) => Outcome::Slower,
            Self::Refused(Refusal::Denied) => Outcome::Denied,
            Self::Refused(Refusal::Stray | Refusal::Unsynchronised | Refusal::Implausible(_))
            | Self::Unknown(_)
            | Self::Unreachable(_)
            | Self::Silent => Outcome::Failed,
        }
    }
}

/// How often the host's clock is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// A clock that has moved so far against the steady one was set.
const JUMP: Duration = Duration::from_secs(1);
/// No server is asked again sooner than this, however often somebody rings.
const GAP: Duration = Duration::from_secs(4);

/// Follows the time server for ever.
pub async fn run(parts: Parts, world: impl World) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = (world.host(), Instant::now());
    let rhythm = Rhythm::default();
    let mut service = Ntp { parts, world, look, rhythm, due: start.1, asked: start, well: None };
    loop {
        service.wait().await;
        service.attempt().await;
    }
}

struct Ntp<W> {
    parts: Parts,
    world: W,
    look: Interval,
    rhythm: Rhythm,
    /// When the server is asked next.
    due: Instant,
    /// When it was asked last, on the host's clock and the steady one.
    asked: (SystemTime, Instant),
    /// Whether the last attempt gave the time; none was made with this server: `None`.
    well: Option<bool>,
}

impl<W: World> Ntp<W> {
    /// Waits until there is a server and it is to be asked.
    async fn wait(&mut self) {
        loop {
            let on = self.parts.server.get().is_some();
            let soon = self.asked.1 + GAP;
            tokio::select! {
                _ = self.parts.server.changed() => self.begin_anew(),
                Ok(()) = self.parts.bell.changed() => self.due = self.due.min(soon),
                _ = self.look.tick(), if on => {
                    if drift(self.asked, (self.world.host(), Instant::now())) >= JUMP {
                        self.due = self.due.min(soon);
                    }
                }
                () = sleep_until(self.due), if on => return,
            }
        }
    }

    fn begin_anew(&mut self) {
        (self.rhythm, self.well, self.due) = (Rhythm::default(), None, Instant::now());
    }

    /// Asks the server, unless it is changed meanwhile.
    async fn attempt(&mut self) {
        let Some(name) = self.parts.server.get().clone() else { return };
        self.asked = (self.world.host(), Instant::now());
        let answer = tokio::select! {
            _ = self.parts.server.changed() => return self.begin_anew(),
            answer = self.world.ask(&name) => answer,
        };
        let host = self.world.host();
        // Whoever rang meanwhile has been served.
        self.parts.bell.mark_unchanged();
        let outcome = match answer {
            Ok(reading) => {
                self.set(&name, reading, host).await;
                Outcome::Read
            }
            Err(failure) => {
                self.say(false, || tracing::warn!("the time server {name} {failure}; it is asked again and again"));
                failure.outcome()
            }
        };
        // Without random numbers there is no jitter.
        let [random] = password::random().unwrap_or_default();
        self.due = Instant::now() + self.rhythm.pause(outcome, random);
    }

    /// Moves the camera's clock to what the server said when the host's clock said `host`, if it is wrong.
    async fn set(&mut self, name: &str, reading: Reading, host: SystemTime) {
        self.say(true, || tracing::info!("the clock follows the time server {name}"));
        let kept = self.parts.store.get().clock.offset_s.0;
        let follows = self.parts.server.get().clone();
        let changed = self.parts.store.change(move |old, _| {
            let mut new = old.clone();
            // The clock may have been left to itself while the server was asked.
            if server(old) == follows {
                new.clock.offset_s = correction(&old.clock, reading.time, host)?;
            }
            Ok(new)
        });
        if changed.await.is_err() {
            return tracing::warn!("the clock is not set by {name}, whose time is not kept or too far from the host's");
        }
        match self.parts.store.get().clock.offset_s.0 - kept {
            0 => {}
            slow @ 1.. => tracing::info!("the clock was {slow} s slow and is set"),
            fast => tracing::info!("the clock was {} s fast and is set", fast.unsigned_abs()),
        }
    }

    /// Speaks if things have changed since it spoke last.
    fn say(&mut self, well: bool, speak: impl FnOnce()) {
        if self.well.replace(well) != Some(well) {
            speak();
        }
    }
}

#[cfg(test)]
mod tests;
