//! A power cut at any moment (F15), on a model of a disk that keeps no promise but that of fsync.
//!
//! The system calls of a real camera are written down with strace and played on the model. After each of them the
//! power fails in every way that the model allows, what is then on the disk is put into a folder, and the store of the
//! camera reads it. The model:
//! - what was written to a file is there once the file was synced; else it is cut anywhere, or zeros from anywhere on;
//! - what was done to the folder (create, rename, unlink) is there once the folder was synced; else any part of it, in
//!   its order, each wholly or not at all, as every journaling file system does it.
//!
//! What the model does not know is a disk that lies about fsync; against it there are two generations and a checksum.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use lookout::Store;
use lookout_core::{
    profile::{change::Rules, stored, view::Secrets, wire::Password},
    upgrade::choice::Record,
};
use lookout_testkit::{ADMIN, Builder, Camera, users};

use crate::{
    LOOKOUT,
    folder::{self, Files},
    start,
    strace::{self, Call, Strace},
};

const TEMPORARY: &str = "settings.new.toml";

/// A file's contents: what is certain, and what was written.
#[derive(Clone, Default)]
struct Content {
    synced: Vec<u8>,
    written: Vec<u8>,
}

/// What was done to the folder; files by their number.
#[derive(Clone)]
enum Step {
    Is(String, usize),
    Renamed(String, String, usize),
    Gone(String),
}

/// The disk.
#[derive(Default)]
pub struct Model {
    files: Vec<Content>,
    /// The folder as programs see it.
    seen: BTreeMap<String, usize>,
    /// The folder as it is for certain.
    synced: BTreeMap<String, usize>,
    pending: Vec<Step>,
}

impl Step {
    fn play(&self, folder: &mut BTreeMap<String, usize>) {
        match self {
            Self::Is(name, file) => drop(folder.insert(name.clone(), *file)),
            Self::Renamed(from, to, file) => {
                folder.remove(from);
                folder.insert(to.clone(), *file);
            }
            Self::Gone(name) => drop(folder.remove(name)),
        }
    }
}

impl Model {
    /// A disk on which all of this is certain.
    fn holding(files: &Files) -> Self {
        let mut model = Self::default();
        for (name, bytes) in files {
            model.seen.insert(name.display().to_string(), model.files.len());
            model.files.push(Content { synced: bytes.clone(), written: bytes.clone() });
        }
        model.synced.clone_from(&model.seen);
        model
    }

    /// Does what a call does, to a folder.
    pub fn play(&mut self, call: &Call, state: &Path) {
        // A call that failed did nothing: to remove what is not there, say.
        if call.line.contains(" = -1 ") {
            return;
        }
        let names: Vec<_> =
            call.paths.iter().map(|path| Path::new(path).strip_prefix(state).unwrap().display().to_string()).collect();
        let file = self.seen.get(&names[0]).copied();
        match (call.name.as_str(), file) {
            ("openat", None) => {
                self.files.push(Content::default());
                self.step(Step::Is(names[0].clone(), self.files.len() - 1));
            }
            ("openat", Some(file)) if call.line.contains("O_TRUNC") => self.files[file].written.clear(),
            ("openat", Some(_)) => {}
            ("write", Some(file)) => self.files[file].written.extend(written(&call.line)),
            ("fsync" | "fdatasync", Some(file)) => self.files[file].synced = self.files[file].written.clone(),
            ("fsync", None) => {
                self.synced.clone_from(&self.seen);
                self.pending.clear();
            }
            ("rename", Some(file)) => self.step(Step::Renamed(names[0].clone(), names[1].clone(), file)),
            ("unlink", Some(_)) => self.step(Step::Gone(names[0].clone())),
            _ => panic!("the model does not know {}", call.line),
        }
    }

    fn step(&mut self, step: Step) {
        step.play(&mut self.seen);
        self.pending.push(step);
    }

    /// Gives every folder that there may be after a power cut now.
    pub fn cuts(&self) -> BTreeSet<BTreeMap<String, Vec<u8>>> {
        let subsets = 0..1_u32 << self.pending.len();
        let folders = subsets.map(|subset| {
            let mut folder = self.synced.clone();
            let kept = self.pending.iter().enumerate().filter(|(at, _)| subset & (1 << at) != 0);
            kept.for_each(|(_, step)| step.play(&mut folder));
            folder
        });
        let mut cuts = BTreeSet::new();
        for folder in folders {
            let whole = |except: &str, bytes: &[u8]| {
                let content = |(name, file): (&String, &usize)| {
                    let bytes = if name == except { bytes } else { &self.files[*file].synced };
                    (name.clone(), bytes.to_vec())
                };
                folder.iter().map(content).collect()
            };
            cuts.insert(whole("", b""));
            for (name, file) in &folder {
                let Content { synced, written } = &self.files[*file];
                for cut in (0..=written.len()).step_by(64).filter(|_| synced != written) {
                    let mut zeros = written.clone();
                    zeros[cut..].fill(0);
                    cuts.extend([whole(name, &written[..cut]), whole(name, &zeros)]);
                }
            }
        }
        cuts
    }
}

/// Takes out of a line of strace what was written.
fn written(line: &str) -> Vec<u8> {
    let (begin, end) = (line.find(", \"").unwrap() + 3, line.rfind("\", ").unwrap());
    let mut bytes = Vec::new();
    let mut rest = line[begin..end].bytes().peekable();
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next() } else { None };
        bytes.push(match escaped {
            None => byte,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'v') => 0x0b,
            Some(b'f') => 0x0c,
            Some(digit @ b'0'..=b'7') => {
                let mut octal = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = rest.next_if(|next| (b'0'..=b'7').contains(next)) else { break };
                    octal = octal * 8 + u32::from(digit - b'0');
                }
                u8::try_from(octal).unwrap()
            }
            Some(other) => other,
        });
    }
    bytes
}

/// Does all kinds of things to a camera; returns its state folder, what was in it, and what concerned it.
fn recorded() -> (PathBuf, Files, Vec<Call>) {
    let dir = tempfile::tempdir().unwrap();
    let camera = start();
    let (log, state) = (dir.path().join("log"), camera.state());
    let backup = camera.admin().get("/backup_params.cgi").body;
    let files = folder::read(&state);
    let strace = Strace::attach(camera.pid(), &log, None);
    let admin = camera.admin();
    for round in 0..12 {
        admin.get(&format!("/set_alias.cgi?alias=round+{round}")).ok();
        let accounts = users(&[
            (ADMIN.0, "********", "2"),
            ("viewer", "********", "0"),
            ("new", &format!("new word {round}"), "1"),
        ]);
        admin.get(&format!("/set_users.cgi?{accounts}")).ok();
        match round % 4 {
            1 => admin.post("/restore_params.cgi", &backup).ok(),
            3 => admin.get("/restore_factory.cgi").ok(),
            _ => continue,
        }
        strace::settled(&log, &state);
    }
    strace::settled(&log, &state);
    let mut calls = strace.detach(&state);
    // What the lock says is of the process that holds it.
    let other = |path: &str| path.contains("/journal.") || path.ends_with("/lock");
    calls.retain(|call| call.changes() && !other(&call.paths[0]));
    (state, files, calls)
}

#[test]
fn after_a_power_cut_at_any_moment_the_settings_are_the_answered_ones_or_the_next() {
    let rules = Rules { secrets: Secrets::Masked, password_min: 8 };
    let (state, files, calls) = recorded();
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (mut model, mut states) = (Model::holding(&files), 0);
    let read = |bytes: &[u8]| stored::decode(&String::from_utf8_lossy(bytes)).unwrap().settings;
    // What was answered, and what is on its way.
    let (mut certain, mut next) = (read(&files[Path::new("settings.toml")]), None);
    for call in &calls {
        model.play(call, &state);
        if call.name == "rename" && call.paths[1].ends_with("/settings.toml") {
            next = Some(read(&model.files[model.seen["settings.toml"]].written));
        }
        // A save begins when the one before was answered: nobody asked for two at once.
        if call.name == "openat"
            && let Some(saved) = next.take()
        {
            certain = saved;
        }
        for cut in model.cuts() {
            states += 1;
            fs::remove_dir_all(dir.path()).unwrap();
            fs::create_dir(dir.path()).unwrap();
            cut.iter().for_each(|(name, bytes)| fs::write(dir.path().join(name), bytes).unwrap());
            let opened = Store::open(dir.path(), rules).unwrap();
            let found = opened.store.get();
            let what = || format!("cut after {}: {:?}", &call.line[..call.line.len().min(200)], cut.keys());
            assert!(*found == certain || Some(&*found) == next.as_ref(), "{}", what());
            assert_eq!(opened.fresh, found.users.iter().all(|user| user.pwd == Password::Blank), "{}", what());
            // A reset that is in force has left nothing of before it.
            let secret = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("$argon2id$");
            assert!(!opened.fresh || !cut.iter().any(|(name, bytes)| name != TEMPORARY && secret(bytes)), "{}", what());
            let left = |name: &str| dir.path().join(name).exists();
            assert!(!left(TEMPORARY) && !left("settings.damaged.toml"), "{}", what());
        }
    }
    println!("{} system calls, {states} states after a power cut", calls.len());
    assert!(states >= 5000, "{states}");
}

#[test]
fn after_a_power_cut_at_any_moment_of_an_upgrade_the_version_that_is_called_is_whole() {
    let builder = Builder::new(LOOKOUT);
    let mut camera = Camera::start(LOOKOUT, &builder.pinned(""));
    // What stands behind it, it does not read.
    let program = |version: &str| [&builder.works()[..], version.as_bytes()].concat();
    let packages = ["0.2.0", "0.3.0"].map(|version| builder.package(version, &program(version), &[]));
    let install = |camera: &Camera, package: &[u8]| camera.admin().post("/upgrade_firmware.cgi", package).ok();
    install(&camera, &packages[0]);
    camera.started_anew();
    let (dir, state) = (tempfile::tempdir().unwrap(), camera.state());
    let (log, folder) = (dir.path().join("log"), state.join("upgrade"));
    let mut model = Model::holding(&folder::read(&folder));
    let strace = Strace::attach(camera.pid(), &log, None);
    install(&camera, &packages[1]);
    strace::settled(&log, &state);
    let calls = strace.detach(&state);
    // The upload has no name any more when something is written to it.
    let own = |call: &&Call| {
        let named = Path::new(&call.paths[0]).starts_with(&folder) && !call.paths[0].ends_with("/upload");
        call.changes() && call.name != "fchmod" && named
    };
    let (mut switched, mut answered, mut states) = (false, false, 0);
    for call in calls.iter().filter(own) {
        model.play(call, &folder);
        answered |= switched && call.name == "fsync";
        switched |= call.name == "rename" && call.paths[1].ends_with("/installed");
        for cut in model.cuts() {
            states += 1;
            let record = Record::decode(&String::from_utf8_lossy(&cut["installed"]));
            let version =
                record.0.first().unwrap_or_else(|| panic!("{}: {:?}", call.line, cut["installed"])).version.to_string();
            assert!(version == "0.3.0" || version == "0.2.0" && !answered, "{}: {version}", call.line);
            let whole = cut.get(&format!("lookout-{version}")).is_some_and(|bytes| *bytes == program(&version));
            assert!(whole, "{}: {version}, {:?}", call.line, cut.keys());
            let signed = cut.get(&format!("lookout-{version}.package")).is_some_and(|bytes| packages.contains(bytes));
            assert!(signed, "{}: {version}, {:?}", call.line, cut.keys());
        }
    }
    println!("an upgrade: {} system calls, {states} states after a power cut", calls.len());
    assert!(switched && states >= 100, "{states}");
}
