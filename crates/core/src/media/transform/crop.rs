//! Takes a window out of planes: by rows where it is 1:1, else resampled.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8,
};
use turbojpeg::{ScalingFactor, Subsamp};

use super::{
    Failed,
    planes::{self, Plane},
};
use crate::media::{frame::Size, window::Crop};

/// A window over planes, in pixels of their luma.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    left: f64,
    top: f64,
    /// Pixels of the planes that one of the view is, across and down.
    scale: (f64, f64),
    view: Size,
}

/// Says whether to cut some MCUs out of a picture and to decode only those is cheaper than to decode all of it: measured, that
/// is so up to half of the picture.
pub(super) fn is_worth_cutting(blocks: Size, picture: Size) -> bool {
    let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
    pixels(blocks) * 2 <= pixels(picture)
}

/// Returns the whole MCUs in which a window lies; those at the right and the bottom of the picture need not be whole.
///
/// It is the window itself, if that begins on borders of MCUs and is not scaled. Else 16 pixels at least are a step, for some
/// cameras write 4:2:2 with MCUs of twice the height that turbojpeg says.
pub(super) fn enclosing(crop: &Crop, picture: Size, subsamp: Subsamp) -> Crop {
    let [wide, high] = [subsamp.mcu_width() as u32, subsamp.mcu_height() as u32];
    if crop.is_one_to_one() && crop.left.is_multiple_of(wide) && crop.top.is_multiple_of(high) {
        return *crop;
    }
    let [wide, high] = [wide.max(16), high.max(16)];
    let side = |begin: u32, length: u32, whole: u32, mcu: u32| {
        let from = begin / mcu * mcu;
        (from, (begin + length).next_multiple_of(mcu).min(whole) - from)
    };
    let (left, width) = side(crop.left, crop.size.width, picture.width, wide);
    let (top, height) = side(crop.top, crop.size.height, picture.height, high);
    let size = Size::new(width, height);
    Crop { left, top, size, view: size }
}

/// Returns by how much a decoder may shrink the picture before a window is taken: by what it does fast, down to no less than
/// what comes out.
pub(super) fn shrinking(crop: &Crop) -> ScalingFactor {
    let fits = |by: u32| crop.size.width >= crop.view.width * by && crop.size.height >= crop.view.height * by;
    match () {
        () if fits(8) => ScalingFactor::ONE_EIGHTH,
        () if fits(4) => ScalingFactor::ONE_QUARTER,
        () if fits(2) => ScalingFactor::ONE_HALF,
        () => ScalingFactor::ONE,
    }
}

impl Frame {
    /// Places a window over planes that begin at `origin` of the picture and were shrunk by `factor`.
    pub(super) fn new(crop: &Crop, origin: (u32, u32), factor: ScalingFactor) -> Self {
        let shrunk = |pixels: u32| f64::from(pixels) * factor.num() as f64 / factor.denom() as f64;
        Self {
            left: shrunk(crop.left - origin.0),
            top: shrunk(crop.top - origin.1),
            scale: (
                shrunk(crop.size.width) / f64::from(crop.view.width),
                shrunk(crop.size.height) / f64::from(crop.view.height),
            ),
            view: crop.view,
        }
    }

    /// Takes the window out of the planes of a picture of `size` and writes its planes into `to`.
    ///
    /// # Errors
    /// [`Failed::Size`] if the window does not lie within them.
    pub(super) fn take(
        &self,
        from: &mut [u8],
        size: Size,
        subsamp: Subsamp,
        to: &mut Vec<u8>,
        resizer: &mut Resizer,
    ) -> Result<(), Failed> {
        to.resize(planes::bytes(self.view, subsamp), 0);
        let (across, down) = subsamp.size();
        let each = planes::of(from, size, subsamp).into_iter().zip(planes::of(to, self.view, subsamp));
        for (number, (from, mut to)) in each.enumerate().filter(|(_, (_, to))| !to.samples.is_empty()) {
            let (across, down) = if number == 0 { (1, 1) } else { (across, down) };
            let begin = (self.left / across as f64, self.top / down as f64);
            if self.scale == (1.0, 1.0) {
                // The half pixel of colour by which a window on odd pixels is off is less than an eye sees of a movement.
                to.copy(&from, begin.0 as usize, begin.1 as usize);
            } else {
                self.resample(&from, &mut to, begin, resizer)?;
            }
        }
        Ok(())
    }

    fn resample(
        &self,
        from: &Plane<'_>,
        to: &mut Plane<'_>,
        begin: (f64, f64),
        resizer: &mut Resizer,
    ) -> Result<(), Failed> {
        let refused = || Failed::Size(self.view);
        let [(columns, rows), (wide, high)] = [from, &*to].map(|plane| (plane.stride as u32, plane.rows() as u32));
        // The last column of a plane that is rounded up may hang over by less than a sample.
        let long =
            |begin: f64, samples: u32, scale: f64, all: u32| (f64::from(samples) * scale).min(f64::from(all) - begin);
        let width = long(begin.0, wide, self.scale.0, columns);
        let height = long(begin.1, high, self.scale.1, rows);
        let filter = ResizeAlg::Convolution(FilterType::Bilinear);
        let options = ResizeOptions::new().resize_alg(filter).crop(begin.0, begin.1, width, height);
        // Of this one kind of pixel: asked for by `PixelType`, the code for all of them would be in the program, 2 MB.
        let source = TypedImageRef::<U8>::from_buffer(columns, rows, from.samples).map_err(|_| refused())?;
        let mut target = TypedImage::<U8>::from_buffer(wide, high, to.samples).map_err(|_| refused())?;
        resizer.resize_typed(&source, &mut target, &options).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests;
