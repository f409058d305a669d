//! The sound service: one microphone, opened, watched over, and opened again when it is lost.
//!
//! ```text
//!            opened, first piece               no piece for `STALL`, or an error
//!   Lost ───────────────────────▶ Live ──────────────────────────────────────────▶ Lost
//!   silence, block by block;      what is heard, laid and cut at once
//!   a new attempt after a pause
//! ```
//! Whatever becomes of the microphone, the track goes on: what it has not handed over in time is silence, so that whoever
//! listens never waits longer than for a microphone that is a little late. Nothing here may be felt by the pictures: a
//! microphone that hangs is waited for, one that panics is lost, one that floods is held back, and no watchdog hangs on
//! any of it.

use std::{
    future::{Future, poll_fn},
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use lookout_core::{
    media::sound::{BLOCK, Chunk, Level, RATE, Track},
    port::{Lost, Microphone, Promise},
};
use tokio::{
    sync::{Notify, watch},
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    hub::Hub,
    metrics::{Held, SoundCounters},
    pauses::Pauses,
    privacy::State,
};

/// Opens the microphone, again and again.
pub type Open = Box<dyn Fn() -> Promise<'static, Result<Box<dyn Microphone>, Lost>> + Send>;

/// Where the microphone comes from.
pub enum Input {
    /// From a device or a program.
    Device(Open),
    /// From the source, which gives one whenever it is opened, if it has one.
    Source(Arc<Given>),
}

/// What the service needs.
pub struct Parts {
    /// Where the microphone comes from.
    pub input: Input,
    /// Its name, for the log.
    pub name: String,
    /// Where sound goes.
    pub hub: Arc<Hub>,
    /// Counters.
    pub counters: Arc<SoundCounters>,
}

/// No sound for so long, and the microphone is lost.
const STALL: Duration = Duration::from_millis(1500);
/// What is later than this is silence. A program that writes 4 KiB at once, as many do, hands over 256 ms, and is in time.
const LATE: Duration = Duration::from_millis(300);
/// How long a block lasts.
const LENGTH: Duration = Duration::from_micros(BLOCK as u64 * 1_000_000 / RATE as u64);
/// How loud it was is known for windows of 100 ms.
const WINDOW: Duration = Duration::from_millis(100);
/// So much sound may come at once before a microphone is held back.
const BURST: Duration = Duration::from_secs(1);
/// A piece counts as no shorter than this when a flood is measured.
const SHORTEST: Duration = Duration::from_millis(5);

/// Where a source leaves its microphone for the service. Of several the newest counts.
#[derive(Default)]
pub struct Given {
    newest: Mutex<Option<Box<dyn Microphone>>>,
    bell: Notify,
}

impl Given {
    /// Leaves a microphone.
    pub fn give(&self, microphone: Box<dyn Microphone>) {
        let before = self.newest().replace(microphone);
        self.bell.notify_one();
        drop(before);
    }

    /// Waits until there is one. May be cancelled.
    async fn there(&self) {
        while self.newest().is_none() {
            self.bell.notified().await;
        }
    }

    /// Waits for one and takes it. May be cancelled.
    async fn taken(&self) -> Box<dyn Microphone> {
        loop {
            if let Some(microphone) = self.newest().take() {
                return microphone;
            }
            self.bell.notified().await;
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Box<dyn Microphone>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Input {
    /// Opens the microphone. A device may take as long as it likes: whoever hangs in a driver cannot be helped out of it,
    /// and a second attempt would hang beside the first.
    fn open(&self) -> Promise<'static, Result<Box<dyn Microphone>, Lost>> {
        match self {
            Self::Device(open) => open(),
            Self::Source(given) => {
                let given = given.clone();
                Box::pin(async move { Ok(given.taken().await) })
            }
        }
    }

    /// Waits until the microphone at hand must go, and says why.
    ///
    /// A device or program goes whenever the privacy gate turns. It may hold sound of the forbidden hours, in a pipe or
    /// wherever, and hand it over after them as if it were new; so all that is thrown away with it.
    fn renewed(&self, mut turns: watch::Receiver<State>) -> Promise<'static, Lost> {
        match self {
            Self::Device(_) => Box::pin(async move {
                // The gate is there as long as the camera is.
                let _ = turns.changed().await;
                Lost("it is opened anew, as forbidden hours begin or end".into())
            }),
            Self::Source(given) => {
                let given = given.clone();
                Box::pin(async move {
                    given.there().await;
                    Lost("the source was opened anew".into())
                })
            }
        }
    }
}

/// One microphone, watched over.
pub struct SoundService {
    parts: Parts,
    track: Track,
    /// When the next block was captured, or will be.
    next: Instant,
    /// When to look whether that is silence.
    look: Instant,
    /// Held while the microphone delivers.
    up: Option<Held>,
    /// Why it does not.
    lost: Option<Lost>,
    pauses: Pauses,
}

impl SoundService {
    /// Makes the service; like the capture service it must have ended before the runtime does. A device is there to be
    /// listened to from now on, if it is silent at first.
    pub fn new(parts: Parts) -> Self {
        if let Input::Device(_) = parts.input {
            parts.hub.sound.appear();
        }
        let now = Instant::now();
        let (track, look) = (Track::new(now.into_std()), now + LENGTH + LATE);
        Self { parts, track, next: now, look, up: None, lost: None, pauses: Pauses::default() }
    }

    /// Runs for ever.
    pub async fn run(mut self) {
        if let Input::Source(given) = &self.parts.input {
            // As long as the source has given none there is nothing to listen to, not even silence.
            given.there().await;
            self = Self::new(self.parts);
            self.parts.hub.sound.appear();
        }
        loop {
            let turns = self.parts.hub.sound.turns();
            let opening = guarded(self.parts.input.open());
            let end = match self.going_on(opening).await {
                Ok(mut microphone) => {
                    let end = self.watch(&mut *microphone, &turns).await;
                    // A program is given time to end, which the silence does not wait for. It says nothing if it panics.
                    let _ = self.going_on(spawn_blocking(move || drop(microphone))).await;
                    end
                }
                Err(lost) => lost,
            };
            self.lose(end);
            if let Input::Device(_) = self.parts.input {
                let pause = self.pauses.next();
                self.going_on(sleep(pause)).await;
            }
        }
    }

    /// Lays what a microphone hears until it is lost.
    async fn watch(&mut self, microphone: &mut dyn Microphone, turns: &watch::Receiver<State>) -> Lost {
        let mut budget = Budget::new();
        let begin = Instant::now();
        loop {
            let renewed = self.parts.input.renewed(turns.clone());
            let next = async {
                tokio::select! {
                    biased;
                    why = renewed => Err(why),
                    heard = timeout(STALL, guarded(microphone.hear())) => heard.unwrap_or_else(|_| Err(stalled())),
                }
            };
            let heard = match self.going_on(next).await {
                Ok(heard) => heard,
                Err(lost) => return lost,
            };
            let now = Instant::now();
            if self.up.is_none() {
                tracing::info!("{} delivers: {}", self.parts.name, microphone.about());
                (self.up, self.lost) = (Some(self.parts.counters.microphone()), None);
            }
            self.pauses.delivered(now - begin);
            self.track.feed(&heard, now.into_std());
            self.hand_over();
            // A microphone that always has a piece ready would never let the pictures pass.
            tokio::task::yield_now().await;
            let rest = budget.spend(&heard, now);
            if !rest.is_zero() {
                self.going_on(sleep(rest)).await;
            }
        }
    }

    /// Hands over what lies on the track.
    fn hand_over(&mut self) {
        let sound = &self.parts.hub.sound;
        while let Some(block) = self.track.cut() {
            self.next = Instant::from_std(block.captured) + LENGTH;
            self.look = self.next + LENGTH + LATE;
            sound.publish(block);
        }
        let levels: Vec<Level> = iter::from_fn(|| self.track.level()).collect();
        if self.up.is_none() {
            return;
        }
        let next = self.next.into_std();
        for (left, level) in (0..levels.len() as u32).rev().zip(levels) {
            // The newest whole window begins no earlier than two before the end.
            sound.loud(Some(level), next.checked_sub(WINDOW * (left + 2)).unwrap_or(next));
        }
    }

    /// Lays silence where nothing came in time.
    fn fall_silent(&mut self) {
        let now = Instant::now();
        // Soon again, should that not have made a block whole.
        self.look = now + SHORTEST;
        self.track.fill((now - LATE).into_std());
        self.hand_over();
    }

    /// Waits for something, while the track goes on.
    async fn going_on<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                biased;
                done = &mut wait => return done,
                () = sleep_until(self.look) => self.fall_silent(),
            }
        }
    }

    fn lose(&mut self, why: Lost) {
        if self.up.take().is_some() {
            self.parts.counters.lost.inc();
        }
        self.parts.hub.sound.loud(None, Instant::now().into_std());
        if self.lost.as_ref() != Some(&why) {
            tracing::warn!("{}: {why}", self.parts.name);
        }
        self.lost = Some(why);
    }
}

fn stalled() -> Lost {
    Lost(format!("no sound for {:.1} s", STALL.as_secs_f32()))
}

/// Waits for something of a microphone; if it panics, it is lost, and nothing else is.
async fn guarded<T>(wait: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    let mut wait = pin!(wait);
    let panicked = |_| Poll::Ready(Err(Lost("the microphone failed by a fault of the program".into())));
    poll_fn(|context| catch_unwind(AssertUnwindSafe(|| wait.as_mut().poll(context))).unwrap_or_else(panicked)).await
}

/// How much a microphone can make us do: sound of twice the time that passes, whatever it hands over.
struct Budget {
    /// What it handed over lately, in time.
    spent: Duration,
    at: Instant,
}

impl Budget {
    fn new() -> Self {
        Self { spent: Duration::ZERO, at: Instant::now() }
    }

    /// Notes what was heard; returns how long it must now rest.
    fn spend(&mut self, heard: &Chunk, now: Instant) -> Duration {
        let frames = heard.samples.len() / usize::from(heard.channels.max(1));
        let length = Duration::from_secs_f64(frames as f64 / f64::from(heard.rate.max(1)));
        self.spent = self.spent.saturating_sub((now - self.at) * 2) + length.max(SHORTEST);
        self.at = now;
        self.spent.saturating_sub(BURST) / 2
    }
}

#[cfg(test)]
mod tests;
