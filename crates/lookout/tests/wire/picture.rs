//! What `camera_control.cgi` does to the pixels (PROFILE 2, 3).

use std::fs;

use lookout_core::media::frame::Size;
use lookout_testkit::{Camera, Picture, eventually, scene_jpeg};

use crate::{showing, start};

fn control(camera: &Camera, param: u8, value: &str) {
    camera.operator().get(&format!("/camera_control.cgi?param={param}&value={value}")).ok();
}

/// Turns a picture back.
type Turn = fn(&Picture) -> Picture;

fn snapshot(camera: &Camera) -> Picture {
    Picture::decode(&camera.viewer().get("/snapshot.cgi").body)
}

#[test]
fn every_parameter_takes_its_values_and_no_other() {
    let camera = start("");
    for (param, name, legal, illegal) in [
        (0, "resolution", &["2", "8", "32"][..], &["0", "1", "16", "64", "-1"][..]),
        (1, "brightness", &["0", "255", "128"], &["256", "-1"]),
        (2, "contrast", &["0", "6", "3"], &["7", "-1"]),
        (3, "mode", &["0", "1", "2"], &["3", "-1"]),
        (5, "flip", &["0", "1", "2", "3"], &["4", "-1"]),
    ] {
        for value in legal {
            control(&camera, param, value);
            let shown = camera.viewer().get("/get_camera_params.cgi");
            assert_eq!(shown.var(name), Some(*value), "param {param}");
        }
        for value in illegal.iter().chain(&["", "x", "1.0", "+"]) {
            let target = format!("/camera_control.cgi?param={param}&value={value}");
            camera.operator().get(&target).error("error: illegal params.");
        }
    }
    for query in ["param=4&value=0", "param=6&value=0", "param=00&value=32", "param=1", "value=1", "param=&value=1", ""]
    {
        camera.operator().get(&format!("/camera_control.cgi?{query}")).error("error: illegal params.");
    }
    assert_eq!(camera.viewer().get("/camera_control.cgi?param=1&value=1").status, 401);
}

#[test]
fn a_flip_turns_the_pixels_and_only_that() {
    let camera = start("");
    let turned: [(&str, Turn); 4] = [
        ("1", Picture::upside_down),
        ("2", Picture::mirrored),
        ("3", |picture| picture.upside_down().mirrored()),
        ("0", Picture::clone),
    ];
    for (value, back) in turned {
        let before = snapshot(&camera).size();
        control(&camera, 5, value);
        // One picture may be on its way already. The frame number is read only the right way round.
        eventually("the flip is seen", || back(&snapshot(&camera)).number().is_some_and(|number| number < 100_000));
        assert_eq!(snapshot(&camera).size(), before);
    }
}

#[test]
fn a_file_is_turned_without_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("still.jpg");
    let jpeg = scene_jpeg(Size::VGA, 4711);
    fs::write(&path, &jpeg).unwrap();
    let camera = showing(&format!("file:{}", path.display()), "");
    assert_eq!(camera.viewer().get("/snapshot.cgi").body, jpeg, "a picture that needs no change is not touched");
    let original = Picture::decode(&jpeg);
    let encodes = camera.metric("lookout_encodes_total");
    for (value, turned) in [("1", original.upside_down()), ("2", original.mirrored())] {
        control(&camera, 5, value);
        // A decoder's transform rounds otherwise when the picture stands on its head.
        let near = |picture: &Picture| {
            let off = |(one, other): (&u8, &u8)| one.abs_diff(*other);
            picture.size() == turned.size() && picture.luma.iter().zip(&turned.luma).map(off).max() <= Some(2)
        };
        eventually("the flip is seen", || near(&snapshot(&camera)));
    }
    assert_eq!(camera.metric("lookout_encodes_total"), encodes, "turning is no encoding");
}

#[test]
fn brightness_and_contrast_are_seen_and_128_and_3_leave_the_picture_alone() {
    let camera = start("");
    let neutral = snapshot(&camera);
    let set = |param, value: &str, seen: &dyn Fn(&Picture) -> bool| {
        control(&camera, param, value);
        eventually(&format!("{param}={value} is seen"), || seen(&snapshot(&camera)));
    };
    let (mean, spread) = (neutral.mean(), neutral.spread());
    set(1, "255", &|picture| picture.mean() > mean + 40.0);
    set(1, "0", &|picture| picture.mean() < mean - 40.0);
    set(1, "128", &|picture| (picture.mean() - mean).abs() < 4.0);
    set(2, "6", &|picture| picture.spread() > spread * 1.2);
    set(2, "0", &|picture| picture.spread() < spread * 0.8);
    set(2, "3", &|picture| (picture.spread() - spread).abs() < 4.0);
}
