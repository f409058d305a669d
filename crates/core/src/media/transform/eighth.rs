//! The luma of a picture at an eighth of its size, which is all that motion detection looks at.

use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

use super::{Failed, MOST_SCANS, forgive, header};
use crate::media::motion::Luma;

/// Decodes luma at an eighth of the size, rounded up: the mean of each block of 8×8 pixels.
///
/// Only the first coefficient of each luma block is put to use, so that most of what a decoder does is left out; what
/// remains is reading the Huffman code.
#[derive(Debug)]
pub struct Eighth {
    decompressor: Decompressor,
}

impl Eighth {
    /// Makes one.
    ///
    /// # Errors
    /// Only when libjpeg finds no memory.
    pub fn new() -> Result<Self, Failed> {
        let mut decompressor = Decompressor::new()?;
        decompressor.set_scan_limit(MOST_SCANS)?;
        decompressor.set_scaling_factor(ScalingFactor::ONE_EIGHTH)?;
        Ok(Self { decompressor })
    }

    /// Decodes into `luma`, whose buffer is used again.
    ///
    /// # Errors
    /// [`Failed`] for a picture that is damaged, or has no luma to take; `luma` then holds no picture to be looked at.
    pub fn decode(&mut self, jpeg: &[u8], luma: &mut Luma) -> Result<(), Failed> {
        let header = header(&mut self.decompressor, jpeg)?;
        let eighth = ScalingFactor::ONE_EIGHTH;
        let (width, height) = (eighth.scale(header.width), eighth.scale(header.height));
        (luma.width, luma.height) = (width, height);
        luma.pixels.resize(width * height, 0);
        let image = Image { pixels: &mut luma.pixels[..], width, pitch: width, height, format: PixelFormat::GRAY };
        let decoded = forgive(self.decompressor.decompress(jpeg, image));
        if decoded.is_err() {
            *luma = Luma { pixels: std::mem::take(&mut luma.pixels), ..Luma::default() };
        }
        Ok(decoded?)
    }
}
