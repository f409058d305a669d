use std::{mem, sync::Mutex, time::UNIX_EPOCH};

use lookout_core::profile::{
    change::Rules,
    view::Secrets,
    wire::{Seconds, Wire as _},
};
use tempfile::TempDir;
use tokio::time::{advance, sleep};

use super::*;

/// Where the host's clock begins; the right time is as many seconds ahead of it as `AHEAD`.
const START: Duration = Duration::from_secs(1_800_000_000);
const AHEAD: i64 = 5_000;

/// What the time server does.
#[derive(Clone, Copy)]
enum Does {
    Answer,
    Hang,
    Fail(fn() -> Failure),
}

/// A world whose steady clock is tokio's, whose host's clock can be moved, and whose servers are counted.
struct Servers {
    begin: Instant,
    moved: Mutex<i64>,
    does: Mutex<Does>,
    asked: Mutex<Vec<(u64, String)>>,
    noted: Mutex<Vec<Event>>,
}

impl Servers {
    fn right(&self) -> Duration {
        START + self.begin.elapsed() + Duration::from_secs(AHEAD as u64)
    }
}

impl World for Arc<Servers> {
    async fn ask(&mut self, server: &str) -> Result<Reading, Failure> {
        self.asked.lock().unwrap().push((self.begin.elapsed().as_secs(), server.to_owned()));
        let does = *self.does.lock().unwrap();
        match does {
            Does::Answer => Ok(Reading { time: self.right(), delay: Duration::ZERO }),
            Does::Hang => std::future::pending().await,
            Does::Fail(failure) => Err(failure()),
        }
    }

    fn host(&self) -> SystemTime {
        let moved = *self.moved.lock().unwrap();
        let steady = UNIX_EPOCH + START + self.begin.elapsed();
        let by = Duration::from_secs(moved.unsigned_abs());
        if moved < 0 { steady - by } else { steady + by }
    }
}

/// The service, running.
struct Rig {
    world: Arc<Servers>,
    store: Arc<Store>,
    bell: watch::Sender<()>,
    _state: TempDir,
}

impl Rig {
    fn start(does: Does) -> Self {
        let state = tempfile::tempdir().unwrap();
        let rules = Rules { secrets: Secrets::Masked, password_min: 8 };
        let store = Arc::new(Store::open(state.path(), rules).unwrap().store);
        let world = Arc::new(Servers {
            begin: Instant::now(),
            moved: Mutex::new(0),
            does: Mutex::new(does),
            asked: Mutex::default(),
            noted: Mutex::default(),
        });
        let bell = watch::Sender::new(());
        let ears = world.clone();
        let note = Box::new(move |event: &Event| ears.noted.lock().unwrap().push(event.clone()));
        let parts = Parts { store: store.clone(), server: store.watch(server), bell: bell.subscribe(), note };
        tokio::spawn(run(parts, world.clone()));
        Self { world, store, bell, _state: state }
    }

    /// Lets so many seconds pass; gives when somebody was asked since the last look, in seconds from now on.
    async fn after(&self, seconds: u64) -> Vec<u64> {
        let begin = self.world.begin.elapsed().as_secs();
        sleep(Duration::from_secs(seconds)).await;
        let asked = mem::take(&mut *self.world.asked.lock().unwrap());
        asked.iter().map(|(at, _)| at.saturating_sub(begin)).collect()
    }

    fn does(&self, does: Does) {
        *self.world.does.lock().unwrap() = does;
    }

    /// Moves the host's clock.
    fn jump(&self, seconds: i64) {
        *self.world.moved.lock().unwrap() += seconds;
    }

    async fn set(&self, change: fn(&mut Settings)) {
        let draft = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            change(&mut new);
            Ok(new)
        };
        self.store.change(By::Camera, draft).await.unwrap();
    }

    /// Gives what was noted since the last look.
    fn noted(&self) -> Vec<Event> {
        mem::take(&mut *self.world.noted.lock().unwrap())
    }

    fn offset(&self) -> i64 {
        self.store.get().clock.offset_s.0
    }
}

const YEARS_10: i64 = 10 * 365 * 86_400;

#[tokio::test(start_paused = true)]
async fn the_server_is_asked_at_the_start_and_then_every_hour() {
    let rig = Rig::start(Does::Answer);
    let asked = rig.after(5 * 3600 + 60).await;
    assert_eq!((asked[0], rig.offset()), (0, AHEAD));
    assert!(asked.windows(2).all(|two| (3150..=3601).contains(&(two[1] - two[0]))), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_asked_ever_more_seldom_and_an_answer_ends_that() {
    let rig = Rig::start(Does::Fail(|| Failure::Silent));
    let asked = rig.after(6 * 3600).await;
    let pauses: Vec<_> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert!((4..=5).contains(&pauses[0]) && pauses.iter().all(|pause| *pause <= 3601), "{pauses:?}");
    assert!(pauses[..10].windows(2).all(|two| two[0] < two[1]), "{pauses:?}");
    assert!(asked.len() < 20, "{} times in six hours", asked.len());
    rig.does(Does::Answer);
    rig.after(3700).await;
    assert_eq!(rig.offset(), AHEAD);
    rig.does(Does::Fail(|| Failure::Silent));
    let asked = rig.after(2 * 3600).await;
    assert!(asked.len() > 5, "the pauses begin anew: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_denies_its_service_is_left_alone_for_a_day_and_one_that_is_asked_too_often_for_an_hour() {
    for (failure, least, most) in [
        ((|| Failure::Refused(Refusal::Denied)) as fn() -> Failure, 75_600, 86_401),
        (|| Failure::Refused(Refusal::Slower), 3150, 3601),
    ] {
        let rig = Rig::start(Does::Fail(failure));
        assert_eq!(rig.after(60).await, [0]);
        // Neither whoever rings nor a jump is a reason to ask such a server.
        rig.bell.send_replace(());
        rig.jump(YEARS_10);
        assert_eq!(rig.after(60).await, [0; 0]);
        // At once, not second by second.
        advance(Duration::from_secs(least - 130)).await;
        assert_eq!(rig.after(10).await, [0; 0]);
        assert_eq!(rig.after(most - least).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_server_and_turning_on_are_asked_at_once_and_turned_off_nobody_is() {
    let rig = Rig::start(Does::Hang);
    assert_eq!(rig.after(60).await, [0]);
    rig.does(Does::Answer);
    rig.set(|new| new.clock.ntp_svr.take("other.example").unwrap()).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.world.asked.lock().unwrap()[0].1, "other.example");
    assert_eq!(rig.after(60).await, [0]);
    rig.set(|new| new.clock.ntp = false).await;
    assert_eq!(rig.after(86_400).await, [0; 0]);
    rig.bell.send_replace(());
    assert_eq!(rig.after(60).await, [0; 0]);
    rig.set(|new| new.clock.ntp = true).await;
    assert_eq!(rig.after(60).await, [0]);
    rig.set(|new| new.clock.ntp_svr.take("").unwrap()).await;
    assert_eq!(rig.after(86_400).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn whoever_rings_is_served_at_once_but_no_server_is_pestered() {
    let rig = Rig::start(Does::Answer);
    rig.after(60).await;
    rig.bell.send_replace(());
    assert_eq!(rig.after(1).await, [0]);
    for _ in 0..10 {
        rig.bell.send_replace(());
        advance(Duration::from_millis(100)).await;
    }
    assert_eq!(rig.after(600).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_hosts_clock_is_seen_and_the_cameras_clock_is_right_again() {
    let rig = Rig::start(Does::Answer);
    rig.after(60).await;
    for jump in [YEARS_10, -YEARS_10, -60, 2, 1] {
        rig.jump(jump);
        assert_eq!(rig.after(6).await.len(), 1, "{jump}");
    }
    assert_eq!(rig.offset(), AHEAD + 60 - 3);
    assert_eq!(rig.after(1800).await, [0; 0], "a clock that only moved once is not asked about twice");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_right_to_a_second_costs_no_write() {
    let rig = Rig::start(Does::Answer);
    rig.after(60).await;
    let before = rig.store.get();
    assert_eq!(rig.after(4 * 3600).await.len(), 4);
    assert!(Arc::ptr_eq(&before, &rig.store.get()));
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_by_hand_stays_until_the_server_is_asked_again() {
    let rig = Rig::start(Does::Answer);
    rig.after(60).await;
    rig.set(|new| new.clock.offset_s = Seconds(-77)).await;
    rig.after(1800).await;
    assert_eq!(rig.offset(), -77);
    rig.after(3600).await;
    assert_eq!(rig.offset(), AHEAD);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_for_long_is_spoken_of_once() {
    let rig = Rig::start(Does::Fail(|| Failure::Silent));
    rig.after(6 * 3600).await;
    assert_eq!(rig.noted(), [Event::Failed(Peer::Ntp, "no answer")]);
    rig.does(Does::Answer);
    rig.after(3 * 3600).await;
    assert_eq!(rig.noted(), [Event::ClockSet(AHEAD)]);
    rig.does(Does::Fail(|| Failure::Refused(Refusal::Unsynchronised)));
    rig.after(3 * 3600).await;
    rig.does(Does::Answer);
    rig.after(3 * 3600).await;
    assert_eq!(rig.noted(), [Event::Failed(Peer::Ntp, "server without the time"), Event::ClockSet(0)]);
}
