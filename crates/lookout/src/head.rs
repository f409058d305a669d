//! The head as requests and other services see it: orders go in, how it stands comes out.
//!
//! Nobody waits longer than [`PATIENCE`] for a head, whatever it does.

use std::{sync::Arc, time::Duration};

use lookout_core::{
    profile::reply::Failure,
    ptz::{Axis, Column, Order, Pose},
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::config::HeadKind;

/// At most how long an order waits for the head.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How many orders may wait.
const WAITING: usize = 16;

/// An order, and whom to tell what came of it.
pub struct Ordered {
    /// What is ordered; its way is as the viewer sees it.
    pub order: Order,
    /// Takes the answer.
    pub done: oneshot::Sender<Result<(), Failure>>,
}

/// How the head stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Whether it cannot be reached.
    pub lost: bool,
    /// Whether it moves, or has just moved: what is seen is not what was seen.
    pub moving: bool,
    /// Which patrol goes on or rests for a while.
    pub patrol: Option<Axis>,
    /// Where it is, if it knows.
    pub pose: Option<Pose>,
}

/// The head.
pub struct Head {
    /// What it is.
    pub kind: HeadKind,
    orders: mpsc::Sender<Ordered>,
    standing: watch::Sender<Standing>,
}

impl Head {
    /// Makes it, and the way in which orders reach its service.
    pub fn new(kind: HeadKind) -> (Arc<Self>, mpsc::Receiver<Ordered>) {
        let (orders, taken) = mpsc::channel(WAITING);
        (Arc::new(Self { kind, orders, standing: watch::Sender::default() }), taken)
    }

    /// Returns the column of commands that it understands.
    pub const fn column(&self) -> Column {
        match self.kind {
            HeadKind::None => Column::None,
            HeadKind::Digital | HeadKind::Uvc => Column::BuiltIn,
            HeadKind::PelcoD => Column::Line,
        }
    }

    /// Gives an order, and waits until the head has it.
    ///
    /// # Errors
    /// [`Failure::NotSupported`]: this head cannot. [`Failure::Busy`]: too many orders wait. [`Failure::Internal`]: it does not
    /// answer in time, or is gone.
    pub async fn order(&self, order: Order) -> Result<(), Failure> {
        let (done, answer) = oneshot::channel();
        self.orders.try_send(Ordered { order, done }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Busy,
            mpsc::error::TrySendError::Closed(_) => Failure::NotSupported,
        })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Err(Failure::Internal),
        }
    }

    /// Follows how it stands.
    pub fn follow(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Tells how it stands; the service's alone.
    pub fn stands(&self, standing: Standing) {
        self.standing.send_if_modified(|before| std::mem::replace(before, standing) != standing);
    }
}
