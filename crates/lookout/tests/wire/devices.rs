//! Other cameras' pictures, fetched by the camera for those who may see its own: one connection a device whoever
//! watches, and nothing but whole JPEGs, whatever the device sends (ADR 0015).

use std::time::Instant;

use lookout_testkit::{ADMIN, Camera, FakeCamera, Mode, OPERATOR, Picture, VIEWER, Viewer, encode, eventually, users};

use crate::{showing, start};

const STREAM: &str = "/device/2/videostream.cgi";
const SNAPSHOT: &str = "/device/2/snapshot.cgi";
const NOBODY: (&str, &str) = ("", "");

/// Sets device 2; the others are none.
pub fn set(camera: &Camera, alias: &str, host: &str, port: u16, (user, pwd): (&str, &str)) {
    let port = port.to_string();
    let none = ["", "", "0", "", ""];
    let all = [[alias, host, &port, user, pwd], none, none].into_iter().zip(2..);
    let fields = all.map(|(values, n)| {
        let names = ["alias", "host", "port", "user", "pwd"].map(|field| format!("dev{n}_{field}"));
        encode(names.iter().map(String::as_str).zip(values))
    });
    camera.admin().get(&format!("/set_devices.cgi?{}", fields.collect::<Vec<_>>().join("&"))).ok();
}

/// Starts a camera whose device 2 is a fake one.
fn beside(fake: &FakeCamera) -> Camera {
    let camera = start("");
    set(&camera, "Gate", "127.0.0.1", fake.address().port(), NOBODY);
    camera
}

fn watch(camera: &Camera) -> Viewer {
    Viewer::open(&camera.viewer(), STREAM)
}

#[test]
fn a_visitor_sees_another_camera_in_every_size_and_nobody_does_without_a_login() {
    let other = showing("demo:?size=640x480&fps=30", "");
    let camera = start("");
    set(&camera, "Gate", "127.0.0.1", other.http.port(), VIEWER);
    let mut viewer = watch(&camera);
    let first = viewer.number();
    assert!(viewer.number() > first, "the picture moves");
    for (code, size) in [("", (640, 480)), ("?resolution=8", (320, 240)), ("?resolution=qqvga", (160, 120))] {
        let shot = camera.viewer().get(&format!("{SNAPSHOT}{code}"));
        assert_eq!((shot.status, shot.header("Content-Type")), (200, Some("image/jpeg")));
        assert_eq!(Picture::decode(&shot.body).size(), size);
    }
    let named = camera.viewer().get(SNAPSHOT);
    assert!(named.header("Content-disposition").unwrap().starts_with("filename=\"snapshot_device2_"));
    for target in [STREAM, SNAPSHOT] {
        assert_eq!(camera.client().get(target).status, 401);
        assert_eq!(camera.viewer().head(target).status, 200);
    }
    for none in
        ["/device/3/snapshot.cgi", "/device/9/videostream.cgi", "/device/1/snapshot.cgi", "/device/10/snapshot.cgi"]
    {
        assert_eq!(camera.viewer().get(none).status, 404, "{none}");
    }
}

#[test]
fn a_camera_that_asks_for_digest_is_shown_as_well() {
    let other = start("[profile]\nsecrets = \"plain\"\n[http]\ndigest = true\n");
    let camera = start("");
    set(&camera, "", "localhost", other.http.port(), VIEWER);
    assert!(watch(&camera).number() > 0);
}

#[test]
fn all_who_watch_a_device_share_one_connection_and_it_ends_after_the_last() {
    let fake = FakeCamera::start();
    let camera = beside(&fake);
    assert_eq!(fake.connections(), 0, "nobody watches");
    let mut viewers = [watch(&camera), watch(&camera), Viewer::open(&camera.operator(), STREAM)];
    for viewer in &mut viewers {
        viewer.number();
    }
    assert_eq!(camera.viewer().get(SNAPSHOT).status, 200);
    assert!(fake.sent(&viewers[0].next_jpeg().unwrap()), "a picture in full size is passed on untouched");
    assert_eq!((fake.connections(), fake.open()), (1, 1));
    assert!(fake.heads()[0].starts_with("GET /videostream.cgi HTTP/1.1\r\n"), "{:?}", fake.heads());
    let metrics = ["source_up", "viewers"].map(|name| camera.metric(&format!("lookout_devices_{name}")));
    assert_eq!(metrics, [1.0, 3.0]);
    assert_eq!(camera.metric("lookout_viewers"), 0.0, "of the camera's own picture");
    drop(viewers);
    eventually("the device is left alone", || fake.open() == 0);
    eventually("it counts as closed", || camera.metric("lookout_devices_source_up") == 0.0);
    assert!(watch(&camera).number() > 0, "and is opened again for whoever comes");
    assert_eq!(fake.connections(), 2);
}

#[test]
fn nothing_but_whole_pictures_leaves_whatever_a_device_sends() {
    let fake = FakeCamera::start();
    let camera = beside(&fake);
    let mut viewer = watch(&camera);
    for mode in [Mode::Page, Mode::Script, Mode::Endless, Mode::Hang] {
        fake.set(mode);
        // The viewer checks every byte around the pictures.
        eventually(&format!("the placeholder is shown: {mode:?}"), || viewer.picture().number().is_none());
        viewer.picture();
        fake.set(Mode::Fine);
        eventually(&format!("it comes back: {mode:?}"), || viewer.picture().number().is_some());
    }
    for mode in [Mode::Cut, Mode::Damaged, Mode::Short] {
        fake.set(mode);
        (0..10).for_each(|_| drop(viewer.picture()));
    }
    fake.set(Mode::Page);
    eventually("the device is lost", || viewer.picture().number().is_none());
    let shot = camera.viewer().get(SNAPSHOT);
    assert_eq!((shot.status, shot.header("Content-Type")), (503, Some("text/html")));
    assert!(!shot.text().contains("device") && !shot.text().contains("script"), "{}", shot.text());
}

#[test]
fn a_device_sends_nobody_elsewhere() {
    let (fake, elsewhere) = (FakeCamera::start(), FakeCamera::start());
    let camera = beside(&fake);
    fake.set(Mode::Away(elsewhere.address()));
    let mut viewer = watch(&camera);
    eventually("it was asked", || !fake.heads().is_empty());
    viewer.picture();
    fake.set(Mode::Fine);
    viewer.number();
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn what_it_takes_to_log_in_at_a_device_appears_nowhere() {
    let (user, pwd) = ("canary-user", "canary-pass");
    let other = start("");
    let fake = FakeCamera::start();
    let camera = start("");
    // One refuses the login, one never asks for it.
    for port in [other.http.port(), fake.address().port()] {
        set(&camera, "Gate", "127.0.0.1", port, (user, pwd));
        let mut viewer = watch(&camera);
        viewer.picture();
        let seen = [
            "/get_params.cgi",
            "/get_status.cgi",
            "/get_log.cgi",
            "/metrics",
            "/openapi.json",
            "/device/3/snapshot.cgi",
        ];
        let said = seen.map(|target| camera.admin().get(target)).map(|reply| reply.head.clone() + reply.text());
        let said = said.concat() + &viewer.reply.head + &camera.viewer().head(STREAM).head + &camera.log();
        assert!(!said.contains(pwd), "{said}");
        assert_eq!(said.matches(user).count(), 1, "to the manager, as he set it: {said}");
    }
    assert_eq!(camera.admin().get("/get_params.cgi").var("dev2_pwd"), Some("'********'"));
    assert!(
        fake.heads().iter().all(|head| !head.contains("canary") && !head.contains("uthorization")),
        "{:?}",
        fake.heads()
    );
    eventually("the refusal is in the log", || camera.log().contains("device 2"));
}

#[test]
fn streams_end_when_their_device_is_set_anew_and_not_when_it_is_renamed() {
    let (fake, new) = (FakeCamera::start(), FakeCamera::start());
    let camera = beside(&fake);
    let mut viewers = [watch(&camera), Viewer::open(&camera.viewer(), &format!("{STREAM}?resolution=8"))];
    for viewer in &mut viewers {
        viewer.number();
    }
    set(&camera, "Garden", "127.0.0.1", fake.address().port(), NOBODY);
    (0..5).for_each(|_| drop(viewers[0].picture()));
    set(&camera, "Garden", "127.0.0.1", new.address().port(), NOBODY);
    for viewer in &mut viewers {
        viewer.drain();
    }
    let mut viewer = watch(&camera);
    viewer.number();
    assert!(new.sent(&viewer.next_jpeg().unwrap()) && new.connections() == 1);
    set(&camera, "", "", 0, NOBODY);
    viewer.drain();
    assert_eq!(camera.viewer().get(STREAM).status, 404);
    eventually("both are left alone", || fake.open() + new.open() == 0);
}

#[test]
fn streams_of_a_device_end_with_the_account_that_watches() {
    let fake = FakeCamera::start();
    let camera = beside(&fake);
    let (mut gone, mut stays) = (watch(&camera), Viewer::open(&camera.operator(), STREAM));
    gone.number();
    stays.number();
    let left = [(ADMIN.0, "********", "2"), ("", "", "0"), (OPERATOR.0, "********", "1")];
    camera.admin().get(&format!("/set_users.cgi?{}", users(&left))).ok();
    gone.drain();
    stays.number();
}

/// Says whether no more pictures than 50 a second were taken from devices since a moment.
fn bounded(camera: &Camera, since: Instant) -> bool {
    let captured = camera.metric("lookout_devices_frames_captured_total");
    captured <= 1.0 + since.elapsed().as_secs_f64() / 0.02
}

#[test]
fn a_device_that_floods_is_slowed_down_and_the_own_picture_goes_on() {
    let fake = FakeCamera::start();
    // A machine that the flood keeps busy may be late with the own picture, but does not lose it.
    let camera = start("[source]\nstall_s = 20\n");
    set(&camera, "Gate", "127.0.0.1", fake.address().port(), NOBODY);
    fake.set(Mode::Flood);
    let begin = Instant::now();
    let (mut own, mut flood) = (Viewer::open(&camera.viewer(), "/videostream.cgi"), watch(&camera));
    for _ in 0..30 {
        own.number();
        flood.picture();
    }
    assert!(bounded(&camera, begin));
    fake.set(Mode::Endless);
    for _ in 0..30 {
        own.number();
    }
    assert_eq!(camera.metric("lookout_source_lost_total"), 0.0);
}

#[test]
fn a_camera_that_is_its_own_device_shows_itself() {
    let camera = start("");
    set(&camera, "", "127.0.0.1", camera.http.port(), VIEWER);
    let mut viewer = watch(&camera);
    let first = viewer.number();
    assert!(viewer.number() > first);
    assert_eq!(camera.metric("lookout_viewers"), 1.0, "one more viewer of the own picture");
}

#[test]
fn two_cameras_that_show_each_other_do_not_race() {
    let camera = start("");
    let round = format!("http://{}@{}{STREAM}", "viewer:V!sitor+pw%253", camera.http);
    let other = showing(&round, "");
    set(&camera, "", "127.0.0.1", other.http.port(), VIEWER);
    let begin = Instant::now();
    let mut viewer = watch(&camera);
    (0..5).for_each(|_| drop(viewer.picture()));
    assert!(bounded(&camera, begin));
    assert!(camera.metric("lookout_devices_viewers") <= 2.0);
}

#[test]
fn the_camera_ends_cleanly_while_a_device_is_watched() {
    let fake = FakeCamera::start();
    let mut camera = beside(&fake);
    let mut viewer = watch(&camera);
    viewer.number();
    camera.terminate();
    viewer.drain();
    assert_eq!(camera.wait(), Some(0));
    eventually("the device is left alone", || fake.open() == 0);
}
