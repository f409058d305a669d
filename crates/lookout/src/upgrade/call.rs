//! The start of the base: it looks which installed version is wanted, and becomes that one.
//!
//! The bargain: the start is counted on the disk before the other version is called, and the kernel is told to end it if it does
//! not say within [`PATIENCE`] that it is well. So one that crashes, hangs or fails silently is given up, whatever it does
//! ([`lookout_core::upgrade::choice`]).

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use lookout_core::upgrade::{choice::Installed, version::Version};
use lookout_linux::handover;
use rustix::io::Errno;

use super::{FOLDER, Key, OWN, RECORD, Refused, files_of, package::verify_program, read, write};
use crate::{config::Glance, files, store::Disk};

/// In which environment variable the base tells the version that it calls who it is; nobody else must
/// find it in his.
pub const CALLED: &str = "LOOKOUT_CALLED";
/// How long a version may take until it is well.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which version this process runs, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// This version.
    pub version: Version,
    /// Whether it was installed, and is on trial or proven; none for the base.
    pub installed: Option<Proven>,
    /// The program that every start begins with.
    pub base: PathBuf,
    /// Its version.
    pub over: Version,
    /// The versions that this start gave up.
    pub given_up: Vec<Version>,
}

/// Whether an installed version ever was well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// It was.
    Yes,
    /// It is on trial.
    NotYet,
}

impl Started {
    /// Says whether this version was installed and never was well.
    pub fn on_trial(&self) -> bool {
        self.installed == Some(Proven::NotYet)
    }

    /// Returns what the base tells the version that it calls.
    fn encode(&self, pid: u32) -> Option<String> {
        let Self { version, over, .. } = self;
        let state = match self.installed? {
            Proven::Yes => "proven",
            Proven::NotYet => "trial",
        };
        let given_up: Vec<_> = self.given_up.iter().map(Version::to_string).collect();
        Some(format!("{pid} {version} {state} {over} {} {}", given_up.join(","), self.base.to_str()?))
    }

    /// Reads what the base told this process; none where it told another one.
    fn decode(text: &str, pid: u32) -> Option<Self> {
        let [told, version, state, over, given_up, base] = text.splitn(6, ' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        let installed = match state {
            "proven" => Proven::Yes,
            "trial" => Proven::NotYet,
            _ => return None,
        };
        (told.parse() == Ok(pid)).then_some(())?;
        Some(Self {
            version: version.parse().ok()?,
            installed: Some(installed),
            base: base.into(),
            over: over.parse().ok()?,
            given_up: given_up.split(',').filter_map(|version| version.parse().ok()).collect(),
        })
    }
}

/// Returns which version this process runs, where nothing is installed or this is not asked for.
///
/// # Errors
/// The system does not tell which program this is.
fn base() -> io::Result<Started> {
    Ok(Started { version: OWN, installed: None, base: env::current_exe()?, over: OWN, given_up: Vec::new() })
}

/// Becomes the installed version that is wanted, if there is one; returns what this process runs otherwise.
///
/// # Errors
/// The system does not tell which program this is.
pub fn call(glance: &Glance, args: &[OsString]) -> io::Result<Started> {
    if let Some(told) = env::var(CALLED).ok().and_then(|text| Started::decode(&text, process::id())) {
        // Also where it calls itself again, as the base is another file by now: it has its time from here on.
        handover::end_within(Some(PATIENCE));
        return Ok(told);
    }
    // A version that ran before in this process, and was restarted, had one that was not called off.
    handover::end_within(None);
    let mut started = base()?;
    let folder = glance.state.join(FOLDER);
    if !folder.join(RECORD).exists() {
        return Ok(started);
    }
    // Whoever cannot have the folder fails in a moment, with a sentence.
    let Ok(_disk) = Disk::open(&glance.state) else { return Ok(started) };
    loop {
        let record = match read(&folder) {
            Ok(record) => record,
            Err(error) => {
                // A disk that cannot be read now may be read later: nothing is given up for that.
                eprintln!("lookout: which version is wanted cannot be read, so the base runs: {error}");
                return Ok(started);
            }
        };
        let choice = record.choose(OWN, glance.downgrade);
        let failed = choice.dropped.iter().filter(|installed| installed.failed());
        started.given_up.extend(failed.map(|installed| installed.version));
        let Some(Installed { version, proven, .. }) = choice.record.0.first().copied() else {
            if let Err(error) = write(&folder, &choice.record) {
                eprintln!("lookout: what was given up is on the disk still: {error}");
            }
            return Ok(started);
        };
        if let Err(why) = genuine(&folder, version, glance) {
            // Its key may be pinned again: nothing is given up for that either.
            eprintln!("lookout: version {version} does not run, so the base does: {why}");
            return Ok(started);
        }
        if let Err(error) = write(&folder, &choice.record) {
            eprintln!("lookout: the start of version {version} cannot be counted: {error}");
            // It may be the start too many; a proven version is worth that.
            if !proven {
                return Ok(started);
            }
        }
        let installed = Some(if proven { Proven::Yes } else { Proven::NotYet });
        let error = become_it(&Started { version, installed, ..started.clone() }, &files_of(&folder, version)[1], args);
        eprintln!("lookout: version {version} cannot be started: {error}");
        if !is_no_program(&error) {
            return Ok(started);
        }
        started.given_up.push(version);
        if write(&folder, &choice.record.without(version)).is_err() {
            return Ok(started);
        }
    }
}

/// Verifies a version that lies on the disk, as it was verified when it came.
fn genuine(folder: &Path, version: Version, glance: &Glance) -> Result<(), String> {
    let [package, program] = files_of(folder, version).map(|path| files::open_theirs(&path));
    let keys = if glance.keys.is_empty() { &Key::built_in() } else { &glance.keys };
    let verified = package.and_then(|package| Ok((package, program?)));
    let verified = verified
        .map_err(Refused::from)
        .and_then(|(package, program)| verify_program(&package, &program, version, keys));
    verified.map_err(|refused| match refused {
        Refused::Bad(why) => why.to_string(),
        Refused::Failed(_) => "its files cannot be read".to_owned(),
    })
}

/// Says whether a program can never be started as it is; anything else may pass, such as a lack of memory.
fn is_no_program(error: &io::Error) -> bool {
    let never = [Errno::NOEXEC, Errno::NOENT].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|number| never.contains(&number))
}

/// Replaces this process; returns why that cannot be.
fn become_it(called: &Started, program: &Path, args: &[OsString]) -> io::Error {
    let Some(told) = called.encode(process::id()) else {
        return io::Error::other("the path of this program is no text");
    };
    handover::end_within(Some(PATIENCE));
    let Err(error) = handover::call(program, args, (CALLED, &told));
    handover::end_within(None);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_is_called_learns_who_it_is_and_nobody_else_takes_it_for_himself() {
        let called = Started {
            version: Version(0, 3, 0),
            installed: Some(Proven::NotYet),
            base: "/usr/local/my programs/lookout".into(),
            over: Version(0, 1, 0),
            given_up: vec![Version(0, 2, 0), Version(0, 2, 1)],
        };
        let told = called.encode(77).unwrap();
        assert_eq!(Started::decode(&told, 77), Some(called.clone()));
        assert_eq!(Started::decode(&told, 78), None, "a child of it");
        let none = Started { given_up: Vec::new(), installed: Some(Proven::Yes), ..called };
        assert_eq!(Started::decode(&none.encode(1).unwrap(), 1), Some(none));
        for damaged in ["", "77", "77 0.3.0 trial 0.1.0", "77 0.3.0 well 0.1.0  /b", "77 x trial 0.1.0  /b"] {
            assert_eq!(Started::decode(damaged, 77), None, "{damaged}");
        }
    }
}
