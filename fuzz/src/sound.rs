//! What a microphone says of its sound, which may be anything.

use std::time::{Duration, Instant};

use lookout_core::media::{
    adpcm,
    sound::{BLOCK, Chunk, RATE, Track},
};
use lookout_testkit::decode_adpcm;

/// Whatever a microphone says, blocks lie in their places, there is silence as far as it was asked for, and any decoder can
/// begin with any block.
pub fn track(data: &[u8]) {
    // Long after whatever is the first moment of all.
    let begin = Instant::now() + Duration::from_secs(1 << 24);
    let mut track = Track::new(begin);
    let (mut now, mut next) = (begin, 0);
    for &[op, passed, off, sign, rate, channels, length, seed] in data.as_chunks().0 {
        // Up to 8.3 s, or 12 days.
        now += Duration::from_millis(u64::from(passed) << if op & 1 == 0 { 5 } else { op & 22 });
        let off = Duration::from_millis(u64::from(off) << (sign >> 4));
        let captured = if sign & 1 == 0 { now - off } else { now + off };
        // Those that are known, any in between, and some that are none.
        let rate = match rate {
            0..16 => [8000, 44_100, 48_000, 0][usize::from(rate & 3)],
            16..255 => u32::from(rate - 15) * 1627,
            255 => u32::MAX,
        };
        let length = usize::from(length) << (op >> 5);
        let samples = (0..length).map(|n| (n * n * usize::from(seed)) as i16).collect();
        track.feed(&Chunk { captured, rate, channels: channels.into(), samples }, now);
        if op & 8 != 0 {
            track.fill(now);
        }
        let levels = std::iter::from_fn(|| track.level()).inspect(|level| {
            assert!((0.0..=1.0).contains(&level.rms) && level.rms <= level.peak + 1e-6 && level.peak <= 1.0);
        });
        assert!(levels.count() <= 101);
        let end = |next| begin + Duration::from_micros(63_125) * u32::try_from(next).expect("far less than years");
        let last = end(next);
        for (n, block) in std::iter::from_fn(|| track.cut()).enumerate() {
            assert!(block.number >= next && n < 160, "{} after {next}", block.number);
            assert_eq!(block.captured, end(block.number));
            // Each would take most of the time.
            if n == 0 {
                assert_eq!(decode_adpcm(&adpcm::encode(&block.samples))[0], block.samples[0]);
            }
            next = block.number + 1;
        }
        // Of a longer silence only the end is there, which may be less than a block.
        if op & 8 != 0 && now < last + Duration::from_secs(10) {
            // The filter may still wait for 5 ms that follow.
            let block = Duration::from_micros(BLOCK as u64 * 1_000_000 / u64::from(RATE) + 6000);
            assert!(end(next) + block > now, "{:?} are missing", now - end(next));
        }
    }
}
