//! The push stream: each frame goes straight from the shared buffer to every socket that has room for it.
//!
//! One loop, a *fan*, serves many viewers: for each it does one vectored write a frame, and nothing else, no copy, no
//! allocation, no wake-up. Only a viewer whose socket has no room gets a task of its own, which waits until the rest of
//! its picture is taken and then gives the viewer back, to be shown the newest frame. A viewer that takes nothing for
//! `stall` is closed; one whose account was changed, too (RULES W12). When the privacy gate closes, the fan ends with all
//! its viewers, in the middle of a picture if need be.
//!
//! ```text
//!   join ──▶ seated ──── no room for all of a picture ────▶ busy ── stalled, left, account changed ──▶ closed
//!              ▲  └── left, account changed ──▶ closed        │
//!              └──────────── the rest was taken ──────────────┘
//! ```

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use lookout_core::{
    media::pace::Pace,
    profile::settings::{Resolution, User},
};
use tokio::{
    io::AsyncWrite,
    sync::mpsc,
    task::JoinSet,
    time::{Sleep, timeout},
};

use super::{
    caps::Place,
    conn::{Conn, Revocable},
};
use crate::{
    accounts::Accounts,
    hub::{Shown, Viewer},
    metrics::{Flow, Held},
    store::Store,
};

/// An endless answer: what is to be watched, how often, and by whom.
pub struct Push {
    /// Who serves it.
    pub fans: Arc<Fans>,
    /// The frames; watched from the moment of the answer on.
    pub frames: Viewer,
    /// The size.
    pub size: Resolution,
    /// How often.
    pub pace: Pace,
    /// The account that watches.
    pub user: User,
}

/// All push streams of one source: for each size a fan on every core, there while somebody watches.
pub struct Fans {
    store: Arc<Store>,
    flow: Arc<Flow>,
    stall: Duration,
    /// One row of doors a size. A queue is bounded by the bound on connections.
    doors: [Vec<Door>; 3],
    joined: AtomicUsize,
}

type Door = Mutex<Option<mpsc::UnboundedSender<Seat>>>;

/// A viewer with its connection.
struct Seat {
    conn: Revocable,
    /// What it came to watch.
    frames: Viewer,
    /// How often it gets a frame.
    pace: Pace,
    /// The account that watches.
    user: User,
    /// The last frame that it was sent.
    last: Option<u64>,
    _viewer: Held,
    _place: Place,
}

/// How many writes are made before others get a turn.
const TURN: usize = 32;

impl Fans {
    /// Makes them; none runs yet.
    pub fn new(store: Arc<Store>, flow: Arc<Flow>, stall: Duration) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
        let row = || std::iter::repeat_with(Door::default).take(cores).collect();
        Arc::new(Self { store, flow, stall, doors: [row(), row(), row()], joined: AtomicUsize::new(0) })
    }

    /// Takes over a connection whose head is written.
    pub fn join(push: Push, conn: Revocable, place: Place) {
        let Push { fans, frames, size, pace, user } = push;
        let row = match size {
            Resolution::Vga => 0,
            Resolution::Qvga => 1,
            Resolution::Qqvga => 2,
        };
        fans.take(row, Seat { conn, frames, pace, user, last: None, _viewer: fans.flow.viewer(), _place: place });
    }

    /// Has a viewer go to the fan behind one of a row's doors.
    fn take(self: &Arc<Self>, row: usize, mut seat: Seat) {
        let door = self.joined.fetch_add(1, Ordering::Relaxed) % self.doors[row].len();
        let mut slot = lock(&self.doors[row][door]);
        if let Some(door) = slot.as_ref() {
            // A fan that leaves shuts its door under this lock: behind an open one there is somebody, but for a panic.
            match door.send(seat) {
                Ok(()) => return,
                Err(mpsc::error::SendError(back)) => seat = back,
            }
        }
        let frames = seat.frames.clone();
        let (sender, joining) = mpsc::unbounded_channel();
        // The other end is at hand.
        let _ = sender.send(seat);
        let fan = Fan {
            accounts: self.accounts(),
            frames,
            seats: Vec::new(),
            busy: JoinSet::new(),
            joining,
            place: (row, door),
            fans: self.clone(),
        };
        *slot = Some(sender);
        tokio::spawn(fan.run());
    }

    fn accounts(&self) -> Accounts {
        Accounts::new(self.store.follow())
    }
}

/// A loop that shows frames of one size.
struct Fan {
    accounts: Accounts,
    frames: Viewer,
    seats: Vec<Seat>,
    /// Those whose sockets had no room.
    busy: JoinSet<Option<Seat>>,
    joining: mpsc::UnboundedReceiver<Seat>,
    place: (usize, usize),
    fans: Arc<Fans>,
}

impl Fan {
    async fn run(mut self) {
        loop {
            tokio::select! {
                shown = self.frames.next() => match shown {
                    Some(shown) => self.show(shown).await,
                    None => return self.end(),
                },
                Some(seat) = self.joining.recv() => self.sit(seat),
                Some(back) = self.busy.join_next() => {
                    if let Ok(Some(seat)) = back {
                        self.offer(seat);
                    }
                }
                true = self.accounts.changed() => self.seats.retain(|seat| self.accounts.have(&seat.user)),
            }
            if self.seats.is_empty() && self.busy.is_empty() && self.leave() {
                return;
            }
        }
    }

    /// Gives a viewer a seat, unless its account was changed on its way here, or the privacy gate has closed.
    fn sit(&mut self, seat: Seat) {
        if self.accounts.have(&seat.user) && seat.frames.may_see() {
            self.seats.push(seat);
        }
    }

    /// Shows a frame to all who sit, or a newer one to the later ones if it comes meanwhile.
    async fn show(&mut self, mut shown: Arc<Shown>) {
        let mut next = 0;
        while next < self.seats.len() {
            match self.seats[next].show(&shown, &self.fans.flow) {
                Ok(Room::Enough) => next += 1,
                Ok(room) => {
                    let seat = self.seats.swap_remove(next);
                    self.wait_for(seat, shown.clone(), room);
                }
                Err(_) => drop(self.seats.swap_remove(next)),
            }
            if next % TURN == TURN - 1 {
                tokio::task::yield_now().await;
                // There is none if the privacy gate has closed meanwhile.
                let Some(newest) = self.frames.newest() else { return };
                shown = newest;
            }
        }
    }

    /// Shows the newest frame to somebody who was busy.
    fn offer(&mut self, mut seat: Seat) {
        let Some(newest) = self.frames.newest() else { return self.sit(seat) };
        match seat.show(&newest, &self.fans.flow) {
            Ok(Room::Enough) => self.sit(seat),
            Ok(room) => self.wait_for(seat, newest, room),
            Err(_) => {}
        }
    }

    fn wait_for(&mut self, seat: Seat, shown: Arc<Shown>, room: Room) {
        let fans = self.fans.clone();
        self.busy.spawn(async move {
            let user = seat.user.clone();
            let accounts = fans.accounts();
            tokio::select! {
                seat = seat.finish(&shown, room, &fans) => seat.ok(),
                () = accounts.lose(&user) => None,
            }
        });
    }

    /// Ends the fan with all who watch. Whoever has come since the privacy gate is open again goes to another one.
    fn end(mut self) {
        let (row, door) = self.place;
        *lock(&self.fans.doors[row][door]) = None;
        let joining = std::iter::from_fn(|| self.joining.try_recv().ok());
        for seat in self.seats.into_iter().chain(joining).filter(|seat| seat.frames.may_see()) {
            self.fans.take(row, seat);
        }
    }

    /// Ends the fan, unless somebody has just joined.
    fn leave(&mut self) -> bool {
        let ((row, door), fans) = (self.place, self.fans.clone());
        let mut slot = lock(&fans.doors[row][door]);
        match self.joining.try_recv() {
            Ok(seat) => {
                self.sit(seat);
                false
            }
            Err(_) => {
                *slot = None;
                true
            }
        }
    }
}

/// What a socket had room for.
enum Room {
    /// The whole part, or there was nothing to send.
    Enough,
    /// So many bytes of it; the rest must follow.
    Part(usize),
    /// Nothing.
    None,
}

impl Seat {
    /// Sends a frame, if it is due, as far as there is room; never waits.
    fn show(&mut self, shown: &Shown, flow: &Flow) -> io::Result<Room> {
        let mut pace = self.pace;
        if self.last.is_some_and(|last| shown.seq <= last) || !pace.takes(shown.captured) {
            return Ok(Room::Enough);
        }
        let room = match &*self.conn {
            // TLS encrypts for each viewer anyway: a task costs little beside that.
            Conn::Tls(_) => Room::Part(0),
            Conn::Plain(socket) => match socket.try_write_vectored(&slices(&part(shown), 0)) {
                Ok(written) if written == length(shown) => {
                    count(shown, flow);
                    Room::Enough
                }
                Ok(written) => Room::Part(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Room::None),
                Err(error) => return Err(error),
            },
        };
        let skipped = self.last.replace(shown.seq).map_or(0, |last| shown.seq - last - 1);
        if skipped > 0 {
            flow.frames_skipped.inc_by(skipped);
        }
        self.pace = pace;
        Ok(room)
    }

    /// Sends the rest of a part; of a part not begun nothing, for once there is room there is a newer frame.
    async fn finish(mut self, shown: &Shown, room: Room, fans: &Fans) -> io::Result<Self> {
        match (room, &mut *self.conn) {
            (Room::Enough, _) => {}
            (Room::None, Conn::Plain(socket)) => timeout(fans.stall, socket.writable()).await??,
            (Room::None, Conn::Tls(_)) => {}
            (Room::Part(done), conn) => {
                write_rest(conn, shown, done, fans.stall).await?;
                count(shown, &fans.flow);
            }
        }
        Ok(self)
    }
}

fn count(shown: &Shown, flow: &Flow) {
    flow.sent(length(shown), Instant::now().saturating_duration_since(shown.captured));
}

/// A part: its head, the picture, and the line end behind it (PROFILE 5.1).
fn part(shown: &Shown) -> [&[u8]; 3] {
    [&shown.head, &shown.frame.jpeg, b"\r\n"]
}

fn length(shown: &Shown) -> usize {
    part(shown).iter().map(|slice| slice.len()).sum()
}

/// Cuts a part from an offset on.
fn slices<'a>(part: &[&'a [u8]; 3], done: usize) -> [IoSlice<'a>; 3] {
    let mut skip = done;
    part.map(|slice| {
        let (skipped, left) = slice.split_at(skip.min(slice.len()));
        skip -= skipped.len();
        IoSlice::new(left)
    })
}

/// Writes a part from an offset on; fails once the connection has taken nothing for `stall`.
async fn write_rest(
    conn: &mut (impl AsyncWrite + Unpin),
    shown: &Shown,
    mut done: usize,
    stall: Duration,
) -> io::Result<()> {
    let (part, whole) = (part(shown), length(shown));
    let mut patience = pin!(None);
    poll_fn(|cx| {
        while done < whole {
            let rest = slices(&part, done);
            let write = Pin::new(&mut *conn).poll_write_vectored(cx, &rest);
            done += ready!(patiently(write, cx, patience.as_mut(), stall))?;
        }
        // What TLS holds back is sent as well.
        patiently(Pin::new(&mut *conn).poll_flush(cx), cx, patience.as_mut(), stall)
    })
    .await
}

/// Passes a result on; arms the timer while there is none, and gives up when it rings.
fn patiently<T>(
    polled: Poll<io::Result<T>>,
    cx: &mut Context<'_>,
    mut patience: Pin<&mut Option<Sleep>>,
    stall: Duration,
) -> Poll<io::Result<T>> {
    if polled.is_ready() {
        patience.set(None);
        return polled;
    }
    if patience.is_none() {
        patience.set(Some(tokio::time::sleep(stall)));
    }
    let late = patience.as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready());
    if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
