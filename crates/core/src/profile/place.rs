//! Where a preset is, as the settings file writes it.

use super::wire::{Illegal, Kind, Value, Wire};

/// Where a preset is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it was never set.
    #[default]
    None,
    /// The head keeps it itself.
    Head,
    /// Pan from the left, tilt from the top and zoom from the widest, each 0 to 65535 for the whole.
    At([u16; 3]),
}

impl Wire for Place {
    const KIND: Kind = Kind::Place;
    fn parse(text: &str) -> Result<Self, Illegal> {
        match text {
            "" => Ok(Self::None),
            "head" => Ok(Self::Head),
            numbers => {
                let mut numbers = numbers.split(',').map(|number| number.parse().map_err(|_| Illegal));
                let mut next = || numbers.next().unwrap_or(Err(Illegal));
                let at = Self::At([next()?, next()?, next()?]);
                if numbers.next().is_some() { Err(Illegal) } else { Ok(at) }
            }
        }
    }
    fn show(&self) -> Value {
        Value::Text(match self {
            Self::None => String::new(),
            Self::Head => "head".into(),
            Self::At([pan, tilt, zoom]) => format!("{pan},{tilt},{zoom}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_written() {
        for (text, place) in [("", Place::None), ("head", Place::Head), ("0,32768,65535", Place::At([0, 32768, 65535]))]
        {
            assert_eq!(Place::parse(text), Ok(place));
            assert_eq!(place.show(), Value::Text(text.into()));
        }
        for bad in ["0", "0,1", "0,1,2,3", "65536,0,0", "-1,0,0", "a,b,c", ",,"] {
            assert_eq!(Place::parse(bad), Err(Illegal), "{bad}");
        }
    }
}
