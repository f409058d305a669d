//! Other versions of the program: taken in by `upgrade_firmware.cgi`, verified, put beside the base, and called by it at the next
//! start (PROFILE 5.10, RULES R9.1, ADR 0039).
//!
//! ```text
//! upload ─▶ a file without a name ─▶ signature ─▶ manifest ─▶ upgrade/new ─ fsync ─▶ upgrade/lookout-VERSION ─▶ the record
//! ```
//! The package stays beside the program, as upgrade/lookout-VERSION.package: each start of the base verifies both anew, so that
//! whoever may write the folder still cannot have a program run that nobody signed.
//!
//! Writing the record is the switch: before that the version that runs is called again, behind it the new one. Whatever lies
//! in the folder and is not in the record is left of a cut installation; the next start removes it (F14).

mod call;
mod package;

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lookout_core::{
    head::Head,
    journal::Event,
    profile::{reply::Failure, settings::Settings, stored},
    upgrade::{
        self, BadPackage,
        choice::{self, Installed, Record},
        manifest::Manifest,
        version::Version,
    },
};
use lookout_linux::handover;
use rustix::fs::{Access, access};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::sleep,
};

use self::package::Package;
pub use self::{
    call::{CALLED, Started, call},
    package::{Key, pack},
};
use crate::{
    files::{self, Temporary},
    http::{self, Upload},
    journal::Journal,
    store,
    watchdog::Watchdog,
};

/// For which machines this program is.
pub const TARGET: &str = env!("LOOKOUT_TARGET");
/// The version of this program.
pub const OWN: Version = own();

/// Where versions lie in the state folder, and beside them what is known of them and the settings of before the newest.
const FOLDER: &str = store::BEFORE[0];
const SETTINGS: &str = store::BEFORE[1];
const RECORD: &str = "installed";
/// A package that comes in, for the moment in which it has a name, and one that is being installed: itself and its program.
const UPLOAD: &str = "upload";
const NEW: [&str; 2] = ["new.package", "new"];
/// How long both loops must turn before a version is well.
const WELL: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Why a package is not taken.
pub type Refused = http::Refused<BadPackage>;

impl From<BadPackage> for Refused {
    fn from(why: BadPackage) -> Self {
        Self::Bad(why)
    }
}

/// Says in a line each which versions are installed in a state folder, the one that is wanted first.
pub fn installed(state: &Path) -> Vec<String> {
    let record = Record::decode(&files::peek(&state.join(FOLDER).join(RECORD)).unwrap_or_default());
    let line = |installed: &Installed| {
        let Installed { version, proven, starts, over } = installed;
        match proven {
            true => format!("{version} on base {over}: proven"),
            false => format!("{version} on base {over}: on trial, {starts} of {} starts used", choice::TRIES),
        }
    };
    record.0.iter().map(line).collect()
}

/// Removes the settings of before the newest version, which are the old owner's.
///
/// # Errors
/// The disk refuses.
pub fn forget_owner(state: &Path) -> io::Result<()> {
    files::forget(&state.join(FOLDER), SETTINGS)
}

/// Reads the version of this package of cargo's; its three numbers are decimal.
const fn own() -> Version {
    const fn number(text: &str) -> u16 {
        match u16::from_str_radix(text, 10) {
            Ok(number) => number,
            Err(_) => panic!("a version has small numbers"),
        }
    }
    Version(
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    )
}

/// Reads the record; an empty one where nothing was ever installed.
fn read(folder: &Path) -> io::Result<Record> {
    // A temporary one is left of a cut write; it is written over by the next.
    match fs::read(folder.join(RECORD)) {
        Ok(text) => Ok(Record::decode(&String::from_utf8_lossy(&text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
        Err(error) => Err(error),
    }
}

fn write(folder: &Path, record: &Record) -> io::Result<()> {
    files::put(folder, RECORD, &[record.encode().as_bytes()])
}

/// Returns the files of a version: its package, and its program.
fn files_of(folder: &Path, version: Version) -> [PathBuf; 2] {
    [folder.join(format!("lookout-{version}.package")), folder.join(format!("lookout-{version}"))]
}

/// The installed versions, and how another one is taken in.
pub struct Upgrades {
    state: PathBuf,
    started: Started,
    keys: Vec<Key>,
    /// Whether the machine's operator allows a step back.
    downgrade: bool,
    /// Held from the first byte of an upload to the end of its installation.
    door: Arc<Mutex<()>>,
    /// Held while the record changes.
    record: Arc<Mutex<()>>,
}

/// A version that was verified and unpacked and is not installed; dropping it removes it.
pub struct New {
    manifest: Manifest,
    files: [Temporary; 2],
    _door: OwnedMutexGuard<()>,
}

impl Upgrades {
    /// Removes what cut installations left.
    pub fn open(state: &Path, started: Started, keys: Vec<Key>, downgrade: bool) -> Self {
        let keys = if keys.is_empty() { Key::built_in() } else { keys };
        let all = Self { state: state.into(), started, keys, downgrade, door: Arc::default(), record: Arc::default() };
        all.tidy();
        all
    }

    fn folder(&self) -> PathBuf {
        self.state.join(FOLDER)
    }

    /// Removes every file that the record does not name, but that of the version that runs; and the settings of before where
    /// nobody needs them any more.
    fn tidy(&self) {
        let folder = self.folder();
        // What cannot be read now names files all the same.
        let Ok(record) = read(&folder) else { return };
        let named = record.0.iter().map(|installed| installed.version).chain([self.started.version]);
        let mut kept: Vec<_> = named.flat_map(|version| files_of(&folder, version)).collect();
        kept.push(folder.join(RECORD));
        if record.has_trial() {
            kept.push(folder.join(SETTINGS));
        }
        files::keep_only(&folder, &kept);
    }

    /// Takes a package in, verifies it and unpacks it beside what runs.
    ///
    /// # Errors
    /// - `Bad`: the package is refused.
    /// - `Off`: no key is pinned, so nobody could have signed it; nothing was read.
    /// - `Busy`: another one is coming in.
    /// - Those of [`Upload::file`].
    pub async fn unpack(self: &Arc<Self>, head: &Head, upload: Upload<'_>) -> Result<New, Refused> {
        if self.keys.is_empty() {
            return Err(Failure::Off("upgrade.keys").into());
        }
        let door = self.door.clone().try_lock_owned().map_err(|_| Failure::Busy)?;
        let mut file = tokio::fs::File::from_std(files::nameless(&self.folder(), UPLOAD).map_err(not_stored)?);
        upload.file(head, upgrade::LONGEST, &mut file).await?;
        let (file, this) = (file.into_std().await, self.clone());
        files::blocking(move || this.unpack_verified(&file, door)).await
    }

    fn unpack_verified(&self, file: &File, door: OwnedMutexGuard<()>) -> Result<New, Refused> {
        let package = Package::open(file, &self.keys)?;
        package.manifest.fits(self.started.version, TARGET, self.downgrade)?;
        let files = NEW.map(|name| Temporary(self.folder().join(name)));
        let [kept, program] = [files::create(&files[0].0)?, files::create(&files[1].0)?];
        program.set_permissions(Permissions::from_mode(0o700))?;
        package.unpack(&program)?;
        package.copy(&kept)?;
        if access(&files[1].0, Access::EXEC_OK).is_err() {
            return Err(BadPackage("the file system of the state folder lets no program run (noexec)".into()).into());
        }
        Ok(New { manifest: package.manifest, files, _door: door })
    }

    /// Has an unpacked version called from the next start on.
    ///
    /// # Errors
    /// `Internal`: the disk refused, and the version that runs is called again.
    pub async fn install(self: &Arc<Self>, new: New, settings: &Settings) -> Result<(), Failure> {
        let (this, before) = (self.clone(), stored::encode(settings));
        // It goes along, so that it is done to its end, alone, though somebody gives up waiting.
        let one = self.record.clone().lock_owned().await;
        let installed = files::blocking(move || {
            let (_one, folder, version) = (one, this.folder(), new.manifest.version);
            let record = read(&folder)?;
            // Behind a version on trial they are that one's, and the way back leads to those of before it.
            if !record.has_trial() {
                files::put(&folder, SETTINGS, &[before.as_bytes()])?;
            }
            let others = record.without(version);
            if others != record {
                // Before its files are others.
                write(&folder, &others)?;
            }
            for (from, to) in new.files.iter().zip(files_of(&folder, version)) {
                fs::rename(&from.0, to)?;
            }
            files::sync(&folder)?;
            write(&folder, &record.installed(version, this.started.over))?;
            tracing::info!("version {version} is installed, and tried with the restart");
            this.tidy();
            Ok::<_, io::Error>(())
        });
        installed.await.map_err(not_stored)
    }

    /// Notes once that this version is well, behind [`WELL`] in which both loops turned without a break; and tells the journal
    /// what the start gave up.
    pub async fn prove(self: Arc<Self>, watchdog: Arc<Watchdog>, journal: Arc<Journal>) {
        self.started.given_up.iter().for_each(|failed| journal.note(&Event::GivenUp(failed.to_string())));
        if self.started.installed.is_none() {
            return;
        }
        let mut turned = Duration::ZERO;
        while turned < WELL {
            sleep(LOOK).await;
            turned = if watchdog.healthy().is_ok() { turned + LOOK } else { Duration::ZERO };
        }
        handover::end_within(None);
        let version = self.started.version;
        while let Err(error) = self.note(move |record| record.well(version)).await {
            tracing::warn!("that version {version} is well cannot be noted yet: {error}");
            sleep(WELL).await;
        }
        if self.started.on_trial() {
            tracing::info!("version {version} is well and stays");
            journal.note(&Event::Upgraded(version.to_string()));
        }
    }

    /// Notes that this version is asked to end, or to start anew, while it is well: that start is none that it has used up.
    pub async fn ended(self: &Arc<Self>, watchdog: &Watchdog) {
        if self.started.installed.is_none() || watchdog.healthy().is_err() {
            return;
        }
        let version = self.started.version;
        if let Err(error) = self.note(move |record| record.uncounted(version)).await {
            tracing::warn!("this start counts as a failed one: {error}");
        }
    }

    /// Changes the record, and removes what it names no more.
    async fn note(self: &Arc<Self>, change: impl FnOnce(&Record) -> Record + Send + 'static) -> io::Result<()> {
        let (this, one) = (self.clone(), self.record.clone().lock_owned().await);
        files::blocking(move || {
            let (_one, folder) = (one, this.folder());
            write(&folder, &change(&read(&folder)?))?;
            this.tidy();
            Ok(())
        })
        .await
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Failed(not_stored(error))
    }
}

fn not_stored(error: io::Error) -> Failure {
    tracing::error!("a package cannot be stored: {error}");
    Failure::Internal
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::time::timeout;

    use super::{call::Proven, *};
    use crate::{metrics::Metrics, watchdog::Loop};

    const VERSION: Version = Version(9, 8, 7);

    /// A version on trial that was started once, with what it needs.
    fn on_trial() -> (tempfile::TempDir, Arc<Upgrades>, Arc<Watchdog>, Arc<Journal>) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(FOLDER);
        files::make_folder(&folder).unwrap();
        write(&folder, &Record::default().installed(VERSION, OWN).choose(OWN, false).record).unwrap();
        for name in [SETTINGS, "lookout-9.8.7", "lookout-1.1.1", UPLOAD, NEW[0]] {
            fs::write(folder.join(name), stored::encode(&Settings::factory())).unwrap();
        }
        let (installed, base) = (Some(Proven::NotYet), "/usr/bin/lookout".into());
        let started = Started { version: VERSION, installed, base, over: OWN, given_up: vec![Version(1, 1, 1)] };
        let upgrades = Arc::new(Upgrades::open(dir.path(), started, Vec::new(), false));
        let stamp = || format!("{:?}", SystemTime::UNIX_EPOCH);
        let journal = Journal::open(dir.path(), true, Box::new(stamp), Arc::new(Metrics::new()));
        (dir, upgrades, Arc::new(Watchdog::new(None, None)), Arc::new(journal))
    }

    fn names(state: &Path) -> Vec<String> {
        let files = fs::read_dir(state.join(FOLDER)).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn turns(watchdog: &Watchdog) {
        [Loop::Frames, Loop::Http].into_iter().for_each(|which| watchdog.beat(which));
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_whose_loops_turn_is_proven_and_what_was_kept_for_the_way_back_goes() {
        let (dir, upgrades, watchdog, journal) = on_trial();
        assert_eq!(names(dir.path()), [RECORD, "lookout-9.8.7", SETTINGS], "what a cut installation left is gone");
        turns(&watchdog);
        upgrades.prove(watchdog, journal.clone()).await;
        let proven = read(&dir.path().join(FOLDER)).unwrap();
        assert_eq!(proven, Record::default().installed(VERSION, OWN).well(VERSION));
        assert_eq!(names(dir.path()), [RECORD, "lookout-9.8.7"]);
        let told = journal.listing();
        assert!(told.contains("version 1.1.1 failed, back") && told.contains("version 9.8.7 is well"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_of_which_a_loop_stands_still_never_is() {
        let (dir, upgrades, watchdog, journal) = on_trial();
        watchdog.beat(Loop::Http);
        assert!(timeout(WELL * 100, upgrades.prove(watchdog, journal)).await.is_err());
        assert!(read(&dir.path().join(FOLDER)).unwrap().has_trial());
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_refuses_is_asked_again_before_anything_is_said() {
        let (dir, upgrades, watchdog, journal) = on_trial();
        turns(&watchdog);
        let obstacle = dir.path().join(FOLDER).join("installed.new");
        fs::create_dir(&obstacle).unwrap();
        let prove = tokio::spawn(upgrades.prove(watchdog, journal.clone()));
        assert!(timeout(WELL * 10, std::future::pending::<()>()).await.is_err());
        assert!(!prove.is_finished() && !journal.listing().contains("is well"));
        fs::remove_dir(obstacle).unwrap();
        prove.await.unwrap();
        assert!(journal.listing().contains("is well"));
    }

    #[tokio::test]
    async fn an_end_that_is_asked_for_counts_only_against_a_version_that_is_not_well() {
        let (dir, upgrades, watchdog, _) = on_trial();
        let starts = || read(&dir.path().join(FOLDER)).unwrap().0[0].starts;
        upgrades.ended(&watchdog).await;
        assert_eq!(starts(), 1);
        turns(&watchdog);
        upgrades.ended(&watchdog).await;
        assert_eq!(starts(), 0);
    }
}
