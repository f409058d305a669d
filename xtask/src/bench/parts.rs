//! What one viewer reads: a response head, then multipart parts without end. Every part is checked: its head, the
//! JPEG's first and last bytes and the line end behind it, so that a server that cuts or mixes pictures is found out.
//! The bytes between may be left in the kernel ([`Parts::may_skip`]): the load generator must cost less than the server.
//!
//! ```text
//! Answer --blank line--> Head --blank line--> Body --Content-Length + CRLF--> Head …
//! ```

use anyhow::{Context, Result, bail, ensure};

use super::stamp::Stamp;

/// Cuts a response into parts, whatever pieces it arrives in.
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
    Answer,
    Head,
    /// `length` is the JPEG's; `left` counts its CRLF too.
    Body {
        length: usize,
        left: usize,
    },
}

/// One whole part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The JPEG's length.
    pub length: usize,
    /// What the picture says of itself, if it was passed on untouched.
    pub stamp: Option<Stamp>,
}

/// EOI and CRLF.
const TAIL: usize = 4;
/// More than any head of a part or an answer.
const LONGEST_HEAD: usize = 4096;

impl Parts {
    /// Says whether the response head was read.
    pub fn answered(&self) -> bool {
        !matches!(self.stage, Stage::Answer)
    }

    /// Returns how many of the next bytes need not be looked at.
    pub fn may_skip(&self) -> usize {
        match self.stage {
            Stage::Body { left, .. } if self.held.len() >= Stamp::WITHIN => left.saturating_sub(TAIL),
            Stage::Body { .. } | Stage::Answer | Stage::Head => 0,
        }
    }

    /// Counts bytes that were thrown away unseen; never more than [`Self::may_skip`].
    pub fn skipped(&mut self, count: usize) {
        if let Stage::Body { left, .. } = &mut self.stage {
            *left -= count.min(*left);
        }
    }

    /// Takes the next bytes and reports each part that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut whole: impl FnMut(Part)) -> Result<()> {
        while !bytes.is_empty() {
            match self.stage {
                Stage::Answer | Stage::Head => bytes = self.push_head(bytes)?,
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

    /// Takes bytes up to the end of a head and returns those behind it.
    fn push_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        // The blank line may have begun in an earlier piece.
        let seen = self.held.len();
        self.held.extend_from_slice(&bytes[..bytes.len().min(LONGEST_HEAD)]);
        let from = seen.saturating_sub(3);
        let Some(at) = self.held[from..].windows(4).position(|end| end == b"\r\n\r\n") else {
            ensure!(self.held.len() < LONGEST_HEAD, "a head without end: {:?}", String::from_utf8_lossy(&self.held));
            return Ok(&[]);
        };
        let end = from + at + 4;
        let head = String::from_utf8_lossy(&self.held[..end]).into_owned();
        self.held.clear();
        self.stage = if self.answered() { part_head(&head)? } else { answer_head(&head)? };
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
        let part = Part { length, stamp: Stamp::find(&self.held) };
        self.held.clear();
        self.stage = Stage::Head;
        Ok(part)
    }
}

/// Checks the head of the response.
fn answer_head(head: &str) -> Result<Stage> {
    let status = head.split(' ').nth(1);
    ensure!(status == Some("200"), "refused: {:?}", head.lines().next().unwrap_or_default());
    let head = head.to_ascii_lowercase();
    ensure!(head.contains("content-type: multipart/x-mixed-replace"), "not a push stream: {head:?}");
    ensure!(!head.contains("transfer-encoding"), "a push stream in chunks: {head:?}");
    Ok(Stage::Head)
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
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n".to_vec();
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
            parts.push(Part { length: jpeg.len(), stamp: Some(stamp) });
        }
        (bytes, parts)
    }

    #[test]
    fn parts_are_the_same_in_whatever_pieces_they_arrive() {
        let (bytes, expected) = stream();
        for piece in [1, 2, 3, 5, 100, 333, 5000] {
            let (mut parts, mut found) = (Parts::default(), Vec::new());
            for piece in bytes.chunks(piece) {
                parts.push(piece, |part| found.push(part)).unwrap();
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
            parts.push(piece, |part| found.push(part)).unwrap();
            rest = behind;
        }
        assert_eq!(found, expected);
        assert!(skipped > 300, "{skipped}");
    }

    #[test]
    fn a_cut_picture_a_wrong_length_and_a_refusal_are_found_out() {
        let (bytes, _) = stream();
        let text = |bytes: &[u8]| Parts::default().push(bytes, |_| {}).map_err(|error| error.to_string());
        let mut cut = bytes.clone();
        cut.remove(150);
        assert!(text(&cut).is_err());
        let end = bytes.len() - 4;
        let mut no_end = bytes.clone();
        no_end[end] = 0;
        assert!(text(&no_end).unwrap_err().contains("does not end"));
        assert!(text(b"HTTP/1.1 401 Unauthorized\r\n\r\n").unwrap_err().contains("refused"));
    }
}
