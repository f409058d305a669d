//! ASF as a broadcast: a header without an end, then data packets of one size (PROFILE 5.3).
//!
//! Source: Microsoft's "Advanced Systems Format (ASF) Specification", revision 01.20.06.
//!
//! Each picture and each block of sound begins a packet of its own. So the packets of a media object are laid out once for
//! all viewers ([`Packets::lay`]), and for each viewer only the few bytes that are its own are stamped into them
//! ([`Muxer::stamp`]): times that begin with its stream, and the object's number in it.

mod header;

use std::time::{Duration, Instant};

pub use header::{Streams, header};

/// Bytes of every data packet.
pub const PACKET: usize = 640;

/// How long a player may gather before it shows the first picture: by so much are times of presentation greater than those
/// of capture, in ms.
pub const PREROLL: u32 = 500;

/// Milliseconds after which a stream has used up its times: 24.8 days, as there are readers that take them for signed.
pub const LIFETIME: u32 = i32::MAX as u32;

/// What stands before the payload in each packet.
const OVERHEAD: usize = 28;
/// Bytes of a media object in one packet.
const PAYLOAD: usize = PACKET - OVERHEAD;

// Where in a packet the fields are that are written one by one.
const PADDING: usize = 5;
const SEND_TIME: usize = 7;
const STREAM: usize = 13;
const NUMBER: usize = 14;
const OFFSET: usize = 15;
const OBJECT_SIZE: usize = 20;
const PRESENTATION: usize = 24;

/// Which stream a media object belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A JPEG.
    #[default]
    Picture,
    /// A block of IMA ADPCM.
    Sound,
}

impl Kind {
    /// Returns the stream's number: pictures are always the first, so that a player shows them without sound too.
    const fn stream(self) -> u8 {
        match self {
            Self::Picture => 1,
            Self::Sound => 2,
        }
    }
}

/// The data packets of one media object.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Packets {
    /// Lays a media object out, in place of the one before; nothing, if it is empty. It must be stamped before it is sent.
    pub fn lay(&mut self, kind: Kind, object: &[u8]) {
        self.kind = kind;
        self.bytes.clear();
        self.bytes.reserve_exact(object.len().div_ceil(PAYLOAD) * PACKET);
        let mut start = [0; OVERHEAD];
        // Error correction data of two bytes, both zero; a padding length of 16 bits; then lengths of 8, 32, 8 and 8 bits
        // for replicated data, offset, object number and stream number. Replicated data are 8 bytes.
        (start[0], start[3], start[4], start[19]) = (0x82, 0x10, 0x5d, 8);
        // Each object of both streams can be decoded without those before it: a key frame.
        start[STREAM] = 0x80 | kind.stream();
        start[OBJECT_SIZE..][..4].copy_from_slice(&field(object.len()));
        for (index, payload) in object.chunks(PAYLOAD).enumerate() {
            let padding = PAYLOAD - payload.len();
            start[PADDING..][..2].copy_from_slice(&field(padding)[..2]);
            start[OFFSET..][..4].copy_from_slice(&field(index * PAYLOAD));
            self.bytes.extend_from_slice(&start);
            self.bytes.extend_from_slice(payload);
            self.bytes.resize(self.bytes.len() + padding, 0);
        }
    }

    /// Returns the packets, [`PACKET`] bytes each.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Returns a length as it is written; no picture is as long as 32 bits can say.
fn field(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// The clock and the counters of one viewer's stream.
#[derive(Clone, Debug)]
pub struct Muxer {
    begin: Instant,
    /// The last time of sending.
    sent: u32,
    /// Of pictures and sound.
    next: [Next; 2],
}

/// What the next media object of a stream gets.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    number: u8,
    /// The earliest time of presentation.
    presentation: u32,
}

impl Muxer {
    /// Begins a stream, whose times count from `begin`. What was captured up to [`PREROLL`] ms before it has right times
    /// too.
    pub fn new(begin: Instant) -> Self {
        Self { begin, sent: 0, next: [Next::default(); 2] }
    }

    /// Stamps a media object for this stream, as its next one of that kind; `now` is when it is sent.
    ///
    /// # Errors
    /// The stream has used up the times that ASF can say; it must end.
    pub fn stamp(&mut self, packets: &mut Packets, captured: Instant, now: Instant) -> Result<(), UsedUp> {
        if packets.bytes.is_empty() {
            return Ok(());
        }
        let presentation = self.presentation(captured)?;
        let sent = self.send(now)?;
        let next = &mut self.next[packets.kind as usize];
        next.presentation = next.presentation.max(presentation);
        let (number, presentation) = (next.number, next.presentation.to_le_bytes());
        next.number = number.wrapping_add(1);
        for packet in packets.bytes.chunks_exact_mut(PACKET) {
            packet[SEND_TIME..][..4].copy_from_slice(&sent);
            packet[NUMBER] = number;
            packet[PRESENTATION..][..4].copy_from_slice(&presentation);
        }
        Ok(())
    }

    /// Stamps packets anew that are sent later than was thought; times of sending never run back.
    ///
    /// # Errors
    /// As for [`stamp`](Self::stamp).
    pub fn delay(&mut self, packets: &mut [u8], now: Instant) -> Result<(), UsedUp> {
        let sent = self.send(now)?;
        for packet in packets.chunks_exact_mut(PACKET) {
            packet[SEND_TIME..][..4].copy_from_slice(&sent);
        }
        Ok(())
    }

    fn presentation(&self, captured: Instant) -> Result<u32, UsedUp> {
        let early = self.begin.saturating_duration_since(captured);
        let late = captured.saturating_duration_since(self.begin);
        within(late + Duration::from_millis(PREROLL.into()).saturating_sub(early))
    }

    fn send(&mut self, now: Instant) -> Result<[u8; 4], UsedUp> {
        self.sent = self.sent.max(within(now.saturating_duration_since(self.begin))?);
        Ok(self.sent.to_le_bytes())
    }
}

/// Returns whole milliseconds, if ASF can say them.
fn within(time: Duration) -> Result<u32, UsedUp> {
    u32::try_from(time.as_millis()).ok().filter(|&millis| millis <= LIFETIME).ok_or(UsedUp)
}

/// A stream is as old as its times can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is as old as ASF can say")]
pub struct UsedUp;
