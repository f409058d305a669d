//! Files of the state folder: its owner's alone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use tokio::task::spawn_blocking;

/// Makes a file, or empties it, to be written and read.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Writes a file of these parts; when it returns they are on the disk, its name perhaps not.
pub fn write(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = create(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

/// Puts a file of these parts into a folder, whole or not at all, also when the power fails; by way of a name that ends in
/// `.new`.
///
/// # Errors
/// The disk refuses. The file may be there all the same, if nothing but its name was refused.
pub fn put(folder: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let temporary = temporary(folder, name);
    let written = write(&temporary, parts).and_then(|()| fs::rename(&temporary, folder.join(name)));
    // What is left of an attempt would take room on a disk that may be full.
    written.inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync(folder)
}

/// Removes what a [`put`] that was cut off has left.
///
/// # Errors
/// The disk refuses.
pub fn clear(folder: &Path, name: &str) -> io::Result<()> {
    remove(&temporary(folder, name))
}

/// [`put`]s a text, beside all that goes on; where the disk refuses, the log says that `what` cannot be kept.
pub async fn keep(folder: &Path, name: &'static str, text: String, what: &str) {
    let folder = folder.to_owned();
    let written = spawn_blocking(move || put(&folder, name, &[text.as_bytes()])).await;
    if let Err(error) = written.map_err(io::Error::other).flatten() {
        tracing::warn!("{what} cannot be kept: {error}");
    }
}

/// Reads what was [`put`], and clears what an end of the camera has left of doing it again.
///
/// # Errors
/// There is none, it is no text, or the disk refuses.
pub fn read_back(folder: &Path, name: &str) -> io::Result<String> {
    if let Err(error) = clear(folder, name) {
        tracing::warn!("{name}: {error}; what is left of it takes some room");
    }
    fs::read_to_string(folder.join(name))
}

/// Removes what was [`put`], and what is left of doing it.
///
/// # Errors
/// The disk refuses.
pub fn forget(folder: &Path, name: &str) -> io::Result<()> {
    clear(folder, name)?;
    remove(&folder.join(name))
}

fn temporary(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.new"))
}

/// Waits until what was done to the names in a folder is on the disk.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a file; that it is not there is as good.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens a file of another user's, who may have put anything in its place: a link, a pipe that nobody writes to, a device.
///
/// # Errors
/// It is no file, or the system refuses.
pub fn open_theirs(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no file")) }
}

/// Reads a text of another user's, as far as ours are long.
///
/// # Errors
/// As [`open_theirs`]; or it is no text.
pub fn peek(path: &Path) -> io::Result<String> {
    const LONGEST: u64 = 256 * 1024;
    let mut text = String::new();
    open_theirs(path)?.take(LONGEST).read_to_string(&mut text).map(|_| text)
}

/// A file that is removed unless it was renamed.
pub struct Temporary(pub PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

/// Opens a file in a folder, which is made if it is missing, that has no name any more, so that nothing is left of it whatever
/// happens.
///
/// # Errors
/// The disk refuses.
pub fn nameless(folder: &Path, name: &str) -> io::Result<File> {
    make_folder(folder)?;
    let named = Temporary(folder.join(name));
    create(&named.0)
}

/// Removes all files of a folder but these; the log says which stay though they should not.
pub fn keep_only(folder: &Path, kept: &[PathBuf]) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|file| !kept.contains(&file.path())) {
        if let Err(error) = fs::remove_file(file.path()) {
            tracing::warn!("{} is not removed: {error}", file.path().display());
        }
    }
}

/// Runs what waits for the disk where nobody else waits for it.
pub async fn blocking<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    spawn_blocking(work).await.unwrap_or_else(|ended| Err(io::Error::other(ended).into()))
}

/// Makes a folder and those above it; for good, as what is saved there must not be lost with it.
pub fn make_folder(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    DirBuilder::new().mode(0o700).create(dir)?;
    sync(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_read_back_and_what_a_cut_write_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, left) = (folder.path(), folder.path().join("a.new"));
        keep(folder, "a", "text\n".to_owned(), "it").await;
        fs::write(&left, "te").unwrap();
        assert_eq!(read_back(folder, "a").unwrap(), "text\n");
        assert!(!left.exists());
        fs::write(&left, "te").unwrap();
        forget(folder, "a").unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        forget(folder, "a").unwrap();
        assert!(read_back(folder, "a").is_err());
        // A disk that refuses is told of, and nobody is held up.
        keep(&folder.join("none"), "a", String::new(), "it").await;
    }
}
