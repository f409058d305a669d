//! The command line, the state folder, and what survives a power cut.

use std::{
    fs,
    process::{Command, Output},
};

use lookout_testkit::{ADMIN, Camera, Setup, VIEWER, lookout};
use tempfile::TempDir;

use crate::{LOOKOUT, start};

/// Runs the program to its end; returns its exit code and what it said.
pub fn run(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = lookout(LOOKOUT, args, input);
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_was_answered_with_ok_survives_kill_9_and_restart() {
    let mut camera = start("");
    for round in 0..3 {
        let alias = format!("round {round}");
        camera.admin().get(&format!("/set_alias.cgi?alias=round+{round}")).ok();
        camera.operator().get(&format!("/camera_control.cgi?param=1&value={round}")).ok();
        camera.restart();
        assert_eq!(camera.client().get("/get_status.cgi").var("alias"), Some(format!("'{alias}'").as_str()));
        let params = camera.viewer().get("/get_camera_params.cgi");
        assert_eq!(params.var("brightness"), Some(round.to_string().as_str()));
    }
    assert!(camera.said["admin"].is_null() && camera.said["viewer"].is_null(), "passwords are shown once");
}

#[test]
fn a_damaged_settings_file_costs_one_change_and_no_account() {
    let mut camera = start("");
    camera.admin().get("/set_alias.cgi?alias=before").ok();
    camera.admin().get("/set_alias.cgi?alias=last").ok();
    camera.kill();
    fs::write(camera.state().join("settings.toml"), "rubbish = [").unwrap();
    camera.restart();
    assert_eq!(camera.admin().get("/get_params.cgi").var("alias"), Some("'before'"));
    assert!(camera.log().contains("settings"), "{}", camera.log());
    assert_eq!(camera.client().basic(("admin", "")).get("/get_params.cgi").status, 401);
}

#[test]
fn two_cameras_do_not_share_a_state_folder() {
    let camera = start("");
    let state = camera.state().display().to_string();
    for args in [
        &["run", "--listen", "127.0.0.1:0", "--source", "demo:", "--state", &state][..],
        &["passwd", "admin", "--state", &state],
        &["reset", "--state", &state],
    ] {
        let (code, _, error) = run(args, "new password\n");
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.starts_with("lookout: ") && error.contains("another lookout uses this state folder"), "{error}");
    }
    assert_eq!(camera.admin().get("/check_user.cgi").status, 200);
}

#[test]
fn an_address_in_use_is_said_in_one_sentence() {
    let camera = start("");
    let folder = tempfile::tempdir().unwrap();
    let (state, listen) = (folder.path().display().to_string(), camera.http.to_string());
    let (code, _, error) = run(&["run", "--listen", &listen, "--source", "demo:", "--state", &state], "");
    assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
    assert!(!folder.path().join("settings.toml").exists(), "accounts were made whose passwords nobody has seen");
    assert!(error.contains("cannot listen on") && error.contains(&listen), "{error}");
}

#[test]
fn a_password_set_on_the_machine_replaces_the_old_one() {
    let mut camera = start("");
    let (state, config) = (camera.state().display().to_string(), camera.config().display().to_string());
    camera.kill();
    let passwd = |user: &str, password: &str| run(&["passwd", user, "--state", &state, "--config", &config], password);
    for (user, password) in [("admin", "short\n"), ("admin", "far too long a one\n"), ("nobody", "long enough\n")] {
        let (code, _, error) = passwd(user, password);
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{user} {password}: {error}");
    }
    let (code, out, error) = passwd("admin", "new password\r\n");
    assert_eq!((code, out.as_str(), error.as_str()), (Some(0), "", ""));
    camera.restart();
    assert_eq!(camera.client().basic((ADMIN.0, "new password")).get("/get_params.cgi").status, 200);
    assert_eq!(camera.admin().get("/get_params.cgi").status, 401);
    assert_eq!(camera.viewer().get("/check_user.cgi").status, 200);
}

#[test]
fn a_reset_makes_new_passwords_at_the_next_start() {
    let mut camera = start("");
    camera.admin().get("/set_alias.cgi?alias=mine").ok();
    let id = camera.client().get("/get_status.cgi").var("id").map(str::to_owned);
    camera.kill();
    let (code, _, error) = run(&["reset", "--state", &camera.state().display().to_string()], "");
    assert_eq!((code, error.as_str()), (Some(0), ""));
    camera.restart();
    let status = camera.client().get("/get_status.cgi");
    assert_eq!((status.var("alias"), status.var("id").map(str::to_owned)), (Some("'ipcamera'"), id));
    assert_eq!(camera.operator().get("/check_user.cgi").status, 401, "the third account is gone");
    assert_eq!(camera.viewer().get("/check_user.cgi").status, 200, "the first two have the passwords given");
}

#[test]
fn the_first_start_makes_passwords_and_prints_them_once() {
    let mut camera = start("");
    assert!(camera.said["admin"].is_null(), "a password that was given is not printed");
    assert!(camera.said["source"].as_str().unwrap().starts_with("demo:"));
    assert_eq!(camera.said["http"], camera.http.to_string());
    assert!(camera.said["https"].is_null() && camera.said["fingerprint"].is_null());
    camera.kill();
    run(&["reset", "--state", &camera.state().display().to_string()], "");
    camera.restart_without_passwords();
    let made = |name: &str| camera.said[name].as_str().unwrap().to_owned();
    let (admin, viewer) = (made("admin"), made("viewer"));
    assert!(admin.len() == 12 && viewer.len() == 12 && admin != viewer);
    let status = |user: &str, pwd: &str| {
        let query = lookout_testkit::encode([("user", user), ("pwd", pwd)]);
        camera.client().get(&format!("/check_user.cgi?{query}")).status
    };
    assert_eq!([status("admin", &admin), status("viewer", &viewer), status("admin", &viewer)], [200, 200, 401]);
    assert_eq!(status(VIEWER.0, VIEWER.1), 401);
}

#[test]
fn a_wrong_configuration_names_file_line_and_key() {
    let dir: TempDir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.toml");
    let name = path.display().to_string();
    for (text, words) in [
        ("[http]\n\nhead_timeout = 5\n", &[":3", "http.head_timeout", "head_timeout_s"][..]),
        ("[http]\nhead_timeout_s = 0\n", &[":2", "http.head_timeout_s", "must be"]),
        ("[profile]\nsecrets = \"maybe\"\n", &[":2", "profile.secrets", "masked", "plain"]),
        ("[source]\nurl = \"ftp://me:sesame@x\"\n", &[":2", "source.url"]),
        ("[http]\ndigest = true\n", &[":2", "http.digest", "profile.secrets"]),
        ("[tls]\ncert = \"/x\"\n", &[":2", "tls.cert", "tls.key"]),
        ("listen = []\ntls_listen = []\n", &["listen"]),
        ("a = \n", &[":1"]),
    ] {
        fs::write(&path, text).unwrap();
        for command in ["run", "check", "reset"] {
            let state = dir.path().join("state").display().to_string();
            let (code, out, error) = run(&[command, "--config", &name, "--state", &state], "");
            assert_eq!((code, out.as_str(), error.lines().count()), (Some(78), "", 1), "{command} {text}: {error}");
            assert!(error.starts_with("lookout: ") && error.contains(&name), "{error}");
            assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
            assert!(!error.contains("sesame"), "{error}");
        }
    }
    let (code, _, error) = run(&["check", "--config", "/nowhere/lookout.toml"], "");
    assert!(code == Some(78) && error.contains("/nowhere/lookout.toml"), "{error}");
}

#[test]
fn check_probes_the_source_and_says_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().display().to_string();
    let (code, out, error) = run(&["check", "--source", "demo:?size=320x240&fps=5", "--state", &state], "");
    assert_eq!((code, error.as_str()), (Some(0), ""));
    for words in ["valid", "demo:?size=320x240&fps=5", "demo scene, 320x240, 5 fps", "320x240,"] {
        assert!(out.contains(words), "no {words} in\n{out}");
    }
    let (code, _, error) = run(&["check", "--source", "demo:?speed=9", "--state", &state], "");
    assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
}

#[test]
fn check_says_what_the_head_is_and_fails_if_it_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("lookout.toml");
    let check = |table: &str| {
        let state = dir.path();
        let source = "[source]\nurl = \"demo:?size=640x360&fps=30\"\nsize = \"640x360\"";
        fs::write(&config, format!("state = {state:?}\n{source}\n{table}")).unwrap();
        run(&["check", "--config", config.to_str().unwrap()], "")
    };
    let (code, out, error) = check("[ptz]\nview = \"320x180\"");
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.contains("head           digital, viewers see 320x180 of 640x360, zoom 1 to 4 times\n"), "{out}");
    let (code, out, _) = check("[ptz]\nhead = \"none\"");
    assert!(code == Some(0) && !out.contains("\nhead "), "{out}");
    let (code, out, error) = check("[ptz]\nhead = \"pelco-d\"\naddress = 7\n[serial]\nports = [\"/dev/null\"]");
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.contains("head           pelco-d, address 7 on /dev/null; "), "{out}");
    assert!(out.contains("serial port 0  /dev/null\n"), "{out}");
    let gone = "[ptz]\nhead = \"pelco-d\"\n[serial]\nports = [\"/dev/no-such-port\"]";
    for (table, why) in [
        (gone, "head: /dev/no-such-port: No such file or directory"),
        ("[ptz]\nhead = \"uvc\"\ndevice = \"/dev/no-such-camera\"", "head: no such device /dev/no-such-camera"),
    ] {
        let (code, _, error) = check(table);
        assert!(code == Some(1) && error.contains(why), "{error}");
    }
    let (code, _, error) = check("[ptz]\nhead = \"uvc\"");
    assert!(code == Some(78) && error.contains("ptz.device"), "{error}");
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for args in [&["fly"][..], &[], &["run", "--listen", "nowhere"], &["run", "--source", "ftp://x"], &["passwd"]] {
        assert_eq!(run(args, "").0, Some(2), "{args:?}");
    }
    assert_eq!([run(&["--help"], "").0, run(&["--version"], "").0], [Some(0), Some(0)]);
}

#[test]
fn sigterm_ends_it_cleanly_though_somebody_watches() {
    let mut camera = start("");
    let mut viewer = lookout_testkit::Viewer::open(&camera.viewer(), "/videostream.cgi");
    viewer.picture();
    camera.terminate();
    assert_eq!(camera.wait(), Some(0));
    viewer.drain();
}

#[test]
fn a_machine_without_ca_certificates_asks_in_clear_and_knows_its_own_camera() {
    let camera = Camera::setup(&Setup { binary: LOOKOUT, config: "", source: "demo:?size=160x120", tls: true });
    let run = |args: &[&str]| {
        let mut program = Command::new(LOOKOUT);
        program.args(args).env("LOOKOUT_ADMIN_PASSWORD", ADMIN.1).env("SSL_CERT_FILE", "/dev/null");
        let Output { status, stderr, .. } = program.env_remove("SSL_CERT_DIR").output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    };
    let state = TempDir::new().unwrap();
    let check = |scheme: &str, address: std::net::SocketAddr| {
        let source = format!("{scheme}://{}:{}@{address}/snapshot.cgi", VIEWER.0, VIEWER.1);
        run(&["check", "--source", &source, "--state", state.path().to_str().unwrap()])
    };
    assert_eq!(check("http", camera.http).0, Some(0), "{}", check("http", camera.http).1);
    let (code, error) = check("https", camera.https.unwrap());
    assert!(code == Some(1) && error.contains("no CA certificates"), "{error}");
    let own = camera.state().display().to_string();
    for (url, state) in [
        (format!("http://{}", camera.http), state.path().to_str().unwrap()),
        (format!("https://{}", camera.https.unwrap()), &own),
    ] {
        let (code, error) = run(&["drill", "--url", &url, "--state", state]);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{url}");
    }
}
