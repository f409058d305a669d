//! Where pictures meet viewers: the newest frame of each size, shared by all who watch it.
//!
//! Publishing never waits. A viewer that is slow finds the newest frame when it comes back and never sees the ones in
//! between; so nothing is queued, and nobody's slowness is felt by another. The smaller sizes are made once for all
//! who watch them, and only while somebody does.
//!
//! The privacy gate stands here, on both sides: what may not be shown is not published, and a viewer is given nothing
//! but frames of the opening in which it began to watch. Whatever is to leave the camera as a picture is taken from a
//! [`Viewer`], and whatever is to leave it as sound from a [`Listener`].

mod sound;

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

pub use self::sound::{Bell, Listener, Loud, Sound, Sounds};

use bytes::Bytes;
use lookout_core::{
    media::frame::{Frame, Size},
    profile::settings::Resolution,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{
    metrics::{Flow, SoundCounters},
    pipeline,
    privacy::{Forbidden, Pass, Privacy, State},
};

/// The type of the push stream, without a blank behind the semicolon (PROFILE 5.1).
pub const PUSH: &str = "multipart/x-mixed-replace;boundary=ipcamera";

/// A frame on its way to viewers, with what goes before it in a push stream: made once a frame.
#[derive(Debug)]
pub struct Shown {
    /// The frame.
    pub frame: Frame,
    /// The part's boundary and header lines.
    pub head: Bytes,
    /// The opening of the privacy gate in which it may be seen.
    opening: u64,
}

impl Shown {
    fn new(frame: Frame, opening: u64) -> Self {
        let length = frame.jpeg.len();
        let head = format!("--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
        Self { frame, head: head.into(), opening }
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
    size: Mutex<Option<Size>>,
    /// 320 and 160 pixels wide; there while somebody watches.
    smaller: [Mutex<Option<Made>>; 2],
    /// The sound that goes with the pictures.
    pub sound: Sounds,
    gate: Arc<Privacy>,
    flow: Arc<Flow>,
    /// Ends with the hub.
    _forgetting: JoinSet<()>,
}

impl Hub {
    /// Makes a hub without a frame, behind the privacy gate.
    pub fn new(gate: Arc<Privacy>, flow: Arc<Flow>, counters: Arc<SoundCounters>) -> Arc<Self> {
        Arc::new_cyclic(|hub| {
            let mut forgetting = JoinSet::new();
            forgetting.spawn(forget(hub.clone(), gate.follow()));
            let (full, size, smaller) = (watch::Sender::new(None), Mutex::default(), Default::default());
            let sound = Sounds::new(gate.clone(), counters);
            Self { full, size, smaller, sound, gate, flow, _forgetting: forgetting }
        })
    }

    /// Shows a frame to all who watch, if it may be shown; the one before it is forgotten.
    pub fn publish(&self, frame: Frame) {
        *lock(&self.size) = Some(frame.size);
        if let Some(opening) = self.gate.admit(frame.captured, frame.wall) {
            self.full.send_replace(Some(Arc::new(Shown::new(frame, opening))));
        }
    }

    /// Says whether anybody watches, in any size.
    pub fn watched(&self) -> bool {
        self.full.receiver_count() > 0
    }

    /// Waits until nobody watches, in any size.
    pub async fn unwatched(&self) {
        self.full.closed().await;
    }

    /// Lets somebody watch, from the next frame on until the privacy gate closes.
    ///
    /// # Errors
    /// It is closed.
    pub fn view(self: &Arc<Self>, size: Resolution) -> Result<Viewer, Forbidden> {
        let pass = self.gate.pass()?;
        let frames = match size {
            Resolution::Vga => self.full.subscribe(),
            Resolution::Qvga => self.view_smaller(Smaller::Qvga),
            Resolution::Qqvga => self.view_smaller(Smaller::Qqvga),
        };
        Ok(Viewer { frames, pass })
    }

    /// Returns the full size of the newest picture, if there was one, also if it may not be shown.
    pub fn size(&self) -> Option<Size> {
        *lock(&self.size)
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

    fn forget(&self) {
        self.sound.forget();
        self.full.send_replace(None);
        for size in [Smaller::Qvga, Smaller::Qqvga] {
            if let Some((made, _)) = self.slot(size).as_ref() {
                made.send_replace(None);
            }
        }
    }

    fn slot(&self, size: Smaller) -> MutexGuard<'_, Option<Made>> {
        lock(&self.smaller[size as usize])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forgets all frames and sound of a hub whenever the privacy gate turns.
///
/// Nobody would see them: that is for the memory, in which nothing of the camera's day should lie in forbidden hours.
async fn forget(hub: Weak<Hub>, mut gate: watch::Receiver<State>) {
    while gate.changed().await.is_ok() {
        let Some(hub) = hub.upgrade() else { return };
        hub.forget();
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
                        self.made.send_replace(Some(Arc::new(Shown::new(small, shown.opening))));
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

/// Somebody who watches, until the privacy gate closes.
#[derive(Clone)]
pub struct Viewer {
    frames: watch::Receiver<Newest>,
    pass: Pass,
}

impl Viewer {
    /// Waits for a frame newer than the last one returned; `None` once the privacy gate has closed, also if it is open
    /// again, or the hub is gone. May be cancelled.
    pub async fn next(&mut self) -> Option<Arc<Shown>> {
        loop {
            tokio::select! {
                () = self.pass.ended() => return None,
                changed = self.frames.changed() => changed.ok()?,
            }
            let newest = self.frames.borrow_and_update().clone();
            if let Some(shown) = newest.filter(|shown| self.pass.is_for(shown.opening)) {
                return Some(shown);
            }
        }
    }

    /// Returns the newest frame there is, which `next` will still return if it has not; none once the privacy gate has
    /// closed.
    pub fn newest(&self) -> Option<Arc<Shown>> {
        let newest = self.frames.borrow().clone();
        newest.filter(|shown| self.pass.is_for(shown.opening))
    }

    /// Says whether there may be another frame: not once the privacy gate has closed or the hub is gone.
    pub fn may_see(&self) -> bool {
        self.pass.holds() && self.frames.has_changed().is_ok()
    }

    /// Waits until the privacy gate has closed. May be cancelled.
    pub async fn ended(&self) {
        self.pass.ended().await;
    }

    /// Waits for a live frame captured after a moment (PROFILE 5.2); `None` if none comes in time, or the privacy gate
    /// closes.
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
    use tokio::task::yield_now;

    use super::*;
    use crate::privacy::testing::Hours;

    fn hub(hours: &Hours) -> Arc<Hub> {
        Hub::new(hours.gate(Arc::default()), Arc::default(), Arc::default())
    }

    fn frame(hours: &Hours, seq: u64) -> Frame {
        hours.frame(seq, b"x".to_vec())
    }

    #[tokio::test]
    async fn a_slow_viewer_gets_the_newest_frame() {
        let hours = Hours::default();
        let hub = hub(&hours);
        assert!(!hub.watched());
        let mut viewer = hub.view(Resolution::Vga).unwrap();
        assert!(hub.watched());
        hub.publish(frame(&hours, 1));
        assert_eq!(viewer.next().await.map(|shown| shown.seq), Some(1));
        (2..=9).for_each(|seq| hub.publish(frame(&hours, seq)));
        assert_eq!(viewer.next().await.map(|shown| shown.seq), Some(9));
        drop(viewer);
        assert!(!hub.watched());
    }

    #[tokio::test]
    async fn a_look_at_the_newest_frame_takes_it_from_nobody() {
        let hours = Hours::default();
        let hub = hub(&hours);
        let mut viewer = hub.view(Resolution::Vga).unwrap();
        hub.publish(frame(&hours, 1));
        assert_eq!(viewer.newest().map(|shown| shown.seq), Some(1));
        assert_eq!(viewer.next().await.map(|shown| shown.seq), Some(1));
    }

    #[tokio::test]
    async fn a_snapshot_is_captured_after_the_request_and_never_a_placeholder() {
        let hours = Hours::default();
        let hub = hub(&hours);
        let viewer = hub.view(Resolution::Vga).unwrap();
        let early = frame(&hours, 1);
        let asked = Instant::now();
        hub.publish(Frame { captured: asked - Duration::from_millis(1), ..early });
        let waiting = tokio::spawn(viewer.after(asked, Duration::from_secs(5)));
        yield_now().await;
        hub.publish(Frame { live: false, ..frame(&hours, 2) });
        yield_now().await;
        hub.publish(frame(&hours, 3));
        assert_eq!(waiting.await.unwrap().map(|shown| shown.seq), Some(3));
    }

    #[tokio::test]
    async fn with_the_hub_end_all_who_watch_in_every_size() {
        let hub = hub(&Hours::default());
        let viewers = [Resolution::Vga, Resolution::Qvga, Resolution::Qqvga].map(|size| hub.view(size).unwrap());
        drop(hub);
        for mut viewer in viewers {
            assert!(sees_nothing_more(&mut viewer).await);
            assert!(!viewer.may_see());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_snapshot_when_the_hours_begin_waits_no_more() {
        let hours = Hours::default();
        let hub = hub(&hours);
        let viewer = hub.view(Resolution::Vga).unwrap();
        let begin = tokio::time::Instant::now();
        let waiting = tokio::spawn(viewer.after(begin.into_std(), Duration::from_secs(5)));
        yield_now().await;
        hours.forbid(true);
        hub.publish(frame(&hours, 1));
        assert!(waiting.await.unwrap().is_none());
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    async fn sees_nothing_more(viewer: &mut Viewer) -> bool {
        let next = tokio::time::timeout(Duration::from_secs(5), viewer.next()).await;
        viewer.newest().is_none() && next.expect("it waits for a frame").is_none()
    }

    #[tokio::test(start_paused = true)]
    async fn no_viewer_sees_a_frame_of_the_hours_or_of_before_them() {
        let hours = Hours::default();
        let hub = hub(&hours);
        for size in [Resolution::Vga, Resolution::Qqvga] {
            let mut early = hub.view(size).unwrap();
            // Of the smallest size, so that it is passed on as it is.
            let small = |seq| Frame { size: Size::QQVGA, ..frame(&hours, seq) };
            hub.publish(small(1));
            assert_eq!(early.next().await.map(|shown| shown.seq), Some(1));
            hours.forbid(true);
            hub.publish(small(2));
            assert!(hub.view(size).is_err());
            assert!(sees_nothing_more(&mut early).await);
            hours.forbid(false);
            // The one before the hours may still lie there: nobody had time to forget it.
            let mut late = hub.view(size).unwrap();
            assert!(late.newest().is_none());
            hub.publish(small(3));
            hours.wait_out_the_guard().await;
            hub.publish(small(4));
            assert_eq!(late.next().await.map(|shown| shown.seq), Some(4));
            assert!(sees_nothing_more(&mut early).await, "its opening is over");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_smaller_size_that_is_made_too_late_is_not_seen_after_the_hours() {
        let hours = Hours::default();
        let hub = hub(&hours);
        hours.forbid(true);
        assert!(hub.view(Resolution::Qvga).is_err());
        hours.forbid(false);
        let after = hub.view(Resolution::Qvga).unwrap();
        hub.slot(Smaller::Qvga).as_ref().unwrap().0.send_replace(Some(Arc::new(Shown::new(frame(&hours, 1), 0))));
        assert!(after.newest().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_leaves_no_frame_in_memory() {
        let hours = Hours::default();
        let hub = hub(&hours);
        let mut viewers = [Resolution::Vga, Resolution::Qvga, Resolution::Qqvga].map(|size| hub.view(size).unwrap());
        let frame = Frame { size: Size::QQVGA, ..frame(&hours, 1) };
        let held = frame.jpeg.clone();
        hub.publish(frame);
        for viewer in &mut viewers {
            assert!(viewer.next().await.is_some());
        }
        assert!(!held.is_unique());
        hours.forbid(true);
        assert!(hub.view(Resolution::Vga).is_err());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(held.is_unique());
    }

    #[tokio::test]
    async fn the_part_header_is_that_of_the_wire() {
        let shown = Shown::new(frame(&Hours::default(), 1), 0);
        assert_eq!(shown.head, "--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\n\r\n");
    }
}
