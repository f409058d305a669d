//! An open video device: the kernel's calls, made safe, and their failures in words.

use std::{
    ffi::c_int,
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
};

use lookout_core::{media::frame::Size, port::Lost};

use super::abi::{self, Buffer, Capability, ControlEntry, ControlValue, Fraction, PixFormat, Plain, Request};
use super::offer::{Rates, Sizes};

/// No list of a sane driver is longer; one that never ends must not hang us.
const LONGEST_LIST: u32 = 256;

/// An open V4L2 node; opened without blocking, so that an empty queue is an answer and not a wait.
#[derive(Debug)]
pub(super) struct Device {
    file: File,
    path: PathBuf,
}

impl AsRawFd for Device {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl Device {
    /// Opens a node that can capture video into mapped buffers; others are refused in words.
    pub(super) fn open(path: &Path) -> Result<(Self, Capability), Lost> {
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = file.map_err(|error| in_words(path, "opening it", &error))?;
        let device = Self { file, path: path.to_owned() };
        let mut capability = Capability::zeroed();
        if device.ask(abi::QUERYCAP, &mut capability).is_err() {
            return Err(Lost(format!("{} is no capture device", path.display())));
        }
        let can = if capability.capabilities & abi::CAP_DEVICE_CAPS != 0 {
            capability.device_caps
        } else {
            capability.capabilities
        };
        capability.device_caps = can;
        let needed = abi::CAP_VIDEO_CAPTURE | abi::CAP_STREAMING;
        if can & needed != needed {
            return Err(Lost(format!("{} is no capture device", path.display())));
        }
        Ok((device, capability))
    }

    /// Returns the path under which it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says in words what went wrong while `doing` something with this device.
    pub(super) fn lost(&self, doing: &str, error: &io::Error) -> Lost {
        in_words(&self.path, doing, error)
    }

    /// Makes one call to the driver.
    fn ask<T: Plain>(&self, request: Request<T>, argument: &mut T) -> io::Result<()> {
        // SAFETY: any bytes are a value of `T`, which we hold exclusively. No such request has the kernel keep or follow a
        // pointer: buffers are always of the memory kind MMAP.
        unsafe { self.call(request, argument) }
    }

    /// Makes one call to the driver, again if a signal interrupts it.
    ///
    /// # Safety
    /// Whatever the kernel does with the argument is sound: what it writes there is a value, and the pointers that it follows
    /// are good.
    unsafe fn call<T>(&self, request: Request<T>, argument: &mut T) -> io::Result<()> {
        loop {
            // SAFETY: the number of a `Request<T>` tells the kernel to copy exactly `size_of::<T>()` bytes from and to
            // `argument`; for the rest the caller stands.
            let result = unsafe { libc::ioctl(self.file.as_raw_fd(), request.number, &raw mut *argument) };
            if result != -1 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Lists the pixel formats by their four letters.
    pub(super) fn formats(&self) -> Vec<u32> {
        let entry = |index| {
            let mut entry = abi::FormatEntry { index, kind: abi::CAPTURE, ..Plain::zeroed() };
            self.ask(abi::ENUM_FMT, &mut entry).ok().map(|()| entry.pixel_format)
        };
        (0..LONGEST_LIST).map_while(entry).collect()
    }

    /// Lists the sizes of a format; a driver that lists none is taken to negotiate.
    pub(super) fn sizes(&self, pixel_format: u32) -> Vec<Sizes> {
        let entry = |index| {
            let mut entry = abi::SizeEntry { index, pixel_format, ..Plain::zeroed() };
            self.ask(abi::ENUM_FRAMESIZES, &mut entry).ok()?;
            let [a, b, c, d, e, f] = entry.sides;
            Some(if entry.kind == abi::DISCRETE {
                Sizes::One(Size::new(a, b))
            } else {
                Sizes::Steps { least: Size::new(a, d), greatest: Size::new(b, e), step: Size::new(c, f) }
            })
        };
        let listed: Vec<_> = (0..LONGEST_LIST).map_while(entry).collect();
        if listed.is_empty() { vec![Sizes::ANY] } else { listed }
    }

    /// Lists the rates of a format and size; empty where the driver does not say.
    pub(super) fn rates(&self, pixel_format: u32, size: Size) -> Vec<Rates> {
        let Size { width, height } = size;
        let entry = |index| {
            let mut entry = abi::IntervalEntry { index, pixel_format, width, height, ..Plain::zeroed() };
            self.ask(abi::ENUM_FRAMEINTERVALS, &mut entry).ok()?;
            let [first, last, _] = entry.intervals;
            Some(if entry.kind == abi::DISCRETE {
                Rates::One(first)
            } else {
                Rates::Range { shortest: first, longest: last }
            })
        };
        (0..LONGEST_LIST).map_while(entry).collect()
    }

    /// Sets format and size; returns what the driver made of them.
    pub(super) fn set_format(&self, pixel_format: u32, size: Size) -> io::Result<PixFormat> {
        let mut format = abi::Format { kind: abi::CAPTURE, ..Plain::zeroed() };
        // What is there already is kept for the fields that we do not know.
        self.ask(abi::G_FMT, &mut format)?;
        format.pix.width = size.width;
        format.pix.height = size.height;
        format.pix.pixel_format = pixel_format;
        format.pix.field = abi::FIELD_NONE;
        format.pix.bytes_per_line = 0;
        format.pix.size_image = 0;
        self.ask(abi::S_FMT, &mut format)?;
        Ok(format.pix)
    }

    /// Sets the time a picture; returns what the driver made of it, `None` if it has no say in it.
    pub(super) fn set_interval(&self, interval: Fraction) -> Option<Fraction> {
        let mut parm = abi::StreamParm { kind: abi::CAPTURE, interval, ..Plain::zeroed() };
        self.ask(abi::S_PARM, &mut parm).ok()?;
        Some(parm.interval)
    }

    /// Asks for buffers; returns how many there are.
    pub(super) fn request_buffers(&self, count: u32) -> io::Result<u32> {
        let mut request = abi::RequestBuffers { count, kind: abi::CAPTURE, memory: abi::MMAP, ..Plain::zeroed() };
        self.ask(abi::REQBUFS, &mut request)?;
        Ok(request.count)
    }

    /// Says where buffer `index` is to be mapped, and how long it is.
    pub(super) fn buffer(&self, index: u32) -> io::Result<Buffer> {
        let mut buffer = blank_buffer(index);
        self.ask(abi::QUERYBUF, &mut buffer)?;
        Ok(buffer)
    }

    /// Hands a buffer to the driver for filling.
    pub(super) fn queue(&self, index: u32) -> io::Result<()> {
        self.ask(abi::QBUF, &mut blank_buffer(index))
    }

    /// Takes the buffer that was filled first from the driver; `WouldBlock` if none is.
    pub(super) fn dequeue(&self) -> io::Result<Buffer> {
        let mut buffer = blank_buffer(0);
        self.ask(abi::DQBUF, &mut buffer)?;
        Ok(buffer)
    }

    /// Starts capturing.
    pub(super) fn start(&self) -> io::Result<()> {
        self.ask(abi::STREAMON, &mut (abi::CAPTURE as c_int))
    }

    /// Stops capturing; the driver lets go of all buffers.
    pub(super) fn stop(&self) -> io::Result<()> {
        self.ask(abi::STREAMOFF, &mut (abi::CAPTURE as c_int))
    }

    /// Looks up a control; `None` if the device has none of this id, or not now.
    pub(super) fn control(&self, id: u32) -> Option<ControlEntry> {
        let mut entry = ControlEntry { id, ..Plain::zeroed() };
        self.ask(abi::QUERYCTRL, &mut entry).ok()?;
        (entry.flags & abi::CTRL_FLAG_DISABLED == 0).then_some(entry)
    }

    /// Lists the controls that have a number as value.
    pub(super) fn controls(&self) -> Vec<ControlEntry> {
        let mut found = Vec::new();
        let mut last = 0;
        for _ in 0..LONGEST_LIST {
            let mut entry = ControlEntry { id: last | abi::CTRL_FLAG_NEXT, ..Plain::zeroed() };
            if self.ask(abi::QUERYCTRL, &mut entry).is_err() {
                break;
            }
            last = entry.id;
            if entry.flags & abi::CTRL_FLAG_DISABLED == 0 && abi::CTRL_TYPES_WITH_NUMBER.contains(&entry.kind) {
                found.push(entry);
            }
        }
        found
    }

    /// Reads a control.
    pub(super) fn value(&self, id: u32) -> io::Result<i32> {
        let mut control = ControlValue { id, value: 0 };
        self.ask(abi::G_CTRL, &mut control)?;
        Ok(control.value)
    }

    /// Writes a control.
    pub(super) fn set_value(&self, id: u32, value: i32) -> io::Result<()> {
        self.ask(abi::S_CTRL, &mut ControlValue { id, value })
    }

    /// Writes controls as one: the driver has them all before the device has any.
    pub(super) fn set_values(&self, values: impl IntoIterator<Item = (u32, i32)>) -> io::Result<()> {
        let set = |(id, value)| abi::SetValue { id, size: 0, reserved: 0, value, rest: 0 };
        let mut values: Vec<_> = values.into_iter().map(set).collect();
        let count = u32::try_from(values.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let (which, error_index, request, reserved) = (0, 0, 0, 0);
        let mut set = abi::ValueSet { which, count, error_index, request, reserved, values: values.as_mut_ptr() };
        // SAFETY: the kernel reads and writes `count` entries at `values`, which live until after the call and are of nobody
        // else. It follows no pointer in them, as their size is 0, and writes nothing but numbers.
        unsafe { self.call(abi::S_EXT_CTRLS, &mut set) }
    }
}

fn blank_buffer(index: u32) -> Buffer {
    Buffer { index, kind: abi::CAPTURE, memory: abi::MMAP, ..Plain::zeroed() }
}

/// Words a system error for the placeholder picture, the log and `lookout check`.
fn in_words(path: &Path, doing: &str, error: &io::Error) -> Lost {
    let path = path.display();
    Lost(match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENXIO | libc::ENOTDIR) => format!("no such device {path}"),
        Some(libc::ENODEV) => format!("{path} was unplugged"),
        Some(libc::EACCES | libc::EPERM) => {
            format!("permission denied for {path}: add the user to the group video")
        }
        Some(libc::EBUSY) => format!("{path} is in use by another program"),
        Some(libc::EISDIR) => format!("{path} is no capture device"),
        Some(libc::ENOSPC) => {
            format!("the USB bus has no room left for {path}: choose a smaller size or another port")
        }
        _ => format!("{path} failed: {doing}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str) -> String {
        Device::open(Path::new(path)).map(|_| ()).unwrap_err().0
    }

    #[test]
    fn what_is_no_camera_is_refused_in_clear_words() {
        assert_eq!(refusal("/dev/no-such-camera"), "no such device /dev/no-such-camera");
        assert_eq!(refusal("/dev/null"), "/dev/null is no capture device");
        assert_eq!(refusal("/"), "/ is no capture device");
    }

    #[test]
    fn failures_say_what_to_do() {
        let words = |code| in_words(Path::new("/dev/video0"), "starting", &io::Error::from_raw_os_error(code)).0;
        assert_eq!(words(libc::EBUSY), "/dev/video0 is in use by another program");
        assert_eq!(words(libc::EACCES), "permission denied for /dev/video0: add the user to the group video");
        assert_eq!(words(libc::ENODEV), "/dev/video0 was unplugged");
        assert!(words(libc::EIO).starts_with("/dev/video0 failed: starting: "));
    }
}
