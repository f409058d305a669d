//! A part of a picture that is shown in its place: cropped, and scaled where it must be.

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

impl Window {
    /// Returns it in whole pixels of a picture: within it, and at least 16 pixels a side.
    pub fn crop(&self, picture: Size) -> Crop {
        Crop { left: 0, top: 0, size: picture, view: self.view }
    }
}

impl Crop {
    /// Says whether it is the whole picture as it is.
    pub fn is_whole(&self, picture: Size) -> bool {
        (self.left, self.top) == (0, 0) && self.size == picture && self.view == picture
    }
}
