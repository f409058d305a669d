//! A client's connection, in clear or over TLS.

use std::{
    io::{self, IoSlice},
    ops::{Deref, DerefMut},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use lookout_linux::socket::unacknowledged;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_rustls::server::TlsStream;

/// A client's connection.
pub enum Conn {
    /// HTTP.
    Plain(TcpStream),
    /// HTTPS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Conn {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// A connection over which pictures go: whatever of them its client's system has not taken when it is closed, by whom
/// or what ever, is thrown away.
///
/// A system goes on sending what was written to a socket after the socket is closed, for minutes if the client reads
/// slowly, and nobody can stop it then. So such a socket is set to be reset on closing, also if the daemon is killed; only
/// when its client has everything it is closed as others are.
pub struct Revocable(Conn);

impl Revocable {
    /// Makes a connection revocable.
    ///
    /// # Errors
    /// The system refuses: then no picture may be sent.
    pub fn new(conn: Conn) -> io::Result<Self> {
        SockRef::from(conn.socket()).set_linger(Some(Duration::ZERO))?;
        Ok(Self(conn))
    }

    /// Waits until the client's system has everything, or has taken nothing for `stall`.
    pub async fn taken(&self, stall: Duration) {
        let (mut left, mut since) = (usize::MAX, Instant::now());
        while let Ok(now @ 1..) = unacknowledged(self.0.socket()) {
            if now < left {
                (left, since) = (now, Instant::now());
            } else if since.elapsed() >= stall {
                return;
            }
            sleep(LOOK).await;
        }
    }
}

/// How often it is looked whether a client's system has everything; nothing tells.
const LOOK: Duration = Duration::from_millis(50);

impl Drop for Revocable {
    fn drop(&mut self) {
        if matches!(unacknowledged(self.0.socket()), Ok(0)) {
            // Refused, the client sees a reset where nothing was to be thrown away: no harm done.
            let _ = SockRef::from(self.0.socket()).set_linger(None);
        }
    }
}

impl Deref for Revocable {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Revocable {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

impl AsyncRead for Conn {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
