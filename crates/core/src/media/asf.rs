//! ASF as a broadcast: a header without an end, then data packets of one size (PROFILE 5.3).
//!
//! Source: Microsoft's "Advanced Systems Format (ASF) Specification", revision 01.20.06.
//!
//! Each picture and each block of sound begins a packet of its own. So the packets of a media object are laid out once for
//! all viewers ([`Packets::lay`]), and for each viewer only the few bytes that are its own are stamped into them
//! ([`Muxer::stamp`]): times that begin with its stream, and the object's number in it.

mod header;

use std::{
    ops::Range,
    time::{Duration, Instant},
};

pub use header::{Streams, header};

use super::{
    adpcm,
    sound::{BLOCK, RATE},
};

/// Bytes of every data packet.
pub const PACKET: usize = 640;

/// By how much presentation comes after capture, in ms. What was captured up to so long before a stream begins has its
/// right time in it.
pub const DELAY: u32 = 600;

/// How much of that the header declares, for players to gather before they show anything, in ms. From the rest on, times
/// are positive for players, which begin at 0: some show all that is earlier at 0.
pub const PREROLL: u32 = 50;

/// Milliseconds after which a stream has used up its times: 24.8 days, as there are readers that take them for signed.
pub const LIFETIME: u32 = i32::MAX as u32;

/// The most blocks of silence that lead in.
const LEAD_IN: u128 = 8;

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
        self.lay_some(kind, object, 0..packets(object));
    }

    /// Lays some of a media object's packets out, by their numbers from 0. What the first were stamped, the others must be
    /// stamped as well ([`Muxer::stamp_on`]).
    pub fn lay_some(&mut self, kind: Kind, object: &[u8], range: Range<usize>) {
        self.kind = kind;
        self.bytes.clear();
        self.bytes.reserve_exact(range.len().min(packets(object)) * PACKET);
        let mut start = [0; OVERHEAD];
        // Error correction data of two bytes, both zero; a padding length of 16 bits; then lengths of 8, 32, 8 and 8 bits
        // for replicated data, offset, object number and stream number. Replicated data are 8 bytes.
        (start[0], start[3], start[4], start[19]) = (0x82, 0x10, 0x5d, 8);
        // Each object of both streams can be decoded without those before it: a key frame.
        start[STREAM] = 0x80 | kind.stream();
        start[OBJECT_SIZE..][..4].copy_from_slice(&field(object.len()));
        for (index, payload) in object.chunks(PAYLOAD).enumerate().take(range.end).skip(range.start) {
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

    fn stamp(&mut self, object: Stamp, sent: [u8; 4]) {
        let presentation = object.presentation.to_le_bytes();
        for packet in self.bytes.chunks_exact_mut(PACKET) {
            packet[SEND_TIME..][..4].copy_from_slice(&sent);
            packet[NUMBER] = object.number;
            packet[PRESENTATION..][..4].copy_from_slice(&presentation);
        }
    }
}

/// Returns how many packets a media object takes.
pub const fn packets(object: &[u8]) -> usize {
    object.len().div_ceil(PAYLOAD)
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
    last: [Stamp; 2],
}

/// What the last media object of a stream got.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    number: u8,
    presentation: u32,
}

impl Stamp {
    /// Before the first.
    const NONE: Self = Self { number: u8::MAX, presentation: 0 };
}

impl Muxer {
    /// Begins a stream, whose times count from `begin`.
    pub fn new(begin: Instant) -> Self {
        Self { begin, sent: 0, last: [Stamp::NONE; 2] }
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
        let last = &mut self.last[packets.kind as usize];
        last.number = last.number.wrapping_add(1);
        last.presentation = last.presentation.max(presentation);
        packets.stamp(*last, sent);
        Ok(())
    }

    /// Stamps further packets of the media object that was stamped last of its kind, to be sent now; times of sending
    /// never run back.
    ///
    /// # Errors
    /// As for [`stamp`](Self::stamp).
    pub fn stamp_on(&mut self, packets: &mut Packets, now: Instant) -> Result<(), UsedUp> {
        let sent = self.send(now)?;
        packets.stamp(self.last[packets.kind as usize], sent);
        Ok(())
    }

    /// Returns packets of silence that go right before the first block of sound, which begins at `captured`: at most
    /// half a second, and as much as has a positive time.
    ///
    /// Some players fill what they play sound from before they show a picture, and never catch up with a stream whose sound
    /// comes no faster than it is heard. With this much of it at once they do not wait.
    ///
    /// # Errors
    /// As for [`stamp`](Self::stamp).
    pub fn lead_in(&mut self, captured: Instant, now: Instant) -> Result<Vec<u8>, UsedUp> {
        let length = Duration::from_secs(BLOCK as u64) / RATE;
        let room = (captured + millis(DELAY - PREROLL)).saturating_duration_since(self.begin);
        let blocks = (room.as_micros() / length.as_micros()).min(LEAD_IN) as u32;
        let (mut packets, mut bytes) = (Packets::default(), Vec::new());
        // In IMA ADPCM, zeros are silence.
        packets.lay(Kind::Sound, &[0; adpcm::LENGTH]);
        for before in (1..=blocks).rev() {
            self.stamp(&mut packets, captured - length * before, now)?;
            bytes.extend_from_slice(packets.bytes());
        }
        Ok(bytes)
    }

    fn presentation(&self, captured: Instant) -> Result<u32, UsedUp> {
        let early = self.begin.saturating_duration_since(captured);
        let late = captured.saturating_duration_since(self.begin);
        within(late + millis(DELAY).saturating_sub(early))
    }

    fn send(&mut self, now: Instant) -> Result<[u8; 4], UsedUp> {
        self.sent = self.sent.max(within(now.saturating_duration_since(self.begin))?);
        Ok(self.sent.to_le_bytes())
    }
}

fn millis(millis: u32) -> Duration {
    Duration::from_millis(millis.into())
}

/// Returns whole milliseconds, if ASF can say them.
fn within(time: Duration) -> Result<u32, UsedUp> {
    u32::try_from(time.as_millis()).ok().filter(|&millis| millis <= LIFETIME).ok_or(UsedUp)
}

/// A stream is as old as its times can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is as old as ASF can say")]
pub struct UsedUp;

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
    fn stamped(kind: Kind, object: &[u8]) -> Packets {
        let (begin, mut packets) = (Instant::now(), Packets::default());
        packets.lay(kind, object);
        let mut muxer = Muxer { last: [Stamp { number: 0x1e, presentation: 0 }; 2], ..Muxer::new(begin) };
        let (captured, now) = (begin + millis(0x0102), begin + millis(0x0a_0b0c));
        muxer.stamp(&mut packets, captured, now).unwrap();
        packets
    }

    #[test]
    fn a_packet_is_as_the_specification_has_it() {
        let packets = stamped(Kind::Sound, &[0xee; 256]);
        let (start, rest) = packets.bytes().split_at(28);
        // Sections 5.2.1 to 5.2.3.1, field by field.
        let expected = [
            &[0x82, 0x00, 0x00][..],   // error correction: present, 2 bytes
            &[0x10],                   // one payload, a WORD of padding length, neither packet length nor sequence
            &[0x5d],                   // BYTE, DWORD, BYTE, BYTE
            &[0x64, 0x01],             // padding: 640 - 28 - 256
            &[0x0c, 0x0b, 0x0a, 0x00], // send time
            &[0x00, 0x00],             // duration
            &[0x82],                   // key frame, stream 2
            &[0x1f],                   // media object number
            &[0x00, 0x00, 0x00, 0x00], // offset into media object
            &[0x08],                   // replicated data length
            &[0x00, 0x01, 0x00, 0x00], // media object size
            &[0x5a, 0x03, 0x00, 0x00], // presentation time: 0x102 and 600
        ];
        assert_eq!(start, expected.concat());
        assert_eq!(rest, [&[0xee; 256][..], &[0; 356]].concat());
    }

    #[test]
    fn a_large_picture_goes_on_in_the_next_packet() {
        let picture: Vec<u8> = (0..613).map(|place| (place % 251) as u8).collect();
        let packets = stamped(Kind::Picture, &picture);
        let (first, second) = packets.bytes().split_at(PACKET);
        assert_eq!((&first[5..7], &second[5..7]), (&[0, 0][..], &[0x63, 0x02][..]), "padding");
        assert_eq!(
            (&first[13..20], &second[13..20]),
            (&[0x81, 0x1f, 0, 0, 0, 0, 8][..], &[0x81, 0x1f, 0x64, 2, 0, 0, 8][..])
        );
        assert_eq!(
            (&first[20..28], &second[20..28]),
            (&[0x65, 2, 0, 0, 0x5a, 3, 0, 0][..], &[0x65, 2, 0, 0, 0x5a, 3, 0, 0][..])
        );
        assert_eq!((&first[28..], &second[28..30]), (&picture[..612], &[picture[612], 0][..]));
        assert_eq!(second.len(), PACKET);
    }

    #[test]
    fn laying_out_again_takes_the_same_memory() {
        let mut packets = Packets::default();
        packets.lay(Kind::Picture, &[1; 50_000]);
        let place = packets.bytes().as_ptr();
        for length in [50_000, 1, 256, 49_000] {
            packets.lay(Kind::Picture, &vec![2; length]);
            assert_eq!(packets.bytes().as_ptr(), place);
        }
    }
}
