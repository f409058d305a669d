//! A reader of ASF broadcasts that forgives nothing.
//!
//! Written from Microsoft's "Advanced Systems Format (ASF) Specification", revision 01.20.06, and PROFILE 5.3, and of
//! purpose not from the muxer: what it shares with it are only the two documents. It reads as bytes arrive and returns
//! errors instead of panicking, so that anything may be fed to it.

mod fields;
mod head;

use std::fmt::Debug;

use fields::Fields;
pub use head::AsfHead;

/// The longest media object: the longest picture of the camera.
const LONGEST: u32 = 16 << 20;

/// What was read, or what is wrong.
type Read<T> = Result<T, String>;

/// Which stream a media object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsfKind {
    /// A picture, in stream 1.
    Picture,
    /// A block of sound, in stream 2.
    Sound,
}

/// A media object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsfObject {
    /// Its stream.
    pub kind: AsfKind,
    /// Its time of presentation in ms, the preroll included.
    pub presentation: u32,
    /// The times of sending of its first and its last packet, in ms.
    pub sent: (u32, u32),
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What was not read to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsfRest {
    /// Bytes of a header, or else of a packet.
    pub bytes: usize,
    /// Bytes of a picture in whole packets.
    pub picture: usize,
    /// Bytes of a block of sound in whole packets.
    pub sound: usize,
}

/// An incremental reader.
#[derive(Debug, Default)]
pub struct AsfReader {
    buffer: Vec<u8>,
    head: Option<AsfHead>,
    /// The last packet's time of sending.
    sent: u32,
    picture: Stream,
    sound: Stream,
}

/// What is known of a stream from its packets.
#[derive(Debug, Default)]
struct Stream {
    /// Begun media objects, and thus the next one's number.
    objects: u64,
    /// The last media object's time of presentation.
    presentation: u32,
    /// The size of the unfinished media object, and the object.
    begun: Option<(u32, AsfObject)>,
}

/// A packet's only payload.
struct Payload<'a> {
    kind: AsfKind,
    sent: u32,
    number: u8,
    offset: u32,
    size: u32,
    presentation: u32,
    bytes: &'a [u8],
    padding: usize,
}

impl AsfReader {
    /// Reads on, and returns the media objects that are whole now.
    ///
    /// # Errors
    /// What is wrong with the stream, in words. There is no reading on.
    pub fn feed(&mut self, bytes: &[u8]) -> Read<Vec<AsfObject>> {
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        let head = match &self.head {
            Some(head) => head.clone(),
            None => {
                let Some((head, length)) = AsfHead::read(&self.buffer)? else { return Ok(Vec::new()) };
                at = length;
                self.head.insert(head).clone()
            }
        };
        let buffer = std::mem::take(&mut self.buffer);
        let mut whole = Vec::new();
        while let Some(packet) = buffer.get(at..at + head.packet) {
            let said = |error| format!("{error}, in a packet that begins {}", hex(packet, 32));
            whole.extend(payload(packet, &head).and_then(|payload| self.take(&payload)).map_err(said)?);
            at += head.packet;
        }
        self.buffer = buffer[at..].to_vec();
        Ok(whole)
    }

    /// Returns what the header says, once it is whole.
    pub fn head(&self) -> Option<&AsfHead> {
        self.head.as_ref()
    }

    /// Tells where the stream is cut, if it ends here.
    pub fn rest(&self) -> AsfRest {
        let begun = |stream: &Stream| stream.begun.as_ref().map_or(0, |(_, object)| object.bytes.len());
        AsfRest { bytes: self.buffer.len(), picture: begun(&self.picture), sound: begun(&self.sound) }
    }

    /// Adds a payload to its media object, and returns that if it is whole.
    fn take(&mut self, payload: &Payload<'_>) -> Read<Option<AsfObject>> {
        check(payload.sent >= self.sent, "times of sending run back", (self.sent, payload.sent))?;
        self.sent = payload.sent;
        let stream = match payload.kind {
            AsfKind::Picture => &mut self.picture,
            AsfKind::Sound => &mut self.sound,
        };
        let (size, mut object) = match stream.begun.take() {
            Some(begun) => begun,
            None => {
                same("the media object's number", payload.number, stream.objects as u8)?;
                stream.objects += 1;
                let (last, next) = (stream.presentation, payload.presentation);
                check(next >= last, "times of presentation run back", (last, next))?;
                stream.presentation = next;
                let (kind, sent) = (payload.kind, (payload.sent, payload.sent));
                (payload.size, AsfObject { kind, presentation: next, sent, bytes: Vec::new() })
            }
        };
        same("the media object's number", payload.number, (stream.objects as u8).wrapping_sub(1))?;
        same("the media object's size", payload.size, size)?;
        same("the time of presentation", payload.presentation, object.presentation)?;
        same("the offset into the media object", payload.offset as usize, object.bytes.len())?;
        object.bytes.extend_from_slice(payload.bytes);
        object.sent.1 = payload.sent;
        let missing = (size as usize).checked_sub(object.bytes.len()).ok_or("a payload beyond its object's size")?;
        if missing == 0 {
            return Ok(Some(object));
        }
        same("the padding before an object's last packet", payload.padding, 0)?;
        stream.begun = Some((size, object));
        Ok(None)
    }
}

/// Reads a data packet of one payload (sections 5.2.1 to 5.2.3.1).
fn payload<'a>(packet: &'a [u8], head: &AsfHead) -> Read<Payload<'a>> {
    let mut fields = Fields::new(packet);
    // Present, a length type of 00, no opaque data, a length of 2; the cycle and all else of it are 0.
    same("the error correction", fields.bytes(3)?, &[0b1000_0010, 0, 0][..])?;
    let lengths = fields.u8()?;
    check(lengths & 0b1000_0001 == 0, "error correction or several payloads in the length type flags", lengths)?;
    same("the sequence type", (lengths >> 1) & 3, 0)?;
    // Replicated data length, media object number and stream number of 8 bits, an offset of 32.
    same("the property flags", fields.u8()?, 0b01_01_11_01)?;
    let length = fields.sized(lengths >> 5)?;
    check(length.is_none_or(|length| length as usize == packet.len()), "a packet length", length)?;
    let padding = fields.sized(lengths >> 3)?.unwrap_or(0) as usize;
    let sent = fields.u32()?;
    same("the duration", fields.u16()?, 0)?;
    let kind = match fields.u8()? {
        0x81 => AsfKind::Picture,
        0x82 if head.sound => AsfKind::Sound,
        other => return Err(format!("no stream of the header, or no key frame: {other:#x}")),
    };
    let (number, offset) = (fields.u8()?, fields.u32()?);
    same("the length of replicated data", fields.u8()?, 8)?;
    let (size, presentation) = (fields.u32()?, fields.u32()?);
    check((1..=LONGEST).contains(&size), "a media object's size", size)?;
    if kind == AsfKind::Sound {
        same("the size of a block of sound", size, 256)?;
    }
    let rest = fields.rest();
    let bytes = rest.len().checked_sub(padding).filter(|&bytes| bytes > 0).ok_or("a padding longer than its packet")?;
    let (bytes, zeros) = rest.split_at(bytes);
    check(zeros.iter().all(|&byte| byte == 0), "padding that is not zero", padding)?;
    Ok(Payload { kind, sent, number, offset, size, presentation, bytes, padding })
}

fn check(so: bool, what: &str, found: impl Debug) -> Read<()> {
    if so { Ok(()) } else { Err(format!("{what}: {found:?}")) }
}

fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Read<()> {
    if found == wanted { Ok(()) } else { Err(format!("{what} is {found:?}, not {wanted:?}")) }
}

fn hex(bytes: &[u8], most: usize) -> String {
    bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect()
}
