//! What the output drives: a line of a GPIO chip, or a LED.

use std::{fmt, str::FromStr};

use lookout_core::port::{Lost, OutputLine};
use lookout_linux::{gpio, led};

/// The output, as the machine's operator writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line.
    Line(gpio::Place),
    /// A LED.
    Led(led::Place),
}

/// What stands before a LED.
const LED: &str = "led:";

impl Place {
    /// What is wanted, for error messages.
    pub const WANTED: &str = "a line: CHIP:NUMBER such as \"gpiochip0:17\", or its name such as \"GPIO17\"; or a LED: \
         \"led:NAME\" or \"led:/FOLDER\"";

    /// Opens it at a level; dropped, it rests.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn open(self, active_low: bool, level: bool, rest: bool) -> Result<Box<dyn OutputLine>, Lost> {
        let output = match self {
            Self::Line(place) => gpio::output(place, active_low, level, rest).await?,
            Self::Led(place) => led::output(place, level, rest).await?,
        };
        Ok(Box::new(output))
    }

    /// Says what is there, and does nothing to it.
    ///
    /// # Errors
    /// Why it cannot be found.
    pub fn look(&self) -> Result<String, Lost> {
        match self {
            Self::Line(place) => gpio::look(place),
            Self::Led(place) => led::look(place),
        }
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        match text.strip_prefix(LED) {
            Some(led) => led.parse().map(Self::Led).map_err(|_| BadPlace),
            None => text.parse().map(Self::Line).map_err(|_| BadPlace),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(place) => place.fmt(f),
            Self::Led(place) => write!(f, "{LED}{place}"),
        }
    }
}

/// A text that names no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPlace;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_line_or_a_led_and_is_read_as_it_is_shown() {
        for (text, led) in [("gpiochip0:17", false), ("GPIO17", false), ("led:ACT", true), ("led:/var/lamp", true)] {
            let place: Place = text.parse().unwrap();
            assert_eq!((place.to_string().as_str(), matches!(place, Place::Led(_))), (text, led));
        }
        assert_eq!("led:/sys/class/leds/ACT".parse::<Place>(), "led:ACT".parse());
        for text in ["", "led:", "led:a/b", "led:..", "a/b"] {
            assert_eq!(text.parse::<Place>(), Err(BadPlace), "{text:?}");
        }
    }
}
