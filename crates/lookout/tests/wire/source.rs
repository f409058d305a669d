//! A source that is lost does not end the streams, and comes back by itself; what is broken nobody gets to see.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use lookout_core::media::frame::Size;
use lookout_testkit::{Camera, FakeCamera, Mode, Picture, Viewer, eventually, scene_jpeg};
use rustix::process::{Pid, Signal, kill_process};

use crate::showing;

/// How long a loss or a return may take to be seen; the product's goals are 2 and 3 s on a machine that is not busy.
const SLACK: Duration = Duration::from_secs(8);

/// Watches until a picture is live (bears a number) or is not; returns how long that took.
fn until(viewer: &mut Viewer, live: bool) -> Duration {
    let begin = Instant::now();
    loop {
        // The viewer checks that each picture is whole.
        if viewer.picture().number().is_some() == live {
            return begin.elapsed();
        }
        assert!(begin.elapsed() < SLACK, "live = {live} was not seen in {SLACK:?}");
    }
}

fn viewer(camera: &Camera) -> Viewer {
    Viewer::open(&camera.viewer(), "/videostream.cgi")
}

#[test]
fn a_source_that_hangs_drops_or_is_gone_becomes_a_placeholder_and_comes_back() {
    let source = FakeCamera::start();
    let camera = showing(&source.url(), "[source]\nstall_s = 1\n");
    let mut viewer = viewer(&camera);
    until(&mut viewer, true);
    for (times, mode) in [Mode::Hang, Mode::Drop, Mode::NotFound].into_iter().enumerate() {
        source.set(mode);
        until(&mut viewer, false);
        assert_eq!(viewer.picture().size(), (320, 240), "the placeholder has the size of the last picture");
        assert_eq!(camera.metric("lookout_source_up"), 0.0);
        assert!(camera.metric("lookout_source_lost_total") >= 1.0 + times as f64);
        source.set(Mode::Fine);
        until(&mut viewer, true);
        eventually("it counts as up", || camera.metric("lookout_source_up") == 1.0);
    }
    assert_eq!(camera.metric("lookout_viewers"), 1.0, "the viewer never had to come back");
}

#[test]
fn a_source_that_sends_rubbish_is_lost_and_none_of_it_is_passed_on() {
    let source = FakeCamera::start();
    let camera = showing(&source.url(), "[source]\nstall_s = 1\n");
    let mut viewer = viewer(&camera);
    until(&mut viewer, true);
    source.set(Mode::Garbage);
    until(&mut viewer, false);
    source.set(Mode::Fine);
    until(&mut viewer, true);
}

/// Watches a source that breaks every second picture; returns how many were counted as broken.
fn watch_breaking(mode: Mode, verify: &str) -> f64 {
    let source = FakeCamera::start();
    let camera = showing(&source.url(), &format!("[source]\nstall_s = 2\nverify = \"{verify}\"\n"));
    let mut viewer = viewer(&camera);
    until(&mut viewer, true);
    source.set(mode);
    for _ in 0..20 {
        let jpeg = viewer.next_jpeg().unwrap();
        let picture = Picture::try_decode(&jpeg).expect("a broken picture was passed on");
        assert!(picture.number().is_some(), "whole ones still come, so it is no time for the placeholder");
    }
    let metrics = camera.viewer().get("/metrics");
    let dropped = metrics.text().lines().filter(|line| line.starts_with("lookout_frames_dropped_total{"));
    dropped.filter_map(|line| line.split(' ').nth(1)?.parse::<f64>().ok()).sum()
}

#[test]
fn damaged_pictures_are_counted_and_the_whole_ones_between_them_go_on() {
    let dropped = watch_breaking(Mode::Damaged, "structure");
    assert!(dropped >= 5.0, "{dropped}");
}

#[test]
fn cut_pictures_are_not_passed_on_and_the_whole_ones_between_them_are() {
    // Where a cut picture ends is seen only when the next one begins, which is then the newest: none need be counted.
    watch_breaking(Mode::Cut, "structure");
}

#[test]
fn pictures_with_half_of_their_data_and_an_end_marker_are_not_passed_on_where_all_data_are_verified() {
    assert!(watch_breaking(Mode::Half, "decode") >= 5.0);
}

#[test]
fn a_picture_that_needs_no_change_is_passed_through_untouched() {
    let source = FakeCamera::start();
    let camera = showing(&source.url(), "");
    let mut viewer = viewer(&camera);
    let jpeg = viewer.next_jpeg().unwrap();
    assert!(source.sent(&jpeg), "not one of the source's own pictures");
    assert_eq!(camera.metric("lookout_encodes_total"), 0.0);
}

#[test]
fn a_program_is_a_source_and_ends_with_the_camera() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    fs::write(file("1.jpg"), scene_jpeg(Size::QVGA, 1)).unwrap();
    let script = format!("echo $$ > {0}\nwhile cat {1}; do sleep 0.05; done\n", file("pid"), file("1.jpg"));
    fs::write(file("run.sh"), script).unwrap();
    let mut camera = showing(&format!("exec:sh {}", file("run.sh")), "[source]\nstall_s = 1\n");
    let mut viewer = viewer(&camera);
    until(&mut viewer, true);
    let pid = || fs::read_to_string(file("pid")).unwrap().trim().to_owned();
    let runs = |pid: &str| Path::new("/proc").join(pid).exists();
    // A program that ends is started again.
    let first = pid();
    let raw = first.parse().ok().and_then(Pid::from_raw).unwrap();
    kill_process(raw, Signal::KILL).unwrap();
    until(&mut viewer, false);
    until(&mut viewer, true);
    let second = pid();
    assert!(first != second && runs(&second));
    camera.terminate();
    assert_eq!(camera.wait(), Some(0));
    eventually("the program has ended", || !runs(&second));
}
