//! Where a head can be and how fast it goes there: what follows from its [`Body`].

use super::{
    Body,
    path::{Pace, stops},
};
use crate::profile::settings::Misc;

/// Pan, tilt and zoom, in the units of [`Pose`](crate::ptz::Pose).
pub(super) type Place = [f64; 3];

/// The axes of a [`Place`].
pub(super) const PAN: usize = 0;
pub(super) const TILT: usize = 1;
pub(super) const ZOOM: usize = 2;

/// So long an axis takes until it is at its top speed, in seconds.
const GAIN_S: f64 = 0.25;
/// So much of the world a device goes at most in a second.
const DEVICE: f64 = 1.0 / 5.0;
/// So much of its range a zoom goes at most in a second.
const ZOOMING: f64 = 1.0 / 3.0;
/// A step without a number, of what is seen.
const STEP: f64 = 1.0 / 8.0;
/// A step without a number of a device, of which is not known what is seen, in degrees.
const STEP_DEG: f64 = 5.0;
/// What a preset can tell apart ([`Pose`](crate::ptz::Pose)): a zoom rests there, and is then told apart from all others.
const FINEST: f64 = 1.0 / 65535.0;
/// So much of a grid's distance is taken for nothing.
const TINY: f64 = 1e-6;

impl Body {
    /// Returns it with nothing that is no number or beyond reason.
    pub(super) fn checked(self) -> Self {
        let within = |number: f64, most: f64| if number > TINY { number.min(most) } else { 0.0 };
        let shares = |(across, down): (f64, f64), most: f64| (within(across, most), within(down, most));
        Self {
            octaves: within(self.octaves, 16.0),
            seen: shares(self.seen, 1.0),
            degrees: shares(self.degrees, 1e6),
            centre: shares(self.centre, 1.0),
            grid: shares(self.grid, 1.0),
            blocks: shares(self.blocks, 1.0),
            blocks_zoom: within(self.blocks_zoom, 1.0),
        }
    }

    /// Says whether anything moves along an axis.
    pub(super) fn has(&self, axis: usize) -> bool {
        match axis {
            ZOOM => self.octaves > 0.0,
            _ => of(self.degrees, axis) > 0.0,
        }
    }

    /// Says whether there is anywhere to go along an axis, at a zoom.
    pub(super) fn has_room(&self, axis: usize, zoom: f64) -> bool {
        let (least, most) = self.limits(axis, zoom);
        most - least > TINY
    }

    /// Returns the share of the world that is seen along an axis, at a zoom.
    fn seen_at(&self, axis: usize, zoom: f64) -> f64 {
        of(self.seen, axis) * (-self.octaves * zoom).exp2()
    }

    /// Returns how far the middle must stay from the edges.
    fn half(&self, axis: usize, zoom: f64) -> f64 {
        self.seen_at(axis, zoom) / 2.0
    }

    /// Returns between what an axis can be, at a zoom, regardless of any grid.
    pub(super) fn bounds(&self, axis: usize, zoom: f64) -> (f64, f64) {
        match axis {
            ZOOM if !self.has(ZOOM) => (0.0, 0.0),
            ZOOM => (0.0, 1.0),
            _ if !self.has(axis) => (0.5, 0.5),
            _ => {
                let half = self.half(axis, zoom);
                (half, 1.0 - half)
            }
        }
    }

    /// Returns between what an axis can rest, at a zoom: the ends of travel.
    pub(super) fn limits(&self, axis: usize, zoom: f64) -> (f64, f64) {
        let (least, most) = self.bounds(axis, zoom);
        match self.grid(axis) {
            grid if axis != ZOOM && grid > 0.0 => (least, least + ((most - least) / grid + TINY).floor() * grid),
            _ => (least, most),
        }
    }

    fn grid(&self, axis: usize) -> f64 {
        match axis {
            ZOOM => FINEST,
            _ => of(self.grid, axis),
        }
    }

    /// Returns the place of rest that is nearest to a place of an axis, at a zoom.
    pub(super) fn nearest(&self, axis: usize, place: f64, zoom: f64) -> f64 {
        let (least, most) = self.limits(axis, zoom);
        // What is no number is anywhere.
        let place = if place.is_nan() { self.middle(axis) } else { place }.clamp(least, most);
        if axis == ZOOM {
            let sharp = (place - self.blocks_zoom).abs() <= FINEST;
            return if sharp { self.blocks_zoom } else { (place / FINEST).round() * FINEST }.clamp(least, most);
        }
        match self.grid(axis) {
            0.0 => place,
            grid => (least + ((place - least) / grid).round() * grid).min(most),
        }
    }

    /// Returns the place of rest that is nearest to a place.
    pub(super) fn rest(&self, place: Place) -> Place {
        let zoom = self.nearest(ZOOM, place[ZOOM], 0.0);
        [self.nearest(PAN, place[PAN], zoom), self.nearest(TILT, place[TILT], zoom), zoom]
    }

    /// Returns where an axis, pan or tilt, best stops that is at a place with a speed: where it is cheap to rest, as near
    /// behind the way that it needs as there is such a place, or at the end of travel.
    pub(super) fn stop(&self, axis: usize, (place, speed): (f64, f64), zoom: f64) -> f64 {
        if speed == 0.0 {
            return self.nearest(axis, place, zoom);
        }
        let (least, most) = self.limits(axis, zoom);
        let stops = stops(place, speed, self.fastest(axis, zoom).gain);
        let cheap = (zoom - self.blocks_zoom).abs() <= FINEST && of(self.blocks, axis) > 0.0;
        let at = match if cheap { of(self.blocks, axis) } else { self.grid(axis) } {
            0.0 => stops,
            grid if speed > 0.0 => least + ((stops - least) / grid - TINY).ceil() * grid,
            grid => least + ((stops - least) / grid + TINY).floor() * grid,
        };
        at.clamp(least, most)
    }

    /// Returns the fastest pace of an axis, at a zoom. Across and down it is as many pixels a second, one width of what is
    /// seen.
    pub(super) fn fastest(&self, axis: usize, zoom: f64) -> Pace {
        let width = self.seen_at(PAN, zoom);
        let top = match axis {
            ZOOM => ZOOMING,
            _ if width == 0.0 => DEVICE,
            TILT if self.has(PAN) && self.has(TILT) => width * (self.degrees.0 / self.degrees.1).clamp(0.01, 100.0),
            _ => width,
        };
        Pace { top, gain: top / GAIN_S }
    }

    /// Returns the pace of an axis when somebody moves it.
    pub(super) fn by_hand(&self, axis: usize, zoom: f64, misc: &Misc) -> Pace {
        let fastest = self.fastest(axis, zoom);
        Pace { top: fastest.top * share(100 - misc.rate.get()), ..fastest }
    }

    /// Returns the pace of an axis on patrol, to the right or down, or else to the left or up.
    pub(super) fn on_patrol(&self, axis: usize, onwards: bool, zoom: f64, misc: &Misc) -> Pace {
        let rate = match (axis == PAN, onwards) {
            (true, true) => misc.right_rate,
            (true, false) => misc.left_rate,
            (false, true) => misc.down_rate,
            (false, false) => misc.up_rate,
        };
        let fastest = self.fastest(axis, zoom);
        Pace { top: fastest.top * share(rate.get()), ..fastest }
    }

    /// Returns how long a step is, of a number of degrees or a usual one: at least to the next place of rest.
    pub(super) fn step(&self, axis: usize, degrees: Option<i32>, zoom: f64) -> f64 {
        let usual = match self.seen_at(axis, zoom) {
            0.0 => STEP_DEG / of(self.degrees, axis),
            seen => seen * STEP,
        };
        let step = degrees.map_or(usual, |degrees| f64::from(degrees) / of(self.degrees, axis));
        match self.grid(axis) {
            0.0 => step,
            grid => (step / grid).round().max(1.0) * grid,
        }
    }

    /// Returns where an axis is at the centre.
    pub(super) fn middle(&self, axis: usize) -> f64 {
        match axis {
            ZOOM => 0.0,
            _ => of(self.centre, axis),
        }
    }
}

/// Returns how much of the top speed a rate is: 100 all of it, 0 a tenth, and steps between are of the same factor.
fn share(rate: i32) -> f64 {
    10_f64.powf((f64::from(rate) - 100.0) / 100.0)
}

fn of(pair: (f64, f64), axis: usize) -> f64 {
    if axis == PAN { pair.0 } else { pair.1 }
}
