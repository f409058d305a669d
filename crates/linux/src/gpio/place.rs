//! Where a line is: on which chip, at which place; or what it is called.

use std::{fmt, path::PathBuf, str::FromStr};

use gpiocdev::{Chip, chip, line::Info};
use lookout_core::port::Lost;

use super::why;

/// A line of the machine, as its operator writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A chip, by its name such as `gpiochip0` or its label such as `pinctrl-bcm2711`, and the line's place on it.
    Numbered(String, u32),
    /// A line's own name, such as `GPIO17`.
    Named(String),
}

/// A text that names no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPlace;

impl std::error::Error for BadPlace {}

impl fmt::Display for BadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", Place::WANTED)
    }
}

/// The kernel keeps names of chips and lines in 32 bytes with their end.
const LONGEST: usize = 31;

impl Place {
    /// What is wanted, for error messages.
    pub const WANTED: &str = "a line: CHIP:NUMBER such as \"gpiochip0:17\", or its name such as \"GPIO17\"";
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let name = |text: &str| {
            let legal = (1..=LONGEST).contains(&text.len()) && !text.contains(|c: char| c.is_control() || c == '/');
            legal.then(|| text.to_owned()).ok_or(BadPlace)
        };
        let text = text.strip_prefix("/dev/").unwrap_or(text);
        match text.rsplit_once(':') {
            Some((chip, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self::Numbered(name(chip)?, number.parse().map_err(|_| BadPlace)?))
            }
            Some(_) | None => name(text).map(Self::Named),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(chip, number) => write!(f, "{chip}:{number}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A line that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub chip: PathBuf,
    pub label: String,
    pub info: Info,
}

impl Place {
    /// Looks for the line. Chips are numbered as they come, so that one that was unplugged may be found under another number.
    pub(super) fn find(&self) -> Result<Found, Lost> {
        let paths = chip::chips().map_err(|error| why(&error))?;
        if paths.is_empty() {
            return Err(Lost("this machine has no GPIO chip".into()));
        }
        let mut refused = None;
        let mut found = Vec::new();
        for path in paths {
            match on_chip(&path, self) {
                Ok(lines) => found.extend(lines),
                Err(lost) => {
                    tracing::debug!("{}: {lost}", path.display());
                    refused = Some(Lost(format!("{}: {lost}", path.display())));
                }
            }
        }
        if found.len() > 1 {
            let at: Vec<_> = found.iter().map(|found| format!("{}:{}", found.name(), found.info.offset)).collect();
            return Err(Lost(format!("several lines are called so: {}", at.join(", "))));
        }
        // A chip that may not be looked at could be the one.
        found.pop().ok_or_else(|| refused.unwrap_or_else(|| Lost(self.missing())))
    }

    fn missing(&self) -> String {
        match self {
            Self::Numbered(chip, _) => format!("there is no GPIO chip {chip}"),
            Self::Named(name) => format!("no chip has a line of the name {name}"),
        }
    }
}

/// Looks for a line on a chip: none, or all that it can be.
fn on_chip(path: &PathBuf, place: &Place) -> Result<Vec<Found>, Lost> {
    // Asked by its number, a chip is known by its name without being opened.
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let chip = match Chip::from_path(path) {
        Ok(chip) => chip,
        Err(_) if matches!(place, Place::Numbered(wanted, _) if wanted.starts_with("gpiochip") && *wanted != name) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(why(&error)),
    };
    let about = chip.info().map_err(|error| why(&error))?;
    let found = |info| Found { chip: path.clone(), label: about.label.clone(), info };
    match place {
        Place::Numbered(wanted, _) if *wanted != name && *wanted != about.label => Ok(Vec::new()),
        Place::Numbered(_, number) if *number >= about.num_lines => {
            Err(Lost(format!("it has the lines 0 to {}", about.num_lines.saturating_sub(1))))
        }
        Place::Numbered(_, number) => Ok(vec![found(chip.line_info(*number).map_err(|error| why(&error))?)]),
        Place::Named(wanted) => {
            let lines = chip.line_info_iter().map_err(|error| why(&error))?.flatten();
            Ok(lines.filter(|info| info.name == *wanted).map(found).collect())
        }
    }
}

impl Found {
    fn name(&self) -> String {
        self.chip.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Such as `gpiochip0:17 "GPIO17" of pinctrl-bcm2711`.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name(), self.info.offset)?;
        if !self.info.name.is_empty() {
            write!(f, " \"{}\"", self.info.name)?;
        }
        write!(f, " of {}", self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_chip_and_a_number_or_a_name() {
        let numbered = |chip: &str, number| Ok(Place::Numbered(chip.into(), number));
        assert_eq!("gpiochip0:17".parse(), numbered("gpiochip0", 17));
        assert_eq!("/dev/gpiochip12:0".parse(), numbered("gpiochip12", 0));
        assert_eq!("pinctrl-bcm2711:4294967295".parse(), numbered("pinctrl-bcm2711", u32::MAX));
        assert_eq!("0000:00:1f:3".parse(), numbered("0000:00:1f", 3));
        for name in ["GPIO17", "door contact", "PCIE:RST", "türe", "1234567890123456789012345678901"] {
            assert_eq!(name.parse(), Ok(Place::Named(name.into())));
        }
    }

    #[test]
    fn what_can_be_no_line_is_refused() {
        let bad = ["", ":", ":3", "/dev/", "gpiochip0:4294967296", "a/b", "a\nb", "/dev/x/y:1"];
        for text in bad.into_iter().chain(["12345678901234567890123456789012"]) {
            assert_eq!(text.parse::<Place>(), Err(BadPlace), "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for text in ["gpiochip0:17", "GPIO17", "pinctrl-bcm2711:0"] {
            assert_eq!(text.parse::<Place>().map(|place| place.to_string()).as_deref(), Ok(text));
        }
    }
}
