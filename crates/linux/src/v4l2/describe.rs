//! Finding cameras, and telling the operator what they can do.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use lookout_core::port::Lost;

use super::{
    abi,
    camera::Name,
    device::Device,
    offer::{Format, Rates, Sizes},
};

/// Says whether a node can capture video: `Err` tells in words why not.
///
/// # Errors
/// As [`Camera::open`](super::Camera::open); a camera in use by another program is still a camera.
pub fn probe(path: &Path) -> Result<(), Lost> {
    Device::open(path).map(|_| ())
}

/// Finds the first `/dev/video*` node that delivers pictures in a format that is known.
///
/// Nodes that belong to a media pipeline are passed over: they deliver nothing until someone sets it up.
pub fn first() -> Option<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let nodes = fs::read_dir("/dev").ok()?.flatten().map(|entry| entry.path());
    let mut nodes: Vec<_> = nodes.filter_map(|path| Some((number(&path)?, path))).collect();
    nodes.sort();
    nodes.into_iter().map(|(_, path)| path).find(|path| {
        Device::open(path).is_ok_and(|(device, capability)| {
            capability.device_caps & abi::CAP_IO_MC == 0
                && device.formats().into_iter().any(|format| Format::of(format).is_some())
        })
    })
}

/// What a camera is and can do, as text for a person.
#[derive(Clone, Debug)]
pub struct Description {
    /// Such as `USB camera "HD Webcam"`.
    pub name: String,
    /// The kernel driver's name.
    pub driver: String,
    /// Where the camera is plugged in.
    pub bus: String,
    formats: Vec<FormatOffer>,
    /// The four letters of formats that cannot be used.
    unknown: Vec<String>,
    controls: Vec<ControlOffer>,
}

#[derive(Clone, Debug)]
struct FormatOffer {
    format: Format,
    sizes: Vec<(Sizes, Vec<Rates>)>,
}

#[derive(Clone, Debug)]
struct ControlOffer {
    name: String,
    minimum: i32,
    maximum: i32,
    default: i32,
    now: Option<i32>,
}

/// Asks a camera what it can do, without capturing.
///
/// # Errors
/// As [`Camera::open`](super::Camera::open), except that it may be in use.
pub fn describe(path: &Path) -> Result<Description, Lost> {
    let (device, capability) = Device::open(path)?;
    let mut formats = Vec::new();
    let mut unknown = Vec::new();
    for pixel_format in device.formats() {
        match Format::of(pixel_format) {
            Some(format) => {
                let rates = |sizes: Sizes| match sizes {
                    Sizes::One(size) | Sizes::Steps { greatest: size, .. } => device.rates(pixel_format, size),
                };
                let sizes = device.sizes(pixel_format).into_iter().map(|sizes| (sizes, rates(sizes))).collect();
                formats.push(FormatOffer { format, sizes });
            }
            None => unknown.push(abi::text(&pixel_format.to_le_bytes())),
        }
    }
    let controls = device.controls().into_iter().map(|entry| ControlOffer {
        name: abi::text(&entry.name),
        minimum: entry.minimum,
        maximum: entry.maximum,
        default: entry.default,
        now: if entry.flags & abi::CTRL_FLAG_WRITE_ONLY == 0 { device.value(entry.id).ok() } else { None },
    });
    Ok(Description {
        name: Name(&capability).to_string(),
        driver: abi::text(&capability.driver),
        bus: abi::text(&capability.bus_info),
        formats,
        unknown,
        controls: controls.collect(),
    })
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}, {})", self.name, self.driver, self.bus)?;
        for FormatOffer { format, sizes } in &self.formats {
            for (sizes, rates) in sizes {
                let rates: Vec<_> = rates.iter().map(Rates::to_string).collect();
                let rates = if rates.is_empty() { "an unknown rate".to_owned() } else { rates.join(", ") + " fps" };
                writeln!(f, "  {format} {sizes} at {rates}")?;
            }
        }
        if !self.unknown.is_empty() {
            writeln!(f, "  formats of no use here: {}", self.unknown.join(" "))?;
        }
        for ControlOffer { name, minimum, maximum, default, now } in &self.controls {
            write!(f, "  {name}: {minimum} to {maximum}, default {default}")?;
            match now {
                Some(now) => writeln!(f, ", now {now}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
