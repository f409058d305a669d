//! Checks a JPEG and brings it into the form that old clients expect, without decoding it.
//!
//! Pictures from cameras come cut, mixed up and padded; what is passed on must be whole, baseline, and free of
//! thumbnails, because a client of this family cuts at the first FFD9 (PROFILE 5.1). [`check`] walks the markers of
//! ITU T.81 with every length bounded and touches the entropy-coded data only to find its end. A picture that needs no
//! change leaves as the shared buffer in which it came; any change costs one copy.
//!
//! What this cannot see: wrong bits *inside* the entropy-coded data. A bit flipped by radio, or a hole between two
//! restart intervals of the right number, leaves the structure whole; such a picture shows smears, and only a decoder
//! notices. Holes are still caught wherever the restart markers get out of step or too little data is left to code
//! every block.

pub mod cut;
mod tables;
mod walk;

use bytes::Bytes;

use super::frame::Size;

/// The longest picture looked at, in bytes; also the bound of everything that collects one.
pub const LONGEST: usize = 16 << 20;

/// A picture that is whole in structure: baseline or extended sequential, grey or YCbCr, from FFD8 to FFD9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The JPEG; the very buffer that came in unless something had to change.
    pub jpeg: Bytes,
    /// Width and height from the frame header.
    pub size: Size,
    /// Width and height of its MCUs, the pieces of which it can be put together anew without decoding: 8 to 32 pixels.
    pub mcu: Size,
}

/// What is wrong with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Broken {
    /// It is longer than [`LONGEST`].
    #[error("longer than 16 MiB")]
    TooLong,
    /// It does not begin with FFD8.
    #[error("not a JPEG")]
    NotJpeg,
    /// It ends too early, or holds too little data for its size.
    #[error("cut short")]
    Cut,
    /// Something else stands where a marker belongs, a marker stands where it must not, or there are too many.
    #[error("damaged between its markers")]
    Marker,
    /// The length or content of a marker segment contradicts itself.
    #[error("damaged inside a marker segment")]
    Segment,
    /// A quantisation or Huffman table that it uses is missing.
    #[error("a table is missing")]
    Tables,
    /// Width or height is 0 or over [`Size::LONGEST`].
    #[error("an impossible size")]
    Size,
    /// Restart markers are out of step: data is missing in the middle.
    #[error("restart markers out of step")]
    Restart,
    /// A JPEG, but of a kind that is not passed on as it is; decoding and encoding anew may help.
    #[error("{0}")]
    Foreign(Foreign),
}

/// A kind of JPEG that old clients do not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Foreign {
    /// Progressive (SOF2).
    #[error("a progressive JPEG")]
    Progressive,
    /// Arithmetic coding, lossless or hierarchical (SOF3 and up).
    #[error("an arithmetic, lossless or hierarchical JPEG")]
    Coding,
    /// Other than 8 bits a sample.
    #[error("a JPEG with other than 8 bits a sample")]
    Depth,
    /// Neither grey nor YCbCr: RGB, CMYK.
    #[error("a JPEG in RGB or CMYK")]
    Colours,
}

impl Broken {
    /// Returns one word for a counter's label.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotJpeg => "not_jpeg",
            Self::Cut => "cut",
            Self::Marker => "marker",
            Self::Segment => "segment",
            Self::Tables => "tables",
            Self::Size => "size",
            Self::Restart => "restart",
            Self::Foreign(_) => "foreign",
        }
    }
}

/// Checks a picture and normalises it.
///
/// Cut off is what follows the end marker. Taken out are all APPn segments but a JFIF header (without its thumbnail), the `AVI1`
/// of motion JPEG and Adobe's colour marker, and comments that hold an end marker. Put in are the standard Huffman
/// tables where none are: USB cameras leave them out. Everything else stays as it is, byte for byte.
///
/// # Errors
/// Says what is wrong; [`Broken::Foreign`] pictures are whole as far as the frame header and may be worth
/// [`super::transform::Pipeline::encode_anew`].
pub fn check(mut jpeg: Bytes) -> Result<Checked, Broken> {
    let walked = walk::walk(&jpeg)?;
    if walked.edits.is_empty() {
        jpeg.truncate(walked.end);
    } else {
        jpeg = walked.rebuild(&jpeg);
    }
    Ok(Checked { jpeg, size: walked.size, mcu: walked.mcu })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

    use super::*;

    /// Encodes a picture with smooth colours and a texture, in which every block differs from its neighbours.
    pub(crate) fn picture(size: Size, subsamp: Subsamp, set: impl Fn(&mut Compressor)) -> Bytes {
        let (width, height) = (size.width as usize, size.height as usize);
        let pixels: Vec<u8> = (0..width * height)
            .flat_map(|at| {
                let (x, y) = (at % width, at / width);
                [x * 220 / width, y * 220 / height, 220 - x * 220 / width]
                    .map(|side| (side + ((x * 5) ^ (y * 3)) % 32) as u8)
            })
            .collect();
        let mut compressor = Compressor::new().unwrap();
        compressor.set_quality(80).unwrap();
        compressor.set_subsamp(subsamp).unwrap();
        set(&mut compressor);
        let image = Image { pixels: &pixels[..], width, pitch: width * 3, height, format: PixelFormat::RGB };
        compressor.compress_to_vec(image).unwrap().into()
    }

    pub(crate) fn vga() -> Bytes {
        picture(Size::VGA, Subsamp::Sub2x2, |_| ())
    }

    fn check_slice(jpeg: &[u8]) -> Result<Checked, Broken> {
        check(Bytes::copy_from_slice(jpeg))
    }

    /// Returns where the segments of a marker begin and end.
    fn segments(jpeg: &[u8], marker: u8) -> Vec<std::ops::Range<usize>> {
        let mut found = Vec::new();
        let mut at = 2;
        while jpeg[at + 1] != 0xda {
            let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] == marker {
                found.push(at..end);
            }
            at = end;
        }
        found
    }

    fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
        let mut left = jpeg.to_vec();
        for range in segments(jpeg, marker).into_iter().rev() {
            left.drain(range);
        }
        left
    }

    /// Puts a segment right behind FFD8.
    fn with(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
        let mut all = vec![0xff, 0xd8, 0xff, marker];
        all.extend((payload.len() as u16 + 2).to_be_bytes());
        all.extend(payload);
        all.extend(&jpeg[2..]);
        all
    }

    fn pixels(jpeg: &[u8]) -> Vec<u8> {
        turbojpeg::decompress(jpeg, PixelFormat::RGB).unwrap().pixels
    }

    #[test]
    fn a_good_picture_leaves_as_the_buffer_it_came_in() {
        for subsamp in [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub2x2, Subsamp::Gray] {
            for size in [Size::VGA, Size::new(1, 1), Size::new(641, 479)] {
                let jpeg = picture(size, subsamp, |_| ());
                let checked = check(jpeg.clone()).unwrap();
                assert_eq!((checked.size, checked.jpeg.as_ptr()), (size, jpeg.as_ptr()));
                assert_eq!(checked.jpeg, jpeg);
            }
        }
    }

    #[test]
    fn the_mcus_are_those_of_the_frame_header() {
        for (subsamp, mcu) in [
            (Subsamp::None, (8, 8)),
            (Subsamp::Sub2x1, (16, 8)),
            (Subsamp::Sub1x2, (8, 16)),
            (Subsamp::Sub2x2, (16, 16)),
            (Subsamp::Sub4x1, (32, 8)),
            (Subsamp::Gray, (8, 8)),
        ] {
            assert_eq!(check(picture(Size::VGA, subsamp, |_| ())).unwrap().mcu, Size::new(mcu.0, mcu.1), "{subsamp:?}");
        }
        // A picture of one component is coded block by block, whatever its sampling factors say (ITU T.81 A.2.2).
        let mut grey = picture(Size::VGA, Subsamp::Gray, |_| ()).to_vec();
        let header = segments(&grey, 0xc0)[0].start;
        grey[header + 11] = 0x22;
        assert_eq!(check(grey.into()).unwrap().mcu, Size::new(8, 8));
    }

    #[test]
    fn what_follows_the_end_marker_is_cut_without_a_copy() {
        let jpeg = vga();
        for tail in [&[0; 700][..], b"\r\n--boundary", &jpeg] {
            let padded = Bytes::from([&jpeg, tail].concat());
            let checked = check(padded.clone()).unwrap();
            assert_eq!((checked.jpeg.as_ptr(), &checked.jpeg), (padded.as_ptr(), &jpeg));
        }
    }

    #[test]
    fn left_out_huffman_tables_are_put_back() {
        for subsamp in [Subsamp::Sub2x1, Subsamp::Gray] {
            let whole = picture(Size::VGA, subsamp, |_| ());
            let bare = without(&whole, 0xc4);
            let checked = check_slice(&bare).unwrap();
            assert_eq!(segments(&checked.jpeg, 0xc4).len(), 1);
            assert_eq!(pixels(&checked.jpeg), pixels(&whole), "the standard tables are the ones the encoder used");
            assert_eq!(check(checked.jpeg.clone()).unwrap(), checked, "nothing is left to change");
        }
    }

    #[test]
    fn thumbnails_and_exif_are_taken_out_and_comments_kept() {
        let jpeg = vga();
        let bare = without(&jpeg, 0xe0);
        let thumbnail = [b"Exif\0\0", &picture(Size::new(32, 32), Subsamp::Sub2x2, |_| ())[..]].concat();
        let jfif_with_thumbnail = [&b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01"[..], &[9; 3]].concat();
        let dirty = with(&jpeg, 0xe1, &thumbnail);
        assert_eq!(check_slice(&dirty).unwrap().jpeg, jpeg);
        assert_eq!(check_slice(&with(&dirty, 0xe2, b"ICC_PROFILE")).unwrap().jpeg, jpeg);
        assert_eq!(check_slice(&with(&bare, 0xe0, &jfif_with_thumbnail)).unwrap().jpeg, jpeg);
        assert_eq!(check_slice(&with(&jpeg, 0xfe, b"has \xff\xd9 inside")).unwrap().jpeg, jpeg);
        for kept in [with(&jpeg, 0xfe, b"seen by nobody"), with(&bare, 0xe0, b"AVI1\0\0\0\0\0\0\0\0\0\0"), bare] {
            assert_eq!(check_slice(&kept).unwrap().jpeg, kept);
        }
    }

    #[test]
    fn a_picture_cut_anywhere_is_refused() {
        let jpeg = picture(Size::new(48, 32), Subsamp::Sub2x2, |_| ());
        for cut in 0..jpeg.len() {
            assert!(check(jpeg.slice(..cut)).is_err(), "cut at {cut}");
        }
        let data = segments(&jpeg, 0xc4).last().unwrap().end + 14;
        let hollow = [&jpeg[..data + 3], &[0xff, 0xd9]].concat();
        assert_eq!(check_slice(&hollow), Err(Broken::Cut), "an end marker after three bytes of data");
    }

    #[test]
    fn restart_markers_must_count_up_and_be_as_many_as_the_size_needs() {
        // A restart interval of one row of MCUs over data without restart markers: all of them are missing.
        let jpeg = vga();
        assert_eq!(check_slice(&with(&jpeg, 0xdd, &[0, 40])), Err(Broken::Cut));
        // 16x16 grey: 4 blocks, an interval of 1, 3 restart markers. Each block takes one byte here.
        let sof = segments(&jpeg, 0xc0)[0].start;
        let mut grey = with(&jpeg[..sof], 0xdd, &[0, 1]);
        grey.extend([0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        let data = |bytes: &[u8]| check_slice(&[&grey[..], bytes, &[0xff, 0xd9]].concat()).map(|checked| checked.size);
        let block = 0b0010_1011;
        assert_eq!(data(&[block, 255, 208, block, 255, 209, block, 255, 210, block]), Ok(Size::new(16, 16)));
        assert_eq!(data(&[block, 255, 208, block, 255, 210, block, 255, 211, block]), Err(Broken::Restart));
        assert_eq!(data(&[block, 255, 208, block, 255, 209, block, block]), Err(Broken::Cut));
    }

    #[test]
    fn kinds_that_old_clients_cannot_show_are_named() {
        let foreign = |jpeg: &[u8]| match check_slice(jpeg) {
            Err(Broken::Foreign(kind)) => Some(kind),
            Ok(_) | Err(_) => None,
        };
        let jpeg = vga();
        let progressive = picture(Size::QVGA, Subsamp::Sub2x2, |c| c.set_progressive(true).unwrap());
        assert_eq!(foreign(&progressive), Some(Foreign::Progressive));
        let rgb = picture(Size::QVGA, Subsamp::None, |c| c.set_colorspace(turbojpeg::Colorspace::RGB).unwrap());
        assert_eq!(foreign(&rgb), Some(Foreign::Colours));
        let sof = segments(&jpeg, 0xc0)[0].start;
        let changed = |at: usize, byte: u8| {
            let mut changed = jpeg.to_vec();
            changed[at] = byte;
            changed
        };
        assert_eq!(foreign(&changed(sof + 1, 0xc9)), Some(Foreign::Coding));
        assert_eq!(foreign(&changed(sof + 4, 12)), Some(Foreign::Depth));
        assert_eq!(foreign(&changed(sof + 9, 4)), Some(Foreign::Colours));
    }

    #[test]
    fn each_kind_of_damage_has_its_reason() {
        let jpeg = vga();
        let sof = segments(&jpeg, 0xc0)[0].start;
        let table = |at: usize, bytes: &[u8]| {
            let mut changed = jpeg.to_vec();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            check_slice(&changed).map(|_| ())
        };
        assert_eq!(check_slice(b"<html>not a picture</html>"), Err(Broken::NotJpeg));
        assert_eq!(check(vec![0; LONGEST + 1].into()), Err(Broken::TooLong));
        assert_eq!(check_slice(&without(&jpeg, 0xdb)), Err(Broken::Tables));
        assert_eq!(check_slice(&without(&jpeg, 0xc0)), Err(Broken::Marker), "no frame header");
        assert_eq!(table(sof, &[0x12]), Err(Broken::Marker), "garbage between segments");
        assert_eq!(table(sof + 2, &[0, 1]), Err(Broken::Segment), "a length under 2");
        assert_eq!(table(sof + 5, &[0, 0]), Err(Broken::Size));
        assert_eq!(table(sof + 5, &[0xff, 0xff]), Err(Broken::Size));
        assert_eq!(table(sof + 11, &[0x50]), Err(Broken::Segment), "a sampling factor of 5");
        assert_eq!(table(segments(&jpeg, 0xc4)[0].start + 4, &[0x77]), Err(Broken::Segment));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check_slice(&[&[0xff, 0xd8], &bytes[..]].concat());
        }

        #[test]
        fn damage_never_panics_and_what_passes_passes_again(
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)
        ) {
            let mut jpeg = picture(Size::new(64, 48), Subsamp::Sub2x1, |_| ()).to_vec();
            for (at, byte) in damage {
                let at = at.index(jpeg.len());
                jpeg[at] = byte;
            }
            if let Ok(checked) = check(jpeg.into()) {
                prop_assert_eq!(check(checked.jpeg.clone()), Ok(checked));
            }
        }
    }
}
