//! The loop that serves many viewers of one form.

use std::{future::pending, sync::Arc};

use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Fans,
    form::{Desk, Form},
    rest::Rest,
    seat::Seat,
};
use crate::{
    accounts::Accounts,
    hub::{Bell, Listener, Shown, Viewer},
};

/// How many writes are made before others get a turn.
const TURN: usize = 32;

/// A loop that serves viewers of one form and size.
pub struct Fan {
    accounts: Accounts,
    frames: Option<Viewer>,
    /// Tells that there is sound; each seat has its own place in it.
    bell: Option<Bell>,
    seats: Vec<Seat>,
    desk: Desk,
    /// Those whose sockets had no room.
    busy: JoinSet<Option<Seat>>,
    joining: mpsc::UnboundedReceiver<Seat>,
    door: (usize, usize),
    fans: Arc<Fans>,
}

impl Fan {
    /// Makes one behind a door, for viewers of a form.
    pub fn new(fans: Arc<Fans>, door: (usize, usize), form: &Form, joining: mpsc::UnboundedReceiver<Seat>) -> Self {
        Self {
            accounts: fans.accounts(),
            frames: form.frames().cloned(),
            bell: form.sound().map(Listener::bell),
            seats: Vec::new(),
            desk: Desk::default(),
            busy: JoinSet::new(),
            joining,
            door,
            fans,
        }
    }

    /// Serves until nobody watches any more, the privacy gate closes, or the hub is gone.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                shown = next_frame(&mut self.frames) => match shown {
                    Some(shown) => self.serve(Some(shown)).await,
                    None => return self.end(),
                },
                rung = next_sound(&mut self.bell) => match rung {
                    Some(()) => self.serve(None).await,
                    None => return self.end(),
                },
                Some(seat) = self.joining.recv() => self.sit(seat),
                Some(back) = self.busy.join_next() => {
                    if let Ok(Some(seat)) = back {
                        self.offer(seat);
                    }
                }
                true = self.accounts.changed() => self.seats.retain(|seat| self.accounts.have(&seat.user)),
            }
            if self.seats.is_empty() && self.busy.is_empty() && self.leave() {
                return;
            }
        }
    }

    /// Gives a viewer a seat, unless its account was changed on its way here, or the privacy gate has closed.
    fn sit(&mut self, seat: Seat) {
        if self.accounts.have(&seat.user) && seat.form.goes_on() {
            // Whoever came before the microphone listens to nothing; whoever comes later does.
            if self.bell.is_none() {
                self.bell = seat.form.sound().map(Listener::bell);
            }
            self.seats.push(seat);
        }
    }

    /// Gives all who sit what is due: sound, and a frame if there is one, or a newer one to the later ones if it comes
    /// meanwhile.
    async fn serve(&mut self, mut shown: Option<Arc<Shown>>) {
        let mut next = 0;
        while next < self.seats.len() {
            match self.seats[next].write(shown.as_ref(), &mut self.desk, &self.fans.flow) {
                Ok(None) => next += 1,
                Ok(Some(rest)) => {
                    let seat = self.seats.swap_remove(next);
                    self.wait_for(seat, rest);
                }
                Err(_) => drop(self.seats.swap_remove(next)),
            }
            if next % TURN == TURN - 1 {
                tokio::task::yield_now().await;
                if shown.is_some() {
                    // There is none if the privacy gate has closed meanwhile.
                    let Some(newest) = self.newest() else { return };
                    shown = Some(newest);
                }
            }
        }
    }

    /// Gives somebody who was busy what is due, the newest frame if there is one.
    fn offer(&mut self, mut seat: Seat) {
        match seat.write(self.newest().as_ref(), &mut self.desk, &self.fans.flow) {
            Ok(None) => self.sit(seat),
            Ok(Some(rest)) => self.wait_for(seat, rest),
            Err(_) => {}
        }
    }

    fn newest(&self) -> Option<Arc<Shown>> {
        self.frames.as_ref()?.newest()
    }

    fn wait_for(&mut self, seat: Seat, rest: Rest) {
        self.busy.spawn(seat.finish(rest, self.fans.clone()));
    }

    /// Ends the fan with all who watch. Whoever has come since the privacy gate is open again goes to another one.
    fn end(mut self) {
        *self.fans.slot(self.door) = None;
        let joining = std::iter::from_fn(|| self.joining.try_recv().ok());
        for seat in self.seats.into_iter().chain(joining).filter(|seat| seat.form.goes_on()) {
            self.fans.take(seat);
        }
    }

    /// Ends the fan, unless somebody has just joined.
    fn leave(&mut self) -> bool {
        let fans = self.fans.clone();
        let mut slot = fans.slot(self.door);
        match self.joining.try_recv() {
            Ok(seat) => {
                self.sit(seat);
                false
            }
            Err(_) => {
                *slot = None;
                true
            }
        }
    }
}

async fn next_frame(frames: &mut Option<Viewer>) -> Option<Arc<Shown>> {
    match frames {
        Some(frames) => frames.next().await,
        None => pending().await,
    }
}

async fn next_sound(bell: &mut Option<Bell>) -> Option<()> {
    match bell {
        Some(bell) => bell.rings().await,
        None => pending().await,
    }
}
