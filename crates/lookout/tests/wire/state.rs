//! The state folder as it is found: settings of other versions, damaged ones, and things that are no files.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use lookout_testkit::Camera;
use sha2::{Digest as _, Sha256};

use crate::{machine::run, start};

/// As the first version wrote it, with the accounts of every camera under test.
const FORMAT_1: &str = include_str!("../../../core/src/profile/stored/format-1.toml");

/// Returns every file of a folder and its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn alias(camera: &Camera) -> String {
    camera.client().get("/get_status.cgi").var("alias").unwrap().to_owned()
}

/// Runs what needs the folder; each says one sentence about `what` and ends with this code.
fn refused(state: &Path, code: i32, what: &[&str]) {
    let state = state.to_str().unwrap();
    for args in [
        &["run", "--listen", "127.0.0.1:0", "--source", "demo:", "--state", state][..],
        &["passwd", "admin", "--state", state],
        &["reset", "--state", state],
    ] {
        let (ended, out, error) = run(args, "new password\n");
        assert_eq!((ended, out.as_str(), error.lines().count()), (Some(code), "", 1), "{args:?}: {error}");
        assert!(error.starts_with("lookout: ") && what.iter().all(|words| error.contains(words)), "{error}");
    }
}

#[test]
fn the_settings_of_format_1_are_taken_over_with_their_accounts_and_kept_as_they_were() {
    let mut camera = start("");
    camera.kill();
    fs::write(camera.state().join("settings.toml"), FORMAT_1).unwrap();
    camera.restart_without_passwords();
    assert!(camera.said["admin"].is_null(), "no password is made where there are accounts");
    let params = camera.admin().get("/get_params.cgi");
    let shown = ["alias", "ftp_port", "alarm_schedule_sat_2", "tz", "wifi_ssid"].map(|name| params.var(name).unwrap());
    let alias = "'Küche \\'a\"\\\\ \\x3c'";
    assert_eq!(shown, [alias, "65535", "2863311530", "50400", alias]);
    assert_eq!([camera.operator(), camera.viewer()].map(|user| user.get("/check_user.cgi").status), [200, 200]);
    camera.admin().get("/set_alias.cgi?alias=next").ok();
    assert_eq!(fs::read_to_string(camera.state().join("settings.previous.toml")).unwrap(), FORMAT_1);
}

#[test]
fn the_settings_of_a_newer_version_are_refused_and_left_alone() {
    let mut camera = start("");
    camera.kill();
    let current = camera.state().join("settings.toml");
    let text = fs::read_to_string(&current).unwrap();
    let body = text.rsplit_once("# sha256 ").unwrap().0.replacen("format 1.", "format 4000000000.", 1);
    let sum: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let newer = format!("{body}# sha256 {sum}\n");
    for previous in ["", &text, &newer] {
        fs::write(&current, &newer).unwrap();
        fs::write(camera.state().join("settings.previous.toml"), previous).unwrap();
        let before = files(&camera.state());
        refused(&camera.state(), 78, &["settings.toml", "format 4000000000", "a newer lookout"]);
        assert_eq!(files(&camera.state()), before);
    }
    // The last resort is an older generation of which nobody knows how old it is: that is for a person to decide.
    fs::write(&current, "damaged").unwrap();
    let before = files(&camera.state());
    refused(&camera.state(), 78, &["settings.previous.toml", "format 4000000000"]);
    assert_eq!(files(&camera.state()), before);
    fs::write(current, text).unwrap();
    camera.restart();
    assert_eq!(alias(&camera), "'ipcamera'");
}

#[test]
fn whatever_is_damaged_the_newest_whole_generation_is_used_and_nobody_gets_in_without_a_password() {
    let mut camera = start("");
    camera.admin().get("/set_alias.cgi?alias=old").ok();
    camera.admin().get("/set_alias.cgi?alias=new").ok();
    camera.kill();
    let read = |name: &str| fs::read(camera.state().join(name)).unwrap();
    let (new, old) = (read("settings.toml"), read("settings.previous.toml"));
    let half = new[..new.len() / 2].to_vec();
    let zeros = vec![0; new.len()];
    // Current and previous generation; what is in force; what is kept aside.
    let cases: [(&[u8], &[u8], _, &[_]); 7] = [
        (b"", &old, "'old'", &["settings.damaged.toml"]),
        (&half, &old, "'old'", &["settings.damaged.toml"]),
        (&zeros, &old, "'old'", &["settings.damaged.toml"]),
        (&new, &half, "'new'", &[]),
        (&new, b"", "'new'", &[]),
        (b"", b"", "'ipcamera'", &["settings.damaged.toml", "settings.previous.damaged.toml"]),
        (&zeros, &half, "'ipcamera'", &["settings.damaged.toml", "settings.previous.damaged.toml"]),
    ];
    for (current, previous, shown, aside) in cases {
        fs::remove_dir_all(camera.state()).unwrap();
        fs::create_dir(camera.state()).unwrap();
        fs::write(camera.state().join("settings.toml"), current).unwrap();
        fs::write(camera.state().join("settings.previous.toml"), previous).unwrap();
        camera.restart();
        assert_eq!(alias(&camera), shown);
        assert_eq!(camera.admin().get("/get_params.cgi").status, 200, "{shown}: kept, or given anew");
        for name in ["admin", "viewer", "oper", ""] {
            assert_eq!(camera.client().basic((name, "")).get("/check_user.cgi").status, 401, "{shown} {name}");
        }
        for (name, bytes) in aside.iter().zip([current, previous]) {
            assert_eq!(fs::read(camera.state().join(name)).unwrap(), bytes, "{name}");
            assert!(camera.log().contains(name), "{}", camera.log());
        }
        let kept = files(&camera.state()).into_keys().filter(|path| path.to_str().unwrap().contains("damaged")).count();
        assert_eq!(kept, aside.len(), "{shown}");
        camera.kill();
    }
}

#[test]
fn what_is_no_file_where_one_should_be_is_one_clear_sentence_and_stays() {
    for name in ["settings.toml", "settings.new.toml", "lock"] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("mine"), "mine").unwrap();
        refused(dir.path(), 1, &[name]);
        assert_eq!(fs::read_to_string(dir.path().join(name).join("mine")).unwrap(), "mine");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state");
    fs::write(&file, "mine").unwrap();
    refused(&file, 1, &["state"]);
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn a_missing_folder_is_made_for_its_owner_alone_and_a_stale_lock_locks_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("deep/down");
    let reset = || run(&["reset", "--state", state.to_str().unwrap()], "");
    assert_eq!(reset(), (Some(0), String::new(), String::new()));
    for made in [&state, &dir.path().join("deep")] {
        assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    }
    // The process that made the lock is gone.
    assert!(state.join("lock").exists());
    assert_eq!(reset().0, Some(0));
}
