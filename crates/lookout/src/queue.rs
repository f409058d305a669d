//! A queue on the disk of what waits for its server: bounded in number and bytes, there again after a restart.
//!
//! ```text
//!   push ──▶ STATE/queue/mail/NUMBER ──▶ oldest ──▶ sent ──▶ done
//!              └ disk full or read-only ▶ memory ┘   └ failed: oldest again, later
//! ```
//! Bargains: what was pushed is on the disk when [`Queue::push`] returns and is given out until it is done with, so that
//! a cut loses nothing; whoever is cut between sending and [`Queue::done`] sends twice. A disk that refuses keeps no alarm from
//! going out: the item then waits in memory, [within its own bounds](IN_MEMORY), and a restart loses it. What does not fit
//! any more makes room, the oldest first; that, what is damaged, and what was tried for two days
//! ([`core::queue`](lookout_core::queue)), is thrown away and counted. All disk work is done on a blocking thread, one a queue.

mod shelf;

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use lookout_core::backoff::Backoff;
use tokio::{
    sync::{Mutex, watch},
    task::spawn_blocking,
    time::sleep,
};

use self::shelf::Shelf;
use crate::{alarm::Link, files, metrics::AlarmCounters};

/// How much a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items.
    pub items: usize,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// How much of a queue is kept in memory while the disk refuses it.
pub const IN_MEMORY: Limits = Limits { items: 16, bytes: 8 << 20 };
/// How long a server that failed is left alone; whoever is told of a new item tries it at once.
pub const BACKOFF: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(600));
/// How long the program waits for descriptors or memory before it looks again.
const STARVED: Duration = Duration::from_secs(1);
/// The folder of all queues in the state folder.
const FOLDER: &str = "queue";

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is, in the words of whoever put it there; at most [64 KiB](lookout_core::queue::HEAD).
    pub head: serde_json::Value,
    /// A picture, or several in a form that the head tells; may be empty.
    pub body: Bytes,
}

/// The oldest item, and what to give back when it is done with.
#[derive(Debug)]
pub struct Ticket {
    /// The item.
    pub item: Item,
    number: u64,
}

/// An item is larger than its queue; it was thrown away and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is too large to be kept")]
pub struct TooLarge;

/// A queue on the disk.
pub struct Queue {
    shelf: Arc<Mutex<Shelf>>,
    bell: watch::Sender<()>,
}

impl Queue {
    /// Opens the queue of a link in the state folder; what is there beyond the limits is thrown away and counted. Reads the
    /// names of a folder: for the start. A folder that cannot be read is left as it is until the next start.
    pub fn open(state: &Path, link: Link, limits: Limits, counters: Arc<AlarmCounters>) -> Arc<Self> {
        let folder = state.join(FOLDER).join(link.word());
        let shelf = Arc::new(Mutex::new(Shelf::open(folder, link, limits, counters)));
        Arc::new(Self { shelf, bell: watch::Sender::new(()) })
    }

    /// Puts an item behind all others; the oldest are thrown away and counted where it does not fit.
    ///
    /// Must not be cancelled: the item may be there then, or not.
    ///
    /// # Errors
    /// It is larger than the whole queue.
    pub async fn push(&self, item: Item) -> Result<(), TooLarge> {
        self.work(move |shelf| shelf.push(item)).await?;
        self.bell.send_replace(());
        Ok(())
    }

    /// Waits for the oldest item, which stays where it is until it is [done with](Self::done). May be cancelled.
    pub async fn oldest(&self) -> Ticket {
        let mut bell = self.bell();
        loop {
            match self.work(Shelf::oldest).await {
                Ok(Some(ticket)) => return ticket,
                // Whoever holds the queue holds its bell, too.
                Ok(None) => drop(bell.changed().await),
                Err(_) => sleep(STARVED).await,
            }
        }
    }

    /// Gives what rings whenever an item was pushed: a reason to try a server that failed at once.
    pub fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// Removes an item that has arrived.
    pub async fn done(&self, ticket: Ticket) {
        self.work(move |shelf| shelf.remove(ticket.number)).await;
    }

    /// Removes an item that its server will never take; it is counted as thrown away.
    pub async fn give_up(&self, ticket: Ticket) {
        self.work(move |shelf| shelf.throw_away(ticket.number)).await;
    }

    /// Does disk work on a blocking thread; one at a time.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&mut Shelf) -> T + Send + 'static) -> T {
        let mut shelf = self.shelf.clone().lock_owned().await;
        match spawn_blocking(move || work(&mut shelf)).await {
            Ok(done) => done,
            // It is never cancelled, and a panic of it is one of ours.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

/// Removes the queues of a camera that does not run, or not yet.
///
/// # Errors
/// The system refused.
pub fn remove(state: &Path) -> io::Result<()> {
    match fs::remove_dir_all(state.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => files::sync(state),
    }
}

#[cfg(test)]
mod tests;
