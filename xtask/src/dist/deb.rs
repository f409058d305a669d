//! The Debian package: everything in its place, and what dpkg must know of it. The scripts that dpkg runs, and the head of what
//! it reads, are in dist/debian.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::{Parts, Release, documents, files::Files, pages, say};

/// Scripts that dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// What an operator may install beside the package: folders of the sources, and files in them.
pub const EXAMPLES: [(&str, &[&str]); 2] = [
    ("dist/polkit", &["50-lookout.rules"]),
    ("dist/systemd/lookout.service.d", &["leds.conf", "port.conf", "programs.conf"]),
];

/// Builds the package as a file.
///
/// # Errors
/// Fails if something cannot be read, or if `dpkg-deb` does.
pub fn build(release: &Release, parts: &Parts, work: &Path, to: &Path) -> Result<()> {
    let tree = work.join("deb");
    let content = content(release, parts)?;
    content.write(&tree)?;
    let mut sums = Command::new("md5sum");
    let sums = say(sums.arg("--").args(content.iter().map(|(path, _)| path)).current_dir(&tree))?;
    let mut control = control(release, &parts.needs, content.kib())?;
    control.put("DEBIAN/md5sums", sums);
    control.write(&tree)?;
    let mut dpkg = Command::new("dpkg-deb");
    // With more threads, what it compresses is cut into pieces; how many depends on the machine.
    dpkg.args(["--root-owner-group", "--threads-max=1", "--build"]).arg(&tree).arg(to);
    say(dpkg.env("SOURCE_DATE_EPOCH", release.epoch.to_string()))?;
    Ok(())
}

/// Lays out what is installed.
fn content(release: &Release, parts: &Parts) -> Result<Files> {
    let read = |path: &str| fs::read(release.root.join(path)).with_context(|| format!("cannot read {path}"));
    let mut files = Files::default();
    files.put_program("usr/bin/lookout", parts.program.as_slice());
    // Debian 12 and 13 have one /lib, which is /usr/lib.
    files.put("usr/lib/systemd/system/lookout.service", read("dist/systemd/lookout.service")?);
    files.put("etc/lookout/lookout.toml", read("dist/lookout.toml")?);
    for (name, page) in pages::manual_pages(lookout::cli::command())? {
        files.put_compressed(&format!("usr/share/man/man1/{name}"), page);
    }
    for (place, text) in pages::completions(lookout::cli::command()) {
        files.put(format!("usr/share/{place}"), text);
    }
    let doc = "usr/share/doc/lookout";
    files.put(format!("{doc}/copyright"), read("dist/debian/copyright")?);
    files.put_compressed(&format!("{doc}/third-party"), &parts.third_party);
    files.put_compressed(&format!("{doc}/changelog"), read("CHANGELOG.md")?);
    files.put_all(&format!("{doc}/"), &documents::all(release, "")?);
    files.put_all(&format!("{doc}/examples/"), &examples(release)?);
    Ok(files)
}

/// Returns [`EXAMPLES`] with their contents.
///
/// # Errors
/// Fails if it cannot be read.
pub fn examples(release: &Release) -> Result<Files> {
    let mut files = Files::default();
    for (folder, names) in EXAMPLES {
        for name in names {
            let path = format!("{folder}/{name}");
            files.put(*name, fs::read(release.root.join(&path)).with_context(|| format!("cannot read {path}"))?);
        }
    }
    Ok(files)
}

/// Lays out what dpkg reads and runs.
fn control(release: &Release, needs: &str, kib: u64) -> Result<Files> {
    let read = |name: &str| {
        let path = release.root.join("dist/debian").join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let values = [
        ("@VERSION@", release.version),
        ("@ARCHITECTURE@", release.machine.debian),
        ("@DEPENDS@", needs),
        ("@SIZE@", &kib.to_string()),
    ];
    let text = values.iter().fold(read("control")?, |text, (name, value)| text.replace(name, value));
    let mut files = Files::default();
    files.put("DEBIAN/control", text);
    files.put("DEBIAN/conffiles", "/etc/lookout/lookout.toml\n");
    for name in SCRIPTS {
        files.put_program(format!("DEBIAN/{name}"), read(name)?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::dist::MACHINES;

    fn release() -> Release {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Release { root, version: "1.2.3", machine: MACHINES[1], epoch: 1_000_000_000 }
    }

    fn parts() -> Parts {
        Parts { program: b"#!/bin/sh\n".to_vec(), needs: "libc6 (>= 2.34)".into(), third_party: "none".into() }
    }

    /// Builds the package in a folder of its own; none where dpkg-deb is missing.
    fn built(folder: &Path) -> Option<PathBuf> {
        Command::new("dpkg-deb").arg("--version").output().ok()?;
        let to = folder.join("x.deb");
        build(&release(), &parts(), folder, &to).unwrap();
        Some(to)
    }

    #[test]
    fn dpkg_reads_the_package_and_all_in_it_is_roots() {
        let folder = tempfile::tempdir().unwrap();
        let Some(deb) = built(folder.path()) else { return };
        let ask = |what: &[&str]| say(Command::new("dpkg-deb").args(what).arg(&deb)).unwrap();
        let about = ask(&["--field"]);
        for line in ["Package: lookout", "Version: 1.2.3", "Architecture: arm64", "Depends: passwd, libc6 (>= 2.34)"] {
            assert!(about.lines().any(|it| it == line), "{line} in\n{about}");
        }
        assert!(!["@VERSION", "@DEPENDS", "@SIZE"].iter().any(|hole| about.contains(hole)), "{about}");
        let listed = ask(&["--contents"]);
        assert!(listed.lines().all(|line| line.contains(" root/root ")), "{listed}");
        for path in [
            "-rwxr-xr-x root/root",
            "./usr/bin/lookout",
            "./usr/lib/systemd/system/lookout.service",
            "./etc/lookout/lookout.toml",
            "./usr/share/man/man1/lookout-run.1.gz",
            "./usr/share/bash-completion/completions/lookout",
            "./usr/share/doc/lookout/copyright",
            "./usr/share/doc/lookout/changelog.gz",
            "./usr/share/doc/lookout/manual/start.md",
            "./usr/share/doc/lookout/examples/50-lookout.rules",
            "./usr/share/doc/lookout/examples/leds.conf",
        ] {
            assert!(listed.contains(path), "{path} in\n{listed}");
        }
        assert!(!listed.contains("/etc/polkit"), "the operator installs the rule himself (RULES W14)");
    }

    #[test]
    fn two_builds_of_the_package_are_the_same_bytes() {
        let folders = [(), ()].map(|()| tempfile::tempdir().unwrap());
        let [Some(one), Some(other)] = folders.each_ref().map(|folder| built(folder.path())) else { return };
        assert!(fs::read(one).unwrap() == fs::read(other).unwrap());
    }

    #[test]
    fn the_configuration_that_is_installed_changes_nothing() {
        let shipped = lookout::config::Config::read(&release().root.join("dist/lookout.toml")).unwrap();
        assert_eq!(shipped, lookout::config::Config::default());
    }

    #[test]
    fn the_scripts_of_dpkg_are_a_shells() {
        for name in SCRIPTS {
            say(Command::new("sh").arg("-n").arg(release().root.join("dist/debian").join(name))).unwrap();
        }
    }
}
