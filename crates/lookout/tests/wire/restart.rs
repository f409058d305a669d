//! What restarts the camera, and what a factory reset leaves (PROFILE 3, 4.7, 7.2).

use std::{
    fs,
    io::Read as _,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use lookout_testkit::{ADMIN, Camera, Setup, VIEWER, Viewer, encode, eventually};

use crate::{LOOKOUT, start};

const DDNS: &str = "service=4&host=cam.example.org&proxy_port=3128";

/// Returns what a listing says of some names.
fn told(camera: &Camera, names: &[&str]) -> Vec<String> {
    let params = camera.admin().get("/get_params.cgi");
    names
        .iter()
        .map(|name| params.var(name).unwrap_or_else(|| panic!("{name}: {}", params.text())).to_owned())
        .collect()
}

#[test]
fn a_reboot_is_answered_first_and_starts_the_daemon_anew_in_its_own_process() {
    let mut camera = start("");
    let (process, http) = (camera.pid(), camera.http);
    camera.admin().get("/set_alias.cgi?alias=kept").ok();
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    assert!(viewer.next_jpeg().is_some());
    camera.admin().get("/reboot.cgi").ok();
    camera.started_anew();
    assert_eq!((camera.pid(), camera.http), (process, http));
    while viewer.next_jpeg().is_some() {}
    assert_eq!(told(&camera, &["alias"]), ["'kept'"]);
    assert_eq!(fs::read_to_string(format!("/proc/{process}/comm")).unwrap(), "lookout\n");
}

#[test]
fn whoever_connects_during_a_restart_waits_and_is_not_refused() {
    // Of a camera in its sandbox only root sees the descriptors.
    let config = "sandbox = false";
    let setup = Setup { binary: LOOKOUT, config, source: "demo:?size=160x120&fps=30", tls: true };
    let mut camera = Camera::setup(&setup);
    let descriptors = |camera: &Camera| fs::read_dir(format!("/proc/{}/fd", camera.pid())).unwrap().count();
    let over = AtomicBool::new(false);
    let visitors = [camera.client(), camera.client()];
    let first = descriptors(&camera);
    thread::scope(|scope| {
        let knock = |client: &lookout_testkit::Client| {
            let mut answered = 0_u32;
            while !over.load(Ordering::Relaxed) {
                let mut conn = client.try_connect().expect("somebody listens at every moment");
                conn.write(client.request("GET", "/get_status.cgi"));
                // Who was let in by the old daemon at its last moment may be cut off; nobody is turned away.
                answered += u32::from(conn.try_reply().is_some_and(|reply| reply.status == 200));
            }
            answered
        };
        let knocking: Vec<_> = visitors.iter().map(|client| scope.spawn(move || knock(client))).collect();
        for _ in 0..5 {
            camera.admin().get("/reboot.cgi").ok();
            camera.started_anew();
        }
        over.store(true, Ordering::Relaxed);
        assert!(knocking.into_iter().all(|thread| thread.join().unwrap() > 5));
    });
    eventually("no descriptor is left behind", || descriptors(&camera) <= first + 2);
}

#[test]
fn whoever_is_being_answered_when_somebody_else_restarts_is_answered() {
    let camera = start("");
    let body = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nno backup\r\n--b--\r\n";
    let client = camera.admin().with("Content-Type", "multipart/form-data; boundary=b");
    let client = client.with("Content-Length", &body.len().to_string()).with("Expect", "100-continue");
    let mut conn = client.connect();
    conn.write(client.request("POST", "/restore_params.cgi"));
    let mut leave = [0; 25];
    conn.read_exact(&mut leave).unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    let begin = Instant::now();
    camera.admin().get("/reboot.cgi").ok();
    // By now the camera would have started anew, did it not wait.
    thread::sleep(Duration::from_millis(300));
    conn.write(body);
    match conn.try_reply() {
        Some(reply) => reply.error("error: bad package."),
        // It waits two seconds: a machine that took longer to come here has shown nothing.
        None => assert!(begin.elapsed() >= Duration::from_secs(2), "cut off"),
    }
}

#[test]
fn whoever_ends_the_camera_while_it_restarts_ends_it() {
    let mut camera = start("");
    // The restart waits for this answer, for two seconds at most.
    let admin = camera.admin();
    let _slow = admin.half_upload("/restore_params.cgi", b"x");
    admin.get("/reboot.cgi").ok();
    camera.terminate();
    assert_eq!(camera.wait(), Some(0));
}

#[test]
fn whoever_comes_back_at_once_after_a_restart_was_answered_is_the_next_daemons() {
    let camera = start("");
    for _ in 0..3 {
        camera.admin().get("/reboot.cgi").ok();
        let client = camera.client();
        let mut conn = client.connect();
        // By now a daemon that still let somebody in would have cut him off.
        thread::sleep(Duration::from_millis(300));
        conn.write(client.request("GET", "/get_status.cgi"));
        assert_eq!(conn.reply().status, 200);
    }
}

#[test]
fn the_head_of_a_restart_restarts_nothing_and_its_page_comes_before_it() {
    let mut camera = start("");
    for cgi in ["/reboot.cgi", "/restore_factory.cgi"] {
        assert_eq!(camera.admin().head(cgi).status, 200);
        camera.admin().get(&format!("{cgi}?next_url=no_such_page.htm")).error("error: illegal params.");
    }
    let page = camera.admin().get("/reboot.cgi?next_url=index.htm");
    assert_eq!(page.body, camera.client().get("/index.htm").body);
    camera.started_anew();
    assert_eq!(told(&camera, &["user1_name"]), ["'admin'"]);
}

#[test]
fn a_factory_reset_keeps_the_id_and_the_factory_values_and_makes_new_passwords() {
    let mut camera = start("");
    // From here on it makes its passwords itself.
    camera.restart_without_passwords();
    let admin = camera.admin();
    admin.get(&format!("/set_factory_ddns.cgi?{DDNS}&cam_user=admin&{}", encode([("cam_pwd", ADMIN.1)]))).ok();
    admin.get("/set_alias.cgi?alias=forgotten").ok();
    let id = camera.client().get("/get_status.cgi").var("id").unwrap().to_owned();
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    admin.get("/restore_factory.cgi").ok();
    camera.started_anew();
    while viewer.next_jpeg().is_some() {}
    for old in [ADMIN, VIEWER] {
        assert_eq!(camera.client().basic(old).get("/check_user.cgi").status, 401, "{}", old.0);
    }
    let made = |name: &str| camera.said[name].as_str().unwrap().to_owned();
    let (admin, viewer) = (made("admin"), made("viewer"));
    let login = |user: &str, pwd: &str| encode([("user", user), ("pwd", pwd)]);
    let pri = |user: &str, pwd: &str| {
        camera.client().get(&format!("/check_user.cgi?{}", login(user, pwd))).var("pri").map(str::to_owned)
    };
    assert_eq!((pri("admin", &admin).as_deref(), pri("viewer", &viewer).as_deref()), (Some("3"), Some("1")));
    let params = camera.client().get(&format!("/get_params.cgi?{}", login("admin", &admin)));
    let told =
        ["id", "alias", "ddns_service", "ddns_host", "ddns_proxy_port", "user3_name"].map(|n| params.var(n).unwrap());
    assert_eq!(told, [&id, "'ipcamera'", "4", "'cam.example.org'", "3128", "''"]);
    for file in fs::read_dir(camera.state()).unwrap().flatten() {
        let text = fs::read(file.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("forgotten"), "{}", file.path().display());
    }
}

#[test]
fn factory_values_of_dynamic_dns_are_current_values_too_and_each_is_optional() {
    let camera = start("");
    let admin = camera.admin();
    admin.get("/set_ddns.cgi?service=1&user=me&pwd=secret&host=old&proxy_svr=p&proxy_port=1").ok();
    admin.get("/set_factory_ddns.cgi?host=new").ok();
    let names = ["ddns_service", "ddns_user", "ddns_host", "ddns_proxy_port"];
    assert_eq!(told(&camera, &names), ["1", "'me'", "'new'", "1"]);
    for bad in ["service=13", "proxy_port=65536", "host=a%20b"] {
        admin.get(&format!("/set_factory_ddns.cgi?user=changed&{bad}")).error("error: illegal params.");
    }
    assert_eq!(told(&camera, &names), ["1", "'me'", "'new'", "1"]);
}

#[test]
fn a_mac_address_is_stored_and_in_force_from_the_next_start_on() {
    let mut camera = start("");
    let admin = camera.admin();
    let id = |camera: &Camera| camera.client().get("/get_status.cgi").var("id").unwrap().to_owned();
    let before = id(&camera);
    for bad in ["", "?mac=", "?mac=000000000000", "?mac=0112a0746f01", "?mac=0012a0746f0", "?mac=00:12:a0:74:6f:01"] {
        admin.get(&format!("/set_mac.cgi{bad}")).error("error: illegal params.");
    }
    admin.get("/set_mac.cgi?mac=0012a0746f01").ok();
    assert_eq!(id(&camera), before);
    let realm = camera.client().get("/check_user.cgi").header("WWW-Authenticate").unwrap().to_owned();
    assert!(before.contains(realm.trim_start_matches("Basic realm=\"ipcamera_").trim_end_matches('"')), "{realm}");
    admin.get("/reboot.cgi").ok();
    camera.started_anew();
    assert_eq!(id(&camera), "'0012A0746F01'");
    let realm = camera.client().get("/check_user.cgi");
    assert_eq!(realm.header("WWW-Authenticate"), Some("Basic realm=\"ipcamera_0012A0746F01\""));
    camera.admin().get("/restore_factory.cgi").ok();
    camera.started_anew();
    assert_eq!(id(&camera), "'0012A0746F01'", "it is a factory value");
}
