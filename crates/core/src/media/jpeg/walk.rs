//! The walk over the markers of a picture (ITU T.81 Annex B), and the changes that it finds necessary.

use std::ops::Range;

use bytes::Bytes;

use super::{
    Broken, Foreign, LONGEST,
    tables::{PLAIN_JFIF, STANDARD_DHT},
};
use crate::media::frame::Size;

/// The most marker segments in a picture; real ones have about ten. Bounds the list of changes.
const MOST_SEGMENTS: usize = 500;

/// What a walk found.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) size: Size,
    pub(super) mcu: Size,
    /// Where the picture ends, right behind FFD9.
    pub(super) end: usize,
    /// What is replaced by what, in order; an insertion replaces an empty range.
    pub(super) edits: Vec<(Range<usize>, &'static [u8])>,
}

impl Walked {
    /// Copies the picture with its changes made.
    pub(super) fn rebuild(&self, jpeg: &[u8]) -> Bytes {
        let inserted: usize = self.edits.iter().map(|(_, new)| new.len()).sum();
        let mut rebuilt = Vec::with_capacity(self.end + inserted);
        let mut at = 0;
        for (old, new) in &self.edits {
            rebuilt.extend_from_slice(&jpeg[at..old.start]);
            rebuilt.extend_from_slice(new);
            at = old.end;
        }
        rebuilt.extend_from_slice(&jpeg[at..self.end]);
        rebuilt.into()
    }
}

/// Walks a picture from FFD8 to FFD9.
pub(super) fn walk(jpeg: &[u8]) -> Result<Walked, Broken> {
    if jpeg.len() > LONGEST {
        return Err(Broken::TooLong);
    }
    if !jpeg.starts_with(&[0xff, 0xd8]) {
        return Err(if jpeg.is_empty() || jpeg == [0xff] { Broken::Cut } else { Broken::NotJpeg });
    }
    let mut walk = Walk { jpeg, at: 2, ..Walk::default() };
    for _ in 0..MOST_SEGMENTS {
        if walk.step()? {
            let header = walk.header.ok_or(Broken::Marker)?;
            if walk.scanned != header.components().iter().fold(0, |all, part| all | part.bit) {
                return Err(Broken::Cut);
            }
            return Ok(Walked { size: header.size, mcu: header.mcu(), end: walk.at, edits: walk.edits });
        }
    }
    Err(Broken::Marker)
}

/// One colour component of the frame header.
#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    /// One bit a component, for sets of them.
    bit: u8,
    across: u32,
    down: u32,
    quantisation: u8,
}

/// The frame header, SOF0 or SOF1.
#[derive(Clone, Copy)]
struct Header {
    size: Size,
    count: usize,
    parts: [Component; 3],
}

impl Header {
    fn components(&self) -> &[Component] {
        &self.parts[..self.count]
    }

    /// Returns the largest sampling factors, across and down.
    fn factors(&self) -> (u32, u32) {
        let most = |side: fn(&Component) -> u32| self.components().iter().map(side).max().unwrap_or(1);
        (most(|part| part.across), most(|part| part.down))
    }

    /// Returns the size of an MCU in pixels.
    fn mcu(&self) -> Size {
        let (across, down) = if self.count == 1 { (1, 1) } else { self.factors() };
        Size::new(8 * across, 8 * down)
    }

    /// Counts the MCUs of a scan and the blocks in each (A.2.2, A.2.3): a scan of one component goes block by block.
    fn mcus_and_blocks(&self, scan: &[Component]) -> (u32, u32) {
        let (across, down) = self.factors();
        match scan {
            [one] => {
                let width = (self.size.width * one.across).div_ceil(across);
                let height = (self.size.height * one.down).div_ceil(down);
                (width.div_ceil(8) * height.div_ceil(8), 1)
            }
            several => {
                let mcus = self.size.width.div_ceil(8 * across) * self.size.height.div_ceil(8 * down);
                (mcus, several.iter().map(|part| part.across * part.down).sum())
            }
        }
    }
}

/// A walk under way. Table sets are bit masks over the table's number.
#[derive(Default)]
struct Walk<'a> {
    jpeg: &'a [u8],
    at: usize,
    header: Option<Header>,
    quantisation: u8,
    dc: u8,
    ac: u8,
    /// MCUs between restart markers; 0: none.
    interval: u32,
    jfif: bool,
    /// The transform of Adobe's marker.
    adobe: Option<u8>,
    /// The components whose scan was seen.
    scanned: u8,
    edits: Vec<(Range<usize>, &'static [u8])>,
}

impl<'a> Walk<'a> {
    /// Takes one marker with its segment and, behind SOS, the data; returns whether it was the end.
    fn step(&mut self) -> Result<bool, Broken> {
        let start = self.at;
        let marker = self.marker()?;
        if marker == 0xd9 {
            return Ok(true);
        }
        // Markers without a segment (TEM, RSTn, SOI) have no business outside the data.
        if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
            return Err(Broken::Marker);
        }
        let segment = self.segment()?;
        match marker {
            0xc4 => self.huffman(segment)?,
            0xdb => self.quantisation(segment)?,
            0xdd => self.interval = u32::from(u16::from_be_bytes(segment.try_into().map_err(|_| Broken::Segment)?)),
            0xc0 | 0xc1 => self.header(segment)?,
            0xc2 => return Err(Broken::Foreign(Foreign::Progressive)),
            // SOF3 and up, and DAC; C4 was above, C8 is reserved.
            0xc3..=0xcf => return Err(Broken::Foreign(Foreign::Coding)),
            0xe0..=0xef => self.application(marker, segment, start),
            0xfe if segment.windows(2).any(|pair| pair == [0xff, 0xd9]) => self.edit(start..self.at, &[]),
            0xda => self.scan(segment, start)?,
            _ => {}
        }
        Ok(false)
    }

    /// Takes a marker's code; fill bytes FF may stand before it (B.1.1.2).
    fn marker(&mut self) -> Result<u8, Broken> {
        let rest = self.jpeg.get(self.at..).unwrap_or_default();
        let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
        let code = *rest.get(fill).ok_or(Broken::Cut)?;
        if fill == 0 {
            return Err(Broken::Marker);
        }
        self.at += fill + 1;
        Ok(code)
    }

    /// Takes a segment and returns what follows its length.
    fn segment(&mut self) -> Result<&'a [u8], Broken> {
        let rest = self.jpeg.get(self.at..).unwrap_or_default();
        let (length, _) = rest.split_first_chunk().ok_or(Broken::Cut)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            return Err(Broken::Segment);
        }
        let segment = rest.get(2..length).ok_or(Broken::Cut)?;
        self.at += length;
        Ok(segment)
    }

    /// Notes a change, joined with the one before where they touch.
    fn edit(&mut self, old: Range<usize>, new: &'static [u8]) {
        match self.edits.last_mut() {
            Some((last, _)) if last.end == old.start && new.is_empty() => last.end = old.end,
            Some(_) | None => self.edits.push((old, new)),
        }
    }

    /// Keeps an APPn segment, replaces or removes it.
    fn application(&mut self, marker: u8, segment: &[u8], start: usize) {
        match (marker, segment) {
            (0xe0, [b'J', b'F', b'I', b'F', 0, rest @ ..]) if rest.len() >= 9 => {
                self.jfif = true;
                if rest.len() > 9 || rest[7..] != [0, 0] {
                    self.edit(start..self.at, &PLAIN_JFIF);
                }
            }
            (0xe0, [b'A', b'V', b'I', b'1', rest @ ..]) if rest.len() < 32 => {}
            (0xee, [b'A', b'd', b'o', b'b', b'e', rest @ ..]) if rest.len() == 7 => self.adobe = Some(rest[6]),
            _ => self.edit(start..self.at, &[]),
        }
    }

    /// Takes the tables of a DQT segment (B.2.4.1).
    fn quantisation(&mut self, mut segment: &[u8]) -> Result<(), Broken> {
        while let [head, rest @ ..] = segment {
            let length = match head >> 4 {
                0 => 64,
                1 => 128,
                _ => return Err(Broken::Segment),
            };
            segment = rest.get(length..).ok_or(Broken::Segment)?;
            self.quantisation |= table(head & 15)?;
        }
        Ok(())
    }

    /// Takes the tables of a DHT segment (B.2.4.2); codes that no decoder could build are refused.
    fn huffman(&mut self, mut segment: &[u8]) -> Result<(), Broken> {
        while let [head, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Broken::Segment)?;
            // Each length's codes follow the ones before (C.2): they must fit into that many bits.
            let (mut symbols, mut code) = (0, 0);
            for (count, length) in counts.iter().zip(1..) {
                symbols += usize::from(*count);
                code = code * 2 + u32::from(*count);
                if code > 1 << length {
                    return Err(Broken::Segment);
                }
            }
            let values = rest.get(..symbols).filter(|_| symbols <= 256).ok_or(Broken::Segment)?;
            segment = &rest[symbols..];
            match head >> 4 {
                0 if values.iter().all(|category| *category <= 15) => self.dc |= table(head & 15)?,
                1 => self.ac |= table(head & 15)?,
                _ => return Err(Broken::Segment),
            }
        }
        Ok(())
    }

    /// Takes the frame header (B.2.2).
    fn header(&mut self, segment: &[u8]) -> Result<(), Broken> {
        let ([depth, sides @ .., count], parts) = segment.split_first_chunk::<6>().ok_or(Broken::Segment)?;
        if self.header.is_some() {
            return Err(Broken::Marker);
        }
        if *depth != 8 {
            return Err(Broken::Foreign(Foreign::Depth));
        }
        let [height, width] = [[sides[0], sides[1]], [sides[2], sides[3]]].map(|side| u16::from_be_bytes(side).into());
        if [width, height].iter().any(|side| !(1..=Size::LONGEST).contains(side)) {
            return Err(Broken::Size);
        }
        let count = usize::from(*count);
        if !matches!(count, 1 | 3) {
            return Err(Broken::Foreign(Foreign::Colours));
        }
        if parts.len() != count * 3 {
            return Err(Broken::Segment);
        }
        let mut header = Header { size: Size::new(width, height), count, parts: <[Component; 3]>::default() };
        for (at, part) in parts.chunks_exact(3).enumerate() {
            let (id, across, down) = (part[0], u32::from(part[1] >> 4), u32::from(part[1] & 15));
            let twice = header.parts[..at].iter().any(|other| other.id == id);
            if twice || !(1..=4).contains(&across) || !(1..=4).contains(&down) || part[2] > 3 {
                return Err(Broken::Segment);
            }
            header.parts[at] = Component { id, bit: 1 << at, across, down, quantisation: 1 << part[2] };
        }
        self.header = Some(header);
        Ok(())
    }

    /// Says whether three components are RGB, by the rules of libjpeg, which everybody follows.
    fn is_rgb(&self, header: &Header) -> bool {
        let ids = header.parts.map(|part| part.id);
        header.count == 3 && !self.jfif && self.adobe.map_or(ids == *b"RGB", |transform| transform == 0)
    }

    /// Takes a scan header (B.2.3), sees that its tables exist, and walks over its data.
    fn scan(&mut self, segment: &[u8], start: usize) -> Result<(), Broken> {
        let header = self.header.ok_or(Broken::Marker)?;
        if self.is_rgb(&header) {
            return Err(Broken::Foreign(Foreign::Colours));
        }
        let (count, rest) = segment.split_first().ok_or(Broken::Segment)?;
        let count = usize::from(*count);
        if !(1..=header.count).contains(&count) || rest.len() != count * 2 + 3 {
            return Err(Broken::Segment);
        }
        if self.dc == 0 && self.ac == 0 {
            self.edit(start..start, &STANDARD_DHT);
            (self.dc, self.ac) = (0b11, 0b11);
        }
        let mut parts = [Component::default(); 3];
        for (at, chosen) in rest[..count * 2].chunks_exact(2).enumerate() {
            let part = header.components().iter().find(|part| part.id == chosen[0]).ok_or(Broken::Segment)?;
            if self.scanned & part.bit != 0 {
                return Err(Broken::Marker);
            }
            self.scanned |= part.bit;
            let (dc, ac) = (table(chosen[1] >> 4)?, table(chosen[1] & 15)?);
            if self.dc & dc == 0 || self.ac & ac == 0 || self.quantisation & part.quantisation == 0 {
                return Err(Broken::Tables);
            }
            parts[at] = *part;
        }
        let (mcus, blocks) = header.mcus_and_blocks(&parts[..count]);
        if blocks > 10 {
            return Err(Broken::Segment);
        }
        self.data(mcus, blocks)
    }

    /// Walks over entropy-coded data: up to a marker that is neither a stuffed FF nor a restart.
    fn data(&mut self, mcus: u32, blocks: u32) -> Result<(), Broken> {
        let start = self.at;
        let mut restarts: u32 = 0;
        loop {
            let rest = self.jpeg.get(self.at..).unwrap_or_default();
            self.at += memchr::memchr(0xff, rest).ok_or(Broken::Cut)?;
            let marker_at = self.at;
            match self.marker()? {
                0x00 => {}
                code @ 0xd0..=0xd7 => {
                    if u32::from(code - 0xd0) != restarts % 8 || self.interval == 0 {
                        return Err(Broken::Restart);
                    }
                    restarts += 1;
                }
                _ => {
                    self.at = marker_at;
                    break;
                }
            }
        }
        // One restart marker too many, behind the last interval, is a habit of some encoders and does no harm.
        let due = if self.interval == 0 { 0 } else { mcus.div_ceil(self.interval) - 1 };
        if restarts > due + 1 {
            return Err(Broken::Restart);
        }
        // The shortest code is one bit, and a block has at least two: its DC difference and the end of block.
        let least = mcus as usize * blocks as usize / 4;
        if restarts < due || self.at - start < least { Err(Broken::Cut) } else { Ok(()) }
    }
}

/// Returns the bit of a table's number, 0-3.
fn table(number: u8) -> Result<u8, Broken> {
    if number > 3 { Err(Broken::Segment) } else { Ok(1 << number) }
}
