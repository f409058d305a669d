//! The number of a version: what is newer has a greater one (RULES R9.1).

use std::{fmt, str::FromStr};

/// Three numbers, the first counts most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16, pub u16, pub u16);

/// It is no version: three numbers of at most 65535, with dots between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no version such as 1.2.3")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let mut numbers = text.split('.').map(|part| {
            // As it is written: it is a file's name, too, and no two names may mean one version.
            let plain = part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            part.parse().ok().filter(|_| plain).ok_or(NoVersion)
        });
        let mut next = || numbers.next().ok_or(NoVersion).flatten();
        let version = Self(next()?, next()?, next()?);
        if next().is_ok() || text.split('.').count() != 3 { Err(NoVersion) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers_and_what_is_newer_is_greater() {
        for text in ["0.0.0", "0.1.0", "0.1.1", "0.10.0", "1.0.0", "65535.65535.65535"] {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), text);
        }
        let parse = |text: &str| text.parse::<Version>().unwrap();
        assert!(
            parse("0.9.0") < parse("0.10.0") && parse("0.99.99") < parse("1.0.0") && parse("1.0.0") < parse("1.0.1")
        );
    }

    #[test]
    fn nothing_else_is_a_version() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "1..3",
            "v1.2.3",
            "1.2.3-rc1",
            "01.2.3",
            "1.2.65536",
            "+1.2.3",
            "1.2.3 ",
            "1.2.3.",
        ] {
            assert_eq!(text.parse::<Version>(), Err(NoVersion), "{text}");
        }
    }
}
