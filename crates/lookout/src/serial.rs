//! The serial ports, each with one owner who writes for all, in their turn.
//!
//! ```text
//!   the Pelco-D head ───────────────────────▶ ┐           ┌▶ Owner of port 0 ─▶ SerialLine
//!   comm_write.cgi ─ ten a second ─▶ Window ─▶ ┴─ 16 wait ─┴▶ Owner of port 1 ─▶ SerialLine
//! ```
//! Bargains: whoever writes has an answer within [`PATIENCE`], whatever the port does, and what was answered with an error
//! because it waited too long is never written later. A message is not cut by another, and has gone out before the speed
//! changes ([ADR 0031](../../../docs/adr/0031-serial-ports.md)).

mod owner;
mod window;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lookout_core::{
    port::SerialLine,
    profile::{reply::Failure, settings::Baud},
};
use lookout_linux::serial::Line;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use self::{
    owner::{Job, Open, Owner},
    window::Window,
};
use crate::metrics::SerialCounters;

/// At most how long a write waits for its port.
pub const PATIENCE: Duration = Duration::from_millis(1500);
/// How much later whoever waits gives an owner up, who keeps [`PATIENCE`] himself.
const SLACK: Duration = Duration::from_millis(250);
/// How many writes may wait for a port.
const WAITING: usize = 16;

/// The ports of this machine.
#[derive(Debug)]
pub struct Ports {
    ports: Vec<mpsc::Sender<Job>>,
    window: Mutex<Window>,
    counters: Arc<SerialCounters>,
}

impl Ports {
    /// Makes the ports' owners, who run as long as this lives; no port is opened before somebody writes.
    pub fn new(ports: &[PathBuf], rs485: bool, counters: Arc<SerialCounters>) -> Self {
        let open = |path: &PathBuf| -> (String, Open) {
            let at = path.clone();
            let open = move || {
                let at = at.clone();
                let opened = async move { Ok(Box::new(Line::open(&at, rs485).await?) as Box<dyn SerialLine>) };
                Box::pin(opened) as _
            };
            (path.display().to_string(), Box::new(open))
        };
        Self::of(ports.iter().map(open).collect(), counters)
    }

    /// Makes the owners of ports of which each has a name for the log, and a way to open it.
    fn of(ports: Vec<(String, Open)>, counters: Arc<SerialCounters>) -> Self {
        let own = |(name, open)| {
            let (jobs, taken) = mpsc::channel(WAITING);
            tokio::spawn(Owner::new(name, open, counters.clone()).run(taken));
            jobs
        };
        Self { ports: ports.into_iter().map(own).collect(), window: Mutex::default(), counters }
    }

    /// Writes bytes to a port at a speed, and waits until they have gone out; or, where that takes the line longer than
    /// [`PATIENCE`], until its driver has taken them all.
    ///
    /// # Errors
    /// [`Failure::NotSupported`]: there is no such port. [`Failure::Busy`]: too many wait for it, or others have it for too
    /// long. [`Failure::Internal`]: it cannot be opened, is gone, or does not take them in time; the log says which.
    pub async fn write(&self, port: usize, baud: Baud, bytes: &[u8]) -> Result<(), Failure> {
        let port = self.ports.get(port).ok_or(Failure::NotSupported)?;
        let (done, answer) = oneshot::channel();
        let by = Instant::now() + PATIENCE;
        port.try_send(Job { baud, bytes: bytes.into(), by, done }).map_err(|_full| {
            self.counters.refused.inc();
            Failure::Busy
        })?;
        match timeout_at(by + SLACK, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Failure::Internal),
            // The owner is still at what another wrote.
            Err(_) => Err(Failure::Busy),
        }
    }

    /// Writes for a client, of whom ten in a second are served, whichever ports they write to (RULES R13.1).
    ///
    /// # Errors
    /// As [`Self::write`]; [`Failure::Busy`] also for the eleventh.
    pub async fn write_for_client(&self, port: usize, baud: Baud, bytes: &[u8]) -> Result<(), Failure> {
        let there = port < self.ports.len();
        if there && !self.window.lock().unwrap_or_else(PoisonError::into_inner).pass(Instant::now()) {
            self.counters.refused.inc();
            return Err(Failure::Busy);
        }
        self.write(port, baud, bytes).await
    }
}

#[cfg(test)]
mod tests;
