//! comm_write.cgi against serial ports that are pseudo-terminals (PROFILE 5.5, Q68).

use std::{
    thread,
    time::{Duration, Instant},
};

use lookout_core::profile::{reply::Failure, settings::Baud};
use lookout_testkit::{Camera, Client, Pty, Reply, Viewer, eventually};

use crate::start;

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

fn write(client: &Client, port: usize, baud: Baud, bytes: &[u8]) -> Reply {
    let (code, count, data) = (baud as i32, bytes.len(), escaped(bytes));
    client.get(&format!("/comm_write.cgi?port={port}&baud={code}&bytes={count}&data={data}"))
}

fn says(reply: &Reply, failure: Failure) {
    assert_eq!((reply.status, reply.text()), (200, failure.to_string().as_str()));
}

fn camera(ports: &[&Pty]) -> Camera {
    start(&Pty::config(ports))
}

#[test]
fn q68_any_bytes_go_out_of_each_port_at_every_speed() {
    let (first, second) = (Pty::new(), Pty::new());
    let camera = camera(&[&first, &second]);
    let operator = camera.operator();
    for baud in Baud::ALL {
        let bytes = [0xff, 0, b'\r', b'\n', 0x11, 0x13, 0x04, 0x7f];
        write(&operator, 1, baud, &bytes).ok();
        assert_eq!((second.wait(bytes.len()), second.speed()), (bytes.to_vec(), baud.rate()));
    }
    let most: Vec<u8> = (0..=254).collect();
    write(&operator, 0, Baud::B115200, &most).ok();
    assert_eq!(first.wait(255), most);
    assert!(first.take().is_empty() && second.take().is_empty());
    says(&write(&operator, 2, Baud::B9600, b"x"), Failure::NotSupported);

    // A browser that does not say which page sent it is asked by a page whose button repeats text alone.
    let browser = operator.with("User-Agent", "Mozilla/5.0").with("Accept-Language", "en");
    let ask = |data| browser.get(&format!("/comm_write.cgi?port=0&baud=13&bytes=9&data={data}")).text().to_owned();
    assert!(ask("camera").starts_with("error: confirm.") && !ask("%ff").starts_with("error: confirm."));
    assert!(first.take().is_empty());

    // What was written is nobody's business.
    let secret = b"canary in the line";
    write(&operator, 0, Baud::B9600, secret).ok();
    assert_eq!(first.wait(secret.len()), secret);
    let journal = camera.admin().get("/get_log.cgi");
    assert!(journal.text().contains("comm write") && !journal.text().contains("canary"), "{}", journal.text());
    assert!(!camera.log().contains("canary"));
}

#[test]
fn r13_1_whoever_writes_at_once_takes_turns_and_more_than_ten_in_a_second_are_refused() {
    let pty = Pty::new();
    let camera = camera(&[&pty]);
    let operator = camera.operator();
    // The first login costs a hash.
    operator.get("/get_camera_params.cgi");
    let writers: Vec<_> = (b'A'..b'A' + 30)
        .map(|letter| {
            let operator = operator.clone();
            thread::spawn(move || write(&operator, 0, Baud::B19200, &[letter; 20]).text().to_owned())
        })
        .collect();
    let answers: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    let count = |text: &str| answers.iter().filter(|answer| *answer == text).count();
    let (ok, busy) = (count("ok.\n"), count(&Failure::Busy.to_string()));
    assert!(ok >= 10 && busy >= 1 && ok + busy == 30, "{answers:?}");
    let heard = pty.wait(20 * ok);
    assert_eq!(heard.len(), 20 * ok);
    for message in heard.chunks(20) {
        assert!(message.iter().all(|byte| *byte == message[0]), "cut: {message:?}");
    }
}

#[test]
fn f32_a_port_that_nobody_reads_fails_in_time_and_the_pictures_go_on() {
    let (clogged, good) = (Pty::new(), Pty::new());
    let camera = camera(&[&clogged, &good]);
    let operator = camera.operator();
    write(&operator, 0, Baud::B9600, b"x").ok();
    clogged.clog();
    let watch = camera.viewer();
    let viewer = thread::spawn(move || {
        let mut viewer = Viewer::open(&watch, "/videostream.cgi");
        let begin = Instant::now();
        (0..30).for_each(|_| assert!(viewer.next_jpeg().is_some()));
        begin.elapsed()
    });
    let mut took = Duration::MAX;
    // The kernel may still have made a little room.
    eventually("the port is full", || {
        let begin = Instant::now();
        let answer = write(&operator, 0, Baud::B9600, &[0; 255]).text().to_owned();
        took = begin.elapsed();
        answer == Failure::Internal.to_string()
    });
    // Within 1.5 s; the rest is for a machine that is busy with other tests.
    assert!(took.as_secs_f32() < 3.0, "{took:?}");
    // Nor does another port wait, and the pictures came at their rate meanwhile.
    write(&operator, 1, Baud::B9600, b"other").ok();
    assert_eq!(good.wait(5), b"other");
    let pictures = viewer.join().unwrap();
    assert!(pictures.as_secs_f32() < 5.0, "30 pictures at 30 a second took {pictures:?}");
    assert!(camera.log().contains("it does not take what is written"), "{}", camera.log());

    // It is read again.
    clogged.deaf(false);
    write(&operator, 0, Baud::B9600, b"now").ok();
    let mut heard = Vec::new();
    eventually("the port is heard again", || {
        heard.extend(clogged.take());
        heard.ends_with(b"now")
    });
    assert!(camera.log().contains("works again"));
}

#[test]
fn a_port_that_hangs_up_is_said_once_and_works_again_when_it_comes_back() {
    let mut pty = Pty::new();
    let camera = camera(&[&pty]);
    let operator = camera.operator();
    write(&operator, 0, Baud::B2400, b"a").ok();
    assert_eq!(pty.wait(1), b"a");
    pty.hang_up();
    eventually("it is noticed though nobody writes", || camera.log().contains("it was unplugged"));
    for _ in 0..3 {
        says(&write(&operator, 0, Baud::B2400, b"b"), Failure::Internal);
    }
    assert_eq!(camera.log().matches("it is not there").count(), 1, "{}", camera.log());
    pty.come_back();
    write(&operator, 0, Baud::B2400, b"c").ok();
    assert_eq!((pty.wait(1), pty.speed()), (b"c".to_vec(), 2400));
    assert!((camera.metric("lookout_serial_written_total") - 2.0).abs() < 0.1);

    // Another program takes it between two writes.
    pty.hang_up();
    pty.come_back();
    let other = pty.in_use();
    says(&write(&operator, 0, Baud::B2400, b"d"), Failure::Internal);
    assert!(camera.log().contains("somebody else uses it"), "{}", camera.log());
    drop(other);
    write(&operator, 0, Baud::B2400, b"e").ok();
    assert_eq!(pty.wait(1), b"e");
}
