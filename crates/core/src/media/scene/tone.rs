//! What the demo scene sounds like: a tone marks each second, a higher one each tenth, over a faint hiss.

use std::{f32::consts::TAU, time::Duration};

use crate::media::sound::RATE;

/// How long a tone sounds, from the beginning of its second.
pub const BEEP: Duration = Duration::from_millis(100);
/// After so long the sound repeats: its first second has the higher tone.
pub const LAP: Duration = Duration::from_secs(10);

/// The tones, in Hz: of a second, and of each tenth.
const PITCH: [u32; 2] = [1000, 2000];
/// Half of full scale: 6 dB below the loudest.
const LOUD: f32 = 16_384.0;
/// The hiss is no louder, some 70 dB below the loudest: it says that sound is there, where a lost microphone is silent.
const HISS: i16 = 15;
/// How long a tone takes to come and to go, in samples: fast enough to be measured to a millisecond, and without a click.
const EDGE: u64 = RATE as u64 / 500;

/// Returns `count` samples of the scene's sound, from sample `first` on: sample `n` is heard at time `n` / [`RATE`].
pub fn tone(first: u64, count: usize) -> Vec<i16> {
    (0..count as u64).map(|at| sample(first.wrapping_add(at))).collect()
}

fn sample(n: u64) -> i16 {
    let rate = u64::from(RATE);
    let (second, into) = (n / rate, n % rate);
    let left = (BEEP.as_millis() as u64 * rate / 1000).saturating_sub(into);
    let hiss = hiss(n);
    if left == 0 {
        return hiss;
    }
    let pitch = PITCH[usize::from(second % LAP.as_secs() == 0)];
    // Whole turns are left out before it becomes a float.
    let turn = (into * u64::from(pitch) % rate) as f32 / RATE as f32;
    let share = into.min(left).min(EDGE) as f32 / EDGE as f32;
    // Half a cosine: no corner at either end of an edge.
    let swell = (1.0 - (share * TAU / 2.0).cos()) / 2.0;
    ((turn * TAU).sin() * swell * LOUD) as i16 + hiss
}

/// Noise that is the same for the same sample (the finalizer of SplitMix64).
fn hiss(n: u64) -> i16 {
    let mut mixed = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ mixed >> 31) % (2 * HISS as u64 + 1)) as i16 - HISS
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = RATE as usize;

    /// How loud `Hz` is in samples that hold whole turns of it, 0 to 1 (Goertzel's sum, written out).
    fn share_of(hz: f32, samples: &[i16]) -> f32 {
        let turn = |n: usize| n as f32 * hz / RATE as f32 * TAU;
        let sum = |part: fn(f32) -> f32| -> f32 {
            samples.iter().enumerate().map(|(n, &sample)| part(turn(n)) * f32::from(sample) / 32_768.0).sum()
        };
        sum(f32::sin).hypot(sum(f32::cos)) * 2.0 / samples.len() as f32
    }

    #[test]
    fn a_tone_begins_with_each_second_and_a_higher_one_with_each_tenth() {
        let heard = tone(0, 21 * SECOND);
        for (number, second) in heard.chunks(SECOND).enumerate() {
            let (beep, rest) = second.split_at(SECOND / 10);
            let [low, high] = PITCH.map(|hz| share_of(hz as f32, beep));
            let (wanted, other) = if number % 10 == 0 { (high, low) } else { (low, high) };
            assert!(wanted > 0.45 && other < 0.01, "{number}: {wanted} {other}");
            assert!(rest.iter().all(|sample| sample.abs() <= HISS), "{number}: quiet between the tones");
            assert!(rest.windows(8).any(|some| some.iter().any(|&sample| sample != 0)), "{number}: not silent");
            // Within two milliseconds it is as loud as it gets.
            let begins = second.iter().position(|sample| sample.unsigned_abs() > 8192).unwrap();
            assert!(begins < 16, "{number}: {begins}");
        }
    }

    #[test]
    fn a_tone_comes_and_goes_without_a_click() {
        let heard = tone(3 * u64::from(RATE) - 100, 1000);
        let steepest = |samples: &[i16]| samples.windows(2).map(|two| two[0].abs_diff(two[1])).max();
        assert!(steepest(&heard[..104]) < Some(1500), "at its beginning");
        assert!(steepest(&heard[896..]) < Some(1500), "at its end");
        assert!(steepest(&heard) > Some(8000), "in between");
    }

    #[test]
    fn pieces_join_without_a_seam_however_they_are_cut() {
        let whole = tone(75_000, 10_000);
        let pieces: Vec<i16> = (0..100).flat_map(|piece| tone(75_000 + piece * 100, 100)).collect();
        assert!(whole == pieces);
        assert_eq!(tone(u64::MAX, 3).len(), 3);
    }
}
