//! Planes Y, U and V that lie one behind the other in a buffer, as turbojpeg lays them out with an alignment of 1.

use turbojpeg::{Subsamp, YuvImage};

use crate::media::{
    frame::{Raw, RawFormat, Size},
    window::Crop,
};

/// One plane.
pub(super) struct Plane<'a> {
    pub(super) samples: &'a mut [u8],
    /// Samples from one row to the next.
    pub(super) stride: usize,
    /// Samples a row that are seen; with an odd width, one less than the stride.
    width: usize,
    height: usize,
}

impl Plane<'_> {
    /// Returns how many rows there are; with an odd height, one more than are seen.
    pub(super) fn rows(&self) -> usize {
        self.samples.len() / self.stride.max(1)
    }

    /// Fills the plane from a place of another. What that has no samples for, where an odd side is rounded up, is the last
    /// ones again.
    pub(super) fn copy(&mut self, from: &Plane<'_>, left: usize, top: usize) {
        let (last, stride) = (from.rows().saturating_sub(1), self.stride);
        for (row, to) in self.samples.chunks_exact_mut(stride).enumerate() {
            let from = &from.samples[(top + row).min(last) * from.stride..][..from.stride];
            let (taken, rest) = to.split_at_mut(stride.min(from.len() - left));
            taken.copy_from_slice(&from[left..left + taken.len()]);
            rest.fill(from[from.len() - 1]);
        }
    }

    /// Turns the plane upside down, mirrors it, or both.
    ///
    /// With an odd side, subsampled colour moves by half a sample against the luma: less than an eye sees.
    pub(super) fn turn(&mut self, flip: bool, mirror: bool) {
        if mirror {
            for row in self.samples.chunks_exact_mut(self.stride) {
                row[..self.width].reverse();
            }
        }
        if flip {
            let (mut rest, mut rows) = (&mut self.samples[..self.height * self.stride], self.height);
            while rows > 1 {
                let (top, below) = rest.split_at_mut(self.stride);
                let (middle, bottom) = below.split_at_mut((rows - 2) * self.stride);
                top.swap_with_slice(bottom);
                (rest, rows) = (middle, rows - 2);
            }
        }
    }
}

/// Returns how many bytes the planes of a picture take.
pub(super) fn bytes(size: Size, subsamp: Subsamp) -> usize {
    let layout = YuvImage { pixels: (), width: size.width as usize, align: 1, height: size.height as usize, subsamp };
    let ((stride, rows), (across, down)) = (layout.y_size(), layout.uv_size());
    stride * rows + if subsamp == Subsamp::Gray { 0 } else { 2 * across * down }
}

/// Splits a buffer into its planes; the two of colour are empty for a grey picture.
pub(super) fn of(pixels: &mut [u8], size: Size, subsamp: Subsamp) -> [Plane<'_>; 3] {
    let (width, height) = (size.width as usize, size.height as usize);
    let layout = YuvImage { pixels: (), width, align: 1, height, subsamp };
    let (stride, rows) = layout.y_size();
    let (y, colour) = pixels.split_at_mut(stride * rows);
    let (across, down) = if subsamp == Subsamp::Gray { (1, 0) } else { layout.uv_size() };
    let (u, rest) = colour.split_at_mut(across * down);
    let v = &mut rest[..across * down];
    [
        Plane { samples: y, stride, width, height },
        Plane { samples: u, stride: across, width: across, height: down },
        Plane { samples: v, stride: across, width: across, height: down },
    ]
}

/// Writes a window of raw pixels as planes into `pixels`; their length and size must have been checked, and a window of
/// subsampled pixels be even, all but where it begins.
///
/// Nothing outside the window is looked at. Where it begins on odd pixels, colour is that of the even ones before them.
pub(super) fn separate(raw: &Raw, crop: &Crop, subsamp: Subsamp, pixels: &mut Vec<u8>) {
    let size = crop.size;
    pixels.resize(bytes(size, subsamp), 0);
    let whole = raw.size.width as usize;
    let luma = whole * raw.size.height as usize;
    let (left, top, wide) = (crop.left as usize, crop.top as usize, size.width as usize);
    let [y, u, v] = of(pixels, size, subsamp);
    if raw.format == RawFormat::Yuyv {
        let rows = raw.pixels.chunks_exact(whole * 2).skip(top).zip(y.samples.chunks_exact_mut(wide));
        let colour = u.samples.chunks_exact_mut(wide / 2).zip(v.samples.chunks_exact_mut(wide / 2));
        for ((row, y), (u, v)) in rows.zip(colour) {
            if left % 2 == 0 {
                split_quads(&row[left * 2..], y, u, v);
            } else {
                y.iter_mut().zip(&row.as_chunks::<2>().0[left..]).for_each(|(y, [from, _])| *y = *from);
                let quads = row.as_chunks::<4>().0[left / 2..].iter();
                u.iter_mut().zip(v).zip(quads).for_each(|((u, v), [_, cb, _, cr])| (*u, *v) = (*cb, *cr));
            }
        }
        return;
    }
    copy_rows(y.samples, wide, &raw.pixels[..luma], whole, left, top);
    match raw.format {
        RawFormat::Nv12 => {
            let rows = raw.pixels[luma..].chunks_exact(whole).skip(top / 2);
            let colour = u.samples.chunks_exact_mut(wide / 2).zip(v.samples.chunks_exact_mut(wide / 2));
            for (row, (u, v)) in rows.zip(colour) {
                let pairs = row.as_chunks::<2>().0[left / 2..].iter();
                u.iter_mut().zip(v).zip(pairs).for_each(|((u, v), [cb, cr])| (*u, *v) = (*cb, *cr));
            }
        }
        RawFormat::I420 => {
            let (from_u, from_v) = raw.pixels[luma..].split_at(luma / 4);
            copy_rows(u.samples, wide / 2, from_u, whole / 2, left / 2, top / 2);
            copy_rows(v.samples, wide / 2, from_v, whole / 2, left / 2, top / 2);
        }
        RawFormat::Yuyv | RawFormat::Grey => {}
    }
}

/// Separates a row of Y0 U Y1 V.
fn split_quads(row: &[u8], y: &mut [u8], u: &mut [u8], v: &mut [u8]) {
    let quads = row.as_chunks::<4>().0.iter().zip(y.as_chunks_mut::<2>().0);
    for (([y0, cb, y1, cr], y), (u, v)) in quads.zip(u.iter_mut().zip(v)).map(|((q, y), uv)| ((*q, y), uv)) {
        (*y, *u, *v) = ([y0, y1], cb, cr);
    }
}

/// Copies rows of a window `wide` samples across.
fn copy_rows(to: &mut [u8], wide: usize, from: &[u8], whole: usize, left: usize, top: usize) {
    if wide == whole {
        to.copy_from_slice(&from[top * whole..][..to.len()]);
        return;
    }
    for (to, from) in to.chunks_exact_mut(wide).zip(from.chunks_exact(whole).skip(top)) {
        to.copy_from_slice(&from[left..left + wide]);
    }
}
