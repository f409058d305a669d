//! The listening sockets: taken over from the program before, or opened; and copied for the one that follows.

use std::{net::SocketAddr, os::fd::AsFd as _, sync::Arc};

use lookout_linux::handover::{Named, inherited};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};

use crate::{StartError, app::App, config::Config, http, tls::Tls};

/// Names of listening sockets, as they go over to the next program.
const HTTP: &str = "http";
const HTTPS: &str = "https";

/// The sockets of the addresses that the configuration names.
pub struct Sockets {
    /// In clear.
    pub http: Vec<TcpListener>,
    /// Over TLS.
    pub https: Vec<TcpListener>,
}

impl Sockets {
    /// Opens them.
    ///
    /// # Errors
    /// One cannot be listened on.
    pub fn open(config: &Config) -> Result<Self, StartError> {
        let mut kept = inherited();
        let mut open = |kind, addresses: &[SocketAddr]| -> Result<Vec<_>, _> {
            addresses.iter().map(|address| listen(*address, kind, &mut kept)).collect()
        };
        Ok(Self { http: open(HTTP, &config.listen)?, https: open(HTTPS, &config.tls_listen)? })
    }

    /// Copies them for the program that follows; one that cannot be copied is opened anew there.
    pub fn copies(&self) -> Vec<Named> {
        let copy = |listener: &TcpListener| listener.as_fd().try_clone_to_owned().map(std::net::TcpListener::from);
        let all = [(HTTP, &self.http), (HTTPS, &self.https)];
        let all = all.into_iter().flat_map(|(kind, listeners)| listeners.iter().map(move |listener| (kind, listener)));
        all.filter_map(|(kind, listener)| Some((kind.to_owned(), copy(listener).ok()?))).collect()
    }

    /// Accepts connections on all of them.
    pub fn serve(self, tls: Option<Arc<Tls>>, app: &Arc<App>) -> JoinSet<()> {
        let mut accepting = JoinSet::new();
        for listener in self.http {
            accepting.spawn(http::serve(listener, None, app.clone()));
        }
        for listener in self.https {
            accepting.spawn(http::serve(listener, tls.clone(), app.clone()));
        }
        accepting
    }
}

/// Takes the socket that was kept for an address; else listens, with a queue long enough for a crowd that comes at once.
fn listen(address: SocketAddr, kind: &str, kept: &mut Vec<Named>) -> Result<TcpListener, StartError> {
    let fits = |own: SocketAddr| own == address || (address.port() == 0 && own.ip() == address.ip());
    let here = |(name, socket): &Named| name == kind && socket.local_addr().is_ok_and(fits);
    let mut open = || match kept.iter().position(here) {
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

/// Returns where sockets listen.
pub fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}
