//! Forbidden hours: no picture or sound leaves by any road, and none that was taken in them is seen or heard later
//! (PROFILE 5.6).
//!
//! The camera's clock jumps where a test wants it (`set_datetime.cgi?now=`). In the hours its source shows the *canary*,
//! a bright picture, and its microphone hears something; outside of them the picture is dark, and all is silent. Both
//! pictures are noise, so that they are large.

use std::{
    fs,
    io::Read as _,
    net::TcpStream,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use lookout_core::{
    media::frame::Size,
    profile::commands::{BESIDE, Command, Op, PROFILE, Run},
};
use lookout_testkit::{
    AsfKind, AsfReader, Camera, Client, FakeCamera, Mode, PATIENCE, Picture, Reply, Setup, VIEWER, Viewer,
    decode_adpcm, decode_ulaw, eventually, noise_jpeg,
};

use crate::{LOOKOUT, devices, showing, tls};

/// Monday 12 November 2012, 12:00 UTC; forbidden is 12:15 to 12:30.
const NOON: u32 = 1_352_721_600;
const MINUTE: u32 = 60;
/// A stream of each size, and of the other camera.
const STREAMS: [&str; 4] = [
    "/videostream.cgi?resolution=32",
    "/videostream.cgi?resolution=8",
    "/video.cgi?resolution=2",
    "/device/2/videostream.cgi",
];
/// The roads on which sound goes, the first of them with pictures.
const SOUND: [&str; 3] = ["/videostream.asf?resolution=8", "/audio.wav", "/audio.wav?codec=ulaw"];
const SNAPSHOTS: [&str; 2] = ["/snapshot.cgi", "/device/2/snapshot.cgi"];
/// What was taken before and is kept, for operators.
const KEPT: &str = "/preset.jpg?preset=1";

/// What the microphone hears in 100 ms.
const SAMPLES: usize = 800;

/// A camera with a picture and a piece of sound in files, and its clock.
struct House {
    camera: Camera,
    /// Device 2: another camera that shows the same file, at all hours.
    other: Camera,
    admin: Client,
    path: PathBuf,
    sound: PathBuf,
    dark: Vec<u8>,
    canary: Vec<u8>,
    _dir: tempfile::TempDir,
}

impl House {
    fn new(size: Size) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [path, sound] = ["picture.jpg", "sound.raw"].map(|name| dir.path().join(name));
        let [dark, canary] = [50, 200].map(|luma| noise_jpeg(size, luma));
        fs::write(&path, &dark).unwrap();
        fs::write(&sound, [0; 2 * SAMPLES]).unwrap();
        let source = format!("file:{}", path.display());
        // Longer than any test: that a client stalls is not what ends its connection here.
        // A little slower than sound, so that none of it waits in a pipe.
        let hear = format!("while cat {}; do sleep 0.1; done", sound.display());
        let config = &format!("[http]\nstall_s = 60\n[sound]\nmicrophone = \"exec:{hear}\"\n");
        let [camera, other] =
            [true, false].map(|tls| Camera::setup(&Setup { binary: LOOKOUT, config, source: &source, tls }));
        let admin = camera.admin();
        devices::set(&camera, "other", "127.0.0.1", other.http.port(), VIEWER);
        let house = Self { camera, other, admin, path, sound, dark, canary, _dir: dir };
        house.jump(NOON);
        forbid(&house.admin, 1 << 17);
        house
    }

    /// Sets the camera's clock.
    fn jump(&self, now: u32) {
        self.admin.get(&format!("/set_datetime.cgi?now={now}&tz=0&daylight_saving_time=0&ntp_enable=0")).ok();
    }

    /// Has both cameras' source show the canary or a dark picture, and hear something or nothing; returns when it does.
    fn show(&self, canary: bool) {
        let (jpeg, sample) = if canary { (&self.canary, 0x2000_u16) } else { (&self.dark, 0) };
        fs::write(
            self.sound.with_extension("next"),
            [sample.to_le_bytes(), (!sample).to_le_bytes()].concat().repeat(SAMPLES / 2),
        )
        .unwrap();
        fs::rename(self.sound.with_extension("next"), &self.sound).unwrap();
        let next = self.path.with_extension("next");
        fs::write(&next, jpeg).unwrap();
        fs::rename(&next, &self.path).unwrap();
        for camera in [&self.camera, &self.other] {
            let captured = || camera.metric("lookout_frames_captured_total");
            // The one that is being read is the old one, at worst.
            let before = captured();
            eventually("the source goes on in forbidden hours", || captured() >= before + 3.0);
        }
    }

    fn watch(&self) -> Vec<Viewer> {
        let client = self.camera.viewer();
        STREAMS.iter().map(|road| Viewer::open(&client, road)).collect()
    }

    /// Records all sound, and the pictures with it, until it ends.
    fn record(&self) -> Vec<JoinHandle<Reply>> {
        let client = self.camera.viewer();
        let record = |road: &str| {
            let mut conn = client.connect();
            conn.write(client.request("GET", road));
            thread::spawn(|| conn.reply())
        };
        SOUND.iter().map(|road| record(road)).collect()
    }

    fn closed(&self) -> bool {
        self.camera.metric("lookout_forbidden") == 1.0
    }

    /// Asks for each snapshot until it comes; it must be a dark one.
    #[track_caller]
    fn snapshots_are_dark(&self) {
        for road in SNAPSHOTS {
            let mut jpeg = None;
            eventually("there is a snapshot", || {
                let reply = self.camera.viewer().get(road);
                assert!([200, 403].contains(&reply.status), "{road}: {}", reply.head);
                jpeg = Some(reply.body).filter(|_| reply.status == 200);
                jpeg.is_some()
            });
            is_dark(&jpeg.unwrap());
        }
    }
}

/// Forbids quarter-hours of Monday 8 to 16 o'clock.
fn forbid(admin: &Client, quarters: u32) {
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let words = days.iter().flat_map(|day| (0..3).map(move |word| (day, word)));
    let words = words.map(|(day, word)| {
        let value = if (*day, word) == ("mon", 1) { quarters } else { 0 };
        format!("&schedule_{day}_{word}={value}")
    });
    admin.get(&format!("/set_forbidden.cgi?schedule_enable=1{}", words.collect::<String>())).ok();
}

#[track_caller]
fn is_dark(jpeg: &[u8]) {
    let mean = Picture::decode(jpeg).mean();
    assert!(mean < 125.0, "the canary is out: mean brightness {mean}");
}

/// Watches to the end of the stream; every picture must be a dark one.
fn watch_out(mut viewer: Viewer) -> u64 {
    let begin = Instant::now();
    while let Some(jpeg) = viewer.next_jpeg() {
        is_dark(&jpeg);
        assert!(begin.elapsed() < PATIENCE, "the stream goes on");
    }
    viewer.frames
}

/// Plays to their ends what was recorded: every picture must be dark, and all sound silence. Returns how many samples
/// each road had.
fn play_out(records: Vec<JoinHandle<Reply>>) -> Vec<usize> {
    let mut heard = Vec::new();
    for (road, record) in SOUND.iter().zip(records) {
        let reply = record.join().unwrap();
        let samples: Vec<i16> = match reply.header("Content-Type") {
            // On a busy machine the gate may have closed before it was answered.
            _ if reply.status == 403 => Vec::new(),
            // Mu-law, by its format tag.
            Some("audio/wav") if reply.body[20] == 7 => decode_ulaw(&reply.body[58..]),
            Some("audio/wav") => {
                reply.body[44..].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
            }
            _ => {
                let objects = AsfReader::default().feed(&reply.body).unwrap();
                let (pictures, sound): (Vec<_>, Vec<_>) =
                    objects.into_iter().partition(|object| object.kind == AsfKind::Picture);
                pictures.iter().for_each(|picture| is_dark(&picture.bytes));
                sound.iter().flat_map(|block| decode_adpcm(&block.bytes)).collect()
            }
        };
        heard.push(samples.len());
        assert!(samples.iter().all(|sample| sample.abs() < 100), "{road}: the canary is heard");
    }
    heard
}

/// Says whether a row ends the camera under test, or its accounts: of that only the head is asked for.
fn is_the_end(command: &Command) -> bool {
    matches!(command.run, Run::Do(Op::Reboot | Op::RestoreFactory))
}

fn all() -> impl Iterator<Item = &'static Command> {
    PROFILE.iter().chain(BESIDE)
}

/// Asks for every path of some rows in every way that a client can.
fn ask(
    house: &House,
    rows: impl Iterator<Item = &'static Command>,
    mut check: impl FnMut(&'static Command, &str, &Reply),
) {
    for command in rows {
        for path in command.paths {
            let mut methods = vec!["HEAD", "GET"];
            methods.truncate(if is_the_end(command) { 1 } else { 2 });
            for method in methods {
                check(command, &format!("{method} {path}"), &house.admin.send(house.admin.request(method, path)));
            }
            if command.post {
                check(command, &format!("POST {path}"), &house.admin.post(path, b"x"));
            }
        }
    }
}

#[test]
fn no_answer_of_any_row_holds_a_picture_in_forbidden_hours_and_those_that_show_are_403() {
    let house = House::new(Size::VGA);
    house.snapshots_are_dark();
    // What does not show, by its row, holds no picture at other hours either: so the rows say the truth.
    ask(&house, all().filter(|command| !command.run.shows()), |_, asked, reply| {
        assert!(!Picture::begins_in(&reply.body), "{asked}: its row says that it shows nothing");
    });
    house.jump(NOON + 20 * MINUTE);
    house.show(true);
    let closed = || {
        // Each path that shows, by GET and HEAD.
        let mut shows = 0;
        ask(&house, all(), |command, asked, reply| {
            assert!(!Picture::begins_in(&reply.body), "{asked}");
            if command.run.shows() {
                assert_eq!((reply.status, reply.header("Content-Type")), (403, Some("text/html")), "{asked}");
                shows += 1;
            } else {
                assert_ne!(reply.status, 403, "{asked}: it shows nothing");
            }
        });
        shows
    };
    assert!(closed() >= 2 * (2 + 2 + 2 + 8 + 8), "snapshot and stream, their aliases, sound, and the other cameras'");
    // A restart opens nothing.
    house.admin.get("/reboot.cgi").ok();
    eventually("it is back", || house.admin.try_connect().is_ok() && house.closed());
    closed();
    // Who has no login learns nothing of the hours.
    assert_eq!(house.camera.client().get("/snapshot.cgi").status, 401);
}

#[test]
fn every_row_that_shows_is_among_the_roads_of_the_canary() {
    for command in all().filter(|command| command.run.shows()) {
        let mut roads =
            STREAMS.iter().chain(&SOUND).chain(&SNAPSHOTS).chain([&KEPT]).filter_map(|road| road.split('?').next());
        assert!(roads.any(|road| command.paths.contains(&road)), "{:?}", command.paths);
    }
}

#[test]
fn q63_the_privacy_switch_closes_every_road_at_once_and_outlives_a_restart() {
    let house = House::new(Size::QQVGA);
    let (viewers, records) = (house.watch(), house.record());
    house.admin.get("/set_privacy.cgi?now=1").ok();
    assert!(house.closed(), "before it is answered");
    house.show(true);
    for viewer in viewers {
        watch_out(viewer);
    }
    play_out(records);
    let closed = || {
        for road in STREAMS.iter().chain(&SOUND).chain(&SNAPSHOTS) {
            assert_eq!(house.camera.viewer().get(road).status, 403, "{road}");
        }
        assert_eq!(house.admin.get(KEPT).status, 403);
    };
    closed();
    house.admin.get("/reboot.cgi").ok();
    eventually("it is back", || house.admin.try_connect().is_ok() && house.closed());
    closed();
    house.show(false);
    house.admin.get("/set_privacy.cgi?now=0").ok();
    house.snapshots_are_dark();
    // The hours hold as before.
    house.jump(NOON + 20 * MINUTE);
    closed();
}

#[test]
fn status_settings_and_the_image_go_on_in_forbidden_hours() {
    let house = House::new(Size::QQVGA);
    assert!(!house.closed());
    house.jump(NOON + 15 * MINUTE);
    eventually("the gate is closed", || house.closed());
    assert!(house.camera.client().get("/get_status.cgi").var("id").is_some());
    house.admin.get("/camera_control.cgi?param=5&value=1").ok();
    house.admin.get("/set_alias.cgi?alias=asleep").ok();
    assert_eq!(house.camera.metric("lookout_source_up"), 1.0);
    assert!(house.camera.log().contains("forbidden hours"));
}

#[test]
fn a_picture_of_forbidden_hours_is_never_seen_before_in_or_after_them_in_any_size() {
    let house = House::new(Size::VGA);
    // One who takes in advance what his system takes, and looks at it at the very end.
    let lazy = house.camera.viewer();
    let conn = lazy.connect();
    conn.receive_little(64 * 1024);
    let lazy = Viewer::on(&lazy, conn, STREAMS[0]);
    let (viewers, records) = (house.watch(), house.record());
    house.jump(NOON + 15 * MINUTE - 2);
    // The quarter-hour comes without a word from anybody.
    for viewer in viewers {
        assert!(watch_out(viewer) > 0);
    }
    let mut heard = play_out(records);
    assert!(heard.iter().all(|samples| *samples > 0), "{heard:?} samples");
    let through = |into: u32, out: u32| {
        eventually("the gate is closed", || house.closed());
        house.show(true);
        for road in STREAMS.iter().chain(&SOUND).chain(&SNAPSHOTS) {
            assert_eq!(house.camera.viewer().get(road).status, 403, "{into}");
        }
        house.show(false);
        house.jump(out);
        house.snapshots_are_dark();
        let (mut viewers, records) = (house.watch(), house.record());
        for viewer in &mut viewers {
            (0..5).for_each(|_| is_dark(&viewer.next_jpeg().unwrap()));
        }
        (viewers, records)
    };
    // Out of the hours by the clock, a second before their end; into them and out of them by jumps in both directions.
    let (mut viewers, mut records) = through(0, NOON + 30 * MINUTE - 1);
    for (into, out) in
        [(NOON + 20 * MINUTE, NOON), (NOON + 20 * MINUTE, NOON + 60 * MINUTE), (0, NOON + 52 * 7 * 86_400)]
    {
        match into {
            0 => forbid(&house.admin, u32::MAX),
            into => house.jump(into),
        }
        for viewer in viewers {
            watch_out(viewer);
        }
        if into == 0 {
            eventually("the gate is closed", || house.closed());
            forbid(&house.admin, 1 << 17);
            house.jump(NOON + 20 * MINUTE);
        }
        heard.append(&mut play_out(records));
        (viewers, records) = through(into, out);
    }
    assert!(heard.iter().sum::<usize>() > 10_000, "{heard:?} samples");
    watch_out(lazy);
}

#[test]
fn a_snapshot_that_is_on_its_way_when_the_hours_begin_is_cut_and_none_of_it_comes_later() {
    let house = House::new(Size::new(1280, 960));
    let client = house.camera.viewer();
    let mut conn = client.connect();
    conn.receive_little(2048);
    let snapshots = || house.camera.metric("lookout_requests_total{class=\"2xx\"}");
    let before = snapshots();
    conn.write(client.request("GET", "/snapshot.cgi"));
    // The counter's own answers count as well.
    let mut asked = 0.0;
    eventually("it is answered", || {
        asked += 1.0;
        snapshots() > before + asked
    });
    house.jump(NOON + 20 * MINUTE);
    eventually("the gate is closed", || house.closed());
    eventually("the connection is gone", || house.camera.metric("lookout_connections") == 1.0);
    let reply = conn.reply();
    let length: usize = reply.header("Content-Length").unwrap().parse().unwrap();
    assert!(reply.body.len() < length / 2, "{} of {length} bytes", reply.body.len());
}

#[test]
fn over_tls_streams_end_too_and_what_lies_in_the_kernel_is_thrown_away() {
    let house = House::new(Size::new(1280, 960));
    let request = house.camera.viewer().request("GET", "/videostream.cgi");
    let any = Arc::default();
    let mut good = Viewer::over(tls::send(&house.camera, &request, &any));
    let slow = TcpStream::connect(house.camera.https.unwrap()).unwrap();
    socket2::SockRef::from(&slow).set_recv_buffer_size(4096).unwrap();
    let mut slow = tls::send_on(&house.camera, slow, &request, &any);
    is_dark(&good.next_jpeg().unwrap());
    eventually("both watch", || house.camera.metric("lookout_viewers") == 2.0);
    // Until the slow one's system takes no more.
    thread::sleep(Duration::from_millis(500));
    house.jump(NOON + 20 * MINUTE);
    watch_out(good);
    eventually("nobody watches", || house.camera.metric("lookout_viewers") == 0.0);
    let mut bytes = Vec::new();
    slow.read_to_end(&mut bytes).expect_err("an end in good order is a lie");
    assert!(bytes.len() < 64 * 1024, "{} bytes", bytes.len());
}

#[test]
fn whoever_waits_for_a_picture_when_the_hours_begin_is_told_at_once_and_the_placeholder_is_a_picture() {
    let source = FakeCamera::start();
    source.set(Mode::Hang);
    let camera = showing(&source.url(), "[source]\nstall_s = 0.5\n");
    camera.admin().get(&format!("/set_datetime.cgi?now={NOON}&ntp_enable=0")).ok();
    let mut watching = Viewer::open(&camera.viewer(), "/videostream.cgi");
    watching.picture();
    let waiting = camera.viewer();
    let mut conn = waiting.connect();
    conn.write(waiting.request("GET", "/snapshot.cgi"));
    eventually("both are there", || camera.metric("lookout_connections") == 3.0);
    forbid(&camera.admin(), u32::MAX);
    assert_eq!(conn.reply().status, 403);
    watching.drain();
    assert_eq!(camera.viewer().get("/videostream.cgi").status, 403);
}
