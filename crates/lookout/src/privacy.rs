//! The privacy gate: in forbidden hours no picture and no sound leaves the camera, by whatever road (PROFILE 5.6).
//!
//! ```text
//!            the hours begin: all passes end, all frames are forgotten
//!   open n ───────────────────────────────────────────────────────────▶ closed ──▶ open n+1
//! ```
//! The time between two closings is an *opening*. Who wants to show something takes a [`Pass`], good for the opening in
//! which it was taken and never again. The hub marks each frame with the opening in which it was published, and a viewer
//! sees frames of its own opening alone: what came before forbidden hours is not seen after them, wherever it lay
//! meanwhile ([ADR 0011](../../../docs/adr/0011-one-gate-by-openings.md)).
//!
//! Bargains: whoever asks the gate has it look at the host's clock, so that it is never later than the frame at hand;
//! that costs two looks into shared memory and some integers. Whoever waits is woken by [`Privacy::keep`], which looks
//! at the beginning of every second of the host's clock, where the hours begin and end, and at every change of the
//! settings. So a clock that jumps is noticed by the next frame or within a second, whichever comes first.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::profile::{hours::GUARD_S, reply::Failure, settings::Settings};
use tokio::{sync::watch, time::sleep};

use crate::{clock::unix, metrics::Metrics};

/// Tells the host's time; tests have one that jumps.
pub type HostClock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// The gate before every road of picture and sound.
pub struct Privacy {
    settings: watch::Receiver<Arc<Settings>>,
    clock: HostClock,
    state: watch::Sender<State>,
    metrics: Arc<Metrics>,
}

/// Nothing is shown at this hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden;

impl From<Forbidden> for Failure {
    fn from(_: Forbidden) -> Self {
        Self::Forbidden
    }
}

/// How the gate stands.
#[derive(Clone, Copy, Default)]
pub struct State {
    open: bool,
    /// Counts the openings.
    opening: u64,
    /// What was captured earlier may have been captured in forbidden hours, or under a clock that meant others.
    from: Option<Instant>,
}

impl State {
    fn is(self, opening: u64) -> bool {
        self.open && self.opening == opening
    }
}

impl Privacy {
    /// Builds the gate, open or closed as the hour is.
    pub fn new(settings: watch::Receiver<Arc<Settings>>, clock: HostClock, metrics: Arc<Metrics>) -> Arc<Self> {
        let gate = Self { settings, clock, state: watch::Sender::default(), metrics };
        let open = gate.open_now();
        gate.state.send_replace(State { open, ..State::default() });
        gate.metrics.forbidden(!open);
        Arc::new(gate)
    }

    /// Gives a pass for this opening.
    ///
    /// # Errors
    /// The gate is closed.
    pub fn pass(self: &Arc<Self>) -> Result<Pass, Forbidden> {
        let State { open, opening, .. } = self.look();
        open.then(|| Pass { gate: self.clone(), opening }).ok_or(Forbidden)
    }

    /// Returns the opening in which a picture with these times of capture may be shown now, if there is one.
    pub fn admit(&self, captured: Instant, wall: SystemTime) -> Option<u64> {
        let State { open, opening, from } = self.look();
        // The monotonic clock knows what the other one forgets when it is set.
        let late_enough = from.is_none_or(|from| captured >= from);
        (open && late_enough && self.settings.borrow().showable(unix(wall))).then_some(opening)
    }

    /// Wakes whenever the gate closes or opens: for whoever has frames to forget.
    pub fn follow(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Opens and closes the gate in time, for ever.
    pub async fn keep(self: Arc<Self>) {
        let mut settings = self.settings.clone();
        loop {
            self.look();
            tokio::select! {
                changed = settings.changed() => if changed.is_err() {
                    return;
                },
                () = sleep(rest_of_second((self.clock)())), if settings.borrow().forbidden.enable => {}
            }
        }
    }

    /// Looks at the clock, and opens or closes the gate if it is time to.
    fn look(&self) -> State {
        let state = *self.state.borrow();
        if self.open_now() == state.open {
            return state;
        }
        let mut now = state;
        let turned = self.state.send_if_modified(|state| {
            // Once more, under the lock: of two who look at once the one who looked earlier must not have the last word.
            let open = self.open_now();
            let turned = open != state.open;
            if turned {
                let from = Some(tokio::time::Instant::now().into_std() + Duration::from_secs(GUARD_S.unsigned_abs()));
                *state = match open {
                    true => State { open, opening: state.opening + 1, from },
                    false => State { open, ..*state },
                };
                self.metrics.forbidden(!open);
            }
            now = *state;
            turned
        });
        match (turned, now.open) {
            (true, true) => tracing::info!("pictures may leave the camera again"),
            (true, false) => tracing::info!("forbidden hours, or the privacy switch: no picture leaves the camera"),
            (false, _) => {}
        }
        now
    }

    fn open_now(&self) -> bool {
        let now = unix((self.clock)());
        self.settings.borrow().open_at(now)
    }
}

/// Returns how long it is until the next second of a clock begins.
pub fn rest_of_second(at: SystemTime) -> Duration {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into())
}

/// The right to show what is captured in one opening, until the gate closes.
#[derive(Clone)]
pub struct Pass {
    gate: Arc<Privacy>,
    opening: u64,
}

impl Pass {
    /// Says whether it is still good: the gate looks at the clock.
    pub fn holds(&self) -> bool {
        self.gate.look().is(self.opening)
    }

    /// Says whether it is for the opening in which a frame was published, and still good.
    pub fn is_for(&self, opening: u64) -> bool {
        self.opening == opening && self.holds()
    }

    /// Waits until it is good no more. May be cancelled.
    pub async fn ended(&self) {
        let mut state = self.gate.state.subscribe();
        // The gate is ours: it stays.
        let _ = state.wait_for(|state| !state.is(self.opening)).await;
    }
}

#[cfg(test)]
pub mod testing {
    //! A gate whose hours and clock are a test's own.

    use std::sync::atomic::{AtomicI64, Ordering};

    use lookout_core::{
        media::frame::{Frame, Size},
        profile::week::Word,
    };
    use tokio::time::Instant;

    use super::*;

    /// Settings and a host clock, which begins on a Monday at noon. Forbidden is every hour, or none, or as a test
    /// wants it.
    pub struct Hours {
        settings: watch::Sender<Arc<Settings>>,
        begin: Instant,
        jumped_s: Arc<AtomicI64>,
    }

    impl Default for Hours {
        fn default() -> Self {
            let settings = watch::Sender::new(Arc::new(Settings::factory()));
            Self { settings, begin: Instant::now(), jumped_s: Arc::default() }
        }
    }

    impl Hours {
        /// 5 January 1970, 12:00.
        const NOON: Duration = Duration::from_secs(4 * 86_400 + 12 * 3600);

        /// Builds the gate.
        pub fn gate(&self, metrics: Arc<Metrics>) -> Arc<Privacy> {
            Privacy::new(self.follow(), self.clock(), metrics)
        }

        /// Follows the settings.
        pub fn follow(&self) -> watch::Receiver<Arc<Settings>> {
            self.settings.subscribe()
        }

        /// Gives the host's clock.
        pub fn clock(&self) -> HostClock {
            let (begin, jumped_s) = (self.begin, self.jumped_s.clone());
            Box::new(move || at(begin, jumped_s.load(Ordering::Relaxed)))
        }

        /// Changes the settings.
        pub fn set(&self, change: impl FnOnce(&mut Settings)) {
            self.settings.send_modify(|settings| change(Arc::make_mut(settings)));
        }

        /// Forbids every hour, or none.
        pub fn forbid(&self, all: bool) {
            self.set(|settings| {
                settings.forbidden.enable = all;
                settings.forbidden.week.days = [[Word(u32::MAX); 3]; 7];
            });
        }

        /// Makes the host's clock jump.
        pub fn jump(&self, seconds: i64) {
            self.jumped_s.fetch_add(seconds, Ordering::Relaxed);
        }

        /// Returns what the host's clock says.
        pub fn now(&self) -> SystemTime {
            at(self.begin, self.jumped_s.load(Ordering::Relaxed))
        }

        /// Makes a frame that is captured now.
        pub fn frame(&self, seq: u64, jpeg: Vec<u8>) -> Frame {
            let captured = Instant::now().into_std();
            Frame { seq, captured, wall: self.now(), size: Size::VGA, jpeg: jpeg.into(), live: true, view: Some(0) }
        }

        /// Waits until what is captured counts as captured after the hours.
        pub async fn wait_out_the_guard(&self) {
            sleep(Duration::from_secs(GUARD_S.unsigned_abs() + 1)).await;
        }
    }

    fn at(begin: Instant, jumped_s: i64) -> SystemTime {
        let jumped = Duration::from_secs(jumped_s.unsigned_abs());
        let steady = SystemTime::UNIX_EPOCH + Hours::NOON + begin.elapsed();
        if jumped_s < 0 { steady - jumped } else { steady + jumped }
    }
}

#[cfg(test)]
mod tests {
    use lookout_core::{
        media::frame::Frame,
        profile::{week::Word, wire::Wire as _},
    };
    use tokio::time::{Instant, timeout};

    use super::{testing::Hours, *};

    /// Forbids Monday 12:15-12:30; a test begins at noon.
    fn quarter_past(settings: &mut Settings) {
        settings.forbidden.enable = true;
        settings.forbidden.week.days[1][1] = Word(1 << 17);
    }

    /// A gate that is kept, with its hours.
    fn kept() -> (Hours, Arc<Privacy>) {
        let hours = Hours::default();
        hours.set(quarter_past);
        let gate = hours.gate(Arc::default());
        tokio::spawn(gate.clone().keep());
        (hours, gate)
    }

    /// Waits until the gate turns by itself; returns how long that took.
    async fn turns(gate: &Arc<Privacy>) -> Duration {
        let (mut state, begin) = (gate.follow(), Instant::now());
        timeout(Duration::from_secs(3600), state.changed()).await.expect("it does not turn").unwrap();
        begin.elapsed()
    }

    const QUARTER: Duration = Duration::from_secs(15 * 60);
    /// What a timer may be late, under a clock that stands still but for it.
    const TICK: Duration = Duration::from_millis(2);

    #[tokio::test(start_paused = true)]
    async fn the_gate_closes_and_opens_with_the_quarter_hour_though_nobody_asks() {
        let (_hours, gate) = kept();
        let pass = gate.pass().unwrap();
        assert!(pass.holds());
        let begins = turns(&gate).await;
        assert!((QUARTER..QUARTER + TICK).contains(&begins), "{begins:?}");
        assert!(!pass.holds());
        assert_eq!(gate.pass().err(), Some(Forbidden));
        let ends = begins + turns(&gate).await;
        assert!((QUARTER * 2..QUARTER * 2 + TICK).contains(&ends), "{ends:?}");
        assert!(gate.pass().unwrap().holds());
        assert!(!pass.holds(), "a pass is for one opening");
        timeout(TICK, pass.ended()).await.expect("it has ended");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_clock_that_jumps_in_or_out_of_the_hours_is_noticed_within_a_second() {
        const WEEK: i64 = 7 * 86_400;
        // Ten years, to 2106, before 1970, and forth and back within a quarter-hour.
        for weeks in [520, 7000, -1, 0] {
            let (hours, gate) = kept();
            // A moment that is no whole second.
            sleep(Duration::from_millis(300)).await;
            for (jump, open) in [(weeks * WEEK + 20 * 60, false), (-weeks * WEEK - 10 * 60, true), (5 * 60, false)] {
                hours.jump(jump);
                assert!(turns(&gate).await <= Duration::from_secs(1) + TICK);
                assert_eq!(gate.pass().is_ok(), open);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_schedule_the_zone_the_summer_or_the_cameras_clock_counts_at_once() {
        let (hours, gate) = kept();
        let minutes = 60;
        for (zone, summer, ahead) in [(-20 * minutes, 0, 0), (0, 20 * minutes, 0), (0, 0, 20 * minutes)] {
            for (set, open) in [([zone, summer, ahead], false), ([0; 3], true)] {
                let [zone, summer, ahead] = set.map(|value| value.to_string());
                hours.set(|settings| {
                    settings.clock.tz.take(&zone).unwrap();
                    settings.clock.dst.take(&summer).unwrap();
                    settings.clock.offset_s.take(&ahead).unwrap();
                });
                assert_eq!(turns(&gate).await, Duration::ZERO, "{set:?}");
                assert_eq!(gate.pass().is_ok(), open, "{set:?}");
            }
        }
        for forbidden in [true, false] {
            hours.forbid(forbidden);
            assert_eq!((turns(&gate).await, gate.pass().is_ok()), (Duration::ZERO, !forbidden));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_is_told_the_truth_though_nobody_keeps_the_gate() {
        let hours = Hours::default();
        let gate = hours.gate(Arc::default());
        let (pass, frame) = (gate.pass().unwrap(), hours.frame(1, Vec::new()));
        assert_eq!(gate.admit(frame.captured, frame.wall), Some(0));
        hours.forbid(true);
        assert_eq!(gate.admit(frame.captured, frame.wall), None);
        assert!(!pass.holds() && gate.pass().is_err());
        timeout(TICK, pass.ended()).await.expect("whoever asked has closed the gate for all");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_captured_in_the_hours_or_the_second_behind_them_is_not_admitted_whatever_the_clock_says_later() {
        let hours = Hours::default();
        let gate = hours.gate(Arc::default());
        let admitted = |frame: &Frame| gate.admit(frame.captured, frame.wall).is_some();
        let before = hours.frame(1, Vec::new());
        hours.forbid(true);
        assert!(!admitted(&before));
        let within = hours.frame(2, Vec::new());
        // A week back, where the hours are over, or forward, where they have not begun.
        hours.forbid(false);
        for jump in [-7 * 86_400, 14 * 86_400] {
            hours.jump(jump);
            assert!(!admitted(&within) && !admitted(&before));
        }
        sleep(Duration::from_millis(900)).await;
        assert!(!admitted(&hours.frame(3, Vec::new())), "a late source still hands over what it saw in the hours");
        sleep(Duration::from_millis(100)).await;
        assert!(admitted(&hours.frame(4, Vec::new())));
        assert!(!admitted(&within) && !admitted(&before));
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_in_the_hours_that_nobody_noticed_shows_nothing_either() {
        let hours = Hours::default();
        hours.set(quarter_past);
        let gate = hours.gate(Arc::default());
        hours.jump(20 * 60);
        let within = hours.frame(1, Vec::new());
        hours.jump(-20 * 60);
        assert_eq!(gate.admit(within.captured, within.wall), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_starts_in_the_hours_is_closed_and_one_that_starts_behind_them_shows_no_late_picture() {
        let hours = Hours::default();
        hours.set(quarter_past);
        hours.jump(20 * 60);
        let metrics = Arc::new(Metrics::new());
        assert!(hours.gate(metrics.clone()).pass().is_err());
        assert!(metrics.text(None).contains("lookout_forbidden 1\n"));
        hours.jump(10 * 60);
        let gate = hours.gate(metrics.clone());
        assert!(gate.pass().is_ok() && metrics.text(None).contains("lookout_forbidden 0\n"));
        let late = hours.frame(1, Vec::new());
        assert_eq!(gate.admit(late.captured, late.wall), None);
        sleep(Duration::from_secs(1)).await;
        let frame = hours.frame(2, Vec::new());
        assert!(gate.admit(frame.captured, frame.wall).is_some());
    }
}
