//! The sandbox of the camera, from outside: every thread is in it, a restart keeps it as it is, and what it costs to name
//! something new (ADR 0040). What it keeps out is tested where it is built.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use lookout_testkit::{Builder, Camera, Setup, Viewer};

use crate::{LOOKOUT, showing, start};

/// Returns what the kernel says of each thread: no new privileges, how system calls are filtered, how many filters.
fn threads(camera: &Camera) -> Vec<[String; 3]> {
    let tasks = fs::read_dir(format!("/proc/{}/task", camera.pid())).unwrap();
    let status = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok());
    let value = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    };
    status.map(|text| ["NoNewPrivs", "Seccomp", "Seccomp_filters"].map(|name| value(&text, name))).collect()
}

/// Returns the last line of the log about the sandbox.
fn said(camera: &Camera) -> String {
    let log = camera.log();
    log.lines().rfind(|line| line.contains("sandbox")).unwrap_or_else(|| panic!("{log}")).to_owned()
}

/// Says what is not tested, past what the tests' output is kept for.
fn not_tested(why: &str) {
    io::stderr().write_all(format!("not tested: the sandbox: {why}\n").as_bytes()).unwrap();
}

/// Says whether this machine's kernel lacks something, which is said.
fn lacks(camera: &Camera, what: &str) -> bool {
    let log = camera.log();
    let lacks = log.lines().find(|line| line.contains(what));
    lacks.into_iter().for_each(not_tested);
    lacks.is_some()
}

const NO_FILES: &str = "no walls around files";
const NO_CALLS: &str = "no system call refused";

#[test]
fn every_thread_of_the_camera_is_in_the_sandbox_and_the_log_says_what_of_it_there_is() {
    let camera = start("");
    let said = said(&camera);
    assert!(said.contains("files by Landlock") || lacks(&camera, NO_FILES), "{said}");
    if lacks(&camera, NO_CALLS) {
        return;
    }
    assert!(said.contains("system calls refused by seccomp"), "{said}");
    let threads = threads(&camera);
    assert!(threads.len() > 1, "{threads:?}");
    for thread in &threads {
        assert_eq!((thread, thread[0].as_str(), thread[1].as_str()), (&threads[0], "1", "2"), "{threads:?}");
    }
}

#[test]
fn twenty_restarts_leave_one_sandbox_in_which_everything_works() {
    let mut camera = start("");
    let first = threads(&camera).swap_remove(0);
    for round in 0..20 {
        camera.admin().get(&format!("/set_alias.cgi?alias=round+{round}")).ok();
        camera.admin().get("/reboot.cgi").ok();
        camera.started_anew();
        assert_eq!(threads(&camera).swap_remove(0), first, "round {round}");
        let alias = format!("'round {round}'");
        assert_eq!(camera.client().get("/get_status.cgi").var("alias"), Some(alias.as_str()));
    }
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    assert!(Viewer::open(&camera.viewer(), "/videostream.cgi").next_jpeg().is_some());
    camera.admin().get("/backup_params.cgi").header("Content-Type").unwrap();
    assert!(said(&camera).contains("that of the start"), "{}", said(&camera));
    camera.restart();
    assert_eq!(threads(&camera).swap_remove(0), first, "a start makes one of its own");
}

#[test]
fn a_camera_that_starts_programs_or_wants_none_has_no_sandbox_and_says_so() {
    let here = || fs::read_to_string("/proc/self/status").unwrap();
    for (source, config, why) in [
        ("demo:?size=160x120", "sandbox = false", "no sandbox: the configuration says so"),
        ("exec:cat /dev/null", "", "no sandbox: exec: starts a program"),
        ("demo:?size=160x120", "[sound]\nmicrophone = \"exec:cat /dev/null\"", "no sandbox: exec: starts a program"),
    ] {
        let camera = showing(source, config);
        assert!(said(&camera).contains(why), "{}", said(&camera));
        for [_, _, filters] in threads(&camera) {
            assert!(here().contains(&format!("Seccomp_filters:\t{filters}\n")), "as many as this test has");
        }
    }
}

#[test]
fn what_is_named_after_the_start_is_there_after_the_next_start_and_a_restart_says_why_not() {
    let (pictures, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (picture, other) = (pictures.path().join("1.jpg"), elsewhere.path().join("2.jpg"));
    let jpeg = start("").viewer().get("/snapshot.cgi").body;
    for file in [&picture, &other] {
        fs::write(file, &jpeg).unwrap();
    }
    // The source is a name that leads to another file in the end.
    let name = pictures.path().join("cam.jpg");
    symlink(&picture, &name).unwrap();
    let mut camera = showing(&format!("file:{}", name.display()), "");
    let restart = |camera: &mut Camera| {
        camera.admin().get("/reboot.cgi").ok();
        camera.started_anew();
    };
    let shows = |camera: &Camera| camera.viewer().get("/snapshot.cgi").status == 200;
    assert!(shows(&camera));
    fs::write(pictures.path().join("new"), &jpeg).unwrap();
    fs::rename(pictures.path().join("new"), &picture).unwrap();
    restart(&mut camera);
    assert!(shows(&camera), "another file of the same name is still the source's");
    fs::remove_file(&name).unwrap();
    symlink(&other, &name).unwrap();
    restart(&mut camera);
    if lacks(&camera, NO_FILES) {
        return;
    }
    assert!(!shows(&camera));
    let log = camera.log();
    let why = format!("not that of this configuration: {} cannot be opened; restart the service", name.display());
    assert!(log.contains(&why) && log.contains("cam.jpg is not in the sandbox: restart the service"), "{log}");
    camera.restart();
    assert!(shows(&camera));
}

#[test]
fn a_configuration_that_is_shut_out_ends_the_process_and_a_service_manager_starts_it_anew() {
    let mut camera = start("");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("lookout.toml");
    fs::rename(camera.config(), &file).unwrap();
    symlink(&file, camera.config()).unwrap();
    if lacks(&camera, NO_FILES) {
        return;
    }
    camera.admin().get("/reboot.cgi").ok();
    // With 78 it would take the configuration for wrong, and leave it at that.
    assert_eq!(camera.wait(), Some(1));
    assert!(camera.log().contains("lookout.toml is not in the sandbox of this process"), "{}", camera.log());
    camera.restart();
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
}

#[test]
fn a_program_that_was_replaced_under_the_camera_is_the_next_starts() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("lookout");
    let copy = |to: &Path| {
        fs::copy(LOOKOUT, to).unwrap();
        fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
    };
    copy(&program);
    let binary = program.to_str().unwrap();
    let setup = Setup { binary, config: "", source: "demo:?size=160x120&fps=30", tls: false };
    let mut camera = Camera::setup(&setup);
    // As package managers do it: another file takes the name.
    copy(&folder.path().join("new"));
    fs::rename(folder.path().join("new"), &program).unwrap();
    for _ in 0..3 {
        camera.admin().get("/reboot.cgi").ok();
        camera.started_anew();
    }
    let warned = camera.log().contains("is another program now");
    assert!(warned || lacks(&camera, NO_FILES), "{}", camera.log());
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    camera.restart();
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
}

#[test]
fn an_installed_version_runs_in_the_sandbox_of_the_base_and_restarts_by_it() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned(""));
    let first = threads(&camera).swap_remove(0);
    camera.admin().post("/upgrade_firmware.cgi", &builder.package("99.0.0", &builder.works(), &[])).ok();
    for _ in 0..2 {
        camera.started_anew();
        let record = fs::read_to_string(camera.state().join("upgrade/installed")).unwrap();
        assert!(record.starts_with("99.0.0 trial 1 "), "{record}: {}", camera.log());
        assert_eq!(threads(&camera).swap_remove(0), first);
        assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
        camera.admin().get("/reboot.cgi").ok();
    }
    camera.started_anew();
}
