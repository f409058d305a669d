//! More triggers than anybody can want (RULES F19).

use std::{fs, thread};

use lookout_testkit::{Camera, eventually};

use crate::start;

/// Lets the input come and go so often from each of four clients, each time a trigger.
fn storm(camera: &Camera, times: usize) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let operator = camera.operator();
                for _ in 0..times {
                    [0, 1].iter().for_each(|level| operator.get(&format!("/input.cgi?level={level}")).ok());
                }
            });
        }
    });
}

/// Returns the memory that the camera has, in KiB.
fn resident(camera: &Camera) -> i64 {
    let status = fs::read_to_string(format!("/proc/{}/status", camera.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn f19_a_storm_of_the_input_is_one_alarm_a_few_lines_and_no_memory() {
    let camera = start("");
    let admin = camera.admin();
    admin.get("/set_alarm.cgi?input_armed=1&iolinkage=1&preset=3&upload_interval=1").ok();
    storm(&camera, 25);
    eventually("there is an alarm", || camera.client().get("/get_status.cgi").var("alarm_status") == Some("2"));
    let (before, lines) = (resident(&camera), camera.log().lines().count());
    storm(&camera, 75);
    let grown = resident(&camera) - before;
    assert!(grown < 4096, "{grown} KiB more");
    let log = camera.log();
    assert!(log.lines().count() <= lines + 10, "{log}");
    let journal = admin.get("/get_log.cgi");
    assert_eq!(journal.text().matches("input alarm").count(), 1, "{}", journal.text());
    // The login, the settings, and what was left out beside it.
    assert!(journal.text().matches("\\n").count() < 40, "{}", journal.text());
    assert_eq!(camera.client().get("/get_status.cgi").var("alarm_status"), Some("2"));
    let decided =
        |reason: &str| camera.metric(&format!("lookout_alarm_decisions_total{{cause=\"input\",reason=\"{reason}\"}}"));
    assert!(decided("alarm") == 1.0 && decided("alarm prolonged") > 1.0);
}
