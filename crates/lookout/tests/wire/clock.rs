//! The camera's clock: set by hand, and by a time server that may lie (PROFILE 4.1).

use std::{
    fs,
    net::UdpSocket,
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

/// Has the server asked at once, and waits until the log says how that went; returns its words.
fn asked_anew(camera: &Camera) -> String {
    let said =
        || camera.log().lines().filter(|line| line.contains("the time server ")).map(str::to_owned).collect::<Vec<_>>();
    let before = said().len();
    camera.admin().get("/set_datetime.cgi?ntp_enable=0").ok();
    camera.admin().get("/set_datetime.cgi?ntp_enable=1").ok();
    eventually("the server is asked", || said().len() > before);
    let last = said().pop().unwrap();
    last.split_once("the time server ").unwrap().1.to_owned()
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

#[test]
fn whoever_sets_the_clock_sees_it_set_until_he_asks_for_the_time_servers() {
    let server = TimeServer::start(Tells::Ahead(YEAR));
    let camera = following(&server);
    eventually("the clock is set", || is_ahead(&camera, YEAR));
    camera.admin().get("/set_datetime.cgi?now=1800000000").ok();
    let now = || camera.client().get("/get_status.cgi").var("now").unwrap().parse::<i64>().unwrap();
    assert!((1_800_000_000..1_800_000_060).contains(&now()), "{}", now());
    // Nothing differs from what is stored; the server is asked all the same.
    camera.admin().get("/set_datetime.cgi?ntp_enable=1").ok();
    eventually("the clock is set again", || is_ahead(&camera, YEAR));
    let journal = camera.admin().get("/get_log.cgi");
    assert_eq!(journal.text().matches("clock set by NTP").count(), 2, "{}", journal.text());
}

#[test]
fn a_server_that_cannot_be_trusted_sets_no_clock() {
    let server = TimeServer::start(Tells::Ahead(0));
    let camera = following(&server);
    // Else the first attempt might be taken for one of those below.
    eventually("the clock follows", || camera.log().contains("the clock follows the time server"));
    for (tells, said) in [
        (Tells::Time(0), "says a time that cannot be"),
        (Tells::Time(946_684_800), "says a time that cannot be"),
        (Tells::Unsynchronised, "does not know the time itself"),
        (Tells::Kiss(*b"DENY"), "does not serve this camera"),
        (Tells::Kiss(*b"RATE"), "wants to be asked less often"),
        (Tells::Kiss(*b"INIT"), "does not know the time itself"),
    ] {
        server.set(tells);
        let words = asked_anew(&camera);
        assert!(words.contains(said), "{tells:?}: {words}");
        assert!(is_ahead(&camera, 0), "{tells:?}");
    }
    server.set(Tells::Ahead(YEAR));
    asked_anew(&camera);
    eventually("a server that can be trusted is believed", || is_ahead(&camera, YEAR));
}

#[test]
fn what_is_not_the_servers_answer_is_no_answer() {
    let server = TimeServer::start(Tells::Ahead(0));
    let camera = following(&server);
    // Else the first attempt might be taken for one of those below.
    eventually("the clock follows", || camera.log().contains("the clock follows the time server"));
    for tells in [Tells::Nothing, Tells::Garbage, Tells::Forgery, Tells::Elsewhere] {
        server.set(tells);
        let words = asked_anew(&camera);
        assert!(words.contains("does not answer"), "{tells:?}: {words}");
        assert!(is_ahead(&camera, 0), "{tells:?}");
    }
    assert!(camera.admin().get("/get_log.cgi").text().contains("NTP failed: no answer"));
}

#[test]
fn a_server_may_tell_the_time_of_the_next_era_and_the_last_that_the_profile_can_say() {
    let server = TimeServer::start(Tells::Ahead(0));
    let camera = following(&server);
    let now = || camera.client().get("/get_status.cgi").var("now").unwrap().parse::<u64>().unwrap();
    // Around the end of 31 bits of Unix, of NTP's first era, and of 32 bits of Unix.
    for time in [2_147_483_640, 2_085_978_490, 2_085_978_496, 4_294_967_200] {
        server.set(Tells::Time(time));
        camera.admin().get("/set_datetime.cgi?ntp_enable=0").ok();
        camera.admin().get("/set_datetime.cgi?ntp_enable=1").ok();
        eventually("the clock is set", || (time - 1..time + 60).contains(&now()));
    }
}

#[test]
fn without_a_server_or_with_ntp_turned_off_on_the_machine_everything_goes_on_and_is_quiet() {
    let mut camera = following(&TimeServer::start(Tells::Nothing));
    // Nobody listens there any more.
    eventually("the failure is told", || camera.log().contains("the time server 127.0.0.1 "));
    camera.client().get("/get_status.cgi").var("now").unwrap();
    let server = TimeServer::start(Tells::Ahead(YEAR));
    fs::write(camera.config(), format!("[clock]\nntp = false\nntp_port = {}\n", server.port)).unwrap();
    camera.restart();
    camera.admin().get("/set_datetime.cgi?ntp_enable=1").ok();
    assert!(is_ahead(&camera, 0));
    // What the camera had asked by now would have come before this.
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&[0; 48], ("127.0.0.1", server.port)).unwrap();
    eventually("the server is asked by the test", || !server.requests().is_empty());
    assert_eq!(server.requests(), [[0; 48]], "and by nobody else");
    assert_eq!(camera.log().matches("the time server").count(), 1, "{}", camera.log());
}
