//! Names of other machines, looked up by few threads (RULES F17).
//!
//! The system's resolver blocks a thread for as long as a name server is silent, and nothing can call it back. So there
//! are a few places for such threads in the whole process, and whoever asks waits for a place and an answer until a
//! deadline. An address is taken as it is.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    time::Duration,
};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How many threads may wait for name servers.
static PLACES: Semaphore = Semaphore::const_new(4);
/// How long whoever asks is kept waiting.
const PATIENCE: Duration = Duration::from_secs(8);

/// Looks up a host's addresses, the best first, with the port to be used. May be cancelled.
///
/// # Errors
/// There is no such name, or no name server answers within 8 s.
pub async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = host.to_owned();
    look_up(&PLACES, move || Ok((name.as_str(), port).to_socket_addrs()?.collect())).await
}

async fn look_up(
    places: &'static Semaphore,
    ask: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let answer = async {
        let place = places.acquire().await.map_err(io::Error::other)?;
        let asked = spawn_blocking(move || {
            let answer = ask();
            // The place is as long taken as the thread, whether or not anybody still waits.
            drop(place);
            answer
        });
        asked.await.map_err(io::Error::other)?
    };
    let silent = |_| io::Error::new(ErrorKind::TimedOut, "no name server answers");
    timeout(PATIENCE, answer).await.map_err(silent)?
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Name servers that are silent until they are let speak.
    #[derive(Default)]
    struct Silence {
        over: Mutex<bool>,
        speak: Condvar,
        threads: AtomicUsize,
    }

    impl Silence {
        fn ask(&self) -> io::Result<Vec<SocketAddr>> {
            self.threads.fetch_add(1, Ordering::SeqCst);
            let over = self.speak.wait_while(self.over.lock().unwrap(), |over| !*over).unwrap();
            drop(over);
            self.threads.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![SocketAddr::from(([192, 0, 2, 1], 80))])
        }

        fn end(&self) {
            *self.over.lock().unwrap() = true;
            self.speak.notify_all();
        }
    }

    #[tokio::test]
    async fn an_address_is_taken_as_it_is() {
        for (text, address) in [("127.0.0.1", "127.0.0.1:123"), ("::1", "[::1]:123")] {
            assert_eq!(addresses(text, 123).await.unwrap(), [address.parse::<SocketAddr>().unwrap()]);
        }
    }

    #[tokio::test]
    async fn localhost_is_known_without_a_name_server() {
        let found = addresses("localhost", 7).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback() && address.port() == 7));
    }

    #[tokio::test]
    async fn silent_name_servers_hold_no_more_threads_than_there_are_places() {
        let places: &'static Semaphore = Box::leak(Box::new(Semaphore::new(2)));
        let silence = Arc::new(Silence::default());
        let ask = || {
            let silence = silence.clone();
            tokio::spawn(look_up(places, move || silence.ask()))
        };
        let asked: Vec<_> = (0..20).map(|_| ask()).collect();
        while silence.threads.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        // Whoever gives up does not free the place of the thread that still waits.
        asked.iter().for_each(tokio::task::JoinHandle::abort);
        let late = ask();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!((silence.threads.load(Ordering::SeqCst), places.available_permits()), (2, 0));
        silence.end();
        assert_eq!(late.await.unwrap().unwrap().len(), 1, "and then names are found again");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_place_is_told_so_in_time() {
        let places: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let error = look_up(places, || Ok(Vec::new())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
