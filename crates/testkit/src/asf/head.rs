//! What stands before the first data packet.

use super::{Read, check, fields::Fields, same};

/// The longest header.
const LONGEST: u64 = 64 << 10;

const HEADER_OBJECT: &str = "75B22630-668E-11CF-A6D9-00AA0062CE6C";
const DATA_OBJECT: &str = "75B22636-668E-11CF-A6D9-00AA0062CE6C";
const FILE_PROPERTIES_OBJECT: &str = "8CABDCA1-A947-11CF-8EE4-00C00C205365";
const STREAM_PROPERTIES_OBJECT: &str = "B7DC0791-A9B7-11CF-8EE6-00C00C205365";
const HEADER_EXTENSION_OBJECT: &str = "5FBF03B5-A92E-11CF-8EE3-00C00C205365";
const RESERVED_1: &str = "ABD3D211-A9BA-11CF-8EE6-00C00C205365";
const AUDIO_MEDIA: &str = "F8699E40-5B4D-11CF-A8FD-00805F5C442B";
const VIDEO_MEDIA: &str = "BC19EFC0-5B4D-11CF-A8FD-00805F5C442B";
const NO_ERROR_CORRECTION: &str = "20FB5700-5B55-11CF-A8FD-00805F5C442B";
const AUDIO_SPREAD: &str = "BFC3CD50-618F-11CF-8BB2-00AA00B4E220";

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsfHead {
    /// Width and height of the pictures.
    pub size: (u32, u32),
    /// Whether there is a stream of sound.
    pub sound: bool,
    /// Bytes of each data packet.
    pub packet: usize,
    /// For how many milliseconds a player may gather before it shows anything: a part of that by which presentation
    /// comes after capture, which no header tells.
    pub preroll: u32,
    /// The highest number of bits a second.
    pub bitrate: u32,
}

impl AsfHead {
    /// Reads a header, which is not whole yet if there is none; and how many bytes it has, the Data Object's own included.
    pub(super) fn read(bytes: &[u8]) -> Read<Option<(Self, usize)>> {
        let Some(start) = bytes.get(..30) else { return Ok(None) };
        let mut fields = Fields::new(start);
        same("the header's GUID", fields.guid()?.as_str(), HEADER_OBJECT)?;
        let length = fields.u64()?;
        check((30..=LONGEST).contains(&length), "the header's length", length)?;
        let (count, length) = (fields.u32()?, length as usize);
        same("reserved 1 and 2", fields.u16()?, 0x0201)?;
        let Some(data) = bytes.get(length..length + 50) else { return Ok(None) };
        let mut head = Self { size: (0, 0), sound: false, packet: 0, preroll: 0, bitrate: 0 };
        let (mut rest, mut found, mut file) = (&bytes[30..length], Vec::new(), Vec::new());
        while !rest.is_empty() {
            let mut fields = Fields::new(rest);
            let (guid, length) = (fields.guid()?, fields.u64()?);
            check((24..=rest.len() as u64).contains(&length), "an object's length", length)?;
            let (object, behind) = rest.split_at(length as usize);
            let mut fields = Fields::new(&object[24..]);
            let name = match guid.as_str() {
                FILE_PROPERTIES_OBJECT => head.file(&mut fields, &mut file)?,
                HEADER_EXTENSION_OBJECT => extension(&mut fields)?,
                STREAM_PROPERTIES_OBJECT => head.stream(&mut fields)?,
                other => return Err(format!("an object that was not looked for: {other}")),
            };
            same("what is left of an object", fields.rest(), &[][..])?;
            found.push(name);
            rest = behind;
        }
        same("the number of header objects", count as usize, found.len())?;
        found.sort_unstable();
        let wanted = ["extension", "file", "picture", "sound"];
        same("the header objects", &found[..], &wanted[..if head.sound { 4 } else { 3 }])?;
        data_object(&mut Fields::new(data), &file)?;
        Ok(Some((head, length + 50)))
    }

    /// Reads the File Properties Object (section 3.2). In a broadcast, sizes, counts and durations mean nothing.
    fn file(&mut self, fields: &mut Fields<'_>, id: &mut Vec<u8>) -> Read<&'static str> {
        id.extend_from_slice(fields.bytes(16)?);
        for what in ["file size", "creation date", "data packets count", "play duration", "send duration"] {
            same(what, fields.u64()?, 0)?;
        }
        self.preroll = u32::try_from(fields.u64()?).map_err(|_| "a preroll of weeks")?;
        same("the flags: a broadcast, not seekable", fields.u32()?, 1)?;
        let packet = fields.u32()?;
        check((64..=64 << 10).contains(&packet), "the packets' size", packet)?;
        same("the maximum and the minimum size of packets", fields.u32()?, packet)?;
        self.packet = packet as usize;
        self.bitrate = fields.u32()?;
        check(self.bitrate > 0, "the maximum bitrate", self.bitrate)?;
        Ok("file")
    }

    /// Reads a Stream Properties Object (sections 3.3, 9.1 and 9.2).
    fn stream(&mut self, fields: &mut Fields<'_>) -> Read<&'static str> {
        let (media, correction) = (fields.guid()?, fields.guid()?);
        same("the time offset", fields.u64()?, 0)?;
        let (specific, spread) = (fields.u32()?, fields.u32()?);
        let (flags, reserved) = (fields.u16()?, fields.u32()?);
        same("the reserved field of a stream", reserved, 0)?;
        match media.as_str() {
            VIDEO_MEDIA => {
                same("number and flags of the stream of pictures", flags, 1)?;
                same("error correction of pictures", correction.as_str(), NO_ERROR_CORRECTION)?;
                same("length of what is specific to pictures", (specific, spread), (11 + 40, 0))?;
                self.video(fields)?;
                Ok("picture")
            }
            AUDIO_MEDIA => {
                same("number and flags of the stream of sound", flags, 2)?;
                same("error correction of sound", correction.as_str(), AUDIO_SPREAD)?;
                same("length of what is specific to sound", (specific, spread), (18 + 2, 8))?;
                audio(fields)?;
                self.sound = true;
                Ok("sound")
            }
            other => Err(format!("a stream that was not looked for: {other}")),
        }
    }

    fn video(&mut self, fields: &mut Fields<'_>) -> Read<()> {
        self.size = (fields.u32()?, fields.u32()?);
        check(self.size.0.min(self.size.1) > 0, "the pictures' size", self.size)?;
        same("reserved flags of pictures", fields.u8()?, 2)?;
        same("the format's size", fields.u16()?, 40)?;
        same("the size of BITMAPINFOHEADER", fields.u32()?, 40)?;
        same("its width and height", (fields.u32()?, fields.u32()?), self.size)?;
        same("planes and bits a pixel", (fields.u16()?, fields.u16()?), (1, 24))?;
        same("the compression", fields.bytes(4)?, b"MJPG")?;
        same("the image's size", fields.u32()?, self.size.0.saturating_mul(self.size.1).saturating_mul(3))?;
        same("pixels a metre and colours", fields.bytes(16)?, &[0; 16])
    }
}

/// Reads WAVEFORMATEX of IMA ADPCM as PROFILE 5.3 has it, and what spreads it over packets: nothing.
fn audio(fields: &mut Fields<'_>) -> Read<()> {
    same("the format tag", fields.u16()?, 0x11)?;
    same("channels", fields.u16()?, 1)?;
    same("samples a second", fields.u32()?, 8000)?;
    // 256 bytes are 505 samples.
    same("bytes a second", fields.u32()?, 4055)?;
    same("the block alignment", fields.u16()?, 256)?;
    same("bits a sample", fields.u16()?, 4)?;
    same("the size of what is specific to the codec", fields.u16()?, 2)?;
    same("samples a block", fields.u16()?, 505)?;
    same("the span", fields.u8()?, 1)?;
    same("the virtual packet and chunk", (fields.u16()?, fields.u16()?), (256, 256))?;
    same("silence", (fields.u16()?, fields.u8()?), (1, 0))
}

/// Reads the Header Extension Object (section 3.4), which is empty.
fn extension(fields: &mut Fields<'_>) -> Read<&'static str> {
    same("reserved field 1", fields.guid()?.as_str(), RESERVED_1)?;
    same("reserved field 2", fields.u16()?, 6)?;
    same("the header extension's size", fields.u32()?, 0)?;
    Ok("extension")
}

/// Reads the Data Object's own fields (section 5.1). Its size may be 0 in a broadcast; else it must be more than any
/// packets that come, and no overflow for readers that calculate in 64 bits with a sign.
fn data_object(fields: &mut Fields<'_>, file: &[u8]) -> Read<()> {
    same("the Data Object's GUID", fields.guid()?.as_str(), DATA_OBJECT)?;
    let size = fields.u64()?;
    check(size == 0 || (1 << 60..1 << 63).contains(&size), "the Data Object's size", size)?;
    same("the file's ID", fields.bytes(16)?, file)?;
    same("the number of packets", fields.u64()?, 0)?;
    same("the Data Object's reserved field", fields.u16()?, 0x0101)
}
