//! What must follow, because a socket had no room for it.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    io::AsyncWrite,
    task::unconstrained,
    time::{Sleep, timeout},
};

use lookout_core::media::asf::{PACKET, packets};

use super::{super::conn::Conn, part, pictures::count};
use crate::{hub::Shown, metrics::Flow};

/// What must follow.
pub enum Rest {
    /// Nothing: what was due was not begun, and once there is room there is something newer.
    Nothing,
    /// A part of the push stream from an offset on, straight from the shared buffer.
    Part(Arc<Shown>, usize),
    /// Bytes that are this viewer's own.
    Own(Own),
}

/// Bytes that are a viewer's own.
pub struct Own {
    /// Those that go next.
    pub bytes: Vec<u8>,
    /// How many of them are written.
    pub done: usize,
    /// The picture that goes on behind them, and with which packet.
    pub picture: Option<(Arc<Shown>, usize)>,
}

impl Own {
    /// Keeps sound.
    pub fn sound(bytes: &[u8], done: usize) -> Self {
        Self { bytes: bytes[done..].to_vec(), done: 0, picture: None }
    }

    /// Says whether there are more to come behind those that go next.
    fn goes_on(&self) -> bool {
        self.picture.as_ref().is_some_and(|(shown, next)| *next < packets(&shown.jpeg))
    }
}

impl Rest {
    /// Writes it, and what its form refills it with; fails once the connection has taken nothing for `stall`.
    pub async fn write(
        mut self,
        conn: &mut Conn,
        mut refill: impl FnMut(&mut Own) -> io::Result<()>,
        stall: Duration,
        flow: &Flow,
    ) -> io::Result<()> {
        if let (Self::Nothing, Conn::Plain(socket)) = (&self, &*conn) {
            return timeout(stall, socket.writable()).await?;
        }
        let mut patience = pin!(None);
        poll_fn(|cx| {
            while self.is_left() {
                if let Self::Own(own) = &mut self
                    && own.done == own.bytes.len()
                {
                    refill(own)?;
                }
                let write = Pin::new(&mut *conn).poll_write_vectored(cx, &self.slices());
                match ready!(patiently(write, cx, patience.as_mut(), stall))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => self.advance(written),
                }
            }
            // What TLS holds back is sent as well.
            patiently(Pin::new(&mut *conn).poll_flush(cx), cx, patience.as_mut(), stall)
        })
        .await?;
        self.count(flow);
        Ok(())
    }

    fn is_left(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Part(shown, done) => *done < part::length(shown),
            Self::Own(own) => own.done < own.bytes.len() || own.goes_on(),
        }
    }

    fn slices(&self) -> [IoSlice<'_>; 3] {
        match self {
            Self::Nothing => [&[][..]; 3].map(IoSlice::new),
            Self::Part(shown, done) => part::slices(shown, *done),
            Self::Own(own) => [&own.bytes[own.done..], &[], &[]].map(IoSlice::new),
        }
    }

    fn advance(&mut self, written: usize) {
        match self {
            Self::Nothing => {}
            Self::Part(_, done) => *done += written,
            Self::Own(own) => own.done += written,
        }
    }

    fn count(&self, flow: &Flow) {
        match self {
            Self::Nothing => {}
            Self::Part(shown, _) => count(shown, part::length(shown), flow),
            Self::Own(own) => {
                if let Some((shown, _)) = &own.picture {
                    count(shown, packets(&shown.jpeg) * PACKET, flow);
                }
            }
        }
    }
}

/// What a connection took at once.
#[derive(Clone, Copy, Default)]
pub struct Taken {
    pub bytes: usize,
    /// Whether TLS holds some of it back, for which the socket has no room.
    pub held: bool,
}

impl Taken {
    /// Says whether nothing must follow of so many bytes.
    pub fn all(self, length: usize) -> bool {
        self.bytes == length && !self.held
    }
}

/// Writes as much as there is room for, and never waits; none if there is no room at all.
pub fn try_write(conn: &mut Conn, slices: &[IoSlice<'_>]) -> io::Result<Option<Taken>> {
    let written = match conn {
        Conn::Plain(socket) => socket.try_write_vectored(slices),
        Conn::Tls(_) => at_once(|cx| Pin::new(&mut *conn).poll_write_vectored(cx, slices)),
    };
    let bytes = match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        written => written?,
    };
    let held = match conn {
        Conn::Plain(_) => false,
        Conn::Tls(_) => match at_once(|cx| Pin::new(&mut *conn).poll_flush(cx)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            flushed => flushed.map(|()| false)?,
        },
    };
    Ok(Some(Taken { bytes, held }))
}

/// Polls once, whatever the runtime thinks of the share that this task has had: that is the fan's own care.
fn at_once<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>) -> io::Result<T> {
    let once = pin!(unconstrained(poll_fn(|cx| Poll::Ready(poll(cx)))));
    match once.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Poll::Ready(done)) => done,
        Poll::Ready(Poll::Pending) | Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
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
