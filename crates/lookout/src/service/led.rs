//! The lamp at the camera, and what it tells (`led_mode`, Q70).
//!
//! It looks twice a second at what was counted anyway, so that nobody on the way of a picture has to think of it; while it is
//! to be off it looks at nothing.
//!
//! ```text
//!   network:  lit ── something went in or out ──▶ dark for 0.1 s ──▶ lit
//!   watched:  dark ── a stream goes out, or a snapshot went within 5 s ──▶ lit, until neither is so
//!   off:      dark
//! ```

use std::{convert::Infallible, time::Duration};

use lookout_core::profile::settings::{LedMode, LineLevel};
use tokio::time::{Instant, sleep_until};

use crate::{driven::Driven, metrics::Signs, store::Watched};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long it is dark when it blinks.
const BLINK: Duration = Duration::from_millis(100);
/// How long whoever took a snapshot counts as watching: many a recorder takes one every few seconds.
const GLANCE: Duration = Duration::from_secs(5);

/// What the service needs.
pub struct Parts {
    /// The lamp.
    pub line: Driven,
    /// What it is to tell.
    pub mode: Watched<LedMode>,
    /// Looks at what there is to tell.
    pub look: Box<dyn Fn() -> Signs + Send>,
}

/// Shows it for ever. Ended, it gives the lamp back.
pub async fn run(mut parts: Parts) -> Infallible {
    let mut lamp = Lamp::new(*parts.mode.get(), (parts.look)(), Instant::now());
    loop {
        // Nothing is as dark as a camera that has ended: it rests there.
        parts.line.show(if lamp.lit { LineLevel::High } else { LineLevel::Low }, LineLevel::Low).await;
        tokio::select! {
            mode = parts.mode.changed() => lamp = Lamp::new(*mode, (parts.look)(), Instant::now()),
            () = sleep_until(lamp.next), if lamp.mode != LedMode::Off => lamp.turn((parts.look)(), Instant::now()),
            // Else the next look serves for that.
            () = parts.line.due(), if lamp.mode == LedMode::Off => {}
        }
    }
}

/// What it shows now, and what it saw.
struct Lamp {
    mode: LedMode,
    lit: bool,
    /// What there was when it last looked.
    seen: Signs,
    /// When a snapshot was last seen.
    glance: Option<Instant>,
    /// When it looks again, unless it is off.
    next: Instant,
}

impl Lamp {
    fn new(mode: LedMode, seen: Signs, now: Instant) -> Self {
        let (lit, glance) = (mode == LedMode::Network, None);
        let mut lamp = Self { mode, lit, seen, glance, next: now + LOOK };
        lamp.turn(seen, now);
        lamp
    }

    /// Turns it as what there is wants it, and says when it is to look again.
    fn turn(&mut self, signs: Signs, now: Instant) {
        match self.mode {
            LedMode::Network if !self.lit => (self.lit, self.next) = (true, now + LOOK - BLINK),
            LedMode::Network => {
                self.lit = signs.traffic == self.seen.traffic;
                self.next = now + if self.lit { LOOK } else { BLINK };
                self.seen = signs;
            }
            LedMode::Watched => {
                if signs.snapshots != self.seen.snapshots {
                    self.glance = Some(now);
                }
                let glanced = self.glance.is_some_and(|at| now.duration_since(at) < GLANCE);
                (self.lit, self.next, self.seen) = (signs.viewers || glanced, now + LOOK, signs);
            }
            LedMode::Off => self.lit = false,
        }
    }
}

#[cfg(test)]
mod tests;
