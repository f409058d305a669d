//! One picture, captured after the request came in (PROFILE 5.2).

use lookout_testkit::{FakeCamera, Mode, Picture, Viewer, encode, eventually};

use crate::{shared, showing, start};

#[test]
fn a_snapshot_is_captured_after_the_request() {
    let camera = shared();
    let client = camera.viewer();
    let mut viewer = Viewer::open(&client, "/videostream.cgi");
    for _ in 0..5 {
        let seen = viewer.number();
        let picture = Picture::decode(&client.get("/snapshot.cgi").body);
        let number = picture.number().expect("a number");
        assert!(number > seen, "{number} was there already when {seen} was");
    }
}

#[test]
fn q12_it_is_named_after_the_camera_and_its_local_time() {
    let camera = start("");
    camera.admin().get("/set_datetime.cgi?now=1352782970&tz=18000&daylight_saving_time=3600&ntp_enable=0").ok();
    let id = camera.client().get("/get_status.cgi").var("id").unwrap().trim_matches('\'').to_owned();
    for path in ["/snapshot.cgi", "/snapshot.jpg", "/SNAPSHOT.JPG"] {
        let reply = camera.viewer().get(path);
        assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("image/jpeg")));
        assert!(reply.head.contains("\r\nContent-disposition: filename=\""), "spelt so: {}", reply.head);
        let name = reply.header("Content-disposition").unwrap();
        // 2012-11-13 05:02:50 UTC, five hours west of it, in summer.
        assert!(name.starts_with(&format!("filename=\"snapshot_{id}_2012111301025")), "{name}");
        assert!(name.ends_with(".jpg\"") && !name.contains("attachment"), "{name}");
    }
}

#[test]
fn it_takes_another_name_and_quotes_it_safely() {
    let camera = shared();
    let client = camera.viewer();
    for (wished, name) in [
        ("picture.jpg", "picture.jpg"),
        ("../../etc/cron.d/x", "x"),
        ("C:\\temp\\x.jpg", "x.jpg"),
        ("a\"; filename=\"b", "a_; filename=_b"),
        ("a\r\nSet-Cookie: x=1", "a__Set-Cookie: x=1"),
        ("Küche 1.jpg", "Küche 1.jpg"),
    ] {
        let reply = client.get(&format!("/snapshot.cgi?{}", encode([("next_url", wished)])));
        let expected = format!("filename=\"{name}\"");
        assert_eq!(reply.header("Content-disposition"), Some(expected.as_str()), "{wished}");
        assert_eq!(reply.header("Set-Cookie"), None);
    }
    let reply = client.get("/snapshot.cgi?next_url=");
    assert!(reply.header("Content-disposition").unwrap().starts_with("filename=\"snapshot_"));
}

#[test]
fn without_a_picture_it_is_503_and_never_the_placeholder() {
    let source = FakeCamera::start();
    source.set(Mode::Hang);
    let camera = showing(&source.url(), "[source]\nstall_s = 0.5\n");
    let reply = camera.viewer().get("/snapshot.cgi");
    assert_eq!((reply.status, reply.header("Content-Type")), (503, Some("text/html")));
    source.set(Mode::Fine);
    eventually("the source is back", || camera.viewer().get("/snapshot.cgi").status == 200);
}
