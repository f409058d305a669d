use lookout_core::media::sound::Level;
use tokio::{sync::mpsc, time::sleep};

use super::*;
use crate::{metrics::Metrics, privacy::testing::Hours};

const WINDOW: Duration = Duration::from_millis(100);
const QUIET: Level = Level { rms: 0.001, peak: 0.004 };
const SHOUT: Level = Level { rms: 0.1, peak: 0.4 };

/// A service with the world around it.
struct Rig {
    hours: Hours,
    hub: Arc<Hub>,
    alarms: Arc<Alarms>,
    triggers: mpsc::Receiver<Trigger>,
}

impl Rig {
    /// Starts it, with sound armed or not.
    async fn new(armed: bool) -> Self {
        let (hours, metrics) = (Hours::default(), Arc::new(Metrics::new()));
        hours.set(|settings| settings.alarm.sound_armed = armed);
        let gate = hours.gate(metrics.clone());
        let hub = Hub::new(gate.clone(), metrics.camera.clone(), metrics.sound.clone());
        let alarms = Alarms::new(metrics.alarms.clone());
        tokio::spawn(gate.clone().keep());
        let parts = Parts {
            duty: Duty::new(Cause::Sound, hours.follow(), gate, hours.clock(), alarms.clone()),
            hub: hub.clone(),
            alarms: alarms.clone(),
            counters: metrics.alarms.clone(),
        };
        tokio::spawn(run(parts));
        let triggers = alarms.triggers().unwrap();
        sleep(Duration::from_millis(1)).await;
        Self { hours, hub, alarms, triggers }
    }

    /// Says something for so many windows; returns how often that triggered.
    async fn say(&mut self, level: Level, windows: usize) -> usize {
        let mut triggered = 0;
        for _ in 0..windows {
            self.hub.sound.loud(Some(level), Instant::now().into_std());
            sleep(WINDOW).await;
            triggered += std::iter::from_fn(|| self.triggers.try_recv().ok()).count();
        }
        triggered
    }

    /// What was decided, and how often.
    fn told(&self) -> Vec<(Reason, u64)> {
        let now = Instant::now().into_std();
        self.alarms.decisions(now).into_iter().map(|entry| (entry.reason, entry.count)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_listens_while_sound_is_not_armed() {
    let mut rig = Rig::new(false).await;
    assert_eq!(rig.say(QUIET, 50).await + rig.say(SHOUT, 5).await, 0);
    assert_eq!(rig.told(), [(Reason::NotArmed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_shout_triggers_and_one_that_does_not_end_cools_down() {
    let mut rig = Rig::new(true).await;
    assert_eq!(rig.say(QUIET, 50).await, 0);
    assert_eq!(rig.told(), [(Reason::Learning, 20), (Reason::BelowThreshold, 30)]);
    rig.hub.sound.loud(Some(SHOUT), Instant::now().into_std());
    let trigger = rig.triggers.recv().await.unwrap();
    assert_eq!((trigger.cause, trigger.at), (Cause::Sound, Instant::now().into_std()));
    assert!(trigger.strength == 0.1 && trigger.drill.is_none());
    let mut triggered = 0;
    for _ in 0..120 {
        triggered += rig.say(SHOUT, 5).await + rig.say(QUIET, 5).await;
    }
    assert_eq!(triggered, 300, "a minute of it");
    assert!(rig.told().contains(&(Reason::CoolingDown, 300)), "{:?}", rig.told());
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_is_not_there_or_is_lost_is_noted_once_and_what_comes_after_is_learnt_anew() {
    let mut rig = Rig::new(true).await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(rig.told(), [(Reason::NoSource, 1)]);
    rig.say(QUIET, 30).await;
    assert_eq!(rig.told(), [(Reason::NoSource, 1), (Reason::Learning, 20), (Reason::BelowThreshold, 10)]);
    rig.hub.sound.loud(None, Instant::now().into_std());
    sleep(Duration::from_secs(30)).await;
    assert_eq!(rig.say(SHOUT, 1).await, 0);
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 10), (Reason::NoSource, 2), (Reason::Learning, 21)]);
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_is_lost_for_a_moment_or_says_nothing_more_is_learnt_anew() {
    for (lost, silent) in [(true, 0), (false, 3)] {
        let mut rig = Rig::new(true).await;
        rig.say(QUIET, 50).await;
        if lost {
            rig.hub.sound.loud(None, Instant::now().into_std());
        }
        sleep(Duration::from_secs(silent)).await;
        assert_eq!(rig.say(SHOUT, 1).await, 0);
        assert_eq!(rig.told().last(), Some(&(Reason::Learning, 21)));
        assert_eq!(rig.told().iter().any(|told| told.0 == Reason::NoSource), !lost);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_heard_in_forbidden_hours_or_out_of_schedule() {
    let mut rig = Rig::new(true).await;
    rig.say(QUIET, 50).await;
    rig.hours.forbid(true);
    assert_eq!(rig.say(SHOUT, 10).await, 0);
    rig.hours.set(|settings| settings.alarm.schedule.enable = true);
    rig.hours.forbid(false);
    assert_eq!(rig.say(SHOUT, 10).await, 0);
    let told: Vec<_> = rig.told().into_iter().map(|told| told.0).collect();
    let due = [Reason::Learning, Reason::BelowThreshold, Reason::Forbidden, Reason::OutOfSchedule];
    assert_eq!(told, due);
}
