//! A V4L2 camera as a source of pictures.

use std::{
    fmt,
    path::Path,
    time::{Instant, SystemTime},
};

use lookout_core::{
    media::frame::{Grabbed, Size},
    port::{Image, Lost, Promise, Source, Wanted},
};

use super::{
    abi::{self, Capability},
    controls::Controls,
    device::Device,
    layout::{self, Layout},
    offer::{self, Choice, Format, Offer},
    stream::Stream,
};

/// A capturing camera; dropping it stops the capture and closes the device.
#[derive(Debug)]
pub struct Camera {
    stream: Stream,
    layout: Layout,
    controls: Controls,
    about: String,
    /// Buffers that held less than a raw picture.
    short: u64,
}

impl Camera {
    /// Opens a camera and starts capturing, as near to `wanted` as it can.
    ///
    /// Must run within a tokio runtime with I/O. Calls the driver, which takes some 100 ms on USB.
    ///
    /// # Errors
    /// Says in words if there is no such device, it is in use, not permitted, no capture device, or offers no picture
    /// format that is known. Retries nothing.
    pub async fn open(path: &Path, wanted: Wanted) -> Result<Self, Lost> {
        let (device, capability) = Device::open(path)?;
        let choice = offer::choose(&offers(&device, wanted.size), wanted)
            .ok_or_else(|| Lost(format!("{} offers no picture format that Lookout knows", path.display())))?;
        Self::start(device, &capability, choice)
    }

    /// Sets up what was chosen and starts capturing.
    pub(super) fn start(device: Device, capability: &Capability, choice: Choice) -> Result<Self, Lost> {
        let agreed = device
            .set_format(choice.pixel_format, choice.size)
            .map_err(|error| device.lost("setting the picture format", &error))?;
        let size = Size::new(agreed.width, agreed.height);
        if agreed.pixel_format != choice.pixel_format || !offer::fits(choice.format, size) {
            return Err(Lost(format!("{} does not keep to the format it offers", device.path().display())));
        }
        let interval = choice.interval.and_then(|interval| device.set_interval(interval));
        let layout = Layout {
            format: choice.format,
            range: layout::range(&agreed),
            size,
            bytes_per_line: agreed.bytes_per_line,
        };
        let about = match interval.filter(|interval| interval.fps() > 0.0) {
            Some(interval) => format!("{}, {} {size}, {interval} fps", Name(capability), choice.format),
            None => format!("{}, {} {size}", Name(capability), choice.format),
        };
        let controls = Controls::of(&device);
        Ok(Self { stream: Stream::start(device)?, layout, controls, about, short: 0 })
    }

    /// Returns how many pictures were skipped because the device marked them as damaged, or they were empty or too short.
    pub fn skipped(&self) -> u64 {
        self.stream.skipped() + self.short
    }

    async fn next(&mut self) -> Result<Grabbed, Lost> {
        loop {
            let filled = self.stream.newest().await?;
            let (now, wall) = (Instant::now(), SystemTime::now());
            let age = self.stream.age(&filled, now);
            let picture = self.layout.picture(self.stream.bytes(&filled));
            self.stream.give_back(filled)?;
            if let Some(picture) = picture {
                return Ok(Grabbed {
                    captured: now.checked_sub(age).unwrap_or(now),
                    wall: wall.checked_sub(age).unwrap_or(wall),
                    picture,
                });
            }
            self.short += 1;
        }
    }
}

impl Source for Camera {
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
        Box::pin(self.next())
    }

    fn adjust(&mut self, image: &Image) -> Image {
        self.controls.adjust(image, self.stream.device())
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

/// Lists what the device offers near a size, in the formats that are known.
fn offers(device: &Device, wanted: Size) -> Vec<Offer> {
    let mut offers = Vec::new();
    for pixel_format in device.formats() {
        let Some(format) = Format::of(pixel_format) else { continue };
        for sizes in device.sizes(pixel_format) {
            let size = sizes.nearest(wanted);
            offers.push(Offer { pixel_format, format, size, rates: device.rates(pixel_format, size) });
        }
    }
    offers
}

/// Shows what a device calls itself, such as `USB camera "HD Webcam"`.
pub(super) struct Name<'a>(pub(super) &'a Capability);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.bus_info.starts_with(b"usb-") { "USB camera" } else { "camera" };
        write!(f, "{kind} \"{}\"", abi::text(&self.0.card))
    }
}
