//! The head over the wire: presets, what they show, and where it is after a restart (PROFILE 5.4, Q67).

use std::{fs, thread, time::Duration};

use lookout_testkit::{Camera, Client, eventually};
use serde_json::Value;

use crate::{showing, start};

/// A scene that is larger than what viewers see of it, so that there is room to move.
const ROOMY: (&str, &str) = ("demo:?size=320x240&fps=30", "[ptz]\nview = \"160x120\"\n");

fn roomy() -> Camera {
    showing(ROOMY.0, ROOMY.1)
}

fn order(client: &Client, command: u32) {
    client.get(&format!("/decoder_control.cgi?command={command}")).ok();
}

/// Returns how the head stands.
fn head(camera: &Camera) -> Value {
    serde_json::from_str(camera.operator().get("/head.json").text()).unwrap()
}

/// Waits until the head rests; returns where.
fn rests(camera: &Camera) -> [Value; 3] {
    let mut stands = Value::Null;
    eventually("the head rests", || {
        stands = head(camera);
        stands["moving"] == false
    });
    ["pan", "tilt", "zoom"].map(|axis| stands[axis].clone())
}

/// Sends the head somewhere to the left of the middle, and sets a preset there.
fn set(camera: &Camera, number: u32) -> [Value; 3] {
    let operator = camera.operator();
    operator.get("/decoder_control.cgi?command=4&onestep=1&degree=8").ok();
    let there = rests(camera);
    operator.get(&format!("/set_preset.cgi?preset={number}&name=the+%22door%22")).ok();
    there
}

#[test]
fn q67_presets_are_kept_over_a_restart_with_their_names_and_pictures_and_so_is_where_the_head_rests() {
    let mut camera = roomy();
    let middle = rests(&camera);
    let there = set(&camera, 2);
    assert_ne!(there, middle);
    eventually("the preset has a picture", || head(&camera)["presets"][0]["picture"] == true);
    let picture = camera.operator().get("/preset.jpg?preset=2");
    assert_eq!(picture.header("Content-Type"), Some("image/jpeg"));
    assert!(picture.body.starts_with(&[0xff, 0xd8]) && picture.body.len() <= 64 * 1024);
    camera.admin().get("/reboot.cgi").ok();
    camera.started_anew();
    // Before the first picture that somebody sees it does not know how large they are.
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    eventually("the head is where it was", || rests(&camera) == there);
    let stands = head(&camera);
    assert_eq!(stands["presets"], serde_json::json!([{ "preset": 2, "name": "the \"door\"", "picture": true }]));
    assert_eq!(camera.operator().get("/preset.jpg?preset=2").body, picture.body);
    order(&camera.operator(), 25);
    assert_eq!(rests(&camera), middle);
    order(&camera.operator(), 33);
    assert_eq!(rests(&camera), there);
    // A factory reset leaves nothing of it.
    camera.admin().get("/restore_factory.cgi").ok();
    camera.started_anew();
    let files = fs::read_dir(camera.state().join("presets"));
    assert!(files.map_or(true, |mut files| files.next().is_none()));
    assert!(fs::read_to_string(camera.state().join("settings.toml")).unwrap().contains("head_place = \"\""));
}

#[test]
fn at_the_start_the_head_goes_where_the_settings_say_and_presets_may_be_off() {
    let mut camera = roomy();
    let admin = camera.admin();
    let (middle, there) = (rests(&camera), set(&camera, 1));
    for (settings, place) in
        [("ptz_center_onstart=1", &middle), ("ptz_preset_onstart=1", &there), ("ptz_disable_preset=1", &middle)]
    {
        admin.get(&format!("/set_misc.cgi?{settings}")).ok();
        camera.admin().get("/reboot.cgi").ok();
        camera.started_anew();
        eventually(settings, || rests(&camera) == *place);
    }
    let operator = camera.operator();
    for query in
        ["decoder_control.cgi?command=30", "decoder_control.cgi?command=31", "set_preset.cgi?preset=1&action=clear"]
    {
        operator.get(&format!("/{query}")).error("error: not supported.");
    }
    assert_eq!(head(&camera)["presets"], serde_json::json!([]));
    assert_eq!(operator.get("/preset.jpg?preset=1").status, 404);
}

#[test]
fn an_alarm_moves_the_digital_head() {
    let camera = roomy();
    let (middle, there) = (rests(&camera), set(&camera, 5));
    order(&camera.operator(), 25);
    assert_eq!(rests(&camera), middle);
    camera.admin().get("/set_alarm.cgi?input_armed=1&preset=5").ok();
    camera.operator().get("/input.cgi?level=1").ok();
    eventually("the head goes there", || rests(&camera) == there);
}

#[test]
fn no_picture_of_a_preset_is_shown_or_taken_in_forbidden_hours() {
    let camera = roomy();
    set(&camera, 1);
    eventually("the preset has a picture", || head(&camera)["presets"][0]["picture"] == true);
    camera.admin().get("/set_privacy.cgi?now=1").ok();
    assert_eq!(camera.operator().get("/preset.jpg?preset=1").status, 403);
    camera.operator().get("/set_preset.cgi?preset=1").ok();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(head(&camera)["presets"][0]["picture"], false);
    let files = fs::read_dir(camera.state().join("presets")).unwrap().count();
    assert_eq!(files, 0, "the old one is gone, and there is no new one");
}

#[test]
fn a_camera_without_a_head_says_so() {
    let camera = start("[ptz]\nhead = \"none\"\n");
    let operator = camera.operator();
    assert_eq!(
        operator.get("/head.json").text(),
        "{\"kind\":\"none\",\"lost\":false,\"moving\":false,\"patrol\":\"none\",\"presets\":[]}\n"
    );
    for query in ["decoder_control.cgi?command=0", "decoder_control.cgi?command=94", "set_preset.cgi?preset=1"] {
        operator.get(&format!("/{query}")).error("error: not supported.");
    }
}
