//! IMA ADPCM in Microsoft's block layout (format tag 0x0011), of one channel: 4 bits a sample.
//!
//! Each block can be decoded on its own. It begins with its first sample and the *step* from which a decoder starts; each
//! nibble then moves the decoder's sample by a few eighths of the step, and chooses the next step. So a nibble decides how
//! well those after it can follow, and the encoder does not take the nearest one, but keeps the best ways so far, eight of
//! them: 1 to 2 dB less noise than by nearest nibbles.
//!
//! Source: "Microsoft Multimedia Standards Update, New Multimedia Data Types and Data Techniques" 3.0 (1994), and the
//! "Recommended Practices for Enhancing Digital Audio Compatibility in Multimedia Systems" of the IMA's Digital Audio Focus
//! and Technical Working Groups 3.00 (1992).

use super::sound::BLOCK;

/// Bytes of a block: a header of 4, then two samples a byte.
pub const LENGTH: usize = 4 + (BLOCK - 1) / 2;

/// How many ways are followed at once.
const WAYS: usize = 8;

/// The steps.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
];

/// Where a way has come to.
#[derive(Clone, Copy)]
struct State {
    /// What a decoder has as its last sample.
    sample: i32,
    /// The step's place among [`STEPS`].
    step: u8,
    /// The sum of all squared errors.
    error: u64,
}

impl State {
    /// Decodes a nibble.
    fn next(self, nibble: u8, wanted: i32) -> Self {
        let step = STEPS[usize::from(self.step)];
        let bit = |mask: u8, value: i32| if nibble & mask != 0 { value } else { 0 };
        let by = (step >> 3) + bit(1, step >> 2) + bit(2, step >> 1) + bit(4, step);
        let by = if nibble & 8 != 0 { -by } else { by };
        let sample = (self.sample + by).clamp(i16::MIN.into(), i16::MAX.into());
        let to = [-1, -1, -1, -1, 2, 4, 6, 8][usize::from(nibble & 7)];
        let step = self.step.saturating_add_signed(to).min(STEPS.len() as u8 - 1);
        let off = u64::from(sample.abs_diff(wanted));
        Self { sample, step, error: self.error + off * off }
    }

    /// Returns the nibbles worth trying: the one whose sample is nearest, and those beside it.
    fn nibbles(self, wanted: i32) -> impl Iterator<Item = u8> {
        let off = wanted - self.sample;
        let sign = if off < 0 { 8 } else { 0 };
        let nearest = (off.abs() * 4 / STEPS[usize::from(self.step)]).min(7) as u8;
        (nearest.saturating_sub(1)..=(nearest + 1).min(7)).map(move |size| size | sign)
    }
}

/// A step of a way: which way it goes on with, and the nibble.
#[derive(Clone, Copy, Default)]
struct Taken {
    from: u8,
    nibble: u8,
}

/// Encodes [`BLOCK`] samples; what is missing is silence, what is too much is ignored.
pub fn encode(samples: &[i16]) -> [u8; LENGTH] {
    let mut wanted = samples.iter().copied().chain(std::iter::repeat(0)).take(BLOCK);
    let first = wanted.next().unwrap_or_default();
    // The ways begin at all steps.
    let begin = |step| State { sample: first.into(), step, error: 0 };
    let mut states: Vec<State> = (0..STEPS.len() as u8).map(begin).collect();
    let mut history = Vec::with_capacity(BLOCK - 1);
    for wanted in wanted {
        let (next, taken) = go_on(&states, wanted.into());
        states = next;
        history.push(taken);
    }

    let mut block = [0; LENGTH];
    let mut way = 0;
    for (at, taken) in history.iter().enumerate().rev() {
        let taken = taken[usize::from(way)];
        block[4 + at / 2] |= taken.nibble << (4 * (at % 2));
        way = taken.from;
    }
    block[..2].copy_from_slice(&first.to_le_bytes());
    block[2] = way;
    block
}

/// Follows all ways by one sample, and keeps the best, the very best first.
fn go_on(states: &[State], wanted: i32) -> (Vec<State>, [Taken; WAYS]) {
    let mut best = Vec::with_capacity(WAYS + 1);
    let mut taken = [Taken::default(); WAYS + 1];
    for (from, state) in (0..).zip(states) {
        for nibble in state.nibbles(wanted) {
            let next = state.next(nibble, wanted);
            let at = best.partition_point(|other: &State| other.error <= next.error);
            let met = |other: &State| (other.sample, other.step) == (next.sample, next.step);
            if at == WAYS || best[..at].iter().any(met) {
                continue;
            }
            // Of two ways that meet, the better goes on.
            let end = best[at..].iter().position(met).map_or(best.len(), |worse| at + worse);
            if end < best.len() {
                best.remove(end);
            }
            best.insert(at, next);
            taken.copy_within(at..end.min(WAYS), at + 1);
            taken[at] = Taken { from, nibble };
            best.truncate(WAYS);
        }
    }
    let [taken @ .., _] = taken;
    (best, taken)
}

#[cfg(test)]
mod tests {
    use audio_codec_algorithms::{AdpcmImaState, decode_adpcm_ima_ms, encode_adpcm_ima_ms};

    use super::*;

    fn decode(block: &[u8; LENGTH]) -> Vec<i16> {
        let mut samples = vec![0; BLOCK];
        decode_adpcm_ima_ms(block, false, &mut samples).unwrap();
        samples
    }

    /// The energy of a sound, and of what is added to it.
    fn energies(sound: &[i16], heard: &[i16]) -> (f64, f64) {
        let energy = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum();
        let added = sound.iter().zip(heard).map(|(a, b)| f64::from(*a) - f64::from(*b));
        (energy(&mut sound.iter().map(|sample| f64::from(*sample))), energy(&mut { added }))
    }

    /// Noise of little and great loudness.
    fn noise(loudness: f64, length: usize) -> Vec<i16> {
        let (mut random, mut smooth) = (1_u32, 0.0);
        let sample = |_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            smooth = 0.8 * smooth + loudness * (f64::from(random >> 16) / 32768.0 - 1.0);
            smooth as i16
        };
        (0..length).map(sample).collect()
    }

    #[test]
    fn another_decoder_hears_the_sound_better_than_by_nearest_nibbles() {
        for loudness in [30.0, 300.0, 3000.0, 9000.0] {
            let sound = noise(loudness, 20 * BLOCK);
            let mut state = [AdpcmImaState::new()];
            let (mut all, mut ours, mut nearest) = (0.0, 0.0, 0.0);
            for sound in sound.chunks(BLOCK) {
                let (energy, noise) = energies(sound, &decode(&encode(sound)));
                (all, ours) = (all + energy, ours + noise);
                let mut block = [0; LENGTH];
                encode_adpcm_ima_ms(sound, &mut state, &mut block).unwrap();
                nearest += energies(sound, &decode(&block)).1;
            }
            let (ours, nearest) = (10.0 * (all / ours).log10(), 10.0 * (all / nearest).log10());
            println!("{loudness}: {ours:.2} dB, by nearest nibbles {nearest:.2} dB");
            assert!(ours > nearest + 0.8, "{ours} dB, by nearest nibbles {nearest} dB");
        }
    }

    #[test]
    fn a_block_begins_with_its_first_sample_and_a_step() {
        let block = encode(&noise(9000.0, BLOCK)[1..]);
        assert_eq!(decode(&block)[0], noise(9000.0, 2)[1]);
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
        let (energy, noise) = energies(&sound, &decode(&encode(&sound)));
        assert!(noise < energy / 500.0, "{}", noise / energy);
    }
}
