//! What the head does when the camera starts: it centres, and goes to a preset (`ptz_center_onstart`, `ptz_preset_onstart`).

use std::{collections::VecDeque, time::Duration};

use lookout_core::{
    profile::{reply::Failure, settings::Misc, wire::Wire as _},
    ptz::{Order, Preset},
};
use tokio::time::Instant;

/// How long is waited where others had their turn.
const PAUSE: Duration = Duration::from_millis(200);

/// What is still to be ordered; nothing once somebody has ordered something else.
pub struct Start {
    orders: VecDeque<Order>,
    /// Not before that moment.
    pause: Option<Instant>,
}

impl Start {
    /// Makes it by the settings at the start.
    pub fn new(misc: &Misc) -> Self {
        let centre = misc.center_onstart.then_some(Order::Centre);
        let preset = Preset::parse(&misc.preset_onstart.get().to_string()).ok().filter(|_| !misc.disable_preset);
        Self { orders: centre.into_iter().chain(preset.map(Order::GoTo)).collect(), pause: None }
    }

    /// Gives the next order, if the head can take one.
    pub fn next(&mut self, lost: bool) -> Option<Order> {
        let waits = self.pause.is_some_and(|pause| Instant::now() < pause);
        if lost || waits { None } else { self.orders.front().copied() }
    }

    /// Notes what came of it.
    pub fn done(&mut self, answer: Result<(), Failure>) {
        if matches!(answer, Err(Failure::Busy | Failure::Internal)) {
            self.pause = Some(Instant::now() + PAUSE);
            return;
        }
        let order = self.orders.pop_front();
        if let (Some(order), Err(_)) = (order, answer) {
            tracing::info!("at the start the head cannot do what is set: {}", word(order));
        }
    }

    /// Forgets all: somebody else says where the head goes.
    pub fn give_up(&mut self) {
        self.orders.clear();
    }

    /// Says when the next order is to be given, if others had their turn.
    pub fn due(&self) -> Option<Instant> {
        self.pause.filter(|pause| !self.orders.is_empty() && *pause > Instant::now())
    }
}

fn word(order: Order) -> &'static str {
    if order == Order::Centre { "ptz_center_onstart" } else { "ptz_preset_onstart" }
}
