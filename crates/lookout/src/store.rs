//! The settings and their file: nothing else changes them.
//!
//! A change is parsed into a draft, checked as a whole, written to disk, and only then announced and answered with
//! `ok.`; so what was answered is never lost, and a disk that refuses changes nothing in memory. Services watch their
//! part and cannot veto.
//!
//! Changes that come while the disk is busy wait together, and one save serves them all: each draft is made from what
//! the one before left and is refused alone, the save is for all or for none. There is no task for it: the first of
//! them that gets the disk saves for the others.

mod disk;
#[cfg(test)]
mod tests;

use std::{
    mem,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lookout_core::{
    profile::{
        change::{self, Rules},
        commands::Group,
        reply::Failure,
        settings::{Settings, User},
        view::Secrets,
        wire::Illegal,
    },
    query::Query,
};
use tokio::sync::{OwnedMutexGuard, oneshot, watch};

pub use disk::{BEFORE, Disk, StateError, glance, said};

use crate::password;

/// The settings, their file, and who must hear of changes.
pub struct Store {
    now: Arc<watch::Sender<Arc<Settings>>>,
    disk: Arc<tokio::sync::Mutex<Disk>>,
    /// At most one a connection and service that waits.
    waiting: Mutex<Vec<Order>>,
    rules: Rules,
}

type Draft = dyn FnOnce(&Settings, &Rules) -> Result<Settings, Failure> + Send;

/// Who changes the settings.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// The camera itself, or whoever has its machine.
    Camera,
    /// A request of an account, which must still be there as it was when it logged in: nobody who was thrown out
    /// meanwhile changes anything more, however long his request took.
    User(&'a User),
}

/// A change that waits for the disk, and whom to tell.
struct Order {
    draft: Box<Draft>,
    past: Past,
    answer: oneshot::Sender<Result<(), Failure>>,
}

/// What becomes of the settings that were before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Past {
    Kept,
    Forgotten,
}

/// A store just opened.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Whether the owner has no account yet.
    pub fresh: bool,
}

impl Store {
    /// Opens the state folder, makes it if there is none, and locks it for this process.
    ///
    /// A settings file that is damaged is put aside and the previous generation is used, else factory settings, which
    /// have no account; which is said in the log.
    ///
    /// # Errors
    /// The folder cannot be made, written or locked.
    pub fn open(dir: &Path, rules: Rules) -> Result<Opened, StateError> {
        let disk = Disk::open(dir)?;
        let found = disk.load()?.unwrap_or_else(Settings::factory);
        let fresh = found.users == Settings::factory().users;
        let now = Arc::new(watch::Sender::new(Arc::new(found)));
        let disk = Arc::new(tokio::sync::Mutex::new(disk));
        Ok(Opened { store: Self { now, disk, waiting: Mutex::default(), rules }, fresh })
    }

    /// Says which version runs to whoever looks at the state folder ([`said`]).
    pub async fn say(&self, version: &str) {
        self.disk.lock().await.say(version);
    }

    /// Returns the settings as they are.
    pub fn get(&self) -> Arc<Settings> {
        self.now.borrow().clone()
    }

    /// Returns how secrets are kept and shown.
    pub fn secrets(&self) -> Secrets {
        self.rules.secrets
    }

    /// Sets a CGI's parameters from a request (PROFILE 1.5).
    ///
    /// # Errors
    /// The draft is illegal, the account is gone, or the disk refused; nothing is changed.
    pub async fn set(&self, by: By<'_>, group: Group, query: &Query) -> Result<(), Failure> {
        self.set_if(by, group, query, |_| Ok::<_, Failure>(())).await
    }

    /// Does that if what comes of it `fits` the machine.
    ///
    /// # Errors
    /// The draft is illegal or does not fit, the account is gone, or the disk refused; nothing is changed.
    pub async fn set_if<E: Into<Failure>>(
        &self,
        by: By<'_>,
        group: Group,
        query: &Query,
        fits: impl FnOnce(&Settings) -> Result<(), E> + Send + 'static,
    ) -> Result<(), Failure> {
        let query = query.clone();
        let draft = move |old: &Settings, rules: &Rules| {
            let new = change::apply(old, group, |name| query.get(name), rules)?;
            fits(&new).map_err(Into::into).map(|()| new)
        };
        self.order(by, draft, Past::Kept).await
    }

    /// Changes the settings; answers once they are on the disk. May be cancelled: the change is then made or not made.
    ///
    /// # Errors
    /// The draft is illegal, the account is gone, or the disk refused; nothing is changed.
    pub async fn change(
        &self,
        by: By<'_>,
        draft: impl FnOnce(&Settings, &Rules) -> Result<Settings, Illegal> + Send + 'static,
    ) -> Result<(), Failure> {
        self.order(by, move |old, rules| Ok(draft(old, rules)?), Past::Kept).await
    }

    /// Goes back to the factory state, which keeps the id and the factory values (PROFILE 7.2) and has no account; no
    /// old password stays on the disk.
    ///
    /// # Errors
    /// The account is gone, or the disk refused; the settings are as they were.
    pub async fn reset(&self, by: By<'_>) -> Result<(), Failure> {
        self.order(by, |old, _| Ok(old.reset()), Past::Forgotten).await
    }

    async fn order(
        &self,
        by: By<'_>,
        draft: impl FnOnce(&Settings, &Rules) -> Result<Settings, Failure> + Send + 'static,
        past: Past,
    ) -> Result<(), Failure> {
        let draft: Box<Draft> = match by {
            By::Camera => Box::new(draft),
            By::User(user) => {
                let user = user.clone();
                let there = move |old: &Settings| if old.users.contains(&user) { Ok(()) } else { Err(Failure::Gone) };
                Box::new(move |old, rules| there(old).and_then(|()| draft(old, rules)))
            }
        };
        let (answer, mut answered) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            // What is given up while the disk hangs must not gather.
            waiting.retain(|order| !order.answer.is_closed());
            waiting.push(Order { draft, past, answer });
        }
        tokio::select! {
            biased;
            // Somebody saved for this one.
            done = &mut answered => return done.unwrap_or(Err(Failure::Internal)),
            disk = self.disk.clone().lock_owned() => {
                let (orders, now, rules) = (mem::take(&mut *self.waiting()), self.now.clone(), self.rules);
                if !orders.is_empty() {
                    // Disk and orders go along, so that it is done to its end though somebody gives up waiting.
                    tokio::task::spawn_blocking(move || serve(orders, &now, &rules, disk));
                }
            }
        }
        answered.await.unwrap_or(Err(Failure::Internal))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Order>> {
        // A panic while it was held cannot have left half an order.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all settings to follow, without a copy; wakes at every change.
    pub fn follow(&self) -> watch::Receiver<Arc<Settings>> {
        self.now.subscribe()
    }

    /// Gives a part of the settings to watch.
    pub fn watch<T: PartialEq>(&self, part: fn(&Settings) -> T) -> Watched<T> {
        let mut changes = self.now.subscribe();
        let last = part(&changes.borrow_and_update());
        Watched { changes, part, last }
    }
}

/// Makes all drafts, saves once, announces and answers.
fn serve(orders: Vec<Order>, now: &watch::Sender<Arc<Settings>>, rules: &Rules, disk: OwnedMutexGuard<Disk>) {
    let old = now.borrow().clone();
    let (mut new, mut past, mut accepted) = ((*old).clone(), Past::Kept, Vec::new());
    // Who has given up before it began has no answer to rely on: a change that nobody waits for must not be made later.
    for order in orders.into_iter().filter(|order| !order.answer.is_closed()) {
        match (order.draft)(&new, rules) {
            Ok(draft) => {
                new = draft;
                past = past.max(order.past);
                accepted.push(order.answer);
            }
            Err(failure) => tell(order.answer, Err(failure)),
        }
    }
    let save = || {
        if new == *old && past == Past::Kept {
            return Ok(());
        }
        if rules.secrets == Secrets::Masked {
            password::seal(&mut new).map_err(|error| error.to_string())?;
        }
        match past {
            Past::Kept => disk.save(&new),
            Past::Forgotten => disk.start_over(&old, &new),
        }
        .map_err(|error| error.to_string())?;
        now.send_replace(Arc::new(new));
        Ok::<_, String>(())
    };
    let answer = save().map_err(|error| {
        tracing::error!("the settings were not saved: {error}");
        Failure::Internal
    });
    // Before the answers: who has his may open the folder anew.
    drop(disk);
    for order in accepted {
        tell(order, answer);
    }
}

fn tell(order: oneshot::Sender<Result<(), Failure>>, answer: Result<(), Failure>) {
    // Who has left meanwhile needs no answer.
    let _ = order.send(answer);
}

/// A part of the settings that a service follows; wakes only when that part differs.
pub struct Watched<T> {
    changes: watch::Receiver<Arc<Settings>>,
    part: fn(&Settings) -> T,
    last: T,
}

impl<T: PartialEq> Watched<T> {
    /// Returns the part as it was when last looked at.
    pub fn get(&self) -> &T {
        &self.last
    }

    /// Returns the part if it differs from when it was last looked at.
    pub fn taken(&mut self) -> Option<&T> {
        if !self.changes.has_changed().unwrap_or(false) {
            return None;
        }
        let now = (self.part)(&self.changes.borrow_and_update());
        let differs = now != self.last;
        self.last = now;
        differs.then_some(&self.last)
    }

    /// Waits until the part differs and returns it; for ever, once the store is gone. May be cancelled.
    pub async fn changed(&mut self) -> &T {
        loop {
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let now = (self.part)(&self.changes.borrow_and_update());
            if now != self.last {
                self.last = now;
                return &self.last;
            }
        }
    }
}
