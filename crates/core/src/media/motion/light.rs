//! Whether a change is one of light: the same things, brighter or darker.

use super::{areas::Run, background::ONE};

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
    expected.clear();
    let mut moved = 0.0;
    for level in level {
        let was = f32::from(*level);
        let now = (gain * was + offset * f32::from(ONE)).clamp(LEVELS[0], LEVELS[1]);
        moved += (now - was).abs();
        expected.push(now as i16);
    }
    moved / level.len().max(1) as f32 > 1.5 * f32::from(ONE)
}

/// Says whether an area looks like the background in another light: with the same texture, or without any edge.
pub(super) fn is_light(luma: &[u8], level: &[i16], width: usize, runs: impl Iterator<Item = Run>) -> bool {
    let now = |at: usize| i64::from(luma[at]) * i64::from(ONE);
    let was = |at: usize| i64::from(level[at]);
    let away = |at: usize| now(at) - was(at);
    let [mut inner, mut now2, mut was2, mut both] = [0_i64; 4];
    let [mut cells, mut amount, mut edges, mut steps] = [0_i64; 4];
    for Run { row, begin, end, .. } in runs {
        let row = row * width;
        cells += (end - begin) as i64;
        amount += (begin..end).map(|column| away(row + column).abs()).sum::<i64>();
        for at in row + begin..row + end - 1 {
            let (n, w) = (now(at + 1) - now(at), was(at + 1) - was(at));
            inner += 1;
            now2 += n * n;
            was2 += w * w;
            both += n * w;
        }
        if begin > 0 {
            edges += 1;
            steps += (away(row + begin) - away(row + begin - 1)).abs();
        }
        if end < width {
            edges += 1;
            steps += (away(row + end - 1) - away(row + end)).abs();
        }
    }
    let textured = i64::from(3 * ONE) * i64::from(3 * ONE);
    let alike =
        inner >= 8 && was2 > inner * textured && both > 0 && (both as f64).powi(2) > 0.72 * now2 as f64 * was2 as f64;
    let soft = edges >= 4 && steps * cells * 10 < amount * edges * 3;
    alike || soft
}
