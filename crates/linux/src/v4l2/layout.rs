//! From the bytes of a filled buffer to a picture: padding at the ends of rows goes, UYVY becomes YUYV.

use bytes::Bytes;
use lookout_core::media::frame::{Picture, Range, Raw, RawFormat, Size};

use super::{
    abi::{self, PixFormat},
    offer::Format,
};

/// How the driver lays pictures out, as agreed when the format was set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// Of raw pixels.
    pub(super) range: Range,
    pub(super) size: Size,
    /// Bytes from one row to the next, of the first plane; 0 if the driver does not say.
    pub(super) bytes_per_line: u32,
}

impl Layout {
    /// Copies a picture out of a buffer; `None` if the buffer holds less than a picture.
    pub(super) fn picture(self, bytes: &[u8]) -> Option<Picture> {
        let (format, swapped) = match self.format {
            Format::Mjpeg => return Some(Picture::Jpeg(Bytes::copy_from_slice(bytes))),
            Format::I420 => (RawFormat::I420, false),
            Format::Nv12 => (RawFormat::Nv12, false),
            Format::Yuyv => (RawFormat::Yuyv, false),
            Format::Uyvy => (RawFormat::Yuyv, true),
            Format::Grey => (RawFormat::Grey, false),
        };
        let mut pixels = self.unpadded(format, bytes)?;
        if swapped {
            pixels.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
        }
        Some(Picture::Raw(Raw { format, range: self.range, size: self.size, pixels }))
    }

    /// Copies the rows of all planes, without what lies between them.
    fn unpadded(self, format: RawFormat, bytes: &[u8]) -> Option<Vec<u8>> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let total = format.bytes(self.size);
        let row = if format == RawFormat::Yuyv { width * 2 } else { width };
        let stride = row.max(self.bytes_per_line as usize);
        if stride == row {
            return bytes.get(..total).map(<[u8]>::to_vec);
        }
        // Width of the rows, distance of the rows, rows: one line a plane.
        let planes: &[(usize, usize, usize)] = match format {
            RawFormat::Yuyv | RawFormat::Grey => &[(row, stride, height)],
            RawFormat::Nv12 => &[(row, stride, height), (row, stride, height / 2)],
            RawFormat::I420 => {
                &[(row, stride, height), (row / 2, stride / 2, height / 2), (row / 2, stride / 2, height / 2)]
            }
        };
        let mut pixels = Vec::with_capacity(total);
        let mut at = 0;
        for &(row, stride, rows) in planes {
            for _ in 0..rows {
                // Some drivers leave out the padding of the very last row, so only the row itself must be there.
                pixels.extend_from_slice(bytes.get(at..at + row)?);
                at += stride;
            }
        }
        Some(pixels)
    }
}

/// Reads out of the agreed format which range raw pixels have.
///
/// Where the driver does not say, V4L2's default for YCbCr counts (`V4L2_MAP_QUANTIZATION_DEFAULT`, which looks at no
/// other field): limited, but full for the colour space JPEG. Grey is luma without colour, and vivid makes it so too.
pub(super) fn range(agreed: &PixFormat) -> Range {
    let said = if agreed.magic == abi::PIX_FMT_MAGIC { agreed.quantization } else { 0 };
    match (said, agreed.colorspace) {
        (abi::QUANTIZATION_FULL, _) => Range::Full,
        (abi::QUANTIZATION_LIMITED, _) => Range::Limited,
        (_, abi::COLORSPACE_JPEG) => Range::Full,
        (_, _) => Range::Limited,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::abi::Plain, *};

    fn pixels(format: Format, bytes_per_line: u32, bytes: &[u8]) -> Option<Vec<u8>> {
        let range = Range::Full;
        match (Layout { format, range, size: Size::new(4, 2), bytes_per_line }).picture(bytes) {
            Some(Picture::Raw(raw)) => {
                assert_eq!(raw.pixels.len(), raw.format.bytes(raw.size));
                Some(raw.pixels)
            }
            Some(Picture::Jpeg(jpeg)) => Some(jpeg.to_vec()),
            None => None,
        }
    }

    #[test]
    fn padding_at_the_ends_of_rows_goes() {
        let yuyv = b"00112233..44556677";
        assert_eq!(pixels(Format::Yuyv, 10, yuyv).unwrap(), b"0011223344556677");
        assert_eq!(pixels(Format::Grey, 6, b"0123..4567..").unwrap(), b"01234567");
        assert_eq!(pixels(Format::Nv12, 6, b"0123..4567..uvuv..").unwrap(), b"01234567uvuv");
        assert_eq!(pixels(Format::I420, 8, b"0123....4567....uu..vv..").unwrap(), b"01234567uuvv");
    }

    #[test]
    fn unpadded_rows_are_copied_as_they_are_and_what_follows_them_is_left() {
        for silent in [0, 4] {
            assert_eq!(pixels(Format::Nv12, silent, b"01234567uvuv....").unwrap(), b"01234567uvuv");
        }
        assert_eq!(pixels(Format::Yuyv, 8, b"0011223344556677").unwrap(), b"0011223344556677");
    }

    #[test]
    fn uyvy_becomes_yuyv() {
        assert_eq!(pixels(Format::Uyvy, 8, b"uYvYuYvYuYvYuYvY").unwrap(), b"YuYvYuYvYuYvYuYv");
    }

    #[test]
    fn a_buffer_that_is_too_short_is_no_picture() {
        assert_eq!(pixels(Format::Yuyv, 8, b"001122334455667"), None);
        assert_eq!(pixels(Format::I420, 8, b"0123....4567....uu..v"), None);
        assert_eq!(pixels(Format::Grey, 6, b""), None);
    }

    #[test]
    fn the_range_is_what_the_driver_says_or_else_limited_but_for_jpeg() {
        let seen = |colorspace, quantization, magic| {
            range(&PixFormat { colorspace, quantization, magic, ..abi::Format::zeroed().pix })
        };
        let (srgb, jpeg, new) = (8, abi::COLORSPACE_JPEG, abi::PIX_FMT_MAGIC);
        assert_eq!([0, 1, 2].map(|said| seen(srgb, said, new)), [Range::Limited, Range::Full, Range::Limited]);
        assert_eq!([0, 1, 2].map(|said| seen(jpeg, said, new)), [Range::Full, Range::Full, Range::Limited]);
        assert_eq!([srgb, jpeg].map(|colorspace| seen(colorspace, 1, 0)), [Range::Limited, Range::Full], "too old");
    }

    #[test]
    fn the_range_goes_along_with_the_pixels() {
        for range in [Range::Full, Range::Limited] {
            let layout = Layout { format: Format::Grey, range, size: Size::new(4, 2), bytes_per_line: 0 };
            assert!(matches!(layout.picture(b"01234567"), Some(Picture::Raw(raw)) if raw.range == range));
        }
    }

    #[test]
    fn a_jpeg_goes_through_unchecked() {
        assert_eq!(pixels(Format::Mjpeg, 0, b"\xff\xd8 cut").unwrap(), b"\xff\xd8 cut");
    }
}
