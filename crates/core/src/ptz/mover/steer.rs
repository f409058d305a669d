//! How a head goes where it is to go: its axes are sent on their paths.

use super::{
    Doing, Mover,
    path::{Pace, Path},
    patrol::{Goal, index},
    travel::{PAN, Place, TILT, ZOOM},
};
use crate::ptz::Way;

impl Mover {
    /// Returns where it is now.
    pub(super) fn place(&self) -> Place {
        let zoom = self.axis(ZOOM, 0.0).0;
        [self.axis(PAN, zoom).0, self.axis(TILT, zoom).0, zoom]
    }

    /// Returns where an axis is now, and how fast. Its path knows nothing of the zoom, which may push it away from the edges.
    pub(super) fn axis(&self, axis: usize, zoom: f64) -> (f64, f64) {
        let (place, speed) = self.paths[axis].at(self.at);
        let (least, most) = self.body.bounds(axis, zoom);
        match place.clamp(least, most) {
            pushed if pushed == place => (place, speed),
            pushed => (pushed, 0.0),
        }
    }

    pub(super) fn room(&self) -> [bool; 2] {
        let zoom = self.paths[ZOOM].end();
        [PAN, TILT].map(|axis| self.body.has_room(axis, zoom))
    }

    pub(super) fn is_zooming(&self) -> bool {
        self.paths[ZOOM].ends() > self.at
    }

    /// Forgets what has been the same all the time.
    pub(super) fn disturb(&mut self) {
        self.began = None;
        if let Some(patrol) = &mut self.patrol {
            patrol.turned = None;
        }
    }

    /// Goes on as it does: at other speeds, with another body, or with what is seen now. If it is `fresh`, also what is to
    /// stop does so.
    pub(super) fn steer(&mut self, fresh: bool) {
        self.looked = self.at;
        match self.doing {
            Doing::Resting | Doing::Going(_) => {}
            Doing::Stepping => {
                for axis in [PAN, TILT] {
                    let end = self.paths[axis].end();
                    self.head(axis, end, self.body.by_hand(axis, self.place()[ZOOM], &self.misc));
                }
            }
            Doing::Patrolling => self.aim(),
            Doing::Moving { way, tele } => {
                let place = self.place();
                for (axis, onwards) in [(PAN, way.map_or(0, Way::right)), (TILT, way.map_or(0, Way::down))] {
                    let (least, most) = self.body.limits(axis, place[ZOOM]);
                    let end = match onwards {
                        0 if fresh => self.body.stop(axis, self.axis(axis, place[ZOOM]), place[ZOOM]),
                        0 => continue,
                        1 => most,
                        _ => least,
                    };
                    self.head(axis, end, self.body.by_hand(axis, place[ZOOM], &self.misc));
                }
                if let Some(tele) = tele {
                    let (wide, near) = self.body.bounds(ZOOM, 0.0);
                    self.head(ZOOM, if tele { near } else { wide }, self.body.by_hand(ZOOM, 0.0, &self.misc));
                }
            }
        }
    }

    /// Sends one axis to a place.
    pub(super) fn head(&mut self, axis: usize, to: f64, pace: Pace) {
        let (from, speed) = self.axis(axis, self.place()[ZOOM]);
        self.paths[axis] = Path::to(self.at, from, speed, to, pace);
    }

    /// Sends all axes to a place, from rest, straight: so that they arrive together, and never leave the world on the way.
    /// What is seen where it is smallest on the way sets the pace, so that a stop finds room.
    pub(super) fn line(&mut self, to: Place) {
        let from = self.place();
        let zoom = from[ZOOM].max(to[ZOOM]);
        let mut pace = Pace { top: f64::INFINITY, gain: f64::INFINITY };
        for axis in [PAN, TILT, ZOOM] {
            let (way, fastest) = ((to[axis] - from[axis]).abs(), self.body.fastest(axis, zoom));
            if way > 0.0 {
                pace = Pace { top: pace.top.min(fastest.top / way), gain: pace.gain.min(fastest.gain / way) };
            }
        }
        if pace.top.is_finite() {
            let path = Path::to(self.at, 0.0, 0.0, 1.0, pace);
            self.paths = [PAN, TILT, ZOOM].map(|axis| path.between(from[axis], to[axis]));
        }
    }

    /// Sends the patrol's axis where the patrol goes.
    pub(super) fn aim(&mut self) {
        let Some((axis, end)) = self.goal() else { return };
        let place = self.place();
        let pace = self.body.on_patrol(axis, end > place[axis], place[ZOOM], &self.misc);
        self.head(axis, end, pace);
    }

    /// Returns where the patrol goes, and along which axis.
    pub(super) fn goal(&self) -> Option<(usize, f64)> {
        let patrol = self.patrol.as_ref()?;
        let (axis, zoom) = (index(patrol.axis), self.paths[ZOOM].end());
        let (least, most) = self.body.limits(axis, zoom);
        Some(match patrol.goal()? {
            Goal::Least => (axis, least),
            Goal::Most => (axis, most),
            Goal::At(home) => (axis, self.body.nearest(axis, home, zoom)),
        })
    }

    /// Slows an axis down to rest.
    pub(super) fn brake(&mut self, axis: usize) {
        let zoom = self.place()[ZOOM];
        let (place, speed) = self.axis(axis, zoom);
        self.paths[axis] = Path::brake(self.at, place, speed, self.body.fastest(axis, zoom).gain);
    }

    pub(super) fn brake_all(&mut self) {
        for axis in [PAN, TILT, ZOOM] {
            self.brake(axis);
        }
    }

    /// Stops whatever moves.
    pub(super) fn halt(&mut self) {
        let zooming = self.is_zooming();
        self.doing = Doing::Moving { way: None, tele: None };
        if zooming { self.brake_all() } else { self.steer(true) }
    }
}
