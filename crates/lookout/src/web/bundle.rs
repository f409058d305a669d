//! An installed web pack: one file that holds all pages one after the other, and behind them their index.
//!
//! No name of a pack is ever the name of a file. A bundle is opened once; a request's path is looked up in the index and
//! read from the open file (RULES R2.1). A bundle is known by the SHA-256 of all its bytes, so a damaged one gives
//! itself away.
//!
//! ```text
//! content … | index, text: a line of the format, the version, then `OFFSET LENGTH NAME` a page | its length, u64 LE
//! ```

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt as _,
    sync::Arc,
};

use lookout_core::{
    hex,
    pack::{LONGEST_NAME, MOST_ENTRIES},
    profile::view::Version,
};
use sha2::{Digest as _, Sha256};

const FORMAT: &str = "lookout web pack 1";
/// The longest index, bytes: full names, and what else is in a line.
const LONGEST_INDEX: usize = (MOST_ENTRIES + 2) * (LONGEST_NAME + 32);
/// How many bytes are read at once.
const PIECE: usize = 64 * 1024;

/// A bundle, open.
pub struct Bundle {
    id: String,
    version: Version,
    file: Arc<File>,
    /// By name, in lower case (PROFILE 1.1).
    leaves: HashMap<String, Leaf>,
}

/// Where a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its first byte.
    pub at: u64,
    /// Its length, bytes.
    pub length: u64,
}

impl Bundle {
    /// Reads a bundle, all of it.
    ///
    /// # Errors
    /// The disk refused, or it is none.
    pub fn open(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let id = sum(&file, length)?;
        let text = index(&file, length)?;
        let (version, leaves) = parse(&text, length).ok_or_else(|| io::Error::other("it is no bundle"))?;
        Ok(Self { id, version, file: Arc::new(file), leaves })
    }

    /// Returns the SHA-256 of its bytes, as 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the version of the pack.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns where its bytes are read.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Finds a page by its name in lower case.
    pub fn leaf(&self, name: &str) -> Option<Leaf> {
        self.leaves.get(name).copied()
    }
}

/// Writes a bundle.
pub struct Binder {
    file: BufWriter<File>,
    at: u64,
    index: String,
}

impl Binder {
    /// Begins a bundle in an empty file.
    pub fn new(file: File) -> Self {
        Self { file: BufWriter::with_capacity(PIECE, file), at: 0, index: String::new() }
    }

    /// Begins a page, all of whose bytes are to be written next.
    pub fn begin(&mut self, name: &str, length: u64) {
        self.index += &format!("{} {length} {name}\n", self.at);
    }

    /// Writes bytes of the page that was begun last.
    ///
    /// # Errors
    /// The disk refused.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.at += piece.len() as u64;
        self.file.write_all(piece)
    }

    /// Ends the bundle, and returns it as it reads from the disk once it is there.
    ///
    /// # Errors
    /// The disk refused.
    pub fn bind(mut self, version: Version) -> io::Result<Bundle> {
        let index = format!("{FORMAT}\n{version}\n{}", self.index);
        self.file.write_all(index.as_bytes())?;
        self.file.write_all(&(index.len() as u64).to_le_bytes())?;
        let file = self.file.into_inner()?;
        file.sync_all()?;
        Bundle::open(file)
    }
}

fn sum(file: &File, length: u64) -> io::Result<String> {
    let (mut sum, mut piece, mut at) = (Sha256::new(), vec![0; PIECE], 0);
    while at < length {
        let read = file.read_at(&mut piece, at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        sum.update(&piece[..read]);
        at += read as u64;
    }
    Ok(hex::show(&sum.finalize()))
}

fn index(file: &File, length: u64) -> io::Result<String> {
    let none = || io::Error::other("it has no index");
    let end = length.checked_sub(8).ok_or_else(none)?;
    let mut size = [0; 8];
    file.read_exact_at(&mut size, end)?;
    let size = usize::try_from(u64::from_le_bytes(size)).ok().filter(|size| *size <= LONGEST_INDEX).ok_or_else(none)?;
    let mut text = vec![0; size];
    file.read_exact_at(&mut text, end.checked_sub(size as u64).ok_or_else(none)?)?;
    String::from_utf8(text).map_err(|_| none())
}

fn parse(text: &str, length: u64) -> Option<(Version, HashMap<String, Leaf>)> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    lines.next().filter(|format| *format == FORMAT)?;
    let version = lines.next()?.parse().ok()?;
    let leaf = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (at, bytes, name) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
        let inside = u64::checked_add(at, bytes)? <= length;
        inside.then(|| (name.to_ascii_lowercase(), Leaf { at, length: bytes }))
    };
    Some((version, lines.map(leaf).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Binds two pages, and returns the bytes of the bundle.
    fn bound() -> (Bundle, Vec<u8>) {
        let mut binder = Binder::new(file(b""));
        for (name, content) in [("Index.htm", &b"<html>"[..]), ("a b/c", b"")] {
            binder.begin(name, content.len() as u64);
            binder.write(content).unwrap();
        }
        let bundle = binder.bind(Version([1, 2, 3, 4])).unwrap();
        let mut bytes = vec![0; usize::try_from(bundle.file.metadata().unwrap().len()).unwrap()];
        bundle.file.read_exact_at(&mut bytes, 0).unwrap();
        (bundle, bytes)
    }

    #[test]
    fn a_bundle_holds_its_pages_under_their_names_in_lower_case() {
        let (bundle, bytes) = bound();
        assert_eq!((bundle.version(), bundle.id().len()), (Version([1, 2, 3, 4]), 64));
        assert_eq!(bundle.leaf("index.htm"), Some(Leaf { at: 0, length: 6 }));
        assert_eq!(bundle.leaf("a b/c"), Some(Leaf { at: 6, length: 0 }));
        assert!(["", "Index.htm", "a b", "c"].iter().all(|name| bundle.leaf(name).is_none()));
        assert!(bytes.starts_with(b"<html>"));
    }

    #[test]
    fn a_bundle_that_is_cut_or_changed_has_another_id_or_is_none() {
        let (bundle, bytes) = bound();
        let same = |bytes: &[u8]| Bundle::open(file(bytes)).is_ok_and(|other| other.id() == bundle.id());
        assert!(same(&bytes));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!same(&changed) && !same(&bytes[..at]), "at {at}");
        }
        for length in [bytes.len() as u64, u64::MAX] {
            let claims = [&bytes[..bytes.len() - 8], &length.to_le_bytes()].concat();
            assert!(Bundle::open(file(&claims)).is_err(), "an index of {length} bytes");
        }
    }
}
