//! Formats, rates and capture times.

use std::time::{Duration, Instant};

use alsa::pcm;

/// Rates from the dearest to the one that is taken last: first those from which 8000 Hz are easily made, of these the
/// least. A device that has none of them is taken at what it has nearest to 48000 Hz.
pub(super) const RATES: [u32; 9] = [8000, 16_000, 24_000, 32_000, 48_000, 96_000, 44_100, 22_050, 11_025];

/// A format of samples that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 16 bits.
    S16,
    /// 24 bits in 3 bytes.
    S24Packed,
    /// 24 bits in 4 bytes.
    S24,
    /// 32 bits.
    S32,
    /// A float, full scale at 1.
    Float,
    /// 8 bits, silence at 128.
    U8,
}

impl Format {
    /// All, the dearest first.
    pub(super) const ALL: [Self; 6] = [Self::S16, Self::S24Packed, Self::S24, Self::S32, Self::Float, Self::U8];

    /// Returns what ALSA calls it.
    pub(super) fn alsa(self) -> pcm::Format {
        match self {
            Self::S16 => pcm::Format::S16LE,
            Self::S24Packed => pcm::Format::S243LE,
            Self::S24 => pcm::Format::S24LE,
            Self::S32 => pcm::Format::S32LE,
            Self::Float => pcm::Format::FloatLE,
            Self::U8 => pcm::Format::U8,
        }
    }

    /// Returns the bytes of a sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::S16 => 2,
            Self::S24Packed => 3,
            Self::S24 | Self::S32 | Self::Float => 4,
        }
    }

    /// Reads samples.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<i16> {
        match self {
            Self::S16 => bytes.as_chunks().0.iter().map(|&sample| i16::from_le_bytes(sample)).collect(),
            Self::S24Packed => {
                bytes.as_chunks().0.iter().map(|&[_, low, high]| i16::from_le_bytes([low, high])).collect()
            }
            Self::S24 => bytes.as_chunks().0.iter().map(|&[_, low, high, _]| i16::from_le_bytes([low, high])).collect(),
            Self::S32 => bytes.as_chunks().0.iter().map(|&[_, _, low, high]| i16::from_le_bytes([low, high])).collect(),
            // The cast saturates, and makes 0 of what is no number.
            Self::Float => bytes.as_chunks().0.iter().map(|&at| (f32::from_le_bytes(at) * 32768.0) as i16).collect(),
            Self::U8 => bytes.iter().map(|&sample| (i16::from(sample) - 128) * 256).collect(),
        }
    }
}

/// What a device says of the sound that waits in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// When the device said so, if it can be believed.
    pub(super) at: Option<Instant>,
    /// Frames that can be read.
    pub(super) frames: pcm::Frames,
    /// Frames from the converter to the reader: those that can be read, and what is on the way to them.
    pub(super) delay: pcm::Frames,
}

impl Waiting {
    /// Says when the first of the frames that wait was captured, by what the device said of them just before `now`.
    pub(super) fn captured(self, now: Instant, rate: u32) -> Instant {
        let frames = u64::try_from(self.frames).unwrap_or(0);
        let delay = u64::try_from(self.delay).unwrap_or(0);
        // No device is so slow that a second is on the way, and none gives what it has not captured yet.
        let frames = frames.saturating_add(delay.saturating_sub(frames).min(rate.into()));
        let nanos = u128::from(frames) * 1_000_000_000 / u128::from(rate.max(1));
        let delay = Duration::from_nanos(u64::try_from(nanos).unwrap_or(0));
        // Sound does not wait for longer than the buffer lasts: an older stamp is one of another clock.
        let at = self.at.filter(|&at| at <= now && now.duration_since(at) < Duration::from_secs(1));
        at.unwrap_or(now).checked_sub(delay).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_as_the_same_sound() {
        let (zero, quarter, least) = (0, 0x2000, i16::MIN);
        let cases: [(Format, [&[u8]; 3]); 6] = [
            (Format::S16, [&[0, 0], &[0, 0x20], &[0, 0x80]]),
            (Format::S24Packed, [&[9, 0, 0], &[9, 0, 0x20], &[9, 0, 0x80]]),
            (Format::S24, [&[9, 0, 0, 7], &[9, 0, 0x20, 0], &[9, 0, 0x80, 0xff]]),
            (Format::S32, [&[9, 9, 0, 0], &[9, 9, 0, 0x20], &[9, 9, 0, 0x80]]),
            (Format::Float, [&[0, 0, 0, 0], &0.25_f32.to_le_bytes(), &(-1.0_f32).to_le_bytes()]),
            (Format::U8, [&[128], &[160], &[0]]),
        ];
        assert_eq!(cases.map(|(format, _)| format).len(), Format::ALL.len());
        for (format, samples) in cases {
            let bytes = samples.concat();
            assert_eq!(bytes.len(), 3 * format.bytes(), "{format:?}");
            assert_eq!(format.decode(&bytes), [zero, quarter, least], "{format:?}");
            assert_eq!(format.decode(&bytes[..format.bytes() - 1]), [0; 0], "{format:?}: less than a sample");
            let bits = format.alsa().physical_width().unwrap();
            assert_eq!(usize::try_from(bits).unwrap(), 8 * format.bytes(), "{format:?}");
        }
    }

    #[test]
    fn a_float_beyond_full_scale_is_clipped_and_nonsense_is_silence() {
        let bytes = [1.5, -7.0, f32::NAN, f32::INFINITY].map(f32::to_le_bytes).concat();
        assert_eq!(Format::Float.decode(&bytes), [i16::MAX, i16::MIN, 0, i16::MAX]);
    }

    #[test]
    fn the_first_frame_that_waits_was_captured_before_the_device_said_so_by_the_delay() {
        let now = Instant::now() + Duration::from_secs(100);
        let before = |waiting: Waiting| now - waiting.captured(now, 48_000);
        let ms = Duration::from_millis;
        let plain = Waiting { at: None, frames: 960, delay: 960 };
        assert_eq!(before(plain), ms(20));
        assert_eq!(before(Waiting { at: Some(now - ms(3)), ..plain }), ms(23), "the device said so a moment ago");
        assert_eq!(before(Waiting { delay: 960 + 240, ..plain }), ms(25), "5 ms are on the way from the converter");
        assert_eq!(before(Waiting { delay: 0, ..plain }), ms(20), "it does not know its delay");
        assert_eq!(before(Waiting { delay: pcm::Frames::MAX, ..plain }), ms(1020), "nor here");
        assert_eq!(before(Waiting { at: Some(now - ms(60_000)), ..plain }), ms(20), "a stamp of another clock");
        assert_eq!(before(Waiting { at: Some(now + ms(60_000)), ..plain }), ms(20), "and of another");
        assert_eq!(before(Waiting { at: None, frames: -1, delay: pcm::Frames::MIN }), ms(0));
        assert_eq!(
            before(Waiting { at: None, frames: pcm::Frames::MAX, delay: pcm::Frames::MAX }),
            ms(0),
            "it is out of its mind"
        );
    }
}
