//! The output: driven while an alarm lasts, then resting (PROFILE 4.4).
//!
//! The line is held from the start to the end, and rests at the level that is not `alarm_ioout_level`: at once when it is
//! opened, after each alarm, and when the camera ends or starts anew, whatever goes on then. A line that is lost is opened
//! anew, at the level that it is to have then.

mod place;

use std::{convert::Infallible, sync::Arc};

use lookout_core::{
    alarm,
    profile::{reply::Failure, settings::LineLevel},
};
use tokio::sync::{mpsc, watch};

pub use self::place::Place;
use crate::{
    alarm::{Errand, Link, Occasion},
    driven::Driven,
    metrics::AlarmCounters,
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

/// What the service needs.
pub struct Parts {
    /// The line.
    pub line: Driven,
    /// Its name.
    pub name: String,
    /// The level that alarms drive.
    pub level: Watched<LineLevel>,
    /// What alarms want.
    pub errands: mpsc::Receiver<(LineLevel, Errand)>,
    /// What is ordered by hand.
    pub orders: watch::Receiver<Option<LineLevel>>,
    /// Whether there is an alarm.
    pub standing: watch::Receiver<Option<Arc<Occasion>>>,
    /// Counters of errands.
    pub errand_counters: Arc<AlarmCounters>,
}

/// Drives the output for ever. Ended, it leaves the line resting.
pub async fn run(parts: Parts) -> Infallible {
    let output = alarm::Output::new(parts.level.get().other());
    let mut service = Service { parts, output };
    loop {
        service.show().await;
        service.heed().await;
    }
}

struct Service {
    parts: Parts,
    output: alarm::Output,
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
            () = parts.line.due() => {}
        }
    }

    /// Drives the line as it is to be.
    async fn show(&mut self) {
        self.parts.line.show(self.output.level(), self.output.rest()).await;
    }

    /// Says what came of an errand.
    fn tell(&self, errand: &Errand) {
        let name = &self.parts.name;
        let outcome = match self.parts.line.level() {
            Ok(level) => Ok(format!("line {name} is {}", level.word())),
            Err(why) => Err(format!("line {name} {why}")),
        };
        self.parts.errand_counters.done(Link::Output.word(), outcome.is_ok());
        errand.tell(Link::Output, outcome);
    }
}

#[cfg(test)]
mod tests;
