//! Mu-law (ITU-T G.711): 8 bits a sample, by the crate `audio-codec-algorithms`.

/// Encodes samples as mu-law.
pub fn encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|sample| audio_codec_algorithms::encode_ulaw(*sample)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a byte as the standard's table 2a says: sign, segment and step, all bits inverted. Returns the sample, and
    /// how far from it those are that are heard as it.
    fn decode(byte: u8) -> (i32, i32) {
        let (segment, step) = (i32::from(!byte >> 4 & 7), i32::from(!byte & 15));
        let size = ((2 * step + 33) << segment) - 33;
        // The standard counts in 14 bits.
        (4 * if byte & 0x80 == 0 { -size } else { size }, 4 << segment)
    }

    #[test]
    fn every_sample_is_heard_within_half_a_step_and_none_out_of_order() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let heard: Vec<(i32, i32)> = encode(&all).into_iter().map(decode).collect();
        assert!(heard.is_sorted_by_key(|(heard, _)| heard));
        for (sample, (heard, half)) in all.into_iter().zip(heard) {
            let clipped = i32::from(sample).clamp(-32635, 32635);
            // Two bits are lost before.
            assert!((clipped - heard).abs() <= half + 3, "{sample} is heard as {heard}");
        }
    }

    #[test]
    fn the_standards_own_values() {
        assert_eq!(encode(&[0, 32767, -32768]), [0xff, 0x80, 0x00]);
    }
}
