//! Takes the picture that shows where a preset is: once the head rests there, and only while the privacy gate is open.
//!
//! A preset that has none, as it was set while the head moved or pictures were forbidden, gets one when the head goes there.

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
}

#[derive(Clone, Copy)]
struct Wish {
    preset: Preset,
    place: Place,
    /// Whether the head was sent there: where it rests then is as near to it as it can be.
    sent: bool,
}

impl Shot {
    /// Wants a picture of a preset that was just set at a place, or none any more of one that was forgotten.
    pub fn wish(&mut self, preset: Preset, place: Place) {
        self.taking.abort_all();
        self.wish = (place != Place::None).then_some(Wish { preset, place, sent: false });
    }

    /// Notes an order that the head has taken; `bare` tells the place of a preset that has no picture.
    pub fn ordered(&mut self, order: Order, bare: impl Fn(Preset) -> Option<Place>) {
        match order {
            Order::Stop | Order::LensStop | Order::Aux(..) | Order::Output(_) => {}
            Order::GoTo(preset) => {
                self.taking.abort_all();
                let place = bare(preset).filter(|place| *place != Place::None);
                self.wish = place.map(|place| Wish { preset, place, sent: true });
            }
            Order::Move(_)
            | Order::Step(..)
            | Order::Lens(_)
            | Order::Scan(_)
            | Order::Patrol(..)
            | Order::Centre
            | Order::SetPreset(_)
            | Order::ClearPreset(_)
            | Order::Test => {
                self.taking.abort_all();
                self.wish = None;
            }
        }
    }

    /// Takes the picture if the head rests where it is to be taken, and gives up one under which it has moved.
    pub fn tick(&mut self, standing: &Standing, here: Place, hub: &Arc<Hub>, pictures: &Arc<Pictures>) {
        if standing.moving || here != self.at {
            self.taking.abort_all();
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
