//! The pack of the vendor's tools, read piece by piece as it comes (PROFILE 5.11; the evidence is in ADR 0014).
//!
//! ```text
//! bd 9a 0c 44 | sum u32 | size u32 | version 4 bytes | entry …         all numbers little-endian
//! entry:  name's length u32 | name | 01 | size u32 | content           a file
//!         name's length u32 | name | 00                                a folder
//! ```
//! `sum` adds up all bytes behind `size`, `size` counts the whole pack. Names begin with a slash: the root of the web UI.

use super::{BadPack, Contents, LONGEST_NAME, bad};
use crate::profile::view::Version;

/// What a pack begins with.
pub const MAGIC: [u8; 4] = [0xbd, 0x9a, 0x0c, 0x44];

const HEAD: usize = 16;
/// Where the bytes begin that the checksum counts.
const SUMMED: u64 = 12;

/// A reader of one pack: give it the bytes in order, then ask for the [`end`](Self::end).
#[derive(Debug, Default)]
pub struct Reader {
    contents: Contents,
    /// The head, or the head of an entry, as far as it is there.
    head: Vec<u8>,
    /// What is left of a file's content.
    left: u32,
    claimed: Option<Claimed>,
    read: u64,
    sum: u32,
}

/// What the head says of the pack.
#[derive(Debug)]
struct Claimed {
    sum: u32,
    size: u32,
    version: Version,
}

/// What came up.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'b> {
    /// A file begins.
    File {
        /// Its name, checked.
        name: String,
        /// Its length, bytes.
        size: u64,
    },
    /// A piece of the content of the file that began last.
    Content(&'b [u8]),
}

impl Reader {
    /// Takes bytes off the front of `bytes` until something came up; `None` once they are used up.
    ///
    /// # Errors
    /// It is no pack, or one of those that [`Contents`] refuses.
    pub fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<Found<'b>>, BadPack> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX);
                let piece = self.cut(bytes, most);
                // No more than `left`, which is a u32.
                self.left -= u32::try_from(piece.len()).unwrap_or(u32::MAX);
                return Ok(Some(Found::Content(piece)));
            }
            let missing = self.needed()? - self.head.len();
            let piece = self.cut(bytes, missing);
            self.head.extend_from_slice(piece);
            if self.head.len() == self.needed()?
                && let Some(file) = self.entry()?
            {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// Ends the pack and returns its version.
    ///
    /// # Errors
    /// It is cut short, too long, or its sum is another.
    pub fn end(self) -> Result<Version, BadPack> {
        let Some(claimed) = self.claimed.filter(|_| self.head.is_empty() && self.left == 0) else {
            return bad("it is cut short");
        };
        if u64::from(claimed.size) != self.read {
            return bad(format!("it has {} bytes and claims {}", self.read, claimed.size));
        }
        if claimed.sum != self.sum {
            return bad(format!("the checksum is {:#x} and not {:#x}", self.sum, claimed.sum));
        }
        Ok(claimed.version)
    }

    fn cut<'b>(&mut self, bytes: &mut &'b [u8], most: usize) -> &'b [u8] {
        let (piece, rest) = bytes.split_at(most.min(bytes.len()));
        let unsummed = usize::try_from(SUMMED.saturating_sub(self.read)).unwrap_or(usize::MAX).min(piece.len());
        self.sum = piece[unsummed..].iter().fold(self.sum, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        self.read += piece.len() as u64;
        *bytes = rest;
        piece
    }

    /// Returns how many bytes the head in hand has, as far as it tells already.
    fn needed(&self) -> Result<usize, BadPack> {
        if self.claimed.is_none() {
            return Ok(HEAD);
        }
        let Some(length) = number(&self.head, 0) else { return Ok(4) };
        // One more for the slash.
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= LONGEST_NAME + 1) else {
            return bad(format!("an entry has a name of {length} bytes"));
        };
        Ok(match self.head.get(4 + length) {
            None | Some(0) => 4 + length + 1,
            Some(_) => 4 + length + 1 + 4,
        })
    }

    /// Reads the complete head in hand; returns the file that begins with it.
    fn entry(&mut self) -> Result<Option<Found<'static>>, BadPack> {
        let head = std::mem::take(&mut self.head);
        let at = |at: usize| number(&head, at).unwrap_or_default();
        if self.claimed.is_none() {
            if !head.starts_with(&MAGIC) {
                return bad("it is no web pack");
            }
            let version = Version([head[12], head[13], head[14], head[15]]);
            self.claimed = Some(Claimed { sum: at(4), size: at(8), version });
            return Ok(None);
        }
        // All of it is there: `needed` said so.
        let (name, rest) = head[4..].split_at(at(0) as usize);
        let name = name.strip_prefix(b"/").unwrap_or(name);
        match rest[0] {
            0 => self.contents.folder(name).map(|()| None),
            1 => {
                self.left = number(rest, 1).unwrap_or_default();
                let size = u64::from(self.left);
                Ok(Some(Found::File { name: self.contents.file(name, size)?, size }))
            }
            other => bad(format!("an entry is of type {other}")),
        }
    }
}

/// Reads a number, if all of it is there.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Packs files, and folders where there is no content, as the vendor's tools do.
    fn pack(entries: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
        let entry = |(name, content): &(&str, Option<&[u8]>)| {
            let length = (name.len() as u32).to_le_bytes();
            let head = [&length[..], name.as_bytes()].concat();
            match content {
                None => [&head[..], &[0]].concat(),
                Some(content) => [&head[..], &[1], &(content.len() as u32).to_le_bytes(), content].concat(),
            }
        };
        sealed(&entries.iter().flat_map(entry).collect::<Vec<_>>())
    }

    fn sealed(entries: &[u8]) -> Vec<u8> {
        let body = [&[2, 4, 10, 5][..], entries].concat();
        let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
        [&MAGIC[..], &sum.to_le_bytes(), &(body.len() as u32 + 12).to_le_bytes(), &body].concat()
    }

    type Unpacked = (Version, Vec<(String, Vec<u8>)>);

    fn unpack(pack: &[u8], piece: usize) -> Result<Unpacked, BadPack> {
        let (mut reader, mut files) = (Reader::default(), Vec::<(String, Vec<u8>)>::new());
        for mut bytes in pack.chunks(piece) {
            while let Some(found) = reader.next(&mut bytes)? {
                match found {
                    Found::File { name, .. } => files.push((name, Vec::new())),
                    Found::Content(content) => files.last_mut().unwrap().1.extend_from_slice(content),
                }
            }
        }
        Ok((reader.end()?, files))
    }

    fn example() -> Vec<u8> {
        pack(&[
            ("/index.htm", Some(b"<html>")),
            ("/images", None),
            ("/images/a.gif", Some(b"")),
            ("/b", Some(b"\x01\x02")),
        ])
    }

    #[test]
    fn a_pack_is_read_however_it_is_cut() {
        let files = [("index.htm", &b"<html>"[..]), ("images/a.gif", b""), ("b", b"\x01\x02")];
        let files: Vec<_> = files.map(|(name, content)| (name.to_owned(), content.to_vec())).into();
        for piece in 1..40 {
            assert_eq!(unpack(&example(), piece), Ok((Version([2, 4, 10, 5]), files.clone())), "in pieces of {piece}");
        }
    }

    #[test]
    fn a_pack_cut_anywhere_or_with_any_byte_changed_is_refused() {
        let whole = example();
        for end in 0..whole.len() {
            assert!(unpack(&whole[..end], 7).is_err(), "cut at {end}");
        }
        assert!(unpack(&[&whole[..], &[0]].concat(), 7).is_err(), "one byte more");
        for at in 0..whole.len() {
            for change in 1..=255 {
                let mut changed = whole.clone();
                changed[at] ^= change;
                assert!(unpack(&changed, 7).is_err(), "byte {at} ^ {change}");
            }
        }
    }

    #[test]
    fn what_the_numbers_of_a_pack_claim_is_not_believed() {
        let entry = |length: u32, rest: &[u8]| unpack(&sealed(&[&length.to_le_bytes()[..], rest].concat()), 99);
        assert!(entry(2, b"/a\x00").is_ok());
        for (what, refused) in [
            ("a name of 4 GiB", entry(u32::MAX, b"/a\x01")),
            ("a name that is too long by one", entry(257, &[b'x'; 300])),
            ("a type that nobody knows", entry(2, b"/a\x02\0\0\0\0")),
            ("a file of 4 GiB", entry(2, b"/a\x01\xff\xff\xff\xff")),
            ("a file that is not all there", entry(2, b"/a\x01\x02\0\0\0x")),
            ("a name that climbs", entry(5, b"/../a\x00")),
            ("the name of the machine's root", entry(6, b"//etc/\x00")),
        ] {
            assert!(refused.is_err(), "{what}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, piece in 1_usize..40) {
            let _ = unpack(&bytes, piece);
            let _ = unpack(&sealed(&bytes), piece);
        }
    }
}
