//! Pictures, decoded far enough to be measured.

use std::time::Duration;

use lookout_core::media::{canvas::Canvas, frame::Size, scene};
use turbojpeg::{Decompressor, Image, PixelFormat, Subsamp, YuvImage};

/// The brightness of every pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Row after row from the top, 0 black to 255 white.
    pub luma: Vec<u8>,
}

impl Picture {
    /// Decodes a JPEG; `None` if it is cut or damaged, even if a forgiving decoder would make something of it.
    pub fn try_decode(jpeg: &[u8]) -> Option<Self> {
        let whole = jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]);
        let mut decompressor = Decompressor::new().ok()?;
        let header = decompressor.read_header(jpeg).ok().filter(|_| whole)?;
        let (width, height) = (header.width, header.height);
        let mut luma = vec![0; width * height];
        let image = Image { pixels: luma.as_mut_slice(), width, pitch: width, height, format: PixelFormat::GRAY };
        decompressor.decompress(jpeg, image).ok()?;
        Some(Self { width, height, luma })
    }

    /// Decodes a JPEG that must be whole.
    #[track_caller]
    pub fn decode(jpeg: &[u8]) -> Self {
        Self::try_decode(jpeg).unwrap_or_else(|| panic!("a broken JPEG of {} bytes", jpeg.len()))
    }

    /// Returns width and height.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Reads the frame number of the demo scene; `None` where it cannot be read, as in another or a turned picture.
    pub fn number(&self) -> Option<u32> {
        scene::read_number(&self.luma, self.width, self.height)
    }

    /// Reads the time of the demo scene, in whole milliseconds since the last full ten seconds; `None` as for the number.
    pub fn time(&self) -> Option<Duration> {
        scene::read_time(&self.luma, self.width, self.height)
    }

    /// The picture mirrored left to right.
    pub fn mirrored(&self) -> Self {
        let luma = self.luma.chunks_exact(self.width).flat_map(|row| row.iter().rev().copied()).collect();
        Self { luma, ..*self }
    }

    /// The picture upside down, as a mirror lying below it shows it.
    pub fn upside_down(&self) -> Self {
        let luma = self.luma.chunks_exact(self.width).rev().flatten().copied().collect();
        Self { luma, ..*self }
    }

    /// Returns the mean brightness, 0 to 255.
    pub fn mean(&self) -> f64 {
        self.luma.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / self.luma.len() as f64
    }

    /// Returns how far pixels are from the mean on average: the standard deviation.
    pub fn spread(&self) -> f64 {
        let mean = self.mean();
        let squares = self.luma.iter().map(|&pixel| (f64::from(pixel) - mean).powi(2)).sum::<f64>();
        (squares / self.luma.len() as f64).sqrt()
    }
}

/// Makes a picture of the demo scene with a frame number.
pub fn scene_jpeg(size: Size, number: u64) -> Vec<u8> {
    let mut canvas = Canvas::default();
    scene::Scene::new(size).paint(&mut canvas, number, Duration::from_millis(40) * number as u32, "12:34:56");
    let raw = canvas.into_raw();
    let (width, height) = (size.width as usize, size.height as usize);
    let image = YuvImage { pixels: raw.pixels.as_ref(), width, align: 1, height, subsamp: Subsamp::Sub2x2 };
    turbojpeg::compress_yuv(image, 85).unwrap().to_vec()
}

/// Makes a picture of noise about a mean brightness, 50 to 200: it is large, and its brightness is told in any size.
pub fn noise_jpeg(size: Size, luma: u8) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 / 3
    };
    let mut pixels: Vec<u8> = (0..width * height).map(|_| luma - 42 + noise()).collect();
    pixels.resize(width * height * 3 / 2, 128);
    let image = YuvImage { pixels: pixels.as_slice(), width, align: 1, height, subsamp: Subsamp::Sub2x2 };
    turbojpeg::compress_yuv(image, 85).unwrap().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_painted_number_is_read_back_and_only_the_right_way_round() {
        let picture = Picture::decode(&scene_jpeg(Size::QVGA, 4711));
        assert_eq!((picture.size(), picture.number()), ((320, 240), Some(4711)));
        assert_eq!(picture.mirrored().mirrored(), picture);
        assert_ne!(picture.mirrored().number(), Some(4711));
        assert_ne!(picture.upside_down().number(), Some(4711));
        assert_eq!(picture.upside_down().upside_down().number(), Some(4711));
    }

    #[test]
    fn a_cut_picture_is_broken() {
        let jpeg = scene_jpeg(Size::QQVGA, 1);
        assert_eq!(Picture::try_decode(&jpeg[..jpeg.len() / 2]), None);
        assert_eq!(Picture::try_decode(b""), None);
    }
}
