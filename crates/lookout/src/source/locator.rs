//! Which source: the parsed `--source`.

use std::{fmt, path::PathBuf, str::FromStr};

/// Which source to open: a scheme, a colon and what the scheme takes.
///
/// It may hold a password, so `Debug` and `Display` leave out whatever can hold one.
#[derive(Clone, PartialEq, Eq)]
pub enum Locator {
    /// The synthetic scene, with its query.
    Demo(String),
    /// A camera of this machine.
    V4l2(PathBuf),
    /// Another camera's stream, `http` or `https`.
    Http(String),
    /// Pictures on the disk.
    Files(PathBuf),
    /// A program.
    Exec(String),
}

/// A text that names no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {}", Locator::WANTED)]
pub struct BadSource;

impl Locator {
    /// What is wanted, for error messages.
    pub const WANTED: &str = "a source: demo:, v4l2:/dev/…, http://…, https://…, file:… or exec:…";
}

impl FromStr for Locator {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let (scheme, rest) = text.split_once(':').ok_or(BadSource)?;
        if text.contains(char::is_control) || (rest.is_empty() && scheme != "demo") {
            return Err(BadSource);
        }
        match scheme {
            "demo" => Ok(Self::Demo(rest.into())),
            "v4l2" if rest.starts_with('/') => Ok(Self::V4l2(rest.into())),
            "http" | "https" if rest.len() > 2 && rest.starts_with("//") => Ok(Self::Http(text.into())),
            "file" => Ok(Self::Files(rest.into())),
            "exec" => Ok(Self::Exec(rest.into())),
            _ => Err(BadSource),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo(query) => write!(f, "demo:{query}"),
            Self::V4l2(path) => write!(f, "v4l2:{}", path.display()),
            Self::Files(path) => write!(f, "file:{}", path.display()),
            Self::Exec(command) => write!(f, "exec:{}", command.split_whitespace().next().unwrap_or_default()),
            Self::Http(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                // An `@` further on may end a password that holds a raw `/`, or be part of one in the query: no host is
                // sure then.
                let sure = !rest[authority.len()..].contains('@');
                let host = authority.rsplit('@').next().filter(|_| sure).unwrap_or("…");
                write!(f, "{scheme}://{host}")
            }
        }
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_source_is_refused() {
        for bad in ["", "demo", "ftp://x", "v4l2:", "v4l2:video0", "http:", "http://", "file:", "exec:", "exec:a\nb"] {
            assert_eq!(bad.parse::<Locator>(), Err(BadSource), "{bad:?}");
        }
    }
}
