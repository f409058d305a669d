//! `lookout status`, and the first login of a service.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use lookout_testkit::{free, on};

use crate::LOOKOUT;

#[test]
fn a_service_shows_its_first_login_to_whoever_asks_for_its_status_and_not_to_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let (state, runtime) = (dir.path().join("state"), dir.path().join("runtime"));
    fs::create_dir(&runtime).unwrap();
    let (port, config) = (free(), dir.path().join("lookout.toml"));
    let listen =
        format!("listen = [\"{}\"]\ntls_listen = []\n[mdns]\nannounce = false\n[clock]\nntp = false\n", on(port));
    fs::write(&config, listen + "[source]\nurl = \"demo:?size=160x120\"\n").unwrap();
    let command = |task: &str| {
        let mut command = Command::new(LOOKOUT);
        command.args([task, "--config", config.to_str().unwrap(), "--state", state.to_str().unwrap()]);
        command
            .env("RUNTIME_DIRECTORY", &runtime)
            .env_remove("LOOKOUT_ADMIN_PASSWORD")
            .env_remove("LOOKOUT_VIEWER_PASSWORD");
        command
    };
    let status = || {
        let output = command("status").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, _, error) = status();
    assert!(code == Some(1) && error.contains("no camera was ever started"), "{error}");
    let mut camera = command("run").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(camera.stdout.take().unwrap()).lines();
    let mut begun = Vec::new();
    while !begun.last().is_some_and(|line: &String| line.starts_with("  snapshot")) {
        begun.push(said.next().unwrap().unwrap());
    }
    let (code, told, error) = status();
    assert_eq!(code, Some(0), "{told}{error}");
    assert!(
        told.contains("it runs and is well") && told.contains(&format!("web        http://127.0.0.1:{port}/")),
        "{told}"
    );
    let login = |told: &str, name: &str| {
        let begin = format!("  login      {name}  ");
        told.lines().find_map(|line| line.strip_prefix(&begin).map(str::to_owned))
    };
    let [admin, viewer] = ["admin", "viewer"].map(|name| login(&told, name).unwrap());
    assert!(!begun.iter().any(|line| line.contains(&admin) || line.contains(&viewer)), "{begun:?}");
    assert!(begun.iter().any(|line| line.contains("`lookout status` shows it")), "{begun:?}");
    let client = lookout_testkit::Client::new(on(port));
    assert_eq!(client.get(&format!("/check_user.cgi?user=admin&pwd={admin}")).status, 200);
    // What does not hold any more is not told.
    let accounts = lookout_testkit::users(&[("admin", "another pw 1", "2"), ("viewer", "********", "0")]);
    client.get(&format!("/set_users.cgi?user=admin&pwd={admin}&{accounts}")).ok();
    let (_, told, _) = status();
    assert_eq!((login(&told, "admin"), login(&told, "viewer")), (None, Some(viewer)), "{told}");
    camera.kill().unwrap();
    camera.wait().unwrap();
    let (code, told, error) = status();
    assert!(code == Some(1) && told.contains("it does not run"), "{told}{error}");
}
