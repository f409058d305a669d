//! What the camera needs of the world, as traits: the real ones live in `lookout` and `lookout-linux`, doubles in
//! the testkit.

use std::{future::Future, pin::Pin, time::SystemTime};

use crate::{
    host::{Abilities, AccessPoint, Standing, Wanted as Network},
    media::{
        frame::{Grabbed, Size},
        sound::Chunk,
    },
    ptz::{Pose, mover::Body},
};

/// A future of a port, boxed: one small allocation a frame, and any source fits behind one trait.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where pictures come from: a camera, another camera's stream, a file, a program, the demo scene.
///
/// What a source computes in `grab` it computes in a fraction of a frame's time; whatever waits must await. Dropping a
/// source closes its device, connection or child process. `grab` may be cancelled at any await (the capture service gives
/// up on a source that stalls) and the source is then dropped, not used again.
pub trait Source: Send {
    /// Waits for the next picture. An `Err` ends this source; the capture service opens it anew.
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>>;

    /// Applies what the device can do of `image` and returns what is left for software to do.
    ///
    /// Called once after opening and at each change. A source without controls leaves everything.
    fn adjust(&mut self, image: &Image) -> Image {
        *image
    }

    /// Gives the sound that belongs to the pictures, once, if there is any: a file's own, the demo scene's. It hears as
    /// long as its source grabs, and is lost with it.
    fn microphone(&mut self) -> Option<Box<dyn Microphone>> {
        None
    }

    /// Says in a few words what was opened, such as `USB camera "HD Webcam", MJPEG 640x480, 30 fps`.
    fn about(&self) -> String;
}

/// Where sound comes from: a sound card, a program, a source that has sound of its own.
///
/// As with a [`Source`], dropping it closes what is behind it, and `hear` may be cancelled at any await; after that it may
/// be called again.
pub trait Microphone: Send {
    /// Waits for the next piece of sound: 10 to 100 ms of it, without a gap to the one before unless something was lost. An
    /// `Err` ends this microphone; the sound service opens it anew.
    fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>>;

    /// Says in a few words what was opened, such as `sound card "HD Webcam", 48000 Hz, 2 channels`.
    fn about(&self) -> String;
}

/// A line whose level is felt: the alarm input. Dropping it lets go of the line.
pub trait InputLine: Send {
    /// Waits for its next level, `true` for high: the first at once, then at each change, and now and then without one. An
    /// `Err` ends this line; the input service opens it anew. May be cancelled at any await, and called again.
    fn level(&mut self) -> Promise<'_, Result<bool, Lost>>;

    /// Says whether these levels last; else they may bounce.
    fn settled(&self) -> bool;

    /// Says in a few words what was opened, such as `gpiochip0:17 "GPIO17" of pinctrl-bcm2711`.
    fn about(&self) -> String;
}

/// A line that is driven: the output. Dropped, it goes to its resting level, so that no siren goes on, and is let go of.
pub trait OutputLine: Send {
    /// Drives it, `true` for high. An `Err` ends this line; the output service opens it anew. If it is cancelled, the level is
    /// either.
    fn drive(&mut self, high: bool) -> Promise<'_, Result<(), Lost>>;

    /// Changes its resting level, and not its level.
    fn rest_at(&mut self, high: bool);

    /// Says in a few words what was opened.
    fn about(&self) -> String;
}

/// A device that turns to where it is told: the pan, tilt and zoom of a camera. Dropping it closes it.
pub trait Turner: Send {
    /// Turns it to a pose; of what the device cannot do nothing is said. An `Err` ends this device; the head's service opens it
    /// anew. May be cancelled at any await; the device is then dropped.
    fn turn(&mut self, to: Pose) -> Promise<'_, Result<(), Lost>>;

    /// Says what the device is like.
    fn body(&self) -> Body;

    /// Returns where it is, as far as the device tells.
    fn pose(&self) -> Pose;

    /// Says in a few words what was opened.
    fn about(&self) -> String;
}

/// A serial line that is written to: 8 bits, no parity, one stop bit. Dropping it lets go of it.
pub trait SerialLine: Send {
    /// Sets the speed, bit/s, at once: what was written before should have gone out. An `Err` here and in the others ends
    /// this line; the port's owner opens it anew. All may be cancelled at any await; after anything but `gone` the line is
    /// then dropped.
    fn speed(&mut self, rate: u32) -> Promise<'_, Result<(), Lost>>;

    /// Hands bytes over to the driver, all of them.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Promise<'a, Result<(), Lost>>;

    /// Says how many bytes the driver has not given to the line yet, as far as it tells.
    fn waiting(&self) -> Result<usize, Lost>;

    /// Throws away what the driver has not given to the line.
    fn discard(&mut self) -> Promise<'_, ()>;

    /// Waits until it is gone: unplugged, hung up. May be called again when it was cancelled.
    fn gone(&mut self) -> Promise<'_, Lost>;

    /// Says in a few words what was opened.
    fn about(&self) -> String;

    /// Says what was wanted of it that it cannot do: worth a warning, and no reason to stop.
    fn lacks(&self) -> Option<&str>;
}

/// The host's network, clock and power, as far as its operator lets the camera have them (PROFILE 4.7).
///
/// Any call may be cancelled at any await, and made again. Whoever calls gives each a deadline: what stands behind it may hang.
/// An `Err` says why the host refused or could not, in words for the log; never a password.
pub trait Host: Send + Sync {
    /// Says in a few words what it is, such as `NetworkManager 1.42.4, cable eth0, wireless wlan0`.
    fn about(&self) -> Promise<'_, Result<String, Lost>>;

    /// Says what the host can do.
    fn abilities(&self) -> Promise<'_, Result<Abilities, Lost>>;

    /// Has the network be as wanted, from now on and after a restart of the host; none: as it was before the camera ever
    /// wanted anything of it. Returns when what was there is gone and the new is on its way, so that nobody comes in by the old
    /// one any more: whether there is an address in the end, [`Host::standing`] tells.
    fn apply<'a>(&'a self, wanted: Option<&'a Network>) -> Promise<'a, Result<(), Lost>>;

    /// Scans for access points, which takes seconds, and tells those that were heard.
    fn scan(&self) -> Promise<'_, Result<Vec<AccessPoint>, Lost>>;

    /// Says how the network stands.
    fn standing(&self) -> Promise<'_, Result<Standing, Lost>>;

    /// Waits until the standing may have changed.
    fn changed(&self) -> Promise<'_, Result<(), Lost>>;

    /// Sets the host's clock.
    fn set_clock(&self, now: SystemTime) -> Promise<'_, Result<(), Lost>>;

    /// Restarts the host.
    fn restart(&self) -> Promise<'_, Result<(), Lost>>;
}

/// Why a source, a microphone or a line is lost, in words for the placeholder picture and the log; never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub String);

/// What the operator wants of a source that offers a choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// The size to capture; the nearest that the device offers is taken.
    pub size: Size,
    /// Pictures a second.
    pub fps: f32,
}

/// The image settings that a source's own controls may be able to apply (`camera_control.cgi`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// 0-255, 128 neutral.
    pub brightness: u8,
    /// 0-6, 3 neutral.
    pub contrast: u8,
    /// Anti-flicker.
    pub mode: PowerLine,
    /// Upside down.
    pub flip: bool,
    /// Mirrored left to right.
    pub mirror: bool,
}

impl Image {
    /// Changes nothing.
    pub const NEUTRAL: Self = Self { brightness: 128, contrast: 3, mode: PowerLine::Hz50, flip: false, mirror: false };
}

/// The frequency of the lamps' flicker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLine {
    /// 50 Hz.
    Hz50,
    /// 60 Hz.
    Hz60,
    /// Outdoor: anti-flicker off.
    Off,
}
