//! What the ten sensitivities mean, in figures; docs/motion.md shows what comes of them.

use super::background::ONE;

/// What must change for it to be motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// How far a cell must be from its background, in levels of luma (of 255), however quiet it is.
    pub contrast: i16,
    /// How many times a cell's own mean deviation is added to that.
    pub noise: i16,
    /// The least connected area, in millionths of the picture: 2500 are 768 pixels of 640×480.
    pub area: u32,
}

/// The thresholds of sensitivity 0, the most sensitive, to 9.
pub const CURVE: [Threshold; 10] = [
    Threshold { contrast: 3, noise: 3, area: 500 },
    Threshold { contrast: 4, noise: 3, area: 800 },
    Threshold { contrast: 5, noise: 3, area: 1_200 },
    Threshold { contrast: 6, noise: 3, area: 1_600 },
    Threshold { contrast: 7, noise: 3, area: 2_000 },
    Threshold { contrast: 8, noise: 3, area: 2_500 },
    Threshold { contrast: 12, noise: 3, area: 5_000 },
    Threshold { contrast: 18, noise: 3, area: 10_000 },
    Threshold { contrast: 26, noise: 3, area: 20_000 },
    Threshold { contrast: 38, noise: 3, area: 50_000 },
];

impl Threshold {
    /// Returns those of a sensitivity; what is over 9 is 9.
    pub fn of(sensitivity: u8) -> Self {
        CURVE[usize::from(sensitivity).min(CURVE.len() - 1)]
    }

    /// Returns the least area in cells of a picture of so many; never fewer than two, as one may be a fault of the sensor.
    pub(super) fn cells(self, picture: usize) -> usize {
        (picture as u64 * u64::from(self.area)).div_ceil(1_000_000).max(2) as usize
    }

    /// Returns the least area as a share of the picture.
    pub fn share(self) -> f64 {
        f64::from(self.area) / 1e6
    }

    /// Returns the contrast in units of the background.
    pub(super) fn floor(self) -> i16 {
        self.contrast * ONE
    }
}
