//! Serial ports that are written to: 8 bits, no parity, one stop bit, no flow control, raw.
//!
//! Bargains: nothing here waits without a bound. Opening asks for no carrier; whatever may take long in a driver is done
//! on a blocking thread; `tcdrain` and its kin, which wait for as long as the line likes, are not used at all: how much the
//! driver still holds is asked instead. A port is held alone, by `TIOCEXCL`, which keeps out whoever is not root, and by a
//! lock (`flock`), which keeps out whoever looks. Whatever is heard is thrown away.

use std::{
    io::{self, ErrorKind},
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lookout_core::port::{Lost, Promise, SerialLine};
use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock},
    io::Errno,
    termios::{
        ControlModes, InputModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl, ioctl_tiocnxcl, tcflush,
        tcgetattr, tcsetattr,
    },
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::Handle,
};

use crate::{apart::Apart, socket::unacknowledged};

/// How long a driver may take for anything.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many threads may be in drivers at once: one a port.
const THREADS: usize = 4;

/// A serial port, held alone as long as this lives.
pub struct Line {
    /// Empty only while it is dropped.
    port: Option<Arc<AsyncFd<OwnedFd>>>,
    direction: Direction,
}

/// Who switches the direction of RS-485.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Direction {
    /// Nobody was asked to: the adapter, or it is no RS-485.
    Itself,
    /// The kernel.
    Kernel,
    /// The kernel was asked to, and its driver cannot.
    Refused(String),
}

impl Line {
    /// Opens a port; its speed is to be set before anything is written.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn open(path: &Path, rs485: bool) -> Result<Self, Lost> {
        let path: PathBuf = path.to_owned();
        let (port, direction) = apart(move || take(&path, rs485)).await?;
        // SAFETY: an `OwnedFd` owns its open file, never replaces it, and closes it only when it is dropped.
        let port = unsafe { AsyncFd::register_with_interest(port, Interest::READABLE | Interest::WRITABLE) };
        Ok(Self { port: Some(Arc::new(port.map_err(|error| why(&error.into()))?)), direction })
    }

    fn port(&self) -> &Arc<AsyncFd<OwnedFd>> {
        self.port.as_ref().expect("only dropping takes it")
    }

    async fn hand_over(&self, mut rest: &[u8]) -> Result<(), Lost> {
        while !rest.is_empty() {
            let mut ready = self.port().writable().await.map_err(|error| why(&error))?;
            match ready.try_io(|port| Ok(rustix::io::write(port, rest)?)) {
                Ok(Ok(taken)) => rest = &rest[taken..],
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(why(&error)),
                Err(_full) => {}
            }
        }
        Ok(())
    }

    /// Hears whatever is said, for nothing else tells that the line was hung up.
    async fn hear(&self) -> Lost {
        let mut heard = [0; 256];
        loop {
            let mut ready = match self.port().readable().await {
                Ok(ready) => ready,
                Err(error) => return why(&error),
            };
            match ready.try_io(|port| Ok(rustix::io::read(port, &mut heard)?)) {
                Ok(Ok(0)) => return unplugged(),
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return why(&error),
            }
        }
    }
}

impl SerialLine for Line {
    fn speed(&mut self, rate: u32) -> Promise<'_, Result<(), Lost>> {
        let port = self.port().clone();
        Box::pin(apart(move || set(port.get_ref(), rate).map_err(|error| why(&error))))
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Promise<'a, Result<(), Lost>> {
        Box::pin(self.hand_over(bytes))
    }

    fn waiting(&self) -> Result<usize, Lost> {
        match unacknowledged(self.port()) {
            Ok(bytes) => Ok(bytes),
            // A driver that does not tell.
            Err(error) if is(&error, Errno::NOTTY) => Ok(0),
            Err(error) => Err(why(&error)),
        }
    }

    fn discard(&mut self) -> Promise<'_, ()> {
        let port = self.port().clone();
        let discard = move || tcflush(port.get_ref(), QueueSelector::OFlush).map_err(|error| why(&error.into()));
        Box::pin(async move {
            // One that cannot is closed all the same.
            let _ = apart(discard).await;
        })
    }

    fn gone(&mut self) -> Promise<'_, Lost> {
        Box::pin(self.hear())
    }

    fn about(&self) -> String {
        match self.direction {
            Direction::Itself | Direction::Refused(_) => "8N1".into(),
            Direction::Kernel => "8N1, RS-485 by the kernel".into(),
        }
    }

    fn lacks(&self) -> Option<&str> {
        match &self.direction {
            Direction::Refused(why) => Some(why),
            Direction::Itself | Direction::Kernel => None,
        }
    }
}

/// Closing waits for what the driver still holds, for up to 30 s, so it is left to a thread of its own.
impl Drop for Line {
    fn drop(&mut self) {
        let Some(port) = self.port.take().and_then(Arc::into_inner) else { return };
        let port = port.into_inner();
        let close = move || {
            // Others may have it again, though it stays a while.
            let _ = (ioctl_tiocnxcl(&port), flock(&port, FlockOperation::Unlock));
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(close)),
            Err(_) => close(),
        }
    }
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, Lost> + Send + 'static) -> Result<T, Lost> {
    static DRIVERS: Apart = Apart::new(THREADS, PATIENCE);
    DRIVERS.run(work).await
}

/// Opens a port and makes it raw, with what speed it has.
fn take(path: &Path, rs485: bool) -> Result<(OwnedFd, Direction), Lost> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = || -> io::Result<(OwnedFd, Direction)> {
        let port = rustix::fs::open(path, flags, Mode::empty())?;
        let mut settings = tcgetattr(&port)?;
        flock(&port, FlockOperation::NonBlockingLockExclusive)?;
        ioctl_tiocexcl(&port)?;
        raw(&mut settings);
        tcsetattr(&port, OptionalActions::Now, &settings)?;
        let direction = if rs485 { half_duplex(&port) } else { Direction::Itself };
        Ok((port, direction))
    };
    opened().map_err(|error| why(&error))
}

/// 8N1, raw, no flow control, modem lines ignored and left as they are when it is closed, and as far as the hardware can,
/// nothing heard.
fn raw(settings: &mut Termios) {
    settings.make_raw();
    settings.input_modes -= InputModes::IXOFF | InputModes::IXANY;
    settings.input_modes |= InputModes::IGNBRK | InputModes::IGNPAR;
    settings.control_modes -= ControlModes::CSTOPB | ControlModes::PARENB | ControlModes::PARODD;
    settings.control_modes -= ControlModes::CRTSCTS | ControlModes::HUPCL | ControlModes::CREAD;
    settings.control_modes |= ControlModes::CS8 | ControlModes::CLOCAL;
}

fn set(port: &OwnedFd, rate: u32) -> io::Result<()> {
    let mut settings = tcgetattr(port)?;
    raw(&mut settings);
    settings.set_speed(rate)?;
    tcsetattr(port, OptionalActions::Now, &settings)?;
    // A driver takes what it can, and says so here alone. Receivers bear one of 2.5 per cent.
    let got = tcgetattr(port)?.output_speed();
    if got.abs_diff(rate) > rate / 40 {
        return Err(io::Error::other(format!("its driver makes {got} bit/s of {rate}")));
    }
    Ok(())
}

/// `struct serial_rs485` (linux/serial.h).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Rs485 {
    flags: u32,
    /// Milliseconds.
    delay_before_send: u32,
    /// Milliseconds.
    delay_after_send: u32,
    /// Addresses, or nothing.
    rest: [u32; 5],
}

impl Rs485 {
    const ENABLED: u32 = 1;
    const RTS_ON_SEND: u32 = 1 << 1;
    const RTS_AFTER_SEND: u32 = 1 << 2;
}

/// Has the kernel switch the direction: RTS as the machine's description has it, else raised while something is sent.
fn half_duplex(port: &OwnedFd) -> Direction {
    let mut wanted = Rs485::default();
    let asked = || {
        rs485(port, libc::TIOCGRS485, &mut wanted)?;
        wanted.flags |= Rs485::ENABLED;
        if wanted.flags & (Rs485::RTS_ON_SEND | Rs485::RTS_AFTER_SEND) == 0 {
            wanted.flags |= Rs485::RTS_ON_SEND;
        }
        rs485(port, libc::TIOCSRS485, &mut wanted)?;
        if wanted.flags & Rs485::ENABLED == 0 { Err(Errno::OPNOTSUPP.into()) } else { Ok(()) }
    };
    let asked: io::Result<()> = { asked }();
    match asked {
        Ok(()) => Direction::Kernel,
        Err(error) => {
            Direction::Refused(format!("its driver does not switch the direction of RS-485 (serial.rs485): {error}"))
        }
    }
}

fn rs485(port: &OwnedFd, request: libc::Ioctl, wanted: &mut Rs485) -> io::Result<()> {
    // SAFETY: both requests read and write one `struct serial_rs485` where the pointer says, which is a live one of that
    // size and layout.
    let result = unsafe { libc::ioctl(port.as_raw_fd(), request, std::ptr::from_mut(wanted)) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn is(error: &io::Error, code: Errno) -> bool {
    error.raw_os_error() == Some(code.raw_os_error())
}

fn unplugged() -> Lost {
    Lost("it was unplugged".into())
}

/// Words an error.
fn why(error: &io::Error) -> Lost {
    let is = |codes: &[Errno]| codes.iter().any(|code| is(error, *code));
    if is(&[Errno::IO, Errno::NODEV, Errno::NXIO]) {
        unplugged()
    } else if is(&[Errno::NOENT]) {
        Lost("it is not there".into())
    } else if is(&[Errno::BUSY, Errno::AGAIN]) {
        Lost("somebody else uses it".into())
    } else if is(&[Errno::ACCESS, Errno::PERM]) {
        Lost("the camera's user may not use it; most systems have a group for that, dialout or uucp".into())
    } else if is(&[Errno::NOTTY, Errno::ISDIR]) {
        Lost("it is no serial port".into())
    } else {
        Lost(error.to_string())
    }
}

#[cfg(test)]
mod lab;
#[cfg(test)]
mod tests;
