//! IMA ADPCM in Microsoft's block layout (format tag 0x0011), of one channel: 4 bits a sample.
//!
//! Each block can be decoded on its own. It begins with its first sample and the *step* from which a decoder starts; each
//! nibble then moves the decoder's sample by a few eighths of the step, and chooses the next step. So the nearest nibble
//! is not the best one: what counts is also how well those after it can follow. The encoder follows the best way to each
//! step (the Viterbi algorithm), as long as it is not far worse than the best of all. Of noise like speech this adds at
//! least 1 dB less noise than the nearest nibbles do; of very quiet sound nothing is gained (ADR 0021).
//!
//! Decoders round in two ways. The specification adds up parts of the step, each rounded down; ffmpeg, and so most
//! players, multiplies and rounds once. In a block meant for one of them, the other strays, and of a quiet sound little is
//! left. A way is therefore as good as both hear it.
//!
//! The crate `audio-codec-algorithms` has the layout too, but takes the nearest nibble, for the first kind of decoder
//! alone; it decodes in the tests.
//!
//! Source: "Microsoft Multimedia Standards Update, New Multimedia Data Types and Data Techniques" 3.0 (1994), and the
//! "Recommended Practices for Enhancing Digital Audio Compatibility in Multimedia Systems" of the IMA's Digital Audio Focus
//! and Technical Working Groups 3.00 (1992).

use super::sound::BLOCK;

/// Bytes of a block: a header of 4, then two samples a byte.
pub const LENGTH: usize = 4 + (BLOCK - 1) / 2;

/// The steps.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
];

/// A way that has so many samples' mean noise more than the best one will not become the best: it is given up. Following
/// all of them costs three times as much, and gains 0.3 dB.
const BEHIND: u64 = 8;
/// But so much more noise is nothing, at the beginning.
const NOTHING: u64 = 1000;

/// Where a way has come to.
#[derive(Clone, Copy)]
struct Way {
    /// What decoders have as their last sample: one that adds, and one that multiplies.
    samples: [i32; 2],
    /// The sum of their squared errors; the greatest is that of no way at all.
    error: u64,
}

/// The best ways: to each step, the one that comes to it below the sound, and the one above.
type Ways = [Way; 2 * STEPS.len()];

/// From which place among the ways a way came, and with which nibble.
#[derive(Clone, Copy, Default)]
struct Last {
    place: u8,
    nibble: u8,
}

impl Way {
    const NONE: Self = Self { samples: [0; 2], error: u64::MAX };

    /// Goes on with a nibble.
    fn next(self, step: i32, nibble: u8, wanted: i32) -> Self {
        let part = |bit: u8, part: i32| if nibble & bit != 0 { part } else { 0 };
        let added = (step >> 3) + part(1, step >> 2) + part(2, step >> 1) + part(4, step);
        let multiplied = ((2 * i32::from(nibble & 7) + 1) * step) >> 3;
        let sign = if nibble & 8 != 0 { -1 } else { 1 };
        let [a, b] = self.samples;
        let samples = [a + sign * added, b + sign * multiplied].map(|sample| sample.clamp(-0x8000, 0x7fff));
        let errors = samples.map(|sample| u64::from(sample.abs_diff(wanted)).pow(2));
        Self { samples, error: self.error + errors[0] + errors[1] }
    }

    /// Returns the nibbles worth trying: the one that comes nearest without going too far, and those beside it. Greater
    /// ones reach greater steps in time.
    fn nibbles(self, step: i32, wanted: i32) -> impl Iterator<Item = u8> {
        let off = wanted - (self.samples[0] + self.samples[1]) / 2;
        let sign = if off < 0 { 8 } else { 0 };
        let near = (off.abs() * 4 / step).min(7) as u8;
        (near.saturating_sub(1)..=(near + 2).min(7)).map(move |size| size | sign)
    }
}

/// Encodes [`BLOCK`] samples; what is missing is silence, what is too much is ignored.
pub fn encode(samples: &[i16]) -> [u8; LENGTH] {
    let mut samples = samples.iter().copied().chain(std::iter::repeat(0)).take(BLOCK);
    let first = samples.next().unwrap_or_default();
    let mut ways: Ways = [Way { samples: [first.into(); 2], error: 0 }; _];
    let mut history = Vec::with_capacity(BLOCK - 1);
    for (at, wanted) in (1..).zip(samples) {
        let (next, last) = go_on(&ways, at, wanted.into());
        ways = next;
        history.push(last);
    }

    let best = (0..).zip(&ways).min_by_key(|(_, way)| way.error);
    let mut place = best.map_or(0, |(place, _)| place);
    let mut block = [0; LENGTH];
    for (at, last) in history.iter().enumerate().rev() {
        let last: Last = last[usize::from(place)];
        block[4 + at / 2] |= last.nibble << (4 * (at % 2));
        place = last.place;
    }
    block[..2].copy_from_slice(&first.to_le_bytes());
    block[2] = place / 2;
    block
}

/// Follows the ways by one sample, which is the block's `at`th.
fn go_on(ways: &Ways, at: u64, wanted: i32) -> (Ways, [Last; 2 * STEPS.len()]) {
    let (mut best, mut last) = ([Way::NONE; _], [Last::default(); _]);
    let least = ways.iter().map(|way| way.error).min().unwrap_or(0);
    let most = least + least / at * BEHIND + NOTHING;
    for (place, way) in (0_u8..).zip(ways).filter(|(_, way)| way.error <= most) {
        let step = STEPS[usize::from(place / 2)];
        for nibble in way.nibbles(step, wanted) {
            let next = way.next(step, nibble, wanted);
            let by = [-1, -1, -1, -1, 2, 4, 6, 8][usize::from(nibble & 7)];
            let to = (place / 2).saturating_add_signed(by).min(STEPS.len() as u8 - 1);
            let to = 2 * usize::from(to) + usize::from(next.samples[0] + next.samples[1] > 2 * wanted);
            if next.error < best[to].error {
                (best[to], last[to]) = (next, Last { place, nibble });
            }
        }
    }
    (best, last)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{PI, TAU};

    use audio_codec_algorithms::{AdpcmImaState, decode_adpcm_ima_ms, encode_adpcm_ima_ms};

    use super::*;

    fn decode(block: &[u8; LENGTH]) -> Vec<i16> {
        let mut samples = vec![0; BLOCK];
        decode_adpcm_ima_ms(block, false, &mut samples).unwrap();
        samples
    }

    /// The energy of what is added to a sound.
    fn added(sound: &[i16], heard: &[i16]) -> f64 {
        sound.iter().zip(heard).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
    }

    /// Noise like speech: four syllables a second, each a vowel of two formants, with as much between loud and silent.
    fn speech(loudness: f64, length: usize) -> Vec<i16> {
        const VOWELS: [[f64; 2]; 4] = [[730.0, 1090.0], [270.0, 2290.0], [570.0, 840.0], [530.0, 1840.0]];
        let (mut random, mut formants) = (1_u32, [[0.0; 2]; 2]);
        let sample = |n: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(random >> 16) / 32_768.0 - 1.0;
            let [mut sound, time] = [noise * loudness, n as f64 / 2000.0];
            for (formant, hertz) in formants.iter_mut().zip(VOWELS[n / 2000 % 4]) {
                let next = 0.1 * sound + 1.9 * (TAU * hertz / 8000.0).cos() * formant[0] - 0.9025 * formant[1];
                *formant = [next, formant[0]];
                sound = 0.3 * sound + next;
            }
            (sound * (PI * time.fract()).sin().powi(2)) as i16
        };
        (0..length).map(sample).collect()
    }

    /// Decodes as ffmpeg does.
    fn decode_multiplying(block: &[u8; LENGTH]) -> Vec<i16> {
        let mut sample = i32::from(i16::from_le_bytes([block[0], block[1]]));
        let mut step = block[2];
        let nibbles = block[4..].iter().flat_map(|byte| [byte & 15, byte >> 4]);
        let others = nibbles.map(|nibble| {
            let by = (2 * i32::from(nibble & 7) + 1) * STEPS[usize::from(step)] / 8;
            sample = (if nibble < 8 { sample + by } else { sample - by }).clamp(-32_768, 32_767);
            step = step.saturating_add_signed([-1, -1, -1, -1, 2, 4, 6, 8][usize::from(nibble % 8)]).min(88);
            sample as i16
        });
        [i16::from_le_bytes([block[0], block[1]])].into_iter().chain(others).collect()
    }

    #[test]
    fn both_kinds_of_decoders_hear_1_db_less_noise_than_with_nearest_nibbles_but_of_very_quiet_sound() {
        // Of a sound as quiet as the first, what is gained goes into what suits both, and a little more.
        for (loudness, gain) in [(100.0, -0.8), (1000.0, 1.0), (10_000.0, 1.0), (30_000.0, 1.0)] {
            let mut state = [AdpcmImaState::new()];
            let (mut sound, mut nearest, mut adding, mut multiplying) = (0.0, 0.0, 0.0, 0.0);
            for samples in speech(loudness, 20 * BLOCK).chunks(BLOCK) {
                let (ours, mut theirs) = (encode(samples), [0; LENGTH]);
                encode_adpcm_ima_ms(samples, &mut state, &mut theirs).unwrap();
                sound += added(samples, &[0; BLOCK]);
                nearest += added(samples, &decode(&theirs));
                adding += added(samples, &decode(&ours));
                multiplying += added(samples, &decode_multiplying(&ours));
            }
            let [nearest, adding, multiplying] = [nearest, adding, multiplying].map(|it| 10.0 * (sound / it).log10());
            println!("{loudness}: nearest {nearest:.2} dB, adding {adding:.2} dB, multiplying {multiplying:.2} dB");
            assert!(adding.min(multiplying) > nearest + gain, "{loudness}: {adding}, {multiplying}, {nearest} dB");
        }
    }

    #[test]
    fn a_block_begins_with_its_first_sample_and_a_step() {
        let block = encode(&speech(9000.0, BLOCK)[1..]);
        assert_eq!(decode(&block)[0], speech(9000.0, 2)[1]);
        assert!(usize::from(block[2]) < STEPS.len() && block[3] == 0);
    }

    #[test]
    fn what_is_missing_of_a_block_is_silence() {
        assert_eq!(encode(&[]), encode(&[0; BLOCK]));
        assert!(decode(&encode(&[])).iter().all(|sample| sample.abs() <= 1), "{:?}", decode(&encode(&[])));
        assert_eq!(encode(&[1000; BLOCK + 9]), encode(&[1000; BLOCK]));
    }

    #[test]
    fn the_loudest_sound_is_followed() {
        let tone = |at| (f64::from(i16::MAX) * (at as f64 / 2.0).sin()) as i16;
        let sound: Vec<i16> = (0..BLOCK).map(tone).collect();
        let (energy, noise) = (added(&sound, &[0; BLOCK]), added(&sound, &decode(&encode(&sound))));
        assert!(noise < energy / 500.0, "{}", noise / energy);
    }
}
