//! A head on a serial line: orders become messages, and nothing comes back.
//!
//! ```text
//!             move, step, lens                stop, end of the step, 60 s without an order
//!   Resting ─────────────────────▶ Moving ─────────────────────────────────────────────────▶ Resting
//!      │ ▲                           ▲
//!      │ │ off, hold, stop …         │ move, step, lens: the scan ends first
//!      ▼ │                           │
//!   Scanning ────────────────────────┘
//! ```
//!
//! Bargains: where the head is, how fast it is and when it has arrived is not known. So a step is a time and no angle; rounds
//! of a patrol are not counted; an automatic patrol is the head's own scan, which is horizontal, and there is no vertical one.
//! Whatever moves the head or stops it ends a scan: that it goes on is only believed where nothing was said against it.

use std::time::{Duration, Instant};

use super::{
    DEAD_MAN, Lens, NotSupported, Order, Way,
    pelco_d::{FASTEST, Message},
};
use crate::profile::{
    settings::{Misc, PatrolType},
    wire::Int,
};

/// How long the head moves for each degree of a step: some 20° a second, as a slow dome at full speed. At 1200 bit/s the
/// message itself takes 58 ms.
const DEGREE: Duration = Duration::from_millis(50);
/// The degrees of a step that says none.
const USUAL_STEP: i32 = 5;
/// So long a head may be on its way to a preset.
const JOURNEY: Duration = Duration::from_secs(10);

/// Whether the head scans by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    Off,
    Ordered,
    Automatic,
}

/// What is known of the head.
#[derive(Clone, Debug)]
pub struct Line {
    address: u8,
    way: Option<Way>,
    lens: Option<Lens>,
    scan: Scan,
    /// When a step ends.
    step_ends: Option<Instant>,
    /// When it has surely arrived at a preset.
    arrives: Option<Instant>,
    /// When the last order came.
    ordered: Option<Instant>,
    /// Since when nobody has ordered anything and nothing has moved: what an automatic patrol counts from.
    rests: Option<Instant>,
    held: bool,
}

impl Line {
    /// Makes it for a head at an address of 1-255, of which nothing is known.
    pub const fn new(address: u8) -> Self {
        Self {
            address,
            way: None,
            lens: None,
            scan: Scan::Off,
            step_ends: None,
            arrives: None,
            ordered: None,
            rests: None,
            held: false,
        }
    }

    /// Takes an order, whose way is the head's own; gives what is sent for it.
    ///
    /// # Errors
    /// It has no centre, no test and no patrol beside its scan; the output is no matter of the head.
    pub fn order(&mut self, order: Order, misc: &Misc, now: Instant) -> Result<Vec<Message>, NotSupported> {
        let messages = match order {
            Order::Move(way) => self.turn(way, None, misc),
            Order::Step(way, degrees) => {
                let degrees = degrees.map_or(USUAL_STEP, Int::get).unsigned_abs();
                self.turn(way, Some(now + DEGREE * degrees), misc)
            }
            Order::Stop => {
                self.rest();
                self.move_on(misc)
            }
            Order::Lens(lens) => {
                self.lens = Some(lens);
                self.move_on(misc)
            }
            Order::LensStop => {
                self.lens = None;
                self.move_on(misc)
            }
            Order::Scan(on) => {
                self.rest();
                self.scan = if on { Scan::Ordered } else { Scan::Off };
                vec![Message::scan(self.address, on)]
            }
            Order::GoTo(preset) => {
                self.rest();
                self.arrives = Some(now + JOURNEY);
                self.end_scan().into_iter().chain([Message::go_to(self.address, preset)]).collect()
            }
            Order::SetPreset(preset) => vec![Message::set_preset(self.address, preset)],
            Order::ClearPreset(preset) => vec![Message::clear_preset(self.address, preset)],
            Order::Aux(number, on) => vec![Message::aux(self.address, number, on)],
            Order::Patrol(..) | Order::Centre | Order::Output(_) | Order::Test => return Err(NotSupported),
        };
        self.ordered = Some(now);
        self.rests = Some(now);
        Ok(messages)
    }

    /// Gives what is to be sent by itself: the end of a step or of a movement that nobody ends, an automatic patrol.
    pub fn tick(&mut self, misc: &Misc, now: Instant) -> Vec<Message> {
        let over = |moment: Option<Instant>| moment.is_some_and(|moment| moment <= now);
        let mut messages = Vec::new();
        if over(self.arrives) {
            self.arrives = None;
        }
        let forgotten = self.moves() && over(self.forgotten());
        if forgotten || over(self.step_ends) {
            self.way = None;
            self.lens = self.lens.filter(|_| !forgotten);
            self.step_ends = None;
            self.rests = Some(now);
            messages.push(self.motion(misc));
        }
        let begins = self.patrol_begins(misc, now);
        if self.scan == Scan::Automatic && !self.patrols(misc) {
            messages.extend(self.end_scan());
        } else if over(begins) {
            self.scan = Scan::Automatic;
            messages.push(Message::scan(self.address, true));
        }
        self.rests = self.rests.or(Some(now));
        messages
    }

    /// Says how long from `now` it need not be ticked; `None`: until the next order or change of `misc`.
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        let ended = (self.scan == Scan::Automatic && !self.patrols(misc)).then_some(now);
        let forgotten = self.forgotten().filter(|_| self.moves());
        // From when on it rests is known from the first tick on.
        let unknown = (self.rests.is_none() && self.patrols(misc)).then_some(now);
        let moments = [self.step_ends, forgotten, self.arrives, ended, unknown, self.patrol_begins(misc, now)];
        moments.into_iter().flatten().min().map(|moment| moment.saturating_duration_since(now))
    }

    /// Says whether the head moves, as far as that can be known.
    pub fn moving(&self, now: Instant) -> bool {
        self.goes_on() || self.arrives.is_some_and(|arrives| now < arrives)
    }

    /// Takes it that it moves no longer; of a scan nothing is said.
    pub fn rest(&mut self) {
        (self.way, self.lens, self.step_ends, self.arrives) = (None, None, None, None);
    }

    /// Says whether it goes on until it is told to stop, as far as that can be known.
    pub fn goes_on(&self) -> bool {
        self.moves() || self.scans()
    }

    /// Says whether it scans, as far as that can be known.
    pub fn scans(&self) -> bool {
        self.scan != Scan::Off
    }

    /// Lets an automatic patrol rest while `held`, as while there is an alarm; what is sent for that is given by [`Line::tick`].
    pub fn hold(&mut self, held: bool, now: Instant) {
        if self.held != held {
            self.held = held;
            self.rests = Some(now);
        }
    }

    fn turn(&mut self, way: Way, step_ends: Option<Instant>, misc: &Misc) -> Vec<Message> {
        (self.way, self.step_ends, self.arrives) = (Some(way), step_ends, None);
        self.move_on(misc)
    }

    /// Tells the head what is to move now, and that it scans no longer.
    fn move_on(&mut self, misc: &Misc) -> Vec<Message> {
        self.end_scan().into_iter().chain([self.motion(misc)]).collect()
    }

    fn end_scan(&mut self) -> Option<Message> {
        let scanned = std::mem::replace(&mut self.scan, Scan::Off) != Scan::Off;
        scanned.then(|| Message::scan(self.address, false))
    }

    fn motion(&self, misc: &Misc) -> Message {
        Message::motion(self.address, self.way, speed(misc.rate), self.lens)
    }

    fn moves(&self) -> bool {
        self.way.is_some() || self.lens.is_some()
    }

    /// When nobody has ordered anything for so long that whatever moves is stopped.
    fn forgotten(&self) -> Option<Instant> {
        self.ordered.map(|ordered| ordered + DEAD_MAN)
    }

    /// Says whether there are automatic patrols.
    fn patrols(&self, misc: &Misc) -> bool {
        let horizontal = matches!(misc.auto_patrol_type, PatrolType::Horizontal | PatrolType::Both);
        horizontal && misc.auto_patrol_interval_s.get() > 0 && !self.held
    }

    /// When an automatic patrol begins, if nothing else comes before.
    fn patrol_begins(&self, misc: &Misc, now: Instant) -> Option<Instant> {
        let interval = Duration::from_secs(misc.auto_patrol_interval_s.get().unsigned_abs().into());
        let rests = self.scan == Scan::Off && !self.moves() && self.arrives.is_none();
        (rests && self.patrols(misc)).then(|| self.rests.unwrap_or(now) + interval)
    }
}

/// Returns the speed of a rate: 0 is the fastest, 100 the slowest that still moves.
fn speed(rate: Int<0, 100>) -> u8 {
    let slower = (rate.get() * (i32::from(FASTEST) - 1) + 50) / 100;
    FASTEST - u8::try_from(slower).unwrap_or(FASTEST - 1)
}

#[cfg(test)]
mod tests;
