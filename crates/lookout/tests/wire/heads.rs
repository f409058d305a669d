//! What stands before a body (PROFILE 1.2), and that HEAD gives just that (1.1).

use std::time::{Duration, SystemTime};

use lookout_core::profile::commands::PROFILE;
use lookout_testkit::Reply;

use crate::{
    rows::{changing, stored},
    shared, start,
};

/// Takes the date out of a head, checked, and puts the letter D in its place.
#[track_caller]
fn undated(reply: &Reply) -> String {
    let date = reply.header("Date").unwrap_or_else(|| panic!("no date in {:?}", reply.head));
    let at = httpdate::parse_http_date(date).unwrap();
    assert_eq!(httpdate::fmt_http_date(at), date, "the one format of RFC 9110 that is not obsolete");
    let off = SystemTime::now().duration_since(at).unwrap_or_default();
    assert!(off < Duration::from_secs(60), "{date}");
    reply.head.replace(date, "D")
}

#[test]
fn q1_a_command_that_succeeded_is_answered_with_these_bytes() {
    let camera = shared();
    let reply = camera.admin().get("/camera_control.cgi?param=1&value=128");
    assert_eq!(
        undated(&reply),
        "HTTP/1.1 200 OK\r\nServer: Netwave IP Camera\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\
         Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(reply.body, b"ok.\n");
}

#[test]
fn an_illegal_parameter_is_status_200_and_22_bytes() {
    let camera = shared();
    let reply = camera.admin().get("/camera_control.cgi?param=1&value=256");
    assert!(undated(&reply).starts_with(
        "HTTP/1.1 200 OK\r\nServer: Netwave IP Camera\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 22\r\n"
    ));
    assert_eq!(reply.body, b"error: illegal params.");
}

#[test]
fn a_listing_says_who_may_load_it_behind_the_headers_of_the_wire_and_never_nosniff() {
    let camera = shared();
    let admin = camera.admin();
    let listings = ["/get_status.cgi", "/get_params.cgi", "/get_camera_params.cgi", "/get_misc.cgi"];
    for path in listings.into_iter().chain(["/get_forbidden.cgi", "/check_user.cgi"]) {
        let reply = admin.get(path);
        let length = reply.body.len();
        let expected = format!(
            "HTTP/1.1 200 OK\r\nServer: Netwave IP Camera\r\nDate: D\r\nContent-Type: text/plain\r\n\
             Content-Length: {length}\r\nCache-Control: no-cache\r\nConnection: close\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\n\r\n"
        );
        assert_eq!(undated(&reply), expected, "{path}");
    }
    let by_query = camera.client().get("/check_user.cgi?user=oper&pwd=0perator?pw2");
    assert_eq!(by_query.header("Cross-Origin-Resource-Policy"), Some("cross-origin"));
}

#[test]
fn the_name_of_the_server_is_a_setting() {
    let camera = start("[http]\nserver = \"A camera\"\n");
    assert_eq!(camera.client().get("/get_status.cgi").header("Server"), Some("A camera"));
    assert_eq!(camera.client().get("/nothing").header("Server"), Some("A camera"));
}

#[test]
fn what_is_refused_is_a_small_page_with_the_status_as_its_title() {
    let camera = shared();
    let client = camera.client();
    for (target, line) in [
        ("/get_status.cgi/../x", "400 Bad Request"),
        ("/get_params.cgi", "401 Unauthorized"),
        ("/nothing.cgi", "404 Not Found"),
        ("/upgrade_firmware.cgi", "501 Not Implemented"),
    ] {
        let reply = client.get(target);
        assert!(reply.head.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{target}: {}", reply.head);
        let (page, names) = (reply.text(), reply.names());
        assert!(page.starts_with(&format!("<html><head><title>{line}</title></head>")), "{page}");
        assert_eq!(reply.header("Content-Type"), Some("text/html"));
        assert_eq!(reply.header("Content-Length"), Some(page.len().to_string().as_str()));
        assert_eq!(names[..4], ["Server", "Date", "Content-Type", "Content-Length"], "{target}");
        assert_eq!(reply.header("Connection"), Some("close"));
    }
}

#[test]
fn q4_a_login_that_is_missing_wrong_or_too_low_is_asked_for_in_the_cameras_own_realm() {
    let camera = shared();
    let status = camera.client().get("/get_status.cgi");
    let id = status.var("id").unwrap().trim_matches('\'');
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)), "{id}");
    let challenge = format!("Basic realm=\"ipcamera_{id}\"");
    let wrong = camera.client().basic(("stranger", "whatever"));
    for client in [camera.client(), wrong, camera.viewer()] {
        let reply = client.get("/get_params.cgi");
        assert_eq!((reply.status, reply.all("WWW-Authenticate")), (401, vec![challenge.as_str()]));
    }
}

#[test]
fn head_gives_the_head_alone_of_whatever_get_gives() {
    let camera = shared();
    let admin = camera.admin();
    for path in PROFILE.iter().filter(|command| !command.post).flat_map(|command| command.paths) {
        let reply = admin.head(path);
        assert!(reply.status == 200 && reply.body.is_empty(), "{path}: {reply:?}");
    }
    let (head, get) = (admin.head("/get_misc.cgi"), admin.get("/get_misc.cgi"));
    assert_eq!(undated(&head), undated(&get));
    for (target, status) in [("/nothing", 404), ("/upgrade_firmware.cgi", 501), ("/", 200)] {
        let reply = admin.head(target);
        assert_eq!((reply.status, reply.body.len()), (status, 0), "{target}");
    }
    assert_eq!(camera.client().head("/get_params.cgi").status, 401);
}

#[test]
fn head_changes_nothing() {
    let camera = start("");
    let (admin, process) = (camera.admin(), camera.pid());
    let before = stored(&camera);
    for row in changing().iter().filter(|row| !row.command.post) {
        for path in row.command.paths {
            let head = admin.head(&format!("{path}?{}", row.changes.as_deref().unwrap_or_default()));
            assert_eq!((head.status, head.header("Content-Length")), (200, Some("4")), "{path}");
        }
    }
    admin.head("/set_datetime.cgi?now=0");
    assert_eq!(stored(&camera), before);
    assert_ne!(admin.get("/get_params.cgi").var("now"), Some("0"));
    let told = admin.get("/get_log.cgi");
    let own = told.text().split("\\n").filter(|entry| entry.contains(&admin.address().to_string())).count();
    assert_eq!(own, 1, "but that somebody came in: {}", told.text());
    assert_eq!((camera.pid(), told.text().matches("power on").count()), (process, 1), "nor does it restart");
}

#[test]
fn no_cors_header_but_for_an_origin_on_the_list() {
    let camera = start("[http]\nallow_origins = [\"https://home.example:8123\"]\n");
    let origin = |origin| camera.client().with("Origin", origin).get("/get_status.cgi");
    let listed = origin("https://home.example:8123");
    assert_eq!(listed.header("Access-Control-Allow-Origin"), Some("https://home.example:8123"));
    assert_eq!(listed.header("Vary"), Some("Origin"));
    for other in ["https://home.example", "http://home.example:8123", "https://evil.example", "null", "*"] {
        let reply = origin(other);
        assert_eq!((reply.status, reply.header("Access-Control-Allow-Origin")), (200, None), "{other}");
    }
    let own = format!("http://{}", camera.http);
    assert_eq!(origin(&own).header("Access-Control-Allow-Origin"), None);
}
