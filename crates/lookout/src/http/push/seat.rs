//! A viewer with its connection.

use std::{io, sync::Arc};

use lookout_core::profile::settings::User;

use super::{
    super::{caps::Place, conn::Revocable},
    Fans,
    form::{Desk, Form},
    rest::{Own, Rest},
};
use crate::{
    guests::Watching,
    hub::Shown,
    metrics::{Flow, Held},
};

/// A viewer with its connection.
pub struct Seat {
    conn: Revocable,
    /// What it came for, and where in it it is.
    pub form: Form,
    /// The account that watches.
    pub user: User,
    _viewer: Held,
    _watching: Watching,
    _place: Place,
}

impl Seat {
    pub fn new(conn: Revocable, form: Form, user: User, (viewer, watching): (Held, Watching), place: Place) -> Self {
        Self { conn, form, user, _viewer: viewer, _watching: watching, _place: place }
    }

    /// Writes what is due, as far as there is room; never waits. Returns what must follow.
    pub fn write(&mut self, shown: Option<&Arc<Shown>>, desk: &mut Desk, flow: &Flow) -> io::Result<Option<Rest>> {
        self.form.write(&mut self.conn, shown, desk, flow)
    }

    /// Waits until what must follow is taken, and gives the viewer back; none if it left, stalled or has no account any
    /// more.
    pub async fn finish(mut self, rest: Rest, fans: Arc<Fans>) -> Option<Self> {
        let accounts = fans.accounts();
        let refill = |own: &mut Own| self.form.refill(own);
        let written = tokio::select! {
            written = rest.write(&mut self.conn, refill, fans.stall, &fans.flow) => written,
            () = accounts.lose(&self.user) => return None,
        };
        written.is_ok().then_some(self)
    }
}
