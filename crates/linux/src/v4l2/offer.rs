//! Which of a device's formats, sizes and rates to take: pure decisions over what it offers.

use std::{cmp::Reverse, fmt};

use lookout_core::{media::frame::Size, port::Wanted};

use super::abi::Fraction;

/// A pixel format that can be used, in the order of preference among raw ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Format {
    /// Motion JPEG; `MJPG` and `JPEG` differ only in name.
    Mjpeg,
    /// 4:2:0 in three planes, V4L2's `YU12`.
    I420,
    /// 4:2:0 in two planes.
    Nv12,
    /// 4:2:2, Y first.
    Yuyv,
    /// 4:2:2, U first.
    Uyvy,
    /// Luma alone.
    Grey,
}

impl Format {
    /// Knows a format by its four letters.
    pub(super) fn of(pixel_format: u32) -> Option<Self> {
        Some(match &pixel_format.to_le_bytes() {
            b"MJPG" | b"JPEG" => Self::Mjpeg,
            b"YU12" => Self::I420,
            b"NV12" => Self::Nv12,
            b"YUYV" => Self::Yuyv,
            b"UYVY" => Self::Uyvy,
            b"GREY" => Self::Grey,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mjpeg => "MJPEG",
            Self::I420 => "I420",
            Self::Nv12 => "NV12",
            Self::Yuyv => "YUYV",
            Self::Uyvy => "UYVY",
            Self::Grey => "grey",
        })
    }
}

/// One entry of a device's list of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    /// Just this one.
    One(Size),
    /// All from the least to the greatest, in steps.
    Steps { least: Size, greatest: Size, step: Size },
}

impl Sizes {
    /// Stands for a driver that lists no sizes and takes the nearest that it can.
    pub(super) const ANY: Self = Self::Steps {
        least: Size::new(16, 16),
        greatest: Size::new(Size::LONGEST, Size::LONGEST),
        step: Size::new(2, 2),
    };

    /// Returns the smallest size of this entry that covers `wanted`, or else the greatest.
    pub(super) fn nearest(self, wanted: Size) -> Size {
        match self {
            Self::One(size) => size,
            Self::Steps { least, greatest, step } => Size::new(
                nearest_side(wanted.width, least.width, greatest.width, step.width),
                nearest_side(wanted.height, least.height, greatest.height, step.height),
            ),
        }
    }
}

fn nearest_side(wanted: u32, least: u32, greatest: u32, step: u32) -> u32 {
    let steps = |distance: u32| distance.div_ceil(step.max(1)).saturating_mul(step.max(1));
    least.saturating_add(steps(wanted.saturating_sub(least))).min(greatest)
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(size) => write!(f, "{size}"),
            Self::Steps { least, greatest, .. } => write!(f, "{least} to {greatest}"),
        }
    }
}

/// One entry of a device's list of rates, as times a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rates {
    /// Just this one.
    One(Fraction),
    /// All from the shortest time to the longest.
    Range { shortest: Fraction, longest: Fraction },
}

impl Rates {
    /// Returns the time a picture of this entry that is nearest to the wanted rate, not slower where possible.
    fn nearest(self, fps: f64) -> Fraction {
        match self {
            Self::One(interval) => interval,
            Self::Range { shortest, .. } if shortest.fps() <= fps => shortest,
            Self::Range { longest, .. } if longest.fps() >= fps => longest,
            Self::Range { .. } => Fraction { numerator: 1000, denominator: ((fps * 1000.0) as u32).max(1) },
        }
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(interval) => write!(f, "{interval}"),
            Self::Range { shortest, longest } => write!(f, "{longest} to {shortest}"),
        }
    }
}

impl Fraction {
    /// Pictures a second; 0 for a time that makes no sense.
    pub(super) fn fps(self) -> f64 {
        if self.numerator == 0 { 0.0 } else { f64::from(self.denominator) / f64::from(self.numerator) }
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.fps() * 10.0).round() / 10.0)
    }
}

/// A format at one size with the rates it has there.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// What to call the format to the driver.
    pub(super) pixel_format: u32,
    pub(super) format: Format,
    pub(super) size: Size,
    /// Empty where the driver does not say.
    pub(super) rates: Vec<Rates>,
}

/// What to ask the driver for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) pixel_format: u32,
    pub(super) format: Format,
    pub(super) size: Size,
    /// The time a picture, `None` where the driver has no list.
    pub(super) interval: Option<Fraction>,
}

impl Choice {
    fn of(offer: &Offer, fps: f64) -> Self {
        let intervals = offer.rates.iter().map(|rates| rates.nearest(fps));
        let interval = intervals.min_by_key(|interval| slowness(Some(*interval), fps));
        Self { pixel_format: offer.pixel_format, format: offer.format, size: offer.size, interval }
    }

    fn is_as(&self, wanted: Wanted) -> bool {
        self.size == wanted.size && !slowness(self.interval, f64::from(wanted.fps)).0
    }
}

/// Chooses what to capture; `None` if nothing on offer can be used.
///
/// MJPEG goes first, as it passes through untouched, unless only a raw format has exactly the wanted size and rate. Then
/// colour before grey, then the smallest size that covers the wanted one, or else the greatest, then the slowest rate that
/// is not too slow, or else the fastest.
pub(super) fn choose(offers: &[Offer], wanted: Wanted) -> Option<Choice> {
    let fps = f64::from(wanted.fps);
    let usable = offers.iter().filter(|offer| fits(offer.format, offer.size));
    let choices: Vec<Choice> = usable.map(|offer| Choice::of(offer, fps)).collect();
    let best = |mjpeg: bool| {
        let of_kind = choices.iter().filter(|choice| (choice.format == Format::Mjpeg) == mjpeg);
        of_kind.min_by_key(|choice| {
            let grey = choice.format == Format::Grey;
            (grey, misfit(choice.size, wanted.size), slowness(choice.interval, fps), choice.format)
        })
    };
    match (best(true), best(false)) {
        (Some(mjpeg), Some(raw)) if raw.is_as(wanted) && !mjpeg.is_as(wanted) && raw.format != Format::Grey => {
            Some(*raw)
        }
        (Some(choice), _) | (None, Some(choice)) => Some(*choice),
        (None, None) => None,
    }
}

/// Says whether a picture of this size can be handled: chroma needs even sides.
pub(super) fn fits(format: Format, size: Size) -> bool {
    let sides = [size.width, size.height];
    let even = matches!(format, Format::Mjpeg | Format::Grey) || sides.iter().all(|side| side % 2 == 0);
    even && sides.iter().all(|side| (16..=Size::LONGEST).contains(side))
}

/// Orders sizes: those that cover `wanted` from the smallest up, then the others from the greatest down.
fn misfit(size: Size, wanted: Size) -> (bool, u64) {
    let area = u64::from(size.width) * u64::from(size.height);
    let covers = size.width >= wanted.width && size.height >= wanted.height;
    (!covers, if covers { area } else { u64::MAX - area })
}

/// Orders rates: those that are not too slow from the slowest up, then the others from the fastest down. A driver that
/// does not say may be fast enough.
fn slowness(interval: Option<Fraction>, fps: f64) -> (bool, Reverse<i64>) {
    let Some(interval) = interval else { return (false, Reverse(0)) };
    let millihertz = (interval.fps() * 1000.0) as i64;
    // 29.97 is as good as 30.
    let too_slow = interval.fps() < fps * 0.99;
    (too_slow, Reverse(if too_slow { millihertz } else { -millihertz }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn per_second(fps: u32) -> Rates {
        Rates::One(Fraction { numerator: 1, denominator: fps })
    }

    fn offer(letters: &[u8; 4], width: u32, height: u32, rates: &[u32]) -> Offer {
        let pixel_format = u32::from_le_bytes(*letters);
        let format = Format::of(pixel_format).unwrap();
        let rates = rates.iter().map(|&fps| per_second(fps)).collect();
        Offer { pixel_format, format, size: Size::new(width, height), rates }
    }

    /// Returns the choice as text: format, size, rate.
    fn chosen(offers: &[Offer], width: u32, height: u32, fps: f32) -> String {
        match choose(offers, Wanted { size: Size::new(width, height), fps }) {
            Some(Choice { format, size, interval: Some(interval), .. }) => format!("{format} {size} {interval}"),
            Some(Choice { format, size, interval: None, .. }) => format!("{format} {size}"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_usual_usb_camera_gives_mjpeg_at_the_wanted_size_and_rate() {
        let camera = [
            offer(b"YUYV", 640, 480, &[30, 15]),
            offer(b"YUYV", 1280, 720, &[10]),
            offer(b"MJPG", 320, 240, &[30, 15]),
            offer(b"MJPG", 640, 480, &[60, 30, 15]),
            offer(b"MJPG", 1280, 720, &[30]),
        ];
        assert_eq!(chosen(&camera, 640, 480, 30.0), "MJPEG 640x480 30");
        assert_eq!(chosen(&camera, 640, 480, 20.0), "MJPEG 640x480 30");
        assert_eq!(chosen(&camera, 640, 480, 100.0), "MJPEG 640x480 60");
        assert_eq!(chosen(&camera, 640, 480, 1.0), "MJPEG 640x480 15");
        assert_eq!(chosen(&camera, 352, 288, 30.0), "MJPEG 640x480 30", "the smallest that covers it");
        assert_eq!(chosen(&camera, 1920, 1080, 30.0), "MJPEG 1280x720 30", "none covers it: the greatest");
    }

    #[test]
    fn raw_is_taken_only_if_it_alone_has_what_is_wanted() {
        let raw = offer(b"YUYV", 640, 480, &[30]);
        assert_eq!(chosen(&[raw.clone(), offer(b"MJPG", 1280, 720, &[30])], 640, 480, 30.0), "YUYV 640x480 30");
        assert_eq!(chosen(&[raw.clone(), offer(b"MJPG", 640, 480, &[5])], 640, 480, 30.0), "YUYV 640x480 30");
        assert_eq!(chosen(&[raw.clone(), offer(b"JPEG", 640, 480, &[30])], 640, 480, 30.0), "MJPEG 640x480 30");
        assert_eq!(chosen(&[raw, offer(b"MJPG", 1280, 720, &[30])], 320, 240, 30.0), "MJPEG 1280x720 30");
    }

    #[test]
    fn grey_comes_after_every_colour() {
        let camera = [offer(b"GREY", 640, 480, &[30]), offer(b"UYVY", 1280, 720, &[10])];
        assert_eq!(chosen(&camera, 640, 480, 30.0), "UYVY 1280x720 10");
        assert_eq!(chosen(&camera[..1], 320, 240, 30.0), "grey 640x480 30");
    }

    #[test]
    fn a_rate_that_is_nearly_as_wanted_will_do() {
        let ntsc = Rates::One(Fraction { numerator: 1001, denominator: 30000 });
        let camera = [Offer { rates: vec![per_second(60), ntsc], ..offer(b"MJPG", 640, 480, &[]) }];
        assert_eq!(chosen(&camera, 640, 480, 30.0), "MJPEG 640x480 30");
    }

    #[test]
    fn a_range_of_rates_gives_the_wanted_one_or_its_end() {
        let (shortest, longest) =
            (Fraction { numerator: 1, denominator: 25 }, Fraction { numerator: 1, denominator: 2 });
        let camera = [Offer { rates: vec![Rates::Range { shortest, longest }], ..offer(b"YUYV", 640, 480, &[]) }];
        assert_eq!(chosen(&camera, 640, 480, 12.5), "YUYV 640x480 12.5");
        assert_eq!(chosen(&camera, 640, 480, 30.0), "YUYV 640x480 25");
        assert_eq!(chosen(&camera, 640, 480, 1.0), "YUYV 640x480 2");
    }

    #[test]
    fn a_range_of_sizes_gives_the_nearest_step() {
        let range = Sizes::Steps { least: Size::new(48, 32), greatest: Size::new(1920, 1080), step: Size::new(16, 2) };
        assert_eq!(range.nearest(Size::VGA), Size::VGA);
        assert_eq!(range.nearest(Size::new(650, 481)), Size::new(656, 482));
        assert_eq!(range.nearest(Size::new(8000, 16)), Size::new(1920, 32));
        assert_eq!(Sizes::ANY.nearest(Size::VGA), Size::VGA);
    }

    #[test]
    fn nonsense_is_no_offer_and_no_panic() {
        assert_eq!(chosen(&[], 640, 480, 30.0), "nothing");
        let odd = [offer(b"YUYV", 641, 480, &[30]), offer(b"MJPG", 0, 0, &[30]), offer(b"MJPG", 99_999, 480, &[30])];
        assert_eq!(chosen(&odd, 640, 480, 30.0), "nothing");
        let endless = Rates::Range {
            shortest: Fraction { numerator: 0, denominator: 0 },
            longest: Fraction { numerator: 0, denominator: 0 },
        };
        let silent = [Offer { rates: vec![endless], ..offer(b"MJPG", 640, 480, &[]) }];
        assert_eq!(chosen(&silent, 640, 480, f32::NAN), "MJPEG 640x480 0");
        assert_eq!(chosen(&[offer(b"MJPG", 640, 480, &[])], 640, 480, 30.0), "MJPEG 640x480");
        let broken = Sizes::Steps { least: Size::new(u32::MAX, 9), greatest: Size::new(1, 1), step: Size::new(0, 0) };
        assert_eq!(broken.nearest(Size::VGA), Size::new(1, 1));
    }
}
