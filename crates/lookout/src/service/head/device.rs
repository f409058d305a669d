//! A device that turns to where it is told: opened again and again until it is there, and told at most 20 times a second.

use std::{future::Future, time::Duration};

use lookout_core::{
    port::{Lost, Promise, Turner},
    profile::{reply::Failure, settings::Misc},
    ptz::{Axis, Order, Pose, mover::Mover},
};
use tokio::time::{Instant, timeout};

use super::body::{PATIENCE, now};
use crate::pauses::Pauses;

/// Opens the device, again and again.
pub type Open = Box<dyn Fn() -> Promise<'static, Result<Box<dyn Turner>, Lost>> + Send>;

/// How often it is told where to go while it moves.
const BETWEEN: Duration = Duration::from_millis(50);

/// A device, there or lost.
pub struct Device {
    open: Open,
    /// Its name, for the log.
    name: String,
    there: Option<There>,
    /// Why it is lost.
    lost: Option<Lost>,
    /// When it is opened anew, or told again.
    next: Instant,
    /// Whether patrols rest.
    held: bool,
    pauses: Pauses,
}

struct There {
    turner: Box<dyn Turner>,
    mover: Mover,
    /// Where it was told to be.
    told: Pose,
    since: Instant,
}

impl Device {
    /// Makes it; it is opened at the first tick.
    pub fn new(name: String, open: Open) -> Self {
        let (there, lost) = (None, Some(Lost("it is not open yet".into())));
        Self { open, name, there, lost, next: Instant::now(), held: false, pauses: Pauses::default() }
    }

    pub(super) fn order(&mut self, order: Order, place: Option<Pose>, misc: &Misc) -> Result<(), Failure> {
        let there = self.there.as_mut().ok_or(Failure::Internal)?;
        there.mover.order(order, place, misc, now()).map_err(|_| Failure::NotSupported)
    }

    pub(super) async fn tick(&mut self, misc: &Misc) {
        if Instant::now() < self.next {
            return;
        }
        match &mut self.there {
            Some(there) => {
                let pose = there.mover.pose(misc, now());
                if pose == there.told {
                    return;
                }
                there.told = pose;
                if let Err(lost) = bounded(there.turner.turn(pose)).await {
                    return self.lose(lost);
                }
                self.next = Instant::now() + BETWEEN;
            }
            None => match bounded((self.open)()).await {
                Ok(turner) => self.found(turner),
                Err(lost) => self.lose(lost),
            },
        }
    }

    /// Notes a device that was opened: it stays where it is until somebody orders something.
    fn found(&mut self, turner: Box<dyn Turner>) {
        tracing::info!("head {}: {}", self.name, turner.about());
        let told = turner.pose();
        let mut mover = Mover::new(turner.body(), told, now());
        mover.hold(self.held, now());
        // As near to it as the mover knows: the device is not moved by being found.
        let told = mover.pose(&Misc::default(), now());
        self.there = Some(There { turner, mover, told, since: Instant::now() });
        self.lost = None;
    }

    fn lose(&mut self, why: Lost) {
        if let Some(there) = self.there.take() {
            self.pauses.delivered(there.since.elapsed());
        }
        if self.lost.as_ref() != Some(&why) {
            tracing::warn!("head {}: {why}", self.name);
        }
        self.next = Instant::now() + self.pauses.next();
        self.lost = Some(why);
    }

    pub(super) fn due(&mut self, misc: &Misc) -> Option<Instant> {
        let Some(there) = &mut self.there else { return Some(self.next) };
        // Where it came to rest it is told in its turn.
        if there.mover.pose(misc, now()) != there.told {
            return Some(self.next);
        }
        there.mover.due(misc, now()).map(|left| (Instant::now() + left).max(self.next))
    }

    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
        if let Some(there) = &mut self.there {
            there.mover.hold(held, now());
        }
    }

    pub(super) fn moving(&mut self, misc: &Misc) -> bool {
        // What it has not been told yet is still to come.
        self.there.as_mut().is_some_and(|there| there.mover.pose(misc, now()) != there.told || there.mover.moving())
    }

    pub(super) fn patrol(&self) -> Option<Axis> {
        self.there.as_ref()?.mover.patrol()
    }

    pub(super) fn pose(&mut self, misc: &Misc) -> Option<Pose> {
        Some(self.there.as_mut()?.mover.pose(misc, now()))
    }

    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_ref().map(|lost| lost.0.as_str())
    }
}

async fn bounded<T>(wait: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(Lost("it does not answer in time".into())))
}
