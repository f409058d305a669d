//! What a package says of itself, behind its signature.

use std::cmp::Ordering;

use super::{BadPackage, bad, version::Version};

/// The longest manifest, bytes.
pub const LONGEST: u32 = 4096;
/// The largest program, bytes.
const LARGEST: u64 = 256 << 20;

/// What a package holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The version of the program.
    pub version: Version,
    /// For which machines the program is, as Rust names them.
    pub target: String,
    /// How many bytes the program has, unpacked.
    pub size: u64,
    /// Its SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// It is no manifest, or one that cannot be meant.
    pub fn parse(text: &str) -> Result<Self, BadPackage> {
        let Ok(table) = text.parse::<toml::Table>() else { return bad("its manifest is no TOML") };
        let illegal = |key: &str| BadPackage(format!("its manifest has no legal {key}"));
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str).ok_or_else(|| illegal(key));
        let version = text("version")?.parse().map_err(|_| illegal("version"))?;
        let target = text("target")?;
        if !(1..=64).contains(&target.len()) || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(illegal("target"));
        }
        let size = table.get("size").and_then(toml::Value::as_integer).and_then(|size| u64::try_from(size).ok());
        let size = size.filter(|size| (1..=LARGEST).contains(size)).ok_or_else(|| illegal("size"))?;
        let sha256 = text("sha256")?;
        if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(illegal("sha256"));
        }
        Ok(Self { version, target: target.to_owned(), size, sha256: sha256.to_owned() })
    }

    /// Writes it, as [`parse`](Self::parse) reads it.
    pub fn encode(&self) -> String {
        let Self { version, target, size, sha256 } = self;
        format!("version = \"{version}\"\ntarget = \"{target}\"\nsize = {size}\nsha256 = \"{sha256}\"\n")
    }

    /// Says whether it may take the place of the version that runs; `downgrade` is the wish of the machine's operator.
    ///
    /// # Errors
    /// It is for other machines, or no newer.
    pub fn fits(&self, running: Version, target: &str, downgrade: bool) -> Result<(), BadPackage> {
        let Self { version, target: wanted, .. } = self;
        if wanted != target {
            return bad(format!("it is for {wanted}, and this machine is {target}"));
        }
        match version.cmp(&running) {
            Ordering::Greater => Ok(()),
            Ordering::Equal => bad(format!("version {version} runs already")),
            Ordering::Less if downgrade => Ok(()),
            Ordering::Less => bad(format!("version {version} is older than {running}, which runs")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let target = "x86_64-unknown-linux-gnu".into();
        Manifest { version: Version(0, 2, 0), target, size: 9_000_000, sha256: "0a".repeat(32) }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Manifest::parse(&manifest().encode()), Ok(manifest()));
    }

    #[test]
    fn each_value_must_be_there_and_legal() {
        let good = manifest().encode();
        for key in ["version", "target", "size", "sha256"] {
            let without: String =
                good.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
            assert!(Manifest::parse(&without).unwrap_err().0.contains(key), "{key}");
        }
        for (from, to) in [
            ("size = 9000000", "size = 0"),
            ("size = 9000000", "size = -1"),
            ("size = 9000000", "size = 268435457"),
            ("size = 9000000", "size = \"9\""),
            ("0.2.0", "0.2.0\\n"),
            ("0.2.0", "../0.2.0"),
            ("0.2.0", ""),
            ("x86_64", "x86 64"),
            ("0a0a", "0A0a"),
            ("0a0a", "0a0"),
        ] {
            assert!(Manifest::parse(&good.replacen(from, to, 1)).is_err(), "{to}");
        }
        assert!(Manifest::parse("no = ").is_err());
    }

    #[test]
    fn only_what_is_newer_and_for_this_machine_takes_its_place() {
        let (new, here) = (manifest(), "x86_64-unknown-linux-gnu");
        assert_eq!(new.fits(Version(0, 1, 9), here, false), Ok(()));
        assert!(new.fits(Version(0, 2, 0), here, true).unwrap_err().0.contains("already"));
        assert!(new.fits(Version(0, 2, 1), here, false).unwrap_err().0.contains("older"));
        assert_eq!(new.fits(Version(0, 2, 1), here, true), Ok(()));
        assert!(new.fits(Version(0, 1, 0), "aarch64-unknown-linux-gnu", true).unwrap_err().0.contains("aarch64"));
    }
}
