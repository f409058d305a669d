//! The number and the capture time that travel inside each measured picture, as a comment segment right behind the
//! JPEG's first segments: whoever receives the picture untouched can say how old it is and what it missed.

use rustix::time::{ClockId, clock_gettime};

/// What a measured picture says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Counts the pictures of one feed, from 1.
    pub seq: u64,
    /// When the feed began to write it: nanoseconds of the host's monotonic clock, the same for every process.
    pub at_ns: u64,
}

/// What the comment begins with.
const MARK: &[u8] = b"bench ";

impl Stamp {
    /// The length of the whole comment segment: marker, length, mark, two numbers of 16 digits and a blank.
    pub const SEGMENT: usize = 4 + MARK.len() + 16 + 1 + 16;

    /// How many bytes of a picture hold the stamp for sure, provided that no more than JFIF's APP0 stands before it.
    pub const WITHIN: usize = 2 + 18 + Self::SEGMENT;

    /// Returns the comment segment; hexadecimal digits, so that no byte of it looks like a marker.
    pub fn segment(self) -> Vec<u8> {
        let mut segment = vec![0xFF, 0xFE, 0, (Self::SEGMENT - 2) as u8];
        segment.extend_from_slice(MARK);
        segment.extend_from_slice(format!("{:016x} {:016x}", self.seq, self.at_ns).as_bytes());
        segment
    }

    /// Finds the stamp among a JPEG's first segments; `start` may be cut. A picture encoded anew has none.
    pub fn find(start: &[u8]) -> Option<Self> {
        let mut rest = start.strip_prefix(&[0xFF, 0xD8])?;
        loop {
            let &[0xFF, marker, high, low, ..] = rest else { return None };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let payload = rest.get(4..2 + length)?;
            if let (0xFE, Some(numbers)) = (marker, payload.strip_prefix(MARK)) {
                let (seq, at_ns) = std::str::from_utf8(numbers).ok()?.split_once(' ')?;
                let number = |text| u64::from_str_radix(text, 16).ok();
                return Some(Self { seq: number(seq)?, at_ns: number(at_ns)? });
            }
            rest = &rest[2 + length..];
        }
    }
}

/// Returns the monotonic clock in nanoseconds.
pub fn now_ns() -> u64 {
    ns_of(ClockId::Monotonic)
}

/// Returns the CPU time of this process in nanoseconds.
pub fn own_cpu_ns() -> u64 {
    ns_of(ClockId::ProcessCPUTime)
}

/// Returns the CPU time of this thread in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    ns_of(ClockId::ThreadCPUTime)
}

fn ns_of(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_behind_other_segments() {
        let stamp = Stamp { seq: 7, at_ns: 0xFFD8_FFD9_0102 };
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2];
        jpeg.extend(stamp.segment());
        jpeg.extend([0xFF, 0xDB, 0, 67]);
        assert_eq!(Stamp::find(&jpeg), Some(stamp));
        assert_eq!(stamp.segment().len(), Stamp::SEGMENT);
    }

    #[test]
    fn a_picture_without_a_stamp_has_none_wherever_it_is_cut() {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2];
        jpeg.extend(Stamp { seq: 1, at_ns: 1 }.segment());
        for cut in 0..jpeg.len() {
            assert_eq!(Stamp::find(&jpeg[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Stamp::find(&[0xFF, 0xD8, 0xFF, 0xDB, 0, 2, 0xFF, 0xDA]), None);
    }
}
