//! Where pictures come from: one module a scheme of `--source`.

pub mod demo;
pub mod exec;
pub mod files;
mod locator;
pub mod mjpeg_http;
mod pace;
#[cfg(test)]
mod testing;

use lookout_core::port::{Lost, Microphone, Promise, Source, Wanted};
use lookout_linux::{alsa, v4l2};
use tokio::runtime::Handle;

pub use self::{
    demo::LocalTime,
    locator::{Locator, SoundLocator},
};

impl Locator {
    /// Returns the first camera of this machine, else the demo scene.
    pub fn first() -> Self {
        v4l2::first().map_or_else(|| Self::Demo(String::new()), Self::V4l2)
    }

    /// Opens the source.
    pub fn open(&self, wanted: Wanted, local: LocalTime) -> Promise<'static, Result<Box<dyn Source>, Lost>> {
        match self.clone() {
            Self::Demo(query) => Box::pin(async move { demo::open(&query, wanted, local) }),
            Self::V4l2(path) => Box::pin(async move {
                // A driver may take its time in an ioctl.
                let open = || Handle::current().block_on(v4l2::Camera::open(&path, wanted));
                let camera = tokio::task::block_in_place(open)?;
                Ok(Box::new(camera) as Box<dyn Source>)
            }),
            Self::Http(url) => Box::pin(async move { mjpeg_http::open(&url, wanted).await }),
            Self::Files(path) => Box::pin(async move { files::open(&path, wanted).await }),
            Self::Exec(command) => Box::pin(async move { exec::open(&command, wanted).await }),
        }
    }

    /// Says what the device behind it offers, a line each; nothing where there is no device.
    pub fn describe(&self) -> Vec<String> {
        match self {
            Self::V4l2(path) => v4l2::describe(path)
                .map_or_else(|lost| vec![lost.0], |found| found.to_string().lines().map(str::to_owned).collect()),
            Self::Demo(_) | Self::Http(_) | Self::Files(_) | Self::Exec(_) => Vec::new(),
        }
    }
}

impl SoundLocator {
    /// Opens the microphone; a program writes at that rate and with so many channels.
    pub fn open(&self, rate: u32, channels: u16) -> Promise<'static, Result<Box<dyn Microphone>, Lost>> {
        let this = self.clone();
        Box::pin(async move {
            match this {
                Self::Alsa(device) => {
                    alsa::Microphone::open(&device).await.map(|device| Box::new(device) as Box<dyn Microphone>)
                }
                Self::Exec(command) => exec::microphone(&command, rate, channels).await,
                Self::Own | Self::None => Err(Lost("no microphone is named".into())),
            }
        })
    }
}
