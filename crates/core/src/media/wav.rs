//! WAV without an end: a header that tells no length, then samples of one channel, 8000 a second.
//!
//! Source: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), and the format tags of
//! RFC 2361.

use super::{g711, sound::RATE};

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// 16 bits, signed, little-endian.
    Pcm,
    /// 8 bits, the mu-law of ITU-T G.711.
    Ulaw,
}

/// What stands where a length is not known: players read on to the end.
const ENDLESS: [u8; 4] = [0xff; 4];

impl Codec {
    /// Writes what goes before the first sample.
    pub fn header(self) -> Vec<u8> {
        let (tag, bytes) = match self {
            Self::Pcm => (1_u16, 2_u16),
            Self::Ulaw => (7, 1),
        };
        let format = [
            &tag.to_le_bytes()[..],
            // Channels, samples a second, bytes a second, bytes a sample, bits a sample.
            &1_u16.to_le_bytes(),
            &RATE.to_le_bytes(),
            &(RATE * u32::from(bytes)).to_le_bytes(),
            &bytes.to_le_bytes(),
            &(bytes * 8).to_le_bytes(),
        ];
        let more: &[&[u8]] = match self {
            Self::Pcm => &[],
            // Of what is not PCM: no further bytes of format, and a count of samples, which is not known either.
            Self::Ulaw => &[&[0; 2], b"fact", &[4, 0, 0, 0], &ENDLESS],
        };
        let length: u32 = if self == Self::Pcm { 16 } else { 18 };
        let before = [&b"RIFF"[..], &ENDLESS, b"WAVEfmt ", &length.to_le_bytes()];
        [before.concat(), format.concat(), more.concat(), [&b"data"[..], &ENDLESS].concat()].concat()
    }

    /// Writes samples behind what is there.
    pub fn encode(self, samples: &[i16], out: &mut Vec<u8>) {
        match self {
            Self::Pcm => out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            Self::Ulaw => out.extend(g711::encode(samples)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(codec: Codec, samples: &[i16]) -> Vec<u8> {
        let mut bytes = codec.header();
        codec.encode(samples, &mut bytes);
        bytes
    }

    #[test]
    fn pcm_is_an_endless_wav_of_16_bits() {
        let wanted = [
            &b"RIFF\xff\xff\xff\xffWAVE"[..],
            // 16 bytes; format 1, one channel, 8000 samples and 16,000 bytes a second, 2 bytes and 16 bits a sample.
            b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0",
            b"data\xff\xff\xff\xff",
            b"\0\0\x01\0\xff\xff\x34\x12\xff\x7f\0\x80",
        ];
        assert_eq!(begin(Codec::Pcm, &[0, 1, -1, 0x1234, i16::MAX, i16::MIN]), wanted.concat());
    }

    #[test]
    fn mu_law_is_an_endless_wav_of_8_bits() {
        let wanted = [
            &b"RIFF\xff\xff\xff\xffWAVE"[..],
            // 18 bytes; format 7, one channel, 8000 samples and bytes a second, 1 byte and 8 bits a sample, nothing more.
            b"fmt \x12\0\0\0\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0\0\0",
            b"fact\x04\0\0\0\xff\xff\xff\xff",
            b"data\xff\xff\xff\xff",
            // G.711, table 2a: nothing, the loudest, and one between of either sign.
            b"\xff\x80\0\xce\x4e",
        ];
        assert_eq!(begin(Codec::Ulaw, &[0, i16::MAX, i16::MIN, 1000, -1000]), wanted.concat());
    }
}
