//! The port of plain HTTP, which follows `set_network.cgi` (PROFILE 4.7, Q34).

use std::{
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use lookout_testkit::{Camera, Viewer, eventually, free, on};

use crate::start;

/// Starts a camera whose operator names a port.
fn camera() -> Camera {
    let mut camera = start("");
    camera.restart_on(on(free()));
    camera
}

fn set(camera: &Camera, port: u16) {
    camera.admin().get(&format!("/set_network.cgi?ip=&mask=&gateway=&dns=&port={port}")).ok();
}

fn listed(camera: &Camera) -> u16 {
    camera.admin().get("/get_params.cgi").var("port").unwrap().parse().unwrap()
}

/// Waits until the camera is on a port, and asks it there from now on.
fn moved(camera: &mut Camera, port: u16) {
    eventually("somebody listens on the new port", || TcpStream::connect(on(port)).is_ok());
    camera.http = on(port);
}

#[test]
fn q34_the_port_moves_at_once_and_who_is_there_stays() {
    let mut camera = camera();
    let (old, new) = (camera.http.port(), free());
    assert_eq!(listed(&camera), old, "at first it is the configuration's");
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    assert!(viewer.next_jpeg().is_some());
    set(&camera, new);
    moved(&mut camera, new);
    assert_eq!(listed(&camera), new);
    eventually("the old port is left", || TcpStream::connect(on(old)).is_err());
    // What waited in the socket when the port was left is read first.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        assert!(viewer.next_jpeg().is_some(), "the stream goes on");
    }
    assert_eq!(camera.client().get("/get_status.cgi").status, 200);
}

#[test]
fn q34_whoever_knows_the_old_port_comes_in_for_a_moment_and_a_port_that_was_just_left_can_be_taken_back() {
    let mut camera = camera();
    let (old, new) = (camera.http.port(), free());
    let mut waiting = camera.client().connect();
    set(&camera, new);
    moved(&mut camera, new);
    waiting.write(camera.client().request("GET", "/get_status.cgi"));
    assert_eq!(waiting.reply().status, 200);
    // Sooner than the old socket is closed, unless this machine is very slow: it must work either way.
    set(&camera, old);
    moved(&mut camera, old);
    eventually("the other port is left", || TcpStream::connect(on(new)).is_err());
    assert_eq!((listed(&camera), camera.client().get("/get_status.cgi").status), (old, 200));
}

#[test]
fn q34_a_port_that_cannot_be_had_is_set_back() {
    let camera = camera();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (old, port) = (camera.http.port(), taken.local_addr().unwrap().port());
    set(&camera, port);
    eventually("it is set back", || listed(&camera) == old);
    let log = camera.admin().get("/get_log.cgi");
    assert!(log.text().contains("host failed: port not to be had"), "{}", log.text());
    assert!(camera.log().contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", camera.log());
}

#[test]
fn q34_the_last_who_changed_the_port_wins_over_restarts() {
    let mut camera = camera();
    let (first, new) = (camera.http, free());
    set(&camera, new);
    moved(&mut camera, new);
    // In its own process: the socket goes over.
    camera.admin().get("/reboot.cgi").ok();
    camera.started_anew();
    assert_eq!((camera.http, listed(&camera)), (on(new), new));
    // Killed, and started with the same configuration.
    camera.restart_on(first);
    assert_eq!((camera.http, listed(&camera)), (on(new), new));
    // Its operator names another one.
    let other = on(free());
    camera.restart_on(other);
    assert_eq!((camera.http, listed(&camera)), (other, other.port()));
    camera.restart_on(other);
    assert_eq!(camera.http, other);
}

#[test]
fn q34_a_start_whose_port_is_taken_goes_back_to_the_configurations() {
    let mut camera = camera();
    let (first, new) = (camera.http, free());
    set(&camera, new);
    moved(&mut camera, new);
    camera.kill();
    let _taken = TcpListener::bind(on(new)).unwrap();
    camera.restart_on(first);
    assert_eq!((camera.http, listed(&camera)), (first, first.port()));
    assert!(camera.log().contains("the configuration's port is used"), "{}", camera.log());
}

#[test]
fn q74_a_port_behind_which_nobody_is_seen_comes_back_though_the_camera_is_killed_in_between() {
    let mut camera = start("[host]\nnetwork_confirm_s = 3.0\n");
    let (first, lost, found) = (on(free()), free(), free());
    camera.restart_on(first);
    set(&camera, lost);
    moved(&mut camera, lost);
    camera.restart_on(first);
    assert_eq!(camera.http, on(lost), "it is tried anew");
    moved(&mut camera, first.port());
    eventually("the settings are back", || listed(&camera) == first.port());
    let log = camera.admin().get("/get_log.cgi");
    assert!(log.text().contains("network settings taken back"), "{}", log.text());
    set(&camera, found);
    moved(&mut camera, found);
    assert_eq!(listed(&camera), found);
    eventually("it is noted", || camera.admin().get("/get_log.cgi").text().contains("network settings kept"));
    camera.restart_on(first);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((camera.http, listed(&camera)), (on(found), found));
}

#[test]
fn q74_without_a_backend_whoever_comes_by_the_new_port_confirms_it_whatever_address_was_set_beside_it() {
    let mut camera = start("[host]\nnetwork_confirm_s = 3.0\n");
    camera.restart_on(on(free()));
    let new = free();
    let network = format!("ip=10.9.8.7&mask=255.255.255.0&gateway=10.9.8.1&dns=10.9.8.1&port={new}");
    camera.admin().get(&format!("/set_network.cgi?{network}")).ok();
    moved(&mut camera, new);
    assert_eq!(listed(&camera), new);
    eventually("it is noted", || camera.admin().get("/get_log.cgi").text().contains("network settings kept"));
}

#[test]
fn q34_where_the_configuration_takes_any_port_the_setting_is_only_kept() {
    let mut camera = start("");
    let http = camera.http;
    set(&camera, free());
    set(&camera, 9);
    camera.admin().get("/reboot.cgi").ok();
    camera.started_anew();
    assert_eq!((camera.http, listed(&camera)), (http, 9));
}
