//! The header of a broadcast, which says what the streams are, and no length.

use super::{Kind, PACKET, PREROLL};
use crate::media::{adpcm, frame::Size, sound};

/// What a stream holds, for its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// Width and height of the pictures.
    pub size: Size,
    /// Whether there is sound.
    pub sound: bool,
}

/// The number of this file: of no meaning in a broadcast, but the same in both places.
const FILE_ID: u128 = 0x087e8ad4_bbdb_4826_a8b2_34b35e492afe;
/// The flag of what has no end yet, and in which nobody can seek.
const BROADCAST: u32 = 1;
/// The size of the Data Object, which nobody knows. The specification lets it be 0, which VLC takes for damage; so it is
/// more than will ever come, and yet can be added to in 64 bits with a sign.
const ENDLESS: u64 = 1 << 62;

const HEADER: u128 = 0x75b22630_668e_11cf_a6d9_00aa0062ce6c;
const FILE_PROPERTIES: u128 = 0x8cabdca1_a947_11cf_8ee4_00c00c205365;
const HEADER_EXTENSION: u128 = 0x5fbf03b5_a92e_11cf_8ee3_00c00c205365;
const RESERVED_1: u128 = 0xabd3d211_a9ba_11cf_8ee6_00c00c205365;
const STREAM_PROPERTIES: u128 = 0xb7dc0791_a9b7_11cf_8ee6_00c00c205365;
const VIDEO_MEDIA: u128 = 0xbc19efc0_5b4d_11cf_a8fd_00805f5c442b;
const AUDIO_MEDIA: u128 = 0xf8699e40_5b4d_11cf_a8fd_00805f5c442b;
const NO_ERROR_CORRECTION: u128 = 0x20fb5700_5b55_11cf_a8fd_00805f5c442b;
const AUDIO_SPREAD: u128 = 0xbfc3cd50_618f_11cf_8bb2_00aa00b4e220;
const DATA: u128 = 0x75b22636_668e_11cf_a6d9_00aa0062ce6c;

/// Writes everything that goes before the first data packet.
pub fn header(streams: Streams) -> Vec<u8> {
    let mut objects = vec![file_properties(streams), header_extension(), pictures(streams.size)];
    if streams.sound {
        objects.push(adpcm_sound());
    }
    let mut body = Vec::new();
    put(&mut body, &[&(objects.len() as u32).to_le_bytes(), &[1, 2]]);
    objects.iter().for_each(|object| body.extend_from_slice(object));
    let mut bytes = object(HEADER, &body);
    // The Data Object's own fields; the number of its packets means nothing in a broadcast. The packets follow.
    put(&mut bytes, &[&guid(DATA), &ENDLESS.to_le_bytes(), &guid(FILE_ID), &[0; 8], &[1, 1]]);
    bytes
}

fn file_properties(streams: Streams) -> Vec<u8> {
    let mut body = Vec::new();
    // File size, creation date, data packets, play duration and send duration mean nothing in a broadcast.
    put(&mut body, &[&guid(FILE_ID), &[0; 5 * 8], &u64::from(PREROLL).to_le_bytes(), &BROADCAST.to_le_bytes()]);
    let packet = (PACKET as u32).to_le_bytes();
    put(&mut body, &[&packet, &packet, &bitrate(streams.size).to_le_bytes()]);
    object(FILE_PROPERTIES, &body)
}

/// Estimates the highest bits a second: half a byte a pixel, thirty times a second. It must be given, but cannot be known.
fn bitrate(size: Size) -> u32 {
    size.width.saturating_mul(size.height).saturating_mul(30 * 4)
}

fn header_extension() -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, &[&guid(RESERVED_1), &6_u16.to_le_bytes(), &0_u32.to_le_bytes()]);
    object(HEADER_EXTENSION, &body)
}

fn pictures(size: Size) -> Vec<u8> {
    let (width, height) = (size.width.to_le_bytes(), size.height.to_le_bytes());
    let mut media = Vec::new();
    put(&mut media, &[&width, &height, &[2], &40_u16.to_le_bytes()]);
    // BITMAPINFOHEADER: one plane of 24 bits a pixel.
    put(&mut media, &[&40_u32.to_le_bytes(), &width, &height, &[1, 0, 24, 0], b"MJPG"]);
    let bytes = size.width.saturating_mul(size.height).saturating_mul(3);
    put(&mut media, &[&bytes.to_le_bytes(), &[0; 4 * 4]]);
    stream(Kind::Picture, [VIDEO_MEDIA, NO_ERROR_CORRECTION], &media, &[])
}

fn adpcm_sound() -> Vec<u8> {
    let (length, block) = ((adpcm::LENGTH as u16).to_le_bytes(), (sound::BLOCK as u16).to_le_bytes());
    let rate = sound::RATE * adpcm::LENGTH as u32 / sound::BLOCK as u32;
    let mut media = Vec::new();
    // WAVEFORMATEX of IMA ADPCM: one channel, 4 bits a sample, and 2 bytes more, the samples of a block.
    put(
        &mut media,
        &[&[0x11, 0, 1, 0], &sound::RATE.to_le_bytes(), &rate.to_le_bytes(), &length, &[4, 0, 2, 0], &block],
    );
    // A span of 1: blocks are in their order, each whole in its place. Silence is one byte.
    let mut spread = Vec::new();
    put(&mut spread, &[&[1], &length, &length, &[1, 0], &[0]]);
    stream(Kind::Sound, [AUDIO_MEDIA, AUDIO_SPREAD], &media, &spread)
}

/// Writes a Stream Properties Object; its types are those of the stream and of its error correction.
fn stream(kind: Kind, types: [u128; 2], media: &[u8], correction: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    // Times are not offset.
    put(&mut body, &[&guid(types[0]), &guid(types[1]), &[0; 8]]);
    put(&mut body, &[&(media.len() as u32).to_le_bytes(), &(correction.len() as u32).to_le_bytes()]);
    put(&mut body, &[&[kind.stream(), 0], &[0; 4], media, correction]);
    object(STREAM_PROPERTIES, &body)
}

/// Writes an object: its GUID, its size, what is in it.
fn object(id: u128, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, &[&guid(id), &(body.len() as u64 + 24).to_le_bytes(), body]);
    bytes
}

fn put(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

/// Returns a GUID as it is stored: its first three groups with the lowest byte first.
fn guid(id: u128) -> [u8; 16] {
    let mut bytes = id.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the bytes of hexadecimal digits, in which blanks and what stands behind a `|` are for the reader.
    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.lines().filter_map(|line| line.split('|').next()).collect();
        let digits: Vec<_> = digits.chars().filter(|digit| !digit.is_whitespace()).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn a_header_is_as_the_specification_has_it() {
        let file = hex("d48a7e08dbbb2648a8b234b35e492afe | file ID");
        let before = hex("
            3026b2758e66cf11a6d900aa0062ce6c | 3: Header Object
            9f01000000000000                 | object size: 30 + 104 + 46 + 129 + 106 = 415
            04000000 01 02                   | header objects, reserved 1 and 2
            a1dcab8c47a9cf118ee400c00c205365 | 3.2: File Properties Object
            6800000000000000                 | object size: 104
        ");
        let behind = hex("
            0000000000000000 0000000000000000 | file size, creation date
            0000000000000000 0000000000000000 | data packets count, play duration
            0000000000000000                  | send duration
            3200000000000000 01000000         | preroll: 50 ms; a broadcast
            80020000 80020000 00803202        | minimum and maximum packet size: 640; maximum bitrate: 36,864,000
            b503bf5f2ea9cf118ee300c00c205365  | 3.4: Header Extension Object
            2e00000000000000                  | object size: 46
            11d2d3abbaa9cf118ee600c00c205365 0600 00000000 | reserved 1 and 2, size
            9107dcb7b7a9cf118ee600c00c205365  | 3.3: Stream Properties Object
            8100000000000000                  | object size: 78 + 51 = 129
            c0ef19bc4d5bcf11a8fd00805f5c442b  | video
            0057fb20555bcf11a8fd00805f5c442b  | no error correction
            0000000000000000                  | time offset
            33000000 00000000 0100 00000000   | 11 + 40 bytes of type, none of correction, stream 1, reserved
            80020000 e0010000 02 2800         | 9.2: 640 x 480, reserved, format
            28000000 80020000 e0010000 0100 1800 4d4a5047 | 40 bytes, width, height, 1 plane, 24 bits, MJPG
            00100e00 00000000 00000000 00000000 00000000  | image size: 921,600
            9107dcb7b7a9cf118ee600c00c205365  | 3.3: Stream Properties Object
            6a00000000000000                  | object size: 78 + 20 + 8 = 106
            409e69f84d5bcf11a8fd00805f5c442b  | audio
            50cdc3bf8f61cf118bb200aa00b4e220  | audio spread
            0000000000000000                  | time offset
            14000000 08000000 0200 00000000   | bytes of type and of correction, stream 2, reserved
            1100 0100 401f0000 d70f0000 0001 0400 0200 f901 | 9.1: ADPCM, mono, 8000 Hz, 4055 bytes/s, 256, 4 bit, 505
            01 0001 0001 0100 00              | span 1, virtual packet and chunk of 256, silence of 1 byte
            3626b2758e66cf11a6d900aa0062ce6c  | 5.1: Data Object
            0000000000000040                  | object size
        ");
        let end = hex("0000000000000000 0101 | total data packets, reserved");
        let streams = Streams { size: Size::VGA, sound: true };
        assert_eq!(header(streams), [before, file.clone(), behind, file, end].concat());
    }

    #[test]
    fn without_sound_there_is_no_stream_of_it() {
        let size = Size { width: 320, height: 240 };
        let (with, without) = (header(Streams { size, sound: true }), header(Streams { size, sound: false }));
        assert_eq!((without[24], without.len()), (3, with.len() - 106));
        assert_eq!(with[30..309], without[30..309]);
        assert_eq!(with[415..], without[309..]);
    }
}
