//! The capture service: one source, opened, watched over, and opened again when it is lost.
//!
//! ```text
//!            opened, first picture             no picture for `stall`, or an error
//!   Lost ───────────────────────────▶ Live ──────────────────────────────────────▶ Lost
//!   a placeholder every second,       every picture that is whole is published,
//!   a new attempt after a pause       while somebody watches
//! ```
//! It runs on a thread of its own with its own small runtime, so that painting, checking and encoding never hold up
//! a viewer. Whatever it waits for has a deadline, and every turn of its loop feeds the watchdog.

use std::{
    future::Future,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    media::{
        frame::{Grabbed, Picture, Size},
        placeholder,
    },
    port::{Image, Lost, Source, Wanted},
};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    hub::Hub,
    metrics::Metrics,
    pipeline::Developer,
    source::{LocalTime, Locator},
    store::Watched,
    watchdog::{Loop, Watchdog},
};

/// What the service needs.
pub struct Parts {
    /// Where pictures come from.
    pub source: Locator,
    /// What is wanted of a source that offers a choice.
    pub wanted: Wanted,
    /// No picture for so long, and the source is lost.
    pub stall: Duration,
    /// Where pictures go.
    pub hub: Arc<Hub>,
    /// The image settings.
    pub image: Watched<Image>,
    /// Writes a local time for people.
    pub local: LocalTime,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Fed at every turn.
    pub watchdog: Arc<Watchdog>,
}

/// How long a source may take to open.
const OPEN: Duration = Duration::from_secs(10);
/// The pause before a lost source is tried again; grows, but never so long that its return goes unseen for 3 s.
const PAUSE: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(1500)];
/// How often the placeholder is shown, and at most how long the loop goes without a turn.
const TURN: Duration = Duration::from_secs(1);

/// The service as it runs; dropping it stops it.
pub struct Capturing {
    /// Taken to say stop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Capturing {
    /// Waits until the source is closed: a program that makes pictures must not outlive the camera.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It panicked, and said so, or it is done.
            let _ = thread.join();
        }
    }
}

/// Starts the service on a thread of its own.
///
/// # Errors
/// The system gives no thread or no memory.
pub fn start(parts: Parts) -> std::io::Result<Capturing> {
    let developer = Developer::new(parts.metrics.clone()).map_err(std::io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut capture = Capture { parts, developer, lost: None, up: false, size: None, attempt: 0 };
    let (stop, stopped) = oneshot::channel::<()>();
    let run = async move {
        tokio::select! {
            () = capture.run() => {}
            _ = stopped => {}
        }
    };
    let thread = std::thread::Builder::new().name("capture".into()).spawn(move || runtime.block_on(run))?;
    Ok(Capturing { stop: Some(stop), thread: Some(thread) })
}

struct Capture {
    parts: Parts,
    developer: Developer,
    /// Why and since when the source is lost.
    lost: Option<(Lost, SystemTime)>,
    /// Whether the source delivers.
    up: bool,
    /// The size of the last live picture, which the placeholder takes over.
    size: Option<Size>,
    attempt: usize,
}

impl Capture {
    async fn run(&mut self) {
        loop {
            let opened = self.parts.source.open(self.parts.wanted, self.parts.local.clone());
            let opened = self.deadline(OPEN, opened).await;
            let end = match opened {
                Ok(source) => self.watch(source).await,
                Err(lost) => lost,
            };
            self.lose(end);
            let pause = PAUSE[self.attempt.min(PAUSE.len() - 1)];
            self.attempt += 1;
            self.meanwhile(tokio::time::sleep(pause)).await;
        }
    }

    /// Publishes what a source delivers until it is lost.
    async fn watch(&mut self, mut source: Box<dyn Source>) -> Lost {
        let mut left = source.adjust(self.parts.image.get());
        let mut whole = Instant::now();
        loop {
            let grabbed = match self.deadline(self.parts.stall, source.grab()).await {
                Ok(grabbed) => grabbed,
                Err(lost) => return lost,
            };
            self.turn();
            self.parts.metrics.frames_captured.inc();
            if let Some(image) = self.parts.image.taken() {
                left = source.adjust(image);
            }
            if self.parts.hub.watched() && !self.show(grabbed, &left) {
                if whole.elapsed() > self.parts.stall {
                    return Lost("sends broken pictures".into());
                }
                continue;
            }
            whole = Instant::now();
            if !self.up {
                tracing::info!("{} delivers: {}", self.parts.source, source.about());
                (self.up, self.lost, self.attempt) = (true, None, 0);
                self.parts.metrics.source(true);
            }
        }
    }

    /// Publishes a picture if it is whole.
    fn show(&mut self, grabbed: Grabbed, left: &Image) -> bool {
        let Some(frame) = self.developer.develop(grabbed, left) else { return false };
        self.size = Some(frame.size);
        self.parts.hub.publish(frame);
        true
    }

    fn lose(&mut self, why: Lost) {
        if self.up {
            self.up = false;
            self.parts.metrics.source(false);
        }
        if self.lost.as_ref().is_none_or(|(before, _)| *before != why) {
            tracing::warn!("{}: {why}", self.parts.source);
        }
        let since = self.lost.take().map_or_else(SystemTime::now, |(_, since)| since);
        self.lost = Some((why, since));
        self.stand_in();
    }

    /// Waits for something of the source, with a deadline; shows the placeholder meanwhile.
    async fn deadline<T>(&mut self, limit: Duration, wait: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
        let late = || Err(Lost(format!("no picture for {:.1} s", limit.as_secs_f32())));
        self.meanwhile(timeout(limit, wait)).await.unwrap_or_else(|_| late())
    }

    /// Waits; every second the watchdog is fed and, while the source is lost, the placeholder shown.
    async fn meanwhile<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let mut wait = std::pin::pin!(wait);
        loop {
            match timeout(TURN.min(self.parts.watchdog.pace()), &mut wait).await {
                Ok(done) => return done,
                Err(_) => {
                    self.turn();
                    self.stand_in();
                }
            }
        }
    }

    fn turn(&self) {
        self.parts.watchdog.beat(Loop::Frames);
    }

    /// Shows the placeholder while the source is lost and somebody watches.
    fn stand_in(&mut self) {
        let Some((why, since)) = self.lost.as_ref().filter(|_| self.parts.hub.watched()) else { return };
        let (now, wall) = (Instant::now(), SystemTime::now());
        let size = self.size.unwrap_or(self.parts.wanted.size);
        let local = &self.parts.local;
        let canvas = placeholder::paint(size, &why.0, &local(*since), &local(wall));
        let grabbed = Grabbed { captured: now, wall, picture: Picture::Raw(canvas.into_raw()) };
        if let Some(frame) = self.developer.placeholder(grabbed) {
            self.parts.hub.publish(frame);
        }
    }
}
