//! What is decided of alarms, and why, also that there is none: `/events.json` (Q59), with a camera that sees and hears.

use std::{
    fs,
    path::PathBuf,
    sync::mpsc,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use lookout_core::media::{
    canvas::{Canvas, Colour},
    frame::Size,
    transform::{Change, Pipeline, QUALITY},
};
use lookout_testkit::{Camera, Client, eventually};
use serde_json::Value;
use tempfile::TempDir;

use crate::{showing, start};

/// How far something moves in the room in a picture, pixels, and how long that takes.
const STRIDE: usize = 5;
const STEP: Duration = Duration::from_millis(50);

/// Paints a room with a light that is so bright, and something white in it.
fn room(light: u8, at: Option<u16>) -> Vec<u8> {
    let mut canvas = Canvas::new(Size::QVGA);
    for stripe in 0..10_u8 {
        let grey = light + stripe * 8;
        canvas.rect((f32::from(stripe) * 32.0, 0.0), (32.0, 240.0), Colour::rgb(grey, grey, grey));
    }
    if let Some(at) = at {
        canvas.rect((f32::from(at), 80.0), (60.0, 100.0), Colour::WHITE);
    }
    Pipeline::new().unwrap().encode_raw(&canvas.into_raw(), &Change::default(), QUALITY).unwrap().to_vec()
}

/// A camera that looks at a picture in a file.
struct Stage {
    camera: Camera,
    admin: Client,
    path: PathBuf,
    /// The room with something in it, ever farther to the right.
    moving: Vec<Vec<u8>>,
    _dir: TempDir,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("picture.jpg");
        fs::write(&path, room(60, None)).unwrap();
        let camera = showing(&format!("file:{}", path.display()), "[sound]\nmicrophone = \"none\"\n");
        let admin = camera.admin();
        let moving = (0..=240).step_by(STRIDE).map(|at| room(60, Some(at))).collect();
        Self { camera, admin, path, moving, _dir: dir }
    }

    fn show(&self, jpeg: &[u8]) {
        let next = self.path.with_extension("next");
        fs::write(&next, jpeg).unwrap();
        fs::rename(&next, &self.path).unwrap();
    }

    /// Has something go to and fro while something is done, 100 pixels a second, however busy the machine is: what
    /// goes faster counts as light.
    fn moves<T>(&self, done: impl FnOnce() -> T) -> T {
        let turn = 2 * (self.moving.len() - 1);
        let (going, over) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                let begin = Instant::now();
                while over.recv_timeout(STEP) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let at = (begin.elapsed().as_millis() / STEP.as_millis()) as usize % turn;
                    self.show(&self.moving[at.min(turn - at)]);
                }
            });
            let done = done();
            drop(going);
            done
        })
    }

    fn set(&self, query: &str) {
        self.admin.get(&format!("/set_alarm.cgi?{query}")).ok();
    }

    /// Waits until something holds, while something moves.
    fn holds(&self, cause: &str, reason: &str) {
        let holds = || last(&self.camera, cause).is_some_and(|event| event["reason"] == reason);
        self.moves(|| eventually(&format!("{cause}: {reason}"), holds));
    }

    /// Waits until something is decided once more, for a reason, while something happens.
    fn until(&self, cause: &str, reason: &str, mut happens: impl FnMut()) {
        let name = format!("lookout_alarm_decisions_total{{cause=\"{cause}\",reason=\"{reason}\"}}");
        let before = self.camera.metric(&name);
        eventually(&format!("{cause}: {reason}"), || {
            happens();
            self.camera.metric(&name) > before
        });
        assert!(events(&self.camera).iter().any(|event| event["cause"] == cause && event["reason"] == reason));
    }
}

fn events(camera: &Camera) -> Vec<Value> {
    let reply = camera.viewer().get("/events.json");
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("application/json")));
    serde_json::from_str::<Value>(reply.text()).unwrap().as_array().unwrap().clone()
}

/// The last decision of a cause.
fn last(camera: &Camera, cause: &str) -> Option<Value> {
    events(camera).into_iter().rfind(|event| event["cause"] == cause)
}

fn status(camera: &Camera) -> String {
    camera.client().get("/get_status.cgi").var("alarm_status").unwrap().to_owned()
}

fn journal(camera: &Camera) -> String {
    camera.admin().get("/get_log.cgi").text().to_owned()
}

#[test]
fn motion_is_an_alarm_and_why_there_is_none_is_told_each_time() {
    let stage = Stage::new();
    stage.holds("motion", "not armed");
    stage.holds("sound", "not armed");
    stage.moves(|| sleep(Duration::from_millis(500)));
    assert_eq!(status(&stage.camera), "0");

    stage.show(&room(60, None));
    stage.set("motion_armed=1&motion_compensation=1");
    stage.until("motion", "below threshold", || ());
    assert!(events(&stage.camera).iter().any(|event| event["reason"] == "learning"));
    let brighter = room(120, None);
    stage.until("motion", "light change", || {
        stage.show(&brighter);
        sleep(Duration::from_millis(500));
        stage.show(&room(60, None));
        sleep(Duration::from_millis(500));
    });
    stage.until("motion", "below threshold", || ());
    assert_eq!(status(&stage.camera), "0");
    assert!(!journal(&stage.camera).contains("motion detect"));

    stage.moves(|| eventually("motion is an alarm", || status(&stage.camera) == "1"));
    assert!(journal(&stage.camera).contains("motion detect\\n"));
    let alarm = events(&stage.camera).into_iter().find(|event| event["reason"] == "alarm").unwrap();
    let [most, count] = ["most", "count"].map(|name| alarm[name].as_f64().unwrap());
    assert!(most > 0.0 && most <= 1.0 && count == 1.0, "{alarm}");
    stage.moves(|| stage.until("motion", "alarm prolonged", || ()));

    stage.set(&format!("motion_mask={}", "f".repeat(192)));
    stage.moves(|| stage.until("motion", "masked", || ()));
    let week = |word: u32| {
        let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        let day = |day| (0..3).map(|n| format!("&schedule_{day}_{n}={word}")).collect::<String>();
        format!("schedule_enable=1{}", days.map(day).concat())
    };
    stage.set(&format!("motion_mask=&{}", week(0)));
    stage.holds("motion", "out of schedule");
    stage.set(&week(u32::MAX));
    stage.moves(|| stage.until("motion", "alarm prolonged", || ()));
    stage.admin.get(&format!("/set_forbidden.cgi?{}", week(u32::MAX))).ok();
    stage.holds("motion", "forbidden hours");
    stage.admin.get(&format!("/set_forbidden.cgi?{}", week(0))).ok();
    fs::remove_file(&stage.path).unwrap();
    stage.until("motion", "no source", || ());
    stage.show(&room(60, None));
    stage.until("motion", "below threshold", || ());

    stage.set("motion_armed=0&sounddetect_armed=1");
    stage.holds("motion", "not armed");
    stage.holds("sound", "no source");
    assert_eq!(journal(&stage.camera).matches("motion detect").count(), 1, "one alarm one entry");
}

#[test]
fn while_motion_is_not_armed_no_picture_is_made_for_it_and_none_is_looked_at() {
    let camera = start("");
    let set = |query: &str| camera.admin().get(&format!("/set_alarm.cgi?{query}")).ok();
    let captured = || camera.metric("lookout_frames_captured_total");
    // Of a raw source each picture that somebody watches is encoded.
    let encoded = || camera.metric("lookout_encodes_total");
    let rests = || {
        let (frames, before) = (captured(), encoded());
        eventually("the source goes on", || captured() > frames + 20.0);
        encoded() == before
    };
    let looked_at = || {
        let motion = |event: &&Value| event["cause"] == "motion" && event["reason"] != "not armed";
        events(&camera).iter().filter(motion).map(|event| event["count"].as_f64().unwrap()).sum::<f64>()
    };
    eventually("the first picture is there", || captured() > 0.0);
    assert!(rests() && looked_at() == 0.0);
    set("motion_armed=1");
    eventually("pictures are looked at", || encoded() > 20.0 && looked_at() > 5.0);
    assert_eq!(camera.metric("lookout_viewers"), 0.0);
    set("motion_armed=0");
    eventually("the watch ends", || last(&camera, "motion").is_some_and(|event| event["reason"] == "not armed"));
    eventually("nothing is encoded", rests);
    let before = looked_at();
    assert!(rests() && looked_at() == before);
}

#[test]
fn sound_is_an_alarm() {
    // The demo scene has a tone each second.
    let camera = start("");
    camera.admin().get("/set_alarm.cgi?sounddetect_armed=1").ok();
    eventually("sound is an alarm", || status(&camera) == "3");
    assert!(journal(&camera).contains("sound alarm\\n"));
    let reasons: Vec<_> = events(&camera).into_iter().filter(|event| event["cause"] == "sound").collect();
    let has = |reason: &str| reasons.iter().any(|event| event["reason"] == reason);
    assert!(has("learning") && has("alarm"), "{reasons:?}");
}

#[test]
fn times_are_those_of_the_cameras_clock_also_of_what_was_before_it_was_set() {
    let camera = start("");
    eventually("something is decided", || last(&camera, "motion").is_some());
    camera.admin().get("/set_datetime.cgi?now=1352721600&tz=-3600").ok();
    let event = last(&camera, "motion").unwrap();
    // Monday 12 November 2012, 12:00 UTC.
    let [first, last] = ["first", "last"].map(|name| event[name].as_str().unwrap().to_owned());
    assert!(first.starts_with("2012-11-12T1") && first.ends_with('Z') && last >= first, "{event}");
}
