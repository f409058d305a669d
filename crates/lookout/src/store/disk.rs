//! The state folder: one process at a time, two generations of the settings file.
//!
//! Saving: temporary file (0600) → fsync → the current file becomes the previous generation → rename → fsync of the
//! folder. At every step a whole generation is on the disk: reading takes the current one, else the previous one, which
//! becomes the current one.
//! A file of an older format stays as it is until the first save makes it the previous generation.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use lookout_core::profile::{
    settings::Settings,
    stored::{self, Unusable},
};

use crate::files;
use rustix::process::geteuid;

const CURRENT: &str = "settings.toml";
const PREVIOUS: &str = "settings.previous.toml";
const TEMPORARY: &str = "settings.new.toml";
const LOCK: &str = "lock";
/// How often it is asked for, and how long it is waited for in between.
const LOOKS: usize = 5;
const LOOK: Duration = Duration::from_millis(20);
/// Where the folder of versions keeps the settings of before one on trial.
pub const BEFORE: [&str; 2] = ["upgrade", "settings.before.toml"];
/// What such a version made of them.
const NEWER: &str = "settings.newer.toml";
/// The longest that it says, bytes.
const SAID: u64 = 32;
/// Where damaged generations go: the current one, the previous one.
const DAMAGED: [&str; 2] = ["settings.damaged.toml", "settings.previous.damaged.toml"];

/// Why the state folder cannot be used, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is in use.
    #[error("{0}: another lookout uses this state folder; stop it first")]
    InUse(PathBuf),
    /// Its settings are newer than this version.
    #[error(
        "{0}: {1}: a newer lookout wrote it; start that one again, or move settings*.toml away and begin with the \
         factory state"
    )]
    Newer(PathBuf, Unusable),
    /// It is another user's, whose lookout could not read what this one would write there.
    #[error("{0}: this folder belongs to user {1}, and lookout runs as user {2}; run it as {1}, or change the owner")]
    Foreign(PathBuf, u32, u32),
    /// The system refused.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// The state folder, locked until it is dropped.
pub struct Disk {
    dir: PathBuf,
    /// The folder, open: to sync it must not need a descriptor when there is none left.
    folder: File,
    lock: File,
}

impl Disk {
    /// Makes the folder if there is none, locks it, and removes what a cut save left.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let at = |path: PathBuf| |error| StateError::Io(path, error);
        files::make_folder(dir).map_err(at(dir.into()))?;
        let folder = File::open(dir).map_err(at(dir.into()))?;
        ours(dir, folder.metadata().map_err(at(dir.into()))?.uid(), geteuid().as_raw())?;
        let path = dir.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(at(path.clone()))?;
        // Whoever looks who has it has it for a moment.
        let taken = (0..LOOKS).find_map(|_| match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                thread::sleep(LOOK);
                None
            }
            taken => Some(taken),
        });
        match taken.unwrap_or(Err(TryLockError::WouldBlock)) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse(dir.into())),
            Err(TryLockError::Error(error)) => return Err(StateError::Io(path, error)),
        }
        let disk = Self { dir: dir.into(), folder, lock };
        disk.remove(TEMPORARY).map_err(at(dir.join(TEMPORARY)))?;
        Ok(disk)
    }

    /// Brings back the settings of before a newer version that was given up, in the place of those that it made of them; none
    /// where there is no such copy, as it was not on trial.
    fn put_back(&self, newer: &Path) -> Option<Settings> {
        let before = fs::read_to_string(self.dir.join(BEFORE[0]).join(BEFORE[1])).ok()?;
        let settings = stored::decode(&before).ok()?.settings;
        tracing::warn!("{}: a newer version made it, which was given up; it is kept as {NEWER}", newer.display());
        let put =
            fs::rename(newer, self.dir.join(NEWER)).and_then(|()| files::put(&self.dir, CURRENT, &[before.as_bytes()]));
        if let Err(error) = put {
            tracing::error!("the settings of before are in force, and not on the disk before the next change: {error}");
        }
        Some(settings)
    }

    /// Says something of this process to whoever looks at the folder, in the file that locks it; it is lost where the disk
    /// refuses.
    pub fn say(&self, what: &str) {
        let _ = self.lock.set_len(0).and_then(|()| self.lock.write_all_at(what.as_bytes(), 0));
    }

    /// Reads the newest whole generation, and puts aside those that are damaged; none where the camera was never set
    /// up.
    ///
    /// # Errors
    /// A file cannot be read, or is of a newer format; then all files are as they were.
    pub fn load(&self) -> Result<Option<Settings>, StateError> {
        let mut damaged = Vec::new();
        let mut found = None;
        for (name, aside) in [CURRENT, PREVIOUS].into_iter().zip(DAMAGED) {
            let path = self.dir.join(name);
            let text = match fs::read(&path) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StateError::Io(path, error)),
            };
            match stored::decode(&text) {
                Ok(read) => {
                    let reset = [read.missing, read.illegal].concat();
                    if !reset.is_empty() {
                        tracing::info!("{}: factory values for {}", path.display(), reset.join(", "));
                    }
                    found = Some(read.settings);
                    break;
                }
                Err(newer @ Unusable::Newer(_)) => match self.put_back(&path) {
                    Some(settings) => {
                        found = Some(settings);
                        break;
                    }
                    None => return Err(StateError::Newer(path, newer)),
                },
                Err(damage @ (Unusable::Sum | Unusable::Format | Unusable::Toml)) => {
                    damaged.push((path, aside, damage));
                }
            }
        }
        for (path, aside, damage) in damaged {
            tracing::error!("{}: {damage}; it is kept as {aside}", path.display());
            // Moved, not copied: the next save must not make it the previous generation in the good one's place.
            fs::rename(&path, self.dir.join(aside)).map_err(|error| StateError::Io(path, error))?;
        }
        self.step_forward().map_err(|error| StateError::Io(self.dir.join(PREVIOUS), error))?;
        Ok(found)
    }

    /// Writes the settings; when it returns they are on the disk.
    ///
    /// # Errors
    /// The disk refused. The settings that were there are there still.
    pub fn save(&self, settings: &Settings) -> io::Result<()> {
        self.put(settings, |temporary| self.switch(temporary))
    }

    fn put(&self, settings: &Settings, in_place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let temporary = self.dir.join(TEMPORARY);
        let written = files::write(&temporary, &[stored::encode(settings).as_bytes()]);
        written.and_then(|()| in_place(&temporary)).inspect_err(|_| {
            // What is left of the attempt is in the way of nothing: the next save or start removes it as well.
            let _ = self.remove(TEMPORARY);
        })
    }

    fn switch(&self, temporary: &Path) -> io::Result<()> {
        let (current, previous) = (self.dir.join(CURRENT), self.dir.join(PREVIOUS));
        let stepped_back = match fs::rename(&current, &previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            stepped => stepped.is_ok(),
        };
        if let Err(error) = fs::rename(temporary, &current) {
            // The generation that just stepped back is the valid one: it steps forward again, or is read as previous.
            let _ = fs::rename(&previous, &current);
            return Err(error);
        }
        self.folder.sync_all().inspect_err(|_| {
            // What is refused must not come into force at the next start.
            let _ = if stepped_back { fs::rename(&previous, &current) } else { fs::remove_file(&current) };
        })
    }

    /// Puts settings in the place of all that were before, so that no old password stays on the disk.
    ///
    /// What was before the current generation is removed first and for good: at no moment do the new settings stand
    /// beside an old generation, so nothing remains to be done for a start after a cut.
    ///
    /// # Errors
    /// The disk refused. The settings that were there are there still, at worst without their previous generation.
    pub fn start_over(&self, old: &Settings, new: &Settings) -> io::Result<()> {
        self.step_forward()?;
        [PREVIOUS].iter().chain(&DAMAGED).try_for_each(|name| self.remove(name))?;
        self.folder.sync_all()?;
        self.put(new, |temporary| fs::rename(temporary, self.dir.join(CURRENT)))?;
        self.folder.sync_all().inspect_err(|_| {
            // What is refused must not come into force at the next start.
            let _ = self.save(old);
        })
    }

    /// Makes the previous generation the current one where there is no current one, as behind a save that was cut.
    fn step_forward(&self) -> io::Result<()> {
        let (current, previous) = (self.dir.join(CURRENT), self.dir.join(PREVIOUS));
        if !current.try_exists()? && previous.try_exists()? { fs::rename(previous, current) } else { Ok(()) }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        files::remove(&self.dir.join(name))
    }
}

/// Reads the settings beside a camera that may run; none where there are none, or none that this version can read.
pub fn glance(dir: &Path) -> Option<Settings> {
    let read = |name: &&str| Some(stored::decode(&files::peek(&dir.join(name)).ok()?).ok()?.settings);
    [CURRENT, PREVIOUS].iter().find_map(read)
}

/// Says what the camera that uses a state folder right now [said](Disk::say) of itself; none where there is none.
///
/// # Errors
/// It cannot be looked at, or no camera was ever started there.
pub fn said(dir: &Path) -> io::Result<Option<String>> {
    let lock = files::open_theirs(&dir.join(LOCK))?;
    match lock.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut said = String::new();
            lock.take(SAID).read_to_string(&mut said).map(|_| Some(said))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Refuses a folder that is another user's: even root does not write what that one could not read.
fn ours(dir: &Path, owner: u32, us: u32) -> Result<(), StateError> {
    if owner == us { Ok(()) } else { Err(StateError::Foreign(dir.into(), owner, us)) }
}

#[cfg(test)]
mod tests {
    use lookout_core::profile::wire::Wire as _;

    use super::*;

    fn named(alias: &str) -> Settings {
        let mut settings = Settings::factory();
        settings.alias.take(alias).unwrap();
        settings
    }

    #[test]
    fn what_was_saved_is_read_and_one_process_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        assert_eq!(disk.load().unwrap(), None);
        disk.save(&named("porch")).unwrap();
        assert_eq!(disk.load().unwrap(), Some(named("porch")));
        assert!(matches!(Disk::open(dir.path()), Err(StateError::InUse(_))));
    }

    #[test]
    fn a_folder_of_another_user_is_refused_also_by_root() {
        let dir = Path::new("state");
        assert!(ours(dir, 0, 0).is_ok() && ours(dir, 1000, 1000).is_ok());
        for (owner, us) in [(1000, 0), (0, 1000), (1000, 1001)] {
            assert!(matches!(ours(dir, owner, us), Err(StateError::Foreign(_, at, by)) if (at, by) == (owner, us)));
        }
    }

    #[test]
    fn settings_of_a_newer_form_give_way_to_those_of_before_a_version_on_trial_and_to_no_others() {
        let newer = stored::seal(&format!("# Lookout settings, format {}. Of the future.\n", stored::FORMAT + 1));
        // Also where a save of that version was cut between its two renames.
        for name in [CURRENT, PREVIOUS] {
            let dir = tempfile::tempdir().unwrap();
            let disk = Disk::open(dir.path()).unwrap();
            fs::write(dir.path().join(name), &newer).unwrap();
            assert!(matches!(disk.load(), Err(StateError::Newer(..))));
            fs::create_dir(dir.path().join(BEFORE[0])).unwrap();
            fs::write(dir.path().join(BEFORE[0]).join(BEFORE[1]), stored::encode(&named("before"))).unwrap();
            assert_eq!(disk.load().unwrap(), Some(named("before")));
            assert_eq!(fs::read_to_string(dir.path().join(NEWER)).unwrap(), newer);
            // They are on the disk: the copy is not needed any more.
            fs::remove_dir_all(dir.path().join(BEFORE[0])).unwrap();
            assert_eq!(disk.load().unwrap(), Some(named("before")));
        }
    }

    #[test]
    fn a_damaged_file_falls_back_to_the_previous_generation_and_is_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save(&named("old")).unwrap();
        disk.save(&named("new")).unwrap();
        fs::write(dir.path().join(CURRENT), "alias = \"evil\"\n").unwrap();
        assert_eq!(disk.load().unwrap(), Some(named("old")));
        assert_eq!(fs::read_to_string(dir.path().join(DAMAGED[0])).unwrap(), "alias = \"evil\"\n");
    }

    #[test]
    fn a_damaged_file_never_takes_the_place_of_the_previous_generation() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save(&named("old")).unwrap();
        disk.save(&named("new")).unwrap();
        fs::write(dir.path().join(CURRENT), "evil").unwrap();
        assert_eq!(disk.load().unwrap(), Some(named("old")));
        disk.save(&named("next")).unwrap();
        fs::remove_file(dir.path().join(CURRENT)).unwrap(); // As if the save had been cut between its two renames.
        assert_eq!(disk.load().unwrap(), Some(named("old")));
    }

    #[test]
    fn a_save_cut_between_its_two_renames_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save(&named("answered")).unwrap();
        fs::write(dir.path().join(TEMPORARY), "half").unwrap();
        fs::rename(dir.path().join(CURRENT), dir.path().join(PREVIOUS)).unwrap();
        drop(disk);
        let disk = Disk::open(dir.path()).unwrap();
        assert_eq!(disk.load().unwrap(), Some(named("answered")));
        assert!(!dir.path().join(TEMPORARY).exists());
    }

    #[test]
    fn a_reset_that_is_refused_behind_a_cut_save_does_not_cost_the_only_generation() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save(&named("answered")).unwrap();
        fs::rename(dir.path().join(CURRENT), dir.path().join(PREVIOUS)).unwrap();
        fs::create_dir(dir.path().join(TEMPORARY)).unwrap(); // Opening it for writing fails.
        assert!(disk.start_over(&named("answered"), &Settings::factory()).is_err());
        assert_eq!(disk.load().unwrap(), Some(named("answered")));
    }

    #[test]
    fn a_disk_that_refuses_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save(&named("kept")).unwrap();
        fs::create_dir(dir.path().join(TEMPORARY)).unwrap(); // Opening it for writing fails.
        assert!(disk.save(&named("refused")).is_err());
        assert_eq!(disk.load().unwrap(), Some(named("kept")));
    }
}
