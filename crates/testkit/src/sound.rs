//! Sound as a player hears it.

/// Decodes blocks of IMA ADPCM in Microsoft's layout, of one channel and 256 bytes, with another's decoder.
pub fn decode_adpcm(blocks: &[u8]) -> Vec<i16> {
    let decode = |block: &[u8]| {
        assert!(block.len() == 256 && block[2] < 89 && block[3] == 0, "no block of ADPCM: {block:?}");
        let mut samples = vec![0; 505];
        audio_codec_algorithms::decode_adpcm_ima_ms(block, false, &mut samples).expect("a whole block");
        samples
    };
    blocks.chunks(256).flat_map(decode).collect()
}

/// Decodes mu-law, with another's decoder.
pub fn decode_ulaw(bytes: &[u8]) -> Vec<i16> {
    bytes.iter().map(|byte| audio_codec_algorithms::decode_ulaw(*byte)).collect()
}
