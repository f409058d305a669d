//! How forgivingly requests are read, and where that ends (PROFILE 1.1).

use std::time::{Duration, Instant};

use lookout_core::profile::commands::{BESIDE, PROFILE, Privilege};
use lookout_testkit::{ADMIN, PATIENCE, VIEWER, encode};

use crate::{
    rows::{changing, stored},
    shared, start,
};

#[test]
fn all_spellings_of_a_path_are_one() {
    let camera = shared();
    let client = camera.client();
    for path in [
        "/get_status.cgi",
        "/GET_STATUS.CGI",
        "/Get_Status.cgi",
        "//get_status.cgi",
        "////get_status.cgi",
        "/%67et_status.cgi",
        "/%47%45T%5fstatus%2ecgi",
        "/get_status.cgi?",
        "/get_status.cgi?.mjpg",
        "/get_status.cgi?/../..",
    ] {
        let reply = client.get(path);
        assert!(reply.status == 200 && reply.text().starts_with("var id="), "{path}: {reply:?}");
    }
    let absolute = format!("GET http://{0}/get_status.cgi HTTP/1.1\r\nHost: elsewhere\r\n\r\n", client.host());
    assert_eq!(client.send(absolute).status, 200);
}

#[test]
fn a_path_that_could_be_read_in_two_ways_is_refused() {
    let camera = shared();
    let client = camera.client();
    for path in [
        "/..",
        "/.",
        "/../etc/passwd",
        "/x/../get_status.cgi",
        "/./get_status.cgi",
        "/x//get_status.cgi",
        "/%2e%2e/get_status.cgi",
        "/%2fget_status.cgi",
        "/x%2f..%2fget_status.cgi",
        "/x\\get_status.cgi",
        "/%5cget_status.cgi",
        "/get_status.cgi%00",
        "/get_status.cgi%0a",
        "/%zz",
        "/%c3",
        "/get_status.cgi#x",
        "get_status.cgi",
        "*",
        "http:/x",
        "http://user@x/get_status.cgi",
    ] {
        assert_eq!(client.get(path).status, 400, "{path}");
    }
    for path in ["/get_status.cgi/", "/get_status", "/%2567et_status.cgi", "/web/get_status.cgi"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_query_is_read_forgivingly() {
    let camera = shared();
    let client = camera.client();
    let login = encode([("user", VIEWER.0), ("pwd", VIEWER.1)]);
    for query in [
        login.clone(),
        format!("&{login}"),
        format!("?&{login}&&"),
        format!("{login}&.mjpg"),
        format!(".mjpg&{login}"),
        format!("{login}&user=other&pwd=other"),
        format!("x=%zz&y=%&z=%4&{login}"),
        format!("unknown&{login}&=&=x"),
        format!("a b\"<{{|}}&{login}"),
        "%75ser=viewer&%70wd=V%21sitor%2Bpw%253".to_owned(),
    ] {
        let reply = client.get(&format!("/check_user.cgi?{query}"));
        assert_eq!((reply.status, reply.var("user")), (200, Some("'viewer'")), "{query}");
    }
    // So on every row.
    for command in PROFILE.iter().chain(BESIDE).filter(|command| command.needs > Privilege::Nobody && !command.post) {
        let (user, pwd) = command.login.names();
        let login = encode([(user, ADMIN.0), (pwd, ADMIN.1)]);
        for path in command.paths {
            let path = format!("//{}", path[1..].to_ascii_uppercase());
            let target = format!("{path}?&?&=x&{login}&.mjpg&{user}=other&{pwd}=other&");
            assert_ne!(client.head(&target).status, 401, "{target}");
        }
    }
    // A plus is a blank, names are case-sensitive.
    for query in ["user=viewer&pwd=V!sitor+pw%253", "User=viewer&Pwd=V%21sitor%2Bpw%253"] {
        assert_eq!(client.get(&format!("/check_user.cgi?{query}")).status, 401, "{query}");
    }
}

#[test]
fn what_changes_something_is_read_as_forgivingly() {
    let camera = start("");
    let admin = camera.admin();
    for row in changing() {
        let (Some(query), path) = (&row.changes, row.command.paths[0]) else { continue };
        let before = stored(&camera);
        // Names and blanks encoded, the same names once more with something illegal, and what means nothing.
        let encoded: Vec<_> =
            query.split('&').map(|pair| format!("%{:02X}{}", pair.as_bytes()[0], &pair[1..])).collect();
        let encoded = encoded.join("&").replace('+', "%20");
        let again: String = query.split('&').map(|pair| format!("&{}=%01", pair.split('=').next().unwrap())).collect();
        row.send(&admin, &format!("&?&{encoded}&.mjpg&=&=x&unknown=%01{again}&")).ok();
        let after = stored(&camera);
        assert_eq!(after != before, row.stores, "{path}");
        row.send(&admin, query).ok();
        assert_eq!(stored(&camera), after, "{path}");
    }
}

#[test]
fn what_is_not_utf_8_is_an_illegal_parameter() {
    let camera = shared();
    let client = camera.admin();
    for query in ["alias=%ff", "alias=%c3", "%ff=1&alias=a", "alias=%ed%a0%80"] {
        client.get(&format!("/set_alias.cgi?{query}")).error("error: illegal params.");
    }
    let raw = client.request("GET", "/set_alias.cgi?alias=#").into_bytes();
    let raw: Vec<u8> = raw.into_iter().map(|byte| if byte == b'#' { 0xff } else { byte }).collect();
    client.send(raw).error("error: illegal params.");
}

#[test]
fn the_257th_parameter_is_one_too_many() {
    let camera = shared();
    let client = camera.client();
    let status = |count| client.get(&format!("/get_status.cgi?{}", "&a=1".repeat(count)));
    assert!(status(256).text().starts_with("var id="));
    status(257).error("error: illegal params.");
}

#[test]
fn a_head_may_have_16_kib_and_no_more() {
    let camera = shared();
    let client = camera.client();
    let filled = |bytes: usize| {
        let request = client.with("X", "@").request("GET", "/get_status.cgi");
        request.replace('@', &"x".repeat(bytes - request.len() + 1))
    };
    assert_eq!(client.send(filled(16 * 1024)).status, 200);
    assert_eq!(client.send(filled(16 * 1024 + 1)).status, 431);
    assert_eq!(client.send(&filled(500 * 1024).as_bytes()[..64 * 1024]).status, 431, "without waiting for its end");
    let many = (0..101).fold(client.clone(), |client, n| client.with(&format!("X-{n}"), ""));
    assert_eq!(many.get("/get_status.cgi").status, 431);
}

#[test]
fn a_slow_head_is_answered_408_however_busy_it_drips() {
    let camera = start("[http]\nhead_timeout_s = 1\n");
    let client = camera.client();
    let begin = Instant::now();
    let mut silent = client.connect();
    silent.write("GET /get_status.cgi HT");
    let mut dripping = client.connect();
    dripping.write("GET /get_status.cgi HTTP/1.1\r\nX: ");
    for _ in 0..6 {
        dripping.write("x");
        std::thread::sleep(Duration::from_millis(100));
    }
    for conn in [silent, dripping] {
        let reply = conn.reply();
        assert_eq!((reply.status, reply.header("Connection")), (408, Some("close")));
    }
    assert!(begin.elapsed() >= Duration::from_secs(1) && begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
}

#[test]
fn old_clients_need_no_host_and_no_carriage_returns() {
    let camera = shared();
    let client = camera.client();
    for request in [
        "GET /get_status.cgi HTTP/1.0\r\n\r\n",
        "GET /get_status.cgi HTTP/1.0\n\n",
        "\r\n\r\nGET /get_status.cgi HTTP/1.0\r\n\r\n",
        "GET /get_status.cgi HTTP/1.0\r\nHost:\r\n\r\n",
    ] {
        let reply = client.send(request);
        assert!(reply.status == 200 && reply.head.starts_with("HTTP/1.1 200 OK\r\n"), "{request:?}: {reply:?}");
    }
    assert_eq!(client.send("GET /get_status.cgi HTTP/1.1\r\n\r\n").status, 403, "HTTP/1.1 without Host");
}

#[test]
fn only_the_cameras_own_names_reach_it() {
    let camera = start("[http]\nhosts = [\"cam.example\"]\nmdns_name = \"attic\"\n");
    let client = camera.client();
    let host = |host: &str| client.send(format!("GET /get_status.cgi HTTP/1.1\r\nHost: {host}\r\n\r\n")).status;
    for own in ["127.0.0.1", "192.168.0.5:8080", "[::1]:80", "localhost", "LOCALHOST:81", "attic.local", "cam.example"]
    {
        assert_eq!(host(own), 200, "{own}");
    }
    for other in ["evil.example", "cam.example.evil", "localhost.evil.example", "attic", "user@localhost", "127.1"] {
        assert_eq!(host(other), 403, "{other}");
    }
    camera.admin().get("/set_ddns.cgi?service=0&user=&pwd=&host=me.dyn.example&proxy_svr=&proxy_port=0").ok();
    assert_eq!(host("me.dyn.example:8080"), 200);
    let two = "GET /get_status.cgi HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n";
    assert_eq!(client.send(two).status, 400);
    // The rule stands before the login: rebinding does not even learn whether a password is right.
    let admin = camera.admin().request("GET", "/get_params.cgi").replace(&client.host(), "evil.example");
    assert_eq!(client.send(admin).status, 403);
}

#[test]
fn another_method_is_not_implemented() {
    let camera = shared();
    let admin = camera.admin();
    for (method, path) in [
        ("POST", "/get_status.cgi"),
        ("POST", "/set_alias.cgi?alias=x"),
        ("PUT", "/get_status.cgi"),
        ("DELETE", "/get_params.cgi"),
        ("OPTIONS", "/get_status.cgi"),
        ("get", "/get_status.cgi"),
        ("GET", "/upgrade_firmware.cgi"),
        ("GET", "/upgrade_htmls.cgi"),
        ("HEAD", "/restore_params.cgi"),
    ] {
        assert_eq!(admin.send(admin.request(method, path)).status, 501, "{method} {path}");
    }
}

#[test]
fn an_upload_without_a_multipart_body_is_an_illegal_frame() {
    let camera = shared();
    let admin = camera.admin();
    for path in ["/upgrade_firmware.cgi", "/upgrade_htmls.cgi", "/restore_params.cgi"] {
        admin.send(admin.request("POST", path)).error("error: illegal http frame.");
        let form = admin.with("Content-Type", "application/x-www-form-urlencoded").with("Content-Length", "3");
        admin.send(form.request("POST", path) + "a=b").error("error: illegal http frame.");
    }
}

#[test]
fn the_answer_to_an_upload_arrives_though_nobody_read_the_upload() {
    let camera = shared();
    let client =
        camera.client().with("Content-Length", "60000").with("Content-Type", "multipart/form-data; boundary=b");
    let request = client.request("POST", "/restore_params.cgi") + &"x".repeat(60_000);
    for _ in 0..5 {
        assert_eq!(client.send(&request).status, 401);
    }
}

#[test]
fn whoever_asks_for_parts_or_packing_gets_it_whole_and_plain() {
    let camera = shared();
    let fancy = [
        ("Range", "bytes=0-3"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("TE", "trailers, chunked"),
        ("Icy-MetaData", "1"),
        ("Connection", "keep-alive"),
    ];
    let client = fancy.iter().fold(camera.viewer(), |client, (name, value)| client.with(name, value));
    for path in ["/get_camera_params.cgi", "/snapshot.cgi"] {
        let reply = client.get(path);
        assert_eq!((reply.status, reply.header("Connection")), (200, Some("close")), "{path}");
        assert_eq!(reply.header("Content-Length"), Some(reply.body.len().to_string().as_str()));
        for absent in ["Content-Encoding", "Transfer-Encoding", "Content-Range"] {
            assert_eq!(reply.header(absent), None, "{path}");
        }
    }
}

#[test]
fn a_connection_has_one_request() {
    let camera = shared();
    let client = camera.client();
    let request = client.request("GET", "/get_status.cgi");
    let reply = client.send(request.repeat(2));
    assert_eq!(reply.header("Content-Length"), Some(reply.body.len().to_string().as_str()));
}

#[test]
fn rubbish_is_a_bad_request_or_nothing() {
    let camera = shared();
    let client = camera.client();
    let hello = b"\x16\x03\x01\x00\x05hello\r\n\r\n";
    for rubbish in
        [&b"\0\r\n\r\n"[..], hello, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n:\r\n\r\n"]
    {
        assert_eq!(client.send(rubbish).status, 400, "{rubbish:?}");
    }
    let mut cut = client.connect();
    cut.write("GET / HTTP/1.1\r\n");
    cut.close_writing();
    assert_eq!(cut.reply().status, 400);
    let silent = client.connect();
    silent.close_writing();
    assert!(silent.try_reply().is_none());
}

#[test]
fn anybody_may_read_how_the_cgis_are_called() {
    let reply = shared().client().get("/openapi.json");
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("application/json")));
    assert_eq!(reply.text(), lookout_core::profile::openapi::document());
}
