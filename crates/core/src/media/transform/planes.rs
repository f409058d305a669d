//! Planes Y, U and V that lie one behind the other in a buffer, as turbojpeg lays them out with an alignment of 1.

use turbojpeg::{Subsamp, YuvImage};

use crate::media::frame::{Raw, RawFormat, Size};

/// One plane.
pub(super) struct Plane<'a> {
    pub(super) samples: &'a mut [u8],
    /// Samples from one row to the next.
    stride: usize,
    /// Samples a row that are seen; with an odd width, one less than the stride.
    width: usize,
    height: usize,
}

impl Plane<'_> {
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

/// Writes raw pixels as planes into `pixels`; their length and size must have been checked.
pub(super) fn separate(raw: &Raw, pixels: &mut Vec<u8>) {
    pixels.resize(raw.pixels.len(), 0);
    let luma = raw.size.width as usize * raw.size.height as usize;
    let (y, colour) = pixels.split_at_mut(luma);
    let (u, v) = colour.split_at_mut(colour.len() / 2);
    match raw.format {
        RawFormat::Yuyv => {
            let quads = raw.pixels.as_chunks::<4>().0.iter().zip(y.as_chunks_mut::<2>().0);
            for (([y0, cb, y1, cr], y), (u, v)) in quads.zip(u.iter_mut().zip(v)).map(|((q, y), uv)| ((*q, y), uv)) {
                (*y, *u, *v) = ([y0, y1], cb, cr);
            }
        }
        RawFormat::Nv12 => {
            y.copy_from_slice(&raw.pixels[..luma]);
            for ([cb, cr], (u, v)) in raw.pixels[luma..].as_chunks::<2>().0.iter().zip(u.iter_mut().zip(v)) {
                (*u, *v) = (*cb, *cr);
            }
        }
        RawFormat::I420 | RawFormat::Grey => pixels.copy_from_slice(&raw.pixels),
    }
}
