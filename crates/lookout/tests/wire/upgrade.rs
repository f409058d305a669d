//! Other versions of the program: taken in if they are signed, tried, and given up where they fail (PROFILE 5.10, RULES R9.1).
//!
//! A version is small here: it becomes the program under test. The lab installs whole ones.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use lookout_testkit::{Builder, Camera, Setup, Viewer, eventually};

use crate::{LOOKOUT, start};

const UPGRADE: &str = "/upgrade_firmware.cgi";
const BAD: &str = "error: bad package.";

/// Returns the lines of the record.
fn record(camera: &Camera) -> Vec<String> {
    let text = fs::read_to_string(camera.state().join("upgrade/installed")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Returns the names of what lies beside the record.
fn files(camera: &Camera) -> Vec<String> {
    let files = fs::read_dir(camera.state().join("upgrade")).into_iter().flatten().flatten();
    let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn journal(camera: &Camera) -> String {
    camera.admin().get("/get_log.cgi").text().to_owned()
}

/// The version of this program, on which others are installed.
const BASE: &str = env!("CARGO_PKG_VERSION");

#[test]
fn a_signed_version_runs_after_the_restart_with_everything_that_was_set() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned(""));
    let process = camera.pid();
    camera.admin().get("/set_alias.cgi?alias=kept").ok();
    camera.admin().post(UPGRADE, &builder.package("0.2.0", &builder.works(), &[])).ok();
    camera.started_anew();
    assert_eq!(camera.pid(), process);
    assert_eq!(record(&camera), [format!("0.2.0 trial 1 over {BASE}")]);
    assert_eq!(files(&camera), ["installed", "lookout-0.2.0", "lookout-0.2.0.package", "settings.before.toml"]);
    assert_eq!(camera.admin().get("/get_params.cgi").var("alias"), Some("'kept'"));
    assert!(journal(&camera).contains("upgrade"));
    // A restart that somebody asks for goes by way of the base, and is no failure; an end is one.
    for _ in 0..4 {
        camera.admin().get("/reboot.cgi").ok();
        camera.started_anew();
        assert_eq!(record(&camera), [format!("0.2.0 trial 1 over {BASE}")]);
    }
    camera.restart();
    assert_eq!(record(&camera), [format!("0.2.0 trial 2 over {BASE}")]);
    // It knows which version it is.
    camera.admin().post(UPGRADE, &builder.package("0.2.0", &builder.works(), &[])).error(BAD);
    camera.admin().post(UPGRADE, &builder.package("0.1.9", &builder.works(), &[])).error(BAD);
    let told = journal(&camera);
    assert!(told.contains("runs already") && told.contains("older"), "{told}");
    camera.admin().post(UPGRADE, &builder.package("0.2.1", &builder.works(), &[])).ok();
    camera.started_anew();
    assert_eq!(record(&camera), [format!("0.2.1 trial 1 over {BASE}")], "what never was well is nothing to go back to");
}

#[test]
fn what_is_not_signed_not_newer_or_for_another_machine_changes_nothing() {
    let (builder, other) = (Builder::new(LOOKOUT), Builder::new(LOOKOUT));
    let camera = start(&builder.pinned(""));
    let good = builder.package("0.2.0", &builder.works(), &[]);
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (package, why) in [
        (&b"BNEG\x01\0\0\0\0\0\0\0"[..], "firmware of the old"),
        (b"", "no package"),
        (b"LOOKOUT\x01\xff\xff\xff\xff", "impossible length"),
        (&changed, "does not hold"),
        (&good[..good.len() - 1], "does not hold"),
        (&other.package("0.2.0", &builder.works(), &[]), "no key that is pinned"),
        (&builder.package(BASE, &builder.works(), &[]), "runs already"),
        (&builder.package("0.0.9", &builder.works(), &[]), "older"),
        (&builder.package("0.2.0", &builder.works(), &["--target", "vax-dec-ultrix"]), "vax-dec-ultrix"),
    ] {
        camera.admin().post(UPGRADE, package).error(BAD);
        assert!(camera.log().lines().last().unwrap().contains(why), "{why}: {}", camera.log());
        assert!(files(&camera).is_empty(), "{why}: {:?}", files(&camera));
    }
    assert!(journal(&camera).contains("bad package: it is firmware of the old cameras"), "{}", journal(&camera));
}

#[test]
fn a_step_back_is_made_only_where_the_machines_operator_allows_it() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned("downgrade = true"));
    camera.admin().post(UPGRADE, &builder.package("0.0.9", &builder.works(), &[])).ok();
    camera.started_anew();
    assert_eq!(record(&camera), [format!("0.0.9 trial 1 over {BASE}")]);
}

#[test]
fn a_version_that_ends_at_once_is_given_up_after_three_starts() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned_without_sandbox());
    camera.admin().get("/set_alias.cgi?alias=kept").ok();
    let marks = camera.state().join("marks");
    let ends = format!("#!/bin/sh\necho x >> {}\nexit 1\n", marks.display());
    camera.admin().post(UPGRADE, &builder.package("0.2.0", ends.as_bytes(), &[])).ok();
    assert_eq!(camera.wait(), Some(1));
    // What a service manager does.
    for _ in 0..2 {
        camera.start_only();
        assert_eq!(camera.wait(), Some(1));
    }
    camera.restart();
    assert_eq!(fs::read_to_string(marks).unwrap(), "x\n".repeat(3));
    assert_eq!((record(&camera).len(), files(&camera)), (0, vec!["installed".to_owned()]));
    assert_eq!(camera.admin().get("/get_params.cgi").var("alias"), Some("'kept'"));
    assert!(journal(&camera).contains("version 0.2.0 failed"), "{}", journal(&camera));
    // It may be tried again.
    camera.admin().post(UPGRADE, &builder.package("0.2.0", &builder.works(), &[])).ok();
    camera.started_anew();
    assert_eq!(record(&camera), [format!("0.2.0 trial 1 over {BASE}")]);
}

#[test]
fn a_program_that_this_machine_cannot_start_is_given_up_at_once() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned(""));
    camera.admin().post(UPGRADE, &builder.package("0.2.0", b"\x7fELF of another machine", &[])).ok();
    camera.started_anew();
    assert!(record(&camera).is_empty());
    assert!(camera.log().contains("version 0.2.0 cannot be started"), "{}", camera.log());
    assert!(journal(&camera).contains("version 0.2.0 failed"));
}

/// Writes a script that may be run.
fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_version_that_fails_at_its_start_calls_the_base_by_itself_until_it_is_given_up() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned_without_sandbox());
    let words = fs::read_to_string(format!("/proc/{}/cmdline", camera.pid())).unwrap();
    let words: Vec<_> = words.split_terminator('\0').skip(1).map(|word| format!("'{word}'")).collect();
    // The version is told a configuration that is not there; the base that it calls is told what the first one was.
    let (base, marks) = (camera.state().join("base"), camera.state().join("marks"));
    script(&base, &format!("#!/bin/sh\nexec {LOOKOUT} {}\n", words.join(" ")));
    let fails = format!(
        "#!/bin/sh\necho x >> {}\nLOOKOUT_CALLED=\"${{LOOKOUT_CALLED%%/*}}{}\"\nexport LOOKOUT_CALLED\nexec {LOOKOUT} run --config /none --state {}\n",
        marks.display(),
        base.display(),
        camera.state().display()
    );
    let (process, http) = (camera.pid(), camera.http);
    camera.admin().post(UPGRADE, &builder.package("0.2.0", fails.as_bytes(), &[])).ok();
    camera.started_anew();
    assert_eq!((camera.pid(), fs::read_to_string(marks).unwrap()), (process, "x\n".repeat(3)));
    assert_eq!(camera.http, http, "the sockets went all the way");
    assert!(record(&camera).is_empty());
    assert!(journal(&camera).contains("version 0.2.0 failed"), "{}", journal(&camera));
}

#[test]
fn a_hundred_viewers_are_back_within_moments_of_an_upgrade() {
    let builder = Builder::new(LOOKOUT);
    let config = builder.pinned("");
    let mut camera =
        Camera::setup(&Setup { binary: LOOKOUT, config: &config, source: "demo:?size=160x120&fps=30", tls: false });
    let mut viewers: Vec<_> = (0..100).map(|_| Viewer::open(&camera.viewer(), "/videostream.cgi")).collect();
    assert!(viewers.iter_mut().all(|viewer| viewer.next_jpeg().is_some()));
    camera.admin().post(UPGRADE, &builder.package("0.2.0", &builder.works(), &[])).ok();
    let begin = Instant::now();
    camera.started_anew();
    // Each comes back as a recorder does, when its stream has ended.
    for mut old in viewers {
        while old.next_jpeg().is_some() {}
        assert!(Viewer::open(&camera.viewer(), "/videostream.cgi").next_jpeg().is_some());
    }
    println!("100 viewers are back {} ms after the answer to the upgrade", begin.elapsed().as_millis());
    assert_eq!(record(&camera).len(), 1);
}

#[test]
fn a_version_that_stays_well_is_proven_and_comes_back_where_the_next_one_fails() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned(""));
    camera.admin().post(UPGRADE, &builder.package("0.2.0", &builder.works(), &[])).ok();
    camera.started_anew();
    // Both loops must turn for half a minute, which is longer than tests have patience.
    thread::sleep(Duration::from_secs(20));
    eventually("it is proven", || record(&camera) == [format!("0.2.0 proven 0 over {BASE}")]);
    eventually("what was kept for the way back is gone", || {
        files(&camera) == ["installed", "lookout-0.2.0", "lookout-0.2.0.package"]
    });
    eventually("the journal says so", || journal(&camera).contains("version 0.2.0 is well"));
    camera.admin().post(UPGRADE, &builder.package("0.3.0", b"\x7fELF of another machine", &[])).ok();
    camera.started_anew();
    assert_eq!(record(&camera), [format!("0.2.0 proven 1 over {BASE}")]);
    assert!(journal(&camera).contains("version 0.3.0 failed"), "{}", journal(&camera));
}

#[test]
fn what_lies_in_the_folder_and_was_not_signed_does_not_run() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = start(&builder.pinned(""));
    camera.admin().post(UPGRADE, &builder.package("0.2.0", &builder.works(), &[])).ok();
    camera.started_anew();
    let [program, package] =
        ["lookout-0.2.0", "lookout-0.2.0.package"].map(|name| camera.state().join("upgrade").join(name));
    let [genuine, signed] = [&program, &package].map(|path| fs::read(path).unwrap());
    let restarts = |camera: &mut Camera, runs: bool, what: &str| {
        let (log, before) = (camera.log().len(), record(camera));
        camera.restart();
        let refused = camera.log()[log..].contains("version 0.2.0 does not run, so the base does");
        assert_eq!((refused, record(camera) == before), (!runs, !runs), "{what}: {}", camera.log());
    };
    restarts(&mut camera, true, "as it was installed");
    fs::write(&program, [&genuine[..], b"x"].concat()).unwrap();
    restarts(&mut camera, false, "another program");
    fs::write(&program, &genuine).unwrap();
    fs::write(&package, Builder::new(LOOKOUT).package("0.2.0", &genuine, &[])).unwrap();
    restarts(&mut camera, false, "signed by somebody else");
    fs::write(&package, builder.package("0.1.5", &genuine, &[])).unwrap();
    restarts(&mut camera, false, "another version's package");
    fs::remove_file(&package).unwrap();
    restarts(&mut camera, false, "no package");
    fs::write(&package, &signed).unwrap();
    let config = fs::read_to_string(camera.config()).unwrap();
    fs::write(camera.config(), config.replace(&builder.key, &Builder::new(LOOKOUT).key)).unwrap();
    restarts(&mut camera, false, "a key that is pinned no more");
    fs::write(camera.config(), &config).unwrap();
    restarts(&mut camera, true, "as it was");
}
