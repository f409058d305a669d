//! The lamp, and an output that is one (Q70), on folders that look like LEDs.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use lookout_testkit::{Camera, Viewer, eventually};
use tempfile::TempDir;

use crate::start;

/// A LED that nothing is behind.
struct Led(TempDir);

impl Led {
    fn new() -> Self {
        let led = Self(tempfile::tempdir().unwrap());
        for (file, text) in [("max_brightness", "255\n"), ("brightness", "7\n"), ("trigger", "none [mmc0] timer\n")] {
            fs::write(led.0.path().join(file), text).unwrap();
        }
        led
    }

    fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Waits until a file of it says so.
    fn shows(&self, file: &str, text: &str) {
        eventually(&format!("{file} is {text}"), || fs::read_to_string(self.0.path().join(file)).unwrap() == text);
    }

    fn lit(&self) {
        self.shows("brightness", "255\n");
    }

    /// Checks that it does not blink as it does with the network.
    fn stays_lit(&self) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(700) {
            assert_ne!(fs::read_to_string(self.0.path().join("brightness")).unwrap(), "0\n");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn dark(&self) {
        self.shows("brightness", "0\n");
    }
}

fn order(camera: &Camera, command: u8) -> String {
    camera.operator().get(&format!("/decoder_control.cgi?command={command}")).text().to_owned()
}

#[test]
fn q70_the_lamp_shows_what_led_mode_says_and_is_given_back_when_the_camera_ends() {
    let led = Led::new();
    let mut camera = start(&format!("[gpio]\nled = \"{}\"", led.path()));
    let mode = |mode: u8| camera.admin().get(&format!("/set_misc.cgi?led_mode={mode}")).ok();
    led.lit();
    led.shows("trigger", "none\n");
    let viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    led.dark();
    led.lit();
    mode(1);
    led.lit();
    led.stays_lit();
    drop(viewer);
    led.dark();
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    led.lit();
    mode(2);
    led.dark();
    mode(0);
    led.lit();
    camera.terminate();
    assert_eq!(camera.wait(), Some(0));
    led.dark();
    led.shows("trigger", "mmc0\n");
}

#[test]
fn q70_an_output_that_is_a_led_is_driven_by_alarms_and_by_hand_and_rests_at_the_end() {
    let led = Led::new();
    let mut camera = start(&format!("[ptz]\nhead = \"none\"\n[gpio]\noutput = \"led:{}\"", led.path()));
    led.dark();
    assert_eq!(order(&camera, 94), "ok.\n");
    led.lit();
    assert!(camera.metric("lookout_output_level") > 0.0);
    assert_eq!(order(&camera, 95), "ok.\n");
    led.dark();
    // An alarm drives it, and whoever is there may end that.
    camera.admin().get("/set_alarm.cgi?input_armed=1&iolinkage=1").ok();
    camera.operator().get("/input.cgi?level=1").ok();
    led.lit();
    assert_eq!(order(&camera, 95), "ok.\n");
    led.dark();
    assert_eq!(order(&camera, 94), "ok.\n");
    led.lit();
    // The end of the alarm is the end of the order.
    camera.admin().get("/set_alarm.cgi?input_armed=0").ok();
    led.dark();
    assert_eq!(order(&camera, 94), "ok.\n");
    led.lit();
    camera.admin().get("/reboot.cgi").ok();
    camera.started_anew();
    led.dark();
    led.shows("trigger", "none\n");
}

#[test]
fn q70_without_an_output_an_order_for_it_is_not_supported() {
    let camera = crate::shared();
    for command in [94, 95] {
        assert_eq!(order(&camera, command), "error: not supported.");
    }
}
