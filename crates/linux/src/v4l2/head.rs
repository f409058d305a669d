//! The head of a camera: its pan, tilt and zoom, as far as they go to a position.
//!
//! It has a descriptor of its own beside the one that captures. Whatever asks the camera is done on a blocking thread, as a
//! camera that hangs answers nothing, and the kernel waits five seconds for each of its answers.
//!
//! Pan and tilt are written as one, although they are two controls: UVC has one for both, and for the half that is not
//! written the driver asks the camera where it is and sends it there. A camera on its way would stop with its pan to be
//! told its tilt.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lookout_core::{
    port::{Lost, Promise, Turner},
    ptz::{Pose, mover::Body},
};

use super::{
    abi,
    axes::{Axes, Axis, Values},
    camera::Name,
    device::Device,
};
use crate::apart::Apart;

/// Threads for all heads: there is one, and the second is for when it is opened anew while the first hangs. Sooner than a
/// request that waits for the head gives up.
static HEADS: Apart = Apart::new(2, Duration::from_millis(1500));

/// How long a camera that says it is busy is left in peace, and how often.
const BUSY: (Duration, u32) = (Duration::from_millis(50), 20);

/// A camera that turns; dropping it closes the descriptor and leaves it where it is.
#[derive(Debug)]
pub struct Head {
    device: Arc<Device>,
    axes: Axes,
    /// What was written last; `None` if that is not known.
    written: Option<Values>,
    pose: Pose,
    about: String,
}

impl Head {
    /// Opens the head of a camera, which stays where it is.
    ///
    /// # Errors
    /// Says in words if there is no such device, it is not permitted, no capture device, or has no control that goes to a
    /// position.
    pub async fn open(path: PathBuf) -> Result<Self, Lost> {
        HEADS.run(move || open(&path)).await
    }

    /// Writes controls, and once more while the camera says that it is busy. Says whether it took them.
    async fn write(&self, values: [Option<(u32, i32)>; 2]) -> Result<bool, Lost> {
        for _ in 0..BUSY.1 {
            let device = self.device.clone();
            let done = HEADS.run(move || write(&device, values)).await?;
            match done {
                Taken::Yes => return Ok(true),
                Taken::No => return Ok(false),
                Taken::NotYet => tokio::time::sleep(BUSY.0).await,
            }
        }
        Err(Lost(format!("{} is busy, and stays so", self.device.path().display())))
    }

    async fn go(&mut self, to: Pose) -> Result<(), Lost> {
        let values = self.axes.values(&to);
        let before = self.written.take().unwrap_or_default();
        let pair = |axis: Option<Axis>, value: Option<i32>| axis.zip(value).map(|(axis, value)| (axis.id, value));
        let turns = [pair(self.axes.pan, values.pan), pair(self.axes.tilt, values.tilt)];
        let mut taken = true;
        if (values.pan, values.tilt) != (before.pan, before.tilt) {
            taken &= self.write(turns).await?;
        }
        if values.zoom != before.zoom {
            taken &= self.write([pair(self.axes.zoom, values.zoom), None]).await?;
        }
        if taken {
            self.written = Some(values);
            self.pose = self.axes.pose(&values);
        }
        Ok(())
    }
}

impl Turner for Head {
    fn turn(&mut self, to: Pose) -> Promise<'_, Result<(), Lost>> {
        Box::pin(self.go(to))
    }

    fn body(&self) -> Body {
        self.axes.body()
    }

    fn pose(&self) -> Pose {
        self.pose
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

fn open(path: &Path) -> Result<Head, Lost> {
    let (device, capability) = Device::open(path)?;
    let axis = |id| {
        let entry = device.control(id).filter(|entry| entry.flags & abi::CTRL_FLAG_READ_ONLY == 0)?;
        Axis::new(&entry)
    };
    let axes = Axes {
        pan: axis(abi::CID_PAN_ABSOLUTE),
        tilt: axis(abi::CID_TILT_ABSOLUTE),
        zoom: axis(abi::CID_ZOOM_ABSOLUTE),
    };
    if axes == Axes::default() {
        return Err(none(&device));
    }
    // A control that cannot be read is where the camera begins.
    let value = |axis: Option<Axis>| axis.map(|axis| device.value(axis.id).unwrap_or(axis.default));
    let pose = axes.pose(&Values { pan: value(axes.pan), tilt: value(axes.tilt), zoom: value(axes.zoom) });
    let about = format!("{}, {axes}", Name(&capability));
    Ok(Head { device: Arc::new(device), axes, written: None, pose, about })
}

/// Says why a camera has no head.
fn none(device: &Device) -> Lost {
    const MOTIONS: [u32; 6] = [
        abi::CID_PAN_RELATIVE,
        abi::CID_TILT_RELATIVE,
        abi::CID_ZOOM_RELATIVE,
        abi::CID_ZOOM_CONTINUOUS,
        abi::CID_PAN_SPEED,
        abi::CID_TILT_SPEED,
    ];
    let path = device.path().display();
    Lost(if MOTIONS.iter().any(|&id| device.control(id).is_some()) {
        format!("{path} can only be moved, but not be sent to a position, which is not supported")
    } else {
        format!("{path} has no control for pan, tilt or zoom")
    })
}

/// What became of values.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Yes,
    /// The camera does not take them.
    No,
    /// The camera may take them later.
    NotYet,
}

fn write(device: &Device, values: [Option<(u32, i32)>; 2]) -> Result<Taken, Lost> {
    match device.set_values(values.into_iter().flatten()) {
        Ok(()) => Ok(Taken::Yes),
        Err(error) => {
            let taken = refusal(&error).ok_or_else(|| device.lost("turning it", &error))?;
            tracing::debug!(device = %device.path().display(), ?values, %error, "the head did not turn");
            Ok(taken)
        }
    }
}

/// Says whether an error is the camera's own word about the values; `None`: it is lost.
fn refusal(error: &io::Error) -> Option<Taken> {
    match error.raw_os_error()? {
        // "Not ready".
        libc::EBUSY => Some(Taken::NotYet),
        // Out of range, or not in this state; before Linux 6.2 the driver gave other numbers for the same.
        libc::EINVAL | libc::ERANGE | libc::EACCES | libc::EILSEQ | libc::EPIPE => Some(Taken::No),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_camera_is_no_head() {
        let refusal = |path: &'static str| async move { Head::open(path.into()).await.map(|_| ()).unwrap_err().0 };
        assert_eq!(refusal("/dev/no-such-camera").await, "no such device /dev/no-such-camera");
        assert_eq!(refusal("/dev/null").await, "/dev/null is no capture device");
    }

    #[test]
    fn a_camera_that_refuses_is_not_lost_and_one_that_is_busy_is_asked_again() {
        let of = |code| refusal(&io::Error::from_raw_os_error(code));
        assert_eq!(of(libc::EBUSY), Some(Taken::NotYet));
        assert_eq!(
            [of(libc::EINVAL), of(libc::ERANGE), of(libc::EPIPE)],
            [Some(Taken::No), Some(Taken::No), Some(Taken::No)]
        );
        assert_eq!([of(libc::ENODEV), of(libc::ETIMEDOUT), of(libc::EIO)], [None, None, None]);
    }
}
