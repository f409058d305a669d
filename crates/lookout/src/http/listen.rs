//! Accepts connections, within bounds, and carries each through its one request.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use lookout_core::access::peers::is_near;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    conn::Conn,
    request::{Head, Method, Request},
    respond::{Answer, Body, Status},
};
use crate::{
    app::App,
    cgi,
    metrics::{Held, Metrics, Refused},
    tls::Tls,
    watchdog::Loop,
};

/// How long a log line about refused connections is not repeated.
const QUIET: Duration = Duration::from_secs(1);
/// How long a client may take to take an answer that is no stream.
const ANSWER: Duration = Duration::from_secs(30);
/// How long, and how many bytes, what a client still sends is read after the answer: closing before would make its
/// system throw the answer away.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024;
/// What of a push stream may wait in the kernel unsent, bytes. A slow viewer then gets a fresh picture next, not the
/// pictures of the last seconds.
const UNSENT: u32 = 16 * 1024;
/// What a connection gets for which there is no place.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Accepts connections on one socket for ever.
pub async fn serve(listener: TcpListener, tls: Option<Arc<Tls>>, app: Arc<App>) {
    let mut turn = tokio::time::interval(app.watchdog.pace());
    let mut full = None::<Instant>;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => admit(&app, socket, peer.ip().to_canonical(), tls.clone()),
                Err(error) => {
                    // Out of descriptors: waiting a little costs less than trying again and again.
                    if full.is_none_or(|at| at.elapsed() > QUIET) {
                        tracing::warn!("cannot accept a connection: {error}");
                        full = Some(Instant::now());
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            _ = turn.tick() => {}
        }
        app.watchdog.beat(Loop::Http);
    }
}

fn admit(app: &Arc<App>, socket: TcpStream, peer: IpAddr, tls: Option<Arc<Tls>>) {
    let permit = match app.caps.admit(peer) {
        Ok(permit) => permit,
        Err(why) => {
            app.metrics.refused(why);
            if tls.is_none() {
                // The socket is fresh: its buffer takes these bytes at once, or the client goes without.
                let _ = socket.try_write(FULL);
            }
            return;
        }
    };
    let app = app.clone();
    let place = Place { _counted: app.metrics.connection(), metrics: app.metrics.clone(), _permit: permit };
    let near = socket.local_addr().is_ok_and(|own| is_near(peer, own.ip()));
    tokio::spawn(async move {
        let setup =
            socket.set_nodelay(true).and_then(|()| socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT));
        if let Err(error) = setup {
            tracing::debug!("a socket option was refused: {error}");
        }
        let conn = match tls {
            None => Conn::Plain(socket),
            Some(tls) => match timeout(app.config.http.head_timeout, tls.acceptor().accept(socket)).await {
                Ok(Ok(stream)) => Conn::Tls(Box::new(stream)),
                Ok(Err(_)) | Err(_) => return,
            },
        };
        converse(app, conn, peer, near, place).await;
    });
}

/// Reads one request and answers it.
async fn converse(app: Arc<App>, mut conn: Conn, peer: IpAddr, near: bool, place: Place) {
    let head = timeout(app.config.http.head_timeout, Head::read(&mut conn)).await;
    let (answer, bodiless) = match head.unwrap_or(Err(Status::Timeout)) {
        Ok(None) => return,
        Err(status) => (Answer::page(status, "The camera does not understand this request."), false),
        Ok(Some(head)) => {
            let bodiless = head.method == Method::Head;
            let secure = matches!(conn, Conn::Tls(_));
            let request = Request { head, peer, near, secure, arrived: Instant::now() };
            (cgi::answer(&app, &request).await, bodiless)
        }
    };
    app.metrics.answered(answer.status.number());
    let head = answer.head(&app.config.http.server, SystemTime::now());
    match answer.body {
        Body::Whole(body) => {
            let body = if bodiless { &[][..] } else { &body };
            // A client that left or does not read has no answer to complain about.
            let _ = timeout(ANSWER, finish(&mut conn, head.as_bytes(), body)).await;
        }
        Body::Push(_) if bodiless => {
            let _ = timeout(ANSWER, finish(&mut conn, head.as_bytes(), &[])).await;
        }
        Body::Push(push) => {
            if timeout(ANSWER, conn.write_all(head.as_bytes())).await.is_ok_and(|sent| sent.is_ok()) {
                app.fans.join(*push, conn, place);
            }
        }
    }
}

async fn finish(conn: &mut Conn, head: &[u8], body: &[u8]) -> io::Result<()> {
    let whole = [head, body].concat();
    conn.write_all(&whole).await?;
    conn.flush().await?;
    conn.shutdown().await?;
    let mut rest = [0; 4096];
    let drain = async {
        let mut left = LINGER_BYTES;
        while left > 0 {
            match conn.read(&mut rest).await {
                Ok(0) | Err(_) => break,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
    Ok(())
}

/// What a connection holds for as long as it lives.
pub struct Place {
    _permit: Permit,
    metrics: Arc<Metrics>,
    _counted: Held,
}

impl Drop for Place {
    fn drop(&mut self) {
        // A panic ends one connection alone, and is a bug that must be seen (rule R4.3).
        if std::thread::panicking() {
            self.metrics.panics.inc();
        }
    }
}

/// How many connections there may be, in all and from one address.
pub struct Caps {
    most: usize,
    most_per_address: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
    count: AtomicU64,
}

/// A connection's place; dropped with it.
pub struct Permit {
    caps: Arc<Caps>,
    peer: IpAddr,
}

impl Caps {
    /// Sets the bounds.
    pub fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self { most, most_per_address, open: Mutex::default(), count: AtomicU64::new(0) })
    }

    /// Gives a place, if there is one.
    ///
    /// # Errors
    /// Which bound is reached.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Permit, Refused> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let here = open.get(&peer).copied().unwrap_or(0);
        if self.count() >= self.most as u64 {
            return Err(Refused::Full);
        }
        if here >= self.most_per_address {
            return Err(Refused::Address);
        }
        open.insert(peer, here + 1);
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(Permit { caps: self.clone(), peer })
    }

    /// Returns how many are open.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.caps.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.caps.count.fetch_sub(1, Ordering::Relaxed);
        match open.get_mut(&self.peer) {
            Some(here) if *here > 1 => *here -= 1,
            _ => drop(open.remove(&self.peer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let caps = Caps::new(3, 2);
        let peer = |n: u8| IpAddr::from([10, 0, 0, n]);
        let first = caps.admit(peer(1));
        let second = caps.admit(peer(1));
        assert!(first.is_ok() && second.is_ok() && caps.admit(peer(1)).is_err());
        let third = caps.admit(peer(2));
        assert!(third.is_ok() && caps.admit(peer(3)).is_err());
        drop(first);
        assert!(caps.admit(peer(3)).is_ok());
        assert_eq!(caps.count(), 2);
    }
}
