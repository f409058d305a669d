//! Who watches, and who came of late for a picture or sound: for the owner, who wants to know who looks, and whether a recorder
//! that he has just set up has found the way.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{doorman::Caller, http::Request};

/// How many of those who came are known still.
const KNOWN: usize = 32;
/// How much is kept of what a program says that it is, characters.
const AGENT: usize = 120;

/// Somebody who wants pictures or sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The account.
    pub user: String,
    /// Where from.
    pub peer: IpAddr,
    /// What the program says that it is.
    pub agent: String,
    /// What was asked for.
    pub path: String,
}

impl Guest {
    /// Says who is behind a request.
    pub fn of(request: &Request, caller: &Caller) -> Self {
        let agent = request.head.text("user-agent").unwrap_or_default().chars().take(AGENT).collect();
        let path = request.head.path.folded().to_owned();
        Self { user: caller.user.name.as_str().to_owned(), peer: request.peer, agent, path }
    }
}

/// A guest, and since when or at what time.
pub type Seen = (Arc<Guest>, Instant);

/// Those who watch, and those who came; bounded by the bound on connections, and by [`KNOWN`].
#[derive(Default)]
pub struct Guests {
    watching: Mutex<Vec<Seen>>,
    came: Mutex<VecDeque<Seen>>,
}

/// A place among those who watch; dropped with the stream.
pub struct Watching {
    guests: Arc<Guests>,
    guest: Arc<Guest>,
}

impl Guests {
    /// Notes that somebody watches from now on.
    pub fn watch(self: &Arc<Self>, guest: Guest) -> Watching {
        let guest = Arc::new(guest);
        lock(&self.watching).push((guest.clone(), Instant::now()));
        Watching { guests: self.clone(), guest }
    }

    /// Notes that somebody came; who comes again is known already.
    pub fn came(&self, guest: Guest) {
        let mut came = lock(&self.came);
        came.retain(|(known, _)| **known != guest);
        came.truncate(KNOWN - 1);
        came.push_front((Arc::new(guest), Instant::now()));
    }

    /// Returns those who watch, the first who came first.
    pub fn who_watch(&self) -> Vec<Seen> {
        lock(&self.watching).clone()
    }

    /// Returns those who came, the last first.
    pub fn who_came(&self) -> Vec<Seen> {
        lock(&self.came).iter().cloned().collect()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        lock(&self.guests.watching).retain(|(guest, _)| !Arc::ptr_eq(guest, &self.guest));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(agent: &str) -> Guest {
        let (user, path) = ("viewer".into(), "/snapshot.cgi".into());
        Guest { user, peer: [127, 0, 0, 1].into(), agent: agent.into(), path }
    }

    #[test]
    fn whoever_leaves_watches_no_more_though_another_one_is_alike() {
        let guests = Arc::<Guests>::default();
        let (one, other) = (guests.watch(guest("a")), guests.watch(guest("a")));
        drop(one);
        assert_eq!(guests.who_watch().len(), 1);
        drop(other);
        assert_eq!(guests.who_watch().len(), 0);
    }

    #[test]
    fn whoever_comes_again_is_known_once_and_the_oldest_are_forgotten() {
        let guests = Guests::default();
        (0..KNOWN + 5).for_each(|number| guests.came(guest(&number.to_string())));
        guests.came(guest("20"));
        let agents: Vec<_> = guests.who_came().iter().map(|(guest, _)| guest.agent.clone()).collect();
        assert_eq!((agents.len(), &*agents[0], &*agents[1]), (KNOWN, "20", "36"));
        assert_eq!(agents.iter().filter(|agent| *agent == "20").count(), 1);
    }
}
