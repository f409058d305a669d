//! The archive for machines without Debian's packages, and for containers: one folder with the program and all that belongs to
//! it, to be put where the system wants it.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{
    Parts, Release, deb, documents,
    files::{self, Files},
    pages,
};

/// Builds the archive as a file.
///
/// # Errors
/// Fails if something cannot be read, or if tar does.
pub fn build(release: &Release, parts: &Parts, work: &Path, to: &Path) -> Result<()> {
    let folder = format!("lookout-{}-{}", release.version, release.machine.triple);
    content(release, parts)?.write(&work.join(&folder))?;
    fs::write(to, files::compressed(&files::tar(work, &folder, release.epoch)?))?;
    Ok(())
}

fn content(release: &Release, parts: &Parts) -> Result<Files> {
    let read = |path: &str| fs::read(release.root.join(path)).with_context(|| format!("cannot read {path}"));
    let mut files = Files::default();
    files.put_program("lookout", parts.program.as_slice());
    for name in ["CHANGELOG.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE"] {
        files.put(name, read(name)?);
    }
    files.put("THIRD-PARTY", parts.third_party.as_str());
    files.put("Containerfile", read("dist/container/Containerfile")?);
    files.put("lookout.toml", read("dist/lookout.toml")?);
    files.put("systemd/lookout.service", read("dist/systemd/lookout.service")?);
    for (name, page) in pages::manual_pages(lookout::cli::command())? {
        files.put(format!("man/{name}"), page);
    }
    for (place, text) in pages::completions(lookout::cli::command()) {
        let name = place.rsplit('/').next().unwrap_or(place);
        files.put(format!("completions/{name}"), text);
    }
    files.put_all("", &documents::all(release, "doc/")?);
    files.put_all("examples/", &deb::examples(release)?);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::MACHINES;

    #[test]
    fn two_builds_of_the_archive_are_the_same_bytes_and_have_what_the_container_copies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let release = Release { root, version: "1.2.3", machine: MACHINES[0], epoch: 1_000_000_000 };
        let parts = Parts { program: vec![1, 2, 3], needs: String::new(), third_party: "none".into() };
        let [one, other] = [(), ()].map(|()| {
            let folder = tempfile::tempdir().unwrap();
            let to = folder.path().join("x.tar.gz");
            build(&release, &parts, folder.path(), &to).unwrap();
            fs::read(to).unwrap()
        });
        assert!(one == other);
        let files = content(&release, &parts).unwrap();
        let container = fs::read_to_string(release.root.join("dist/container/Containerfile")).unwrap();
        let copied: Vec<_> =
            container.lines().filter_map(|line| line.strip_prefix("COPY ")?.split(' ').next()).collect();
        assert!(!copied.is_empty());
        assert!(copied.iter().all(|name| files.iter().any(|(path, _)| path == *name)), "{copied:?}");
    }
}
