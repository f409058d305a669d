//! The camera's clock: set by hand, and by a time server that may lie (PROFILE 4.1).

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use lookout_testkit::{Camera, Tells, TimeServer, eventually};

use crate::start;

const YEAR: i64 = 365 * 86_400;

/// Starts a camera that follows a time server of the test's own from its start on.
fn following(server: &TimeServer) -> Camera {
    let mut camera = start("");
    camera.admin().get("/set_datetime.cgi?ntp_svr=127.0.0.1").ok();
    fs::write(camera.config(), format!("[clock]\nntp_port = {}\n", server.port)).unwrap();
    camera.restart();
    camera
}

/// Returns by how many seconds the camera's clock is ahead of the host's.
fn ahead(camera: &Camera) -> i64 {
    let host = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let before = host();
    let now: i64 = camera.client().get("/get_status.cgi").var("now").unwrap().parse().unwrap();
    // Between the two readings of the host's clock; on a slow machine they are not the same.
    now - host().min(before.max(now))
}

fn is_ahead(camera: &Camera, seconds: i64) -> bool {
    (ahead(camera) - seconds).abs() <= 1
}

#[test]
fn a_time_server_sets_the_clock_at_the_start_and_leaves_a_clock_that_is_right() {
    let server = TimeServer::start(Tells::Ahead(YEAR));
    let mut camera = following(&server);
    eventually("the clock is set", || is_ahead(&camera, YEAR));
    let file = fs::read(camera.state().join("settings.toml")).unwrap();
    camera.restart();
    eventually("the server is asked again", || server.requests().len() > 1);
    assert!(is_ahead(&camera, YEAR));
    assert_eq!(fs::read(camera.state().join("settings.toml")).unwrap(), file);
    let requests = server.requests();
    assert!(requests.iter().all(|packet| packet.len() == 48 && packet[0] == 0x23 && packet[1..40] == [0; 39]));
    assert!(requests.windows(2).all(|two| two[0][40..] != two[1][40..]), "no cookie is used twice");
}
