//! Looking up names on four threads, so that a name server that does not answer holds up nothing else (RULES F17).
//!
//! The system's own lookup cannot be cancelled: whoever gives up leaves a thread behind that waits on. So each lookup takes
//! one of a few places until it is over, and who gets none in time has no address. The places are shared out by purpose:
//! no name that hangs keeps another purpose from its own.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Looks up names, so many at once.
#[derive(Clone, Copy)]
pub struct Lookup {
    places: &'static Semaphore,
    find: fn(&str) -> io::Result<Vec<SocketAddr>>,
}

impl Lookup {
    /// For the camera's own source.
    pub fn own() -> Self {
        static PLACES: Semaphore = Semaphore::const_new(1);
        Self { places: &PLACES, find }
    }

    /// For the other cameras.
    pub fn devices() -> Self {
        static PLACES: Semaphore = Semaphore::const_new(1);
        Self { places: &PLACES, find }
    }

    /// For servers that do the camera a service: mail, FTP, HTTP call, MQTT, time.
    pub fn servers() -> Self {
        static PLACES: Semaphore = Semaphore::const_new(2);
        Self { places: &PLACES, find }
    }

    /// Gives a host's addresses, the best first, with this port; an address is taken as it is. May be cancelled.
    ///
    /// # Errors
    /// There is no such name, or no name server answers within 8 s.
    pub async fn addresses(self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        const PATIENCE: Duration = Duration::from_secs(8);
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let silent = |_| io::Error::new(io::ErrorKind::TimedOut, "no name server answers");
        let found = timeout(PATIENCE, self.ask(host.to_owned())).await.map_err(silent)??;
        Ok(found.into_iter().map(|address| SocketAddr::new(address.ip(), port)).collect())
    }

    async fn ask(self, name: String) -> io::Result<Vec<SocketAddr>> {
        let place = self.places.acquire().await.map_err(io::Error::other)?;
        let asked = spawn_blocking(move || {
            let _place = place;
            (self.find)(&name)
        });
        asked.await.map_err(io::Error::other)?
    }
}

/// Asks the system; but `localhost` is this host, whatever the system has been told (RFC 6761, 6.3).
fn find(name: &str) -> io::Result<Vec<SocketAddr>> {
    if name.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        return Ok(own.map(|address| SocketAddr::new(address, 0)).to_vec());
    }
    // The port is put in by the caller.
    Ok((name, 0).to_socket_addrs()?.collect())
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = self.ask(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(asked.await?.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn lookups_that_hang_hold_a_few_threads_and_no_more_though_nobody_waits_for_them() {
        static PLACES: Semaphore = Semaphore::const_new(3);
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        static END: Barrier = Barrier::new(4);
        let hangs = |_: &str| {
            if BEGUN.fetch_add(1, Ordering::SeqCst) < 3 {
                END.wait();
            }
            Ok(Vec::new())
        };
        let lookup = Lookup { places: &PLACES, find: hangs };
        let name = || "a.test".parse().unwrap();
        for _ in 0..20 {
            let given_up = timeout(Duration::from_millis(5), lookup.resolve(name())).await;
            assert!(given_up.is_err());
        }
        assert_eq!(BEGUN.load(Ordering::SeqCst), 3);
        END.wait();
        assert!(lookup.resolve(name()).await.is_ok(), "their places are free again");
    }

    #[tokio::test]
    async fn an_address_is_taken_as_it_is_and_localhost_needs_no_name_server() {
        for (text, address) in [("127.0.0.1", "127.0.0.1:123"), ("::1", "[::1]:123")] {
            assert_eq!(Lookup::servers().addresses(text, 123).await.unwrap(), [address.parse::<SocketAddr>().unwrap()]);
        }
        let found = Lookup::servers().addresses("localhost", 7).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback() && address.port() == 7));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gets_no_answer_is_told_so_in_time() {
        let full = Lookup { places: Box::leak(Box::new(Semaphore::new(0))), find: |_| Ok(Vec::new()) };
        assert_eq!(full.addresses("a.test", 1).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
