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
//! That clock may jump, and takes the camera's along. It is looked at every second, and a jump is a reason to ask at once.
//! All waits are measured on the steady clock.

mod udp;

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use lookout_core::{
    journal::{Event, Peer},
    profile::{change::Rules, reply, settings::Settings},
    sntp::{Outcome, Reading, Refusal, Rhythm},
};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    clock::{Moment, correction, drift},
    pauses::chance,
    store::{By, Store, Watched},
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
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
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
    /// Says it in the journal's few words.
    fn words(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "server not found",
            Self::Unreachable(_) => "server not reached",
            Self::Silent | Self::Refused(Refusal::Stray) => "no answer",
            Self::Refused(Refusal::Slower) => "asked too often",
            Self::Refused(Refusal::Denied) => "service denied",
            Self::Refused(Refusal::Unsynchronised) => "server without the time",
            Self::Refused(Refusal::Implausible(_)) => "implausible answer",
        }
    }

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
const LOOK: Duration = Duration::from_secs(1);
/// A clock that has moved so far against the steady one was set.
const JUMP: Duration = Duration::from_secs(1);
/// No server is asked again sooner than this, whoever rings and however often: a rule of the default server's.
const GAP: Duration = Duration::from_secs(4);

/// Follows the time server for ever.
pub async fn run(parts: Parts, world: impl World) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = (world.host(), Instant::now());
    let rhythm = Rhythm::default();
    let mut service = Ntp { parts, world, look, rhythm, due: start.1, soonest: start.1, asked: start, well: None };
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
    /// When it may be asked again if there is a reason to.
    soonest: Instant,
    /// When it was asked last, on the host's clock and the steady one.
    asked: Moment,
    /// Whether the last attempt gave the time; none was made with this server: `None`.
    well: Option<bool>,
}

impl<W: World> Ntp<W> {
    /// Waits until there is a server and it is to be asked.
    async fn wait(&mut self) {
        loop {
            let on = self.parts.server.get().is_some();
            tokio::select! {
                _ = self.parts.server.changed() => self.begin_anew(),
                Ok(()) = self.parts.bell.changed() => self.due = self.due.min(self.soonest),
                _ = self.look.tick(), if on => {
                    if drift(self.asked, (self.world.host(), Instant::now())) >= JUMP {
                        self.due = self.due.min(self.soonest);
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
        let outcome = match answer {
            Ok(reading) => self.follow(&name, reading, host).await,
            Err(failure) => {
                // A server that is away for days is spoken of once.
                if self.well.replace(false) != Some(false) {
                    tracing::warn!("the time server {name} {failure}; it will be asked again");
                    (self.parts.note)(&Event::Failed(Peer::Ntp, failure.words()));
                }
                failure.outcome()
            }
        };
        self.due = Instant::now() + self.rhythm.pause(outcome, chance());
        self.soonest = match outcome {
            Outcome::Read | Outcome::Failed => self.asked.1 + GAP,
            Outcome::Slower | Outcome::Denied => self.due,
        };
    }

    /// Takes what the server said when the host's clock said `host`.
    async fn follow(&mut self, name: &str, reading: Reading, host: SystemTime) -> Outcome {
        let before = self.well.replace(true);
        if before != Some(true) {
            tracing::info!("the clock follows the time server {name}");
        }
        match self.set(reading, host).await {
            Ok(0) if before != Some(false) => {}
            Ok(by) => {
                tracing::info!("the clock was set by {by:+} s");
                (self.parts.note)(&Event::ClockSet(by));
            }
            Err(_) => {
                tracing::warn!("the clock cannot be set by {name}: not saved, or too far from the host's clock");
                return Outcome::Failed;
            }
        }
        Outcome::Read
    }

    /// Moves the camera's clock if it is wrong; returns by how many seconds.
    async fn set(&self, reading: Reading, host: SystemTime) -> Result<i64, reply::Failure> {
        let offset = || self.parts.store.get().clock.offset_s.0;
        let (before, followed) = (offset(), self.parts.server.get().clone());
        let draft = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            // The clock may have been left to itself while the server was asked.
            if server(old) == followed {
                new.clock.offset_s = correction(&old.clock, reading.time, host)?;
            }
            Ok(new)
        };
        self.parts.store.change(By::Camera, draft).await.map(|()| offset() - before)
    }
}

#[cfg(test)]
mod tests;
