//! What orders make of what a head does.

use super::{
    Doing, Mover,
    patrol::Patrol,
    travel::{PAN, Place, TILT, ZOOM},
};
use crate::ptz::{Axis, Way};

impl Mover {
    /// Moves or zooms, and goes on with the other.
    pub(super) fn go_on(&mut self, change: impl FnOnce(&mut (Option<Way>, Option<bool>))) {
        self.pause();
        let mut moving = match self.doing {
            Doing::Moving { way, tele } => (way, tele),
            Doing::Resting | Doing::Stepping | Doing::Going(_) | Doing::Patrolling => (None, None),
        };
        if moving.1.is_none() {
            self.brake(ZOOM);
        }
        change(&mut moving);
        self.doing = Doing::Moving { way: moving.0, tele: moving.1 };
        self.steer(true);
    }

    pub(super) fn stop_lens(&mut self) {
        if let Doing::Moving { tele: tele @ Some(_), .. } = &mut self.doing {
            *tele = None;
            self.brake(ZOOM);
        }
    }

    pub(super) fn step(&mut self, way: Way, degrees: Option<i32>) {
        self.pause();
        let more = matches!(self.doing, Doing::Stepping);
        let zooming = self.is_zooming();
        if !more {
            self.halt();
        }
        let mut to = self.paths.map(|path| path.end());
        let zoom = self.body.nearest(ZOOM, to[ZOOM], 0.0);
        for (axis, onwards) in [(PAN, way.right()), (TILT, way.down())] {
            let step = if onwards == 0 { 0.0 } else { self.body.step(axis, degrees, zoom) };
            to[axis] = self.body.nearest(axis, to[axis] + f64::from(onwards) * step, zoom);
        }
        if zooming {
            self.doing = Doing::Going(vec![to]);
        } else {
            self.doing = Doing::Stepping;
            for axis in [PAN, TILT] {
                self.head(axis, to[axis], self.body.by_hand(axis, zoom, &self.misc));
            }
        }
    }

    pub(super) fn stop(&mut self) {
        match self.doing {
            Doing::Resting | Doing::Moving { way: None, tele: None } => self.patrol = None,
            Doing::Moving { .. } | Doing::Stepping | Doing::Going(_) => self.halt(),
            Doing::Patrolling => {
                self.patrol = None;
                self.halt();
            }
        }
    }

    /// Goes to places, the last of them first.
    pub(super) fn go(&mut self, places: Vec<Place>) {
        self.pause();
        self.brake_all();
        self.doing = Doing::Going(places);
    }

    /// Lets a patrol rest until some time after a movement by hand.
    pub(super) fn pause(&mut self) {
        if let Some(patrol) = &mut self.patrol {
            patrol.by_hand = true;
        }
    }

    pub(super) fn begin_patrol(&mut self, axis: Axis) {
        let same = self.patrol.as_ref().is_some_and(|patrol| patrol.is(axis));
        let goes_on = same && matches!(self.doing, Doing::Patrolling);
        match &mut self.patrol {
            Some(same) if same.is(axis) => same.by_hand = false,
            Some(_) | None => self.patrol = Some(Patrol::new(axis, false)),
        }
        if !self.held && !goes_on {
            self.brake_all();
            self.doing = Doing::Patrolling;
        }
    }

    pub(super) fn end_patrol(&mut self, axis: Axis) {
        if self.patrol.as_ref().is_some_and(|patrol| patrol.includes(axis)) {
            self.patrol = None;
            if matches!(self.doing, Doing::Patrolling) {
                self.halt();
            }
        }
    }
}
