//! kill -9 before every system call that changes something (F14): what is found afterwards is the old or the new.
//!
//! A deed is first done once and its calls are written down, then done anew for each of them, from the same state, and
//! killed there. After each the camera is started and looked at.

use std::{collections::BTreeSet, fs, io::Write as _, path::PathBuf, process::Stdio, thread, time::Duration};

use lookout_core::profile::settings::Settings;
use lookout_testkit::{ADMIN, Account, Camera, Zip, users};
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
    /// The first start.
    FirstStart,
}

/// What is so afterwards, if it was done.
#[derive(Clone, Copy)]
struct After {
    /// Who is the manager.
    admin: Account,
    /// Whether no password of before may be left in any file.
    forgotten: bool,
}

const SAME: After = After { admin: ADMIN, forgotten: false };
const NEW: Account = ("admin", "new password");

fn get(target: &str) -> Deed {
    Deed::Ask(target.into(), None)
}

#[test]
fn a_save_killed_anywhere_is_the_old_or_the_new() {
    killed_anywhere("set_alias.cgi", &get("/set_alias.cgi?alias=after"), SAME);
}

#[test]
fn new_accounts_killed_anywhere_are_the_old_or_the_new() {
    let accounts = users(&[(NEW.0, NEW.1, "2"), ("viewer", "********", "0")]);
    let after = After { admin: NEW, ..SAME };
    killed_anywhere("set_users.cgi", &get(&format!("/set_users.cgi?{accounts}")), after);
    killed_anywhere("lookout passwd", &Deed::Run(&["passwd", "admin"], "new password\n"), after);
}

#[test]
fn a_reset_killed_anywhere_leaves_the_old_or_no_old_password_at_all() {
    let after = After { forgotten: true, ..SAME };
    killed_anywhere("restore_factory.cgi", &get("/restore_factory.cgi"), after);
    killed_anywhere("lookout reset", &Deed::Run(&["reset"], ""), after);
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
    killed_from(start(), "upgrade_htmls.cgi, the first one", &install, SAME);
    killed_from(first(), "upgrade_htmls.cgi", &install, SAME);
    killed_from(first(), "restore_htmls.cgi", &get("/restore_htmls.cgi"), SAME);
    killed_from(first(), "restore_factory.cgi with a web pack", &get("/restore_factory.cgi"), SAME);
}

#[test]
fn a_first_start_killed_anywhere_is_a_first_start_again() {
    killed_anywhere("the first start", &Deed::FirstStart, SAME);
}

/// What was found after a start.
struct Found {
    settings: Settings,
    files: Files,
}

/// A camera, its state before the deed, and what it may be like afterwards.
struct Scene {
    camera: Camera,
    before: Files,
    old: Found,
    log: PathBuf,
}

fn killed_anywhere(name: &str, deed: &Deed, after: After) {
    killed_from(start(), name, deed, after);
}

fn killed_from(mut camera: Camera, name: &str, deed: &Deed, after: After) {
    camera.kill();
    let before = match deed {
        Deed::FirstStart => Files::new(),
        Deed::Ask(..) | Deed::Run(..) => folder::read(&camera.state()),
    };
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene { old: look(&mut camera, &before), camera, before, log: dir.path().join("log") };
    let (calls, said) = scene.dry(deed);
    assert!(said, "{name} was not done");
    let new = look(&mut scene.camera, &scene.before);
    let points = strace::points(&calls);
    let (mut outcomes, mut missed) = ([0, 0], 0);
    for (at, point) in points.iter().enumerate() {
        // Which thread does it is for the runtime to decide; where it is another one, it is tried once more.
        let Some(said) = (0..3).find_map(|_| scene.killed(deed, point)) else {
            missed += 1;
            continue;
        };
        let found = look(&mut scene.camera, &scene.before);
        let what = format!("{name}, killed before call {at} ({point:?}), answered: {said}");
        let is_new = found.settings == new.settings;
        assert!(is_new || found.settings == scene.old.settings, "{what}: neither the old nor the new");
        assert!(is_new || !said, "{what}: the old");
        outcomes[usize::from(is_new)] += 1;
        let known: BTreeSet<_> = folder::names(&scene.old.files).union(&folder::names(&new.files)).cloned().collect();
        assert!(folder::names(&found.files).is_subset(&known), "{what}: {:?} beyond {known:?}", found.files.keys());
        let whole = if is_new { &new } else { &scene.old };
        assert!(
            folder::pages(&found.files).eq(folder::pages(&whole.files)),
            "{what}: a web pack that is not the named one"
        );
        scene.nobody_else_gets_in(if is_new { after.admin } else { ADMIN }, &what);
        if is_new && after.forgotten {
            scene.nothing_is_left_of_the_old_passwords(&found, &what);
        }
    }
    println!(
        "{name}: killed at {} points of {}, found {} old, {} new",
        points.len() - missed,
        points.len(),
        outcomes[0],
        outcomes[1]
    );
    assert!(missed == 0 && points.len() >= 6, "{name}: {missed} points of {} not reached", points.len());
}

/// Starts the camera on what is there and reads its settings.
fn look(camera: &mut Camera, before: &Files) -> Found {
    camera.restart();
    let files = folder::read(&camera.state());
    Found { settings: folder::settings(&files, before), files }
}

impl Scene {
    /// Does the deed to its end; returns its calls and whether it was answered well.
    fn dry(&mut self, deed: &Deed) -> (Vec<Call>, bool) {
        self.prepare(deed);
        let state = self.camera.state();
        match deed {
            Deed::Ask(target, file) => {
                let strace = Strace::attach(self.camera.pid(), &self.log, None);
                let said = self.ask(target, file.as_deref());
                strace::settled(&self.log, &state);
                (strace.detach(&state), said)
            }
            Deed::Run(..) | Deed::FirstStart => {
                let said = self.run(deed, None).0;
                (strace::calls(&self.log, &state), said)
            }
        }
    }

    /// Does the deed up to a point; returns whether it was answered well, or none if the point was not met.
    fn killed(&mut self, deed: &Deed, point: &Point) -> Option<bool> {
        self.prepare(deed);
        let inject = Some((point, "signal=KILL"));
        match deed {
            Deed::Ask(target, file) => {
                let mut strace = Strace::attach(self.camera.pid(), &self.log, inject);
                let said = self.ask(target, file.as_deref());
                let begin = std::time::Instant::now();
                while !strace.ended() && begin.elapsed() < Duration::from_secs(3) {
                    thread::sleep(Duration::from_millis(5));
                }
                let met = strace.ended();
                strace.detach(&self.camera.state());
                met.then_some(said)
            }
            Deed::Run(..) | Deed::FirstStart => {
                let (said, met) = self.run(deed, inject);
                met.then_some(said)
            }
        }
    }

    /// Asks as the manager; says whether the answer came and is `ok.`
    fn ask(&self, target: &str, file: Option<&[u8]>) -> bool {
        let admin = self.camera.admin();
        let mut conn = admin.connect();
        match file {
            Some(file) => conn.write(admin.upload(target, file)),
            None => conn.write(admin.request("GET", target)),
        }
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
            Deed::FirstStart => (&["run", "--json", "--listen", "127.0.0.1:0", "--source", "demo:"][..], ""),
            Deed::Ask(..) => unreachable!("a request is no program"),
        };
        let mut child = strace::command(&self.log, inject)
            .arg(LOOKOUT)
            .args(args)
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
        if let Deed::FirstStart = deed
            && !line.is_empty()
        {
            let log = fs::read_to_string(&self.log).unwrap();
            let pid = log.split(' ').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            child.wait().unwrap();
            return (true, false);
        }
        let status = child.wait().unwrap();
        (status.success() && !matches!(deed, Deed::FirstStart), status.code().is_none())
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
