//! The push stream: writes each frame that is due straight from the shared buffer to the socket.
//!
//! A viewer costs one wake-up and one vectored write a frame: no copy, no allocation, no timer. Only when the socket
//! takes no more is a timer armed, and a viewer that takes nothing for `stall` is closed.

use std::{
    collections::HashMap,
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use lookout_core::profile::settings::User;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    task::AbortHandle,
    time::Sleep,
};

use crate::{
    hub::{Shown, Viewer},
    metrics::Metrics,
};

/// An endless answer: what is to be watched, and by whom.
pub struct Push {
    /// The frames.
    pub viewer: Viewer,
    /// The account that watches.
    pub user: User,
}

impl Push {
    /// Writes frames until the client leaves, stalls, or the camera stops.
    ///
    /// # Errors
    /// Why it ended; [`io::ErrorKind::TimedOut`] for a viewer that took nothing.
    pub async fn run(
        mut self,
        conn: &mut (impl AsyncWrite + Unpin),
        stall: Duration,
        metrics: &Metrics,
    ) -> io::Result<()> {
        let _viewer = metrics.viewer();
        while let Some(shown) = self.viewer.next().await {
            let written = write_part(conn, &shown, stall).await?;
            metrics.sent(written, Instant::now().saturating_duration_since(shown.captured));
        }
        conn.shutdown().await
    }
}

/// Writes one part: its head, the picture, and the line end behind it.
async fn write_part(conn: &mut (impl AsyncWrite + Unpin), shown: &Shown, stall: Duration) -> io::Result<usize> {
    let part: [&[u8]; 3] = [&shown.head, &shown.frame.jpeg, b"\r\n"];
    let whole = part.iter().map(|slice| slice.len()).sum();
    let mut done = 0;
    let mut patience = pin!(None);
    poll_fn(|cx| {
        while done < whole {
            done += ready!(poll_some(Pin::new(&mut *conn), cx, &part, done, patience.as_mut(), stall))?;
        }
        // What TLS holds back is sent as well; a plain socket holds nothing back.
        Pin::new(&mut *conn).poll_flush(cx)
    })
    .await?;
    Ok(whole)
}

/// Writes what the connection takes of a part from an offset on; fails once it has taken nothing for `stall`.
fn poll_some(
    conn: Pin<&mut (impl AsyncWrite + Unpin)>,
    cx: &mut Context<'_>,
    part: &[&[u8]; 3],
    done: usize,
    mut patience: Pin<&mut Option<Sleep>>,
    stall: Duration,
) -> Poll<io::Result<usize>> {
    let mut skip = done;
    let rest = part.map(|slice| {
        let (skipped, left) = slice.split_at(skip.min(slice.len()));
        skip -= skipped.len();
        IoSlice::new(left)
    });
    match conn.poll_write_vectored(cx, &rest) {
        Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        Poll::Ready(written) => {
            patience.set(None);
            Poll::Ready(written)
        }
        Poll::Pending => {
            if patience.is_none() {
                patience.set(Some(tokio::time::sleep(stall)));
            }
            let late = patience.as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready());
            if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
        }
    }
}

/// The streams that run, so that they can be ended when their account changes (RULES W12).
#[derive(Default)]
pub struct Streams {
    running: Mutex<HashMap<u64, (User, AbortHandle)>>,
}

/// A stream's place in the register; dropped with the stream.
pub struct Running {
    streams: Arc<Streams>,
    id: u64,
}

impl Streams {
    /// Starts a stream as a task of its own, registered as long as it runs.
    pub fn start<F>(self: &Arc<Self>, id: u64, user: User, stream: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // The lock is held until the handle is in, so that a stream that ends at once finds its entry to remove.
        let mut running = self.lock();
        let place = Running { streams: self.clone(), id };
        let task = tokio::spawn(async move {
            let _place = place;
            stream.await;
        });
        running.insert(id, (user, task.abort_handle()));
    }

    /// Ends every stream whose account is not among these any more, as it was.
    pub fn keep(&self, users: &[User]) {
        for (user, task) in self.lock().values() {
            if !users.contains(user) {
                task.abort();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, (User, AbortHandle)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.id);
    }
}
