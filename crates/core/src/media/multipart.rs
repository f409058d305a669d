//! Cuts a byte stream into pictures: a `multipart/x-mixed-replace` body or JPEGs one behind the other.
//!
//! A JPEG says itself where it ends, so neither the boundary nor `Content-Length` is looked at: cameras leave them out,
//! give them wrong, or announce a boundary and send another. Whatever stands between two pictures is skipped unread,
//! which also bounds it. And a picture is complete with its last byte; a cutter that waits for the boundary behind it
//! is one picture late with servers that send it in front of the next.
//!
//! The markers are walked by their lengths, so a thumbnail inside an EXIF segment does not end its picture.

use bytes::{Buf, Bytes, BytesMut};

use super::jpeg::LONGEST;

/// An incremental cutter: [`feed`](Self::feed) it what arrives, then take pictures with [`cut`](Self::cut) until there
/// is none.
///
/// It holds at most one picture of the longest kind that it takes, and what was fed last.
#[derive(Debug)]
pub struct Cutter {
    /// The longest picture that it waits for, in bytes.
    longest: usize,
    /// From the begin of a picture, unless `state` is `Seek`.
    buffer: BytesMut,
    /// How far the picture was walked.
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Looks for the next FFD8.
    Seek,
    /// `at` is where a marker must stand.
    Marker,
    /// `at` is inside entropy-coded data.
    Data,
}

/// What a walk over the buffer came to.
enum Walked {
    /// More bytes are needed.
    Starved,
    /// The picture ends, or cannot go on, at `at`.
    Ended,
}

impl Default for Cutter {
    /// Takes pictures up to [`LONGEST`].
    fn default() -> Self {
        Self::new(LONGEST)
    }
}

impl Cutter {
    /// Makes one that takes pictures of at most so many bytes.
    pub fn new(longest: usize) -> Self {
        Self { longest, buffer: BytesMut::new(), at: 0, state: State::Seek }
    }

    /// Takes bytes as they arrive.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives the buffer to a reader that appends what arrives, with room for `bytes` more: a copy saved.
    pub fn space(&mut self, bytes: usize) -> &mut BytesMut {
        self.buffer.reserve(bytes);
        &mut self.buffer
    }

    /// Cuts off the next picture, if it has arrived whole.
    ///
    /// A picture that is damaged or too long comes out as well, up to where it could not be followed: whoever checks
    /// pictures refuses and counts it.
    pub fn cut(&mut self) -> Option<Bytes> {
        if matches!(self.state, State::Seek) && !self.seek() {
            return None;
        }
        match self.walk() {
            Walked::Starved if self.buffer.len() <= self.longest => return None,
            Walked::Starved => self.at = self.buffer.len(),
            Walked::Ended => {}
        }
        self.state = State::Seek;
        Some(self.buffer.split_to(self.at).freeze())
    }

    /// Throws away what stands before the next FFD8 FF; says whether it was found.
    fn seek(&mut self) -> bool {
        const BEGIN: &[u8] = &[0xff, 0xd8, 0xff];
        // Where pictures stand one behind the other, there is nothing to look for.
        let start = if self.buffer.starts_with(BEGIN) { Some(0) } else { memchr::memmem::find(&self.buffer, BEGIN) };
        match start {
            Some(start) => {
                self.buffer.advance(start);
                (self.state, self.at) = (State::Marker, 2);
                true
            }
            None => {
                self.buffer.advance(self.buffer.len().saturating_sub(2));
                false
            }
        }
    }

    fn walk(&mut self) -> Walked {
        loop {
            let Some(rest) = self.buffer.get(self.at..) else { return Walked::Starved };
            match self.state {
                State::Seek => return Walked::Ended,
                State::Marker => match *rest {
                    [0xff, 0xff, ..] => self.at += 1,
                    [0xff, 0xd9, ..] => {
                        self.at += 2;
                        return Walked::Ended;
                    }
                    [0xff, 0x01 | 0xd0..=0xd7, ..] => self.at += 2,
                    [0xff, 0x00 | 0xd8, ..] => return Walked::Ended,
                    [0xff, code, high, low, ..] => {
                        self.at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
                        if code == 0xda {
                            self.state = State::Data;
                        }
                    }
                    [] | [0xff, ..] => return Walked::Starved,
                    [_, ..] => return Walked::Ended,
                },
                State::Data => match memchr::memchr(0xff, rest) {
                    Some(found) => {
                        self.at += found;
                        match rest.get(found + 1) {
                            Some(0x00 | 0xd0..=0xd7) => self.at += 2,
                            Some(_) => self.state = State::Marker,
                            None => return Walked::Starved,
                        }
                    }
                    None => {
                        self.at = self.buffer.len();
                        return Walked::Starved;
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use turbojpeg::Subsamp;

    use super::*;
    use crate::media::{frame::Size, jpeg, jpeg::tests::picture};

    /// Three pictures that differ.
    fn three() -> [Bytes; 3] {
        [16, 24, 32].map(|width| picture(Size::new(width, 16), Subsamp::Sub2x2, |_| ()))
    }

    fn cut(stream: &[u8], step: usize) -> Vec<Bytes> {
        let mut cutter = Cutter::default();
        let mut pictures = Vec::new();
        for bytes in stream.chunks(step) {
            cutter.feed(bytes);
            pictures.extend(std::iter::from_fn(|| cutter.cut()));
        }
        pictures
    }

    #[test]
    fn pictures_come_out_whole_whatever_stands_between_them() {
        let shapes = [
            ("a length", "--b\r\nContent-Type: image/jpeg\r\nContent-Length: LENGTH\r\n\r\n", ""),
            ("no length", "\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n", "\r\n"),
            ("bare line feeds", "--b\nContent-type:image/jpeg\n\n", "\n\n"),
            ("a wrong length", "----b\r\nContent-Length: 7\r\n\r\n", "\r\n--b--\r\n"),
            ("padding", "", "\0\0\0\0\0\0\0\0"),
            ("nothing", "", ""),
        ];
        for (name, before, after) in shapes {
            let shape = |jpeg: &Bytes| {
                let before = before.replace("LENGTH", &jpeg.len().to_string());
                [before.as_bytes(), jpeg, after.as_bytes()].concat()
            };
            let stream = three().iter().flat_map(shape).collect::<Vec<u8>>();
            for step in [1, 7, 1024, stream.len()] {
                assert_eq!(cut(&stream, step), three(), "{name}, {step} bytes at a time");
            }
        }
    }

    #[test]
    fn a_picture_is_there_with_its_last_byte() {
        let [jpeg, ..] = three();
        let mut cutter = Cutter::default();
        cutter.feed(&jpeg[..jpeg.len() - 1]);
        assert_eq!(cutter.cut(), None);
        cutter.feed(&jpeg[jpeg.len() - 1..]);
        assert_eq!(cutter.cut(), Some(jpeg));
    }

    #[test]
    fn a_thumbnail_does_not_end_its_picture() {
        let [thumbnail, jpeg, _] = three();
        let mut exif = vec![0xff, 0xd8, 0xff, 0xe1];
        exif.extend((thumbnail.len() as u16 + 2).to_be_bytes());
        exif.extend_from_slice(&thumbnail);
        exif.extend_from_slice(&jpeg[2..]);
        assert_eq!(cut(&exif, 100), [exif]);
    }

    #[test]
    fn a_cut_picture_comes_out_to_be_counted_and_the_next_one_is_whole() {
        let [first, second, third] = three();
        let cut_short = &first[..first.len() - 20];
        let pictures = cut(&[cut_short, b"\r\n--b\r\n\r\n", &second, b"\r\n", &third].concat(), 50);
        assert_eq!(pictures[1..], [second, third]);
        assert!(pictures[0].starts_with(cut_short) && jpeg::check(pictures[0].clone()).is_err());
    }

    #[test]
    fn endless_garbage_and_an_endless_picture_stay_bounded() {
        let mut cutter = Cutter::default();
        for _ in 0..100 {
            cutter.feed(&[0xff; 10_000]);
            assert_eq!(cutter.cut(), None);
            assert!(cutter.buffer.len() < 10);
        }
        let [jpeg, ..] = three();
        cutter.feed(&jpeg[..jpeg.len() - 2]);
        let endless = vec![0x55; 1 << 20];
        let ended = (0..17).find_map(|_| {
            cutter.feed(&endless);
            cutter.cut()
        });
        assert_eq!(jpeg::check(ended.unwrap()), Err(jpeg::Broken::TooLong));
        cutter.feed(&jpeg);
        assert_eq!(cutter.cut(), Some(jpeg));
    }

    #[test]
    fn a_picture_longer_than_is_waited_for_comes_out_cut() {
        let [jpeg, ..] = three();
        let (mut patient, mut short) = (Cutter::new(jpeg.len()), Cutter::new(jpeg.len() - 2));
        for cutter in [&mut patient, &mut short] {
            cutter.feed(&jpeg[..jpeg.len() - 1]);
        }
        assert_eq!(patient.cut(), None);
        assert_eq!(jpeg::check(short.cut().unwrap()), Err(jpeg::Broken::Cut));
        patient.feed(&jpeg[jpeg.len() - 1..]);
        assert_eq!(patient.cut(), Some(jpeg));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_steps_do_not_matter(
            bytes in proptest::collection::vec(
                prop_oneof![3 => any::<u8>(), 2 => Just(0xff), 1 => Just(0xd8), 1 => Just(0xd9), 1 => Just(0)],
                0..300,
            ),
            step in 1usize..50
        ) {
            let at_once = cut(&bytes, 1000);
            prop_assert_eq!(cut(&bytes, step), at_once);
        }
    }
}
