//! Packages of new versions, and which version runs (PROFILE 5.10, RULES R9.1, ADR 0039).
//!
//! ```text
//!   0   magic, 8 bytes
//!   8   length of the signature, u32 LE
//!  12   signature: the text of a minisign signature file, over all that is behind it
//!   …   length of the manifest, u32 LE; manifest, TOML; the program, gzip
//! ```
//! Nothing behind the signature is looked at before the signature holds, and it is made of bytes alone: what is signed is the
//! package as it lies on the disk.

pub mod choice;
pub mod manifest;
pub mod version;

/// What a package begins with; its last byte is the version of the format.
pub const MAGIC: [u8; 8] = *b"LOOKOUT\x01";
/// What stands before the signature.
pub const HEAD: usize = 12;
/// The longest package, bytes.
pub const LONGEST: u64 = 64 << 20;
/// The longest signature file, bytes.
const LONGEST_SIGNATURE: u32 = 2048;

/// Why a package is refused, in words for journal and log; the caller is told `error: bad package.`
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPackage(pub String);

fn bad<T>(why: impl Into<String>) -> Result<T, BadPackage> {
    Err(BadPackage(why.into()))
}

/// Writes what stands before the manifest's length: the head and the signature.
///
/// # Errors
/// The signature is longer than any is.
pub fn head(signature: &str) -> Result<Vec<u8>, BadPackage> {
    match u32::try_from(signature.len()) {
        Ok(length @ 1..=LONGEST_SIGNATURE) => Ok([&MAGIC[..], &length.to_le_bytes(), signature.as_bytes()].concat()),
        Ok(_) | Err(_) => bad("its signature has an impossible length"),
    }
}

/// Reads what stands before the signature, and returns how long that is.
///
/// # Errors
/// It is no package, and what it is instead, as far as that can be seen.
pub fn signature_length(head: &[u8]) -> Result<usize, BadPackage> {
    let Some((magic, length)) = head.split_at_checked(MAGIC.len()) else {
        return bad("it is no package: it is cut short");
    };
    if magic != MAGIC {
        return bad(other(head));
    }
    let length = length.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if length == 0 || length > LONGEST_SIGNATURE {
        return bad("its signature has an impossible length");
    }
    Ok(length as usize)
}

/// Says what a file is that people take for a package.
fn other(head: &[u8]) -> &'static str {
    match head {
        [b'B', b'N', b'E', b'G', ..] => "it is firmware of the old cameras, which runs on them alone",
        [0xbd, 0x9a, 0x0c, 0x44, ..] => "it is a web pack or a backup of the old cameras' kind",
        [b'P', b'K', ..] => "it is a zip, as web packs are",
        [b'!', b'<', b'a', b'r', ..] => "it is a Debian package, which apt installs",
        [0x7f, b'E', b'L', b'F', ..] => "it is a bare program, without a signature",
        _ => "it is no package of this program",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_package_says_how_long_the_signature_is() {
        let head = |length: u32| [&MAGIC[..], &length.to_le_bytes()].concat();
        assert_eq!(signature_length(&head(300)), Ok(300));
        assert!(signature_length(&head(0)).is_err() && signature_length(&head(LONGEST_SIGNATURE + 1)).is_err());
        assert!(signature_length(&head(300)[..7]).is_err());
        assert!(signature_length(&head(300)[..10]).is_err());
    }

    #[test]
    fn what_is_written_before_a_signature_is_read_back() {
        let written = head("signature").unwrap();
        assert_eq!(signature_length(&written[..HEAD]), Ok(9));
        assert_eq!(&written[HEAD..], b"signature");
        assert!(head("").is_err() && head(&"x".repeat(2049)).is_err());
    }

    #[test]
    fn what_people_take_for_a_package_is_refused_by_its_name() {
        for (bytes, word) in [
            (&b"BNEG\x01\x00\x00\x00\x00\x00\x00\x00"[..], "firmware"),
            (b"\xbd\x9a\x0c\x44\0\0\0\0\0\0\0\0", "web pack"),
            (b"PK\x03\x04\0\0\0\0\0\0\0\0", "zip"),
            (b"!<arch>\ndebi", "Debian"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0", "bare program"),
        ] {
            assert!(signature_length(bytes).unwrap_err().0.contains(word), "{word}");
        }
        assert_eq!(signature_length(b"something el").unwrap_err().0, "it is no package of this program");
    }
}
