use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use lookout_core::{
    port::{Lost, OutputLine, Promise},
    profile::{change::Rules, settings::Settings},
};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};

use super::*;
use crate::{
    driven::Open,
    metrics::{Metrics, testing::has},
    store::{By, Store},
};

/// A lamp as somebody before the camera sees it.
#[derive(Default)]
struct Sight {
    /// Since when it is lit or dark, each time.
    shown: Vec<(bool, Duration)>,
    /// Whether it is away.
    away: bool,
    /// Whether it was given back.
    back: bool,
}

struct Bulb {
    sight: Arc<Mutex<Sight>>,
    begin: Instant,
}

impl Bulb {
    fn show(&self, lit: bool) -> Result<(), Lost> {
        let mut sight = self.sight.lock().unwrap();
        if sight.away {
            return Err(Lost("there is no LED".into()));
        }
        if sight.shown.last().is_none_or(|(last, _)| *last != lit) {
            sight.shown.push((lit, self.begin.elapsed()));
        }
        Ok(())
    }
}

impl OutputLine for Bulb {
    fn drive(&mut self, high: bool) -> Promise<'_, Result<(), Lost>> {
        Box::pin(async move { self.show(high) })
    }

    fn rest_at(&mut self, high: bool) {
        assert!(!high);
    }

    fn about(&self) -> String {
        "a lamp".into()
    }
}

impl Drop for Bulb {
    fn drop(&mut self) {
        self.sight.lock().unwrap().back = true;
    }
}

struct Rig {
    sight: Arc<Mutex<Sight>>,
    signs: Arc<Mutex<Signs>>,
    looks: Arc<AtomicUsize>,
    store: Store,
    _state: TempDir,
    metrics: Metrics,
    task: JoinHandle<Infallible>,
}

impl Rig {
    async fn start(mode: LedMode) -> Self {
        let state = tempfile::tempdir().unwrap();
        let store = Store::open(state.path(), crate::rules(&crate::config::Config::default())).unwrap().store;
        let (sight, signs, looks) = (Arc::<Mutex<Sight>>::default(), Arc::<Mutex<Signs>>::default(), Arc::default());
        let metrics = Metrics::new();
        set(&store, mode).await;
        let (seen, begin) = (sight.clone(), Instant::now());
        let open: Open = Box::new(move |lit, _| {
            let bulb = Bulb { sight: seen.clone(), begin };
            Box::pin(async move { bulb.show(lit).map(|()| Box::new(bulb) as Box<dyn OutputLine>) })
        });
        let (now, counted): (_, Arc<AtomicUsize>) = (signs.clone(), Arc::clone(&looks));
        let look = Box::new(move || {
            counted.fetch_add(1, Relaxed);
            *now.lock().unwrap()
        });
        let line = Driven::new("LED".into(), ["dark", "lit"], open, metrics.pins.led.clone());
        let task = tokio::spawn(run(Parts { line, mode: store.watch(|settings| settings.misc.led_mode), look }));
        let rig = Self { sight, signs, looks, store, _state: state, metrics, task };
        rig.after(10).await;
        rig
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.signs.lock().unwrap()
    }

    /// Lets so many milliseconds pass; says whether it is lit then.
    async fn after(&self, ms: u64) -> bool {
        sleep(Duration::from_millis(ms)).await;
        self.sight.lock().unwrap().shown.last().is_some_and(|(lit, _)| *lit)
    }

    /// Returns how long it was lit or dark each time, in milliseconds, but for the last.
    fn times(&self) -> Vec<(bool, u128)> {
        let shown = self.sight.lock().unwrap().shown.clone();
        shown.windows(2).map(|two| (two[0].0, (two[1].1 - two[0].1).as_millis())).collect()
    }
}

async fn set(store: &Store, mode: LedMode) {
    let draft = move |old: &Settings, _: &Rules| {
        let mut draft = old.clone();
        draft.misc.led_mode = mode;
        Ok(draft)
    };
    store.change(By::Camera, draft).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn q70_the_lamp_is_lit_while_the_camera_runs_and_blinks_with_what_goes_in_and_out() {
    let rig = Rig::start(LedMode::Network).await;
    assert!(rig.after(10_000).await);
    assert!(rig.times().is_empty(), "nothing went in or out: {:?}", rig.times());
    rig.signs().traffic += 1;
    assert!(rig.after(2000).await);
    assert!(matches!(rig.times()[..], [(true, 10_001..=10_600), (false, 100..=102)]), "{:?}", rig.times());
    rig.sight.lock().unwrap().shown.clear();
    for _ in 0..60 {
        rig.signs().traffic += 7;
        rig.after(50).await;
    }
    let times = rig.times();
    assert!((9..=13).contains(&times.len()), "{times:?}");
    for (lit, ms) in &times[1..] {
        assert!(if *lit { (400..=402).contains(ms) } else { (100..=102).contains(ms) }, "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn q70_the_lamp_is_lit_while_a_stream_goes_out_and_some_seconds_after_a_snapshot() {
    let rig = Rig::start(LedMode::Watched).await;
    rig.signs().traffic += 1;
    assert!(!rig.after(1000).await, "whoever asks for the status sees nothing");
    rig.signs().viewers = true;
    assert!(rig.after(600).await);
    assert!(rig.after(60_000).await);
    rig.signs().viewers = false;
    assert!(!rig.after(600).await);
    rig.signs().snapshots += 1;
    assert!(rig.after(600).await);
    assert!(rig.after(4000).await);
    assert!(!rig.after(1000).await);
    // One each few seconds is a steady light.
    rig.sight.lock().unwrap().shown.clear();
    for _ in 0..5 {
        rig.signs().snapshots += 1;
        rig.after(4000).await;
    }
    assert_eq!(rig.sight.lock().unwrap().shown.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn q70_the_lamp_follows_its_mode_at_once_and_a_snapshot_of_before_lights_nothing() {
    let rig = Rig::start(LedMode::Off).await;
    rig.signs().viewers = true;
    rig.signs().snapshots += 1;
    assert!(!rig.after(5000).await);
    set(&rig.store, LedMode::Watched).await;
    assert!(rig.after(10).await);
    rig.signs().viewers = false;
    assert!(!rig.after(600).await);
    set(&rig.store, LedMode::Network).await;
    assert!(rig.after(10).await);
    set(&rig.store, LedMode::Off).await;
    assert!(!rig.after(10).await);
}

#[tokio::test(start_paused = true)]
async fn it_looks_twice_a_second_while_nothing_goes_on_and_never_while_it_is_off() {
    for (mode, most) in [(LedMode::Network, 121), (LedMode::Watched, 121), (LedMode::Off, 1)] {
        let rig = Rig::start(mode).await;
        rig.after(60_000).await;
        let looks = rig.looks.load(Relaxed);
        assert!((most * 9 / 10..=most).contains(&looks), "{mode:?}: {looks}");
        rig.task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lamp_that_comes_late_or_comes_back_shows_what_it_is_to_show() {
    for (mode, lit) in [(LedMode::Network, true), (LedMode::Off, false)] {
        let rig = Rig::start(mode).await;
        has(&rig.metrics, "lookout_led_up 1");
        has(&rig.metrics, &format!("lookout_led_level {}", u8::from(lit)));
        rig.sight.lock().unwrap().away = true;
        rig.after(10_000).await;
        has(&rig.metrics, "lookout_led_up 0");
        has(&rig.metrics, "lookout_led_lost_total 1");
        *rig.sight.lock().unwrap() = Sight::default();
        assert_eq!(rig.after(3000).await, lit, "{mode:?}");
        has(&rig.metrics, "lookout_led_up 1");
    }
}

#[tokio::test(start_paused = true)]
async fn the_lamp_is_given_back_when_the_camera_ends() {
    let rig = Rig::start(LedMode::Network).await;
    assert!(!rig.sight.lock().unwrap().back);
    rig.task.abort();
    rig.after(10).await;
    assert!(rig.sight.lock().unwrap().back);
}
