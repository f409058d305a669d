//! The kinds of heads, as their service moves them: each does what it is told in time, or is lost.

use std::{sync::Arc, time::Duration};

use lookout_core::{
    profile::{place::Place, reply::Failure, settings::Misc},
    ptz::{Axis, Order, Pose},
};
use tokio::time::Instant;

use super::{device::Device, wired::Wired};
use crate::framing::Framing;

/// How long a device may take for anything: whoever ordered it hears of it before he stops waiting.
pub const PATIENCE: Duration = Duration::from_millis(1500);

/// A head.
pub enum Body {
    /// A window over the source's picture.
    Digital(Arc<Framing>),
    /// One on a serial line.
    Line(Wired),
    /// A device that takes positions.
    Device(Box<Device>),
}

impl Body {
    /// Gives it an order whose way is its own; `place` is where the preset of [`Order::GoTo`] is.
    ///
    /// # Errors
    /// It does not know it, or cannot be reached.
    pub async fn order(&mut self, order: Order, place: Option<Pose>, misc: &Misc) -> Result<(), Failure> {
        match self {
            Self::Digital(framing) => framing.order(order, place, now()).map_err(|_| Failure::NotSupported),
            Self::Line(line) => line.order(order, misc).await,
            Self::Device(device) => device.order(order, place, misc),
        }
    }

    /// Does what is due by itself.
    pub async fn tick(&mut self, misc: &Misc) {
        match self {
            Self::Digital(_) => {}
            Self::Line(line) => line.tick(misc).await,
            Self::Device(device) => device.tick(misc).await,
        }
    }

    /// Has it stop what would go on without the camera.
    pub async fn end(&mut self, misc: &Misc) {
        match self {
            // One ends with the camera, the other is told places, not ways.
            Self::Digital(_) | Self::Device(_) => {}
            Self::Line(line) => line.end(misc).await,
        }
    }

    /// Says when it is to be ticked; none: at the next order or change of `misc`.
    pub fn due(&mut self, misc: &Misc) -> Option<Instant> {
        match self {
            Self::Digital(framing) => framing.due(now()).map(|left| Instant::now() + left),
            Self::Line(line) => line.due(misc),
            Self::Device(device) => device.due(misc),
        }
    }

    /// Lets patrols rest while `held`.
    pub fn hold(&mut self, held: bool) {
        match self {
            Self::Digital(framing) => framing.hold(held, now()),
            Self::Line(line) => line.hold(held),
            Self::Device(device) => device.hold(held),
        }
    }

    /// Returns where it is, if it knows; whether it moves; and, as far as that is known, which patrol goes on or rests for a
    /// while.
    pub fn standing(&mut self, misc: &Misc) -> (Option<Pose>, bool, Option<Axis>) {
        match self {
            Self::Digital(framing) => {
                let (pose, moving, patrol) = framing.standing(now());
                (Some(pose), moving, patrol)
            }
            Self::Line(line) => (None, line.moving(), None),
            Self::Device(device) => (device.pose(misc), device.moving(misc), device.patrol()),
        }
    }

    /// Returns where it is, if it knows.
    pub fn pose(&mut self, misc: &Misc) -> Option<Pose> {
        self.standing(misc).0
    }

    /// Waits until it may be elsewhere than it was though nobody ordered anything. May be cancelled.
    pub async fn shifted(&mut self) {
        match self {
            Self::Digital(framing) => framing.fitted().await,
            Self::Line(_) | Self::Device(_) => std::future::pending().await,
        }
    }

    /// Says whether it keeps its presets itself.
    pub fn keeps(&self) -> bool {
        matches!(self, Self::Line(_))
    }

    /// Says why it cannot be reached, if it cannot.
    pub fn lost(&self) -> Option<&str> {
        match self {
            Self::Digital(_) => None,
            Self::Line(line) => line.lost(),
            Self::Device(device) => device.lost(),
        }
    }

    /// Returns where it is as a place to come back to.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn place(&mut self, misc: &Misc) -> Result<Place, Failure> {
        if self.keeps() {
            return Ok(Place::Head);
        }
        self.pose(misc).map(Pose::place).ok_or(Failure::Internal)
    }
}

/// The moment that it is, on the clock that tests can hold.
pub fn now() -> std::time::Instant {
    Instant::now().into_std()
}
