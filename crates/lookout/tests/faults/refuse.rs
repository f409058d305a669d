//! A disk that refuses (F13) or cannot be used at all (F30): what was is kept, memory and disk say the same, pictures
//! go on, and the next save works.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
};

use lookout_testkit::{Camera, Viewer, lookout, vendor_pack};

use crate::{
    LOOKOUT, alias, folder, start,
    strace::{self, Point, Strace},
};

/// How disks say no: broken, full, over quota, read-only.
const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EDQUOT", "EROFS"];

/// Returns the calls that change something in the state folder while a request is answered.
fn points(camera: &Camera, target: &str) -> Vec<Point> {
    let dir = tempfile::tempdir().unwrap();
    let (log, state) = (dir.path().join("log"), camera.state());
    let strace = Strace::attach(camera.pid(), &log, None);
    camera.admin().get(target).ok();
    strace::settled(&log, &state);
    let calls: Vec<_> = strace.detach(&state).into_iter().filter(strace::Call::changes).collect();
    // What follows when the save is done, the journal and a restart, is not what the answer promises.
    let renamed = calls.iter().position(|call| call.line.ends_with("/settings.toml\") = 0")).unwrap();
    let synced = calls[renamed..].iter().position(|call| call.name == "fsync").unwrap();
    strace::points(&calls[..=renamed + synced]).into_iter().flatten().collect()
}

/// Asks for a change while a call is refused, and looks whether everything is as it was.
fn refused(camera: &Camera, target: &str, point: &Point, error: &str) {
    let dir = tempfile::tempdir().unwrap();
    let what = format!("{target}, {error} at {point:?}");
    let before = fs::read(camera.state().join("settings.toml")).unwrap();
    let strace = Strace::attach(camera.pid(), &dir.path().join("log"), Some((point, &format!("error={error}"))));
    let reply = camera.admin().get(target);
    strace.detach(&camera.state());
    assert_eq!((reply.status, reply.text()), (200, "error: internal."), "{what}");
    nothing_has_changed(camera, &before, &what);
}

fn nothing_has_changed(camera: &Camera, before: &[u8], what: &str) {
    assert!(fs::read(camera.state().join("settings.toml")).unwrap() == before, "{what}: another file");
    assert_eq!(alias(camera), "'before'", "{what}");
    assert_eq!(camera.operator().get("/check_user.cgi").status, 200, "{what}");
    assert!(!camera.state().join("settings.new.toml").exists(), "{what}");
}

/// Changes the alias and takes that back.
fn saves_again(camera: &Camera) {
    camera.admin().get("/set_alias.cgi?alias=again").ok();
    assert!(fs::read_to_string(camera.state().join("settings.toml")).unwrap().contains("\nalias = \"again\"\n"));
    camera.admin().get("/set_alias.cgi?alias=before").ok();
}

#[test]
fn whatever_call_of_a_save_or_a_reset_is_refused_changes_nothing() {
    let mut camera = start();
    let save = points(&camera, "/set_alias.cgi?alias=other");
    camera.admin().get("/set_alias.cgi?alias=before").ok();
    let files = folder::read(&camera.state());
    let reset = points(&camera, "/restore_factory.cgi");
    camera.kill();
    folder::write(&camera.state(), &files);
    camera.restart();
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    let mut last = viewer.number();
    for (target, points) in [("/set_alias.cgi?alias=after", &save), ("/restore_factory.cgi", &reset)] {
        for point in points {
            for error in ERRORS {
                refused(&camera, target, point, error);
                let number = viewer.number();
                assert!(number > last, "{target} {point:?}: the stream stands still");
                last = number;
            }
            saves_again(&camera);
        }
        println!("{target}: refused at {} calls with each of {ERRORS:?}", points.len());
        assert!(points.len() >= 6);
    }
    camera.restart();
    assert_eq!(alias(&camera), "'before'");
}

/// A small disk of its own in place of a folder, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn over(folder: &Path, options: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).status().unwrap();
        assert!(mount.success());
        Self(folder.into())
    }

    /// Fills it up but for so many bytes.
    fn fill(&self, room: u64) {
        let mut full = File::create(self.0.join("full")).unwrap();
        while full.write_all(&[0; 4096]).is_ok() {}
        full.set_len(full.metadata().unwrap().len() - room).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a camera may still have it open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_costs_the_change_and_nothing_else_and_heals() {
    let mut camera = start();
    camera.kill();
    let (state, files) = (camera.state(), folder::read(&camera.state()));
    let disk = SmallDisk::over(&state, "size=64k,mode=700");
    files.iter().for_each(|(name, bytes)| fs::write(state.join(name), bytes).unwrap());
    camera.restart();
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    let before = fs::read(state.join("settings.toml")).unwrap();
    // No room at all, and room for a part of the file.
    for room in [0, 4096] {
        disk.fill(room);
        camera.admin().get("/set_alias.cgi?alias=after").error("error: internal.");
        nothing_has_changed(&camera, &before, &format!("{room} bytes left"));
        viewer.picture();
        fs::remove_file(state.join("full")).unwrap();
        saves_again(&camera);
    }
    camera.restart();
    assert_eq!(alias(&camera), "'before'");
    camera.kill();
}

#[test]
fn a_web_pack_for_which_there_is_no_room_leaves_the_pages_as_they_were() {
    let mut camera = start();
    camera.kill();
    let (state, files) = (camera.state(), folder::read(&camera.state()));
    let disk = SmallDisk::over(&state, "size=1m,mode=700");
    files.iter().for_each(|(name, bytes)| fs::write(state.join(name), bytes).unwrap());
    camera.restart();
    let pack = |page: &[u8]| vendor_pack([1; 4], &[("/index.htm", Some(page))]);
    let install = |page: &[u8]| camera.admin().post("/upgrade_htmls.cgi", &pack(page));
    install(b"old").ok();
    // No room for the pack as it comes in, none for its pages, and none for all of them.
    for room in [0, 100_000, 250_000, 390_000] {
        disk.fill(room);
        install(&[b'x'; 200_000]).error("error: internal.");
        fs::remove_file(state.join("full")).unwrap();
        assert_eq!(camera.client().get("/").body, b"old", "{room} bytes left");
        assert_eq!(fs::read_dir(state.join("web")).unwrap().count(), 1, "{room} bytes left");
    }
    install(&[b'x'; 200_000]).ok();
    assert_eq!(camera.client().get("/").body, [b'x'; 200_000]);
    camera.kill();
}

/// Runs the camera on a folder where it cannot start; returns its exit code and its one sentence.
fn run(state: &Path) -> (Option<i32>, String) {
    let args = ["run", "--listen", "127.0.0.1:0", "--source", "demo:", "--state", state.to_str().unwrap()];
    let ended = lookout(LOOKOUT, &args, "");
    let error = String::from_utf8(ended.stderr).unwrap();
    let sentences: Vec<_> = error.lines().filter(|line| line.starts_with("lookout: ")).collect();
    assert!(ended.stdout.is_empty() && sentences.len() == 1, "{error}");
    (ended.status.code(), sentences[0].to_owned())
}

#[test]
fn a_first_start_on_a_full_disk_makes_no_account_that_nobody_knows() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::over(&dir.path().join("state"), "size=64k,mode=700");
    disk.fill(0);
    let (code, error) = run(&disk.0);
    assert!(code == Some(1) && error.contains("cannot be saved"), "{error}");
    let mut names: Vec<_> = folder::read(&disk.0).into_keys().collect();
    names.retain(|name| name != Path::new("full"));
    assert_eq!(names, [Path::new("lock")]);
}

#[test]
fn a_read_only_or_foreign_folder_is_one_clear_sentence_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::over(&dir.path().join("state"), "size=64k,mode=700");
    let before = start();
    let files = folder::read(&before.state());
    files.iter().for_each(|(name, bytes)| fs::write(disk.0.join(name), bytes).unwrap());
    assert!(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&disk.0).status().unwrap().success());
    let (code, error) = run(&disk.0);
    assert!(code == Some(1) && error.contains("Read-only"), "{error}");
    assert_eq!(folder::read(&disk.0), files);

    let foreign = dir.path().join("foreign");
    folder::write(&foreign, &files);
    // A user namespace of one user has nobody else to give it to.
    if chown(&foreign, Some(1000), None).is_ok() {
        let (code, error) = run(&foreign);
        assert!(code == Some(78) && error.contains("belongs to user 1000"), "{error}");
        assert_eq!(folder::read(&foreign), files);
    } else {
        println!("NOT RUN: a foreign folder, as there is no other user here");
    }
}
