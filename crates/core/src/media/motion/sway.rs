//! Whether an area is only what was beside it before: leaves in the wind, waves, a flag.

use super::{areas::Run, background::ONE};

/// How many levels beyond those around a cell are still taken for the same.
const BEYOND: i16 = 6 * ONE;
/// How many levels lie between the cells around one, on the mean, at least, where something can sway.
const TEXTURE: i64 = 12 * ONE as i64;
/// How many cells of a hundred must be what was beside them.
const MOST: usize = 60;

/// Says whether it is.
pub(super) fn sways(luma: &[u8], level: &[i16], width: usize, runs: impl Iterator<Item = Run>) -> bool {
    let height = luma.len() / width;
    let (mut cells, mut found, mut texture) = (0, 0, 0_i64);
    for Run { row, begin, end, .. } in runs {
        for column in begin..end {
            let (mut least, mut most) = (i16::MAX, i16::MIN);
            for row in row.saturating_sub(1)..(row + 2).min(height) {
                for near in &level[row * width + column.saturating_sub(1)..row * width + (column + 2).min(width)] {
                    (least, most) = (least.min(*near), most.max(*near));
                }
            }
            let now = i16::from(luma[row * width + column]) * ONE;
            cells += 1;
            found += usize::from(now >= least.saturating_sub(BEYOND) && now <= most.saturating_add(BEYOND));
            texture += i64::from(most) - i64::from(least);
        }
    }
    found * 100 >= cells * MOST && texture >= TEXTURE * cells as i64
}
