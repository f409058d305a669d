//! Whether a change is one of light: the same things, brighter or darker.

use super::{
    areas::Run,
    background::{Background, ONE},
};

/// How many levels are between the points of the light's curve, and how many points there are.
const STEP: f32 = 16.0;
const BENDS: usize = 17;
/// What is farther away from the line, in levels, is not light's.
const MOST_BENT: f32 = 30.0;
/// What is added to levels before one is divided by the other, so that noise in the dark is no ratio.
const DARK: f32 = 3.0;
/// Which part of the mean change an edge is.
const SHARP: f32 = 0.35;
/// How many cells of a hundred may be edges in what is light.
const MOST_EDGES: usize = 6;
/// How many levels, and how many mean deviations of the cell beside that, an edge is above at least: what noise makes of
/// three cells (the root of 6 deviations, each 1.25 mean ones) exceeds the sum about once in 300 times.
const LEVELS_SHARP: f32 = 3.0;
const NOISE: f32 = 7.0;
/// How far a cell may be from the background in another light to fit it: 4 levels.
const NEAR: u16 = 4 * ONE.unsigned_abs();
/// How often a fit is made again without what it does not explain.
const ROUNDS: usize = 3;
/// The darkest and the brightest level.
const LEVELS: [f32; 2] = [0.0, 255.0 * ONE as f32];

/// Writes what the background would look like in the light of this picture: each level times a gain plus an offset, both
/// fitted to the most part of the picture. Returns whether that is another light.
pub(super) fn expect(luma: &[u8], level: &[i16], expected: &mut Vec<i16>) -> bool {
    let (mut gain, mut offset, mut within) = (1.0_f32, 0.0_f32, f32::MAX);
    for _ in 0..ROUNDS {
        let [mut n, mut x, mut y, mut xx, mut xy, mut off] = [0.0_f32; 6];
        for (luma, level) in luma.iter().zip(level) {
            // Near the ends, light is cut off.
            if (3..=252).contains(luma) {
                let (now, was) = (f32::from(*luma), f32::from(*level) / f32::from(ONE));
                let away = (now - (gain * was + offset)).abs();
                if away < within {
                    n += 1.0;
                    // About mid-grey, so that the sums lose no digits.
                    x += was - 128.0;
                    y += now - 128.0;
                    xx += (was - 128.0) * (was - 128.0);
                    xy += (was - 128.0) * (now - 128.0);
                    off += away;
                }
            }
        }
        if n < 16.0 {
            return false;
        }
        let spread = xx - x * x / n;
        // A flat background says nothing of a gain.
        let fitted = if spread > n * 16.0 { (xy - x * y / n) / spread } else { 1.0 };
        if !(0.15..=6.0).contains(&fitted) {
            return false;
        }
        gain = fitted;
        offset = (y - gain * x) / n + 128.0 - gain * 128.0;
        within = if within == f32::MAX { 40.0 } else { (2.5 * off / n).clamp(6.0, 40.0) };
    }
    let bends = bends(luma, level, gain, offset);
    expected.clear();
    let mut moved = 0.0;
    for level in level {
        let was = f32::from(*level);
        let place = was * (1.0 / (STEP * f32::from(ONE)));
        let step = (place as usize).min(BENDS - 2);
        let bend = bends[step] + (bends[step + 1] - bends[step]) * (place - step as f32);
        let now = (gain * was + (offset + bend) * f32::from(ONE)).clamp(LEVELS[0], LEVELS[1]);
        moved += (now - was).abs();
        expected.push(now as i16);
    }
    moved / level.len().max(1) as f32 > 1.5 * f32::from(ONE)
}

/// Returns by how many levels the light's curve bends away from the line, at each sixteenth level: cameras press bright
/// parts together, and light is cut off at white.
fn bends(luma: &[u8], level: &[i16], gain: f32, offset: f32) -> [f32; BENDS] {
    let (mut sums, mut counts) = ([0.0_f32; BENDS], [0.0_f32; BENDS]);
    for (luma, level) in luma.iter().zip(level) {
        let was = f32::from(*level) / f32::from(ONE);
        let away = f32::from(*luma) - (gain * was + offset);
        if away.abs() < MOST_BENT {
            let step = ((was / STEP + 0.5) as usize).min(BENDS - 1);
            sums[step] += away;
            counts[step] += 1.0;
        }
    }
    // A few cells may be something else than light: they count for little.
    let few = level.len() as f32 / 100.0;
    std::array::from_fn(|step| sums[step] / (counts[step] + few))
}

/// Says whether an area looks like the background in another light: whether what is multiplied there has no edges.
///
/// Things have edges around them and wherever the background has some; the edges of beams, lamps and shadows are soft.
pub(super) fn is_light(
    luma: &[u8],
    background: &Background,
    width: usize,
    runs: impl Iterator<Item = Run> + Clone,
) -> bool {
    let cells = || runs.clone().flat_map(|run| (run.row * width + run.begin)..(run.row * width + run.end));
    let (mut count, mut change) = (0_usize, 0.0);
    for at in cells() {
        count += 1;
        change += (ratio(luma, background, at) - 1.0).abs();
    }
    let mean = change / count.max(1) as f32;
    let edges = cells().filter(|at| is_edge(luma, background, width, *at, mean)).count();
    edges * 100 < count * MOST_EDGES
}

/// Returns how many times as bright as its background a cell is.
fn ratio(luma: &[u8], background: &Background, at: usize) -> f32 {
    (f32::from(luma[at]) + DARK) / (f32::from(background.level[at]) / f32::from(ONE) + DARK)
}

/// Says whether what is multiplied at a cell differs from the mean of its two neighbours, across or down, by a good part
/// of a change and by more than noise.
fn is_edge(luma: &[u8], background: &Background, width: usize, at: usize, change: f32) -> bool {
    let was = f32::from(background.level[at]) / f32::from(ONE) + DARK;
    let sharp = (SHARP * change).max((LEVELS_SHARP + NOISE * background.noise(at)) / was);
    let column = at % width;
    let ratio = |at| ratio(luma, background, at);
    let bends = |one, other| (ratio(one) + ratio(other) - 2.0 * ratio(at)).abs() > sharp;
    column > 0 && column + 1 < width && bends(at - 1, at + 1)
        || at >= width && at + width < luma.len() && bends(at - width, at + width)
}

/// Makes of the background in another light, as [`expect`] wrote it, one that fits a light which does not reach
/// everywhere: each cell as it was or as the light makes it, whichever is nearer to what it is.
///
/// A lamp changes like shades differently, so that a curve over shades explains some cells and not those beside them. A
/// background of such patches has edges that nothing in front of the camera has. So where neither fits, and what is
/// multiplied has no edge, the cell is taken as it is.
pub(super) fn reach(luma: &[u8], background: &Background, width: usize, expected: &mut [i16]) {
    for (at, expected) in expected.iter_mut().enumerate() {
        let (now, was) = (i16::from(luma[at]) * ONE, background.level[at]);
        let off = |level: i16| now.abs_diff(level);
        let fits = if off(*expected) < off(was) { *expected } else { was };
        let soft = || !is_edge(luma, background, width, at, (ratio(luma, background, at) - 1.0).abs());
        *expected = if off(fits) >= NEAR && soft() { now } else { fits };
    }
}
