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

/// Where the camera listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// In clear.
    pub http: Vec<SocketAddr>,
    /// Over TLS.
    pub https: Vec<SocketAddr>,
}

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
        Self::with(inherited(), config)
    }

    fn with(mut kept: Vec<Named>, config: &Config) -> Result<Self, StartError> {
        // One that fits nowhere any more may stand in the way of one that is wanted.
        let wanted = |kept: &Named| {
            let fits = |kind, addresses: &[SocketAddr]| addresses.iter().any(|address| fits(kept, kind, *address));
            fits(HTTP, &config.listen) || fits(HTTPS, &config.tls_listen)
        };
        kept.retain(wanted);
        let mut open = |kind, addresses: &[SocketAddr]| -> Result<Vec<_>, _> {
            addresses.iter().map(|address| listen(*address, kind, &mut kept)).collect()
        };
        Ok(Self { http: open(HTTP, &config.listen)?, https: open(HTTPS, &config.tls_listen)? })
    }

    /// Returns where they listen.
    pub fn listening(&self) -> Listening {
        Listening { http: addresses(&self.http), https: addresses(&self.https) }
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
pub fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
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
        let sockets = Sockets::with(kept(), &same).unwrap();
        assert_eq!(addresses(&sockets.http), [address]);
        drop(sockets);
        // The same port on all addresses: not to be had as long as somebody listens on one.
        let all = Config { listen: vec![SocketAddr::new([0, 0, 0, 0].into(), address.port())], ..same.clone() };
        assert!(Sockets::with(Vec::new(), &all).is_err());
        let kept = kept();
        drop(old);
        assert_eq!(addresses(&Sockets::with(kept, &all).unwrap().http), all.listen);
        // What was spoken in clear is not taken for TLS.
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let swapped = Config { listen: Vec::new(), tls_listen: vec![other.local_addr().unwrap()], ..same };
        assert!(Sockets::with(vec![(HTTP.to_owned(), other)], &swapped).unwrap().http.is_empty());
    }
}
