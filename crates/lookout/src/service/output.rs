//! The output: driven while an alarm lasts, then resting (PROFILE 4.4).
//!
//! The line is held from the start to the end, and rests at the level that is not `alarm_ioout_level`: at once when it is
//! opened, after each alarm, and when the camera ends or starts anew, whatever goes on then. A line that is lost is opened
//! anew, at the level that it is to have then.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use lookout_core::{
    alarm,
    port::{Lost, OutputLine, Promise},
    profile::{reply::Failure, settings::LineLevel},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    alarm::{Errand, Link, Occasion},
    metrics::{AlarmCounters, Held, PinCounters},
    pauses::Pauses,
    store::Watched,
};

/// How others see the output, and order a level by hand (`decoder_control.cgi` 94 and 95).
pub struct Output {
    orders: watch::Sender<Option<LineLevel>>,
    /// Whether this machine has one.
    configured: bool,
}

impl Output {
    /// Makes it for a machine that has an output, or none.
    pub fn new(configured: bool) -> Arc<Self> {
        Arc::new(Self { orders: watch::Sender::default(), configured })
    }

    /// Orders a level, which holds until an alarm drives the output or ends, `alarm_ioout_level` is set anew, or another order.
    /// A line that is lost has it when it is back. Nobody waits for it.
    ///
    /// # Errors
    /// [`Failure::NotSupported`]: there is no output.
    pub fn order(&self, level: LineLevel) -> Result<(), Failure> {
        if !self.configured {
            return Err(Failure::NotSupported);
        }
        self.orders.send_replace(Some(level));
        Ok(())
    }

    /// Gives the orders to the service.
    pub fn orders(&self) -> watch::Receiver<Option<LineLevel>> {
        self.orders.subscribe()
    }
}

/// Opens the line at a level and with the level at which it rests, again and again.
pub type Open = Box<dyn Fn(bool, bool) -> Promise<'static, Result<Box<dyn OutputLine>, Lost>> + Send>;

/// What the service needs.
pub struct Parts {
    /// Opens the line.
    pub open: Open,
    /// Its name, for the log.
    pub name: String,
    /// The level that alarms drive.
    pub level: Watched<LineLevel>,
    /// What alarms want.
    pub errands: mpsc::Receiver<(LineLevel, Errand)>,
    /// What is ordered by hand.
    pub orders: watch::Receiver<Option<LineLevel>>,
    /// Whether there is an alarm.
    pub standing: watch::Receiver<Option<Arc<Occasion>>>,
    /// Counters of lines.
    pub counters: Arc<PinCounters>,
    /// Counters of errands.
    pub errand_counters: Arc<AlarmCounters>,
}

/// So often a line is driven anew: one that went may not say so, and a chip may have forgotten.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a line may take for anything.
const PATIENCE: Duration = Duration::from_secs(5);

/// Drives the output for ever. Ended, it leaves the line resting.
pub async fn run(parts: Parts) -> Infallible {
    let output = alarm::Output::new(parts.level.get().other());
    let (driven, lost, pauses) = (None, None, Pauses::default());
    let mut service = Service { parts, output, driven, lost, next: Instant::now(), pauses };
    loop {
        service.show().await;
        service.heed().await;
    }
}

struct Service {
    parts: Parts,
    output: alarm::Output,
    /// The line, with the level that it has.
    driven: Option<Driven>,
    /// Why it is lost.
    lost: Option<Lost>,
    /// When it is driven anew, or opened anew.
    next: Instant,
    pauses: Pauses,
}

struct Driven {
    line: Box<dyn OutputLine>,
    level: LineLevel,
    since: Instant,
    _up: Held,
}

impl Service {
    /// Waits until something is wanted, or the line is due.
    async fn heed(&mut self) {
        let parts = &mut self.parts;
        tokio::select! {
            biased;
            Some((level, errand)) = parts.errands.recv() => {
                self.output.alarm(level);
                self.show().await;
                self.tell(&errand);
            }
            Ok(()) = parts.standing.changed() => {
                if parts.standing.borrow_and_update().is_none() {
                    self.output.over();
                }
            }
            Ok(()) = parts.orders.changed() => {
                if let Some(level) = *parts.orders.borrow_and_update() {
                    self.output.order(level);
                }
            }
            level = parts.level.changed() => self.output.rest_at(level.other()),
            () = sleep_until(self.next) => {}
        }
    }

    /// Drives the line as it is to be, and opens it if that is due.
    async fn show(&mut self) {
        let (level, rest) = (self.output.level(), self.output.rest());
        let due = Instant::now() >= self.next;
        match &mut self.driven {
            Some(driven) if due || driven.level != level => {
                driven.line.rest_at(high(rest));
                match bounded(driven.line.drive(high(level))).await {
                    Ok(()) => (driven.level, self.next) = (level, Instant::now() + AGAIN),
                    Err(lost) => self.lose(lost),
                }
            }
            Some(driven) => driven.line.rest_at(high(rest)),
            None if due => match bounded((self.parts.open)(high(level), high(rest))).await {
                Ok(line) => {
                    tracing::info!("output {} is {}: {}", self.parts.name, level.word(), line.about());
                    let up = self.parts.counters.output.up();
                    self.driven = Some(Driven { line, level, since: Instant::now(), _up: up });
                    (self.lost, self.next) = (None, Instant::now() + AGAIN);
                }
                Err(lost) => self.lose(lost),
            },
            None => {}
        }
        self.parts.counters.output.level(self.driven.as_ref().map(|driven| driven.level));
    }

    fn lose(&mut self, why: Lost) {
        if let Some(driven) = self.driven.take() {
            self.pauses.delivered(driven.since.elapsed());
            self.parts.counters.output.lost.inc();
        }
        if self.lost.as_ref() != Some(&why) {
            tracing::warn!("output {}: {why}", self.parts.name);
        }
        self.next = Instant::now() + self.pauses.next();
        self.lost = Some(why);
    }

    /// Says what came of an errand.
    fn tell(&self, errand: &Errand) {
        let name = &self.parts.name;
        let outcome = match (&self.driven, &self.lost) {
            (Some(driven), _) => Ok(format!("line {name} is {}", driven.level.word())),
            (None, Some(lost)) => Err(format!("line {name} is lost: {lost}")),
            (None, None) => Err(format!("line {name} is not open yet")),
        };
        self.parts.errand_counters.done(Link::Output.word(), outcome.is_ok());
        errand.tell(Link::Output, outcome);
    }
}

fn high(level: LineLevel) -> bool {
    level == LineLevel::High
}

async fn bounded<T>(wait: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(Lost("it does not answer in time".into())))
}

#[cfg(test)]
mod tests;
