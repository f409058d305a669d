//! Cuts a window out of a JPEG on the borders of its MCUs, without decoding it.
//!
//! Of the Huffman codes only their lengths matter, for what is inside the window is copied bit by bit. All that changes is
//! the first block of each component in each row of MCUs: it says by how much its DC is more than that of the block before,
//! and another block is before it now. So the walk keeps count of each component's DC, and looks at nothing else. What is
//! below the window is not walked; nor is, where there are restart markers, what lies between two of them outside. Of both
//! the bytes are unstuffed, as a whole scan is at once.
//!
//! ```text
//!   data ──▶ unstuffed ──▶ MCU by MCU: how long, which DC ──▶ runs of bits, first DCs anew ──▶ stuffed
//! ```
//!
//! What it cannot cut or finds damaged, it leaves to somebody who decodes: there is one kind of error.

mod bits;
mod head;
mod huffman;

use std::ops::Range;

use bytes::Bytes;

use self::{
    bits::{Reader, Writer},
    head::Head,
    huffman::{Ac, Dc, Tables},
};
use crate::media::frame::Size;

/// Cuts windows; keeps its buffers, and the tables of the last picture, which often are those of the next one.
#[derive(Debug, Default)]
pub struct Cutter {
    tables: Tables,
    reader: Reader,
    writer: Writer,
}

/// A picture that cannot be cut here: it is damaged, or of another kind than baseline in one scan, or its MCUs have no borders
/// where the window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the picture cannot be cut without decoding it")]
pub struct Uncut;

/// One component in an MCU.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// Blocks of it in an MCU.
    blocks: u32,
    dc: &'a Dc,
    ac: &'a Ac,
    /// The DC of its last block.
    sum: i32,
    /// The DC of its last block in what is written.
    written: i32,
}

impl Cutter {
    /// Cuts a window whose left and upper edge are borders of MCUs out of a picture that [`super::check`] let pass.
    ///
    /// What comes out passes as well, with the same tables. Of components that are subsampled, the samples are the very same,
    /// too; but a decoder that smoothes them has no neighbours outside the window.
    ///
    /// # Errors
    /// [`Uncut`]; whoever decodes may still be able to.
    pub fn cut(&mut self, jpeg: &[u8], (left, top): (u32, u32), size: Size) -> Result<Bytes, Uncut> {
        let head = Head::read(jpeg, &mut self.tables)?;
        let (columns, rows) = head.mcus_within((left, top), size)?;
        self.reader.fill(&jpeg[head.data_at..], &head)?;
        self.writer.clear();
        let parts = head.scan.iter().map(|part| {
            let (dc, ac) = (self.tables.dc(part.dc)?, self.tables.ac(part.ac)?);
            Ok(Part { blocks: part.blocks, dc, ac, sum: 0, written: 0 })
        });
        let mut walk = Walk {
            parts: parts.collect::<Result<_, Uncut>>()?,
            across: head.across,
            interval: head.interval,
            left: head.interval,
            reader: &mut self.reader,
        };
        walk.rows(columns, rows, &mut self.writer)?;
        Ok(head.assemble(jpeg, size, &self.tables, self.writer.finish()))
    }
}

/// A walk over the MCUs of a scan.
struct Walk<'a> {
    parts: Vec<Part<'a>>,
    /// MCUs a row.
    across: u32,
    /// MCUs between two restart markers, or more than there are.
    interval: u32,
    /// MCUs up to the next one.
    left: u32,
    reader: &'a mut Reader,
}

impl Walk<'_> {
    /// Copies the MCUs of a window.
    fn rows(&mut self, columns: Range<u32>, rows: Range<u32>, writer: &mut Writer) -> Result<(), Uncut> {
        self.skip(rows.start * self.across)?;
        for row in rows.clone() {
            self.skip(columns.start)?;
            // What lies between here and where the walk is has been looked at, and is not yet copied.
            let mut from = self.reader.at;
            for _ in columns.clone() {
                if self.left == 0 {
                    writer.copy(self.reader, from..self.reader.at)?;
                    self.restart()?;
                    from = self.reader.at;
                }
                self.left -= 1;
                if self.parts.iter().all(|part| part.sum == part.written) {
                    self.mcu()?;
                } else {
                    from = self.first_mcu(from, writer)?;
                }
                self.parts.iter_mut().for_each(|part| part.written = part.sum);
            }
            writer.copy(self.reader, from..self.reader.at)?;
            if row + 1 < rows.end {
                self.skip(self.across - columns.end)?;
            }
        }
        Ok(())
    }

    /// Walks over MCUs outside the window.
    fn skip(&mut self, mut mcus: u32) -> Result<(), Uncut> {
        while mcus > 0 {
            if self.left == 0 {
                self.restart()?;
            }
            if self.left <= mcus && self.reader.more() {
                // Behind a restart marker, the DC begins anew.
                self.reader.skip_interval();
                mcus -= self.left;
                self.left = 0;
            } else {
                self.mcu()?;
                self.left -= 1;
                mcus -= 1;
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), Uncut> {
        self.reader.next_interval()?;
        self.left = self.interval;
        self.parts.iter_mut().for_each(|part| part.sum = 0);
        Ok(())
    }

    /// Walks over an MCU.
    fn mcu(&mut self) -> Result<(), Uncut> {
        for part in &mut self.parts {
            for _ in 0..part.blocks {
                part.sum += self.reader.dc(part.dc)?;
                self.reader.ac(part.ac)?;
            }
            part.check()?;
        }
        self.reader.within()
    }

    /// Walks over an MCU before which others stand in what is written: its first DCs are written anew.
    ///
    /// Returns from where on the rest is to be copied.
    fn first_mcu(&mut self, mut from: usize, writer: &mut Writer) -> Result<usize, Uncut> {
        for part in &mut self.parts {
            for block in 0..part.blocks {
                let (begin, before) = (self.reader.at, part.sum);
                part.sum += self.reader.dc(part.dc)?;
                if block == 0 && before != part.written {
                    writer.copy(self.reader, from..begin)?;
                    writer.dc(part.dc, part.sum - part.written)?;
                    from = self.reader.at;
                }
                self.reader.ac(part.ac)?;
            }
            part.check()?;
        }
        self.reader.within()?;
        Ok(from)
    }
}

impl Part<'_> {
    /// Refuses a DC that no picture of 8 bits has; so sums do not run over, either.
    fn check(&self) -> Result<(), Uncut> {
        if self.sum.unsigned_abs() < 1 << 15 { Ok(()) } else { Err(Uncut) }
    }
}

#[cfg(test)]
mod tests;
