//! The sound of an AVI file: what its format says, and how its bytes become samples.
//!
//! Sources: `WAVEFORMATEX` and `WAVEFORMATEXTENSIBLE` of Microsoft's "mmreg.h"; ITU-T G.711; the IMA's ADPCM in Microsoft's
//! blocks.

use audio_codec_algorithms::{decode_adpcm_ima_ms, decode_alaw, decode_ulaw};

use crate::media::sound::{self, CHANNELS, RATES};

/// Format tags.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const EXTENSIBLE: u16 = 0xfffe;

/// How samples are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    /// So many bytes each, little-endian: one is without sign, more are with it.
    Pcm(usize),
    /// 32 bits, full scale is 1.
    Float,
    MuLaw,
    ALaw,
    ImaAdpcm,
}

/// Decodes what a stream's format announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoder {
    coding: Coding,
    /// Samples a second and channel.
    pub(super) rate: u32,
    /// How many channels are interleaved.
    pub(super) channels: u16,
    /// How many bytes are decoded together.
    pub(super) block: usize,
}

impl Decoder {
    /// Reads a format.
    ///
    /// # Errors
    /// Says what cannot be played.
    pub(super) fn parse(format: &[u8]) -> Result<Self, String> {
        let half = |at: usize| {
            format.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |half| u16::from_le_bytes(*half))
        };
        let tag = if half(0) == EXTENSIBLE { half(24) } else { half(0) };
        let (channels, rate, align, bits) = (half(2), super::word(format, 4), half(12), half(14));
        let whole = matches!(bits, 8 | 16 | 24 | 32);
        let coding = match tag {
            PCM if whole => Coding::Pcm(usize::from(bits / 8)),
            FLOAT if bits == 32 => Coding::Float,
            MU_LAW => Coding::MuLaw,
            A_LAW => Coding::ALaw,
            // Two channels come in groups of eight bytes.
            IMA_ADPCM if (channels == 1 && align >= 4) || (channels == 2 && align >= 8 && align % 8 == 0) => {
                Coding::ImaAdpcm
            }
            _ => return Err(format!("format {tag:#06x}, {bits} bits")),
        };
        if !RATES.contains(&rate) || !CHANNELS.contains(&channels) {
            return Err(sound::rate_and_channels(rate, channels));
        }
        let frame = |bytes: usize| usize::from(channels) * bytes;
        let block = match coding {
            Coding::Pcm(bytes) => frame(bytes),
            Coding::Float => frame(4),
            Coding::MuLaw | Coding::ALaw => frame(1),
            Coding::ImaAdpcm => usize::from(align),
        };
        Ok(Self { coding, rate, channels, block })
    }

    /// Decodes whole blocks.
    pub(super) fn decode(&self, bytes: &[u8]) -> Vec<i16> {
        match self.coding {
            // Silence is 128.
            Coding::Pcm(1) => bytes.iter().map(|&byte| (i16::from(byte) - 128) << 8).collect(),
            // The two highest bytes are enough.
            Coding::Pcm(length) => {
                let high = |sample: &[u8]| sample.last_chunk().map_or(0, |high| i16::from_le_bytes(*high));
                bytes.chunks_exact(length).map(high).collect()
            }
            Coding::Float => {
                let samples = bytes.as_chunks().0.iter().map(|sample| f32::from_le_bytes(*sample));
                // `as` saturates, and what is no number becomes 0.
                samples.map(|sample| (sample * 32_768.0).round() as i16).collect()
            }
            Coding::MuLaw => bytes.iter().map(|&byte| decode_ulaw(byte)).collect(),
            Coding::ALaw => bytes.iter().map(|&byte| decode_alaw(byte)).collect(),
            Coding::ImaAdpcm => bytes.chunks_exact(self.block).flat_map(|block| self.decode_adpcm(block)).collect(),
        }
    }

    fn decode_adpcm(&self, block: &[u8]) -> Vec<i16> {
        let channels = usize::from(self.channels);
        let mut samples = vec![0; 2 * (block.len() - 4 * channels) + channels];
        // It fails for lengths that `parse` refuses; then it is silence.
        let _ = decode_adpcm_ima_ms(block, channels == 2, &mut samples);
        samples
    }
}

#[cfg(test)]
pub(super) mod tests {
    use audio_codec_algorithms::{encode_alaw, encode_ulaw};
    use proptest::prelude::*;

    use super::*;
    use crate::media::adpcm;

    /// Writes a format.
    pub(in super::super) fn format(tag: u16, channels: u16, rate: u32, align: u16, bits: u16) -> Vec<u8> {
        let halves = [align, bits, 0].map(u16::to_le_bytes).concat();
        let average = (rate * u32::from(align)).to_le_bytes();
        [&tag.to_le_bytes()[..], &channels.to_le_bytes(), &rate.to_le_bytes(), &average, &halves].concat()
    }

    fn decoded(tag: u16, channels: u16, align: u16, bits: u16, bytes: &[u8]) -> Vec<i16> {
        let decoder = Decoder::parse(&format(tag, channels, 8000, align, bits)).unwrap();
        assert_eq!(bytes.len() % decoder.block, 0);
        decoder.decode(bytes)
    }

    #[test]
    fn samples_of_every_kind_are_the_same() {
        let wanted = [0_i16, 256, -256, 0x1200, -0x1200, 0x7f00, -0x8000, 0x5500];
        let each =
            |encode: &dyn Fn(i16) -> Vec<u8>| wanted.iter().flat_map(|&sample| encode(sample)).collect::<Vec<u8>>();
        assert_eq!(decoded(PCM, 1, 1, 8, &each(&|s| vec![((s >> 8) + 128) as u8])), wanted);
        assert_eq!(decoded(PCM, 2, 4, 16, &each(&|s| s.to_le_bytes().to_vec())), wanted);
        assert_eq!(decoded(PCM, 1, 3, 24, &each(&|s| (i32::from(s) << 8).to_le_bytes()[..3].to_vec())), wanted);
        assert_eq!(decoded(PCM, 1, 4, 32, &each(&|s| (i32::from(s) << 16).to_le_bytes().to_vec())), wanted);
        assert_eq!(decoded(FLOAT, 1, 4, 32, &each(&|s| (f32::from(s) / 32_768.0).to_le_bytes().to_vec())), wanted);
        for (tag, encode) in [(MU_LAW, encode_ulaw as fn(i16) -> u8), (A_LAW, encode_alaw)] {
            for (heard, wanted) in decoded(tag, 1, 1, 8, &each(&|s| vec![encode(s)])).into_iter().zip(wanted) {
                assert!(heard.abs_diff(wanted) <= 16.max(wanted.unsigned_abs() / 16), "{tag}: {heard} for {wanted}");
            }
        }
    }

    #[test]
    fn floats_beyond_full_scale_and_no_numbers_do_no_harm() {
        let bytes = [2.0_f32, -3.0, f32::NAN, f32::INFINITY].map(f32::to_le_bytes).concat();
        assert_eq!(decoded(FLOAT, 1, 4, 32, &bytes), [i16::MAX, i16::MIN, 0, i16::MAX]);
    }

    #[test]
    fn adpcm_is_decoded_block_by_block() {
        let sound: Vec<i16> = (0..1010).map(|n| ((f64::from(n) / 9.0).sin() * 9000.0) as i16).collect();
        let blocks: Vec<u8> = sound.chunks(505).flat_map(adpcm::encode).collect();
        let heard = decoded(IMA_ADPCM, 1, adpcm::LENGTH as u16, 4, &blocks);
        assert_eq!(heard.len(), sound.len());
        assert!(heard.iter().zip(&sound).all(|(heard, sound)| heard.abs_diff(*sound) < 1500));
        // Two channels: their heads, then eight samples of one and eight of the other.
        let block = [&5_i16.to_le_bytes()[..], &[0, 0], &9_i16.to_le_bytes(), &[0, 0], &[0; 8]].concat();
        let heard = decoded(IMA_ADPCM, 2, 16, 4, &block);
        assert_eq!((heard.len(), &heard[..2]), (18, &[5, 9][..]));
    }

    #[test]
    fn an_extensible_format_says_what_it_is_further_on() {
        let mut extensible = format(EXTENSIBLE, 6, 48_000, 12, 16);
        extensible.extend([16, 0, 0x3f, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
        let decoder = Decoder::parse(&extensible).unwrap();
        assert_eq!((decoder.coding, decoder.rate, decoder.channels, decoder.block), (Coding::Pcm(2), 48_000, 6, 12));
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let why = |format: Vec<u8>| Decoder::parse(&format).unwrap_err();
        assert_eq!(why(format(0x55, 2, 44_100, 1, 0)), "format 0x0055, 0 bits");
        assert_eq!(why(format(PCM, 1, 8000, 2, 12)), "format 0x0001, 12 bits");
        assert_eq!(why(format(IMA_ADPCM, 2, 8000, 12, 4)), "format 0x0011, 4 bits");
        assert_eq!(why(format(PCM, 0, 8000, 2, 16)), "8000 Hz, 0 channels");
        assert_eq!(why(format(PCM, 1, 0, 2, 16)), "0 Hz, 1 channel");
        assert_eq!(why(format(PCM, 33, 8000, 66, 16)), "8000 Hz, 33 channels");
        // Less than the track takes.
        assert_eq!(why(format(PCM, 1, 3000, 2, 16)), "3000 Hz, 1 channel");
        assert!([4000, 384_000].map(|rate| Decoder::parse(&format(PCM, 32, rate, 64, 16))).iter().all(Result::is_ok));
        assert_eq!(why(vec![1, 0, 1]), "format 0x0001, 0 bits");
    }

    proptest! {
        #[test]
        fn no_format_or_sound_panics(format: Vec<u8>, tag in 0..9_u16, bytes: Vec<u8>) {
            for format in [format.clone(), [&tag.to_le_bytes()[..], &format].concat()] {
                if let Ok(decoder) = Decoder::parse(&format) {
                    assert!(decoder.block > 0);
                    decoder.decode(&bytes);
                }
            }
        }
    }
}
