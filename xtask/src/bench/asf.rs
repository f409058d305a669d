//! ASF as a viewer of `videostream.asf` reads it: the header, then data packets of one size without end. Every packet is
//! taken apart: its place and its times, each object's number, length and the order of its pieces, the JPEG's first and
//! last bytes, the head of each block of sound and its distance from the one before. Only what lies inside a picture is
//! not looked at.
//!
//! It knows ASF from Microsoft's specification, not from the daemon's muxer. The testkit's reader knows it better, but puts
//! every object together, by two copies of each byte: a thousand viewers would keep the load generator busy with that, and
//! it would be what limits them, not the server. This one looks at bytes where they lie.

use anyhow::{Context, Result, bail, ensure};
use lookout_core::media::{
    adpcm,
    sound::{BLOCK, RATE},
};

use super::{
    stamp::Stamp,
    stream::{Cut, Part},
};

/// Cuts a stream into media objects.
#[derive(Debug, Default)]
pub struct Objects {
    /// The header, or a packet, of which not all is there.
    held: Vec<u8>,
    /// What the header says; none before it is read.
    layout: Option<Layout>,
    /// When the last packet was sent.
    sent_ms: u32,
}

#[derive(Debug)]
struct Layout {
    packet: usize,
    streams: Vec<Stream>,
}

/// One stream of the file.
#[derive(Debug)]
struct Stream {
    number: u8,
    kind: Kind,
    /// The object that is being read, or was last.
    object: Object,
    started: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Picture,
    Sound,
}

#[derive(Debug, Default)]
struct Object {
    number: u32,
    length: usize,
    presented_ms: u32,
    /// How much of it is there.
    have: usize,
    /// Its first bytes.
    head: Vec<u8>,
    /// Its last two bytes.
    tail: [u8; 2],
}

/// A payload, with what its packet says of it.
struct Payload<'a> {
    stream: u8,
    number: u32,
    /// The largest number that the packet's layout can say.
    most: u32,
    offset: usize,
    length: usize,
    presented_ms: u32,
    data: &'a [u8],
}

/// A good part of a picture: a call costs more than a copy.
const PIECE: usize = 64 * 1024;
/// GUID and length of an object.
const OBJECT: usize = 24;
/// The head of the data object: GUID, length, file, packets, reserved.
const DATA_HEAD: usize = 50;
const LONGEST_HEADER: usize = 16 * 1024;
const BLOCK_MS: f64 = BLOCK as f64 * 1000.0 / RATE as f64;

const HEADER: &[u8] = b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C";
const DATA: &[u8] = b"\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C";
const FILE: &[u8] = b"\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65";
const STREAM: &[u8] = b"\x91\x07\xDC\xB7\xB7\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65";
const AUDIO: &[u8] = b"\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";
const VIDEO: &[u8] = b"\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";

impl Cut for Objects {
    fn piece(&self) -> usize {
        PIECE
    }

    fn push(&mut self, mut bytes: &[u8], whole: &mut dyn FnMut(Part)) -> Result<()> {
        if self.layout.is_none() {
            self.held.extend_from_slice(bytes);
            let Some(end) = header_length(&self.held)? else { return Ok(()) };
            self.layout = Some(Layout::read(&self.held[..end])?);
            let rest = self.held.split_off(end);
            self.held.clear();
            return self.push(&rest, whole);
        }
        let layout = self.layout.as_mut().context("it was just there")?;
        if !self.held.is_empty() {
            let (missing, rest) = bytes.split_at(bytes.len().min(layout.packet - self.held.len()));
            self.held.extend_from_slice(missing);
            bytes = rest;
            if self.held.len() < layout.packet {
                return Ok(());
            }
            layout.take(&self.held, &mut self.sent_ms, whole)?;
            self.held.clear();
        }
        let packets = bytes.chunks_exact(layout.packet);
        self.held.extend_from_slice(packets.remainder());
        for packet in packets {
            layout.take(packet, &mut self.sent_ms, whole)?;
        }
        Ok(())
    }
}

/// Returns the length of everything before the first data packet, once so much is there.
fn header_length(bytes: &[u8]) -> Result<Option<usize>> {
    if bytes.len() < OBJECT {
        return Ok(None);
    }
    ensure!(bytes.starts_with(HEADER), "not the header of ASF: {:x?}", &bytes[..16]);
    let end = Fields(&bytes[16..]).long()? as usize + DATA_HEAD;
    ensure!(end <= LONGEST_HEADER, "a header of {end} bytes");
    Ok((bytes.len() >= end).then_some(end))
}

impl Layout {
    fn read(header: &[u8]) -> Result<Self> {
        let (header, data) = header.split_at(header.len() - DATA_HEAD);
        ensure!(data.starts_with(DATA), "no data behind the header");
        let mut layout = Self { packet: 0, streams: Vec::new() };
        // GUID, length, how many objects, two reserved bytes.
        let mut rest = header.get(OBJECT + 6..).context("a header without objects")?;
        while !rest.is_empty() {
            let length = Fields(rest.get(16..).unwrap_or_default()).long()? as usize;
            ensure!(length >= OBJECT && length <= rest.len(), "an object of {length} bytes in the header");
            let (object, behind) = rest.split_at(length);
            let at = |from| Fields(object.get(from..).unwrap_or_default());
            if object.starts_with(FILE) {
                let mut fields = at(88);
                let (flags, least, most) = (fields.number(3)?, fields.number(3)?, fields.number(3)?);
                ensure!(flags & 1 == 1, "not a broadcast: flags {flags:x}");
                ensure!(least == most && most > 32, "packets of {least} to {most} bytes");
                layout.packet = most as usize;
            } else if object.starts_with(STREAM) {
                let kind = match at(OBJECT).take(16)? {
                    VIDEO => Kind::Picture,
                    AUDIO => Kind::Sound,
                    other => bail!("a stream of what? {other:x?}"),
                };
                let number = (at(72).number(2)? & 0x7F) as u8;
                layout.streams.push(Stream { number, kind, object: Object::default(), started: false });
            }
            rest = behind;
        }
        ensure!(layout.packet > 0, "a header that says nothing of packets");
        ensure!(layout.streams.iter().any(|stream| stream.kind == Kind::Picture), "a header without pictures");
        Ok(layout)
    }

    /// Takes one data packet.
    fn take(&mut self, packet: &[u8], sent_ms: &mut u32, whole: &mut dyn FnMut(Part)) -> Result<()> {
        let (payload, sent) = open(packet)?;
        ensure!(sent >= *sent_ms, "sent at {sent} ms, after {sent_ms} ms");
        *sent_ms = sent;
        let stream = self.streams.iter_mut().find(|stream| stream.number == payload.stream);
        let stream = stream.with_context(|| format!("no stream {} in the header", payload.stream))?;
        if let Some(part) = stream.take(&payload)? {
            whole(part);
        }
        Ok(())
    }
}

/// Takes a packet apart and returns its payload, and when it was sent.
fn open(packet: &[u8]) -> Result<(Payload<'_>, u32)> {
    let mut fields = Fields(packet);
    let mut flags = fields.byte()?;
    if flags & 0x80 != 0 {
        ensure!(flags == 0x82, "error correction {flags:x}");
        fields.take(2)?;
        flags = fields.byte()?;
    }
    ensure!(flags & 1 == 0, "several payloads in a packet");
    let lengths = fields.byte()?;
    ensure!(lengths >> 6 == 1, "a stream number that is no byte");
    let length = fields.number(flags >> 5)?;
    ensure!(flags >> 5 & 3 == 0 || length as usize == packet.len(), "a packet that says it has {length} bytes");
    fields.number(flags >> 1)?;
    let padding = fields.number(flags >> 3)? as usize;
    let sent = fields.number(3)?;
    fields.take(2)?;
    let stream = fields.byte()? & 0x7F;
    let number = fields.number(lengths >> 4)?;
    let most = [0, 0xFF, 0xFFFF, u32::MAX][usize::from(lengths >> 4 & 3)];
    let offset = fields.number(lengths >> 2)? as usize;
    let replicated = fields.number(lengths)? as usize;
    ensure!(replicated >= 8, "a payload with {replicated} bytes of replicated data");
    let mut told = Fields(fields.take(replicated)?);
    let (length, presented_ms) = (told.number(3)? as usize, told.number(3)?);
    let data = fields.0.len().checked_sub(padding).context("more padding than packet")?;
    let data = fields.take(data)?;
    Ok((Payload { stream, number, most, offset, length, presented_ms, data }, sent))
}

impl Stream {
    /// Adds a payload to the object that it belongs to, and returns the object's part once it is whole.
    fn take(&mut self, payload: &Payload<'_>) -> Result<Option<Part>> {
        let (kind, number) = (self.kind, payload.number);
        let object = &mut self.object;
        let before = self.started.then_some(object.presented_ms);
        if payload.offset == 0 {
            ensure!(
                object.have == object.length,
                "{kind:?} {} ends at {} of {}",
                object.number,
                object.have,
                object.length
            );
            let next = if !self.started || object.number == payload.most { 0 } else { object.number + 1 };
            ensure!(number == next, "{kind:?} {number} where {next} was due");
            ensure!(before.is_none_or(|before| payload.presented_ms >= before), "{kind:?} {number} runs back");
            self.started = true;
            object.head.clear();
            (object.number, object.length, object.have) = (number, payload.length, 0);
            object.presented_ms = payload.presented_ms;
        }
        let same =
            (number, payload.length, payload.presented_ms) == (object.number, object.length, object.presented_ms);
        ensure!(
            same && payload.offset == object.have,
            "a piece at {} of {kind:?} {number} is out of place",
            payload.offset
        );
        let missing = Stamp::WITHIN.saturating_sub(object.head.len());
        object.head.extend_from_slice(&payload.data[..missing.min(payload.data.len())]);
        if let [.., first, second] = *payload.data {
            object.tail = [first, second];
        } else if let [only] = *payload.data {
            object.tail = [object.tail[1], only];
        }
        object.have += payload.data.len();
        ensure!(object.have <= object.length, "{kind:?} {number} is longer than it says");
        if object.have < object.length {
            return Ok(None);
        }
        match kind {
            Kind::Picture => object.picture(),
            Kind::Sound => object.sound(before),
        }
        .map(Some)
    }
}

impl Object {
    fn picture(&self) -> Result<Part> {
        ensure!(self.head.starts_with(&[0xFF, 0xD8]), "picture {} does not begin as a JPEG", self.number);
        ensure!(self.tail == [0xFF, 0xD9], "picture {} does not end as a JPEG: {:x?}", self.number, self.tail);
        Ok(Part::Picture { length: self.length, stamp: Stamp::find(&self.head) })
    }

    /// `before` is when the block before was to be heard.
    fn sound(&self, before: Option<u32>) -> Result<Part> {
        ensure!(self.length == adpcm::LENGTH, "a block of {} bytes", self.length);
        let &[_, _, step, reserved, ..] = self.head.as_slice() else { bail!("a block without head") };
        ensure!(step <= 88 && reserved == 0, "a block that begins with step {step}, {reserved}");
        let blocks = before.map_or(1.0, |before| f64::from(self.presented_ms - before) / BLOCK_MS);
        let whole = blocks.round();
        // Times are whole milliseconds.
        ensure!(whole >= 1.0 && (blocks - whole).abs() < 0.05, "block {} is {blocks} behind the last", self.number);
        Ok(Part::Sound { missed: whole as u64 - 1 })
    }
}

/// Little-endian numbers, one behind the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("it ends too soon")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Reads a number whose length the lowest two bits of `length` say: none, 1, 2 or 4 bytes.
    fn number(&mut self, length: u8) -> Result<u32> {
        let bytes = self.take([0, 1, 2, 4][usize::from(length & 3)])?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    fn long(&mut self) -> Result<u64> {
        Ok(u64::from(self.number(3)?) | u64::from(self.number(3)?) << 32)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use lookout_core::media::{
        asf::{self, Muxer, PACKET, Packets, Streams},
        frame::Size,
    };

    use super::*;

    /// A stream of pictures of two packets with sound between them, every 100 ms, as the daemon writes it; and where the
    /// first packet begins.
    fn stream() -> (Vec<u8>, usize) {
        let begin = Instant::now();
        let mut bytes = asf::header(Streams { size: Size::VGA, sound: true });
        let header = bytes.len();
        let (mut muxer, mut packets) = (Muxer::new(begin), Packets::default());
        let mut write = |kind, object: &[u8], at: Duration| {
            packets.lay(kind, object);
            muxer.stamp(&mut packets, begin + at, begin + at).unwrap();
            bytes.extend_from_slice(packets.bytes());
        };
        for seq in 1..4 {
            let mut jpeg = vec![0xFF, 0xD8];
            jpeg.extend(Stamp { seq, at_ns: 1 }.segment());
            jpeg.resize(900, 7);
            jpeg.extend([0xFF, 0xD9]);
            write(asf::Kind::Picture, &jpeg, Duration::from_millis(100 * seq));
            let sound = adpcm::encode(&[100; BLOCK]);
            write(asf::Kind::Sound, &sound, Duration::from_micros(63_125 * seq));
        }
        (bytes, header)
    }

    fn read(bytes: &[u8], piece: usize) -> Result<Vec<Part>> {
        let (mut objects, mut found) = (Objects::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            objects.push(piece, &mut |part| found.push(part))?;
        }
        Ok(found)
    }

    #[test]
    fn objects_are_the_same_in_whatever_pieces_they_arrive() {
        let (bytes, header) = stream();
        assert_eq!(bytes.len(), header + 3 * 3 * PACKET);
        let picture = |seq| Part::Picture { length: 902, stamp: Some(Stamp { seq, at_ns: 1 }) };
        let sound = Part::Sound { missed: 0 };
        for piece in [1, 7, 639, 640, 641, 10_000] {
            let expected = [picture(1), sound, picture(2), sound, picture(3), sound];
            assert_eq!(read(&bytes, piece).unwrap(), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn a_packet_that_is_lost_doubled_or_moved_is_found_out() {
        let (bytes, header) = stream();
        let packet = |at: usize| header + at * PACKET..header + (at + 1) * PACKET;
        // The last of each stream show only when another comes.
        for at in 0..7 {
            let mut lost = bytes.clone();
            lost.drain(packet(at));
            assert!(read(&lost, 1000).is_err(), "{at}");
        }
        for at in 0..9 {
            let mut doubled = bytes.clone();
            doubled.splice(packet(at).start..packet(at).start, bytes[packet(at)].iter().copied());
            assert!(read(&doubled, 1000).is_err(), "{at}");
        }
        let mut moved = bytes.clone();
        moved[packet(0)].copy_from_slice(&bytes[packet(1)]);
        moved[packet(1)].copy_from_slice(&bytes[packet(0)]);
        assert!(read(&moved, 1000).unwrap_err().to_string().contains("out of place"));
    }

    #[test]
    fn sound_that_the_daemon_left_out_is_missed() {
        let (bytes, header) = stream();
        let mut late = bytes.clone();
        // The last block, a block later.
        let at = header + 8 * PACKET + 24;
        let told = u32::from_le_bytes([late[at], late[at + 1], late[at + 2], late[at + 3]]);
        late[at..at + 4].copy_from_slice(&(told + 63).to_le_bytes());
        assert_eq!(read(&late, 1000).unwrap().last(), Some(&Part::Sound { missed: 1 }));
        late[at..at + 4].copy_from_slice(&(told + 20).to_le_bytes());
        assert!(read(&late, 1000).unwrap_err().to_string().contains("behind the last"));
    }

    #[test]
    fn every_byte_of_a_packets_head_counts() {
        let (bytes, header) = stream();
        // Of the sixth packet, the second of sound. Not looked at: the error correction's data, a time of sending that
        // lies between those before and behind, the duration.
        let mut harmless = Vec::new();
        for at in 0..28 {
            let mut broken = bytes.clone();
            broken[header + 5 * PACKET + at] ^= 0x20;
            if read(&broken, 1000).is_ok() {
                harmless.push(at);
            }
        }
        assert_eq!(harmless, [1, 2, 7, 11, 12]);
    }

    #[test]
    fn cut_pictures_and_broken_sound_are_found_out() {
        let (bytes, header) = stream();
        let broken = |at: usize| {
            let mut broken = bytes.clone();
            broken[at] ^= 0xFF;
            read(&broken, 1000).unwrap_err().to_string()
        };
        assert!(broken(header + 28).contains("does not begin as a JPEG"));
        assert!(broken(header + PACKET + 28 + 902 - 612 - 1).contains("does not end as a JPEG"));
        assert!(broken(header + 2 * PACKET + 30).contains("begins with step"));
        assert!(broken(0).contains("not the header"));
        assert!(broken(header - 50).contains("no data"));
        assert!(read(&bytes[..header - 1], 1000).unwrap().is_empty());
    }
}
