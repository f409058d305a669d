//! The head as requests and other services see it: orders go in, how it stands comes out.
//!
//! Nobody waits longer than [`PATIENCE`] for a head, whatever it does.

mod pictures;
mod told;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lookout_core::{
    profile::{
        reply::Failure,
        settings::{Settings, User},
        wire::Text,
    },
    ptz::{Axis, Column, Order, Pose, Preset},
};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    pictures::{LARGEST, Pictures, index, remove as remove_pictures},
    told::{in_json, is_set},
};

use crate::{config::HeadKind, metrics::HeadCounters};

/// At most how long an order waits for the head.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How many orders may wait.
const WAITING: usize = 16;

/// What somebody wants of the head, who, and whom to tell what came of it.
pub struct Ordered {
    /// What is wanted.
    pub wish: Wish,
    /// Who wants it.
    pub user: User,
    /// Takes the answer.
    pub done: oneshot::Sender<Result<(), Failure>>,
}

/// What somebody wants of the head.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// An order; its way is as the viewer sees it.
    Order(Order),
    /// To keep where it is as a preset, perhaps with a name.
    Keep(Preset, Option<Text<32>>),
    /// To name a preset.
    Name(Preset, Text<32>),
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
    /// Whether there are presets: they may be off since the start (`ptz_disable_preset`).
    pub presets: bool,
}

/// The head.
pub struct Head {
    /// What it is.
    pub kind: HeadKind,
    /// What its presets show.
    pub pictures: Arc<Pictures>,
    orders: mpsc::Sender<Ordered>,
    taken: Mutex<Option<mpsc::Receiver<Ordered>>>,
    standing: watch::Sender<Standing>,
    /// Whether the camera ends.
    ends: watch::Sender<bool>,
    counters: Arc<HeadCounters>,
}

impl Head {
    /// Makes it, with the pictures of its presets in the state folder.
    pub fn new(kind: HeadKind, state: &Path, settings: &Settings, counters: Arc<HeadCounters>) -> Arc<Self> {
        let (orders, taken) = mpsc::channel(WAITING);
        Arc::new(Self {
            kind,
            pictures: Arc::new(Pictures::open(state, settings)),
            orders,
            taken: Mutex::new(Some(taken)),
            standing: watch::Sender::default(),
            ends: watch::Sender::default(),
            counters,
        })
    }

    /// Returns the column of commands that it understands.
    pub const fn column(&self) -> Column {
        match self.kind {
            HeadKind::None => Column::None,
            HeadKind::Digital | HeadKind::Uvc => Column::BuiltIn,
            HeadKind::PelcoD => Column::Line,
        }
    }

    /// Gives an order of somebody's, and waits until the head has it.
    ///
    /// # Errors
    /// [`Failure::NotSupported`]: this head cannot. [`Failure::Busy`]: too many orders wait. [`Failure::Internal`]: it does not
    /// answer in time, or is gone. [`Failure::Gone`]: the account is no more that would have stored a preset.
    pub async fn order(&self, order: Order, user: &User) -> Result<(), Failure> {
        self.wish(Wish::Order(order), user).await
    }

    /// Tells the head what somebody wants, and waits until it has it; see [`Head::order`].
    pub async fn wish(&self, wish: Wish, user: &User) -> Result<(), Failure> {
        let answer = self.ask(wish, user.clone()).await;
        self.counters.ordered(answer);
        answer
    }

    async fn ask(&self, wish: Wish, user: User) -> Result<(), Failure> {
        if self.kind == HeadKind::None {
            return Err(Failure::NotSupported);
        }
        let (done, answer) = oneshot::channel();
        self.orders.try_send(Ordered { wish, user, done }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Busy,
            mpsc::error::TrySendError::Closed(_) => Failure::Internal,
        })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Err(Failure::Internal),
        }
    }

    /// Gives the orders, once: to the head's service.
    pub fn orders(&self) -> Option<mpsc::Receiver<Ordered>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Follows how it stands.
    pub fn follow(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Returns how it stands.
    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Tells how it stands; the service's alone.
    pub fn stands(&self, standing: Standing) {
        self.standing.send_if_modified(|before| std::mem::replace(before, standing) != standing);
    }

    /// Waits until the camera ends. May be cancelled.
    pub async fn ending(&self) {
        // Whoever holds the head holds the sender.
        let _ = self.ends.subscribe().wait_for(|ends| *ends).await;
    }

    /// Ends its service, before the camera ends: returns when it is on the disk where the head rests.
    pub async fn close(&self) {
        self.ends.send_replace(true);
        // Where no service runs, nobody has to be waited for.
        drop(self.orders());
        self.orders.closed().await;
    }
}
