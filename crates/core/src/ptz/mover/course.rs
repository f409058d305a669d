//! What happens by itself: movements end, patrols go on and begin, and however long nobody has asked, little is to be done.

use std::time::{Duration, Instant};

use super::{
    Doing, LOOK, Mover, RESUME, THERE,
    path::Path,
    patrol::{Goal, Patrol},
    travel::{PAN, Place, TILT, ZOOM},
};
use crate::{profile::settings::Misc, ptz::DEAD_MAN};

impl Mover {
    pub(super) fn advance(&mut self, now: Instant) {
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
    pub(super) fn next(&self, misc: &Misc) -> Option<Instant> {
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
    pub(super) fn looks(&self) -> Option<Instant> {
        let zoomed = self.paths[ZOOM].ends();
        (self.looked < zoomed).then(|| zoomed.min(self.looked + LOOK))
    }

    /// Returns the next automatic patrol, and when it begins.
    pub(super) fn automatic(&self, misc: &Misc) -> Option<(Instant, Patrol)> {
        let interval = misc.auto_patrol_interval_s.get().unsigned_abs();
        let patrol = Patrol::automatic(misc.auto_patrol_type).filter(|patrol| patrol.has_room(self.room()))?;
        let begins = self.ordered.max(self.rested) + Duration::from_secs(interval.into());
        (interval > 0).then_some((begins, patrol))
    }

    /// Lets happen what is due; the time is asked for until a moment.
    pub(super) fn happen(&mut self, until: Instant) {
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
    pub(super) fn go_next(&mut self) {
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
    pub(super) fn go_rest(&mut self) {
        let place = self.body.rest(self.place());
        self.doing = Doing::Going(vec![place]);
        self.go_next();
    }

    pub(super) fn rest(&mut self) {
        self.wish = self.place();
        (self.doing, self.rested) = (Doing::Resting, self.at);
    }

    pub(super) fn patrol_on(&mut self, until: Instant) {
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
    pub(super) fn repeat(&mut self, place: Place, until: Instant) {
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

fn near(one: Place, other: Place) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() < THERE)
}
