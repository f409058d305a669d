//! Other versions of the program: taken in by `upgrade_firmware.cgi`, verified, put beside the base, and called by it at the next
//! start (PROFILE 5.10, RULES R9.1, ADR 0039).
//!
//! ```text
//! upload ─▶ a file without a name ─▶ signature ─▶ manifest ─▶ upgrade/new ─ fsync ─▶ upgrade/lookout-VERSION ─▶ the record
//! ```
//! Writing the record is the switch: before that the version that runs is called again, behind it the new one. Whatever lies in the
//! folder and is not in the record is left of a cut installation; the next start removes it (F14).

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
        choice::{Installed, Record},
        manifest::Manifest,
        version::Version,
    },
};
use lookout_linux::handover;
use rustix::fs::{Access, access};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::spawn_blocking,
    time::sleep,
};

pub use self::{
    call::{CALLED, Started, call},
    package::{Key, pack},
};
use crate::{
    files,
    http::{self, Upload},
    journal::Journal,
    watchdog::Watchdog,
};

/// For which machines this program is.
pub const TARGET: &str = env!("LOOKOUT_TARGET");
/// The version of this program.
pub const OWN: Version = own();

/// Where versions lie in the state folder, and beside them what is known of them and the settings of before the newest.
const FOLDER: &str = "upgrade";
const RECORD: &str = "installed";
const SETTINGS: &str = "settings.before.toml";
/// A package that comes in, for the moment in which it has a name, and a program that is being unpacked.
const UPLOAD: &str = "upload";
const NEW: &str = "new";
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
    let record = Record::decode(&fs::read_to_string(state.join(FOLDER).join(RECORD)).unwrap_or_default());
    let line = |installed: &Installed| {
        let Installed { version, proven, starts, over } = installed;
        let state = if *proven { "is well" } else { "is on trial" };
        format!("{version} over {over}: {state}, {starts} starts since")
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

fn program(folder: &Path, version: Version) -> PathBuf {
    folder.join(format!("lookout-{version}"))
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
    record: Mutex<()>,
}

/// A version that was verified and unpacked and is not installed; dropping it removes it.
pub struct New {
    manifest: Manifest,
    file: PathBuf,
    _door: OwnedMutexGuard<()>,
}

impl Drop for New {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start; where it was installed it is not there any more.
        let _ = fs::remove_file(&self.file);
    }
}

impl Upgrades {
    /// Removes what cut installations left.
    pub fn open(state: &Path, started: Started, keys: Vec<Key>, downgrade: bool) -> Self {
        let keys = if keys.is_empty() { Key::built_in() } else { keys };
        let all =
            Self { state: state.into(), started, keys, downgrade, door: Arc::default(), record: Mutex::default() };
        all.tidy();
        all
    }

    /// Returns the version that runs.
    pub fn running(&self) -> Version {
        self.started.version
    }

    fn folder(&self) -> PathBuf {
        self.state.join(FOLDER)
    }

    fn read(&self) -> Record {
        Record::decode(&files::read_back(&self.folder(), RECORD).unwrap_or_default())
    }

    /// Removes every file that the record does not name, but that of the version that runs; and the settings of before one on trial
    /// where none is.
    fn tidy(&self) {
        let (record, folder) = (self.read(), self.folder());
        let named = record.0.iter().map(|installed| installed.version).chain([self.started.version]);
        let mut kept: Vec<_> = named.map(|version| program(&folder, version)).collect();
        kept.push(folder.join(RECORD));
        if record.0.iter().any(|installed| !installed.proven) {
            kept.push(folder.join(SETTINGS));
        }
        for file in fs::read_dir(&folder).into_iter().flatten().flatten().filter(|file| !kept.contains(&file.path())) {
            if let Err(error) = fs::remove_file(file.path()) {
                tracing::warn!("{} is not removed: {error}", file.path().display());
            }
        }
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
        let mut file = tokio::fs::File::from_std(self.nameless().map_err(not_stored)?);
        upload.file(head, upgrade::LONGEST, &mut file).await?;
        let (file, this) = (file.into_std().await, self.clone());
        blocking(move || this.verified(&file, door)).await
    }

    fn verified(&self, file: &File, door: OwnedMutexGuard<()>) -> Result<New, Refused> {
        let package = package::Package::open(file, &self.keys)?;
        package.manifest.fits(self.started.version, TARGET, self.downgrade)?;
        let path = self.folder().join(NEW);
        let new = New { manifest: package.manifest.clone(), file: path.clone(), _door: door };
        let program = files::create(&path).map_err(not_stored)?;
        program.set_permissions(Permissions::from_mode(0o700)).map_err(not_stored)?;
        package.unpack(&program)?;
        match access(&path, Access::EXEC_OK) {
            Ok(()) => Ok(new),
            Err(_) => Err(BadPackage("the file system of the state folder lets no program run (noexec)".into()).into()),
        }
    }

    /// Has an unpacked version called from the next start on.
    ///
    /// # Errors
    /// `Internal`: the disk refused, and the version that runs is called again.
    pub async fn install(self: &Arc<Self>, new: New, settings: &Settings) -> Result<(), Failure> {
        let _one = self.record.lock().await;
        let (this, before) = (self.clone(), stored::encode(settings));
        let installed = blocking(move || {
            let (folder, version) = (this.folder(), new.manifest.version);
            files::put(&folder, SETTINGS, &[before.as_bytes()])?;
            fs::rename(&new.file, program(&folder, version))?;
            files::sync(&folder)?;
            let record = this.read().installed(version, this.started.over);
            files::put(&folder, RECORD, &[record.encode().as_bytes()])?;
            tracing::info!("version {version} is installed, and tried with the restart");
            this.tidy();
            Ok::<_, io::Error>(())
        });
        installed.await.map_err(not_stored)
    }

    /// Notes once that this version is well, behind [`WELL`] in which both loops turned without a break; and tells the journal what
    /// the start gave up.
    pub async fn prove(self: Arc<Self>, watchdog: Arc<Watchdog>, journal: Arc<Journal>) {
        let version = |version: Version| version.to_string();
        self.started.given_up.iter().for_each(|failed| journal.note(&Event::GivenUp(version(*failed))));
        if self.started.installed.is_none() {
            return;
        }
        let mut turned = Duration::ZERO;
        while turned < WELL {
            sleep(LOOK).await;
            turned = if watchdog.healthy().is_ok() { turned + LOOK } else { Duration::ZERO };
        }
        handover::end_within(None);
        let _one = self.record.lock().await;
        let well = self.read().well(self.started.version);
        files::keep(&self.folder(), RECORD, well.encode(), "that this version is well").await;
        if let Err(error) = files::forget(&self.folder(), SETTINGS) {
            tracing::warn!("the settings of before this version stay on the disk: {error}");
        }
        if self.started.on_trial() {
            tracing::info!("version {} is well and stays", self.started.version);
            journal.note(&Event::Upgraded(version(self.started.version)));
        }
    }

    /// Opens a file that has no name, so that nothing is left of it whatever happens.
    fn nameless(&self) -> io::Result<File> {
        let folder = self.folder();
        files::make_folder(&folder)?;
        let path = folder.join(UPLOAD);
        let file = files::create(&path)?;
        fs::remove_file(path).map(|()| file)
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

/// Runs what waits for the disk where nobody else waits for it.
async fn blocking<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    spawn_blocking(work).await.unwrap_or_else(|ended| Err(io::Error::other(ended).into()))
}
