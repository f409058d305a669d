//! Endless answers: what there is goes from the hub to every socket that has room for it, in one of several *forms*.
//!
//! One loop, a *fan*, serves many viewers: for each it does one vectored write a picture, and nothing else, no copy, no
//! allocation, no wake-up. Only a viewer whose socket has no room gets a task of its own, which waits until the rest is
//! taken and then gives the viewer back, to be shown the newest frame. A viewer that takes nothing for `stall` is closed;
//! one whose account was changed, too (RULES W12). When the privacy gate closes, the fan ends with all its viewers, in the
//! middle of a picture if need be.
//!
//! ```text
//!   join ──▶ seated ──── no room for all of it ────▶ busy ── stalled, left, account changed ──▶ closed
//!              ▲  └── left, account changed ──▶ closed  │
//!              └──────────── the rest was taken ─────────┘
//! ```
//!
//! What a form is, which piece of it is next and what becomes of the rest is said in `form`; all else is here, once.

mod asf;
mod fan;
mod form;
mod multipart;
mod part;
mod pictures;
mod rest;
mod seat;
mod wav;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use lookout_core::profile::settings::User;
use tokio::sync::mpsc;

use self::{fan::Fan, seat::Seat};
use super::{caps::Place, conn::Revocable};
use crate::{accounts::Accounts, guests::Watching, metrics::Flow, store::Store};

pub use self::{asf::Asf, form::Form, pictures::Pictures, wav::Wav};

/// An endless answer: what goes out, and to whom.
pub struct Push {
    /// Who serves it.
    pub fans: Arc<Fans>,
    /// What goes out; frames are watched and sound is listened to from the moment of the answer on.
    pub form: Form,
    /// What goes out at once, behind the head.
    pub begin: Bytes,
    /// The account that watches.
    pub user: User,
    /// Its place in the list of those who watch.
    pub watching: Watching,
}

/// All push streams of one source: for each form and size a fan on every core, there while somebody watches.
pub struct Fans {
    store: Arc<Store>,
    flow: Arc<Flow>,
    stall: Duration,
    /// A queue is bounded by the bound on connections.
    doors: [Vec<Door>; Form::ROWS],
    joined: AtomicUsize,
}

type Door = Mutex<Option<mpsc::UnboundedSender<Seat>>>;

impl Fans {
    /// Makes them; none runs yet.
    pub fn new(store: Arc<Store>, flow: Arc<Flow>, stall: Duration) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
        let row = |_| std::iter::repeat_with(Door::default).take(cores).collect();
        Arc::new(Self { store, flow, stall, doors: std::array::from_fn(row), joined: AtomicUsize::new(0) })
    }

    /// Takes over a connection whose head is written, and what goes out with it.
    pub fn join(push: Push, conn: Revocable, place: Place) {
        let Push { fans, form, begin: _, user, watching } = push;
        let viewer = fans.flow.viewer();
        fans.take(Seat::new(conn, form, user, (viewer, watching), place));
    }

    /// Counts a picture that goes out alone.
    pub fn snapshot(&self) {
        self.flow.snapshots.inc();
    }

    /// Has a viewer go to the fan behind one of the doors for its form.
    fn take(self: &Arc<Self>, mut seat: Seat) {
        let row = seat.form.row();
        let door = self.joined.fetch_add(1, Ordering::Relaxed) % self.doors[row].len();
        let mut slot = self.slot((row, door));
        if let Some(door) = slot.as_ref() {
            // A fan that leaves shuts its door under this lock: behind an open one there is somebody, but for a panic.
            match door.send(seat) {
                Ok(()) => return,
                Err(mpsc::error::SendError(back)) => seat = back,
            }
        }
        let (sender, joining) = mpsc::unbounded_channel();
        let fan = Fan::new(self.clone(), (row, door), &seat.form, joining);
        // The other end is at hand.
        let _ = sender.send(seat);
        *slot = Some(sender);
        tokio::spawn(fan.run());
    }

    fn slot(&self, (row, door): (usize, usize)) -> MutexGuard<'_, Option<mpsc::UnboundedSender<Seat>>> {
        self.doors[row][door].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accounts(&self) -> Accounts {
        Accounts::new(self.store.follow())
    }
}

#[cfg(test)]
mod tests;
