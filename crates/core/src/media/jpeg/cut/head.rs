//! What stands before the data of a scan, as far as cutting needs it.

use std::ops::Range;

use bytes::Bytes;

use super::{Uncut, huffman::Tables};
use crate::media::frame::Size;

/// A component in a scan.
#[derive(Debug)]
pub(super) struct Part {
    /// Blocks in an MCU.
    pub(super) blocks: u32,
    /// The numbers of its tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// A component in the frame header: its name and how often it is sampled in an MCU, across and down.
type Component = (u8, u32, u32);

/// The head of a picture of one scan.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Width and height.
    size: (u32, u32),
    /// Where height and width stand.
    sides_at: usize,
    /// What is kept of all before SOS: all but the restart interval.
    kept: Vec<Range<usize>>,
    /// Where SOS begins.
    sos_at: usize,
    /// Where the data begin.
    pub(super) data_at: usize,
    /// The pixels of an MCU, across and down.
    mcu: (u32, u32),
    /// MCUs a row.
    pub(super) across: u32,
    /// MCUs between restart markers; without those, more than there are.
    pub(super) interval: u32,
    /// How many restart markers there are at least; the last one may be missing.
    pub(super) restarts: u32,
    pub(super) scan: Vec<Part>,
}

impl Head {
    /// Reads the markers up to the first scan, and its tables.
    pub(super) fn read(jpeg: &[u8], tables: &mut Tables) -> Result<Self, Uncut> {
        let (mut head, mut at) = (Self::default(), 2);
        let (mut components, mut huffman, mut interval) = (Vec::new(), Vec::new(), 0);
        head.keep(0..2);
        loop {
            let begin = at;
            let fill = jpeg.get(at..).ok_or(Uncut)?.iter().take_while(|byte| **byte == 0xff).count();
            at += fill;
            let [marker, high, low] = *jpeg.get(at..).and_then(<[u8]>::first_chunk).ok_or(Uncut)?;
            let end = at + 1 + usize::from(u16::from_be_bytes([high, low]));
            let segment = jpeg.get(at + 3..end).filter(|_| fill > 0).ok_or(Uncut)?;
            match marker {
                0xc4 => huffman.push(segment),
                0xc0 | 0xc1 if components.is_empty() => {
                    components = head.frame(segment)?;
                    // Behind the marker, a length and the depth.
                    head.sides_at = at + 4;
                }
                0xdd => interval = u32::from(u16::from_be_bytes(segment.try_into().map_err(|_| Uncut)?)),
                0xda => {
                    (head.sos_at, head.data_at) = (begin, end);
                    tables.load(&huffman)?;
                    head.scan(segment, &components, interval)?;
                    return Ok(head);
                }
                // Tables, comments, applications.
                0xdb | 0xe0..=0xef | 0xfe => {}
                _ => return Err(Uncut),
            }
            if marker != 0xdd {
                head.keep(begin..end);
            }
            at = end;
        }
    }

    fn keep(&mut self, range: Range<usize>) {
        match self.kept.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) | None => self.kept.push(range),
        }
    }

    /// Reads the frame header (B.2.2).
    fn frame(&mut self, segment: &[u8]) -> Result<Vec<Component>, Uncut> {
        let ([depth, sides @ .., _], parts) = segment.split_first_chunk::<6>().ok_or(Uncut)?;
        let [height, width] = [[sides[0], sides[1]], [sides[2], sides[3]]].map(|side| u16::from_be_bytes(side).into());
        self.size = (width, height);
        let component = |part: &[u8; 3]| (part[0], u32::from(part[1] >> 4), u32::from(part[1] & 15));
        let components: Vec<_> = parts.as_chunks::<3>().0.iter().map(component).collect();
        let good = |side: u32| (1..=4).contains(&side);
        let all = components.iter().all(|(_, across, down)| good(*across) && good(*down));
        // What is grey has a single component; its blocks are its MCUs, however it is sampled (A.2.2).
        let most = |side: fn(&Component) -> u32| components.iter().map(side).max().unwrap_or(1);
        self.mcu = match components.len() {
            1 => (8, 8),
            _ => (8 * most(|part| part.1), 8 * most(|part| part.2)),
        };
        let possible = [width, height].iter().all(|side| (1..=Size::LONGEST).contains(side));
        if all && possible && *depth == 8 && matches!(components.len(), 1 | 3) { Ok(components) } else { Err(Uncut) }
    }

    /// Reads the scan header (B.2.3), which must be of all components.
    fn scan(&mut self, segment: &[u8], components: &[Component], interval: u32) -> Result<(), Uncut> {
        let (count, rest) = segment.split_first().ok_or(Uncut)?;
        let (parts, spectrum) = rest.split_at_checked(components.len() * 2).ok_or(Uncut)?;
        if components.is_empty() || usize::from(*count) != components.len() || spectrum != [0, 63, 0] {
            return Err(Uncut);
        }
        for ((id, across, down), part) in components.iter().zip(parts.as_chunks::<2>().0) {
            if part[0] != *id {
                return Err(Uncut);
            }
            let blocks = if components.len() == 1 { 1 } else { across * down };
            self.scan.push(Part { blocks, dc: (part[1] >> 4).into(), ac: (part[1] & 15).into() });
        }
        self.across = self.size.0.div_ceil(self.mcu.0);
        let mcus = self.across * self.size.1.div_ceil(self.mcu.1);
        self.interval = if interval == 0 { u32::MAX } else { interval };
        self.restarts = if interval == 0 { 0 } else { mcus.div_ceil(interval) };
        Ok(())
    }

    /// Returns the columns and rows of MCUs in which a window lies.
    pub(super) fn mcus_within(&self, (left, top): (u32, u32), size: Size) -> Result<(Range<u32>, Range<u32>), Uncut> {
        let range = |begin: u32, length: u32, whole: u32, mcu: u32| {
            let end = begin.checked_add(length).filter(|end| *end <= whole && length > 0 && begin.is_multiple_of(mcu));
            Ok(begin / mcu..end.ok_or(Uncut)?.div_ceil(mcu))
        };
        let columns = range(left, size.width, self.size.0, self.mcu.0)?;
        Ok((columns, range(top, size.height, self.size.1, self.mcu.1)?))
    }

    /// Puts a picture together.
    pub(super) fn assemble(&self, jpeg: &[u8], size: Size, tables: &Tables, data: &[u8]) -> Bytes {
        let (sos, added) = (&jpeg[self.sos_at..self.data_at], tables.added());
        let head: usize = self.kept.iter().map(Range::len).sum();
        let mut made = Vec::with_capacity(head + added.len() + sos.len() + data.len() + 2);
        for range in &self.kept {
            let begin = made.len();
            made.extend_from_slice(&jpeg[range.clone()]);
            if range.contains(&self.sides_at) {
                let sides = ((size.height << 16) | size.width).to_be_bytes();
                made[begin + self.sides_at - range.start..][..4].copy_from_slice(&sides);
            }
        }
        for piece in [&added, sos, data, &[0xff, 0xd9]] {
            made.extend_from_slice(piece);
        }
        made.into()
    }
}
