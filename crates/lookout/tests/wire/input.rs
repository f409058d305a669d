//! The alarm input of a machine without pins, and what a configuration with pins that are not there does.

use lookout_testkit::{Camera, eventually};

use crate::start;

fn status(camera: &Camera) -> String {
    camera.viewer().get("/get_status.cgi").text().lines().find(|line| line.contains("alarm_status")).unwrap().to_owned()
}

fn level(camera: &Camera, level: u8) {
    assert_eq!(camera.operator().get(&format!("/input.cgi?level={level}")).text(), "ok.\n");
}

fn set_alarm(camera: &Camera, query: &str) {
    assert_eq!(camera.admin().get(&format!("/set_alarm.cgi?{query}")).text(), "ok.\n");
}

/// Waits until a reason was decided for the input.
fn decided(camera: &Camera, reason: &str) {
    eventually(reason, || {
        let events = camera.viewer().get("/events.json").text().to_owned();
        events.contains("\"input\"") && events.contains(&format!("\"{reason}\""))
    });
}

#[test]
fn q58_an_operator_stands_in_for_the_input_and_begins_an_alarm_if_it_is_armed() {
    let camera = start("");
    assert!(camera.metric("lookout_input_level") < 0.0, "nobody has told");
    level(&camera, 1);
    decided(&camera, "not armed");
    assert_eq!(status(&camera), "var alarm_status=0;");
    assert!(camera.metric("lookout_input_level") > 0.0);

    // That it is armed now does not make a level news that the input shows already.
    set_alarm(&camera, "input_armed=1&ioin_level=1");
    level(&camera, 1);
    decided(&camera, "cooling down");
    assert_eq!(status(&camera), "var alarm_status=0;");

    assert!(camera.viewer().get("/now.json").text().starts_with("{\"alarm\":null,"));

    level(&camera, 0);
    level(&camera, 1);
    decided(&camera, "alarm");
    eventually("there is an alarm of the input", || status(&camera) == "var alarm_status=2;");
    assert!(camera.viewer().get("/now.json").text().starts_with("{\"alarm\":\"input\","));
}

#[test]
fn a_camera_whose_lines_are_not_there_runs_and_says_so_in_its_metrics() {
    let camera = start("[gpio]\ninput = \"gpiochip97:0\"\noutput = \"a line of nobody\"");
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    for (name, value) in [("input_up", 0.0), ("output_up", 0.0), ("output_level", -1.0)] {
        assert!((camera.metric(&format!("lookout_{name}")) - value).abs() < 0.1, "{name}");
    }
    // Who stands in for the input does not need it.
    set_alarm(&camera, "input_armed=1");
    level(&camera, 1);
    eventually("there is an alarm of the input", || status(&camera) == "var alarm_status=2;");
}
