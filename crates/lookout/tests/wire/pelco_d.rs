//! A head on a serial line, from the request to the bytes (PROFILE 5.4, Q13, Q65): the camera writes to a pseudo-terminal,
//! whose other end is the head.

use std::time::{Duration, Instant};

use lookout_testkit::{Camera, Client, Pty};

use crate::start;

/// What each command of the first column sends to a head at address 1 at full speed.
const DOCUMENT: &str = include_str!("../../../core/tests/pelco_d.txt");

fn camera(port: &Pty, directions: &str) -> Camera {
    let head = format!("[ptz]\nhead = \"pelco-d\"\ndirections = \"{directions}\"\n");
    start(&format!("{head}{}", Pty::config(&[port])))
}

fn order(client: &Client, order: &str) -> lookout_testkit::Reply {
    client.get(&format!("/decoder_control.cgi?command={order}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

const STOP: &str = "FF 01 00 00 00 00 01";
const UP: &str = "FF 01 00 08 00 3F 48";
const DOWN: &str = "FF 01 00 10 00 3F 50";
const LEFT: &str = "FF 01 00 04 3F 00 44";
const RIGHT: &str = "FF 01 00 02 3F 00 42";

#[test]
fn q65_every_command_of_the_first_column_is_on_the_line_to_the_byte() {
    let rows: Vec<_> =
        DOCUMENT.lines().filter(|row| !row.starts_with('#')).filter_map(|row| row.split_once(' ')).collect();
    assert_eq!(rows.len(), 94);
    let port = Pty::new();
    let camera = camera(&port, "document");
    let client = camera.operator();
    for (number, bytes) in rows {
        order(&client, number).ok();
        assert_eq!(hex(&port.wait(7)), bytes.trim(), "{number}");
    }
    order(&client, "2&onestep=1&degree=2").ok();
    assert_eq!(hex(&port.wait(14)), format!("FF 01 00 10 00 3F 50 {STOP}"), "a step ends by itself");
    for (number, error) in
        [("255", "error: not supported."), ("96", "error: illegal params."), ("8&onestep=1", "error: illegal params.")]
    {
        order(&client, number).error(error);
    }
    assert_eq!(hex(&port.take()), "", "what is refused sends nothing");
}

#[test]
fn q13_left_is_right_for_clients_who_mean_that_and_in_a_picture_that_is_mirrored() {
    // `param` 5: the picture as it is, upside down, mirrored, both.
    let table = [
        (
            "document",
            [[UP, DOWN, LEFT, RIGHT], [DOWN, UP, LEFT, RIGHT], [UP, DOWN, RIGHT, LEFT], [DOWN, UP, RIGHT, LEFT]],
        ),
        (
            "swapped",
            [[UP, DOWN, RIGHT, LEFT], [DOWN, UP, RIGHT, LEFT], [UP, DOWN, LEFT, RIGHT], [DOWN, UP, LEFT, RIGHT]],
        ),
    ];
    for (directions, flips) in table {
        let port = Pty::new();
        let camera = camera(&port, directions);
        let client = camera.operator();
        for (flip, bytes) in flips.into_iter().enumerate() {
            client.get(&format!("/camera_control.cgi?param=5&value={flip}")).ok();
            for (number, bytes) in [0, 2, 4, 6].into_iter().zip(bytes) {
                order(&client, &number.to_string()).ok();
                assert_eq!(hex(&port.wait(7)), bytes, "{number}, {directions}, flip {flip}");
            }
        }
    }
}

#[test]
fn the_line_has_each_of_the_eight_speeds_and_the_manual_speed_is_the_settings() {
    let port = Pty::new();
    let camera = camera(&port, "document");
    for (code, speed) in
        [(9, 1200), (11, 2400), (12, 4800), (13, 9600), (14, 19200), (15, 38400), (4097, 57600), (4098, 115_200)]
    {
        camera.admin().get(&format!("/set_decoder.cgi?baud={code}")).ok();
        order(&camera.operator(), "4").ok();
        assert_eq!((hex(&port.wait(7)).as_str(), port.speed()), (LEFT, speed));
    }
    camera.admin().get("/set_misc.cgi?ptz_patrol_rate=100").ok();
    order(&camera.operator(), "4").ok();
    assert_eq!(hex(&port.wait(7)), "FF 01 00 04 01 00 06");
}

#[test]
fn a_head_that_moves_or_scans_is_stopped_when_the_camera_ends_or_starts_anew() {
    let port = Pty::new();
    let mut camera = camera(&port, "document");
    order(&camera.operator(), "4").ok();
    port.take();
    camera.admin().get("/reboot.cgi").ok();
    assert_eq!(hex(&port.wait(7)), STOP);
    camera.started_anew();
    order(&camera.operator(), "20").ok();
    port.take();
    camera.terminate();
    assert_eq!(hex(&port.wait(14)), format!("FF 01 10 00 00 00 11 {STOP}"));
    assert_eq!(camera.wait(), Some(0));
}

#[test]
fn a_head_that_takes_nothing_or_is_gone_is_an_error_in_time_and_one_that_came_back_moves() {
    let mut port = Pty::new();
    let camera = camera(&port, "document");
    let client = camera.operator();
    let in_time = |what: &str| {
        let begin = Instant::now();
        order(&client, "4").error("error: internal.");
        assert!(begin.elapsed() < Duration::from_secs(5), "{what}: an order waits 2 s at most");
    };
    port.clog();
    in_time("clogged");
    port.hang_up();
    in_time("gone");
    port.come_back();
    port.take();
    order(&client, "6").ok();
    assert_eq!(hex(&port.wait(7)), RIGHT);
}
