//! A head on a serial line: what it is told goes out in its turn, and nothing comes back.
//!
//! A line that takes nothing is lost. It is tried again and again with a stop, which is also what a head needs to hear first
//! that may have moved on meanwhile. What was not its turn is never sent later, so the head is what it was before.

use lookout_core::{
    port::Promise,
    profile::{reply::Failure, settings::Misc},
    ptz::{Order, line::Line, pelco_d::Message},
};
use tokio::time::Instant;

use super::body::now;
use crate::pauses::Pauses;

/// Writes bytes to the line, and answers in time, whatever the line does.
pub type Write = Box<dyn Fn(Vec<u8>) -> Promise<'static, Result<(), Failure>> + Send>;

/// A head on a serial line.
pub struct Wired {
    line: Line,
    write: Write,
    /// Its name, for the log.
    name: String,
    /// Whether it took nothing the last time.
    lost: bool,
    /// When a stop is tried, if one is owed: the line is lost, or others had their turn when it was to be sent.
    again: Option<Instant>,
    pauses: Pauses,
}

impl Wired {
    /// Makes it; nothing is written before somebody orders something.
    pub fn new(line: Line, name: String, write: Write) -> Self {
        Self { line, write, name, lost: false, again: None, pauses: Pauses::default() }
    }

    pub(super) async fn order(&mut self, order: Order, misc: &Misc) -> Result<(), Failure> {
        let before = self.line.clone();
        let messages = self.line.order(order, misc, now()).map_err(|_| Failure::NotSupported)?;
        self.send(&messages, before, Some(order)).await
    }

    pub(super) async fn tick(&mut self, misc: &Misc) {
        let before = self.line.clone();
        let messages = match self.again {
            // The stop that is owed ends whatever could be due.
            Some(again) if Instant::now() < again => return,
            // A head that knows no stop can be told nothing at all.
            Some(_) => self.line.order(Order::Stop, misc, now()).unwrap_or_default(),
            None => self.line.tick(misc, now()),
        };
        // What cannot be sent is told in the log, and made up for by a stop.
        let _ = self.send(&messages, before, None).await;
    }

    pub(super) fn due(&self, misc: &Misc) -> Option<Instant> {
        self.again.or_else(|| self.line.due(misc, now()).map(|left| Instant::now() + left))
    }

    /// Has the head stop that would go on without the camera.
    pub(super) async fn end(&mut self, misc: &Misc) {
        if self.again.is_some() || self.line.goes_on() {
            // Nobody is there any more to try again.
            let _ = self.order(Order::Stop, misc).await;
        }
    }

    pub(super) fn hold(&mut self, held: bool) {
        self.line.hold(held, now());
    }

    pub(super) fn moving(&self) -> bool {
        self.line.moving(now())
    }

    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.then_some("its line takes nothing")
    }

    /// Sends the messages of an order, or of none: what is due by itself. If the head moves on without them, a stop is owed
    /// where they do not go out.
    async fn send(&mut self, messages: &[Message], before: Line, order: Option<Order>) -> Result<(), Failure> {
        if messages.is_empty() {
            return Ok(());
        }
        let bytes = messages.iter().flat_map(Message::bytes).copied().collect();
        let owed = self.again;
        if order.is_none_or(Order::stops) {
            // Until it is known to be out, also if the camera ends meanwhile.
            self.again.get_or_insert_with(Instant::now);
        }
        let sent = (self.write)(bytes).await;
        match sent {
            Ok(()) => {
                if std::mem::take(&mut self.lost) {
                    tracing::info!("head at {}: its line is back", self.name);
                }
                // What neither moves nor stops the head does not make up for a stop.
                self.again = owed.filter(|_| order.is_some_and(Order::stores));
                self.pauses = Pauses::default();
            }
            // Others write to the line, and it was not its turn: nothing is wrong with it.
            Err(Failure::Busy) => {
                self.line = before;
                if self.again.is_some_and(|again| again <= Instant::now()) {
                    self.again = Some(Instant::now() + self.pauses.next());
                }
            }
            Err(_) => {
                // What the head has heard is not known: the stop that is owed ends also a scan that may have been ended.
                if before.scans() {
                    self.line = before;
                }
                self.line.rest();
                if !std::mem::replace(&mut self.lost, true) {
                    tracing::warn!("head at {}: its line takes nothing", self.name);
                }
                self.again = Some(Instant::now() + self.pauses.next());
            }
        }
        sent
    }
}
