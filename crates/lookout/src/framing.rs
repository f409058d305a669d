//! Which part of the source's picture viewers see: a digital head, as the capture service and the head's service share it.
//!
//! The capture service asks for the window of each picture by the moment of its capture, so that a movement is as smooth as
//! the pictures come; the head's service gives the orders.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lookout_core::{
    media::{frame::Size, window::Window},
    profile::settings::Misc,
    ptz::{
        Axis, NotSupported, Order, Pose,
        mover::{Body, Mover},
    },
};

/// The digital head.
#[derive(Debug)]
pub struct Framing {
    mover: Mutex<Mover>,
}

impl Framing {
    /// Makes it, resting at a pose.
    pub fn new(pose: Pose, now: Instant) -> Self {
        let body = Body {
            octaves: 1.0,
            seen: (1.0, 1.0),
            degrees: (60.0, 45.0),
            centre: (0.5, 0.5),
            grid: (0.0, 0.0),
            blocks: (0.0, 0.0),
            blocks_zoom: 1.0,
        };
        Self { mover: Mutex::new(Mover::new(body, pose, now)) }
    }

    /// Returns what is seen of a picture of this size and these MCUs, captured at a moment; `None`: all of it as it is.
    pub fn window(&self, picture: Size, mcu: Size, captured: Instant) -> Option<Window> {
        let _ = (picture, mcu, captured);
        None
    }

    /// Takes an order; see [`Mover::order`].
    pub fn order(&self, order: Order, place: Option<Pose>, misc: &Misc, now: Instant) -> Result<(), NotSupported> {
        self.with(|mover| mover.order(order, place, misc, now))
    }

    /// See [`Mover::pose`].
    pub fn pose(&self, misc: &Misc, now: Instant) -> Pose {
        self.with(|mover| mover.pose(misc, now))
    }

    /// See [`Mover::due`].
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        self.with(|mover| mover.due(misc, now))
    }

    /// See [`Mover::hold`].
    pub fn hold(&self, held: bool, now: Instant) {
        self.with(|mover| mover.hold(held, now));
    }

    /// See [`Mover::moving`].
    pub fn moving(&self) -> bool {
        self.with(|mover| mover.moving())
    }

    /// See [`Mover::patrol`].
    pub fn patrol(&self) -> Option<Axis> {
        self.with(|mover| mover.patrol())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Mover) -> T) -> T {
        act(&mut self.mover.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
