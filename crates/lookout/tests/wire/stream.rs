//! The push stream to the byte, its sizes and rates, and that nobody's slowness is another's (PROFILE 5.1).

use std::thread;

use lookout_testkit::{Camera, Picture, VIEWER, Viewer, encode, eventually};

use crate::{shared, showing, start};

#[test]
fn the_head_of_a_stream_is_that_of_the_wire_to_the_byte() {
    let camera = shared();
    let client = camera.viewer();
    for path in ["/videostream.cgi", "/video.cgi", "/VideoStream.cgi?rate=0&.mjpg"] {
        let mut viewer = Viewer::open(&client, path);
        let head = viewer.reply.head.replace(viewer.reply.header("Date").unwrap(), "D");
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\nServer: Netwave IP Camera\r\nDate: D\r\nAccept-Ranges: none\r\nConnection: close\r\n\
             Content-Type: multipart/x-mixed-replace;boundary=ipcamera\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\n\r\n"
        );
        // The viewer checks every byte between two pictures.
        let numbers: Vec<_> = (0..5).map(|_| viewer.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }
}

#[test]
fn pictures_hold_nothing_but_a_baseline_jpeg() {
    let camera = shared();
    let jpeg = Viewer::open(&camera.viewer(), "/videostream.cgi").next_jpeg().unwrap();
    let markers: Vec<u8> =
        jpeg.windows(2).filter(|pair| pair[0] == 0xff && pair[1] >= 0xc0).map(|pair| pair[1]).collect();
    assert!(markers.contains(&0xc0), "SOF0: {markers:x?}");
    assert!(!markers.iter().any(|marker| matches!(marker, 0xc1..=0xc3 | 0xe1..=0xef)), "{markers:x?}");
}

#[test]
fn q10_q14_the_resolution_is_the_streams_own_in_codes_and_words() {
    let camera = showing("demo:?size=640x480&fps=10", "");
    let size = |query: &str| Viewer::open(&camera.viewer(), &format!("/videostream.cgi?{query}")).picture().size();
    let (vga, qvga, qqvga) = ((640, 480), (320, 240), (160, 120));
    for (query, expected) in [
        ("", vga),
        ("resolution=32", vga),
        ("resolution=8", qvga),
        ("resolution=2", qqvga),
        ("resolution=VGA", vga),
        ("resolution=qvga", qvga),
        ("resolution=QQVGA", qqvga),
        ("resolution=320x240", qvga),
        ("resolution=320*240", qvga),
        ("resolution=160X120", qqvga),
        ("resolution=", vga),
        ("resolution=16", vga),
        ("resolution=huge", vga),
    ] {
        assert_eq!(size(query), expected, "{query}");
    }
    let snapshot = |query: &str| Picture::decode(&camera.viewer().get(&format!("/snapshot.cgi?{query}")).body).size();
    assert_eq!(["resolution=2", "resolution=qvga", ""].map(snapshot), [qqvga, qvga, vga]);
    // The setting is what counts for whoever asks for nothing, and no stream changes it.
    camera.admin().get("/camera_control.cgi?param=0&value=8").ok();
    assert_eq!([size(""), size("resolution=32")], [qvga, vga]);
    assert_eq!(camera.viewer().get("/get_camera_params.cgi").var("resolution"), Some("8"));
}

/// Measures how many of the source's pictures go by a picture that a viewer gets.
fn spacing(camera: &Camera, code: &str, pictures: u32) -> f64 {
    let mut viewer = Viewer::open(&camera.viewer(), &format!("/videostream.cgi?rate={code}"));
    let first = viewer.number();
    let last = (1..pictures).map(|_| viewer.number()).last().unwrap();
    f64::from(last - first) / f64::from(pictures - 1)
}

#[test]
fn a_rate_is_exact_to_two_per_cent_from_a_source_at_30() {
    let camera = shared();
    let codes = [("0", 1.0), ("1", 1.5), ("3", 2.0), ("6", 3.0), ("11", 6.0), ("12", 7.5), ("13", 10.0), ("14", 15.0)];
    let exact = |(code, expected): (&str, f64)| {
        let measure = || spacing(&camera, code, (150.0 / expected) as u32 + 1);
        // A machine that is too busy to paint in time leaves pictures out, which shifts one measurement, but not three.
        let mut measured = (0..3).map(|_| measure());
        let exact = measured.any(|spacing| (spacing / expected - 1.0).abs() <= 0.02);
        assert!(exact, "code {code} is not every {expected} pictures, but every {}", measure());
    };
    thread::scope(|scope| codes.map(|code| scope.spawn(move || exact(code))).map(|test| test.join().unwrap()));
}

#[test]
fn q11_a_code_that_is_not_listed_is_the_next_or_none() {
    let camera = shared();
    let measured = |code: &str| spacing(&camera, code, 16);
    for (code, least, most) in [("4", 2.5, 3.5), ("24", 0.9, 1.4), ("fast", 0.9, 1.4), ("-1", 0.9, 1.4)] {
        let every = measured(code);
        assert!((least..=most).contains(&every), "code {code}: every {every} pictures");
    }
}

#[test]
fn a_viewer_that_takes_nothing_is_closed_and_costs_nobody_anything() {
    let camera = showing("demo:?size=640x480&fps=30", "[http]\nstall_s = 1\n");
    let mut good = Viewer::open(&camera.viewer(), "/videostream.cgi?resolution=2");
    let client = camera.viewer();
    let stalled: Vec<_> = (0..20)
        .map(|_| {
            let mut conn = client.connect();
            conn.receive_little(2048);
            conn.write(client.request("GET", "/videostream.cgi"));
            conn
        })
        .collect();
    let viewers = || camera.metric("lookout_viewers") as u32;
    let first = good.number();
    eventually("all are there", || viewers() == 21);
    eventually("the stalled ones are closed", || {
        let before = good.number();
        good.number().saturating_sub(before) < 30 && viewers() == 1
    });
    assert!(good.number() > first);
    drop(stalled);
}

#[test]
fn a_slow_viewer_gets_the_newest_picture_next() {
    let camera = showing("demo:?size=640x480&fps=30", "");
    let client = camera.viewer();
    let conn = client.connect();
    conn.receive_little(32 * 1024);
    let mut slow = Viewer::on(&client, conn, "/videostream.cgi");
    let mut quick = Viewer::open(&client, "/videostream.cgi?resolution=2");
    let before = slow.number();
    let behind = (0..60).map(|_| quick.number()).last().unwrap();
    // What the system holds of old pictures comes first; it is bounded, however long one slept.
    let after: Vec<_> = (0..12).map(|_| slow.number()).collect();
    let gap = std::iter::once(before).chain(after.iter().copied()).collect::<Vec<_>>();
    let longest = gap.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest >= 20, "{gap:?}: the pictures in between were queued");
    assert!(after[11] > behind, "{gap:?}: still old pictures, {behind} was seen elsewhere");
    assert!(camera.metric("lookout_frames_skipped_total") >= 20.0);
}

#[test]
fn many_viewers_of_a_size_share_one_encoding() {
    let camera = showing("demo:?size=640x480&fps=10", "");
    let client = camera.viewer();
    let mut full: Vec<_> = (0..10).map(|_| Viewer::open(&client, "/videostream.cgi")).collect();
    let mut small: Vec<_> = (0..10).map(|_| Viewer::open(&client, "/videostream.cgi?resolution=8")).collect();
    let numbers = |viewers: &mut Vec<Viewer>| viewers.iter_mut().map(Viewer::number).collect::<Vec<_>>();
    numbers(&mut small);
    let counted = || (camera.metric("lookout_frames_captured_total"), camera.metric("lookout_encodes_total"));
    let before = counted();
    for _ in 0..5 {
        numbers(&mut full);
        numbers(&mut small);
    }
    let after = counted();
    let (captured, encodes) = (after.0 - before.0, after.1 - before.1);
    // One picture in each size may lie between the two counters.
    assert!(captured >= 5.0 && encodes <= 2.0 * (captured + 2.0), "{encodes} encodings of {captured} for 20 viewers");
    drop((full, small));
    eventually("all have left", || camera.metric("lookout_viewers") == 0.0);
    let idle = camera.metric("lookout_encodes_total");
    let captured = camera.metric("lookout_frames_captured_total");
    eventually("five more pictures", || camera.metric("lookout_frames_captured_total") > captured + 5.0);
    assert_eq!(camera.metric("lookout_encodes_total"), idle, "nobody watches, nothing is encoded");
}

#[test]
fn one_address_has_so_many_connections_and_all_together_so_many() {
    let camera = start("[http]\nmax_per_address = 3\nmax_connections = 5\n");
    let (one, two) = (camera.viewer(), camera.viewer());
    let mut held: Vec<_> = (0..3).map(|_| Viewer::open(&one, "/videostream.cgi")).collect();
    let refused = one.get("/get_status.cgi");
    assert_eq!((refused.status, refused.header("Connection")), (503, Some("close")));
    assert_eq!(two.get("/get_status.cgi").status, 200, "another address is served");
    // The one that asks is the fourth.
    eventually("the places are free again", || camera.metric("lookout_connections") == 4.0);
    held.extend((0..2).map(|_| Viewer::open(&two, "/videostream.cgi")));
    assert_eq!(camera.client().get("/get_status.cgi").status, 503, "full");
    held.iter_mut().for_each(|viewer| drop(viewer.picture()));
    drop(held);
    eventually("places are free again", || one.get("/get_status.cgi").status == 200);
    let refused = |why| camera.metric(&format!("lookout_connections_refused_total{{reason=\"{why}\"}}"));
    assert!(refused("address") >= 1.0 && refused("full") >= 1.0);
}

#[test]
fn open_connections_are_counted() {
    let camera = start("");
    let held = [(); 3].map(|()| Viewer::open(&camera.viewer(), "/videostream.cgi"));
    // The one that asks is the fourth.
    eventually("four connections", || camera.metric("lookout_connections") == 4.0);
    drop(held);
    eventually("one connection", || camera.metric("lookout_connections") == 1.0);
}

#[test]
fn a_stream_opens_by_the_login_in_its_url() {
    let camera = shared();
    let login = encode([("user", VIEWER.0), ("pwd", VIEWER.1)]);
    for query in [format!("{login}&resolution=2&rate=0"), format!("?&{login}&&.mjpg")] {
        Viewer::open(&camera.client(), &format!("/videostream.cgi?{query}")).picture();
    }
}
