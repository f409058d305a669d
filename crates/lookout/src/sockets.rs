//! The listening sockets: taken over from the program before, or opened; moved to another port while the camera runs; and
//! copied for the program that follows.
//!
//! The first address of plain HTTP follows the setting `port` (PROFILE 4.7, Q34). It moves without a gap: the new socket
//! listens before the old one is left, and whoever came in by the old one stays.

use std::{
    net::SocketAddr,
    os::fd::AsFd as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lookout_core::port::Lost;
use lookout_linux::handover::{Named, inherited};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};

use crate::{StartError, app::App, config::Config, http, tls::Tls};

/// Names of listening sockets, as they go over to the next program.
const HTTP: &str = "http";
const HTTPS: &str = "https";
/// How long a port that is left is still listened on: whoever has just learnt it comes in.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where the camera listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// In clear.
    pub http: Vec<SocketAddr>,
    /// Over TLS.
    pub https: Vec<SocketAddr>,
}

/// Returns the port of the configuration's first plain listener, if it is one that the setting can move.
pub fn configured(config: &Config) -> Option<u16> {
    config.listen.first().map(SocketAddr::port).filter(|port| *port != 0)
}

/// The sockets of the addresses that the configuration names.
pub struct Sockets {
    /// In clear.
    pub http: Vec<TcpListener>,
    /// Over TLS.
    pub https: Vec<TcpListener>,
}

impl Sockets {
    /// Opens them, the first of plain HTTP on another port if one is wanted and can be had.
    ///
    /// # Errors
    /// One cannot be listened on.
    pub fn open(config: &Config, port: Option<u16>) -> Result<Self, StartError> {
        Self::with(inherited(), config, port)
    }

    fn with(mut kept: Vec<Named>, config: &Config, port: Option<u16>) -> Result<Self, StartError> {
        let mut http = config.listen.clone();
        if let (Some(first), Some(port)) = (http.first_mut(), port) {
            first.set_port(port);
        }
        // One that fits nowhere any more may stand in the way of one that is wanted.
        let wanted = |kept: &Named| {
            let fits = |kind, addresses: &[SocketAddr]| addresses.iter().any(|address| fits(kept, kind, *address));
            fits(HTTP, &http) || fits(HTTPS, &config.tls_listen)
        };
        kept.retain(wanted);
        let mut open = |kind, addresses: &[SocketAddr]| -> Result<Vec<_>, _> {
            addresses.iter().map(|address| listen(*address, kind, &mut kept)).collect()
        };
        // Those of the configuration first: a port that a manager chose stands back for them.
        let (https, rest) = (open(HTTPS, &config.tls_listen)?, open(HTTP, http.get(1..).unwrap_or_default())?);
        let first = match (http.first(), config.listen.first()) {
            (Some(wish), Some(own)) => Some(open(HTTP, &[*wish]).or_else(|error| {
                if wish == own {
                    return Err(error);
                }
                tracing::warn!("{error}; the configuration's port is used");
                open(HTTP, &[*own])
            })?),
            (None, _) | (_, None) => None,
        };
        Ok(Self { http: first.into_iter().flatten().chain(rest).collect(), https })
    }

    /// Returns where they listen.
    pub fn listening(&self) -> Listening {
        Listening { http: addresses(&self.http), https: addresses(&self.https) }
    }

    /// Accepts connections on all of them.
    pub fn serve(self, tls: Option<&Arc<Tls>>, app: &Arc<App>) -> Doors {
        let open = |listeners: Vec<TcpListener>, tls: Option<&Arc<Tls>>| -> Vec<_> {
            listeners.into_iter().map(|listener| Door::open(listener, tls.cloned(), app)).collect()
        };
        let open = Open { http: open(self.http, None), https: open(self.https, tls), left: Vec::new(), closed: false };
        Doors { app: app.clone(), open: Arc::new(Mutex::new(open)) }
    }
}

/// The sockets of a camera that runs.
#[derive(Clone)]
pub struct Doors {
    app: Arc<App>,
    open: Arc<Mutex<Open>>,
}

struct Open {
    http: Vec<Door>,
    https: Vec<Door>,
    /// What has been left a moment ago.
    left: Vec<Door>,
    /// Whether they are closed for good.
    closed: bool,
}

/// A socket, and the task that accepts its connections, which ends with it.
struct Door {
    socket: Arc<TcpListener>,
    accepting: JoinSet<()>,
}

impl Door {
    fn open(listener: TcpListener, tls: Option<Arc<Tls>>, app: &Arc<App>) -> Self {
        let (socket, mut accepting) = (Arc::new(listener), JoinSet::new());
        accepting.spawn(http::serve(socket.clone(), tls, app.clone()));
        Self { socket, accepting }
    }

    fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }
}

impl Doors {
    /// Has the first plain listener of the configuration listen on a port, if it is one that moves: the configuration
    /// names a port for it. Connections that are there are not touched.
    ///
    /// # Errors
    /// The port cannot be had; all is as before.
    pub fn move_to(&self, port: u16) -> Result<(), Lost> {
        let Some(first) = self.app.config.listen.first().filter(|first| first.port() != 0) else { return Ok(()) };
        let wish = SocketAddr::new(first.ip(), port);
        let mut open = self.open();
        // Whoever starts next opens the port that is set then.
        if open.closed {
            return Ok(());
        }
        let now = open.http.first().and_then(Door::address);
        if now == Some(wish) {
            return Ok(());
        }
        // One that was left a moment ago still stands in the way of another: it is taken back.
        let door = match open.left.iter().position(|door| door.address() == Some(wish)) {
            Some(at) => open.left.swap_remove(at),
            None => {
                let listener = listen(wish, HTTP, &mut Vec::new()).map_err(|error| Lost(error.to_string()))?;
                Door::open(listener, None, &self.app)
            }
        };
        tracing::info!("plain HTTP is on port {port} now");
        if let Some(first) = open.http.first_mut() {
            let old = std::mem::replace(first, door);
            self.leave(&mut open, old);
        }
        let http = open.http.iter().filter_map(Door::address).collect();
        drop(open);
        self.app.listening.send_modify(|listening| listening.http = http);
        Ok(())
    }

    /// Closes a socket that is left, in a moment.
    fn leave(&self, open: &mut Open, door: Door) {
        let (socket, all) = (Arc::downgrade(&door.socket), Arc::downgrade(&self.open));
        open.left.push(door);
        tokio::spawn(async move {
            tokio::time::sleep(FAREWELL).await;
            let Some(all) = all.upgrade() else { return };
            let mut open = all.lock().unwrap_or_else(PoisonError::into_inner);
            // Unless it was taken back. It may have been left twice then, and ends a little early.
            open.left.retain(|door| !std::ptr::eq(Arc::as_ptr(&door.socket), socket.as_ptr()));
        });
    }

    /// Stops accepting, and gives the sockets for the program that follows; one that cannot be copied is opened anew
    /// there.
    pub async fn close(self) -> Vec<Named> {
        let (http, https, left) = {
            let mut open = self.open();
            open.closed = true;
            let (http, https) = (std::mem::take(&mut open.http), std::mem::take(&mut open.https));
            (http, https, std::mem::take(&mut open.left))
        };
        let mut named = Vec::new();
        for (kind, mut door) in
            http.into_iter().map(|door| (HTTP, door)).chain(https.into_iter().map(|door| (HTTPS, door)))
        {
            door.accepting.shutdown().await;
            let copy = door.socket.as_fd().try_clone_to_owned().map(std::net::TcpListener::from);
            named.extend(copy.ok().map(|copy| (kind.to_owned(), copy)));
        }
        drop(left);
        named
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A panic while it was held has left whole doors.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the socket that was kept for an address; else listens, with a queue long enough for a crowd that comes at once.
fn listen(address: SocketAddr, kind: &str, kept: &mut Vec<Named>) -> Result<TcpListener, StartError> {
    let mut open = || match kept.iter().position(|kept| fits(kept, kind, address)) {
        Some(at) => {
            let (_, socket) = kept.swap_remove(at);
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket)
        }
        None => {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(1024)
        }
    };
    open().map_err(|error| StartError::Listen(address, error))
}

/// Says whether a socket that was kept is what is wanted.
fn fits((name, socket): &Named, kind: &str, address: SocketAddr) -> bool {
    let here = |own: SocketAddr| own == address || (address.port() == 0 && own.ip() == address.ip());
    name == kind && socket.local_addr().is_ok_and(here)
}

/// Returns where sockets listen.
fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kept_socket_is_taken_where_it_fits_and_is_in_nobodys_way_where_it_does_not() {
        let old = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = old.local_addr().unwrap();
        let kept = || vec![(HTTP.to_owned(), old.try_clone().unwrap())];
        let same = Config { listen: vec![address], tls_listen: Vec::new(), ..Config::default() };
        let sockets = Sockets::with(kept(), &same, None).unwrap();
        assert_eq!(addresses(&sockets.http), [address]);
        drop(sockets);
        // The same port on all addresses: not to be had as long as somebody listens on one.
        let all = Config { listen: vec![SocketAddr::new([0, 0, 0, 0].into(), address.port())], ..same.clone() };
        assert!(Sockets::with(Vec::new(), &all, None).is_err());
        let kept = kept();
        drop(old);
        assert_eq!(addresses(&Sockets::with(kept, &all, None).unwrap().http), all.listen);
        // What was spoken in clear is not taken for TLS.
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let swapped = Config { listen: Vec::new(), tls_listen: vec![other.local_addr().unwrap()], ..same };
        assert!(Sockets::with(vec![(HTTP.to_owned(), other)], &swapped, None).unwrap().http.is_empty());
    }
}
