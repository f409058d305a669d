use std::{
    panic,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use lookout_core::{
    alarm::Entry,
    media::{
        canvas::{Canvas, Colour},
        frame::{Frame, Grabbed, Picture, Range, Raw, RawFormat, Size},
        scene::Scene,
        transform::{Change, Pipeline},
    },
    profile::week::Word,
    ptz::{Order, Pose, Way},
};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::*;
use crate::{
    config::Config,
    framing::Framing,
    head::Standing,
    metrics::Metrics,
    pipeline::{Demands, Developer, Left},
    privacy::testing::Hours,
};

/// An eye that reads off the picture what is seen in it: its first byte. How much of the picture moves is the number of
/// pictures it has seen, in thousandths.
struct Reader(u16);

/// A picture that does not decode, one at which the eye panics, one that it does not get done with, and one in which it
/// sees how sensitive it is to be.
const BROKEN: u8 = b'x';
const PANICS: u8 = b'p';
const HANGS: u8 = b'h';
const SENSITIVITY: u8 = b's';
/// What the verdicts look like.
const VERDICTS: [(u8, Verdict); 6] = [
    (b'!', Verdict::Motion),
    (b'.', Verdict::Still),
    (b'm', Verdict::Masked),
    (b'l', Verdict::LightChange),
    (b'k', Verdict::Shaken),
    (b'?', Verdict::Learning),
];

/// Whether an eye hangs, and until when.
static HANGING: AtomicBool = AtomicBool::new(false);
static RELEASED: AtomicBool = AtomicBool::new(false);

impl Eye for Reader {
    fn look(&mut self, jpeg: &[u8], watch: &Watch, _captured: Instant) -> Option<Seen> {
        self.0 += 1;
        let area = f32::from(self.0) / 1000.0;
        match jpeg[0] {
            BROKEN => None,
            PANICS => panic::resume_unwind(Box::new("an eye that panics")),
            HANGS => {
                HANGING.store(true, Ordering::Relaxed);
                (0..20_000).take_while(|_| !RELEASED.load(Ordering::Relaxed)).for_each(|_| thread::sleep(ONE));
                None
            }
            SENSITIVITY => Some(Seen { verdict: Verdict::Still, area: f32::from(watch.sensitivity) / 10.0 }),
            shown => {
                let verdict = VERDICTS.iter().find(|verdict| verdict.0 == shown)?;
                Some(Seen { verdict: verdict.1, area })
            }
        }
    }
}

const ONE: Duration = Duration::from_millis(1);

/// A service with the world around it.
struct Rig {
    hours: Hours,
    hub: Arc<Hub>,
    alarms: Arc<Alarms>,
    metrics: Arc<Metrics>,
    triggers: mpsc::Receiver<Trigger>,
    head: watch::Sender<Standing>,
    shown: u64,
}

impl Rig {
    /// Starts it, with motion armed or not.
    async fn new(armed: bool) -> Self {
        Self::seeing(armed, || Ok(Box::new(Reader(0)))).await
    }

    /// Starts it with other eyes.
    async fn seeing(armed: bool, open: fn() -> Result<Box<dyn Eye>, Failed>) -> Self {
        let (hours, metrics) = (Hours::default(), Arc::new(Metrics::new()));
        hours.set(|settings| settings.alarm.motion_armed = armed);
        let gate = hours.gate(metrics.clone());
        let hub = Hub::new(gate.clone(), metrics.camera.clone(), metrics.sound.clone());
        let alarms = Alarms::new(metrics.alarms.clone());
        tokio::spawn(gate.clone().keep());
        let (head, stands) = watch::channel(Standing::default());
        let duty = Duty::new(Cause::Motion, hours.follow(), gate, hours.clock(), alarms.clone());
        let parts = Parts {
            duty: duty.while_rests(stands),
            hub: hub.clone(),
            alarms: alarms.clone(),
            counters: metrics.alarms.clone(),
            open,
        };
        tokio::spawn(run(parts));
        let triggers = alarms.triggers().unwrap();
        let rig = Self { hours, hub, alarms, metrics, triggers, head, shown: 0 };
        sleep(ONE).await;
        rig
    }

    fn frame(&mut self, what: u8) -> Frame {
        self.shown += 1;
        self.hours.frame(self.shown, vec![what])
    }

    /// Shows a picture, and waits until the next one is due.
    async fn show(&mut self, what: u8) {
        let frame = self.frame(what);
        self.hub.publish(frame);
        sleep(PACE).await;
    }

    /// What was decided: reason, how often, and the strongest in thousandths.
    fn told(&self) -> Vec<(Reason, u64, u16)> {
        let told = |entry: Entry| (entry.reason, entry.count, (entry.most * 1000.0).round() as u16);
        let now = tokio::time::Instant::now().into_std();
        self.alarms.decisions(now).into_iter().map(told).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_watches_while_motion_is_not_armed_and_why_is_noted_once() {
    let mut rig = Rig::new(false).await;
    for _ in 0..5 {
        rig.show(b'.').await;
    }
    rig.hours.set(|settings| settings.alarm.motion_mask = Default::default());
    sleep(ONE).await;
    assert!(!rig.hub.watched());
    assert_eq!(rig.told(), [(Reason::NotArmed, 1, 0)]);
    rig.hours.set(|settings| settings.alarm.motion_armed = true);
    sleep(ONE).await;
    assert!(rig.hub.watched());
    rig.hours.set(|settings| settings.alarm.motion_armed = false);
    sleep(ONE).await;
    assert!(!rig.hub.watched());
    assert_eq!(rig.told(), [(Reason::NotArmed, 2, 0)]);
}

#[tokio::test(start_paused = true)]
async fn the_schedule_and_the_forbidden_hours_end_the_watch_and_a_clock_that_jumps_is_noticed() {
    let rig = Rig::new(true).await;
    // A quarter of an hour, which begins in a quarter.
    rig.hours.set(|settings| {
        settings.alarm.schedule.enable = true;
        settings.alarm.schedule.week.days[1][1] = Word(1 << 17);
    });
    sleep(ONE).await;
    assert!(!rig.hub.watched());
    assert_eq!(rig.told(), [(Reason::OutOfSchedule, 1, 0)]);
    sleep(Duration::from_secs(15 * 60)).await;
    assert!(rig.hub.watched());
    for (jump, watched) in [(20 * 60, false), (-20 * 60, true), (-10 * 365 * 86_400, false)] {
        rig.hours.jump(jump);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(rig.hub.watched(), watched, "{jump}");
    }
    rig.hours.set(|settings| settings.alarm.schedule.enable = false);
    sleep(ONE).await;
    assert!(rig.hub.watched());
    rig.hours.forbid(true);
    sleep(ONE).await;
    assert!(!rig.hub.watched());
    assert_eq!(rig.told().last(), Some(&(Reason::Forbidden, 1, 0)));
    rig.hours.forbid(false);
    sleep(ONE).await;
    assert!(rig.hub.watched());
}

#[tokio::test(start_paused = true)]
async fn of_each_picture_there_is_one_decision_and_of_motion_a_trigger() {
    let mut rig = Rig::new(true).await;
    for (what, verdict) in VERDICTS {
        let before = rig.told().len();
        let frame = rig.frame(what);
        let (at, wall) = (frame.captured, frame.wall);
        rig.hub.publish(frame);
        sleep(PACE).await;
        let trigger = rig.triggers.try_recv().ok();
        let reason = match verdict {
            Verdict::Motion => {
                let trigger = trigger.expect("motion triggers");
                assert_eq!(
                    (trigger.cause, trigger.at, trigger.wall, trigger.strength),
                    (Cause::Motion, at, wall, 0.001)
                );
                assert!(trigger.drill.is_none() && rig.told().len() == before, "the alarm service decides of it");
                continue;
            }
            Verdict::Still => Reason::BelowThreshold,
            Verdict::Masked => Reason::Masked,
            Verdict::LightChange => Reason::LightChange,
            Verdict::Shaken => Reason::Shaken,
            Verdict::Learning => Reason::Learning,
        };
        assert!(trigger.is_none());
        assert_eq!((rig.told().len(), rig.told().last().map(|told| (told.0, told.1))), (before + 1, Some((reason, 1))));
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_ten_pictures_a_second_are_looked_at() {
    let mut rig = Rig::new(true).await;
    for _ in 0..90 {
        let frame = rig.frame(b'.');
        rig.hub.publish(frame);
        sleep(Duration::from_micros(33_333)).await;
    }
    let [(Reason::BelowThreshold, looked_at, _)] = rig.told()[..] else { panic!("{:?}", rig.told()) };
    assert!((29..=31).contains(&looked_at), "{looked_at} in 3 s");
}

#[tokio::test(start_paused = true)]
async fn a_placeholder_is_no_picture_and_what_was_seen_before_it_is_forgotten() {
    let mut rig = Rig::new(true).await;
    for _ in 0..5 {
        rig.show(b'.').await;
    }
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 5, 5)]);
    for _ in 0..2 {
        let frame = rig.frame(b'!');
        rig.hub.publish(Frame { live: false, ..frame });
        sleep(PACE).await;
    }
    rig.show(b'k').await;
    assert_eq!(rig.told()[1..], [(Reason::NoSource, 2, 0), (Reason::Shaken, 1, 1)]);
    assert!(rig.triggers.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_before_the_forbidden_hours_is_forgotten() {
    let mut rig = Rig::new(true).await;
    for _ in 0..5 {
        rig.show(b'.').await;
    }
    rig.hours.forbid(true);
    rig.show(b'.').await;
    rig.hours.forbid(false);
    rig.hours.wait_out_the_guard().await;
    rig.show(b'k').await;
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 5, 5), (Reason::Forbidden, 1, 0), (Reason::Shaken, 1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn q69_while_the_head_moves_nobody_looks_and_what_was_seen_before_is_forgotten() {
    let mut rig = Rig::new(true).await;
    for _ in 0..5 {
        rig.show(b'.').await;
    }
    // It tells where it is on its way, too.
    for pan in [0.1, 0.2, 0.3] {
        let pose = Some(Pose { pan, ..Pose::default() });
        rig.head.send_replace(Standing { moving: true, pose, ..Standing::default() });
        sleep(ONE).await;
        assert!(!rig.hub.watched(), "nothing is done for it meanwhile");
        rig.show(b'!').await;
    }
    rig.head.send_replace(Standing::default());
    sleep(ONE).await;
    assert!(rig.hub.watched());
    rig.show(b'k').await;
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 5, 5), (Reason::HeadMoves, 1, 0), (Reason::Shaken, 1, 1)]);
    assert!(rig.triggers.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn q69_no_picture_of_one_view_is_compared_with_one_of_another_whatever_the_duty_says() {
    let mut rig = Rig::new(true).await;
    let mut told = 0;
    for (view, picture, reason, seen) in [
        (Some(7), b'.', Reason::BelowThreshold, 1),
        (Some(7), b'.', Reason::BelowThreshold, 2),
        (None, b'!', Reason::HeadMoves, 0),
        (Some(8), b'.', Reason::BelowThreshold, 1),
        (Some(8), b'm', Reason::Masked, 2),
        (Some(9), b'm', Reason::Masked, 1),
    ] {
        let frame = rig.frame(picture);
        rig.hub.publish(Frame { view, ..frame });
        // A minute later, so that each is an entry of its own.
        sleep(Duration::from_secs(61)).await;
        told += 1;
        assert_eq!((rig.told().len(), rig.told().last()), (told, Some(&(reason, 1, seen))));
    }
    assert!(rig.triggers.try_recv().is_err());
    let frame = rig.frame(b'!');
    rig.hub.publish(Frame { view: Some(9), ..frame });
    sleep(ONE).await;
    assert!(rig.triggers.try_recv().is_ok(), "what moves in a view that stays is seen");
}

/// A camera with a digital head over the demo scene, in which nothing moves but what a test lets move.
struct Turning {
    framing: Arc<Framing>,
    developer: Developer,
    canvas: Canvas,
}

impl Turning {
    fn new(rig: &Rig) -> Self {
        let (mut config, mut canvas) = (Config::default(), Canvas::default());
        config.ptz.view = Some(Size::QVGA);
        let now = tokio::time::Instant::now().into_std();
        let framing = Arc::new(Framing::new(&config, rig.hours.follow(), now).unwrap());
        let demands = Demands::Own(config.source.verify);
        let developer = Developer::new(demands, Some(framing.clone()), Arc::default()).unwrap();
        Scene::new(Size::VGA).paint(&mut canvas, 1, Duration::ZERO, "12:00:00");
        Self { framing, developer, canvas }
    }

    fn order(&self, order: Order) {
        let now = tokio::time::Instant::now().into_std();
        self.framing.order(order, None, now).unwrap();
    }

    /// Shows pictures, ten a second, in which somebody walks through the middle, or nobody.
    async fn show(&mut self, rig: &Rig, pictures: u16, walks: bool) {
        for picture in 0..pictures {
            let mut canvas = self.canvas.clone();
            if walks {
                canvas.rect((200.0 + 10.0 * f32::from(picture), 200.0), (50.0, 90.0), Colour::BLACK);
            }
            let frame = rig.hours.frame(1, Vec::new());
            let grabbed =
                Grabbed { captured: frame.captured, wall: frame.wall, picture: Picture::Raw(canvas.into_raw()) };
            rig.hub.publish(self.developer.develop(grabbed, &Left::NOTHING).unwrap());
            sleep(PACE).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q69_a_digital_head_that_turns_is_no_motion_and_what_moves_in_its_new_view_is() {
    // Nobody tells the duty that the head moves: the pictures themselves do.
    let mut rig = Rig::seeing(true, open).await;
    let mut camera = Turning::new(&rig);
    camera.show(&rig, 60, false).await;
    assert_eq!(rig.told().last().map(|told| told.0), Some(Reason::BelowThreshold), "the background is learnt");
    for order in [Order::Move(Way::Right), Order::Stop, Order::Move(Way::UpLeft), Order::Centre] {
        camera.order(order);
        camera.show(&rig, 5, false).await;
    }
    camera.show(&rig, 60, false).await;
    assert!(rig.triggers.try_recv().is_err());
    let told = rig.told();
    assert!(told.iter().any(|told| told.0 == Reason::HeadMoves), "{told:?}");
    let harmless = [Reason::Learning, Reason::BelowThreshold, Reason::HeadMoves];
    assert!(told.iter().all(|told| harmless.contains(&told.0)), "nothing else was even considered: {told:?}");
    camera.show(&rig, 20, true).await;
    assert!(rig.triggers.try_recv().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_broken_picture_is_counted_and_decided_nothing_of_and_an_eye_that_panics_is_replaced() {
    let mut rig = Rig::new(true).await;
    for what in [b'.', BROKEN, b'.', PANICS, b'k'] {
        rig.show(what).await;
    }
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 2, 3), (Reason::Shaken, 1, 1)]);
    assert_eq!(rig.metrics.alarms.pictures_unseen.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_the_moment_are_looked_with() {
    let mut rig = Rig::new(true).await;
    rig.show(SENSITIVITY).await;
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 1, 500)]);
    rig.hours.set(|settings| settings.alarm.motion_sensitivity = lookout_core::profile::wire::Int::new(9));
    rig.show(SENSITIVITY).await;
    assert_eq!(rig.told(), [(Reason::BelowThreshold, 2, 900)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_eye_that_hangs_holds_nobody_up() {
    let mut rig = Rig::new(true).await;
    let until = async |done: &dyn Fn() -> bool| {
        let wait = async {
            while !done() {
                sleep(ONE).await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.expect("it does not come");
    };
    until(&|| rig.hub.watched()).await;
    let frame = rig.frame(HANGS);
    rig.hub.publish(frame);
    until(&|| HANGING.load(Ordering::Relaxed)).await;
    // Pictures go on, on a runtime of one thread, and so does the duty.
    let mut viewer = rig.hub.view(Resolution::Vga).unwrap();
    let frame = rig.frame(b'.');
    rig.hub.publish(frame);
    assert!(viewer.next().await.is_some());
    drop(viewer);
    rig.hours.set(|settings| settings.alarm.motion_armed = false);
    until(&|| !rig.hub.watched()).await;
    RELEASED.store(true, Ordering::Relaxed);
    assert_eq!(rig.told(), [(Reason::NotArmed, 1, 0)]);
}

#[test]
fn that_no_eye_can_be_opened_is_told_once_until_one_is() {
    let mut blind = Blind::default();
    let mut told = |fails: bool| {
        let opened: Result<Box<dyn Eye>, _> = if fails { Err("no memory") } else { Ok(Box::new(Reader(0))) };
        blind.sees(opened).err().map(|error| error.is_some())
    };
    let told = [true, true, true, false, false, true, true].map(&mut told);
    assert_eq!(told, [Some(true), Some(false), Some(false), None, None, Some(true), Some(false)]);
}

#[test]
fn the_shipped_eye_sees_pictures_and_nothing_in_broken_ones() {
    let raw = Raw { format: RawFormat::Grey, range: Range::Full, size: Size::VGA, pixels: vec![128; 640 * 480] };
    let jpeg = Pipeline::new().unwrap().encode_raw(&raw, &Change::default(), 80).unwrap();
    let (mut eye, at) = (open().unwrap(), Instant::now());
    let watch = wanted(&lookout_core::profile::settings::Settings::factory().alarm);
    assert_eq!((watch.sensitivity, watch.compensation), (5, true));
    let seen = |eye: &mut Box<dyn Eye>, picture: u32, jpeg: &[u8]| eye.look(jpeg, &watch, at + PACE * picture);
    for broken in [&b""[..], b"x", &jpeg[..jpeg.len() / 2], &jpeg[jpeg.len() / 2..]] {
        assert_eq!(seen(&mut eye, 0, broken), None);
    }
    let verdicts: Vec<_> = (1..60).map(|picture| seen(&mut eye, picture, &jpeg).unwrap().verdict).collect();
    assert_eq!((verdicts[0], verdicts[58]), (Verdict::Learning, Verdict::Still));
}
