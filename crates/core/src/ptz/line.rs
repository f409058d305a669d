//! A head on a serial line: orders become messages, and nothing comes back.

use std::time::{Duration, Instant};

use super::{NotSupported, Order, pelco_d::Message};
use crate::profile::settings::Misc;

/// What is known of the head.
#[derive(Debug)]
pub struct Line {
    address: u8,
}

impl Line {
    /// Makes it for a head at an address of 1-255, of which nothing is known.
    pub const fn new(address: u8) -> Self {
        Self { address }
    }

    /// Takes an order, whose way is the head's own; gives what is sent for it.
    pub fn order(&mut self, order: Order, misc: &Misc, now: Instant) -> Result<Vec<Message>, NotSupported> {
        let _ = (order, misc, now, self.address);
        Err(NotSupported)
    }

    /// Gives what is to be sent by itself: the end of a step or of a movement that nobody ends, an automatic patrol.
    pub fn tick(&mut self, misc: &Misc, now: Instant) -> Vec<Message> {
        let _ = (misc, now);
        Vec::new()
    }

    /// Says how long from `now` it need not be ticked; `None`: until the next order or change of `misc`.
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        let _ = (misc, now);
        None
    }

    /// Says whether the head moves, as far as that can be known.
    pub fn moving(&self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// Lets an automatic patrol rest while `held`, as while there is an alarm.
    pub fn hold(&mut self, held: bool, now: Instant) {
        let _ = (held, now);
    }
}
