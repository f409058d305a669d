//! kill -9 before every system call that changes something (F14): what is found afterwards is the old or the new.
//!
//! A deed is first done once and its calls are written down, then done anew for each of them, from the same state, and
//! killed there. After each the camera is started and looked at.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use lookout_core::{
    profile::settings::Settings,
    upgrade::{choice::Record, version::Version},
};
use lookout_testkit::{ADMIN, Account, Builder, Camera, Zip, lookout, users};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    LOOKOUT,
    folder::{self, Files},
    start,
    strace::{self, Call, Point, Strace},
};

/// What is interrupted.
enum Deed {
    /// A request of the manager to a camera that runs, and the file that it sends.
    Ask(String, Option<Vec<u8>>),
    /// A command, and what is typed.
    Run(&'static [&'static str], &'static str),
    /// A start that makes the accounts.
    Start,
}

/// What is so afterwards, if it was done.
#[derive(Clone, Copy)]
struct After {
    /// Who is the manager.
    admin: Account,
    /// Whether no password of before may be left in any file.
    forgotten: bool,
}

const ATTEMPTS: usize = 3;

/// Calls that strace cannot tell apart, in a deed that syncs the state folder twice: the second sync, if the runtime does
/// it in another thread than the first.
const SECOND_SYNC: usize = 1;
/// The same of a start: it clears once more, in other threads, what writing the public addresses may have left, and syncs the
/// folder for the network that was confirmed.
const BEHIND_A_START: usize = 3;
/// The same of a factory reset, behind which a start in other threads makes the accounts in the same files and syncs the folder
/// for the journal, and what is behind that start.
const NEW_ACCOUNTS: usize = 11;

/// The same of an upgrade, behind which the base and the version that it calls start in the same process.
const BEHIND_AN_UPGRADE: usize = 12;

const SAME: After = After { admin: ADMIN, forgotten: false };
const NEW: Account = ("admin", "new password");

fn get(target: &str) -> Deed {
    Deed::Ask(target.into(), None)
}

#[test]
fn a_save_killed_anywhere_is_the_old_or_the_new() {
    killed_anywhere("set_alias.cgi", start(), &get("/set_alias.cgi?alias=after"), SAME, 0);
}

#[test]
fn new_accounts_killed_anywhere_are_the_old_or_the_new() {
    let accounts = users(&[(NEW.0, NEW.1, "2"), ("viewer", "********", "0")]);
    let after = After { admin: NEW, ..SAME };
    killed_anywhere("set_users.cgi", start(), &get(&format!("/set_users.cgi?{accounts}")), after, 0);
    killed_anywhere("lookout passwd", start(), &Deed::Run(&["passwd", "admin"], "new password\n"), after, 0);
}

#[test]
fn a_reset_killed_anywhere_leaves_the_old_or_no_old_password_at_all() {
    let after = After { forgotten: true, ..SAME };
    let damaged = || {
        let camera = start();
        let file = |name| camera.state().join(name);
        fs::copy(file("settings.toml"), file("settings.damaged.toml")).unwrap();
        camera
    };
    killed_anywhere("restore_factory.cgi", damaged(), &get("/restore_factory.cgi"), after, NEW_ACCOUNTS);
    // In the queues are pictures of the old owner's house.
    let queued = || {
        let camera = damaged();
        let folder = camera.state().join("queue/ftp");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("picture"), "of the house").unwrap();
        camera
    };
    killed_anywhere("lookout reset", queued(), &Deed::Run(&["reset"], ""), after, SECOND_SYNC);
}

#[test]
fn a_restore_killed_anywhere_is_the_old_or_the_new() {
    let camera = start();
    let backup = camera.admin().get("/backup_params.cgi").body;
    camera.admin().get("/set_alias.cgi?alias=later").ok();
    let restore = Deed::Ask("/restore_params.cgi".into(), Some(backup));
    killed_anywhere("restore_params.cgi", camera, &restore, SAME, SECOND_SYNC);
}

#[test]
fn a_web_pack_killed_anywhere_is_the_old_or_the_new() {
    let pack = |page: &str| Zip::default().file("index.htm", page.as_bytes()).end();
    let first = || {
        let camera = start();
        camera.admin().post("/upgrade_htmls.cgi", &pack("old")).ok();
        camera
    };
    let install = Deed::Ask("/upgrade_htmls.cgi".into(), Some(pack("new")));
    killed_anywhere("upgrade_htmls.cgi, the first one", start(), &install, SAME, SECOND_SYNC);
    killed_anywhere("upgrade_htmls.cgi", first(), &install, SAME, 0);
    killed_anywhere("restore_htmls.cgi", first(), &get("/restore_htmls.cgi"), SAME, 0);
    killed_anywhere("restore_factory.cgi with a web pack", first(), &get("/restore_factory.cgi"), SAME, NEW_ACCOUNTS);
}

#[test]
fn an_upgrade_killed_anywhere_is_the_old_or_the_new_and_the_camera_starts() {
    let builder = Builder::new(LOOKOUT);
    let package = |version| builder.package(version, &builder.works(), &[]);
    let pinned = || Camera::start(LOOKOUT, &builder.pinned(""));
    let upgraded = || {
        let mut camera = pinned();
        camera.admin().post("/upgrade_firmware.cgi", &package("0.2.0")).ok();
        camera.started_anew();
        camera
    };
    let install = Deed::Ask("/upgrade_firmware.cgi".into(), Some(package("0.3.0")));
    killed_anywhere("upgrade_firmware.cgi, the first one", pinned(), &install, SAME, BEHIND_AN_UPGRADE);
    killed_anywhere("upgrade_firmware.cgi", upgraded(), &install, SAME, BEHIND_AN_UPGRADE);
}

#[test]
fn a_start_that_makes_the_accounts_killed_anywhere_is_one_again() {
    let mut camera = start();
    camera.kill();
    fs::remove_dir_all(camera.state()).unwrap();
    killed_anywhere("the first start", camera, &Deed::Start, SAME, BEHIND_A_START);
    let mut camera = start();
    camera.kill();
    let reset = lookout(LOOKOUT, &["reset", "--state", camera.state().to_str().unwrap()], "");
    assert!(reset.status.success());
    killed_anywhere("the start after a reset", camera, &Deed::Start, SAME, BEHIND_A_START);
}

/// What was found after a start.
struct Found {
    settings: Settings,
    /// The start page.
    page: Vec<u8>,
    /// The installed version that is wanted.
    version: Option<Version>,
    files: Files,
}

impl Found {
    fn is_like(&self, other: &Self) -> bool {
        self.settings == other.settings && self.page == other.page && self.version == other.version
    }
}

/// A camera, its state before the deed, and what it may be like afterwards.
struct Scene {
    camera: Camera,
    before: Files,
    old: Found,
    log: PathBuf,
}

/// Does a deed anew for each of its calls, killed there; at most so many calls are missed.
fn killed_anywhere(name: &str, mut camera: Camera, deed: &Deed, after: After, misses: usize) {
    camera.kill();
    let before = folder::read(&camera.state());
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene { old: look(&mut camera, &before), camera, before, log: dir.path().join("log") };
    let (calls, said) = scene.dry(deed);
    assert!(said, "{name} was not done");
    let new = look(&mut scene.camera, &scene.before);
    // What services do behind a start may fall into anything.
    let own = |point: &Option<Point>| point.as_ref().is_none_or(|point| !folder::is_of_a_service(point.path.as_ref()));
    let points: Vec<_> = strace::points(&calls).into_iter().filter(own).collect();
    let mut outcomes = [0, 0];
    for (at, point) in points.iter().enumerate() {
        let Some(point) = point else { continue };
        // The runtime may do in two threads what it did in one, which strace cannot tell from a first call either.
        let Some(said) = (0..ATTEMPTS).find_map(|_| scene.killed(deed, point)) else { continue };
        let found = look(&mut scene.camera, &scene.before);
        let what = format!("{name}, killed before call {at} ({point:?}), answered: {said}");
        let is_new = found.is_like(&new);
        assert!(is_new || found.is_like(&scene.old), "{what}: neither the old nor the new");
        assert!(is_new || !said, "{what}: the old");
        outcomes[usize::from(is_new)] += 1;
        let whole = if is_new { &new } else { &scene.old };
        let (names, known) = (folder::names(&found.files), folder::names(&whole.files));
        assert!(names.is_subset(&known), "{what}: {names:?}, not only {known:?}");
        assert!(
            folder::pages(&found.files).eq(folder::pages(&whole.files)),
            "{what}: another web pack than the named one"
        );
        scene.nobody_else_gets_in(if is_new { after.admin } else { ADMIN }, &what);
        if is_new && after.forgotten {
            scene.nothing_is_left_of_the_old_passwords(&found, &what);
        }
    }
    let met: usize = outcomes.iter().sum();
    println!("{name}: killed at {met} of {} calls, found {} old, {} new", points.len(), outcomes[0], outcomes[1]);
    assert!(met >= 6 && met + misses >= points.len(), "{name}: more than {misses} were not met: {points:?}");
}

/// Starts the camera on what is there and reads its settings.
fn look(camera: &mut Camera, before: &Files) -> Found {
    camera.restart();
    let files = folder::read(&camera.state());
    let record = files
        .get(Path::new("upgrade/installed"))
        .map_or_else(String::new, |text| String::from_utf8_lossy(text).into_owned());
    let version = Record::decode(&record).0.first().map(|installed| installed.version);
    Found { settings: folder::settings(&files, before), page: camera.client().get("/").body, version, files }
}

impl Scene {
    /// Does the deed to its end; returns its calls and whether it was answered well.
    fn dry(&mut self, deed: &Deed) -> (Vec<Call>, bool) {
        self.prepare(deed);
        let state = self.camera.state();
        match deed {
            Deed::Ask(..) => {
                let strace = Strace::attach(self.camera.pid(), &self.log, None);
                let said = self.ask(deed);
                strace::settled(&self.log, &state);
                (strace.detach(&state), said)
            }
            Deed::Run(..) | Deed::Start => {
                let said = self.run(deed, None).0;
                (strace::calls(&self.log, &state), said)
            }
        }
    }

    /// Does the deed up to a point; returns whether it was answered well, or none if that very point was not met.
    fn killed(&mut self, deed: &Deed, point: &Point) -> Option<bool> {
        self.prepare(deed);
        let inject = Some((point, "signal=KILL"));
        match deed {
            Deed::Ask(..) => {
                let mut strace = Strace::attach(self.camera.pid(), &self.log, inject);
                let said = self.ask(deed);
                let begin = std::time::Instant::now();
                while !strace.ended() && begin.elapsed() < Duration::from_secs(1) {
                    thread::sleep(Duration::from_millis(5));
                }
                let met = strace.ended();
                let calls = strace.detach(&self.camera.state());
                (met && point.is_last_of(&calls)).then_some(said)
            }
            Deed::Run(..) | Deed::Start => {
                let (said, met) = self.run(deed, inject);
                let calls = strace::calls(&self.log, &self.camera.state());
                (met && point.is_last_of(&calls)).then_some(said)
            }
        }
    }

    /// Asks as the manager; says whether the answer came and is `ok.`
    fn ask(&self, deed: &Deed) -> bool {
        let admin = self.camera.admin();
        let request = match deed {
            Deed::Ask(target, None) => admin.request("GET", target).into_bytes(),
            Deed::Ask(target, Some(file)) => admin.upload(target, file),
            Deed::Run(..) | Deed::Start => unreachable!("a program is no request"),
        };
        let mut conn = admin.connect();
        conn.write(request);
        conn.try_reply().is_some_and(|reply| reply.status == 200 && reply.text() == "ok.\n")
    }

    fn prepare(&mut self, deed: &Deed) {
        self.camera.kill();
        folder::write(&self.camera.state(), &self.before);
        if let Deed::Ask(..) = deed {
            self.camera.restart();
        }
    }

    /// Runs the program under strace; returns whether it did what it should, and whether it was killed.
    fn run(&self, deed: &Deed, inject: Option<(&Point, &str)>) -> (bool, bool) {
        let (args, input) = match deed {
            Deed::Run(args, input) => (*args, *input),
            Deed::Start => (&["run", "--json", "--listen", "127.0.0.1:0", "--source", "demo:"][..], ""),
            Deed::Ask(..) => unreachable!("a request is no program"),
        };
        let mut child = strace::command(&self.log, inject)
            .arg(LOOKOUT)
            .args(args)
            .arg("--config")
            .arg(self.camera.config())
            .arg("--state")
            .arg(self.camera.state())
            .env("LOOKOUT_ADMIN_PASSWORD", ADMIN.1)
            .env("LOOKOUT_VIEWER_PASSWORD", lookout_testkit::VIEWER.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Who is killed does not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // A start says one line when it is done; a command ends.
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        if let Deed::Start = deed
            && !line.is_empty()
        {
            let log = fs::read_to_string(&self.log).unwrap();
            let pid = log.split(' ').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            child.wait().unwrap();
            return (true, false);
        }
        let status = child.wait().unwrap();
        (status.success() && !matches!(deed, Deed::Start), status.code().is_none())
    }

    fn nobody_else_gets_in(&self, admin: Account, what: &str) {
        let status = |account: Account| self.camera.client().basic(account).get("/get_params.cgi").status;
        assert_eq!(status(admin), 200, "{what}");
        let other = if admin == ADMIN { NEW } else { ADMIN };
        for stranger in [other, ("admin", ""), ("", ""), ("oper", "")] {
            assert_eq!(status(stranger), 401, "{what}: {stranger:?}");
        }
    }

    fn nothing_is_left_of_the_old_passwords(&self, found: &Found, what: &str) {
        let text = String::from_utf8_lossy(&self.before[&PathBuf::from("settings.toml")]).into_owned();
        for hash in text.split('"').filter(|part| part.starts_with("$argon2id$")) {
            for (name, bytes) in &found.files {
                assert!(!String::from_utf8_lossy(bytes).contains(hash), "{what}: {}", name.display());
            }
        }
    }
}
