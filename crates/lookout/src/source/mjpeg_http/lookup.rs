//! Looking up names on a few threads, so that a name server that does not answer holds up nothing else (RULES F17).
//!
//! The system's own lookup cannot be cancelled: whoever gives up leaves a thread behind that waits on. So each lookup takes
//! one of a few places until it is over, and who gets none in time has no address.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Looks up names, so many at once.
pub(super) struct Lookup {
    places: &'static Semaphore,
    find: fn(&str) -> io::Result<Vec<SocketAddr>>,
}

impl Lookup {
    /// For the camera's own source, which is not to wait for the names of others.
    pub(super) fn own() -> Self {
        static PLACES: Semaphore = Semaphore::const_new(1);
        Self { places: &PLACES, find }
    }

    /// For the other cameras.
    pub(super) fn devices() -> Self {
        static PLACES: Semaphore = Semaphore::const_new(3);
        Self { places: &PLACES, find }
    }
}

/// Asks the system.
fn find(name: &str) -> io::Result<Vec<SocketAddr>> {
    // The port is put in by the caller.
    Ok((name, 0).to_socket_addrs()?.collect())
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (places, find) = (self.places, self.find);
        Box::pin(async move {
            let place = places.acquire().await?;
            let found = spawn_blocking(move || {
                let _place = place;
                find(name.as_str())
            });
            Ok(Box::new(found.await??.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
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
            let given_up = tokio::time::timeout(Duration::from_millis(5), lookup.resolve(name())).await;
            assert!(given_up.is_err());
        }
        assert_eq!(BEGUN.load(Ordering::SeqCst), 3);
        END.wait();
        assert!(lookup.resolve(name()).await.is_ok(), "their places are free again");
    }
}
