//! Connections to servers of others, each with deadlines: 5 s to connect, 10 s without a byte, 30 s in all (RULES F16).
//!
//! [`connect`] keeps the first and a [`Line`] the second by itself; whoever has an errand gives it the third as a whole, whose
//! clock also runs while a name is looked up.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::spawn_blocking,
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use crate::lookup::Lookup;

/// How long a connection may take to be made.
pub const CONNECT: Duration = Duration::from_secs(5);
/// How long nothing may come or go.
pub const IDLE: Duration = Duration::from_secs(10);
/// How long an errand may take in all.
pub const WHOLE: Duration = Duration::from_secs(30);

fn late(long: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("nothing within {} s", long.as_secs()))
}

/// Connects to a host; tries its addresses one after the other, within [`CONNECT`] in all behind the looking up of its name.
///
/// # Errors
/// It has no address, or refuses.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = Lookup::servers().addresses(host, port).await?;
    reach(&addresses).await
}

/// Connects to the first of these addresses that lets us, within [`CONNECT`] in all. The last address does not have to wait for
/// the first to be silent for so long: the time is shared out.
///
/// # Errors
/// There is none, or they refuse.
pub async fn reach(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let end = Instant::now() + CONNECT;
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for (at, address) in addresses.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        // As many as there are left to try; a lookup gives a few.
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(late(CONNECT))) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Returns how certificates of servers are checked: against the authorities that this machine trusts (or the file that
/// `SSL_CERT_FILE` names), with their names. Read anew each time, as that list may change; on a blocking thread.
///
/// # Errors
/// The machine's list cannot be read, or is empty. The log is told once, until there is one.
pub async fn trust() -> io::Result<Arc<ClientConfig>> {
    /// Whether the log was told that there is none.
    static TOLD: AtomicBool = AtomicBool::new(false);
    let read = spawn_blocking(read).await.map_err(io::Error::other)?;
    let told = TOLD.swap(read.is_err(), Ordering::Relaxed);
    read.inspect_err(|error| {
        if !told {
            tracing::warn!("nothing is asked over TLS: {error}");
        }
    })
}

/// Returns the same for what may stay in clear to its end: where the machine has no list, nobody is trusted.
pub async fn trust_if_any() -> Arc<ClientConfig> {
    spawn_blocking(read).await.ok().and_then(Result::ok).unwrap_or_else(nobody)
}

/// Trusts nobody: for what is asked in clear, which a machine without any list can do.
pub fn nobody() -> Arc<ClientConfig> {
    Arc::new(ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn read() -> io::Result<Arc<ClientConfig>> {
    let config = rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier(ClientConfig::builder());
    let none = |error| io::Error::other(format!("no CA certificates, by which a server could be known: {error}"));
    Ok(Arc::new(config.map_err(none)?.with_no_client_auth()))
}

/// Something that bytes go through.
trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// A connection that fails when nothing has come or gone for [`IDLE`].
pub struct Line {
    io: Box<dyn Io>,
    peer: SocketAddr,
    /// Ends when something has been waited for too long.
    patience: Pin<Box<Sleep>>,
    /// Whether anything is waited for.
    waiting: bool,
}

impl Line {
    /// Takes a connection.
    ///
    /// # Errors
    /// It is broken already.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        let peer = stream.peer_addr()?;
        Ok(Self::new(Box::new(stream), peer))
    }

    fn new(io: Box<dyn Io>, peer: SocketAddr) -> Self {
        Self { io, peer, patience: Box::pin(sleep(IDLE)), waiting: false }
    }

    /// Goes on in TLS with a server whose certificate must be for `host`, a name or an address.
    ///
    /// # Errors
    /// The peer does not speak TLS, or is not trusted.
    pub async fn secure(self, host: &str, trust: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let peer = self.peer;
        let stream = TlsConnector::from(trust).connect(name, self).await?;
        Ok(Self::new(Box::new(stream), peer))
    }

    /// Looks after the patience, which begins when something is waited for, and is over when anything moves.
    fn moved<T>(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.waiting = false;
            return moved;
        }
        if !std::mem::replace(&mut self.waiting, true) {
            self.patience.as_mut().reset(Instant::now() + IDLE);
        }
        self.patience.as_mut().poll(cx).map(|()| {
            self.waiting = false;
            Err(late(IDLE))
        })
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let read = Pin::new(&mut line.io).poll_read(cx, buf);
        line.moved(cx, read)
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        let written = Pin::new(&mut line.io).poll_write(cx, buf);
        line.moved(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let flushed = Pin::new(&mut line.io).poll_flush(cx);
        line.moved(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let shut = Pin::new(&mut line.io).poll_shutdown(cx);
        line.moved(cx, shut)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a connection to {}", self.peer)
    }
}

#[cfg(test)]
mod tests;
