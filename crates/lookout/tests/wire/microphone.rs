//! A microphone that is lost, silent or gone is nothing to the pictures (RULES F32), and how loud it is stays in the camera
//! in forbidden hours.

use std::{fs, path::Path};

use lookout_testkit::{Camera, Viewer, eventually};

use crate::{machine::run, start};

const SCENE: &str = "demo:?size=160x120&fps=30";

fn hearing(microphone: &str) -> Camera {
    start(&format!("[sound]\nmicrophone = \"{microphone}\"\n"))
}

fn metrics(camera: &Camera) -> String {
    camera.viewer().get("/metrics").text().to_owned()
}

#[test]
fn how_loud_the_demo_scene_is_is_told_but_in_forbidden_hours() {
    let camera = start("");
    eventually("it is heard", || camera.metric("lookout_sound_peak_dbfs") < 0.0);
    assert_eq!(camera.metric("lookout_sound_up"), 1.0);
    let [rms, peak] = ["rms", "peak"].map(|name| camera.metric(&format!("lookout_sound_{name}_dbfs")));
    assert!(-120.0 <= rms && rms <= peak && peak < 0.0, "{rms} {peak}");
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let words = days.iter().flat_map(|day| (0..3).map(move |word| format!("&schedule_{day}_{word}=4294967295")));
    let forbid = |on: u8| {
        let words: String = words.clone().collect();
        camera.admin().get(&format!("/set_forbidden.cgi?schedule_enable={on}{words}")).ok();
    };
    forbid(1);
    for _ in 0..20 {
        assert!(!metrics(&camera).contains("dbfs"), "it is told in forbidden hours");
    }
    assert_eq!(camera.metric("lookout_sound_up"), 1.0);
    forbid(0);
    eventually("it is told again", || metrics(&camera).contains("lookout_sound_rms_dbfs -"));
}

#[test]
fn a_silent_or_dead_microphone_is_nothing_to_the_pictures() {
    for (microphone, lost) in [
        // One that has said nothing yet is given 10 s to begin.
        ("exec:sleep 1000", None),
        ("exec:head -c 1600 /dev/zero; sleep 1000", Some("microphone exec:head: no sound for 1.5 s")),
        ("exec:false", Some("microphone exec:false: the command ended with status 1")),
        ("alsa:no-such-device", Some("microphone alsa:no-such-device: no such sound device no-such-device")),
    ] {
        let camera = hearing(microphone);
        let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
        let mut live = 0;
        eventually("the first picture is there", || viewer.picture().number().is_some());
        eventually("the microphone is lost", || {
            assert!(viewer.picture().number().is_some(), "a placeholder");
            live += 1;
            // It is tried again and again meanwhile.
            live > 60 && lost.is_none_or(|lost| camera.log().contains(lost))
        });
        // One that is heard for a moment is lost each time anew.
        let again = microphone.contains("head");
        assert!(again || !metrics(&camera).contains("dbfs"));
        assert!(again || camera.metric("lookout_sound_up") == 0.0, "{microphone} is up");
        if let (Some(lost), false) = (lost, again) {
            assert_eq!(camera.log().matches(lost).count(), 1, "it is said once");
        }
        assert_eq!(camera.metric("lookout_source_lost_total"), 0.0);
        assert_eq!(camera.viewer().get("/healthz").status, 200);
    }
}

#[test]
fn a_program_is_a_microphone_is_started_again_and_ends_with_the_camera() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    fs::write(file("run.sh"), format!("echo $$ >> {}\nhead -c 48000 /dev/urandom\n", file("pids"))).unwrap();
    fs::write(file("last.sh"), format!("echo $$ >> {}\nexec cat /dev/urandom\n", file("pids"))).unwrap();
    let mut camera = hearing(&format!("exec:sh {}", file("run.sh")));
    let pids = || fs::read_to_string(file("pids")).unwrap_or_default();
    eventually("it is started again", || pids().lines().count() >= 2);
    assert!(camera.metric("lookout_sound_lost_total") >= 1.0);
    fs::rename(file("last.sh"), file("run.sh")).unwrap();
    let noise = || metrics(&camera).contains("dbfs") && camera.metric("lookout_sound_peak_dbfs") > -3.0;
    eventually("it is heard", || pids().lines().count() >= 3 && noise());
    let last = pids().lines().last().unwrap().to_owned();
    let runs = || Path::new("/proc").join(&last).exists();
    assert!(runs());
    camera.terminate();
    assert_eq!(camera.wait(), Some(0));
    eventually("the program has ended", || !runs());
}

#[test]
fn a_check_hears_the_microphone_and_says_how_loud_it_is_or_why_not() {
    let check = |microphone: &str| run(&["check", "--source", SCENE, "--microphone", microphone], "");
    for (microphone, heard) in [
        ("own", "sound          sound of the demo scene, 8000 Hz: -"),
        ("none", "sound          none is wanted\n"),
        ("exec:cat /dev/zero", "sound          command cat, 8000 Hz, 1 channel: -120.0 dBFS, peak -120.0 dBFS, after "),
    ] {
        let (code, out, error) = check(microphone);
        assert_eq!((code, error.as_str()), (Some(0), ""));
        assert!(out.contains(heard), "{out}");
    }
    let (code, out, error) = check("exec:sh -c 'exit 3' canary");
    assert_eq!((code, error.as_str()), (Some(1), "lookout: microphone exec:sh: the command ended with status 3\n"));
    assert!(out.contains("first picture") && !out.contains("canary"), "{out}");
}
