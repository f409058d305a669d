//! The other cameras' pictures (`set_devices.cgi`): each a channel of its own, open while somebody watches.
//!
//! ```text
//!            somebody watches               nobody has for `LINGER`, or the device was set anew
//!   Closed ───────────────────▶ Open ───────────────────────────────────────────────────────▶ Closed
//!                               one connection to the device, whoever watches
//! ```
//! Nothing that a device sends is passed through: its pictures are cut out, checked and published anew in a hub, like those
//! of the camera's own source, so that it can say nothing but pictures to whoever watches (ADR 0015). A stream shows the
//! device that was set when it began: when its settings change, its channel closes, and with the hub all streams end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lookout_core::{
    media::frame::Size,
    port::{Image, Wanted},
    profile::{
        reply::Failure,
        settings::{Device, Resolution},
    },
};
use tokio::task::JoinHandle;

use crate::{
    capture::{self, Capture},
    http::Fans,
    hub::{Hub, Viewer},
    metrics::Flow,
    pipeline::Demands,
    privacy::Privacy,
    source::{LocalTime, mjpeg_http},
    store::Store,
};

/// How long a channel stays open for whoever comes next, after the last has left.
const LINGER: Duration = Duration::from_secs(5);
/// No picture for so long, and a device is lost: longer than a wireless camera's hiccups.
const STALL: Duration = Duration::from_secs(3);
/// The shortest time between two pictures of a device: at most 50 a second, whatever it sends.
const REST: Duration = Duration::from_millis(20);
/// A device that sends single pictures is asked for so many a second.
const WANTED: Wanted = Wanted { size: Size::VGA, fps: 10.0 };

/// What the service needs.
pub struct Parts {
    /// Where the devices are set, and the accounts of those who watch.
    pub store: Arc<Store>,
    /// The gate before their pictures.
    pub gate: Arc<Privacy>,
    /// Counters.
    pub flow: Arc<Flow>,
    /// Writes a local time for people.
    pub local: LocalTime,
    /// A viewer that takes nothing for so long is closed.
    pub patience: Duration,
}

/// The other cameras.
pub struct Devices {
    parts: Parts,
    channels: [Mutex<Option<Channel>>; 8],
}

/// A device that is open.
struct Channel {
    device: Device,
    hub: Arc<Hub>,
    fans: Arc<Fans>,
    task: JoinHandle<()>,
}

impl Devices {
    /// The number of the first of them in the profile.
    pub const FIRST: usize = 2;

    /// Makes the service; no channel is open yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self { parts, channels: Default::default() })
    }

    /// Lets somebody watch a device, 2 to 9, from its next frame on; returns its fans as well.
    ///
    /// Never waits: until there is a picture, viewers see why there is none.
    ///
    /// # Errors
    /// No such device is set, or the privacy gate is closed.
    pub fn view(self: &Arc<Self>, number: usize, size: Resolution) -> Result<(Viewer, Arc<Fans>), Failure> {
        let index = number.wrapping_sub(Self::FIRST);
        let mut slot = lock(self.channels.get(index).ok_or(Failure::NotFound)?);
        let settings = self.parts.store.get();
        let device = &settings.devices[index];
        if device.host.as_str().is_empty() {
            return Err(Failure::NotFound);
        }
        let open = match slot.take() {
            Some(open) if same_place(&open.device, device) => open,
            Some(_) | None => self.open(index, device.clone())?,
        };
        let open = slot.insert(open);
        Ok((open.hub.view(size)?, open.fans.clone()))
    }

    /// Closes all channels, as their tasks must have ended before the runtime does.
    pub async fn close(&self) {
        let all: Vec<_> = self.channels.iter().filter_map(|slot| lock(slot).take()).collect();
        all.iter().for_each(|open| open.task.abort());
        for open in all {
            // That it was cancelled is what was wanted.
            let _ = open.task.await;
        }
    }

    fn open(self: &Arc<Self>, index: usize, device: Device) -> Result<Channel, Failure> {
        let Parts { store, gate, flow, local, patience } = &self.parts;
        // Of another camera only the pictures are fetched: it has no sound to count.
        let hub = Hub::new(gate.clone(), flow.clone(), Arc::default());
        let (called, to) = (format!("device {}", index + Self::FIRST), device.clone());
        let parts = capture::Parts {
            name: format!("{called} ({}:{})", to.host.as_str(), to.port.get()),
            open: Box::new(move || {
                let (to, called) = (to.clone(), called.clone());
                Box::pin(async move { mjpeg_http::open_device(&to, called, WANTED).await })
            }),
            sound: None,
            size: WANTED.size,
            stall: STALL,
            rest: REST,
            demands: Demands::Device,
            framing: None,
            hub: hub.clone(),
            // The image settings are those of the camera's own picture.
            image: store.watch(|_| Image::NEUTRAL),
            local: local.clone(),
            flow: flow.clone(),
            watchdog: None,
        };
        let capture = Capture::new(parts).map_err(|error| {
            tracing::error!("a device cannot be opened: {error}");
            Failure::Internal
        })?;
        let fans = Fans::new(store.clone(), flow.clone(), *patience);
        let lease = Lease { devices: self.clone(), index, hub: hub.clone() };
        let task = tokio::spawn(run(capture, lease, device.clone()));
        Ok(Channel { device, hub, fans, task })
    }
}

/// Captures a device for as long as there is a reason to.
async fn run(capture: Capture, lease: Lease, device: Device) {
    let mut settings = lease.devices.parts.store.follow();
    tokio::select! {
        () = capture.run() => {}
        () = lease.unused() => {}
        // It ends with the store as well.
        _ = settings.wait_for(|settings| !same_place(&settings.devices[lease.index], &device)) => {}
    }
}

/// A channel's place; it closes when this is dropped, however its task ends.
struct Lease {
    devices: Arc<Devices>,
    index: usize,
    hub: Arc<Hub>,
}

impl Lease {
    /// Waits until nobody watches; then the channel is closed.
    async fn unused(&self) {
        loop {
            self.hub.unwatched().await;
            tokio::time::sleep(LINGER).await;
            // Whoever comes holds the slot's lock: nobody can come between the look and the leaving.
            let mut slot = self.slot();
            if !self.hub.watched() {
                self.leave(&mut slot);
                return;
            }
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Channel>> {
        lock(&self.devices.channels[self.index])
    }

    /// Takes the channel out of its slot, unless another has taken its place.
    fn leave(&self, slot: &mut Option<Channel>) {
        slot.take_if(|open| Arc::ptr_eq(&open.hub, &self.hub));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leave(&mut self.slot());
    }
}

/// Says whether two settings of a device mean the same camera, seen by the same user.
fn same_place(one: &Device, other: &Device) -> bool {
    (&one.host, one.port, &one.user, &one.pwd) == (&other.host, other.port, &other.user, &other.pwd)
}

fn lock(slot: &Mutex<Option<Channel>>) -> MutexGuard<'_, Option<Channel>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
