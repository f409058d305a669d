//! Whether the whole picture moved.

use super::background::{CHANGED, ONE};

/// How many cells a picture may have moved, each way.
const FARTHEST: isize = 2;

/// Into how many strips the picture is cut, each way, to see where it changed.
const STRIPS: usize = 8;
/// In how many of them there must be changes.
const TOUCHED: usize = 6;
/// Of so many changes one in a strip counts.
const COUNTS: usize = 32;

/// Says whether what changed lies all along the picture or all down it, as edges do where a camera is shaken. What lies in one
/// place is something that moves, also where all but it is plain.
pub(super) fn is_likely(marks: &[u8], width: usize) -> bool {
    let height = marks.len() / width.max(1);
    let (mut along, mut down, mut changed) = ([0; STRIPS], [0; STRIPS], 0);
    for (row, marks) in marks.chunks_exact(width.max(1)).enumerate() {
        for column in (0..width).filter(|column| marks[*column] & CHANGED != 0) {
            along[column * STRIPS / width] += 1;
            down[row * STRIPS / height] += 1;
            changed += 1;
        }
    }
    let touched = |strips: [usize; STRIPS]| strips.into_iter().filter(|cells| cells * COUNTS > changed).count();
    touched(along).max(touched(down)) >= TOUCHED
}

/// Writes what the background looks like from where the camera looks now; returns how many cells it moved, `None` if it
/// did not or that cannot be told.
pub(super) fn expect(luma: &[u8], level: &[i16], width: usize, expected: &mut Vec<i16>) -> Option<[f32; 2]> {
    let height = luma.len() / width.max(1);
    let margin = FARTHEST as usize + 1;
    if width < 4 * margin || height < 4 * margin {
        return None;
    }
    let offsets = (-FARTHEST..=FARTHEST).flat_map(|y| (-FARTHEST..=FARTHEST).map(move |x| (x, y)));
    let shift = |(x, y): (isize, isize)| y * width as isize + x;
    let by = offsets.min_by_key(|offset| difference(luma, level, width, margin, shift(*offset)))?;
    let [x, y] = rest(luma, level, width, margin, shift(by));
    expected.clear();
    expected.extend_from_slice(level);
    for row in margin..height - margin {
        for column in margin..width - margin {
            let at = row * width + column;
            let from = (at as isize + shift(by)) as usize;
            let [across, down] = slope(level, width, from);
            let moved = f32::from(level[from]) + across * x + down * y;
            expected[at] = moved.clamp(0.0, f32::from(255 * ONE)) as i16;
        }
    }
    // What has come into sight at the margins is unknown.
    for (at, expected) in expected.iter_mut().enumerate() {
        let (column, row) = (at % width, at / width);
        if !(margin..width - margin).contains(&column) || !(margin..height - margin).contains(&row) {
            *expected = i16::from(luma[at]) * ONE;
        }
    }
    let moved = [by.0 as f32 + x, by.1 as f32 + y];
    (moved[0].hypot(moved[1]) > 0.06).then_some(moved)
}

/// Sums how far the picture is from the background, looked at so many cells on.
fn difference(luma: &[u8], level: &[i16], width: usize, margin: usize, shift: isize) -> u64 {
    let mut sum = 0;
    for row in (margin..luma.len() / width - margin).map(|row| row * width) {
        let from = (row as isize + shift) as usize;
        let (now, was) = (&luma[row + margin..row + width - margin], &level[from + margin..from + width - margin]);
        let away =
            |(now, was): (&u8, &i16)| u32::from(i16::from(*now).wrapping_mul(ONE).wrapping_sub(*was).unsigned_abs());
        sum += u64::from(now.iter().zip(was).map(away).fold(0_u32, u32::wrapping_add));
    }
    sum
}

/// Returns how far the level rises per cell, across and down.
fn slope(level: &[i16], width: usize, at: usize) -> [f32; 2] {
    let half = |one: i16, other: i16| (f32::from(one) - f32::from(other)) / 2.0;
    [half(level[at + 1], level[at - 1]), half(level[at + width], level[at - width])]
}

/// Returns the part of a cell by which the picture moved beyond `shift`: the least squares over slopes (Lucas and Kanade).
fn rest(luma: &[u8], level: &[i16], width: usize, margin: usize, shift: isize) -> [f32; 2] {
    let [mut xx, mut xy, mut yy, mut xd, mut yd] = [0.0_f32; 5];
    for row in margin..luma.len() / width - margin {
        for (at, now) in luma.iter().enumerate().take((row + 1) * width - margin).skip(row * width + margin) {
            let from = (at as isize + shift) as usize;
            let [x, y] = slope(level, width, from);
            let away = f32::from(*now) * f32::from(ONE) - f32::from(level[from]);
            xx += x * x;
            xy += x * y;
            yy += y * y;
            xd += x * away;
            yd += y * away;
        }
    }
    let unique = xx * yy - xy * xy;
    if unique <= 1e-3 * xx * yy || !unique.is_finite() {
        return [0.0; 2];
    }
    [(xd * yy - yd * xy) / unique, (yd * xx - xd * xy) / unique].map(|part| part.clamp(-0.75, 0.75))
}
