//! Streaming through mapped buffers: the newest picture wins, damaged ones are skipped and counted.
//!
//! A buffer is either the driver's (queued) or ours (a [`Filled`]). Its bytes can be read only through a `Filled`, and
//! giving that back consumes it, so nobody reads what the device is writing.

use std::{
    io,
    os::fd::AsRawFd,
    ptr::{self, NonNull},
    slice,
    time::{Duration, Instant},
};

use lookout_core::port::Lost;
use tokio::io::{Interest, unix::AsyncFd};

use super::{abi, device::Device};
use crate::monotonic;

/// Two are being filled or wait while one is read, and one is spare for a late reader.
const BUFFERS: u32 = 4;

/// A running stream; stops when dropped.
#[derive(Debug)]
pub(super) struct Stream {
    device: AsyncFd<Device>,
    buffers: Vec<Mapping>,
    skipped: u64,
}

/// A filled buffer that is ours until it is given back.
#[derive(Debug)]
pub(super) struct Filled {
    index: u32,
    used: usize,
    /// Time of capture on `CLOCK_MONOTONIC`, if the driver stamps with that clock.
    stamp: Option<Duration>,
}

impl Stream {
    /// Maps buffers, hands them to the driver and starts capturing. Must run within tokio's I/O driver.
    pub(super) fn start(device: Device) -> Result<Self, Lost> {
        let failed = |doing: &'static str| {
            let device = &device;
            move |error: io::Error| device.lost(doing, &error)
        };
        let count = device.request_buffers(BUFFERS).map_err(failed("asking for buffers"))?;
        let mut buffers = Vec::new();
        for index in 0..count {
            let buffer = device.buffer(index).map_err(failed("asking for a buffer"))?;
            buffers.push(Mapping::new(&device, &buffer).map_err(failed("mapping a buffer"))?);
            device.queue(index).map_err(failed("queueing a buffer"))?;
        }
        device.start().map_err(failed("starting the capture"))?;
        // Registered only now: a stream that is not started would count as failed.
        let interest = Interest::READABLE | Interest::ERROR;
        // SAFETY: `Device` owns its file, opened by it and closed when it is dropped, and never exchanges it.
        let device = unsafe { AsyncFd::register_with_interest(device, interest) }.map_err(|error| {
            let (device, error) = error.into_parts();
            device.lost("watching it", &error)
        })?;
        Ok(Self { device, buffers, skipped: 0 })
    }

    /// Returns the device below.
    pub(super) fn device(&self) -> &Device {
        self.device.get_ref()
    }

    /// Returns how many buffers came back empty or flagged as damaged.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Waits until a buffer is filled and takes the newest one.
    ///
    /// Holds no buffer while it waits, so it may be cancelled.
    pub(super) async fn newest(&mut self) -> Result<Filled, Lost> {
        // A reader that came so late that all buffers were full gets pictures from before the driver ran dry, not the
        // newest. Those go back once; only once, so that even a starved machine gets pictures.
        let mut may_be_late = true;
        loop {
            let mut ready = self.device.ready(Interest::READABLE | Interest::ERROR).await;
            let ready = ready.as_mut().map_err(|error| self.device.get_ref().lost("waiting for a picture", error))?;
            let device = self.device.get_ref();
            let (newest, taken) = drain(device, &self.buffers, &mut self.skipped)
                .map_err(|error| device.lost("taking a picture", &error))?;
            let state = ready.ready();
            ready.clear_ready();
            match newest {
                Some(filled) if taken >= self.buffers.len() && may_be_late => {
                    may_be_late = false;
                    device.queue(filled.index).map_err(|error| device.lost("queueing a buffer", &error))?;
                }
                Some(filled) => return Ok(filled),
                None if state.is_error() || state.is_read_closed() => {
                    return Err(Lost(format!("{} reports an error", device.path().display())));
                }
                None => {}
            }
        }
    }

    /// Returns what the device wrote into a buffer.
    pub(super) fn bytes(&self, filled: &Filled) -> &[u8] {
        self.buffers.get(filled.index as usize).and_then(|mapping| mapping.bytes().get(..filled.used)).unwrap_or(&[])
    }

    /// Returns how long before `now` a buffer was captured; zero if the driver does not say.
    pub(super) fn age(&self, filled: &Filled, now: Instant) -> Duration {
        let captured = filled.stamp.and_then(monotonic::instant).unwrap_or(now);
        now.saturating_duration_since(captured)
    }

    /// Gives a buffer back to the driver.
    pub(super) fn give_back(&mut self, filled: Filled) -> Result<(), Lost> {
        let device = self.device.get_ref();
        device.queue(filled.index).map_err(|error| device.lost("queueing a buffer", &error))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Fails if the device is gone, which is as good.
        let _ = self.device.get_ref().stop();
    }
}

/// Takes all filled buffers and gives all but the newest good one back; also returns how many there were.
fn drain(device: &Device, buffers: &[Mapping], skipped: &mut u64) -> io::Result<(Option<Filled>, usize)> {
    let mut newest: Option<Filled> = None;
    let mut taken = 0;
    loop {
        let buffer = match device.dequeue() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((newest, taken)),
            Err(error) => return Err(error),
        };
        taken += 1;
        let used = buffer.bytes_used as usize;
        let room = buffers.get(buffer.index as usize).map_or(0, |mapping| mapping.length);
        if buffer.flags & abi::BUF_FLAG_ERROR != 0 || used == 0 || used > room {
            *skipped += 1;
            device.queue(buffer.index)?;
        } else if let Some(older) = newest.replace(Filled { index: buffer.index, used, stamp: stamp(&buffer) }) {
            device.queue(older.index)?;
        }
    }
}

fn stamp(buffer: &abi::Buffer) -> Option<Duration> {
    if buffer.flags & abi::BUF_FLAG_TIMESTAMP_MASK != abi::BUF_FLAG_TIMESTAMP_MONOTONIC {
        return None;
    }
    let seconds = Duration::from_secs(buffer.seconds.try_into().ok()?);
    seconds.checked_add(Duration::from_micros(buffer.microseconds.try_into().ok()?))
}

/// A driver's buffer, mapped for reading; unmapped when dropped, which the kernel allows at any time.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping belongs to the process, not to the thread that made it, and `Mapping` is its only owner.
unsafe impl Send for Mapping {}
// SAFETY: a shared `Mapping` can only be read.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(device: &Device, buffer: &abi::Buffer) -> io::Result<Self> {
        let length = buffer.length as usize;
        // A cookie of the driver, below 2 GiB also where files are not longer.
        let offset = buffer.offset as libc::off_t;
        let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
        // SAFETY: the kernel chooses the address, so no memory of ours is replaced; the result is checked below.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, device.as_raw_fd(), offset) };
        match NonNull::new(start.cast()) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED.cast() => Ok(Self { start, length }),
            Some(_) | None => Err(io::Error::last_os_error()),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `start` and `length` are those of a readable mapping that lives as long as `self`, and any bytes are
        // valid. They do not change while borrowed: `Stream::bytes` gives them out only for a `Filled`, that is between
        // DQBUF and QBUF, when the driver leaves the buffer alone.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with these values, and no borrow of its bytes outlives `self`.
        let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
        debug_assert_eq!(result, 0, "the mapping was ours");
    }
}

#[cfg(test)]
mod tests {
    use super::{super::abi::Plain, *};

    #[test]
    fn only_stamps_of_the_monotonic_clock_are_believed() {
        let mut buffer = abi::Buffer { seconds: 7, microseconds: 500_000, ..abi::Buffer::zeroed() };
        assert_eq!(stamp(&buffer), None);
        buffer.flags = abi::BUF_FLAG_TIMESTAMP_MONOTONIC | 1;
        assert_eq!(stamp(&buffer), Some(Duration::from_millis(7500)));
        buffer.seconds = -1;
        assert_eq!(stamp(&buffer), None);
    }
}
