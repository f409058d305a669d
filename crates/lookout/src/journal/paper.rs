//! The journal's file: a line an entry, appended in batches, written anew when it has become long or is damaged.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use lookout_core::journal::KEPT;

use crate::files;

const NAME: &str = "journal.log";
const TEMPORARY: &str = "journal.new.log";
/// How many lines the file may have before it is cut down to those that are kept.
const LONG: usize = 2 * KEPT;
/// The longest file that is read, in bytes; a longer one is none of ours.
const READ: u64 = 4 << 20;

/// The file.
pub struct Paper {
    path: PathBuf,
    temporary: PathBuf,
    lines: usize,
    /// Whether the next write replaces the file, as what is in it cannot be built upon.
    anew: bool,
    /// Whether the last write failed.
    failed: bool,
}

/// What a write cost.
pub struct Written {
    /// Bytes given to the system.
    pub bytes: u64,
    /// Calls of fsync.
    pub syncs: u64,
}

impl Paper {
    /// Opens the file of a state folder, and returns what is in it.
    pub fn open(state: &Path) -> (Self, String) {
        let (path, temporary) = (state.join(NAME), state.join(TEMPORARY));
        // What a cut left. Where it cannot be removed, the next write says what is wrong.
        drop(fs::remove_file(&temporary));
        let found = read(&path);
        let text = found.as_ref().map_or_else(|_| String::new(), Clone::clone);
        if let Err(error) = &found {
            tracing::warn!("{}: {error}; the journal begins anew", path.display());
        }
        let lines = text.lines().count();
        let paper = Self { path, temporary, lines, anew: lines == 0, failed: false };
        (paper, text)
    }

    /// Replaces the file at the next write.
    pub fn rewrite_next(&mut self) {
        self.anew = true;
    }

    /// Says whether a write of so many new entries must bring all of them.
    pub fn wants_all(&self, new: usize) -> bool {
        self.anew || self.lines + new > LONG
    }

    /// Writes lines of which so many are new: appends them, or puts them in place of the file.
    ///
    /// None where the disk refuses, which is said in the log once until it takes them again.
    pub fn write(&mut self, text: &str, new: usize) -> Option<Written> {
        let all = self.wants_all(new);
        if text.is_empty() && !all {
            return Some(Written { bytes: 0, syncs: 0 });
        }
        let written = if all { self.replace(text) } else { self.append(text) };
        match (&written, self.failed) {
            (Err(error), false) => {
                tracing::warn!("{}: {error}; the journal is kept in memory meanwhile", self.path.display());
            }
            (Ok(_), true) => tracing::info!("the journal is written again"),
            (Ok(_), false) | (Err(_), true) => {}
        }
        if written.is_ok() {
            self.lines = if all { 0 } else { self.lines } + text.lines().count();
        }
        self.failed = written.is_err();
        // What a failed write left may end within a line.
        self.anew = self.failed;
        written.ok()
    }

    fn append(&self, text: &str) -> io::Result<Written> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        Ok(Written { bytes: text.len() as u64, syncs: 1 })
    }

    fn replace(&self, text: &str) -> io::Result<Written> {
        let write = || {
            let mut file = files::create(&self.temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&self.temporary, &self.path)
        };
        // What is left of an attempt would take room on a disk that may be full.
        write().inspect_err(|_| drop(fs::remove_file(&self.temporary)))?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
        Ok(Written { bytes: text.len() as u64, syncs: 2 })
    }
}

/// Removes the file of a state folder.
pub fn remove(state: &Path) -> io::Result<()> {
    files::remove(&state.join(NAME))
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => drop(file.take(READ).read_to_end(&mut bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
