//! Reads the pictures and the sound of a motion JPEG AVI file as it streams by.
//!
//! An AVI is a flat row of chunks once its lists are entered, and that is how it is read: list lengths are ignored,
//! because files of interrupted recordings and OpenDML files (several `RIFF` parts, the later ones `AVIX`) have wrong
//! or partial ones. No index is needed. Sources: Microsoft's "AVI RIFF File Reference" and OpenDML 1.02.

mod sound;

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use self::sound::Decoder;
use super::{frame::Size, jpeg::LONGEST};

/// The longest header chunk that is read.
const LONGEST_HEADER: u32 = 64 << 10;
/// The most bytes of sound that are decoded at once; at least a block.
const SOUND: usize = 16 << 10;

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
    /// The sound, if there is any that can be decoded.
    pub sound: Option<Sound>,
}

/// What the headers say of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Samples a second and channel.
    pub rate: u32,
    /// How many channels are interleaved.
    pub channels: u16,
}

/// What a file consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next picture, an unchecked JPEG.
    Picture(Bytes),
    /// The picture before is shown once more.
    Repeat,
    /// The sound goes on with these samples, channels interleaved.
    Sound(Vec<i16>),
}

/// An incremental reader: [`feed`](Self::feed) it the file's bytes, take pieces with [`cut`](Self::cut) until there is
/// none.
///
/// It holds one picture of at most 16 MiB and what was fed last.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    /// Bytes of a chunk without interest that are still to come.
    skip: u64,
    /// Bytes of a chunk of sound that are still to come.
    sounding: u64,
    /// Whether a byte follows it that makes its length even.
    padding: bool,
    begun: bool,
    /// Whether the headers are over.
    moving: bool,
    /// Streams whose header was seen.
    streams: u8,
    /// The number of the motion JPEG stream.
    video: Option<u8>,
    /// The number of the stream of sound, and what decodes it.
    audio: Option<(u8, Decoder)>,
    /// What cannot be decoded of it.
    unheard: Option<String>,
    /// Whether pictures are left out.
    blind: bool,
    /// What the stream is whose header came last.
    stream: Stream,
    /// Another video's codec, for the error.
    codec: String,
    width: u32,
    height: u32,
    interval: Duration,
}

/// What a stream is, as far as it is of interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stream {
    #[default]
    Other,
    Video,
    Audio,
}

/// The longest and the shortest interval between two pictures.
const INTERVALS: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(3600)];

impl Reader {
    /// Makes a reader that leaves pictures out.
    pub fn of_sound() -> Self {
        Self { blind: true, ..Self::default() }
    }

    /// Takes the file's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns what the headers said; known with the first piece.
    pub fn head(&self) -> Option<Head> {
        let ([shortest, longest], size) = (INTERVALS, Size::new(self.width, self.height));
        let sound = self.audio.map(|(_, Decoder { rate, channels, .. })| Sound { rate, channels });
        self.video.map(|_| Head { size, interval: self.interval.clamp(shortest, longest), sound })
    }

    /// Says what the sound is, if there is some and it cannot be decoded.
    pub fn unheard(&self) -> Option<&str> {
        self.unheard.as_deref().filter(|_| self.audio.is_none())
    }

    /// Cuts off the next picture, if it has arrived whole, or the next sound.
    ///
    /// # Errors
    /// [`Bad`]; the file cannot be read on.
    pub fn cut(&mut self) -> Result<Option<Piece>, Bad> {
        loop {
            let skipped = self.skip.min(self.buffer.len() as u64);
            self.buffer.advance(skipped as usize);
            self.skip -= skipped;
            if self.sounding > 0 && self.skip == 0 {
                match self.hear() {
                    None if self.sounding > 0 => return Ok(None),
                    None => continue,
                    Some(samples) => return Ok(Some(Piece::Sound(samples))),
                }
            }
            let Some([name @ .., l0, l1, l2, l3]) = self.buffer.first_chunk::<8>().copied() else { return Ok(None) };
            let length = u32::from_le_bytes([l0, l1, l2, l3]);
            match &name {
                b"RIFF" | b"LIST" => {
                    let Some(kind) = self.buffer.get(8..12) else { return Ok(None) };
                    match kind {
                        b"AVI " | b"AVIX" if name == *b"RIFF" => self.begun = true,
                        _ if !self.begun => return Err(Bad::NotAvi),
                        b"movi" if self.video.is_none() => return Err(Bad::NotMotionJpeg(self.codec.clone())),
                        b"movi" => self.moving = true,
                        b"hdrl" | b"strl" | b"rec " => {}
                        _ => {
                            self.skip = whole(length);
                            continue;
                        }
                    }
                    self.buffer.advance(12);
                }
                _ if !self.begun => return Err(Bad::NotAvi),
                // Later ones would change what those who read the file go by.
                b"avih" | b"strh" | b"strf" if !self.moving => {
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
                    if self.blind {
                        self.skip = whole(length);
                        continue;
                    }
                    let Some(picture) = self.take(length) else { return Ok(None) };
                    return Ok(Some(if picture.is_empty() { Piece::Repeat } else { Piece::Picture(picture) }));
                }
                [tens, ones, b'w', b'b'] if self.is_sound(*tens, *ones) => {
                    // A chunk may be as long as the file: it is taken as it comes.
                    self.buffer.advance(8);
                    self.sounding = length.into();
                    self.padding = length % 2 == 1;
                }
                _ if name.iter().all(|byte| (b' '..=b'~').contains(byte)) => self.skip = whole(length),
                _ => return Err(Bad::Damaged),
            }
        }
    }

    fn is_sound(&self, tens: u8, ones: u8) -> bool {
        self.audio.is_some_and(|(stream, _)| number(tens, ones) == Some(stream))
    }

    /// Decodes what has arrived of a chunk of sound, whole blocks; what is behind the last whole one is skipped.
    fn hear(&mut self) -> Option<Vec<i16>> {
        let (_, decoder) = self.audio?;
        let most = SOUND.max(decoder.block).min(self.buffer.len());
        let most = usize::try_from(self.sounding).unwrap_or(most).min(most);
        let bytes = self.buffer.split_to(most / decoder.block * decoder.block);
        self.sounding -= bytes.len() as u64;
        if self.sounding < decoder.block as u64 {
            self.skip = self.sounding + u64::from(std::mem::take(&mut self.padding));
            self.sounding = 0;
        }
        (!bytes.is_empty()).then(|| decoder.decode(&bytes))
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

    /// Reads `strh`: type at 0, codec at 4, rate as `rate / scale` a second at 24 and 20. The first streams count.
    fn stream_header(&mut self, chunk: &[u8]) {
        self.streams = self.streams.saturating_add(1);
        self.stream = match chunk.first_chunk() {
            Some(b"vids") if self.video.is_none() => Stream::Video,
            Some(b"auds") if self.audio.is_none() => Stream::Audio,
            _ => Stream::Other,
        };
        if self.stream != Stream::Video {
            return;
        }
        let (scale, rate) = (word(chunk, 20), word(chunk, 24));
        if scale != 0 && rate != 0 {
            self.interval = Duration::from_secs(scale.into()) / rate;
        }
        self.codec(chunk.get(4..8).unwrap_or_default());
    }

    /// Reads `strf`, which follows its `strh`: of a video the codec at 16, as some writers name it only here.
    fn stream_format(&mut self, chunk: &[u8]) {
        match self.stream {
            Stream::Video if self.video.is_none() => self.codec(chunk.get(16..20).unwrap_or_default()),
            Stream::Audio => match Decoder::parse(chunk) {
                Ok(decoder) => self.audio = self.streams.checked_sub(1).map(|stream| (stream, decoder)),
                Err(why) => self.unheard = Some(why),
            },
            Stream::Video | Stream::Other => {}
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
mod tests;
