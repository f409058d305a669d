//! Image settings on a device's own controls: scaled to its ranges, written only when they change.

use lookout_core::port::{Image, PowerLine};

use super::{
    abi::{self, ControlEntry},
    device::Device,
};

/// The controls of one device that image settings map to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Controls {
    brightness: Option<Control>,
    contrast: Option<Control>,
    power_line: Option<Control>,
    mirror: Option<Control>,
    flip: Option<Control>,
}

/// One control: its range, and what it was last set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Control {
    id: u32,
    minimum: i32,
    maximum: i32,
    step: i32,
    default: i32,
    /// `None` if it cannot be told.
    now: Option<i32>,
}

impl Controls {
    /// Looks up which of the controls the device has.
    pub(super) fn of(device: &Device) -> Self {
        let control = |id| {
            let entry = device.control(id).filter(|entry| entry.flags & abi::CTRL_FLAG_READ_ONLY == 0)?;
            Control::new(&entry, device.value(id).ok())
        };
        Self {
            brightness: control(abi::CID_BRIGHTNESS),
            contrast: control(abi::CID_CONTRAST),
            power_line: control(abi::CID_POWER_LINE),
            mirror: control(abi::CID_HFLIP),
            flip: control(abi::CID_VFLIP),
        }
    }

    /// Writes what differs and returns what the device cannot do, which is left for software.
    ///
    /// The power line's frequency is never left: nothing but a camera's exposure can heed it.
    pub(super) fn adjust(&mut self, image: &Image, device: &Device) -> Image {
        self.adjust_with(image, |id, value| match device.set_value(id, value) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(device = %device.path().display(), id, value, %error, "control not written");
                false
            }
        })
    }

    fn adjust_with(&mut self, image: &Image, mut write: impl FnMut(u32, i32) -> bool) -> Image {
        const NEUTRAL: Image = Image::NEUTRAL;
        let mut set = |control: &mut Option<Control>, value: fn(&Control, &Image) -> Option<i32>| {
            let Some(control) = control else { return false };
            value(control, image).is_some_and(|value| control.set(value, &mut write))
        };
        let brightness =
            set(&mut self.brightness, |control, image| control.scaled(image.brightness, NEUTRAL.brightness, 255));
        let contrast = set(&mut self.contrast, |control, image| control.scaled(image.contrast, NEUTRAL.contrast, 6));
        let flip = set(&mut self.flip, |control, image| Some(control.switched(image.flip)));
        let mirror = set(&mut self.mirror, |control, image| Some(control.switched(image.mirror)));
        set(&mut self.power_line, |control, image| control.listed(image.mode));
        Image {
            brightness: if brightness { NEUTRAL.brightness } else { image.brightness },
            contrast: if contrast { NEUTRAL.contrast } else { image.contrast },
            mode: NEUTRAL.mode,
            flip: image.flip && !flip,
            mirror: image.mirror && !mirror,
        }
    }
}

impl Control {
    /// Takes over what the driver says; `None` if its range is no range.
    fn new(entry: &ControlEntry, now: Option<i32>) -> Option<Self> {
        let &ControlEntry { id, minimum, maximum, step, default, .. } = entry;
        // A default outside the range is a firmware's slip.
        let default = if minimum < maximum { default.clamp(minimum, maximum) } else { return None };
        Some(Self { id, minimum, maximum, step: step.max(1), default, now })
    }

    /// Maps 0..=top, with the device's default at `neutral`; `None` if the device has no room on that side of its default.
    fn scaled(&self, value: u8, neutral: u8, top: u8) -> Option<i32> {
        if value == neutral {
            return Some(self.default);
        }
        let (end, part, whole) = if value < neutral {
            (self.minimum, neutral - value, neutral)
        } else {
            (self.maximum, value.min(top) - neutral, top - neutral)
        };
        if end == self.default {
            return None;
        }
        let (default, step, minimum) = (i64::from(self.default), i64::from(self.step), i64::from(self.minimum));
        let exact = default + (i64::from(end) - default) * i64::from(part) / i64::from(whole);
        let stepped = minimum + (exact - minimum + step / 2) / step * step;
        i32::try_from(stepped.clamp(minimum, i64::from(self.maximum))).ok()
    }

    /// Maps a switch; a sensor that is mounted upside down has its flip on by default.
    fn switched(&self, on: bool) -> i32 {
        if on == (self.default != self.minimum) { self.minimum } else { self.maximum }
    }

    /// Maps the power line's frequency; `None` if the menu lacks it.
    fn listed(&self, mode: PowerLine) -> Option<i32> {
        let value = match mode {
            PowerLine::Off => 0,
            PowerLine::Hz50 => 1,
            PowerLine::Hz60 => 2,
        };
        (self.minimum..=self.maximum).contains(&value).then_some(value)
    }

    /// Writes a value unless it is already there; says whether it is there now.
    fn set(&mut self, value: i32, write: &mut impl FnMut(u32, i32) -> bool) -> bool {
        if self.now != Some(value) {
            // After a failed write nobody knows: the next change writes again.
            self.now = write(self.id, value).then_some(value);
        }
        self.now == Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::abi::Plain, *};

    fn control(id: u32, minimum: i32, maximum: i32, step: i32, default: i32) -> Option<Control> {
        let entry = ControlEntry { id, minimum, maximum, step, default, ..ControlEntry::zeroed() };
        Control::new(&entry, Some(default))
    }

    fn usb_camera() -> Controls {
        Controls {
            brightness: control(abi::CID_BRIGHTNESS, -64, 64, 1, 0),
            contrast: control(abi::CID_CONTRAST, 0, 95, 1, 32),
            power_line: control(abi::CID_POWER_LINE, 0, 2, 1, 2),
            ..Controls::default()
        }
    }

    /// Adjusts and returns what was written and what was left.
    fn adjusted(controls: &mut Controls, image: Image) -> (Vec<(u32, i32)>, Image) {
        let mut written = Vec::new();
        let left = controls.adjust_with(&image, |id, value| {
            written.push((id, value));
            true
        });
        (written, left)
    }

    #[test]
    fn a_value_is_scaled_to_each_side_of_the_devices_default() {
        let scaled = |value| control(1, 0, 95, 1, 32).unwrap().scaled(value, 3, 6).unwrap();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 200].map(scaled), [0, 11, 22, 32, 53, 74, 95, 95]);
        let scaled = |value| control(1, -64, 64, 1, 0).unwrap().scaled(value, 128, 255).unwrap();
        assert_eq!([0, 64, 128, 192, 255].map(scaled), [-64, -32, 0, 32, 64]);
    }

    #[test]
    fn a_scaled_value_is_on_a_step_and_in_the_range() {
        for (minimum, maximum, step, default) in [(0, 100, 7, 50), (i32::MIN, i32::MAX, 1, 0), (-5, 300, 1000, 3)] {
            let control = control(1, minimum, maximum, step, default).unwrap();
            for value in 0..=255 {
                let scaled = control.scaled(value, 128, 255).unwrap();
                assert!((minimum..=maximum).contains(&scaled), "{value} {scaled}");
            }
        }
    }

    #[test]
    fn where_the_device_has_no_room_software_does_it() {
        let mut controls = Controls { brightness: control(abi::CID_BRIGHTNESS, 0, 255, 1, 0), ..Controls::default() };
        let (written, left) = adjusted(&mut controls, Image { brightness: 64, ..Image::NEUTRAL });
        assert_eq!((written, left.brightness), (vec![], 64));
        let (written, left) = adjusted(&mut controls, Image { brightness: 255, ..Image::NEUTRAL });
        assert_eq!((written, left.brightness), (vec![(abi::CID_BRIGHTNESS, 255)], 128));
    }

    #[test]
    fn only_what_changes_is_written() {
        let mut controls = usb_camera();
        let (written, left) = adjusted(&mut controls, Image::NEUTRAL);
        assert_eq!((written, left), (vec![(abi::CID_POWER_LINE, 1)], Image::NEUTRAL));
        let (written, _) = adjusted(&mut controls, Image::NEUTRAL);
        assert_eq!(written, []);
        let image = Image { brightness: 0, mode: PowerLine::Off, ..Image::NEUTRAL };
        let (written, left) = adjusted(&mut controls, image);
        assert_eq!(written, [(abi::CID_BRIGHTNESS, -64), (abi::CID_POWER_LINE, 0)]);
        assert_eq!(left, Image::NEUTRAL);
    }

    #[test]
    fn what_the_device_lacks_is_left_but_for_the_power_line() {
        let image = Image { brightness: 1, contrast: 2, mode: PowerLine::Hz60, flip: true, mirror: true };
        let (written, left) = adjusted(&mut Controls::default(), image);
        assert_eq!((written, left), (vec![], Image { mode: Image::NEUTRAL.mode, ..image }));
    }

    #[test]
    fn a_sensor_mounted_upside_down_is_flipped_back() {
        let mut controls = Controls {
            flip: control(abi::CID_VFLIP, 0, 1, 1, 1),
            mirror: control(abi::CID_HFLIP, 0, 1, 1, 0),
            ..Controls::default()
        };
        let (written, left) = adjusted(&mut controls, Image { flip: true, mirror: true, ..Image::NEUTRAL });
        assert_eq!(written, [(abi::CID_VFLIP, 0), (abi::CID_HFLIP, 1)]);
        assert_eq!(left, Image::NEUTRAL);
    }

    #[test]
    fn a_write_that_fails_is_left_for_software_and_tried_again() {
        let mut controls = usb_camera();
        let image = Image { contrast: 6, ..Image::NEUTRAL };
        assert_eq!(controls.adjust_with(&image, |_, _| false).contrast, 6);
        let (written, left) = adjusted(&mut controls, image);
        assert!(written.contains(&(abi::CID_CONTRAST, 95)), "{written:?}");
        assert_eq!(left.contrast, 3);
    }
}
