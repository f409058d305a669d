//! Reads the pictures of a motion JPEG AVI file as it streams by.
//!
//! An AVI is a flat row of chunks once its lists are entered, and that is how it is read: list lengths are ignored,
//! because files of interrupted recordings and OpenDML files (several `RIFF` parts, the later ones `AVIX`) have wrong
//! or partial ones. No index is needed. Sources: Microsoft's "AVI RIFF File Reference" and OpenDML 1.02.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::{frame::Size, jpeg::LONGEST};

/// The longest header chunk that is read.
const LONGEST_HEADER: u32 = 64 << 10;

/// What a file is not, or what in it is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// It does not begin with `RIFF….AVI `.
    #[error("not an AVI file")]
    NotAvi,
    /// It has no stream of motion JPEG.
    #[error("an AVI file without motion JPEG (its video is {0:?})")]
    NotMotionJpeg(String),
    /// A chunk has an impossible name or length.
    #[error("a damaged AVI file")]
    Damaged,
}

/// What the headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Width and height.
    pub size: Size,
    /// From one picture to the next; 1 ms to 1 h.
    pub interval: Duration,
}

/// An incremental reader: [`feed`](Self::feed) it the file's bytes, take pictures with [`cut`](Self::cut) until there is
/// none.
///
/// It holds one picture of at most 16 MiB and what was fed last.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    /// Bytes of a chunk without interest that are still to come.
    skip: u64,
    begun: bool,
    /// Streams whose header was seen.
    streams: u8,
    /// The number of the motion JPEG stream.
    video: Option<u8>,
    /// Whether the stream whose header came last is a video.
    in_video: bool,
    /// Another video's codec, for the error.
    codec: String,
    width: u32,
    height: u32,
    interval: Duration,
}

/// The longest and the shortest interval between two pictures.
const INTERVALS: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(3600)];

impl Reader {
    /// Takes the file's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns what the headers said; known with the first picture.
    pub fn head(&self) -> Option<Head> {
        let ([shortest, longest], size) = (INTERVALS, Size::new(self.width, self.height));
        self.video.map(|_| Head { size, interval: self.interval.clamp(shortest, longest) })
    }

    /// Cuts off the next picture, if it has arrived whole; an unchecked JPEG.
    ///
    /// # Errors
    /// [`Bad`]; the file cannot be read on.
    pub fn cut(&mut self) -> Result<Option<Bytes>, Bad> {
        loop {
            let skipped = self.skip.min(self.buffer.len() as u64);
            self.buffer.advance(skipped as usize);
            self.skip -= skipped;
            let Some([name @ .., l0, l1, l2, l3]) = self.buffer.first_chunk::<8>().copied() else { return Ok(None) };
            let length = u32::from_le_bytes([l0, l1, l2, l3]);
            match &name {
                b"RIFF" | b"LIST" => {
                    let Some(kind) = self.buffer.get(8..12) else { return Ok(None) };
                    match kind {
                        b"AVI " | b"AVIX" if name == *b"RIFF" => self.begun = true,
                        _ if !self.begun => return Err(Bad::NotAvi),
                        b"movi" if self.video.is_none() => return Err(Bad::NotMotionJpeg(self.codec.clone())),
                        b"hdrl" | b"strl" | b"movi" | b"rec " => {}
                        _ => {
                            self.skip = whole(length);
                            continue;
                        }
                    }
                    self.buffer.advance(12);
                }
                _ if !self.begun => return Err(Bad::NotAvi),
                b"avih" | b"strh" | b"strf" => {
                    if length > LONGEST_HEADER {
                        return Err(Bad::Damaged);
                    }
                    let Some(chunk) = self.take(length) else { return Ok(None) };
                    match &name {
                        b"avih" => self.main_header(&chunk),
                        b"strh" => self.stream_header(&chunk),
                        _ => self.stream_format(&chunk),
                    }
                }
                [tens, ones, b'd', b'c' | b'b'] if self.video == number(*tens, *ones) && self.video.is_some() => {
                    if length as usize > LONGEST {
                        return Err(Bad::Damaged);
                    }
                    match self.take(length) {
                        // An empty chunk repeats the picture before it.
                        Some(picture) if picture.is_empty() => {}
                        picture => return Ok(picture),
                    }
                }
                _ if name.iter().all(|byte| (b' '..=b'~').contains(byte)) => self.skip = whole(length),
                _ => return Err(Bad::Damaged),
            }
        }
    }

    /// Takes a whole chunk and returns its content, if it has arrived.
    fn take(&mut self, length: u32) -> Option<Bytes> {
        let end = 8 + length as usize;
        if self.buffer.len() < end {
            return None;
        }
        let mut chunk = self.buffer.split_to(end);
        chunk.advance(8);
        self.skip = u64::from(length % 2);
        Some(chunk.freeze())
    }

    /// Reads `avih`: microseconds a picture at 0, width at 32, height at 36.
    fn main_header(&mut self, chunk: &[u8]) {
        self.interval = Duration::from_micros(word(chunk, 0).into());
        (self.width, self.height) = (word(chunk, 32), word(chunk, 36));
    }

    /// Reads `strh`: type at 0, codec at 4, rate as `rate / scale` a second at 24 and 20.
    fn stream_header(&mut self, chunk: &[u8]) {
        self.streams = self.streams.saturating_add(1);
        self.in_video = self.video.is_none() && chunk.starts_with(b"vids");
        if !self.in_video {
            return;
        }
        let (scale, rate) = (word(chunk, 20), word(chunk, 24));
        if scale != 0 && rate != 0 {
            self.interval = Duration::from_secs(scale.into()) / rate;
        }
        self.codec(chunk.get(4..8).unwrap_or_default());
    }

    /// Reads `strf`, which follows its `strh`: codec at 16. Some writers name the codec only here.
    fn stream_format(&mut self, chunk: &[u8]) {
        if self.in_video && self.video.is_none() {
            self.codec(chunk.get(16..20).unwrap_or_default());
        }
    }

    /// Chooses the stream whose header came last, if it is motion JPEG.
    fn codec(&mut self, codec: &[u8]) {
        if [b"MJPG", b"JPEG"].iter().any(|known| codec.eq_ignore_ascii_case(*known)) {
            self.video = self.streams.checked_sub(1);
        } else {
            self.codec = codec.escape_ascii().to_string();
        }
    }
}

/// Returns how long a chunk is with its head and its padding to an even length.
fn whole(length: u32) -> u64 {
    8 + u64::from(length) + u64::from(length % 2)
}

/// Returns the little-endian word at `at`; 0 where the chunk is too short.
fn word(chunk: &[u8], at: usize) -> u32 {
    chunk.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word))
}

/// Reads a stream's number of two decimal digits.
fn number(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + ones - b'0')
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let padding = &[0][..content.len() % 2];
        [&name[..], &(content.len() as u32).to_le_bytes(), content, padding].concat()
    }

    fn list(name: &[u8; 4], kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        chunk(name, &[kind, content].concat())
    }

    fn headers(codec: &[u8; 4], scale: u32, rate: u32) -> Vec<u8> {
        let mut main = [0; 56];
        main[0..4].copy_from_slice(&100_000u32.to_le_bytes());
        main[32..36].copy_from_slice(&640u32.to_le_bytes());
        main[36..40].copy_from_slice(&480u32.to_le_bytes());
        let mut stream = [0; 56];
        stream[0..8].copy_from_slice(&[b"vids", codec.as_slice()].concat());
        stream[20..24].copy_from_slice(&scale.to_le_bytes());
        stream[24..28].copy_from_slice(&rate.to_le_bytes());
        let sound = list(b"LIST", b"strl", &chunk(b"strh", b"auds"));
        let video = list(b"LIST", b"strl", &chunk(b"strh", &stream));
        list(b"LIST", b"hdrl", &[chunk(b"avih", &main), sound, video].concat())
    }

    fn movi(pictures: &[&[u8]]) -> Vec<u8> {
        let chunks = pictures.iter().flat_map(|picture| [chunk(b"00wb", b"sound"), chunk(b"01dc", picture)].concat());
        list(b"LIST", b"movi", &chunks.collect::<Vec<u8>>())
    }

    fn read(file: &[u8], step: usize) -> Result<(Vec<Bytes>, Option<Head>), Bad> {
        let mut reader = Reader::default();
        let mut pictures = Vec::new();
        for bytes in file.chunks(step) {
            reader.feed(bytes);
            while let Some(picture) = reader.cut()? {
                pictures.push(picture);
            }
        }
        Ok((pictures, reader.head()))
    }

    #[test]
    fn pictures_of_the_video_stream_come_out_in_order() {
        let first = list(
            b"RIFF",
            b"AVI ",
            &[
                headers(b"MJPG", 1, 25),
                list(b"LIST", b"INFO", b"whatever"),
                movi(&[b"one", b"", b"three"]),
                chunk(b"idx1", &[7; 33]),
            ]
            .concat(),
        );
        let file = [first, list(b"RIFF", b"AVIX", &movi(&[b"four"]))].concat();
        for step in [1, 5, 64, file.len()] {
            let (pictures, head) = read(&file, step).unwrap();
            assert_eq!(pictures, [&b"one"[..], b"three", b"four"]);
            assert_eq!(head, Some(Head { size: Size::VGA, interval: Duration::from_millis(40) }));
        }
    }

    #[test]
    fn wrong_list_lengths_and_a_cut_end_do_no_harm() {
        let mut file = list(b"RIFF", b"AVI ", &[headers(b"mjpg", 0, 0), movi(&[b"one", b"two"])].concat());
        file[4..8].fill(0);
        let at = file.windows(4).position(|name| name == b"movi").unwrap() - 4;
        file[at..at + 4].fill(0xff);
        let (pictures, head) = read(&file[..file.len() - 2], 10).unwrap();
        assert_eq!(pictures, [&b"one"[..]]);
        assert_eq!(head.unwrap().interval, Duration::from_millis(100), "from the main header");
    }

    #[test]
    fn what_is_no_motion_jpeg_is_refused_in_words() {
        assert_eq!(read(b"\xff\xd8\xff\xe0 a picture", 99), Err(Bad::NotAvi));
        assert_eq!(read(&list(b"RIFF", b"WAVE", b"sound"), 99), Err(Bad::NotAvi));
        let h264 = list(b"RIFF", b"AVI ", &[headers(b"H264", 1, 25), movi(&[b"one"])].concat());
        assert_eq!(read(&h264, 99), Err(Bad::NotMotionJpeg("H264".into())));
        let huge = list(b"RIFF", b"AVI ", &[&headers(b"MJPG", 1, 25)[..], b"01dc\xff\xff\xff\x7f"].concat());
        assert_eq!(read(&huge, 99), Err(Bad::Damaged));
        let garbage = list(b"RIFF", b"AVI ", &[&headers(b"MJPG", 1, 25)[..], &[0xff; 90]].concat());
        assert_eq!(read(&garbage, 99), Err(Bad::Damaged));
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
            step in 1usize..50
        ) {
            let mut file = list(b"RIFF", b"AVI ", &[headers(b"MJPG", 1, 25), movi(&[b"one", b"two"])].concat());
            for (at, byte) in damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            prop_assert_eq!(read(&file, step), read(&file, 1000));
        }
    }
}
