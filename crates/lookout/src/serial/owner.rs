//! The owner of a port, who alone opens it and writes to it.
//!
//! ```text
//!             somebody writes              it fails, hangs up or takes nothing in time
//!   closed ──────────────────────▶ open ───────────────────────────────────────────────▶ closed
//! ```
//! There is no attempt to open it but by a write: a port that is missing is found again by the next one, and one that was
//! lost since the last write is opened anew before anything is told of it.

use std::{sync::Arc, time::Duration};

use lookout_core::{
    port::{Lost, Promise, SerialLine},
    profile::{reply::Failure, settings::Baud},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until, timeout_at},
};

use crate::metrics::SerialCounters;

/// Opens the port, again and again.
pub type Open = Box<dyn Fn() -> Promise<'static, Result<Box<dyn SerialLine>, Lost>> + Send>;

/// What is to be written, and whom to tell what came of it.
#[derive(Debug)]
pub struct Job {
    /// At which speed.
    pub baud: Baud,
    /// What.
    pub bytes: Box<[u8]>,
    /// When whoever waits has had enough.
    pub by: Instant,
    /// Takes the answer.
    pub done: oneshot::Sender<Result<(), Failure>>,
}

/// How much longer a line may take than its speed says, before something is wrong with it.
const GRACE: Duration = Duration::from_millis(500);
/// How often it is asked whether the driver has given everything to the line.
const LOOK: Duration = Duration::from_millis(10);
/// What may still be in the hardware when the driver says that it has given everything to the line.
const SETTLE: Duration = Duration::from_millis(20);

/// The owner of a port.
pub struct Owner {
    name: String,
    open: Open,
    line: Option<Box<dyn SerialLine>>,
    /// To which speed the line is set.
    baud: Option<Baud>,
    /// What was last said to be wrong.
    said: Option<Lost>,
    /// Whether a warning was given of what it lacks.
    warned: bool,
    counters: Arc<SerialCounters>,
}

impl Owner {
    /// Makes the owner of a port that is closed.
    pub fn new(name: String, open: Open, counters: Arc<SerialCounters>) -> Self {
        Self { name, open, line: None, baud: None, said: None, warned: false, counters }
    }

    /// Writes what comes, until nobody can write any more.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let job = tokio::select! {
                biased;
                lost = gone(&mut self.line) => {
                    self.close(lost);
                    continue;
                }
                job = jobs.recv() => job,
            };
            let Some(job) = job else { return };
            self.turn(job).await;
        }
    }

    /// Writes one message whole, and waits until it has gone out.
    async fn turn(&mut self, job: Job) {
        let Job { baud, bytes, by, done } = job;
        if Instant::now() >= by {
            self.counters.refused.inc();
            let _ = done.send(Err(Failure::Busy));
            return;
        }
        let handed = timeout_at(by, self.hand_over(baud, &bytes)).await;
        if let Err(lost) = handed.unwrap_or_else(|_| Err(Lost("it does not take what is written".into()))) {
            let _ = done.send(Err(Failure::Internal));
            self.fail(lost).await;
            return;
        }
        let out = Instant::now() + on_the_line(baud, bytes.len());
        // Whoever waits for what takes the line longer than he may wait is answered now.
        let (done, until) = if out + GRACE > by {
            let _ = done.send(Ok(()));
            (None, out + GRACE)
        } else {
            (Some(done), by)
        };
        let went = timeout_at(until, self.gone_out(out)).await;
        let went = went.unwrap_or_else(|_| Err(Lost("it sends nothing".into())));
        // Nobody waits for what is to be done about it.
        done.map(|done| done.send(went.as_ref().map_err(|_| Failure::Internal).copied()));
        match went {
            Ok(()) => self.succeed(),
            Err(lost) => self.fail(lost).await,
        }
    }

    /// Has the driver take a message, over a line that is opened if need be, and once more if it was lost meanwhile.
    async fn hand_over(&mut self, baud: Baud, bytes: &[u8]) -> Result<(), Lost> {
        let fresh = self.line.is_none();
        match self.try_hand_over(baud, bytes).await {
            Err(lost) if !fresh => {
                self.close(lost);
                self.try_hand_over(baud, bytes).await
            }
            handed => handed,
        }
    }

    async fn try_hand_over(&mut self, baud: Baud, bytes: &[u8]) -> Result<(), Lost> {
        let line = match &mut self.line {
            Some(line) => line,
            empty @ None => empty.insert((self.open)().await?),
        };
        if self.baud != Some(baud) {
            if self.baud.is_some() {
                sleep(SETTLE).await;
            }
            line.speed(baud.rate()).await?;
            self.baud = Some(baud);
        }
        line.write(bytes).await
    }

    /// Waits until everything has gone out, which it cannot have before that moment.
    async fn gone_out(&mut self, earliest: Instant) -> Result<(), Lost> {
        sleep_until(earliest).await;
        while let Some(line) = &self.line {
            if line.waiting()? == 0 {
                break;
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Notes that the line works.
    fn succeed(&mut self) {
        self.counters.written.inc();
        let Some(line) = &self.line else { return };
        if let Some(lacks) = line.lacks().filter(|_| !self.warned) {
            tracing::warn!("serial port {}: {lacks}", self.name);
            self.warned = true;
        }
        if self.said.take().is_some() {
            tracing::info!("serial port {} works again: {}", self.name, line.about());
        }
    }

    /// Lets go of a line that failed, with what is left in it.
    async fn fail(&mut self, lost: Lost) {
        if let Some(line) = &mut self.line {
            let _ = tokio::time::timeout(GRACE, line.discard()).await;
        }
        self.close(lost);
    }

    /// Lets go of a line, and says why, once.
    fn close(&mut self, lost: Lost) {
        (self.line, self.baud) = (None, None);
        self.counters.failed.inc();
        if self.said.as_ref() != Some(&lost) {
            tracing::warn!("serial port {}: {lost}", self.name);
        }
        self.said = Some(lost);
    }
}

/// Returns how long the line takes for so many bytes, of ten bits each.
fn on_the_line(baud: Baud, bytes: usize) -> Duration {
    let bits = 10 * u64::try_from(bytes).unwrap_or(u64::MAX / 10_000_000);
    Duration::from_micros(bits * 1_000_000 / u64::from(baud.rate()))
}

/// Waits until the line is gone; for ever, where there is none.
async fn gone(line: &mut Option<Box<dyn SerialLine>>) -> Lost {
    match line {
        Some(line) => line.gone().await,
        None => std::future::pending().await,
    }
}
