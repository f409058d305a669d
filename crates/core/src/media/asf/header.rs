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
const FILE_ID: u128 = 0x6c6f_6f6b_6f75_4074_8061_7366_6c69_7665;
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
