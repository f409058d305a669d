//! Which source and which microphone: the parsed `--source` and `--microphone`.

use std::{fmt, path::PathBuf, str::FromStr};

use super::exec;

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
            Self::Exec(command) => write!(f, "exec:{}", exec::program(command)),
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

/// Which microphone to open.
///
/// As a command may hold a password, `Debug` and `Display` show of it only the program.
#[derive(Clone, PartialEq, Eq)]
pub enum SoundLocator {
    /// That of the source, if it has one.
    Own,
    /// None, even if the source has one.
    None,
    /// A sound card of this machine, as ALSA names it.
    Alsa(String),
    /// A program.
    Exec(String),
}

/// A text that names no microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {}", SoundLocator::WANTED)]
pub struct BadMicrophone;

impl SoundLocator {
    /// What is wanted, for error messages.
    pub const WANTED: &str = "a microphone: own, none, alsa:DEVICE or exec:COMMAND";
}

impl FromStr for SoundLocator {
    type Err = BadMicrophone;

    fn from_str(text: &str) -> Result<Self, BadMicrophone> {
        if text.contains(char::is_control) {
            return Err(BadMicrophone);
        }
        match text.split_once(':') {
            None if text == "own" => Ok(Self::Own),
            None if text == "none" => Ok(Self::None),
            Some(("alsa", device)) if !device.trim().is_empty() => Ok(Self::Alsa(device.into())),
            Some(("exec", command)) if !command.trim().is_empty() => Ok(Self::Exec(command.into())),
            None | Some(_) => Err(BadMicrophone),
        }
    }
}

impl fmt::Display for SoundLocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => write!(f, "own"),
            Self::None => write!(f, "none"),
            Self::Alsa(device) => write!(f, "alsa:{device}"),
            Self::Exec(command) => write!(f, "exec:{}", exec::program(command)),
        }
    }
}

impl fmt::Debug for SoundLocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_microphone_is_named_by_a_word_a_device_or_a_command() {
        for (text, microphone) in [
            ("own", SoundLocator::Own),
            ("none", SoundLocator::None),
            ("alsa:plughw:CARD=C920,DEV=0", SoundLocator::Alsa("plughw:CARD=C920,DEV=0".into())),
            ("exec:arecord -t raw", SoundLocator::Exec("arecord -t raw".into())),
        ] {
            assert_eq!(text.parse(), Ok(microphone));
        }
        for bad in ["", "Own", "own:", "alsa", "alsa:", "alsa: ", "exec:", "exec: ", "hw:1", "alsa:a\nb", "exec:a\nb"] {
            assert_eq!(bad.parse::<SoundLocator>(), Err(BadMicrophone), "{bad:?}");
        }
    }

    #[test]
    fn what_names_no_source_is_refused() {
        for bad in ["", "demo", "ftp://x", "v4l2:", "v4l2:video0", "http:", "http://", "file:", "exec:", "exec:a\nb"] {
            assert_eq!(bad.parse::<Locator>(), Err(BadSource), "{bad:?}");
        }
    }
}
