//! A frame: one picture with the time at which it was captured.

use std::{
    fmt,
    str::FromStr,
    time::{Instant, SystemTime},
};

use bytes::Bytes;

/// One picture as every viewer gets it: a checked baseline JPEG and its times.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Counts the pictures of one run of the daemon, from 1.
    pub seq: u64,
    /// Says when the picture was captured, on the monotonic clock; travels along to every viewer.
    pub captured: Instant,
    /// The same moment on the host's wall clock.
    pub wall: SystemTime,
    /// Width and height of the JPEG.
    pub size: Size,
    /// The JPEG, from FFD8 to FFD9, shared by all who watch.
    pub jpeg: Bytes,
    /// False for the placeholder that stands in while the source is lost.
    pub live: bool,
    /// Which view of the camera's head it shows, counted: two frames of the same view show the same part of the world. None
    /// while the head moves.
    pub view: Option<u64>,
}

/// What a source hands over for one capture.
#[derive(Clone, Debug)]
pub struct Grabbed {
    /// When the device captured it.
    pub captured: Instant,
    /// The same moment on the wall clock.
    pub wall: SystemTime,
    /// The picture itself.
    pub picture: Picture,
}

/// A picture in the form in which a source delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A JPEG, unchecked: cameras send cut and broken ones.
    Jpeg(Bytes),
    /// Pixels.
    Raw(Raw),
}

/// Uncompressed pixels, rows without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// How the pixels lie in `pixels`.
    pub format: RawFormat,
    /// Which numbers stand for black and white.
    pub range: Range,
    /// Width and height; both even for every format but `Grey`.
    pub size: Size,
    /// The pixels; exactly `format.bytes(size)` long.
    pub pixels: Vec<u8>,
}

/// The uncompressed layouts that sources deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawFormat {
    /// 4:2:2, interleaved Y0 U Y1 V.
    Yuyv,
    /// 4:2:0, a Y plane, then interleaved U V.
    Nv12,
    /// 4:2:0, planes Y, U, V.
    I420,
    /// 8 bits of luma.
    Grey,
}

impl RawFormat {
    /// Returns how many bytes a picture of this size takes.
    pub fn bytes(self, size: Size) -> usize {
        let pixels = size.width as usize * size.height as usize;
        match self {
            Self::Yuyv => pixels * 2,
            Self::Nv12 | Self::I420 => pixels + pixels / 2,
            Self::Grey => pixels,
        }
    }
}

/// Which of the 256 numbers of a sample are used (ITU-R BT.601, V4L2's quantization).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of them, as in a JPEG.
    Full,
    /// 16-235 for luma and 16-240 for colour, as in video; others are over- and undershoots.
    Limited,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// 640×480, what these cameras call VGA.
    pub const VGA: Self = Self::new(640, 480);
    /// 320×240.
    pub const QVGA: Self = Self::new(320, 240);
    /// 160×120.
    pub const QQVGA: Self = Self::new(160, 120);
    /// The longest side accepted from any source: bounds memory before anything is decoded.
    pub const LONGEST: u32 = 8192;

    /// Makes a size.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A size text that is not `WIDTHxHEIGHT` with sides of 16 to 8192 pixels.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a size is WIDTHxHEIGHT with even sides of 16 to 8192 pixels, such as 640x480")]
pub struct BadSize;

impl FromStr for Size {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let (width, height) = text.split_once(['x', 'X', '*']).ok_or(BadSize)?;
        let side = |text: &str| {
            text.parse().ok().filter(|side| (16..=Self::LONGEST).contains(side) && side % 2 == 0).ok_or(BadSize)
        };
        Ok(Self::new(side(width)?, side(height)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_reads_back_as_written() {
        assert_eq!("640x480".parse(), Ok(Size::VGA));
        assert_eq!("320*240".parse(), Ok(Size::QVGA));
        for bad in ["", "640", "640x", "x480", "0x0", "641x480", "99999x480", "640x480x2", "-1x5"] {
            assert_eq!(bad.parse::<Size>(), Err(BadSize), "{bad}");
        }
    }
}
