//! The clock of the host, which follows the camera's.

use std::time::{SystemTime, UNIX_EPOCH};

use lookout_core::journal::Peer;
use tokio::time::Instant;

use super::*;

/// The service with a host whose clock moves when it is set.
struct Clocked {
    rig: Rig,
    noted: Arc<Mutex<Vec<Event>>>,
    begun: Instant,
}

impl Clocked {
    fn new() -> Self {
        let (rig, noted, begun) = (Rig::new(), Arc::<Mutex<Vec<Event>>>::default(), Instant::now());
        let journal = noted.clone();
        let (store, host, time) = (rig.store.clone(), rig.host.clone(), rig.host.clone());
        let offset = store.watch(clock::offset);
        let note: Note = Arc::new(move |event: &Event| journal.lock().unwrap().push(event.clone()));
        let clock = Box::new(move || time.time(right(begun)));
        tokio::spawn(clock::run(clock::Parts { store, offset, host, clock, note }));
        Self { rig, noted, begun }
    }

    async fn ahead(&self, seconds: &'static str) {
        self.rig.set(move |new| new.clock.offset_s.take(seconds).unwrap()).await;
    }

    fn offset(&self) -> i64 {
        self.rig.store.get().clock.offset_s.0
    }

    /// Returns by how many seconds the host's clock was moved.
    fn moved(&self) -> i64 {
        let (host, right) = (self.rig.host.time(right(self.begun)), right(self.begun));
        let seconds = |time: SystemTime| i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        seconds(host) - seconds(right)
    }
}

fn right(begun: Instant) -> SystemTime {
    UNIX_EPOCH + S(1_800_000_000) + begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn q76_the_machines_clock_is_set_by_what_the_cameras_is_ahead_and_then_both_are_one() {
    let clocked = Clocked::new();
    let rig = &clocked.rig;
    for (ahead, moved) in [("3600", 3600), ("-90", 3510), ("-3510", 0), ("1", 1), ("-1", 0)] {
        clocked.ahead(ahead).await;
        sleep(S(1)).await;
        assert_eq!((clocked.offset(), clocked.moved(), rig.host.state().clock.len()), (0, moved, 1));
        rig.host.state().clock.clear();
    }
    for (obeys, moved) in [(Obeys::Never, 5), (Obeys::Hangs, 10)] {
        rig.host.state().obeys = obeys;
        clocked.ahead("5").await;
        sleep(S(20_000)).await;
        assert_eq!(clocked.offset(), 5, "the camera's own clock is right");
        rig.host.state().obeys = Obeys::Yes;
        sleep(S(4000)).await;
        assert_eq!((clocked.offset(), clocked.moved(), rig.host.state().clock.len()), (0, moved, 1));
        rig.host.state().clock.clear();
        let noted: Vec<_> = clocked.noted.lock().unwrap().drain(..).collect();
        assert_eq!(noted, [Event::Failed(Peer::Host, "clock not set")]);
    }
}

#[tokio::test(start_paused = true)]
async fn q76_a_disk_that_refuses_moves_the_machines_clock_once_and_no_more() {
    let clocked = Clocked::new();
    let in_the_way = clocked.rig.state.path().join("settings.new.toml");
    // What the service would store by itself must not be on its way yet.
    clocked.rig.host.state().obeys = Obeys::Never;
    clocked.ahead("3600").await;
    std::fs::create_dir(&in_the_way).unwrap();
    clocked.rig.host.state().obeys = Obeys::Yes;
    sleep(S(20_000)).await;
    assert_eq!((clocked.moved(), clocked.offset()), (3600, 3600));
    std::fs::remove_dir(&in_the_way).unwrap();
    sleep(S(4000)).await;
    assert_eq!((clocked.moved(), clocked.offset(), clocked.rig.host.state().clock.len()), (3600, 0, 1));
    // The next one is one of its own, though it is as long.
    clocked.ahead("3600").await;
    sleep(S(1)).await;
    assert_eq!((clocked.moved(), clocked.offset()), (7200, 0));
}

#[tokio::test(start_paused = true)]
async fn q76_an_order_that_was_carried_out_without_an_answer_is_not_given_again() {
    for (ahead, moved) in [("3600", 3600), ("-2", -2)] {
        let clocked = Clocked::new();
        clocked.rig.host.state().obeys = Obeys::HangsBehind;
        clocked.ahead(ahead).await;
        sleep(S(5)).await;
        assert_eq!((clocked.moved(), clocked.offset()), (moved, moved));
        sleep(S(20_000)).await;
        assert_eq!((clocked.moved(), clocked.offset(), clocked.rig.host.state().clock.len()), (moved, 0, 1));
    }
}
