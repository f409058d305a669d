use std::collections::VecDeque;

use lookout_core::profile::settings::LineLevel::{High, Low};
use tokio::{sync::mpsc, time::timeout};

use super::*;
use crate::metrics::{Metrics, testing::has};

/// An input with the settings that it goes by, the triggers that it gave, and the counters.
struct Rig {
    input: Arc<Input>,
    settings: watch::Sender<Arc<Settings>>,
    triggers: mpsc::Receiver<Trigger>,
    alarms: Arc<Alarms>,
    metrics: Metrics,
}

impl Rig {
    fn new() -> Self {
        let metrics = Metrics::new();
        let mut factory = Settings::factory();
        factory.alarm.input_armed = true;
        let (settings, watched) = watch::channel(Arc::new(factory));
        let alarms = Alarms::new(metrics.alarms.clone());
        let triggers = alarms.triggers().unwrap();
        let input = Arc::new(Input::new(watched, alarms.clone(), metrics.pins.clone()));
        Self { input, settings, triggers, alarms, metrics }
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.settings.send_modify(|settings| change(Arc::make_mut(settings)));
    }

    fn triggered(&mut self) -> usize {
        std::iter::from_fn(|| self.triggers.try_recv().ok()).inspect(|trigger| assert!(trigger.drill.is_none())).count()
    }

    /// Returns what was decided, each reason once.
    fn decided(&self) -> Vec<(Cause, Reason)> {
        self.alarms.decisions(now()).iter().map(|entry| (entry.cause, entry.reason)).collect()
    }
}

#[tokio::test]
async fn q58_a_level_that_is_held_triggers_once_and_then_cools_down() {
    let mut rig = Rig::new();
    for level in [High, High, High] {
        rig.input.tell(Speaker::Operator, level);
    }
    assert_eq!(rig.triggered(), 1);
    assert_eq!(rig.decided(), [(Cause::Input, Reason::CoolingDown)]);
    for level in [Low, High] {
        rig.input.tell(Speaker::Operator, level);
    }
    assert_eq!(rig.triggered(), 1);
}

#[tokio::test]
async fn q58_a_level_that_is_held_says_why_it_does_nothing() {
    let rig = Rig::new();
    rig.set(|settings| settings.alarm.input_armed = false);
    rig.input.tell(Speaker::Line, High);
    rig.set(|settings| (settings.alarm.input_armed, settings.alarm.schedule.enable) = (true, true));
    rig.input.tell(Speaker::Line, High);
    let reasons = [Reason::NotArmed, Reason::OutOfSchedule];
    assert_eq!(rig.decided(), reasons.map(|reason| (Cause::Input, reason)));
}

#[tokio::test]
async fn the_level_that_triggers_is_that_of_the_settings() {
    let mut rig = Rig::new();
    rig.set(|settings| settings.alarm.ioin_level = Low);
    for level in [High, Low] {
        rig.input.tell(Speaker::Operator, level);
    }
    assert_eq!(rig.triggered(), 1);
    rig.input.tell(Speaker::Operator, High);
    assert_eq!((rig.triggered(), rig.decided()), (0, vec![]));
}

#[tokio::test]
async fn what_it_shows_can_be_followed_and_is_counted() {
    let rig = Rig::new();
    let mut follow = rig.input.follow();
    has(&rig.metrics, "lookout_input_level -1");
    rig.input.tell(Speaker::Operator, High);
    assert!(follow.has_changed().unwrap());
    assert_eq!(*follow.borrow_and_update(), Some(High));
    has(&rig.metrics, "lookout_input_level 1");
    rig.input.tell(Speaker::Operator, High);
    assert!(!follow.has_changed().unwrap(), "nothing new");
}

/// What a line does, and after how many milliseconds.
type Script = VecDeque<(u64, Result<bool, &'static str>)>;

/// A line that plays a script and then hangs.
struct Line {
    script: Script,
    due: Option<Instant>,
    settled: bool,
}

impl InputLine for Line {
    fn level(&mut self) -> Promise<'_, Result<bool, Lost>> {
        Box::pin(async {
            let Some((after, level)) = self.script.front().copied() else { return std::future::pending().await };
            // Whoever gave up on it waits for the rest.
            let due = *self.due.get_or_insert_with(|| Instant::now() + Duration::from_millis(after));
            sleep_until(due).await;
            self.due = None;
            self.script.pop_front();
            level.map_err(|why| Lost(why.into()))
        })
    }

    fn settled(&self) -> bool {
        self.settled
    }

    fn about(&self) -> String {
        "a line".into()
    }
}

/// Runs the service over lines that come one after the other, for nine seconds; what cannot be opened is an error.
async fn felt(rig: &Rig, settled: bool, lines: Vec<Result<Script, &'static str>>) {
    let lines = Mutex::new(VecDeque::from(lines));
    let open: Open = Box::new(move || {
        let line = lines.lock().unwrap().pop_front();
        Box::pin(async move {
            match line {
                Some(Ok(script)) => Ok(Box::new(Line { script, due: None, settled }) as Box<dyn InputLine>),
                Some(Err(why)) => Err(Lost(why.into())),
                None => std::future::pending().await,
            }
        })
    });
    let parts = Parts { open, name: "line".into(), debounce: Duration::from_millis(50), input: rig.input.clone() };
    let ended = timeout(Duration::from_secs(9), run(parts)).await;
    assert!(ended.is_err(), "a service runs for ever");
}

fn script(steps: &[(u64, Result<bool, &'static str>)]) -> Result<Script, &'static str> {
    Ok(steps.iter().copied().collect())
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_bounces_triggers_once() {
    let bounces = [(0, Ok(false)), (100, Ok(true)), (5, Ok(false)), (5, Ok(true)), (5, Ok(false)), (5, Ok(true))];
    let mut rig = Rig::new();
    felt(&rig, false, vec![script(&bounces)]).await;
    assert_eq!(rig.triggered(), 1);
    // A spark is no contact.
    let mut rig = Rig::new();
    felt(&rig, false, vec![script(&[(0, Ok(false)), (100, Ok(true)), (49, Ok(false))])]).await;
    assert_eq!(rig.triggered(), 0);
    has(&rig.metrics, "lookout_input_level 0");
}

#[tokio::test(start_paused = true)]
async fn what_the_kernel_says_has_settled_is_believed() {
    let mut rig = Rig::new();
    felt(&rig, true, vec![script(&[(0, Ok(false)), (100, Ok(true)), (1, Ok(false)), (1, Ok(true))])]).await;
    assert_eq!(rig.triggered(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_the_line_was_lost_triggers_and_what_did_not_does_not() {
    let away = || script(&[(0, Ok(false)), (10, Err("it was unplugged"))]);
    for (after, triggered) in [(true, 1), (false, 0)] {
        let mut rig = Rig::new();
        felt(&rig, true, vec![away(), Err("there is none"), Err("there is none"), script(&[(0, Ok(after))])]).await;
        assert_eq!(rig.triggered(), triggered);
        has(&rig.metrics, "lookout_input_lost_total 1");
        has(&rig.metrics, &format!("lookout_input_level {}", u8::from(after)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_door_that_is_open_at_the_start_does_not_trigger() {
    let mut rig = Rig::new();
    felt(&rig, true, vec![script(&[(0, Ok(true)), (1000, Ok(true)), (1000, Ok(true))])]).await;
    assert_eq!((rig.triggered(), rig.decided()), (0, vec![(Cause::Input, Reason::CoolingDown)]));
}
