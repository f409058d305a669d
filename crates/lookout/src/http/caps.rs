//! How many connections there may be, and what each holds for as long as it lives.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::metrics::{Held, Metrics, Refused};

/// How many connections there may be, in all and from one address.
pub struct Caps {
    most: usize,
    most_per_address: usize,
    metrics: Arc<Metrics>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    by_address: HashMap<IpAddr, usize>,
    all: usize,
}

/// A connection's place; dropped with it.
pub struct Place {
    caps: Arc<Caps>,
    peer: IpAddr,
    _counted: Held,
}

impl Caps {
    /// Sets the bounds.
    pub fn new(most: usize, most_per_address: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { most, most_per_address, metrics, open: Mutex::default() })
    }

    /// Gives a place, if there is one.
    ///
    /// # Errors
    /// Which bound is reached.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Refused> {
        let mut open = self.open();
        let here = open.by_address.get(&peer).copied().unwrap_or(0);
        if open.all >= self.most {
            return Err(Refused::Full);
        }
        if here >= self.most_per_address {
            return Err(Refused::Address);
        }
        open.by_address.insert(peer, here + 1);
        open.all += 1;
        Ok(Place { caps: self.clone(), peer, _counted: self.metrics.connection() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A panic ends one connection alone, and is a bug that must be seen (rule R4.3).
        if std::thread::panicking() {
            self.caps.metrics.panics.inc();
        }
        let mut open = self.caps.open();
        open.all -= 1;
        match open.by_address.get_mut(&self.peer) {
            Some(here) if *here > 1 => *here -= 1,
            Some(_) | None => drop(open.by_address.remove(&self.peer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let caps = Caps::new(3, 2, Arc::default());
        let peer = |n: u8| IpAddr::from([10, 0, 0, n]);
        let first = caps.admit(peer(1));
        let second = caps.admit(peer(1));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(caps.admit(peer(1)).err(), Some(Refused::Address));
        let third = caps.admit(peer(2));
        assert!(third.is_ok());
        assert_eq!(caps.admit(peer(3)).err(), Some(Refused::Full));
        drop(first);
        assert!(caps.admit(peer(3)).is_ok());
        assert_eq!(caps.open().by_address.len(), 2, "an address that left is forgotten");
    }
}
