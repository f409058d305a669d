//! Multipart parts without end. Every part is checked: its head, the JPEG's first and last bytes and the line end behind
//! it. The bytes between may be left in the kernel.
//!
//! ```text
//! Head --blank line--> Body --Content-Length + CRLF--> Head …
//! ```

use anyhow::{Context, Result, bail, ensure};

use super::{
    stamp::Stamp,
    stream::{Cut, Part, take_head},
};

/// Cuts a stream into pictures.
#[derive(Debug, Default)]
pub struct Parts {
    stage: Stage,
    /// The head being read, or the first bytes of the body.
    held: Vec<u8>,
    /// The last bytes of the body that were seen.
    tail: [u8; TAIL],
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Head,
    /// `length` is the JPEG's; `left` counts its CRLF too.
    Body { length: usize, left: usize },
}

/// EOI and CRLF.
const TAIL: usize = 4;
/// Part head, JFIF head and stamp fit.
const HEADS: usize = 256;

impl Cut for Parts {
    fn piece(&self) -> usize {
        HEADS
    }

    fn may_skip(&self) -> usize {
        match self.stage {
            Stage::Body { left, .. } if self.held.len() >= Stamp::WITHIN => left.saturating_sub(TAIL),
            Stage::Body { .. } | Stage::Head => 0,
        }
    }

    fn skipped(&mut self, count: usize) {
        if let Stage::Body { left, .. } = &mut self.stage {
            *left -= count.min(*left);
        }
    }

    fn push(&mut self, mut bytes: &[u8], whole: &mut dyn FnMut(Part)) -> Result<()> {
        while !bytes.is_empty() {
            match self.stage {
                Stage::Head => bytes = self.push_head(bytes)?,
                Stage::Body { length, left } => {
                    let (body, rest) = bytes.split_at(left.min(bytes.len()));
                    self.push_body(body);
                    if body.len() == left {
                        whole(self.finish(length)?);
                    } else {
                        self.stage = Stage::Body { length, left: left - body.len() };
                    }
                    bytes = rest;
                }
            }
        }
        Ok(())
    }
}

impl Parts {
    /// Takes bytes up to the end of a head and returns those behind it.
    fn push_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let seen = self.held.len();
        let Some(end) = take_head(&mut self.held, bytes)? else { return Ok(&[]) };
        self.stage = part_head(&String::from_utf8_lossy(&self.held))?;
        self.held.clear();
        Ok(&bytes[end - seen..])
    }

    fn push_body(&mut self, body: &[u8]) {
        let missing = Stamp::WITHIN.saturating_sub(self.held.len());
        self.held.extend_from_slice(&body[..missing.min(body.len())]);
        let fresh = &body[body.len().saturating_sub(TAIL)..];
        self.tail.rotate_left(fresh.len());
        self.tail[TAIL - fresh.len()..].copy_from_slice(fresh);
    }

    fn finish(&mut self, length: usize) -> Result<Part> {
        ensure!(self.held.starts_with(&[0xFF, 0xD8]), "a part that does not begin as a JPEG");
        ensure!(self.tail == *b"\xFF\xD9\r\n", "a part that does not end as a JPEG: {:?}", self.tail);
        let part = Part::Picture { length, stamp: Stamp::find(&self.held) };
        self.held.clear();
        self.stage = Stage::Head;
        Ok(part)
    }
}

/// Reads the length out of the head of a part.
fn part_head(head: &str) -> Result<Stage> {
    ensure!(head.starts_with("--"), "a part that does not begin with a boundary: {head:?}");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let Some(Ok(length)) = length.map(str::parse::<usize>) else { bail!("a part without length: {head:?}") };
    Ok(Stage::Body { length, left: length.checked_add(2).context("a length without bounds")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> (Vec<u8>, Vec<Part>) {
        let mut bytes = Vec::new();
        let mut parts = Vec::new();
        for seq in 1..4 {
            let stamp = Stamp { seq, at_ns: seq * 10 };
            let mut jpeg = vec![0xFF, 0xD8];
            jpeg.extend(stamp.segment());
            jpeg.resize(300, 7);
            jpeg.extend([0xFF, 0xD9]);
            bytes.extend(format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len()).bytes());
            bytes.extend(&jpeg);
            bytes.extend(b"\r\n");
            parts.push(Part::Picture { length: jpeg.len(), stamp: Some(stamp) });
        }
        (bytes, parts)
    }

    #[test]
    fn parts_are_the_same_in_whatever_pieces_they_arrive() {
        let (bytes, expected) = stream();
        for piece in [1, 2, 3, 5, 100, 333, 5000] {
            let (mut parts, mut found) = (Parts::default(), Vec::new());
            for piece in bytes.chunks(piece) {
                parts.push(piece, &mut |part| found.push(part)).unwrap();
            }
            assert_eq!(found, expected, "pieces of {piece}");
        }
    }

    #[test]
    fn what_may_be_skipped_never_holds_the_stamp_or_the_end() {
        let (bytes, expected) = stream();
        let (mut parts, mut found, mut skipped) = (Parts::default(), Vec::new(), 0);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let skip = parts.may_skip();
            parts.skipped(skip);
            skipped += skip;
            rest = &rest[skip..];
            let (piece, behind) = rest.split_at(rest.len().min(64));
            parts.push(piece, &mut |part| found.push(part)).unwrap();
            rest = behind;
        }
        assert_eq!(found, expected);
        assert!(skipped > 300, "{skipped}");
    }

    #[test]
    fn a_cut_picture_and_a_wrong_length_are_found_out() {
        let (bytes, _) = stream();
        let text = |bytes: &[u8]| Parts::default().push(bytes, &mut |_| {}).map_err(|error| error.to_string());
        let mut cut = bytes.clone();
        cut.remove(150);
        assert!(text(&cut).is_err());
        let end = bytes.len() - 4;
        let mut no_end = bytes.clone();
        no_end[end] = 0;
        assert!(text(&no_end).unwrap_err().contains("does not end"));
    }
}
