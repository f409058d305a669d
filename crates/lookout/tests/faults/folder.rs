//! A state folder, as it was and as it is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use lookout_core::profile::{
    settings::Settings,
    stored,
    wire::{Mac, Password, Secret},
};

/// The files of a folder and of those in it.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads a folder; nothing where there is none.
pub fn read(dir: &Path) -> Files {
    let mut files = Files::new();
    let Ok(entries) = fs::read_dir(dir) else { return files };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            files.extend(read(&path).into_iter().map(|(below, bytes)| (name.join(below), bytes)));
        } else {
            // What is written behind the start may just have got its name.
            match fs::read(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                read => drop(files.insert(name, read.unwrap())),
            }
        }
    }
    files
}

/// Makes a folder what it was; nothing of it where it was nothing.
pub fn write(dir: &Path, files: &Files) {
    if dir.exists() {
        fs::remove_dir_all(dir).unwrap();
    }
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        if name.to_string_lossy().starts_with("upgrade/lookout-") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
    }
}

/// Returns the names of what must not lie about: all but the journal, which is written when it has something to say, and what
/// services write behind a start.
pub fn names(files: &Files) -> BTreeSet<PathBuf> {
    files.keys().filter(|name| *name != Path::new("journal.log") && !is_of_a_service(name)).cloned().collect()
}

/// Says whether a path is a file of what was confirmed of the network, or of dynamic DNS: services write or take away theirs
/// behind every start.
pub fn is_of_a_service(path: &Path) -> bool {
    let starts = |name: &str| name.starts_with("network-confirmed.toml") || name.starts_with("ddns");
    path.file_name().is_some_and(|name| starts(&name.to_string_lossy()))
}

/// Gives the web packs.
pub fn pages(files: &Files) -> impl Iterator<Item = (&PathBuf, &Vec<u8>)> {
    files.iter().filter(|(name, _)| name.starts_with("web"))
}

/// Reads the settings. A hash that was not there before counts as any other, as each has its own salt; so does the id,
/// which may be made up.
pub fn settings(files: &Files, before: &Files) -> Settings {
    let current = |files: &Files| {
        let found = files.get(Path::new("settings.toml"));
        found.map_or_else(String::new, |bytes| String::from_utf8(bytes.clone()).unwrap())
    };
    let read = stored::decode(&current(files)).unwrap();
    assert_eq!([read.missing, read.illegal].concat(), [""; 0]);
    let mut settings = read.settings;
    settings.id = Mac::default();
    for user in &mut settings.users {
        if let Password::Hash(hash) = &user.pwd
            && !current(before).contains(hash.expose())
        {
            user.pwd = Password::Hash(Secret::new("a new hash"));
        }
    }
    settings
}
