//! The capture service: one source, opened, watched over, and opened again when it is lost.
//!
//! ```text
//!            opened, first picture             no picture for `stall`, or an error
//!   Lost ───────────────────────────▶ Live ──────────────────────────────────────▶ Lost
//!   a placeholder every second,       every picture that is whole is published,
//!   a new attempt after a pause       while somebody watches
//! ```
//! The camera's own source is captured for as long as the daemon runs, another camera's while somebody watches (`devices`).
//!
//! It is a task like any other: a frame then reaches its viewers without a change of threads. What takes long (encoding,
//! a driver's ioctls, ending a program) is done where the runtime lets other tasks pass. Whatever it waits for has a
//! deadline, and every turn of the camera's own feeds the watchdog.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    media::{
        frame::{Grabbed, Picture, Size},
        placeholder, transform,
    },
    port::{Image, Lost, Microphone, Promise, Source},
};
use tokio::{
    task::block_in_place,
    time::{Sleep, sleep},
};

use crate::{
    framing::Framing,
    hub::Hub,
    metrics::{Flow, Held},
    pauses::Pauses,
    pipeline::{Demands, Developer, Left},
    source::LocalTime,
    store::Watched,
    watchdog::{Loop, Watchdog},
};

/// Opens the source, again and again.
pub type Open = Box<dyn Fn() -> Promise<'static, Result<Box<dyn Source>, Lost>> + Send>;

/// Takes the sound that a source has of its own.
pub type Give = Box<dyn Fn(Box<dyn Microphone>) + Send>;

/// What the service needs.
pub struct Parts {
    /// Opens the place where pictures come from.
    pub open: Open,
    /// Who wants the source's own sound, if anybody does.
    pub sound: Option<Give>,
    /// Its name, for the log.
    pub name: String,
    /// The size of a placeholder before the first picture.
    pub size: Size,
    /// No picture for so long, and the source is lost.
    pub stall: Duration,
    /// So long nothing is taken from the source before each picture: a bound on what it can make us do.
    pub rest: Duration,
    /// What pictures must be like.
    pub demands: Demands,
    /// What a digital head sees of them, if there is one.
    pub framing: Option<Arc<Framing>>,
    /// Where pictures go.
    pub hub: Arc<Hub>,
    /// The image settings.
    pub image: Watched<Image>,
    /// Writes a local time for people.
    pub local: LocalTime,
    /// Counters.
    pub flow: Arc<Flow>,
    /// Fed at every turn; none where nothing of the daemon hangs on this source.
    pub watchdog: Option<Arc<Watchdog>>,
}

/// How long a source may take to open.
const OPEN: Duration = Duration::from_secs(10);
/// At most how long the loop goes without a turn; deadlines are kept to within it.
const TURN: Duration = Duration::from_millis(250);
/// How often the placeholder is shown: looked at once a `TURN`, so at least once a second.
const STAND_IN: Duration = Duration::from_millis(700);

/// One source, watched over.
pub struct Capture {
    parts: Parts,
    developer: Developer,
    /// At most how long the loop goes without a turn.
    pace: Duration,
    /// When it has one at the latest; the first is at once.
    tick: Pin<Box<Sleep>>,
    /// Why and since when the source is lost.
    lost: Option<(Lost, Instant)>,
    /// Held while the source delivers.
    up: Option<Held>,
    /// When the placeholder was last shown.
    shown: Option<Instant>,
    /// The size of the last live picture, which the placeholder takes over.
    size: Option<Size>,
    pauses: Pauses,
}

impl Capture {
    /// Makes the service; it must have ended before the runtime does: what takes long would meet a runtime half gone.
    ///
    /// # Errors
    /// The system gives no memory.
    pub fn new(parts: Parts) -> Result<Self, transform::Failed> {
        let developer = Developer::new(parts.demands, parts.framing.clone(), parts.flow.clone())?;
        let pace = parts.watchdog.as_ref().map_or(TURN, |watchdog| watchdog.pace().min(TURN));
        let tick = Box::pin(sleep(Duration::ZERO));
        let lost = Some((Lost("the source is starting".into()), Instant::now()));
        Ok(Self { parts, developer, pace, tick, lost, up: None, shown: None, size: None, pauses: Pauses::default() })
    }

    /// Runs for ever.
    pub async fn run(mut self) {
        loop {
            let opened = (self.parts.open)();
            let end = match self.deadline(OPEN, opened).await {
                Ok(mut source) => {
                    if let Some(give) = &self.parts.sound
                        && let Some(microphone) = source.microphone()
                    {
                        give(microphone);
                    }
                    let end = self.watch(&mut *source).await;
                    block_in_place(|| drop(source));
                    end
                }
                Err(lost) => lost,
            };
            self.lose(end);
            let pause = self.pauses.next();
            // The end of the pause is the end of this wait: that it comes late is no loss.
            let _ = self.deadline(pause, std::future::pending::<Result<(), Lost>>()).await;
        }
    }

    /// Publishes what a source delivers until it is lost.
    async fn watch(&mut self, source: &mut dyn Source) -> Lost {
        let adjust = |source: &mut dyn Source, image: &Image| Left::of(image, block_in_place(|| source.adjust(image)));
        let mut left = adjust(source, self.parts.image.get());
        let begin = Instant::now();
        let mut whole = begin;
        loop {
            if !self.parts.rest.is_zero() {
                sleep(self.parts.rest).await;
            }
            let grabbed = match self.deadline(self.parts.stall, source.grab()).await {
                Ok(grabbed) => grabbed,
                Err(lost) => return lost,
            };
            self.turn();
            self.put_off();
            self.parts.flow.frames_captured.inc();
            if let Some(image) = self.parts.image.taken() {
                left = adjust(source, image);
            }
            // The first is looked at though nobody watches: whoever comes is told the size before he sees anything.
            let wanted = self.parts.hub.watched() || self.up.is_none();
            if wanted && !self.show(grabbed, &left) {
                if whole.elapsed() > self.parts.stall {
                    return Lost("sends broken pictures".into());
                }
                continue;
            }
            whole = Instant::now();
            if self.up.is_none() {
                tracing::info!("{} delivers: {}", self.parts.name, source.about());
                (self.up, self.lost) = (Some(self.parts.flow.source()), None);
            }
            self.pauses.delivered(whole - begin);
        }
    }

    /// Publishes a picture if it is whole.
    fn show(&mut self, grabbed: Grabbed, left: &Left) -> bool {
        let frame = match self.developer.passes(&grabbed, left) {
            true => self.developer.develop(grabbed, left),
            false => block_in_place(|| self.developer.develop(grabbed, left)),
        };
        let Some(frame) = frame else { return false };
        self.size = Some(frame.size);
        self.parts.hub.publish(frame);
        true
    }

    fn lose(&mut self, why: Lost) {
        if self.up.take().is_some() {
            self.parts.flow.source_lost.inc();
        }
        if self.lost.as_ref().is_none_or(|(before, _)| *before != why) {
            tracing::warn!("{}: {why}", self.parts.name);
        }
        let since = self.lost.take().map_or_else(Instant::now, |(_, since)| since);
        self.lost = Some((why, since));
        self.shown = None;
        self.stand_in();
    }

    /// Waits for something of the source, with a deadline; meanwhile the watchdog is fed and, while the source is lost,
    /// the placeholder shown.
    ///
    /// One timer serves all deadlines: one a frame would cost more than the frame's way through here.
    async fn deadline<T>(&mut self, limit: Duration, wait: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
        let mut wait = std::pin::pin!(wait);
        let begin = Instant::now();
        loop {
            tokio::select! {
                biased;
                done = &mut wait => return done,
                () = &mut self.tick => self.tick.set(sleep(self.pace)),
            }
            self.turn();
            self.stand_in();
            if begin.elapsed() >= limit {
                return Err(Lost(format!("no picture for {:.1} s", limit.as_secs_f32())));
            }
        }
    }

    fn turn(&self) {
        if let Some(watchdog) = &self.parts.watchdog {
            watchdog.beat(Loop::Frames);
        }
    }

    /// Puts the next tick off, so that none comes while pictures do: it would wake the machine between two of them. It is
    /// made anew, as the runtime wakes at the old time of one that is only moved.
    fn put_off(&mut self) {
        if self.tick.deadline().saturating_duration_since(tokio::time::Instant::now()) < self.pace / 2 {
            self.tick.set(sleep(self.pace));
        }
    }

    /// Shows the placeholder while the source is lost and somebody watches.
    fn stand_in(&mut self) {
        let Some((why, since)) = self.lost.as_ref().filter(|_| self.parts.hub.watched()) else { return };
        let (now, wall) = (Instant::now(), SystemTime::now());
        // Reckoned back from now, as the host's clock may have been set meanwhile.
        let began = wall.checked_sub(now.duration_since(*since)).unwrap_or(wall);
        if self.shown.is_some_and(|shown| now.duration_since(shown) < STAND_IN) {
            return;
        }
        self.shown = Some(now);
        let size = self.size.unwrap_or(self.parts.size);
        let local = &self.parts.local;
        let frame = block_in_place(|| {
            let canvas = placeholder::paint(size, &why.0, &local(began), &local(wall));
            self.developer.placeholder(Grabbed { captured: now, wall, picture: Picture::Raw(canvas.into_raw()) })
        });
        frame.into_iter().for_each(|frame| self.parts.hub.publish(frame));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use lookout_core::media::{canvas::Canvas, sound::Chunk};

    use super::*;
    use crate::privacy::testing::Hours;

    /// A source that is lost at once, and has sound.
    struct Brief(Arc<AtomicUsize>);

    impl Source for Brief {
        fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
            Box::pin(async { Err(Lost("gone".into())) })
        }

        fn microphone(&mut self) -> Option<Box<dyn Microphone>> {
            Some(Box::new(Numbered(self.0.fetch_add(1, Ordering::Relaxed))))
        }

        fn about(&self) -> String {
            "brief".into()
        }
    }

    /// A source of so many pictures of a size, which then is lost.
    struct Pictures(usize, Size);

    impl Source for Pictures {
        fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
            let Some(left) = self.0.checked_sub(1) else { return Box::pin(async { Err(Lost("over".into())) }) };
            self.0 = left;
            let picture = Picture::Raw(Canvas::new(self.1).into_raw());
            Box::pin(async { Ok(Grabbed { captured: Instant::now(), wall: SystemTime::now(), picture }) })
        }

        fn about(&self) -> String {
            "pictures".into()
        }
    }

    /// A microphone with a number.
    struct Numbered(usize);

    impl Microphone for Numbered {
        fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>> {
            Box::pin(std::future::pending())
        }

        fn about(&self) -> String {
            self.0.to_string()
        }
    }

    /// Makes the parts of a service whose source is opened so; the folder is its store's.
    fn parts(open: impl Fn() -> Box<dyn Source> + Send + 'static) -> (Parts, tempfile::TempDir) {
        let (dir, rules) = (tempfile::tempdir().unwrap(), crate::rules(&crate::config::Config::default()));
        let store = crate::store::Store::open(dir.path(), rules).unwrap().store;
        let parts = Parts {
            open: Box::new(move || {
                let source = open();
                Box::pin(async move { Ok(source) })
            }),
            sound: None,
            name: "test".into(),
            size: Size::VGA,
            stall: Duration::from_secs(1),
            rest: Duration::ZERO,
            demands: Demands::Device,
            framing: None,
            hub: Hub::new(Hours::default().gate(Arc::default()), Arc::default(), Arc::default()),
            image: store.watch(|_| Image::NEUTRAL),
            local: Arc::new(|_| String::new()),
            flow: Arc::default(),
            watchdog: None,
        };
        (parts, dir)
    }

    // `block_in_place` is for the real runtime.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn each_time_a_source_is_opened_it_gives_its_sound() {
        let opened = Arc::new(AtomicUsize::new(0));
        let (given, mut taken) = tokio::sync::mpsc::unbounded_channel();
        let (mut parts, _dir) = parts(move || Box::new(Brief(opened.clone())));
        parts.sound = Some(Box::new(move |microphone| {
            let _ = given.send(microphone.about());
        }));
        let capture = tokio::spawn(Capture::new(parts).unwrap().run());
        for number in ["0", "1", "2"] {
            let next = tokio::time::timeout(Duration::from_secs(10), taken.recv()).await.expect("nothing is given");
            assert_eq!(next.as_deref(), Some(number));
        }
        capture.abort();
        let _ = capture.await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn of_what_nobody_watches_the_first_picture_of_each_opening_is_shown_and_tells_the_size() {
        let openings = std::sync::Mutex::new(vec![(5, Size::QVGA), (5, Size::QQVGA)]);
        let (parts, _dir) = parts(move || {
            let (pictures, size) = openings.lock().unwrap().pop().unwrap_or((0, Size::VGA));
            Box::new(Pictures(pictures, size))
        });
        let (hub, flow) = (parts.hub.clone(), parts.flow.clone());
        let capture = tokio::spawn(Capture::new(parts).unwrap().run());
        while flow.frames_captured.get() < 10 {
            sleep(Duration::from_millis(1)).await;
        }
        capture.abort();
        let _ = capture.await;
        assert_eq!((hub.size(), flow.encodes.get()), (Some(Size::QVGA), 2));
    }
}
