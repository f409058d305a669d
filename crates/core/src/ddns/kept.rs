//! What must be known of the last update behind a restart, as a line of text.

use std::{fmt, net::IpAddr, str::FromStr};

use super::Verdict;

/// What came of the last update that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which account's: its mark.
    pub(super) mark: String,
    /// When, in seconds since 1970 on the host's clock.
    pub(super) at_s: u64,
    /// What was answered.
    pub(super) verdict: Verdict,
    /// The address that the name has, if it is known.
    pub(super) address: Option<IpAddr>,
}

impl Kept {
    /// Returns the address that the name has, if it is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.mark, self.at_s, self.verdict.word())?;
        match self.address {
            Some(address) => write!(f, "{address}"),
            None => f.write_str("-"),
        }
    }
}

/// The text is no such line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no line of an update")]
pub struct Unreadable;

impl FromStr for Kept {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let words: Vec<&str> = text.trim_end_matches('\n').split(' ').collect();
        let [mark, at, verdict, address] = words[..] else { return Err(Unreadable) };
        if mark.len() != 64 || !mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Unreadable);
        }
        let address = match address {
            "-" => None,
            address => Some(address.parse().map_err(|_| Unreadable)?),
        };
        let at_s = at.parse().map_err(|_| Unreadable)?;
        Ok(Self { mark: mark.to_owned(), at_s, verdict: Verdict::of(verdict).ok_or(Unreadable)?, address })
    }
}
