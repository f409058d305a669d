//! Bits that are read and bits that are written; the most significant come first.

use std::ops::Range;

use super::{
    Uncut,
    head::Head,
    huffman::{Ac, Dc},
};

/// Reads the data of a scan, without stuffing and markers.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The bytes, and some zeros, so that the last bits can be read as all others.
    bytes: Vec<u8>,
    /// Where each interval ends, in bytes.
    ends: Vec<usize>,
    /// The interval that is read.
    interval: usize,
    /// The next bit.
    pub(super) at: usize,
    /// The bit behind the interval.
    end: usize,
}

/// Bits that may be asked for behind the last byte.
const SPARE: [u8; 8] = [0; 8];

impl Reader {
    /// Takes the data of a scan, up to the first marker that is no restart.
    pub(super) fn fill(&mut self, mut data: &[u8], head: &Head) -> Result<(), Uncut> {
        self.bytes.clear();
        self.ends.clear();
        loop {
            let plain = memchr::memchr(0xff, data).ok_or(Uncut)?;
            self.bytes.extend_from_slice(&data[..plain]);
            match data.get(plain + 1).ok_or(Uncut)? {
                0 => {
                    self.bytes.push(0xff);
                    data = &data[plain + 2..];
                }
                // FF may stand before a marker any number of times.
                0xff => data = &data[plain + 1..],
                code @ 0xd0..=0xd7 => {
                    if usize::from(code - 0xd0) != self.ends.len() % 8 || self.ends.len() > head.restarts as usize {
                        return Err(Uncut);
                    }
                    self.ends.push(self.bytes.len());
                    data = &data[plain + 2..];
                }
                _ => break,
            }
        }
        self.ends.push(self.bytes.len());
        self.bytes.extend(SPARE);
        (self.interval, self.at, self.end) = (0, 0, self.ends[0] * 8);
        Ok(())
    }

    /// Says whether an interval follows.
    pub(super) fn more(&self) -> bool {
        self.interval + 1 < self.ends.len()
    }

    /// Leaves the rest of the interval unread.
    pub(super) fn skip_interval(&mut self) {
        self.at = self.end;
    }

    /// Goes on behind the next restart marker, to which nothing but the rest of a byte must be left.
    pub(super) fn next_interval(&mut self) -> Result<(), Uncut> {
        if !self.more() || self.at + 8 <= self.end {
            return Err(Uncut);
        }
        self.interval += 1;
        (self.at, self.end) = (self.end, self.ends[self.interval] * 8);
        Ok(())
    }

    /// Refuses what went beyond the interval.
    pub(super) fn within(&self) -> Result<(), Uncut> {
        if self.at <= self.end { Ok(()) } else { Err(Uncut) }
    }

    /// Returns the next 57 bits at least, leftmost; the others are zeros.
    #[inline]
    fn ahead(&self) -> Result<u64, Uncut> {
        let eight = self.bytes.get(self.at / 8..).and_then(<[u8]>::first_chunk).ok_or(Uncut)?;
        Ok(u64::from_be_bytes(*eight) << (self.at % 8))
    }

    /// Reads a difference of DC.
    #[inline]
    pub(super) fn dc(&mut self, table: &Dc) -> Result<i32, Uncut> {
        let bits = self.ahead()?;
        let (length, size) = table.read(bits)?;
        self.at += (length + size) as usize;
        if size == 0 {
            return Ok(0);
        }
        let bits = bits << length;
        let value = (bits >> (64 - size)) as i32;
        // A first bit of 0 stands for negative numbers (F.2.2.1).
        Ok(if bits >> 63 == 1 { value } else { value + 1 - (1 << size) })
    }

    /// Reads over the AC coefficients of a block.
    #[inline]
    pub(super) fn ac(&mut self, table: &Ac) -> Result<(), Uncut> {
        let mut coefficient = 1;
        loop {
            let mut bits = self.ahead()?;
            // Two looks of 27 bits at most.
            for _ in 0..2 {
                let codes = table.ahead_of(bits);
                // Codes that reach the last coefficient are read one by one, for the block ends there without saying so.
                if codes.bits() == 0 || coefficient + codes.coefficients() > 63 {
                    coefficient += match self.one(table)? {
                        0 => return Ok(()),
                        coefficients => coefficients,
                    };
                    match coefficient {
                        ..64 => break,
                        64 => return Ok(()),
                        65.. => return Err(Uncut),
                    }
                }
                self.at += codes.bits() as usize;
                coefficient += codes.coefficients();
                if codes.ends() {
                    return Ok(());
                }
                bits <<= codes.bits();
            }
        }
    }

    #[cold]
    fn one(&mut self, table: &Ac) -> Result<u32, Uncut> {
        let (bits, coefficients) = table.read(self.ahead()?)?;
        self.at += bits as usize;
        Ok(coefficients)
    }
}

/// Writes the data of a scan, with stuffing.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Bits that are no whole word yet, rightmost, and how many: under 32.
    held: u64,
    count: u32,
}

impl Writer {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.held, self.count) = (0, 0);
    }

    /// Writes up to 32 bits.
    #[inline]
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.held = self.held << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.held >> self.count) as u32;
            // Whether any byte is FF: of the complement, whether any is 0.
            if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                self.bytes.extend_from_slice(&word.to_be_bytes());
            } else {
                word.to_be_bytes().into_iter().for_each(|byte| self.stuff(byte));
            }
        }
    }

    fn stuff(&mut self, byte: u8) {
        self.bytes.push(byte);
        if byte == 0xff {
            self.bytes.push(0);
        }
    }

    /// Writes a range of bits of others.
    pub(super) fn copy(&mut self, reader: &Reader, range: Range<usize>) -> Result<(), Uncut> {
        let mut at = range.start;
        while at < range.end {
            let count = (range.end - at).min(32);
            let bits = reader.bytes.get(at / 8..).and_then(<[u8]>::first_chunk).ok_or(Uncut)?;
            let bits = u64::from_be_bytes(*bits) << (at % 8);
            self.put((bits >> (64 - count)) as u32, count as u32);
            at += count;
        }
        Ok(())
    }

    /// Writes a difference of DC.
    pub(super) fn dc(&mut self, table: &Dc, more: i32) -> Result<(), Uncut> {
        let size = 32 - more.unsigned_abs().leading_zeros();
        let (code, length) = *table.written.get(size as usize).filter(|(_, length)| *length > 0).ok_or(Uncut)?;
        self.put(code.into(), length.into());
        // Negative numbers are one less, without what is left of their bits (F.1.2.1).
        let bits = if more < 0 { more - 1 } else { more } as u32;
        self.put(bits & ((1 << size) - 1), size);
        Ok(())
    }

    /// Fills the last byte with ones, and returns all of them.
    pub(super) fn finish(&mut self) -> &[u8] {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        while self.count > 0 {
            self.count -= 8;
            self.stuff((self.held >> self.count) as u8);
        }
        &self.bytes
    }
}
