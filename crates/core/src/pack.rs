//! Web packs: another web UI, in the format of the vendor's tools or as a zip (PROFILE 5.11, RULES R9.3).
//!
//! Whatever is in a pack is hostile until it was looked at. Both readers give one file after the other in pieces and hold
//! none of them whole; every name and every size passes [`Contents`], alone and together with those before it. A pack
//! with one thing wrong is refused as a whole (ADR 0014).

pub mod vendor;
pub mod zip;

use std::collections::HashMap;

/// The longest pack, bytes (PROFILE 1.1).
pub const LONGEST: u64 = 32 << 20;
/// The most bytes that the files of a pack may have together.
pub const MOST_BYTES: u64 = 64 << 20;
/// The most files and folders.
pub const MOST_ENTRIES: usize = 2000;
/// The longest name with its folders, bytes.
pub const LONGEST_NAME: usize = 255;
/// The most segments of a name.
pub const DEEPEST: usize = 8;

/// Why a pack is refused, in words for the log; the caller is told `error: bad package.`
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPack(pub String);

pub(crate) fn bad<T>(why: impl Into<String>) -> Result<T, BadPack> {
    Err(BadPack(why.into()))
}

/// The names and sizes of a pack as they come up.
///
/// Names that differ only in ASCII case are one name, as paths are (PROFILE 1.1).
#[derive(Debug, Default)]
pub struct Contents {
    /// What is at each name, which is in lower case.
    places: HashMap<String, Place>,
    entries: usize,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    File,
    Folder,
}

impl Contents {
    /// Takes a file up and returns its name.
    ///
    /// # Errors
    /// - A name that is no plain relative path, is there already, or lies in what is a file.
    /// - Too much: files, folders, segments, bytes.
    pub fn file(&mut self, name: &[u8], bytes: u64) -> Result<String, BadPack> {
        let name = self.place(name, Place::File)?;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            return bad(format!("its files have more than {MOST_BYTES} bytes"));
        }
        Ok(name)
    }

    /// Takes a folder up, which may be there already.
    ///
    /// # Errors
    /// As [`file`](Self::file).
    pub fn folder(&mut self, name: &[u8]) -> Result<(), BadPack> {
        self.place(name, Place::Folder).map(|_| ())
    }

    fn place(&mut self, raw: &[u8], place: Place) -> Result<String, BadPack> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return bad(format!("it has more than {MOST_ENTRIES} files and folders"));
        }
        let name = plain(raw)?;
        let folded = name.to_ascii_lowercase();
        let above = folded.match_indices('/').map(|(end, _)| (&folded[..end], Place::Folder));
        for (path, place) in above.chain([(folded.as_str(), place)]) {
            match self.places.get(path) {
                None => {
                    self.places.insert(path.to_owned(), place);
                }
                Some(Place::Folder) if place == Place::Folder => {}
                Some(Place::File | Place::Folder) => return bad(format!("{name:?} is there twice")),
            }
        }
        Ok(name.to_owned())
    }
}

/// Returns a name if it is a plain relative path: what a request can ask for, and nothing else.
fn plain(raw: &[u8]) -> Result<&str, BadPack> {
    let shown = || String::from_utf8_lossy(&raw[..raw.len().min(LONGEST_NAME)]).into_owned();
    let wrong = |what: &str| bad(format!("{:?} {what}", shown()));
    if raw.len() > LONGEST_NAME {
        return wrong("… is too long a name");
    }
    let Ok(name) = std::str::from_utf8(raw) else { return wrong("is no UTF-8") };
    // A colon makes a drive of Windows, and a scheme in `next_url`.
    if name.chars().any(|c| c.is_control() || c == '\\' || c == ':') {
        return wrong("has a character that no name may have");
    }
    if name.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return wrong("is no plain relative path");
    }
    if name.split('/').count() > DEEPEST {
        return wrong("lies too deep");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::target::Path;

    #[test]
    fn a_name_that_is_no_plain_relative_path_is_refused() {
        let long = "x".repeat(256);
        let deep = "a/".repeat(8) + "b";
        for name in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a\\b", "..\\a", "C:a", "c:/a",
            "a\0", "a\nb", "\u{7f}", "\u{85}", "http://x", &long, &deep,
        ] {
            assert!(Contents::default().file(name.as_bytes(), 0).is_err(), "{name:?}");
        }
        assert!(Contents::default().file(b"a\xff", 0).is_err());
        for name in ["a", "...", "a..b", ".well-known/x", "Ä b.htm", "a+b", "%2e", &long[1..], &deep[2..]] {
            assert_eq!(Contents::default().file(name.as_bytes(), 0).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_name_is_there_once_in_any_case_and_is_a_file_or_a_folder() {
        let refused = |first: &str, second: &str| {
            let mut contents = Contents::default();
            let mut add = |name: &str| match name.strip_suffix('/') {
                Some(folder) => contents.folder(folder.as_bytes()),
                None => contents.file(name.as_bytes(), 0).map(|_| ()),
            };
            add(first).unwrap();
            add(second).is_err()
        };
        for (first, second) in
            [("a", "a"), ("a", "A"), ("a", "a/"), ("a/", "A"), ("a", "a/b"), ("a/b", "a"), ("a/b/", "a/B")]
        {
            assert!(refused(first, second), "{first} {second}");
        }
        for (first, second) in [("a/", "a/"), ("a/", "A/b"), ("a/b", "a/"), ("a/b", "A/c"), ("a", "ab"), ("ä", "Ä")] {
            assert!(!refused(first, second), "{first} {second}");
        }
    }

    #[test]
    fn there_are_so_many_entries_and_bytes_and_no_more() {
        let mut contents = Contents::default();
        for n in 0..MOST_ENTRIES / 2 {
            contents.file(format!("f{n}").as_bytes(), 1).unwrap();
            contents.folder(format!("d{n}").as_bytes()).unwrap();
        }
        assert!(contents.folder(b"d0").is_err(), "one too many, though it is there");
        let mut contents = Contents::default();
        contents.file(b"a", MOST_BYTES).unwrap();
        contents.file(b"b", 0).unwrap();
        assert!(contents.file(b"c", 1).is_err());
        assert!(Contents::default().file(b"a", u64::MAX).is_err());
    }

    proptest! {
        /// What a pack may hold is what a request can ask for: the two readings of a name never part.
        #[test]
        fn a_name_that_passes_is_a_canonical_path(raw in "[aB./%:\\\\\u{1}ü]{0,12}") {
            if Contents::default().file(raw.as_bytes(), 0).is_ok() {
                let encode = |byte| if byte == b'/' { "/".into() } else { format!("%{byte:02x}") };
                let target = format!("/{}", raw.bytes().map(encode).collect::<String>());
                let path = Path::parse(target.as_bytes()).unwrap();
                prop_assert_eq!(path.exact(), format!("/{raw}"));
            }
        }

        #[test]
        fn no_name_panics(raw: Vec<u8>, bytes: u64) {
            let _ = Contents::default().file(&raw, bytes);
        }
    }
}
