//! The part of the zip format that a web pack may use (PKWARE's APPNOTE 6.3; why not a crate: ADR 0014).
//!
//! A zip says everything twice and can be read in several ways. Here the directory at its end counts, which has to lie
//! where the end says, close up to it; every name and size in it is checked before one file is unpacked. Of each file
//! it has to be true: it is stored or deflated, neither encrypted nor a link, and its bytes lie between its own local
//! head and whatever comes next, so that no two files share bytes. No zip64: what needs it is too large.

use std::ops::Range;

use super::{BadPack, Contents, LONGEST_NAME, MOST_ENTRIES, bad};

/// What a zip begins with.
pub const MAGIC: [u8; 4] = *b"PK\x03\x04";
/// How much of an archive's end is to be looked at: the end's record and the longest comment.
pub const TAIL: usize = END + 65_535;
/// The length of a local head without its name, bytes.
pub const LOCAL: usize = 30;

/// The length of the end's record without comment, and of a directory's entry without name, bytes.
const END: usize = 22;
const CENTRAL: usize = 46;
/// The longest directory, bytes: entries with full names and room for extra fields and comments.
const LONGEST_DIRECTORY: u32 = (MOST_ENTRIES * 2 * (CENTRAL + LONGEST_NAME)) as u32;

/// Encrypted (bits 0, 6, 13) or a patch (bit 5).
const FOREIGN: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;

/// Where the directory lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its bytes in the archive.
    pub at: Range<u64>,
    entries: u16,
}

/// A file in a zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, checked.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// Its CRC-32.
    pub crc: u32,
    /// Whether it is deflated; else it is stored as it is.
    pub deflated: bool,
    /// Where its local head begins.
    pub head_at: u64,
    packed: u64,
    name_length: u64,
    /// Where whatever comes next begins.
    end: u64,
}

impl Directory {
    /// Finds the directory of an archive of `length` bytes in its last bytes, [`TAIL`] of them, or all.
    ///
    /// # Errors
    /// It has no end, several disks, or a directory that is too long or lies elsewhere.
    pub fn find(tail: &[u8], length: u64) -> Result<Self, BadPack> {
        let ends = |at: &usize| {
            tail[*at..].starts_with(b"PK\x05\x06") && usize::from(u16_at(tail, at + 20)) == tail.len() - at - END
        };
        let last = tail.len().checked_sub(END).and_then(|last| (0..=last).rev().find(ends));
        let Some(at) = last else { return bad("it is cut short: a zip without end") };
        let disks = u16_at(tail, at + 4) | u16_at(tail, at + 6);
        let entries = u16_at(tail, at + 10);
        if disks != 0 || u16_at(tail, at + 8) != entries {
            return bad("it is part of a larger zip");
        }
        if usize::from(entries) > MOST_ENTRIES {
            return bad(format!("it has more than {MOST_ENTRIES} files and folders"));
        }
        let (bytes, from) = (u32_at(tail, at + 12), u64::from(u32_at(tail, at + 16)));
        let directory = from..from + u64::from(bytes);
        if bytes > LONGEST_DIRECTORY || directory.end != length - (tail.len() - at) as u64 {
            return bad("its directory is too long or not where the end of the zip says");
        }
        Ok(Self { at: directory, entries })
    }

    /// Reads the directory's bytes; returns the files in the order of their bytes.
    ///
    /// # Errors
    /// Something that no web pack may hold.
    pub fn read(&self, bytes: &[u8]) -> Result<Vec<Entry>, BadPack> {
        let (mut contents, mut rest, mut all) = (Contents::default(), bytes, Vec::new());
        for _ in 0..self.entries {
            let (entry, length) = entry(&mut contents, rest)?;
            all.push(entry);
            rest = &rest[length..];
        }
        if !rest.is_empty() {
            return bad("its directory holds more than its entries");
        }
        all.sort_by_key(|entry| entry.head_at);
        if all.last().is_some_and(|last| last.head_at >= self.at.start) {
            return bad("it has a file behind its directory");
        }
        let ends: Vec<u64> = all.iter().skip(1).map(|next| next.head_at).chain([self.at.start]).collect();
        all.iter_mut().zip(ends).for_each(|(entry, end)| entry.end = end);
        // A folder has no bytes.
        Ok(all.into_iter().filter(|entry| !entry.name.is_empty()).collect())
    }
}

/// Reads the entry at the front, and says how long it is. Of a folder the name is empty.
fn entry(contents: &mut Contents, bytes: &[u8]) -> Result<(Entry, usize), BadPack> {
    let Some(head) = bytes.get(..CENTRAL).filter(|head| head.starts_with(b"PK\x01\x02")) else {
        return bad("its directory is cut short");
    };
    let [name_length, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
    let length = CENTRAL + name_length + extra + comment;
    let Some(raw) = bytes.get(..length).map(|bytes| &bytes[CENTRAL..CENTRAL + name_length]) else {
        return bad("its directory is cut short");
    };
    let [crc, packed, size, head_at] = [16, 20, 24, 42].map(|at| u32_at(head, at));
    let wrong =
        |what: &str| bad(format!("{:?} {what}", String::from_utf8_lossy(&raw[..name_length.min(LONGEST_NAME)])));
    if u16_at(head, 8) & FOREIGN != 0 {
        return wrong("is encrypted or a patch");
    }
    if [packed, size, head_at].contains(&u32::MAX) {
        return wrong("is of a zip64");
    }
    // The type of a file on Unix; 0 where another system made it.
    let (folder_name, kind) = (raw.strip_suffix(b"/"), u32_at(head, 38) >> 28);
    if ![0, if folder_name.is_some() { 0o04 } else { 0o10 }].contains(&kind) {
        return wrong("is a link, a device, or not what its name says");
    }
    let deflated = match u16_at(head, 10) {
        0 if packed == size => false,
        8 => true,
        _ => return wrong("is packed in a way that is not supported"),
    };
    let name = match folder_name {
        Some(_) if size != 0 => return wrong("is a folder with content"),
        Some(folder) => contents.folder(folder).map(|()| String::new())?,
        None => contents.file(raw, size.into())?,
    };
    let [size, packed, head_at, end] = [size, packed, head_at, 0].map(u64::from);
    Ok((Entry { name, size, crc, deflated, head_at, packed, name_length: name_length as u64, end }, length))
}

impl Entry {
    /// Returns where the file's packed bytes lie, by its local head of [`LOCAL`] bytes.
    ///
    /// # Errors
    /// There is another head, or the bytes run into what comes next.
    pub fn packed(&self, head: &[u8; LOCAL]) -> Result<Range<u64>, BadPack> {
        let method = if self.deflated { 8 } else { 0 };
        let same = u16_at(head, 8) == method && u64::from(u16_at(head, 26)) == self.name_length;
        let from = self.head_at + LOCAL as u64 + self.name_length + u64::from(u16_at(head, 28));
        let packed = from..from + self.packed;
        if !head.starts_with(&MAGIC) || !same || packed.end > self.end {
            return bad(format!("{:?} is not where the directory says", self.name));
        }
        Ok(packed)
    }
}

/// Reads a number of a record that was found to be whole.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An entry to be written, and what it claims where that is not the truth.
    #[derive(Clone)]
    struct Write<'a> {
        name: &'a [u8],
        content: &'a [u8],
        flags: u16,
        method: u16,
        attributes: u32,
        size: Option<u32>,
        head_at: Option<u32>,
    }

    fn file<'a>(name: &'a str, content: &'a [u8]) -> Write<'a> {
        let name = name.as_bytes();
        Write { name, content, flags: 0, method: 0, attributes: 0, size: None, head_at: None }
    }

    /// Writes a zip of stored files.
    fn zip(entries: &[Write<'_>]) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for entry in entries {
            let head_at = entry.head_at.unwrap_or(out.len() as u32);
            let length = entry.content.len() as u32;
            let common = [
                &20_u16.to_le_bytes()[..],
                &entry.flags.to_le_bytes(),
                &entry.method.to_le_bytes(),
                &[0; 8],
                &length.to_le_bytes(),
                &entry.size.unwrap_or(length).to_le_bytes(),
                &(entry.name.len() as u16).to_le_bytes(),
                &[0; 2],
            ]
            .concat();
            out.extend([&MAGIC[..], &common, entry.name, entry.content].concat());
            let rest = [&[0; 6][..], &entry.attributes.to_le_bytes(), &head_at.to_le_bytes()].concat();
            directory.extend([&b"PK\x01\x02\x14\x03"[..], &common, &rest, entry.name].concat());
        }
        let count = (entries.len() as u16).to_le_bytes();
        let [size, at] = [directory.len(), out.len()].map(|number| (number as u32).to_le_bytes());
        [&out[..], &directory, b"PK\x05\x06", &[0; 4], &count, &count, &size, &at, &[0; 2]].concat()
    }

    /// Reads a zip of stored files as the camera does.
    fn read(zip: &[u8]) -> Result<Vec<(String, Vec<u8>)>, BadPack> {
        let cut = |at: &Range<u64>| zip.get(at.start as usize..at.end as usize);
        let directory = Directory::find(&zip[zip.len().saturating_sub(TAIL)..], zip.len() as u64)?;
        let entries = directory.read(cut(&directory.at).expect("the directory lies in the zip"))?;
        let content = |entry: &Entry| {
            let Some(head) = cut(&(entry.head_at..entry.head_at + LOCAL as u64)) else { return bad("no head") };
            let packed = entry.packed(head.try_into().unwrap())?;
            Ok((entry.name.clone(), cut(&packed).expect("the bytes lie before the directory").to_vec()))
        };
        entries.iter().map(content).collect()
    }

    #[test]
    fn a_zip_gives_its_files_and_no_folder() {
        let zip = zip(&[
            file("index.htm", b"<html>"),
            file("images/", b""),
            file("images/ä.gif", b""),
            file("c", b"PK\x05\x06"),
        ]);
        let files = [("index.htm", &b"<html>"[..]), ("images/ä.gif", b""), ("c", b"PK\x05\x06")];
        assert_eq!(read(&zip), Ok(files.map(|(name, content)| (name.to_owned(), content.to_vec())).into()));
        let mut commented = zip.clone();
        let end = commented.len() - 2;
        commented[end] = 4;
        assert!(read(&[&commented[..], b"note"].concat()).is_ok(), "a comment");
        assert!(read(&[&zip[..], b"note"].concat()).is_err(), "rubbish behind the end");
        assert!(read(&[b"note", &zip[..]].concat()).is_err(), "rubbish before the begin");
    }

    #[test]
    fn what_no_web_pack_may_hold_is_refused() {
        let unix = |mode: u32| mode << 16;
        let honest = file("a", b"content");
        assert!(read(&zip(&[Write { attributes: unix(0o100_644), ..honest.clone() }])).is_ok());
        assert!(read(&zip(&[Write { attributes: unix(0o040_755), ..file("a/", b"") }])).is_ok());
        for (what, entries) in [
            ("a name that climbs", vec![file("../a", b"")]),
            ("an absolute name", vec![file("/etc/passwd", b"")]),
            ("a name of Windows", vec![file("C:\\a", b"")]),
            ("a name twice", vec![file("a", b"1"), file("a", b"2")]),
            ("a name twice but for its case", vec![file("a", b"1"), file("A", b"2")]),
            ("a name that is no text", vec![Write { name: b"\xff", ..honest.clone() }]),
            ("a link", vec![Write { attributes: unix(0o120_777), ..honest.clone() }]),
            ("a device", vec![Write { attributes: unix(0o020_666), ..honest.clone() }]),
            ("a folder named as a file", vec![Write { attributes: unix(0o040_755), ..honest.clone() }]),
            ("a file named as a folder", vec![Write { attributes: unix(0o100_644), ..file("a/", b"") }]),
            ("a folder with content", vec![file("a/", b"x")]),
            ("an encrypted file", vec![Write { flags: 1, ..honest.clone() }]),
            ("a strongly encrypted file", vec![Write { flags: 1 << 6, ..honest.clone() }]),
            ("a packer of another kind", vec![Write { method: 12, ..honest.clone() }]),
            ("a stored file with another size", vec![Write { size: Some(8), ..honest.clone() }]),
            ("a zip64", vec![Write { size: Some(u32::MAX), method: 8, ..honest.clone() }]),
            ("more bytes than may be", vec![Write { size: Some(1 << 31), method: 8, ..honest.clone() }]),
            ("two files in the same bytes", vec![honest.clone(), Write { head_at: Some(0), ..file("b", b"content") }]),
            (
                "a file in another one",
                vec![file("a", &zip(std::slice::from_ref(&honest))), Write { head_at: Some(31), ..file("b", b"") }],
            ),
            ("a file in the directory", vec![Write { head_at: Some(38), ..honest.clone() }]),
            ("a file beyond the end", vec![Write { head_at: Some(1 << 30), ..honest }]),
        ] {
            assert!(read(&zip(&entries)).is_err(), "{what}");
        }
    }

    #[test]
    fn an_archive_of_many_files_is_refused_before_its_directory_is_read() {
        let mut record = [&b"PK\x05\x06"[..], &[0; 18]].concat();
        for (entries, size) in [(2001_u16, 0_u32), (u16::MAX, 0), (1, LONGEST_DIRECTORY + 1)] {
            record[8..10].copy_from_slice(&entries.to_le_bytes());
            record[10..12].copy_from_slice(&entries.to_le_bytes());
            record[12..16].copy_from_slice(&size.to_le_bytes());
            assert!(Directory::find(&record, u64::from(size) + 22).is_err(), "{entries} entries, {size} bytes");
        }
    }

    #[test]
    fn a_zip_cut_anywhere_is_refused() {
        let whole = zip(&[file("index.htm", b"<html>"), file("a/b", b"x")]);
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, at in 0_usize..200, change: u8) {
            let _ = read(&bytes);
            let mut zip = zip(&[file("index.htm", b"<html>"), file("a/b", &bytes)]);
            let at = at % zip.len();
            zip[at] ^= change;
            let _ = read(&zip);
            let end = zip.len() - at;
            zip[end - 1] ^= change;
            let _ = read(&zip);
        }
    }
}
