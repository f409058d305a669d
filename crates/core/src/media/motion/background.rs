//! What a camera sees when nothing moves: for each cell a level, how far it usually is from it, and what it was of late.
//!
//! Bargains: everything is 16-bit integers in plain loops over slices, which compilers turn into vector code; that is why
//! the arithmetic wraps by name, as checked arithmetic would not be vectorized. No value can overflow: a level is at most
//! `255 × ONE`, which is 32,640.

use super::curve::Threshold;

/// One level of luma in the units of the background.
pub(super) const ONE: i16 = 1 << 7;
/// One level of luma in the units of noise, which needs finer steps because it changes more slowly.
const NOISE_ONE: i16 = 1 << 10;
/// The most noise of a cell, and the most that one picture can teach: 24 levels.
const MOST_NOISE: i16 = 24 * NOISE_ONE;
/// The noise that is taken for granted before any is known: 1.5 levels.
const FIRST_NOISE: i16 = NOISE_ONE + NOISE_ONE / 2;
/// How many ticks a changed cell must keep still to become background: 10 s.
const ABSORBED: u8 = 100;

/// Set in a mark if the cell is far from its background.
pub(super) const CHANGED: u8 = 1;
/// Set in a mark if the cell belongs to something that sways.
pub(super) const SWAYS: u8 = 4;
/// Set in a mark if the cell changed by light alone.
pub(super) const LIT: u8 = 8;
/// Set in a mark if the cell is far from what it was within the last second.
pub(super) const ACTIVE: u8 = 2;

/// How fast is learnt, as shifts for each tick of a tenth of a second: 6 is a time constant of 6.4 s.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    /// Of the level of cells that are as they were.
    level: u32,
    /// Of the level of changed cells.
    changed: u32,
    /// Of what was of late.
    recent: u32,
    /// Of noise.
    noise: u32,
    /// Of noise where something sways.
    swaying: u32,
    /// How many tenths of a second have passed.
    ticks: u8,
}

impl Rates {
    /// Returns the rates for so many ticks at once, 1 or more.
    pub(super) fn new(ticks: u32, learning: bool) -> Self {
        let faster = ticks.clamp(1, 1 << 9).ilog2();
        let of = |shift: u32| shift.saturating_sub(faster);
        let ticks = u8::try_from(ticks).unwrap_or(u8::MAX);
        if learning {
            return Self { level: of(2), changed: of(3), recent: of(2), noise: of(3), swaying: of(3), ticks };
        }
        Self { level: of(6), changed: of(9), recent: of(2), noise: of(8), swaying: of(4), ticks }
    }
}

/// The model of all cells, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Background {
    /// The level of each cell, in units of [`ONE`].
    pub(super) level: Vec<i16>,
    /// The mean of about the last half second, likewise.
    recent: Vec<i16>,
    /// The mean distance from the level, in units of [`NOISE_ONE`].
    noise: Vec<i16>,
    /// For how many ticks each cell has not changed.
    still: Vec<u8>,
}

impl Background {
    /// Takes a picture for the background, and knows nothing of noise.
    pub(super) fn begin(&mut self, luma: &[u8]) {
        self.restart(luma);
        self.noise.clear();
        self.noise.resize(luma.len(), FIRST_NOISE);
    }

    /// Takes a picture for the background, and keeps what is known of noise.
    pub(super) fn restart(&mut self, luma: &[u8]) {
        self.level.clear();
        self.level.extend(luma.iter().map(|luma| i16::from(*luma) * ONE));
        self.recent.clone_from(&self.level);
        self.noise.resize(luma.len(), FIRST_NOISE);
        self.still.clear();
        self.still.resize(luma.len(), 0);
    }

    /// Marks what differs from what was expected (the level, unless light or camera changed), and counts what changed.
    pub(super) fn compare(&self, luma: &[u8], expected: &[i16], threshold: Threshold, marks: &mut [u8]) -> usize {
        let (floor, noise_times) = (threshold.floor(), threshold.noise);
        let cells = luma.iter().zip(expected).zip(&self.recent).zip(&self.noise).zip(marks.iter_mut());
        for ((((luma, expected), recent), noise), mark) in cells {
            let now = i16::from(*luma).wrapping_mul(ONE);
            let limit = floor.wrapping_add((noise >> 3).wrapping_mul(noise_times));
            let changed = now.wrapping_sub(*expected).wrapping_abs() > limit;
            let active = now.wrapping_sub(*recent).wrapping_abs() > limit.wrapping_sub(limit >> 2);
            *mark = u8::from(changed) | (u8::from(active) << 1);
        }
        count(marks)
    }

    /// Returns how far a cell usually is from its level, in levels.
    pub(super) fn noise(&self, at: usize) -> f32 {
        f32::from(self.noise[at]) / f32::from(NOISE_ONE)
    }

    /// Learns from a picture whose changed cells are marked.
    pub(super) fn learn(&mut self, luma: &[u8], marks: &[u8], rates: Rates) {
        let Rates {
            level: level_shift,
            changed: changed_shift,
            recent: recent_shift,
            noise: noise_shift,
            swaying,
            ticks,
        } = rates;
        // Half of what is shifted out, so that it is rounded rather than cut.
        let [level_half, changed_half, recent_half] =
            [level_shift, changed_shift, recent_shift].map(|shift| if shift == 0 { 0 } else { 1_i16 << (shift - 1) });
        let absorb_shift = level_shift.min(2);
        let cells = luma.iter().zip(marks).zip(&mut self.level).zip(&mut self.recent).zip(&mut self.noise);
        for (((((luma, mark), level), recent), noise), still) in cells.zip(&mut self.still) {
            let now = i16::from(*luma).wrapping_mul(ONE);
            let to_recent = now.wrapping_sub(*recent);
            let to_level = now.wrapping_sub(*level);
            let off = to_level.wrapping_abs().min(to_recent.wrapping_abs()).min(MOST_NOISE >> 3).wrapping_mul(8);
            let quiet = to_recent.wrapping_abs() < (*noise >> 1).wrapping_add(4 * ONE);
            *recent = recent.wrapping_add(to_recent.wrapping_add(recent_half) >> recent_shift);
            let off = off.wrapping_sub(*noise);
            *noise = noise.wrapping_add(if mark & SWAYS == 0 { off >> noise_shift } else { off >> swaying });
            let kept = still.saturating_add(ticks);
            *still = if quiet { kept } else { 0 };
            let usual = to_level.wrapping_add(level_half) >> level_shift;
            let hesitant = to_level.wrapping_add(changed_half) >> changed_shift;
            let absorbed = to_level >> absorb_shift;
            let step = if *still >= ABSORBED { absorbed } else { hesitant };
            *level = level.wrapping_add(if mark & CHANGED == 0 { usual } else { step });
        }
    }

    /// Takes what was of late for the level of all cells, but those that something other than light changed: all at once,
    /// as light has no edges, and the background must not get any by it.
    pub(super) fn relight(&mut self, marks: &[u8]) {
        for ((level, recent), mark) in self.level.iter_mut().zip(&self.recent).zip(marks) {
            if mark & (CHANGED | LIT) != CHANGED {
                *level = *recent;
            }
        }
    }

    /// Takes on another background of the same scene, in another light.
    pub(super) fn adopt(&mut self, luma: &[u8], lit: &[i16]) {
        self.level.copy_from_slice(lit);
        for ((luma, lit), recent) in luma.iter().zip(lit).zip(&mut self.recent) {
            let now = i16::from(*luma).wrapping_mul(ONE);
            // What the light does not explain may move, and must not look as if it had been there.
            *recent = if now.wrapping_sub(*lit).wrapping_abs() < 8 * ONE { now } else { *lit };
        }
    }
}

/// Counts the changed cells.
fn count(marks: &[u8]) -> usize {
    // Sums of up to 255 marks fit a byte, so that 16 cells are added at once.
    marks
        .chunks(255)
        .map(|some| usize::from(some.iter().fold(0_u8, |sum, mark| sum.wrapping_add(mark & CHANGED))))
        .sum()
}
