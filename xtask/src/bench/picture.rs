//! The measured picture: a real baseline JPEG of exactly the size asked for, so that a server's checks cost what they
//! cost with a camera's.

use anyhow::{Context, Result, ensure};
use lookout_core::media::frame::Size;
use turbojpeg::{Image, PixelFormat, Subsamp};

use super::stamp::Stamp;

/// One JPEG, stamped anew for each frame.
pub struct Picture {
    jpeg: Vec<u8>,
    stamp_at: usize,
}

impl Picture {
    /// Draws a picture whose JPEG is exactly `bytes` long: 640×480 up to 100 KB, 1920×1080 above.
    ///
    /// A gradient is covered with as much noise as fits; the last per cent is filled with blank comments.
    pub fn new(bytes: usize) -> Result<Self> {
        let size = if bytes <= 100_000 { Size::VGA } else { Size::new(1920, 1080) };
        let room = bytes.checked_sub(Stamp::SEGMENT).context("a picture of no bytes")?;
        let (mut fits, mut too_many) = (None, 256);
        let mut least = 0;
        while least < too_many {
            let noise = (least + too_many) / 2;
            let jpeg = draw(size, noise)?;
            // What is left is nothing or a whole comment: 4 bytes at least.
            if jpeg.len() == room || jpeg.len() + 4 <= room {
                (fits, least) = (Some(jpeg), noise + 1);
            } else {
                too_many = noise;
            }
        }
        let drawn = fits.with_context(|| format!("{bytes} bytes are too few for a picture of {size}"))?;

        // libjpeg writes SOI and JFIF's APP0 of 18 bytes first; the comments go behind them.
        ensure!(drawn.starts_with(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 16]), "the encoder wrote no JFIF head");
        let (head, rest) = drawn.split_at(20);
        let mut jpeg = head.to_vec();
        let stamp_at = jpeg.len();
        jpeg.extend(Stamp { seq: 0, at_ns: 0 }.segment());
        let mut blanks = room - drawn.len();
        while blanks > 0 {
            // No comment longer than 60,000, none that leaves a rest too short for another.
            let segment = if blanks > 60_000 { (blanks - 4).min(60_000) } else { blanks };
            jpeg.extend([0xFF, 0xFE]);
            jpeg.extend(((segment - 2) as u16).to_be_bytes());
            jpeg.resize(jpeg.len() + segment - 4, b' ');
            blanks -= segment;
        }
        jpeg.extend_from_slice(rest);
        ensure!(jpeg.len() == bytes, "the picture came out at {} bytes, not {bytes}", jpeg.len());
        Ok(Self { jpeg, stamp_at })
    }

    /// Returns the JPEG with this stamp in it.
    pub fn stamped(&mut self, stamp: Stamp) -> &[u8] {
        self.jpeg[self.stamp_at..self.stamp_at + Stamp::SEGMENT].copy_from_slice(&stamp.segment());
        &self.jpeg
    }
}

/// Encodes a gradient with `noise` levels of noise, as a camera would: 4:2:0, standard Huffman tables.
fn draw(size: Size, noise: u32) -> Result<Vec<u8>> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut random = 0x2545_F491_u32;
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            // xorshift: the same picture in every run
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            let grain = random % (noise + 1);
            for shade in [x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)] {
                pixels.push((shade as u32 * (255 - noise.min(255)) / 255 + grain).min(255) as u8);
            }
        }
    }
    let image = Image { pixels: pixels.as_slice(), width, pitch: width * 3, height, format: PixelFormat::RGB };
    Ok(turbojpeg::compress(image, 80, Subsamp::Sub2x2)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_exactly_the_bytes_asked_for_and_decodes() {
        for bytes in [20_000, 50_000, 99_999, 200_000] {
            let mut picture = Picture::new(bytes).unwrap();
            let stamp = Stamp { seq: 3, at_ns: 4 };
            let jpeg = picture.stamped(stamp);
            assert_eq!(jpeg.len(), bytes);
            assert_eq!(Stamp::find(&jpeg[..Stamp::WITHIN]), Some(stamp));
            let image = turbojpeg::decompress(jpeg, PixelFormat::GRAY).unwrap();
            assert_eq!(image.width, if bytes > 100_000 { 1920 } else { 640 });
        }
    }

    #[test]
    fn a_picture_is_entropy_rather_than_padding() {
        let mut picture = Picture::new(50_000).unwrap();
        let jpeg = picture.stamped(Stamp { seq: 1, at_ns: 1 });
        let scan = jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        assert!(scan < 5_000, "the scan begins at {scan}");
        assert!(Picture::new(900).is_err());
    }
}
