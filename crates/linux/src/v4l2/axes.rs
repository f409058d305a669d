//! How a camera turns: the ranges of its controls, as a head's body, and poses as their values. Pure.
//!
//! Of V4L2 (`ext-ctrls-camera.rst`): pan and tilt are in seconds of arc, "positive values move the camera to the right
//! (clockwise when viewed from above)" and up; "the zoom unit is driver-specific". UVC 1.5 (4.2.2.1.11) has it in steps of
//! the focal length.

use std::fmt;

use lookout_core::ptz::{Pose, mover::Body};

use super::abi::ControlEntry;

/// As far as a zoom goes whose values do not say it.
const USUAL_ZOOM: f64 = 10.0;
/// Further than this no lens goes: a zoom whose values say so does not count in lengths.
const FARTHEST_ZOOM: f64 = 64.0;
/// Seconds of arc of a degree.
const DEGREE: f64 = 3600.0;

/// The controls by which a camera turns; none it does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Axes {
    pub pan: Option<Axis>,
    pub tilt: Option<Axis>,
    pub zoom: Option<Axis>,
}

/// A control's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub id: u32,
    minimum: i32,
    maximum: i32,
    step: i32,
    pub default: i32,
}

/// A value for each control that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub pan: Option<i32>,
    pub tilt: Option<i32>,
    pub zoom: Option<i32>,
}

impl Axes {
    /// Returns what the camera is like as a head.
    pub(super) fn body(&self) -> Body {
        let degrees = |axis: Option<Axis>| axis.map_or(0.0, |axis| axis.range() / DEGREE);
        let grid = |axis: Option<Axis>| axis.map_or(0.0, |axis| f64::from(axis.step) / axis.range());
        let centre = self.pose(&Values {
            pan: self.pan.map(|axis| axis.default),
            tilt: self.tilt.map(|axis| axis.default),
            zoom: None,
        });
        Body {
            octaves: self.zoom.map_or(0.0, |axis| axis.times().log2()),
            seen: (0.0, 0.0),
            degrees: (degrees(self.pan), degrees(self.tilt)),
            centre: (centre.pan, centre.tilt),
            grid: (grid(self.pan), grid(self.tilt)),
            blocks: (0.0, 0.0),
            blocks_zoom: 0.0,
        }
    }

    /// Returns where it is when its controls have these values; where it has none, in the middle and the widest.
    pub(super) fn pose(&self, values: &Values) -> Pose {
        let share = |axis: Option<Axis>, value: Option<i32>| axis.zip(value).map(|(axis, value)| axis.share(value));
        let zoom = self.zoom.zip(values.zoom).map(|(axis, value)| {
            let length = 1.0 + axis.share(value) * (axis.times() - 1.0);
            length.log2() / axis.times().log2()
        });
        Pose {
            pan: share(self.pan, values.pan).unwrap_or(0.5),
            tilt: share(self.tilt, values.tilt).map_or(0.5, |up| 1.0 - up),
            zoom: zoom.unwrap_or(0.0),
        }
    }

    /// Returns the values by which it is as near to a pose as it can be.
    pub(super) fn values(&self, pose: &Pose) -> Values {
        let zoom = |axis: Axis| {
            let length = axis.times().powf(pose.zoom);
            axis.value((length - 1.0) / (axis.times() - 1.0))
        };
        Values {
            pan: self.pan.map(|axis| axis.value(pose.pan)),
            tilt: self.tilt.map(|axis| axis.value(1.0 - pose.tilt)),
            zoom: self.zoom.map(zoom),
        }
    }
}

impl Axis {
    /// Takes over what the driver says; `None` if its range is no range.
    pub(super) fn new(entry: &ControlEntry) -> Option<Self> {
        let &ControlEntry { id, minimum, maximum, step, default, .. } = entry;
        let default = if minimum < maximum { default.clamp(minimum, maximum) } else { return None };
        Some(Self { id, minimum, maximum, step: step.max(1), default })
    }

    fn range(&self) -> f64 {
        f64::from(self.maximum) - f64::from(self.minimum)
    }

    /// Returns how far along its range a value is: 0 to 1.
    fn share(&self, value: i32) -> f64 {
        ((f64::from(value) - f64::from(self.minimum)) / self.range()).clamp(0.0, 1.0)
    }

    /// Returns the value so far along its range, on the nearest step.
    fn value(&self, share: f64) -> i32 {
        let step = f64::from(self.step);
        let most = (self.range() / step).floor();
        let steps = (share * self.range() / step).round().clamp(0.0, most);
        #[allow(clippy::cast_possible_truncation, reason = "it is between minimum and maximum, which are of this type")]
        let value = (f64::from(self.minimum) + steps * step) as i32;
        value
    }

    /// Returns how often larger things are at the nearest than at the widest, if this is the zoom: more than 1.
    ///
    /// What webcams say are lengths, such as 100 to 500 for five times. Values that cannot be, such as 0 to 16384, are steps
    /// of some drive; they are taken for [`USUAL_ZOOM`], which is as often right as wrong and matters to the speed alone.
    fn times(&self) -> f64 {
        let times = f64::from(self.maximum) / f64::from(self.minimum);
        if self.minimum > 0 && times <= FARTHEST_ZOOM { times } else { USUAL_ZOOM }
    }
}

/// Such as `pan -170° to 170° in steps of 1°, zoom 1 to 5 times`.
impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let degrees = |value: i32| (f64::from(value) / DEGREE * 100.0).round() / 100.0;
        let mut between = "";
        for (name, axis) in [("pan", self.pan), ("tilt", self.tilt)] {
            let Some(Axis { minimum, maximum, step, .. }) = axis else { continue };
            let [minimum, maximum, step] = [minimum, maximum, step].map(degrees);
            write!(f, "{between}{name} {minimum}° to {maximum}° in steps of {step}°")?;
            between = ", ";
        }
        if let Some(zoom @ Axis { minimum, maximum, .. }) = self.zoom {
            let times = (zoom.times() * 10.0).round() / 10.0;
            write!(f, "{between}zoom 1 to {times} times ({minimum} to {maximum})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::abi::Plain, *};

    fn axis(minimum: i32, maximum: i32, step: i32, default: i32) -> Option<Axis> {
        Axis::new(&ControlEntry { minimum, maximum, step, default, ..ControlEntry::zeroed() })
    }

    /// A conference camera, whose ways up and down differ.
    fn camera() -> Axes {
        Axes {
            pan: axis(-170 * 3600, 170 * 3600, 3600, 0),
            tilt: axis(-30 * 3600, 90 * 3600, 3600, 0),
            zoom: axis(100, 1200, 1, 100),
        }
    }

    fn pose(pan: f64, tilt: f64, zoom: f64) -> Pose {
        Pose { pan, tilt, zoom }
    }

    fn values(pan: i32, tilt: i32, zoom: i32) -> Values {
        Values { pan: Some(pan), tilt: Some(tilt), zoom: Some(zoom) }
    }

    #[test]
    fn q71_right_and_up_are_the_devices_greater_values() {
        assert_eq!(camera().values(&pose(0.0, 0.0, 0.0)), values(-612_000, 324_000, 100));
        assert_eq!(camera().values(&pose(1.0, 1.0, 1.0)), values(612_000, -108_000, 1200));
        assert_eq!(camera().values(&pose(0.5, 0.5, 0.5)), values(0, 108_000, 346));
    }

    #[test]
    fn q71_the_centre_is_the_devices_own() {
        let body = camera().body();
        assert_eq!(body.centre, (0.5, 0.75));
        let home = camera().values(&pose(body.centre.0, body.centre.1, 0.0));
        assert_eq!(home, values(0, 0, 100));
    }

    #[test]
    fn a_body_has_the_ranges_in_degrees_and_octaves() {
        let body = camera().body();
        assert_eq!((body.degrees, body.seen), ((340.0, 120.0), (0.0, 0.0)));
        assert_eq!(body.grid, (1.0 / 340.0, 1.0 / 120.0));
        assert!((body.octaves - 12_f64.log2()).abs() < 1e-12);
    }

    #[test]
    fn q71_what_a_device_lacks_is_not_there() {
        let zoom_alone = Axes { zoom: camera().zoom, ..Axes::default() };
        assert_eq!((zoom_alone.body().degrees, zoom_alone.body().grid), ((0.0, 0.0), (0.0, 0.0)));
        assert_eq!(zoom_alone.values(&pose(0.1, 0.9, 1.0)), Values { zoom: Some(1200), ..Values::default() });
        assert_eq!(zoom_alone.pose(&Values { zoom: Some(1200), ..Values::default() }), pose(0.5, 0.5, 1.0));
        let no_zoom = Axes { zoom: None, ..camera() };
        assert_eq!(no_zoom.body().octaves.to_bits(), 0, "not minus nothing either");
        assert_eq!(no_zoom.pose(&values(0, 0, 7)).zoom.to_bits(), 0);
    }

    #[test]
    fn every_value_that_a_device_has_is_reached_again_from_its_pose() {
        for zoom in
            [axis(100, 500, 1, 100), axis(1, 64, 1, 1), axis(0, 16_384, 4, 0), axis(-5, 5, 1, 0), axis(1, 200, 3, 1)]
        {
            let axes = Axes { zoom, ..camera() };
            for at in 0..=200 {
                let steps = |axis: Option<Axis>| {
                    let axis = axis.unwrap();
                    axis.value(f64::from(at) / 200.0)
                };
                let there = values(steps(axes.pan), steps(axes.tilt), steps(axes.zoom));
                assert_eq!(axes.values(&axes.pose(&there)), there, "{axes:?}");
            }
        }
    }

    #[test]
    fn values_are_on_steps_and_in_the_range_whatever_the_pose_and_the_device() {
        let odd =
            [(0, 100, 7), (i32::MIN, i32::MAX, 1), (-5, 300, 1000), (i32::MIN, i32::MAX, i32::MAX), (1, i32::MAX, -3)];
        for (minimum, maximum, step) in odd {
            let axis = axis(minimum, maximum, step, 0);
            let axes = Axes { pan: axis, tilt: axis, zoom: axis };
            assert!(axes.body().octaves > 0.0 && axes.body().octaves.is_finite());
            for at in [-1e300, -0.1, 0.0, 1e-9, 0.3, 0.999, 1.0, 7.0, f64::INFINITY] {
                let Values { pan, tilt, zoom } = axes.values(&pose(at, at, at));
                for value in [pan, tilt, zoom].map(Option::unwrap) {
                    assert!((minimum..=maximum).contains(&value), "{value}");
                    assert_eq!((i64::from(value) - i64::from(minimum)) % i64::from(step.max(1)), 0, "{at}: {value}");
                }
            }
        }
        assert_eq!([axis(5, 5, 1, 5), axis(7, 3, 1, 5)], [None, None], "a range that is none");
    }

    #[test]
    fn q71_a_zoom_makes_things_larger_by_the_same_factor_with_each_step_of_a_pose() {
        let lengths = |axis| {
            let axes = Axes { zoom: axis, ..Axes::default() };
            [0.0, 0.5, 1.0].map(|zoom| axes.values(&pose(0.5, 0.5, zoom)).zoom.unwrap())
        };
        assert_eq!(lengths(axis(100, 400, 1, 100)), [100, 200, 400]);
        // Ten times, of which the root is 3.16.
        assert_eq!(lengths(axis(0, 900, 1, 0)), [0, 216, 900]);
        assert_eq!(axis(1, 1000, 1, 1).unwrap().times().to_bits(), 10_f64.to_bits(), "no lens goes that far");
    }

    #[test]
    fn they_are_told_in_degrees_and_times() {
        let text =
            "pan -170° to 170° in steps of 1°, tilt -30° to 90° in steps of 1°, zoom 1 to 12 times (100 to 1200)";
        assert_eq!(camera().to_string(), text);
        assert_eq!(Axes { zoom: axis(0, 1000, 1, 0), ..Axes::default() }.to_string(), "zoom 1 to 10 times (0 to 1000)");
    }
}
