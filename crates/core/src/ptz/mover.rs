//! A head that knows where it is: it starts, moves, slows down and stops on the spot, as a function of time.
//!
//! ```text
//!            move, step, preset, centre, test          stop, end of travel, there, 60 s
//!   Resting ─────────────────────────────────▶ Moving ────────────────────────────────▶ Resting
//!      │  ▲                                      │ ▲
//!      │  └────────── rounds done, off, stop     │ └─ move …: the patrol pauses, and goes on later
//!      └───▶ Patrolling ◀────────────────────────┘
//! ```

mod path;
mod patrol;
#[cfg(test)]
mod tests;
mod travel;

use std::time::{Duration, Instant};

use self::{
    path::{Pace, Path},
    patrol::{Goal, Patrol, index},
    travel::{PAN, Place, TILT, ZOOM},
};
use super::{Axis, DEAD_MAN, Lens, NotSupported, Order, Pose, Way};
use crate::profile::settings::Misc;

/// So long after somebody has moved the head a patrol goes on.
pub const RESUME: Duration = Duration::from_secs(10);
/// So often a movement looks anew at what is seen while the zoom changes it.
const LOOK: Duration = Duration::from_millis(20);
/// So near is there.
const THERE: f64 = 1e-9;

/// What a head is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// How often what is seen at the widest is doubled in size at the nearest: log2 of the zoom; 0: no zoom.
    pub octaves: f64,
    /// The share of the world that is seen at the widest, across and down. A window cannot leave its picture: its middle keeps
    /// half of what is seen away from the edges. 0 for a device, whose middle may go anywhere.
    pub seen: (f64, f64),
    /// The whole world in degrees, across and down. 0: nothing moves that way, such as of a camera that has a zoom alone; it
    /// is at 0.5 there, and an order that way alone is not supported.
    pub degrees: (f64, f64),
    /// Where the centre is, across and down: in the middle of a picture, (0.5, 0.5); where a device has its own, whose ways
    /// up and down are seldom as long as each other.
    pub centre: (f64, f64),
    /// Where a window may rest: multiples of these shares of the world, for its left and its upper edge. 0: anywhere.
    pub grid: (f64, f64),
    /// Where it is cheaper to rest, of the same kind, at zoom `grid_zoom` alone: a movement that somebody stops ends there.
    pub blocks: (f64, f64),
    /// The zoom at which `blocks` count.
    pub blocks_zoom: f64,
}

/// A head that moves.
#[derive(Clone, Debug)]
pub struct Mover {
    body: Body,
    /// What was said last of the speeds and patrols.
    misc: Misc,
    /// Until when everything has happened.
    at: Instant,
    paths: [Path; 3],
    doing: Doing,
    /// The patrol, also while it rests for a while.
    patrol: Option<Patrol>,
    held: bool,
    /// When the last order came.
    ordered: Instant,
    /// When it came to rest.
    rested: Instant,
    /// When a movement looked last at what is seen.
    looked: Instant,
    /// Where it rests, or would if its body let it.
    wish: Place,
    /// When and where a patrol began that may be repeated, if nothing has disturbed it since.
    began: Option<(Instant, Place, Patrol)>,
    /// How many things have happened by themselves.
    #[cfg(test)]
    happened: usize,
}

/// What it does.
#[derive(Clone, Debug)]
enum Doing {
    Resting,
    /// What somebody has ordered until he stops it; neither, once it is stopped.
    Moving {
        way: Option<Way>,
        tele: Option<bool>,
    },
    Stepping,
    /// Goes to these places, the last first.
    Going(Vec<Place>),
    Patrolling,
}

impl Mover {
    /// Makes it, resting at a pose, or as near to it as it can be.
    pub fn new(body: Body, pose: Pose, now: Instant) -> Self {
        let body = body.checked();
        let wish = [pose.pan, pose.tilt, pose.zoom];
        Self {
            body,
            misc: Misc::default(),
            at: now,
            paths: body.rest(wish).map(|place| Path::rest(place, now)),
            doing: Doing::Resting,
            patrol: None,
            held: false,
            ordered: now,
            rested: now,
            looked: now,
            wish,
            began: None,
            #[cfg(test)]
            happened: 0,
        }
    }

    /// Changes what the head is like, such as when the source has another size; it stays where it is, as near as it can.
    pub fn set_body(&mut self, body: Body, now: Instant) {
        let body = body.checked();
        if body == self.body {
            return;
        }
        self.advance(now);
        self.disturb();
        let place = if matches!(self.doing, Doing::Resting) { self.wish } else { self.place() };
        self.body = body;
        self.paths = body.rest(place).map(|place| Path::rest(place, self.at));
        self.steer(true);
        self.advance(now);
    }

    /// Takes an order, whose way is the world's own. `place` is where the preset of [`Order::GoTo`] is.
    ///
    /// # Errors
    /// This kind of head does not know it, or there is no such preset. Setting and clearing presets is not its business.
    pub fn order(&mut self, order: Order, place: Option<Pose>, misc: &Misc, now: Instant) -> Result<(), NotSupported> {
        self.pose(misc, now);
        let body = self.body;
        let can = |way: Way| (way.right() != 0 && body.has(PAN)) || (way.down() != 0 && body.has(TILT));
        let centre = || {
            let place = self.place();
            [body.middle(PAN), body.middle(TILT), place[ZOOM]]
        };
        match order {
            Order::Move(way) if can(way) => self.go_on(|moving| moving.0 = Some(way)),
            Order::Lens(lens @ (Lens::ZoomWide | Lens::ZoomTele)) if body.has(ZOOM) => {
                self.go_on(|moving| moving.1 = Some(lens == Lens::ZoomTele));
            }
            Order::LensStop if body.has(ZOOM) => self.stop_lens(),
            Order::Step(way, degrees) if can(way) => self.step(way, degrees.map(|degrees| degrees.get())),
            Order::Stop => self.stop(),
            Order::GoTo(_) => {
                let pose = place.ok_or(NotSupported)?;
                self.go(vec![[pose.pan, pose.tilt, pose.zoom]]);
            }
            Order::Centre if body.has(PAN) || body.has(TILT) => self.go(vec![centre()]),
            Order::Test if body.has(PAN) || body.has(TILT) => {
                let [pan, tilt, zoom] = centre();
                self.go(vec![
                    [pan, tilt, zoom],
                    [pan, 1.0, zoom],
                    [pan, 0.0, zoom],
                    [1.0, tilt, zoom],
                    [0.0, tilt, zoom],
                ]);
            }
            Order::Patrol(axis, true) if body.has(index(axis)) => self.begin_patrol(axis),
            Order::Patrol(axis, false) if body.has(index(axis)) => self.end_patrol(axis),
            Order::Move(_)
            | Order::Lens(_)
            | Order::LensStop
            | Order::Step(..)
            | Order::Centre
            | Order::Test
            | Order::Patrol(..)
            | Order::Scan(_)
            | Order::Aux(..)
            | Order::SetPreset(_)
            | Order::ClearPreset(_)
            | Order::Output(_) => return Err(NotSupported),
        }
        self.disturb();
        self.ordered = self.at;
        self.advance(now);
        Ok(())
    }

    /// Lets a patrol rest while `held`, as while there is an alarm.
    pub fn hold(&mut self, held: bool, now: Instant) {
        self.advance(now);
        if self.held == held {
            return;
        }
        self.held = held;
        self.disturb();
        if held && matches!(self.doing, Doing::Patrolling) {
            self.halt();
        }
        self.advance(now);
    }

    /// Returns where it is at a moment. Time only goes forward: an earlier moment is the last one that was asked for.
    pub fn pose(&mut self, misc: &Misc, now: Instant) -> Pose {
        self.advance(now);
        if *misc != self.misc {
            self.misc.clone_from(misc);
            self.disturb();
            self.steer(false);
            self.advance(now);
        }
        let [pan, tilt, zoom] = self.place();
        Pose { pan, tilt, zoom }
    }

    /// Says how long from `now` nothing happens that must be looked at by [`Mover::pose`]: while it rests, until an automatic
    /// patrol begins or goes on; while it moves, [`Duration::ZERO`].
    pub fn due(&self, misc: &Misc, now: Instant) -> Option<Duration> {
        if self.moving() {
            return Some(Duration::ZERO);
        }
        self.next(misc).map(|next| next.saturating_duration_since(now))
    }

    /// Says whether it moves.
    pub fn moving(&self) -> bool {
        !matches!(self.doing, Doing::Resting)
    }

    /// Returns which patrol goes on or rests for a while.
    pub fn patrol(&self) -> Option<Axis> {
        self.patrol.as_ref().map(|patrol| patrol.axis)
    }
}

/// What happens by itself.
impl Mover {
    fn advance(&mut self, now: Instant) {
        let now = now.max(self.at);
        while let Some(next) = self.next(&self.misc).map(|next| next.max(self.at)).filter(|next| *next <= now) {
            self.at = next;
            #[cfg(test)]
            {
                self.happened += 1;
            }
            self.happen(now);
        }
        self.at = now;
    }

    /// Returns when something happens next; a moment that is past means at once.
    fn next(&self, misc: &Misc) -> Option<Instant> {
        let arrives = self.paths.iter().map(Path::ends).max();
        match &self.doing {
            Doing::Resting if self.held => None,
            Doing::Resting => match &self.patrol {
                Some(patrol) if patrol.by_hand => Some(self.ordered.max(self.rested) + RESUME),
                Some(_) => Some(self.at),
                None => self.automatic(misc).map(|(begins, _)| begins),
            },
            Doing::Moving { way: None, tele: None } => arrives,
            Doing::Moving { way, .. } => {
                let looks = way.and_then(|_| self.looks());
                [arrives, looks, Some(self.ordered + DEAD_MAN)].into_iter().flatten().min()
            }
            Doing::Stepping | Doing::Going(_) | Doing::Patrolling => arrives,
        }
    }

    /// Returns when a movement looks anew at what is seen, as the zoom changes it.
    fn looks(&self) -> Option<Instant> {
        let zoomed = self.paths[ZOOM].ends();
        (self.looked < zoomed).then(|| zoomed.min(self.looked + LOOK))
    }

    /// Returns the next automatic patrol, and when it begins.
    fn automatic(&self, misc: &Misc) -> Option<(Instant, Patrol)> {
        let interval = misc.auto_patrol_interval_s.get().unsigned_abs();
        let patrol = Patrol::automatic(misc.auto_patrol_type).filter(|patrol| patrol.has_room(self.room()))?;
        let begins = self.ordered.max(self.rested) + Duration::from_secs(interval.into());
        (interval > 0).then_some((begins, patrol))
    }

    /// Lets happen what is due; the time is asked for until a moment.
    fn happen(&mut self, until: Instant) {
        match self.doing {
            Doing::Resting => {
                if self.patrol.is_none() {
                    self.patrol = self.automatic(&self.misc).map(|(_, patrol)| patrol);
                }
                self.doing = Doing::Patrolling;
            }
            Doing::Moving { way: Some(_), .. } if self.looks().is_some_and(|looks| looks <= self.at) => {
                self.steer(false)
            }
            Doing::Moving { way, tele } => {
                let goes = way.is_some() || tele.is_some();
                if goes && self.at >= self.ordered + DEAD_MAN { self.halt() } else { self.go_rest() }
            }
            Doing::Stepping => self.go_rest(),
            Doing::Going(_) => self.go_next(),
            Doing::Patrolling => self.patrol_on(until),
        }
    }

    /// Is where it went; goes on to the next place, if there is any.
    fn go_next(&mut self) {
        let here = self.place();
        let Doing::Going(places) = &mut self.doing else { return };
        while let Some(place) = places.last() {
            let place = self.body.rest(*place);
            if !near(here, place) {
                return self.line(place);
            }
            self.paths = place.map(|place| Path::rest(place, self.at));
            places.pop();
        }
        self.rest();
    }

    /// Ends where it can rest, which is next to where it is.
    fn go_rest(&mut self) {
        let place = self.body.rest(self.place());
        self.doing = Doing::Going(vec![place]);
        self.go_next();
    }

    fn rest(&mut self) {
        self.wish = self.place();
        (self.doing, self.rested) = (Doing::Resting, self.at);
    }

    fn patrol_on(&mut self, until: Instant) {
        let place = self.place();
        let rest = self.body.rest(place);
        if !near(place, rest) {
            return self.line(rest);
        }
        let room = self.room();
        let there = self.goal().is_none_or(|goal| (goal.1 - place[goal.0]).abs() < THERE);
        if there {
            self.repeat(place, until);
            let goes_on =
                self.patrol.as_mut().is_some_and(|patrol| patrol.next([place[PAN], place[TILT]], room, &self.misc));
            if !goes_on {
                self.patrol = None;
                return self.rest();
            }
        }
        self.aim();
    }

    /// Leaves out the rounds, and the whole patrols, that are the same as the last one: however long nobody has asked, what is
    /// to be done is little.
    fn repeat(&mut self, place: Place, until: Instant) {
        let Some(patrol) = &mut self.patrol else { return };
        let (before, most) = if patrol.begins() {
            let began = self.began.replace((self.at, place, patrol.clone()));
            let same = began.filter(|(_, there, before)| near(*there, place) && patrol.is_like(before));
            (same.map(|(at, ..)| at), u32::MAX)
        } else if patrol.goal() == Some(Goal::Least) {
            (patrol.turned.replace(self.at), patrol.left(&self.misc).map_or(u32::MAX, |left| left.saturating_sub(1)))
        } else {
            return;
        };
        let Some(round) = before.map(|before| self.at - before).filter(|round| !round.is_zero()) else { return };
        let rounds = ((until - self.at).as_nanos() / round.as_nanos()).min(most.into());
        // It is at most `most`.
        let rounds = u32::try_from(rounds).unwrap_or(most);
        self.at += round * rounds;
        if patrol.goal() == Some(Goal::Least) {
            patrol.turned = Some(self.at);
            patrol.went(rounds);
        } else if let Some(began) = &mut self.began {
            began.0 = self.at;
        }
    }
}

/// How it goes where it is to go.
impl Mover {
    /// Returns where it is now.
    fn place(&self) -> Place {
        let zoom = self.axis(ZOOM, 0.0).0;
        [self.axis(PAN, zoom).0, self.axis(TILT, zoom).0, zoom]
    }

    /// Returns where an axis is now, and how fast. Its path knows nothing of the zoom, which may push it away from the edges.
    fn axis(&self, axis: usize, zoom: f64) -> (f64, f64) {
        let (place, speed) = self.paths[axis].at(self.at);
        let (least, most) = self.body.bounds(axis, zoom);
        match place.clamp(least, most) {
            pushed if pushed == place => (place, speed),
            pushed => (pushed, 0.0),
        }
    }

    fn room(&self) -> [bool; 2] {
        let zoom = self.paths[ZOOM].end();
        [PAN, TILT].map(|axis| self.body.has_room(axis, zoom))
    }

    fn is_zooming(&self) -> bool {
        self.paths[ZOOM].ends() > self.at
    }

    /// Forgets what has been the same all the time.
    fn disturb(&mut self) {
        self.began = None;
        if let Some(patrol) = &mut self.patrol {
            patrol.turned = None;
        }
    }

    /// Goes on as it does: at other speeds, with another body, or with what is seen now. If it is `fresh`, also what is to
    /// stop does so.
    fn steer(&mut self, fresh: bool) {
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
    fn head(&mut self, axis: usize, to: f64, pace: Pace) {
        let (from, speed) = self.axis(axis, self.place()[ZOOM]);
        self.paths[axis] = Path::to(self.at, from, speed, to, pace);
    }

    /// Sends all axes to a place, from rest, straight: so that they arrive together, and never leave the world on the way.
    /// What is seen where it is smallest on the way sets the pace, so that a stop finds room.
    fn line(&mut self, to: Place) {
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
    fn aim(&mut self) {
        let Some((axis, end)) = self.goal() else { return };
        let place = self.place();
        let pace = self.body.on_patrol(axis, end > place[axis], place[ZOOM], &self.misc);
        self.head(axis, end, pace);
    }

    /// Returns where the patrol goes, and along which axis.
    fn goal(&self) -> Option<(usize, f64)> {
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
    fn brake(&mut self, axis: usize) {
        let zoom = self.place()[ZOOM];
        let (place, speed) = self.axis(axis, zoom);
        self.paths[axis] = Path::brake(self.at, place, speed, self.body.fastest(axis, zoom).gain);
    }

    fn brake_all(&mut self) {
        [PAN, TILT, ZOOM].map(|axis| self.brake(axis));
    }

    /// Stops whatever moves.
    fn halt(&mut self) {
        let zooming = self.is_zooming();
        self.doing = Doing::Moving { way: None, tele: None };
        if zooming { self.brake_all() } else { self.steer(true) }
    }
}

/// Orders.
impl Mover {
    /// Moves or zooms, and goes on with the other.
    fn go_on(&mut self, change: impl FnOnce(&mut (Option<Way>, Option<bool>))) {
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

    fn stop_lens(&mut self) {
        if let Doing::Moving { tele: tele @ Some(_), .. } = &mut self.doing {
            *tele = None;
            self.brake(ZOOM);
        }
    }

    fn step(&mut self, way: Way, degrees: Option<i32>) {
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

    fn stop(&mut self) {
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
    fn go(&mut self, places: Vec<Place>) {
        self.pause();
        self.brake_all();
        self.doing = Doing::Going(places);
    }

    /// Lets a patrol rest until some time after a movement by hand.
    fn pause(&mut self) {
        if let Some(patrol) = &mut self.patrol {
            patrol.by_hand = true;
        }
    }

    fn begin_patrol(&mut self, axis: Axis) {
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

    fn end_patrol(&mut self, axis: Axis) {
        if self.patrol.as_ref().is_some_and(|patrol| patrol.includes(axis)) {
            self.patrol = None;
            if matches!(self.doing, Doing::Patrolling) {
                self.halt();
            }
        }
    }
}

fn near(one: Place, other: Place) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() < THERE)
}
