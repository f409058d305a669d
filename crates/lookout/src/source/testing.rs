//! Pictures and files for the sources' tests, made when they run.

use bytes::Bytes;
use lookout_core::{
    media::{
        frame::{Range, Raw, RawFormat, Size},
        transform::{Change, Pipeline},
    },
    port::Wanted,
};

/// Makes the same picture for the same size each time.
pub(super) fn jpeg(size: Size) -> Bytes {
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| ((x * 3) ^ (y * 5)) as u8)).collect();
    let raw = Raw { format: RawFormat::Grey, range: Range::Full, size, pixels };
    Pipeline::new().unwrap().encode_raw(&raw, &Change::default(), 80).unwrap()
}

/// Wants VGA at a rate.
pub(super) fn wanted(fps: f32) -> Wanted {
    Wanted { size: Size::VGA, fps }
}

/// Writes a motion JPEG AVI.
pub(super) fn avi(fps: u32, pictures: &[&[u8]]) -> Vec<u8> {
    talkie(fps, None, &pictures.iter().map(|picture| (*b"00dc", picture.to_vec())).collect::<Vec<_>>())
}

/// Writes a motion JPEG AVI with sound of 16 bits of so many samples a second and channels, out of chunks: `00dc` is a
/// picture and `01wb` sound.
pub(super) fn talkie(fps: u32, sound: Option<(u32, u16)>, chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let chunk = |name: &[u8], content: &[u8]| {
        [name, &(content.len() as u32).to_le_bytes(), content, &[0][..content.len() % 2]].concat()
    };
    let mut stream = [0; 56];
    stream[..8].copy_from_slice(b"vidsMJPG");
    stream[20..24].copy_from_slice(&1u32.to_le_bytes());
    stream[24..28].copy_from_slice(&fps.to_le_bytes());
    let video = chunk(b"LIST", &[b"strl", &chunk(b"strh", &stream)[..]].concat());
    let audio = sound.map(|(rate, channels)| {
        let (rates, block) = ([rate, rate * u32::from(channels) * 2].map(u32::to_le_bytes).concat(), channels * 2);
        let halves = [block, 16].map(u16::to_le_bytes).concat();
        let format = [&1u16.to_le_bytes()[..], &channels.to_le_bytes(), &rates, &halves].concat();
        let heads = [chunk(b"strh", b"auds"), chunk(b"strf", &format)].concat();
        chunk(b"LIST", &[b"strl", &heads[..]].concat())
    });
    let streams = [video, audio.unwrap_or_default()].concat();
    let hdrl = chunk(b"LIST", &[b"hdrl", &chunk(b"avih", &[0; 56])[..], &streams].concat());
    let content: Vec<u8> = chunks.iter().flat_map(|(name, content)| chunk(name, content)).collect();
    let movi = chunk(b"LIST", &[b"movi", &content[..]].concat());
    chunk(b"RIFF", &[b"AVI ", &hdrl[..], &movi].concat())
}
