//! Bodies of POSTs, as clients of all kinds send them; on `restore_params.cgi`, which answers `error: bad package.` to a
//! file that came through and is no backup.

use std::{
    io::Read as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lookout_testkit::{Camera, Client, Conn, eventually};

use crate::shared;

const TARGET: &str = "/restore_params.cgi";
const CAME: &str = "error: bad package.";
const NO_FRAME: &str = "error: illegal http frame.";
const LEAVE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Returns the shared camera, and the turn to restore, which one may at a time.
fn alone() -> (MutexGuard<'static, ()>, Arc<Camera>) {
    static TURN: Mutex<()> = Mutex::new(());
    (TURN.lock().unwrap_or_else(PoisonError::into_inner), shared())
}

/// Writes a form of parts, each with the head of its `Content-Disposition` and its content.
fn form(parts: &[(&str, &str)]) -> String {
    let part = |(disposition, content): &(&str, &str)| {
        format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--b--\r\n"
}

/// Writes a POST with any fields and any body.
fn post(client: &Client, fields: &[(&str, &str)], body: &str) -> String {
    fields.iter().fold(client.clone(), |client, (name, value)| client.with(name, value)).request("POST", TARGET) + body
}

/// Sends a form as it should be sent, but for some more fields.
fn sent(client: &Client, fields: &[(&str, &str)], body: &str) -> String {
    let kind = ("Content-Type", "multipart/form-data; boundary=b");
    let length = body.len().to_string();
    let all: Vec<_> = [kind, ("Content-Length", &length)].into_iter().chain(fields.iter().copied()).collect();
    client.send(post(client, &all, body)).text().to_owned()
}

fn read_leave(conn: &mut Conn) {
    let mut leave = vec![0; LEAVE.len()];
    conn.read_exact(&mut leave).unwrap();
    assert_eq!(leave, LEAVE);
}

#[test]
fn a_file_comes_through_however_its_form_is_written() {
    let ((_turn, camera), file) = (alone(), ("name=\"file\"", "x"));
    let admin = camera.admin();
    for (parts, why) in [
        (&[file][..], "alone"),
        (&[("name=\"note\"", "hello"), file], "behind another field"),
        (&[file, ("name=\"note\"", "hello")], "before another field"),
        (&[file, ("name=\"file\"", "y")], "twice: the first counts"),
        (&[("filename=\"a;b.bin\"; name=file", "x")], "without quotes, behind its name"),
        (&[("name=\"file\"; filename=\"\"", "")], "empty"),
    ] {
        assert_eq!(sent(&admin, &[], &form(parts)), CAME, "{why}");
    }
    assert_eq!(sent(&admin, &[], &format!("preamble\r\n{}epilogue", form(&[file]))), CAME);
    assert_eq!(sent(&admin, &[("Connection", "close")], &form(&[file])), CAME);
    assert_eq!(sent(&admin, &[("Connection", "keep-alive")], &form(&[file])), CAME);
}

#[test]
fn what_is_no_form_with_a_file_is_no_frame() {
    let (_turn, camera) = alone();
    let admin = camera.admin();
    let long = format!("name=\"{}\"", "x".repeat(9000));
    for (body, why) in [
        (form(&[("name=\"note\"", "hello")]), "no file"),
        (form(&[("name=\"other\"; filename=\"a;name=file\"", "x")]), "a file of another name"),
        (form(&[(&long, "x")]), "the head of a part is too long"),
        (form(&[("name=\"file\"", "x")]).replace("--b", "--c"), "another boundary"),
        (form(&[]), "no part at all"),
        (String::new(), "nothing"),
        ("--b\r\n".into(), "the begin alone"),
    ] {
        assert_eq!(sent(&admin, &[], &body), NO_FRAME, "{why}");
    }
}

#[test]
fn a_length_that_is_not_one_is_no_frame() {
    let (_turn, camera) = alone();
    let (admin, body) = (camera.admin(), form(&[("name=\"file\"", "x")]));
    let kind = ("Content-Type", "multipart/form-data; boundary=b");
    let length = body.len().to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (fields, body) in [
        (&[kind][..], &body),
        (&[kind, ("Content-Length", "+9")], &body),
        (&[kind, ("Content-Length", "many")], &body),
        (&[kind, ("Content-Length", &length), ("Content-Length", "9")], &body),
        (&[kind, ("Transfer-Encoding", "chunked")], &chunked),
        (&[kind, ("Content-Length", &length), ("Transfer-Encoding", "chunked")], &chunked),
        (&[("Content-Type", "multipart/form-data"), ("Content-Length", &length)], &body),
        (&[("Content-Type", "multipart/form-database; boundary=b"), ("Content-Length", &length)], &body),
        (&[("Content-Length", &length)], &body),
        (&[kind, ("Content-Length", "9")], &body),
    ] {
        assert_eq!(admin.send(post(&admin, fields, body)).text(), NO_FRAME, "{fields:?}");
    }
    let long = [kind, ("Content-Length", "18446744073709551615")];
    assert_eq!(admin.send(post(&admin, &long, &body)).text(), "error: too large.");
}

#[test]
fn a_body_that_is_cut_short_is_no_frame_and_the_next_one_is_served() {
    let (_turn, camera) = alone();
    let admin = camera.admin();
    let whole = admin.upload(TARGET, b"x");
    for end in [whole.len() - 9, whole.len() - 60] {
        let mut conn = admin.connect();
        conn.write(&whole[..end]);
        conn.close_writing();
        assert_eq!(conn.reply().text(), NO_FRAME);
    }
    admin.connect().write(&whole[..whole.len() - 9]);
    eventually("the one that left is forgotten", || admin.send(&whole).text() == CAME);
}

#[test]
fn a_body_may_come_byte_by_byte_and_with_the_head_or_behind_it() {
    let (_turn, camera) = alone();
    let admin = camera.admin();
    let whole = admin.upload(TARGET, b"x");
    let mut conn = admin.connect();
    whole.iter().for_each(|byte| conn.write([*byte]));
    assert_eq!(conn.reply().text(), CAME);
    assert_eq!(admin.send(&whole).text(), CAME);
}

#[test]
fn a_client_that_waits_for_leave_gets_it_only_if_its_body_is_wanted() {
    let (_turn, camera) = alone();
    let body = form(&[("name=\"file\"", "x")]);
    let length = body.len().to_string();
    fn fields(length: &str) -> [(&str, &str); 3] {
        [("Content-Type", "multipart/form-data; boundary=b"), ("Content-Length", length), ("Expect", "100-continue")]
    }
    let ask = |client: &Client, length: &str| {
        let mut conn = client.connect();
        conn.write(post(client, &fields(length), ""));
        conn
    };
    let mut conn = ask(&camera.admin(), &length);
    read_leave(&mut conn);
    conn.write(&body);
    assert_eq!(conn.reply().text(), CAME);
    for stranger in [camera.client(), camera.viewer()] {
        assert_eq!(ask(&stranger, &length).reply().status, 401, "without a word before");
    }
    assert_eq!(ask(&camera.admin().with("Origin", "http://evil.example"), &length).reply().status, 403);
    assert_eq!(ask(&camera.admin(), "99999999").reply().text(), "error: too large.");
    let old = post(&camera.admin(), &fields(&length), &body).replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(camera.admin().send(old).text(), CAME, "HTTP/1.0 knows no leave");
}

#[test]
fn whoever_sends_a_large_body_that_nobody_wants_can_send_it_all_and_hears_why() {
    let (_turn, camera) = alone();
    let large = vec![b'x'; 4 << 20];
    for (client, answer) in [(camera.client(), 401), (camera.viewer(), 401), (camera.admin(), 200)] {
        let mut conn = client.connect();
        // It panics where the camera has closed and the system refuses to send more.
        conn.write_whole(&client.upload(TARGET, &large));
        assert_eq!(conn.reply().status, answer);
    }
}
