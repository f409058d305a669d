//! Where pictures meet viewers: the newest frame of each size, shared by all who watch it.
//!
//! Publishing never waits. A viewer that is slow finds the newest frame when it comes back and never sees the ones in
//! between; so nothing is queued, and nobody's slowness is felt by another. The smaller sizes are made once for all
//! who watch them, and only while somebody does.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use lookout_core::{media::frame::Frame, profile::settings::Resolution};
use tokio::{sync::watch, task::JoinHandle};

use crate::{metrics::Flow, pipeline};

/// The type of the push stream, without a blank behind the semicolon (PROFILE 5.1).
pub const PUSH: &str = "multipart/x-mixed-replace;boundary=ipcamera";

/// A frame on its way to viewers, with what goes before it in a push stream: made once a frame.
#[derive(Debug)]
pub struct Shown {
    /// The frame.
    pub frame: Frame,
    /// The part's boundary and header lines.
    pub head: Bytes,
}

impl Shown {
    fn new(frame: Frame) -> Self {
        let length = frame.jpeg.len();
        let head = format!("--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
        Self { frame, head: head.into() }
    }
}

impl Deref for Shown {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

type Newest = Option<Arc<Shown>>;
/// Frames of a smaller size, and the task that makes them.
type Made = (watch::Sender<Newest>, JoinHandle<()>);

/// The newest frame of each size.
pub struct Hub {
    full: watch::Sender<Newest>,
    /// 320 and 160 pixels wide; there while somebody watches.
    smaller: [Mutex<Option<Made>>; 2],
    flow: Arc<Flow>,
}

impl Hub {
    /// Makes a hub without a frame.
    pub fn new(flow: Arc<Flow>) -> Self {
        Self { full: watch::Sender::new(None), smaller: Default::default(), flow }
    }

    /// Shows a frame to all who watch; the one before it is forgotten.
    pub fn publish(&self, frame: Frame) {
        self.full.send_replace(Some(Arc::new(Shown::new(frame))));
    }

    /// Says whether anybody watches, in any size.
    pub fn watched(&self) -> bool {
        self.full.receiver_count() > 0
    }

    /// Waits until nobody watches, in any size.
    pub async fn unwatched(&self) {
        self.full.closed().await;
    }

    /// Lets somebody watch, from the next frame on.
    pub fn view(self: &Arc<Self>, size: Resolution) -> Viewer {
        let frames = match size {
            Resolution::Vga => self.full.subscribe(),
            Resolution::Qvga => self.view_smaller(Smaller::Qvga),
            Resolution::Qqvga => self.view_smaller(Smaller::Qqvga),
        };
        Viewer { frames }
    }

    fn view_smaller(self: &Arc<Self>, size: Smaller) -> watch::Receiver<Newest> {
        let mut slot = self.slot(size);
        // One that panicked is finished with its slot taken.
        if let Some((made, _)) = slot.as_ref().filter(|(_, maker)| !maker.is_finished()) {
            return made.subscribe();
        }
        let made = watch::Sender::new(None);
        let frames = made.subscribe();
        let maker = Maker {
            hub: Arc::downgrade(self),
            size,
            full: self.full.subscribe(),
            made: made.clone(),
            resizer: pipeline::Resizer::new(size.width(), self.flow.clone()),
        };
        *slot = Some((made, tokio::spawn(maker.run())));
        frames
    }

    fn slot(&self, size: Smaller) -> MutexGuard<'_, Option<Made>> {
        self.smaller[size as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a smaller size of every frame until nobody watches it, or the hub is gone.
struct Maker {
    /// It does not keep the hub: with the hub end all who watch.
    hub: Weak<Hub>,
    size: Smaller,
    full: watch::Receiver<Newest>,
    made: watch::Sender<Newest>,
    resizer: pipeline::Resizer,
}

impl Maker {
    async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.made.closed() => {
                    let Some(hub) = self.hub.upgrade() else { return };
                    // Whoever subscribes holds the slot's lock: nobody can come between the look and the leaving.
                    let mut slot = hub.slot(self.size);
                    if self.made.receiver_count() == 0 {
                        *slot = None;
                        return;
                    }
                }
                changed = self.full.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let Some(shown) = self.full.borrow_and_update().clone() else { continue };
                    if let Some(small) = self.resizer.resize(&shown.frame).await {
                        self.made.send_replace(Some(Arc::new(Shown::new(small))));
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Smaller {
    Qvga,
    Qqvga,
}

impl Smaller {
    fn width(self) -> u32 {
        match self {
            Self::Qvga => 320,
            Self::Qqvga => 160,
        }
    }
}

/// Somebody who watches.
pub struct Viewer {
    frames: watch::Receiver<Newest>,
}

impl Viewer {
    /// Waits for a frame newer than the last one returned; `None` once the hub is gone. May be cancelled.
    pub async fn next(&mut self) -> Option<Arc<Shown>> {
        loop {
            self.frames.changed().await.ok()?;
            let newest = self.frames.borrow_and_update().clone();
            if newest.is_some() {
                return newest;
            }
        }
    }

    /// Returns the newest frame there is, which `next` will still return if it has not.
    pub fn newest(&self) -> Option<Arc<Shown>> {
        self.frames.borrow().clone()
    }

    /// Waits for a live frame captured after a moment (PROFILE 5.2); `None` if none comes in time.
    pub async fn after(mut self, moment: Instant, patience: Duration) -> Option<Arc<Shown>> {
        let wait = async {
            loop {
                let shown = self.next().await?;
                if shown.live && shown.captured >= moment {
                    return Some(shown);
                }
            }
        };
        tokio::time::timeout(patience, wait).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use lookout_core::media::frame::Size;

    use super::*;

    fn frame(seq: u64) -> Frame {
        let now = Instant::now();
        Frame {
            seq,
            captured: now,
            wall: SystemTime::now(),
            size: Size::VGA,
            jpeg: Bytes::from_static(b"x"),
            live: true,
        }
    }

    #[tokio::test]
    async fn a_slow_viewer_gets_the_newest_frame() {
        let hub = Arc::new(Hub::new(Arc::default()));
        assert!(!hub.watched());
        let mut viewer = hub.view(Resolution::Vga);
        assert!(hub.watched());
        hub.publish(frame(1));
        assert_eq!(viewer.next().await.map(|shown| shown.seq), Some(1));
        (2..=9).for_each(|seq| hub.publish(frame(seq)));
        assert_eq!(viewer.next().await.map(|shown| shown.seq), Some(9));
        drop(viewer);
        assert!(!hub.watched());
    }

    #[tokio::test]
    async fn a_look_at_the_newest_frame_takes_it_from_nobody() {
        let hub = Arc::new(Hub::new(Arc::default()));
        let mut viewer = hub.view(Resolution::Vga);
        hub.publish(frame(1));
        assert_eq!(viewer.newest().map(|shown| shown.seq), Some(1));
        assert_eq!(viewer.next().await.map(|shown| shown.seq), Some(1));
    }

    #[tokio::test]
    async fn a_snapshot_is_captured_after_the_request_and_never_a_placeholder() {
        let hub = Arc::new(Hub::new(Arc::default()));
        let viewer = hub.view(Resolution::Vga);
        let early = frame(1);
        let asked = Instant::now();
        hub.publish(Frame { captured: asked - Duration::from_millis(1), ..early });
        let waiting = tokio::spawn(viewer.after(asked, Duration::from_secs(5)));
        tokio::task::yield_now().await;
        hub.publish(Frame { live: false, ..frame(2) });
        tokio::task::yield_now().await;
        hub.publish(frame(3));
        assert_eq!(waiting.await.unwrap().map(|shown| shown.seq), Some(3));
    }

    #[tokio::test]
    async fn with_the_hub_end_all_who_watch_in_every_size() {
        let hub = Arc::new(Hub::new(Arc::default()));
        let viewers = [Resolution::Vga, Resolution::Qvga, Resolution::Qqvga].map(|size| hub.view(size));
        drop(hub);
        for mut viewer in viewers {
            assert!(viewer.next().await.is_none());
        }
    }

    #[test]
    fn the_part_header_is_that_of_the_wire() {
        let shown = Shown::new(frame(1));
        assert_eq!(shown.head, "--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\n\r\n");
    }
}
