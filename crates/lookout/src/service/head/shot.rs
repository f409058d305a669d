//! Takes the picture that shows where a preset is: once the head rests there, and only while the privacy gate is open.
//!
//! A preset that has none, as it was set while the head moved or pictures were forbidden, gets one when the head goes there.
//! One that a head keeps itself, which never says where it is, is shown as it was set, at rest, or not at all.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use lookout_core::{
    profile::{place::Place, settings::Resolution},
    ptz::{Order, Preset},
};
use tokio::task::JoinSet;

use super::body::now;
use crate::{
    head::{LARGEST, Pictures, Standing},
    hub::Hub,
};

/// How long a picture is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The picture that is to be taken, and the one that is.
#[derive(Default)]
pub struct Shot {
    wish: Option<Wish>,
    taking: JoinSet<()>,
    /// Where the head must stay while it is taken.
    at: Place,
    /// How often the head has been seen to move: if it never says where it is, it is where it was as long as that stays.
    turns: u64,
}

#[derive(Clone, Copy)]
struct Wish {
    preset: Preset,
    place: Place,
    /// Whether the head was sent there: where it rests then is as near to it as it can be.
    sent: bool,
}

impl Shot {
    /// Returns a mark of where the head rests while a preset is kept; none while it moves.
    pub fn mark(&self, standing: &Standing) -> Option<u64> {
        (!standing.moving && !standing.lost).then_some(self.turns)
    }

    /// Wants a picture of a preset that was set at a place, at a mark; or none any more of one that was forgotten.
    pub fn wish(&mut self, preset: Preset, place: Place, mark: Option<u64>) {
        self.taking.abort_all();
        let shows = match place {
            Place::None => false,
            Place::Head => mark == Some(self.turns),
            Place::At(_) => true,
        };
        self.wish = shows.then_some(Wish { preset, place, sent: false });
    }

    /// Notes an order that the head has taken; `bare` tells the place of a preset that has no picture.
    pub fn ordered(&mut self, order: Order, bare: impl Fn(Preset) -> Option<Place>) {
        if order.stops() {
            // Where it stops is not where it was sent.
            self.wish = self.wish.filter(|wish| !wish.sent);
        }
        if order.moves() {
            self.taking.abort_all();
            self.wish = None;
        }
        if let Order::GoTo(preset) = order {
            let place = bare(preset).filter(|place| matches!(place, Place::At(_)));
            self.wish = place.map(|place| Wish { preset, place, sent: true });
        }
    }

    /// Takes the picture if the head rests where it is to be taken, and gives up one under which it has moved.
    pub fn tick(&mut self, standing: &Standing, here: Place, hub: &Arc<Hub>, pictures: &Arc<Pictures>) {
        if standing.moving || here != self.at {
            self.taking.abort_all();
        }
        if standing.moving || standing.lost {
            self.turns += 1;
            self.wish = self.wish.filter(|wish| wish.place != Place::Head);
        }
        // A patrol may have begun by itself.
        self.wish = self.wish.filter(|_| standing.patrol.is_none());
        let there = |wish: &mut Wish| (wish.sent || wish.place == here) && !standing.moving && !standing.lost;
        let Some(Wish { preset, place, .. }) = self.wish.take_if(there) else { return };
        self.at = here;
        let (hub, pictures) = (hub.clone(), pictures.clone());
        self.taking.spawn(async move {
            if let Some(jpeg) = take(&hub).await {
                pictures.put(preset, place, jpeg).await;
            }
        });
    }

    /// Waits until a picture is taken or given up; for ever where none is. May be cancelled.
    pub async fn taken(&mut self) {
        if self.taking.join_next().await.is_none() {
            pending::<()>().await;
        }
    }
}

/// Takes a small picture, if any may be seen.
async fn take(hub: &Arc<Hub>) -> Option<Bytes> {
    let since = now();
    for size in [Resolution::Qvga, Resolution::Qqvga] {
        let shown = hub.view(size).ok()?.after(since, PATIENCE).await?;
        if shown.jpeg.len() <= LARGEST {
            return Some(shown.jpeg.clone());
        }
    }
    None
}
