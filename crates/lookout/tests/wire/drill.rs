//! A marked alarm through the whole chain, asked for over the wire and by `lookout drill` (Q61, ADR 0024).

use std::process::Command;

use lookout_testkit::{ADMIN, Camera, OPERATOR, Setup};

use crate::{LOOKOUT, machine::run, start};

/// Runs `lookout drill` as the manager; returns its exit code and what it said.
fn drill(camera: &Camera, args: &[&str]) -> (Option<i32>, String, String) {
    let url = format!("http://{}", camera.http);
    run(&[&["drill", "--url", &url], args].concat(), &format!("{}\n", ADMIN.1))
}

#[test]
fn a_drill_tells_each_link_in_words_and_by_its_exit_code_whether_all_is_right() {
    let camera = start("");
    let (code, out, error) = drill(&camera, &[]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    let words: Vec<_> = out.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>()).collect();
    assert_eq!(words, ["mail", "ftp", "http", "output", "preset", "mqtt"].map(|link| [link, "off"]));
    // A preset that is wanted and was never set has failed.
    camera.admin().get("/set_alarm.cgi?preset=3").ok();
    let (code, out, error) = drill(&camera, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["passed"]), (Some(1), &false.into()), "{out}");
    let preset = &json["links"][4];
    assert_eq!((&preset["result"], &preset["words"]), (&"failed".into(), &"preset 3 is not set".into()));
    assert_eq!(error, "lookout: a part of the alarm chain failed: preset\n");
    assert_eq!(camera.client().get("/get_status.cgi").var("alarm_status"), Some("0"));
    // A password in the environment is taken before one on standard input.
    let url = format!("http://{}", camera.http);
    let given = Command::new(LOOKOUT).args(["drill", "--url", &url]).env("LOOKOUT_ADMIN_PASSWORD", ADMIN.1).output();
    assert!(String::from_utf8(given.unwrap().stdout).unwrap().starts_with("mail    off"));
}

#[test]
fn whoever_cannot_drill_is_told_why_in_one_sentence() {
    let camera = start("");
    let url = format!("http://{}", camera.http);
    for (args, password, words) in [
        (vec!["--url", &url], "wrong", "knows no manager admin with that password"),
        (vec!["--url", &url, "--user", OPERATOR.0], OPERATOR.1, "knows no manager oper with that password"),
        (vec!["--url", "http://127.0.0.1:1"], ADMIN.1, "http://127.0.0.1:1/ cannot be asked: "),
    ] {
        let (code, out, error) = run(&[&["drill"], &args[..]].concat(), &format!("{password}\n"));
        assert_eq!((code, out.as_str(), error.lines().count()), (Some(1), "", 1), "{error}");
        assert!(error.starts_with("lookout: ") && error.contains(words), "{error}");
        assert!(!error.contains(password) || password == "wrong", "{error}");
    }
}

#[test]
fn a_camera_with_https_is_known_by_its_fingerprint_or_its_state_folder() {
    let camera = Camera::setup(&Setup { binary: LOOKOUT, config: "", source: "demo:?size=160x120", tls: true });
    let url = format!("https://{}", camera.https.unwrap());
    let print = camera.said["fingerprint"].as_str().unwrap();
    let (state, other) = (camera.state().display().to_string(), print.replace(['1', '2', '3'], "4").replace('A', "B"));
    let nowhere = tempfile::tempdir().unwrap().path().display().to_string();
    let asked = |args: &[&str]| run(&[&["drill", "--url", &url], args].concat(), &format!("{}\n", ADMIN.1));
    for args in [
        &["--fingerprint", print][..],
        &["--fingerprint", &print.to_lowercase().replace(':', "")],
        &["--state", &state],
    ] {
        let (code, _, error) = asked(args);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{args:?}");
    }
    for args in [&["--fingerprint", &other, "--state", &state][..], &["--state", &nowhere]] {
        let (code, _, error) = asked(args);
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{args:?} {error}");
        assert!(error.contains("cannot be asked: "), "{error}");
    }
}
