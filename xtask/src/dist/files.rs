//! Files as they will lie on a disk, laid out in memory: paths, modes, contents, in the order of their paths.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use anyhow::Result;
use flate2::{Compression, GzBuilder, write::GzEncoder};

/// The mode of a file that everybody may read.
const READ: u32 = 0o644;
/// The mode of a program, and of a folder.
const RUN: u32 = 0o755;

/// A number of files by their paths, which are relative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Files(BTreeMap<String, (u32, Vec<u8>)>);

impl Files {
    /// Adds a file that everybody may read.
    pub fn put(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), (READ, content.into()));
    }

    /// Adds a program.
    pub fn put_program(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), (RUN, content.into()));
    }

    /// Adds a file that is there compressed; `.gz` is added to its name.
    pub fn put_compressed(&mut self, path: &str, content: impl AsRef<[u8]>) {
        self.put(format!("{path}.gz"), compressed(content.as_ref()));
    }

    /// Adds others, each with `before` before its path, such as a folder and a slash.
    pub fn put_all(&mut self, before: &str, others: &Self) {
        self.0.extend(others.0.iter().map(|(path, file)| (format!("{before}{path}"), file.clone())));
    }

    /// Returns paths and contents, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, (_, content))| (path.as_str(), content.as_slice()))
    }

    /// Returns how much room they take on a disk, in KiB: what Debian calls `Installed-Size`.
    pub fn kib(&self) -> u64 {
        self.iter().map(|(_, content)| content.len().div_ceil(1024) as u64 + 1).sum()
    }

    /// Writes them below a folder, with exactly their modes, whatever the umask.
    ///
    /// # Errors
    /// Fails if the disk does.
    pub fn write(&self, root: &Path) -> Result<()> {
        for (path, (mode, content)) in &self.0 {
            let file = root.join(path);
            let folders: Vec<_> = file.ancestors().skip(1).take_while(|folder| folder.starts_with(root)).collect();
            for folder in folders.iter().rev() {
                fs::create_dir_all(folder)?;
                fs::set_permissions(folder, Permissions::from_mode(RUN))?;
            }
            fs::write(&file, content)?;
            fs::set_permissions(&file, Permissions::from_mode(*mode))?;
        }
        Ok(())
    }
}

/// Compresses as `gzip -9n` does: without a name and a time.
pub fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder: GzEncoder<Vec<u8>> = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("a Vec takes everything")
}

/// Returns a folder of a folder as a tar archive in which nothing is of this machine: no owner, no order of its disk, no time but
/// the given one.
///
/// # Errors
/// Fails if tar does.
pub fn tar(parent: &Path, folder: &str, epoch: u64) -> Result<Vec<u8>> {
    let mut command = Command::new("tar");
    command.args(["--create", "--format=gnu", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    command.arg(format!("--mtime=@{epoch}")).arg("--directory").arg(parent).arg(folder);
    let output = command.output()?;
    anyhow::ensure!(output.status.success(), "tar: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn files_have_their_modes_and_folders_are_open_to_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        files.put_program("usr/bin/x", "program");
        files.put("usr/share/doc/x/README", "text");
        files.write(&folder.path().join("root")).unwrap();
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o7777;
        let modes = ["root/usr/bin/x", "root/usr/share/doc/x/README", "root", "root/usr/share"].map(mode);
        assert_eq!(modes, [0o755, 0o644, 0o755, 0o755]);
    }

    #[test]
    fn an_archive_does_not_tell_when_and_where_it_was_made() {
        let made: Vec<_> = ["z", "a"]
            .map(|first| {
                let folder = tempfile::tempdir().unwrap();
                let mut files = Files::default();
                files.put(first, "");
                files.write(&folder.path().join("x")).unwrap();
                files.put("z", "");
                files.put("a", "");
                files.write(&folder.path().join("x")).unwrap();
                compressed(&tar(folder.path(), "x", 1_000_000_000).unwrap())
            })
            .into();
        assert_eq!(made[0], made[1]);
        assert_eq!(made[0][4..8], [0; 4], "the time in the head of gzip");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(made[0].as_slice()).read_to_end(&mut text).unwrap();
        assert!(text.starts_with(b"x/\0"));
    }
}
