//! A head on a serial line: what it is told goes out in its turn, and nothing comes back.
//!
//! A line that takes nothing is lost. It is tried again and again with a stop, which is also what a head needs to hear first
//! that may have moved on meanwhile.

use lookout_core::{
    port::Promise,
    profile::{reply::Failure, settings::Misc},
    ptz::{Order, line::Line, pelco_d::Message},
};
use tokio::time::{Instant, timeout};

use super::body::{PATIENCE, now};
use crate::pauses::Pauses;

/// Writes bytes to the line.
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
        let messages = self.line.order(order, misc, now()).map_err(|_| Failure::NotSupported)?;
        self.send(&messages, order == Order::Stop).await
    }

    pub(super) async fn tick(&mut self, misc: &Misc) {
        let mut messages = self.line.tick(misc, now());
        if self.again.is_some_and(|again| Instant::now() >= again) {
            // A head that knows no stop can be told nothing at all.
            messages = self.line.order(Order::Stop, misc, now()).unwrap_or(messages);
        }
        // What cannot be sent is told in the log, and made up for by a stop.
        let _ = self.send(&messages, true).await;
    }

    pub(super) fn due(&self, misc: &Misc) -> Option<Instant> {
        let line = self.line.due(misc, now()).map(|left| Instant::now() + left);
        line.into_iter().chain(self.again).min()
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

    /// Sends messages; if they `must` go out, because the head moves on without them, a stop is owed where they do not.
    async fn send(&mut self, messages: &[Message], must: bool) -> Result<(), Failure> {
        if messages.is_empty() {
            return Ok(());
        }
        let bytes = messages.iter().flat_map(Message::bytes).copied().collect();
        let sent = timeout(PATIENCE, (self.write)(bytes)).await.unwrap_or(Err(Failure::Internal));
        match sent {
            Ok(()) => {
                if std::mem::take(&mut self.lost) {
                    tracing::info!("head at {}: its line is back", self.name);
                }
                (self.again, self.pauses) = (None, Pauses::default());
            }
            // Others write to the line, and it was not its turn: nothing is wrong with it.
            Err(Failure::Busy) => self.again = self.again.or(must.then(|| Instant::now() + self.pauses.next())),
            Err(_) => {
                if !std::mem::replace(&mut self.lost, true) {
                    tracing::warn!("head at {}: its line takes nothing", self.name);
                }
                self.again = Some(Instant::now() + self.pauses.next());
            }
        }
        sent
    }
}
