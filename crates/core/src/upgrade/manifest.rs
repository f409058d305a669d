//! What a package says of itself, behind its signature.

use super::{BadPackage, bad};

/// The longest manifest, bytes.
pub const LONGEST: u32 = 4096;
/// The largest program, bytes.
const LARGEST: u64 = 256 << 20;

/// What a package holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What people call the version, such as `0.2.0`.
    pub version: String,
    /// Counts the versions that were ever published; what is newer has more.
    pub serial: u32,
    /// For which machines the program is, as compilers name them.
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
        let text = |key: &str, most: usize| match table.get(key).and_then(toml::Value::as_str) {
            Some(text)
                if !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Ok(text.to_owned())
            }
            Some(_) | None => bad(format!("its manifest has no legal {key}")),
        };
        let number = |key: &str, most: u64| match table.get(key).and_then(toml::Value::as_integer) {
            Some(number) if (1..=most as i64).contains(&number) => Ok(number.unsigned_abs()),
            Some(_) | None => bad(format!("its manifest has no legal {key}")),
        };
        let manifest = Self {
            version: text("version", 32)?,
            serial: u32::try_from(number("serial", u32::MAX.into())?).unwrap_or(u32::MAX),
            target: text("target", 64)?,
            size: number("size", LARGEST)?,
            sha256: text("sha256", 64)?,
        };
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if manifest.sha256.len() == 64 && manifest.sha256.bytes().all(digits) {
            Ok(manifest)
        } else {
            bad("its manifest has no legal sha256")
        }
    }

    /// Writes it, as [`parse`](Self::parse) reads it.
    pub fn encode(&self) -> String {
        let Self { version, serial, target, size, sha256 } = self;
        format!(
            "version = \"{version}\"\nserial = {serial}\ntarget = \"{target}\"\nsize = {size}\nsha256 = \"{sha256}\"\n"
        )
    }

    /// Says whether it may take the place of what runs; `downgrade` is the wish of the machine's operator.
    ///
    /// # Errors
    /// It is for other machines, or no newer.
    pub fn fits(&self, serial: u32, target: &str, downgrade: bool) -> Result<(), BadPackage> {
        if self.target != target {
            return bad(format!("it is for {}, and this machine is {target}", self.target));
        }
        if self.serial == serial {
            return bad(format!("version {} runs already", self.version));
        }
        if self.serial < serial && !downgrade {
            return bad(format!("version {} is older than what runs", self.version));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let (version, target) = ("0.2.0".into(), "x86_64-unknown-linux-gnu".into());
        Manifest { version, serial: 7, target, size: 9_000_000, sha256: "0a".repeat(32) }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Manifest::parse(&manifest().encode()), Ok(manifest()));
    }

    #[test]
    fn each_value_must_be_there_and_legal() {
        let good = manifest().encode();
        for key in ["version", "serial", "target", "size", "sha256"] {
            let without: String =
                good.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
            assert!(Manifest::parse(&without).unwrap_err().0.contains(key), "{key}");
        }
        for (from, to) in [
            ("serial = 7", "serial = 0"),
            ("serial = 7", "serial = 4294967296"),
            ("size = 9000000", "size = -1"),
            ("size = 9000000", "size = 268435457"),
            ("0.2.0", "0.2.0\\n"),
            ("0.2.0", ""),
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
        assert_eq!(new.fits(6, here, false), Ok(()));
        assert!(new.fits(7, here, true).unwrap_err().0.contains("already"));
        assert!(new.fits(8, here, false).unwrap_err().0.contains("older"));
        assert_eq!(new.fits(8, here, true), Ok(()));
        assert!(new.fits(6, "aarch64-unknown-linux-gnu", true).unwrap_err().0.contains("aarch64"));
    }
}
