//! A part of a picture that is shown in its place: cropped, and scaled where it must be.
//!
//! A head turns within the picture as within a world from 0 to 1. Where its window may *rest* is on a grid of even pixels,
//! so that colour, which most pictures keep for every second pixel only, comes along unchanged; on the way from one rest to
//! the next it lies on any whole pixel. The functions here say in shares of the picture what is a matter of pixels, so that
//! a head needs no pixels and a window given back at rest is the very one that was asked for.

use std::fmt;

use super::frame::Size;

/// A part of a picture: its middle and its width, as shares of the whole, before anything is flipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// The middle, from the left: 0 to 1.
    pub x: f64,
    /// The middle, from the top: 0 to 1.
    pub y: f64,
    /// The share of the widest window of the wished shape that it is across: over 0, at most 1.
    pub share: f64,
    /// The size that comes out.
    pub view: Size,
}

/// A window in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Pixels left of it.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// What is taken.
    pub size: Size,
    /// What comes out.
    pub view: Size,
}

/// The least side of a window in pixels; of pictures that are smaller, the whole side.
const LEAST: u32 = 16;

/// Returns the share of a picture that the widest window of the shape of `view` takes, across and down: one of them is 1.
pub fn seen(picture: Size, view: Size) -> (f64, f64) {
    let [whole, wished] = [picture, view].map(|size| f64::from(size.width.max(1)) / f64::from(size.height.max(1)));
    if wished >= whole { (1.0, whole / wished) } else { (wished / whole, 1.0) }
}

/// Returns the share ([`Window::share`]) at which a pixel of the picture is a pixel of the view. It is over 1 where the view is
/// larger than the picture: such a window is always scaled.
pub fn one_to_one(picture: Size, view: Size) -> f64 {
    f64::from(view.width) / (f64::from(picture.width.max(1)) * seen(picture, view).0)
}

/// Returns the shares of the picture between two places, across and down, on which the left and upper edge of a window may
/// rest: two pixels each.
pub fn grid(picture: Size) -> (f64, f64) {
    steps(picture, Size::new(2, 2))
}

/// Returns the shares of the picture that its blocks (MCUs) of `mcu` pixels are: a window whose left and upper edge lie on
/// such borders, and which is not scaled, is cut without decoding.
pub fn blocks(picture: Size, mcu: Size) -> (f64, f64) {
    steps(picture, mcu)
}

fn steps(picture: Size, step: Size) -> (f64, f64) {
    let share = |step: u32, side: u32| f64::from(step) / f64::from(side.max(1));
    (share(step.width, picture.width), share(step.height, picture.height))
}

impl Window {
    /// Returns it in whole pixels of a picture: within it, at least 16 pixels a side, and with even sides unless it is the
    /// whole picture.
    pub fn crop(&self, picture: Size) -> Crop {
        let (view, seen) = (self.view, seen(picture, self.view));
        if self.share >= 1.0 && view == picture {
            return Crop { left: 0, top: 0, size: picture, view };
        }
        let share = self.share.min(1.0);
        let (left, width) = side(picture.width, self.x, share * seen.0);
        let (top, height) = side(picture.height, self.y, share * seen.1);
        Crop { left, top, size: Size::new(width, height), view }
    }
}

/// Returns where a window begins along one side of a picture, and how long it is, in pixels.
///
/// The length is rounded to even pixels, but the beginning is that of the length before: a window of any length begins on
/// the very pixel where it rests. (It is a pixel longer at most, which cannot lead beyond the last even pixel.)
fn side(whole: u32, middle: f64, share: f64) -> (u32, u32) {
    // A picture of one pixel has no even part.
    let most = if whole > 1 { whole & !1 } else { whole };
    let exact = share * f64::from(whole);
    // A cast of a float saturates, and takes no number for 0.
    let length = (((exact / 2.0).round() as u32).saturating_mul(2)).clamp(LEAST.min(most), most);
    let begin = (middle * f64::from(whole) - exact / 2.0).round() as u32;
    (begin.min(most - length), length)
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, top, size, view } = self;
        write!(f, "window of {size} at {left},{top} seen as {view}")
    }
}

impl Crop {
    /// Says whether it is the whole picture as it is.
    pub fn is_whole(&self, picture: Size) -> bool {
        (self.left, self.top) == (0, 0) && self.size == picture && self.view == picture
    }

    /// Says whether nothing is scaled.
    pub fn is_one_to_one(&self) -> bool {
        self.size == self.view
    }

    /// Says whether it lies within a picture, and what comes out is a possible size.
    pub fn is_within(&self, picture: Size) -> bool {
        let fits = |begin: u32, length: u32, whole: u32| {
            length > 0 && begin.checked_add(length).is_some_and(|end| end <= whole)
        };
        fits(self.left, self.size.width, picture.width)
            && fits(self.top, self.size.height, picture.height)
            && [self.view.width, self.view.height].iter().all(|side| (1..=Size::LONGEST).contains(side))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HD: Size = Size::new(1920, 1080);

    fn at(x: f64, y: f64, share: f64) -> Window {
        Window { x, y, share, view: Size::VGA }
    }

    fn crop(left: u32, top: u32, width: u32, height: u32) -> Crop {
        Crop { left, top, size: Size::new(width, height), view: Size::VGA }
    }

    #[test]
    fn the_widest_window_has_the_shape_of_the_view_and_is_in_the_middle() {
        assert_eq!(at(0.5, 0.5, 1.0).crop(HD), crop(240, 0, 1440, 1080));
        assert_eq!(at(0.5, 0.5, 1.0).crop(Size::new(480, 640)), crop(0, 140, 480, 360));
        assert_eq!(at(0.5, 0.5, 1.0).crop(Size::VGA), crop(0, 0, 640, 480));
        assert!(at(0.5, 0.5, 1.0).crop(Size::VGA).is_whole(Size::VGA));
        assert_eq!(seen(HD, Size::VGA), (0.75, 1.0));
        assert_eq!(seen(Size::VGA, HD), (1.0, 0.75));
    }

    #[test]
    fn at_one_to_one_a_window_is_as_large_as_the_view() {
        for picture in [HD, Size::new(1280, 960), Size::new(3840, 2160), Size::new(641, 481), Size::new(7680, 4321)] {
            let taken = at(0.5, 0.5, one_to_one(picture, Size::VGA)).crop(picture);
            assert!(taken.is_one_to_one() && taken.is_within(picture), "{picture}: {taken:?}");
        }
        assert_eq!(one_to_one(HD, Size::VGA), 640.0 / 1440.0);
        assert!(one_to_one(Size::QVGA, Size::VGA) > 1.0);
    }

    #[test]
    fn a_window_stays_within_its_picture_wherever_it_is_asked_for() {
        assert_eq!(at(-7.0, 0.0, 0.5).crop(HD), crop(0, 0, 720, 540));
        assert_eq!(at(1.0, 99.0, 0.5).crop(HD), crop(1200, 540, 720, 540));
        assert_eq!(at(0.0, 0.0, 0.0).crop(HD).size, Size::new(16, 16));
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300] {
            for picture in [HD, Size::new(1, 1), Size::new(17, 3), Size::new(641, 479)] {
                for window in [at(odd, 0.5, 0.5), at(0.5, odd, 1.0), at(0.5, 0.5, odd), at(odd, odd, odd)] {
                    assert!(window.crop(picture).is_within(picture), "{window:?} of {picture}");
                }
            }
        }
    }

    #[test]
    fn an_odd_picture_that_is_seen_whole_is_left_as_it_is() {
        let odd = Size::new(641, 479);
        let window = Window { view: odd, ..at(0.5, 0.5, 1.0) };
        assert!(window.crop(odd).is_whole(odd));
        let nearer = Window { share: 0.99, ..window }.crop(odd);
        assert!(!nearer.is_whole(odd) && nearer.size.width.is_multiple_of(2) && nearer.size.height.is_multiple_of(2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_window_that_rests_on_the_grid_begins_on_that_very_pixel(
            (width, height) in (16u32..=8192, 16u32..=8192),
            (wide, high) in (8u32..=960, 8u32..=540),
            (across, down) in (0.0..=1.0, 0.0..=1.0),
            share in proptest::option::of(0.02..=1.0),
        ) {
            let (picture, view) = (Size::new(width, height), Size::new(wide * 2, high * 2));
            let share = share.unwrap_or(one_to_one(picture, view).min(1.0));
            let (seen, grid) = (seen(picture, view), grid(picture));
            // The last place of the grid at which the window is within the picture, and a share of the way to it.
            let place = |grid: f64, seen: f64, way: f64| ((1.0 - seen * share) / grid * way + 1e-9).floor() as u32;
            let (column, row) = (place(grid.0, seen.0, across), place(grid.1, seen.1, down));
            let middle = |place: u32, grid: f64, seen: f64| f64::from(place) * grid + seen * share / 2.0;
            let window = Window { x: middle(column, grid.0, seen.0), y: middle(row, grid.1, seen.1), share, view };
            let taken = window.crop(picture);
            prop_assert!(taken.is_within(picture));
            let long = |seen: f64, whole: u32| seen * share * f64::from(whole) >= 16.0;
            if long(seen.0, width) {
                prop_assert_eq!(taken.left, column * 2, "{:?} of {}", window, picture);
            }
            if long(seen.1, height) {
                prop_assert_eq!(taken.top, row * 2, "{:?} of {}", window, picture);
            }
        }
    }
}
