//! `cargo xtask dist`: makes what is released, in target/dist: a Debian package, an archive, a list of what is in the program
//! (SBOM), and the checksums of these.
//!
//! The bargain: the same sources, program and tools give the same bytes. So no file has the time of the day: all have that of
//! `SOURCE_DATE_EPOCH`, else that of the last commit. Everything is laid out in memory first ([`files::Files`]), where it can
//! be tested without a build.

mod archive;
mod deb;
mod documents;
mod files;
mod libraries;
mod licences;
mod pages;
mod sbom;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo;

/// What to release.
#[derive(clap::Args)]
pub struct Dist {
    /// Builds for another machine than this, such as aarch64-unknown-linux-gnu.
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The folder for what is made [default: target/dist].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A kind of machine that is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What Rust calls it.
    pub triple: &'static str,
    /// What Debian calls it.
    pub debian: &'static str,
    /// How the names of Debian's tools and folders for it begin.
    pub gnu: &'static str,
}

/// The time of files of which nobody knows one: 2000-01-01.
const UNKNOWN: u64 = 946_684_800;

const MACHINES: [Machine; 3] = [
    Machine { triple: "x86_64-unknown-linux-gnu", debian: "amd64", gnu: "x86_64-linux-gnu" },
    Machine { triple: "aarch64-unknown-linux-gnu", debian: "arm64", gnu: "aarch64-linux-gnu" },
    Machine { triple: "armv7-unknown-linux-gnueabihf", debian: "armhf", gnu: "arm-linux-gnueabihf" },
];

/// What every file that is made needs to know.
pub struct Release {
    /// The folder of the sources.
    pub root: PathBuf,
    /// The version of the program.
    pub version: &'static str,
    /// The machine that it is for.
    pub machine: Machine,
    /// The time that all files have, in seconds since 1970.
    pub epoch: u64,
}

impl Release {
    /// Writes the time of the files down, as date(1) does it for a format.
    fn moment(&self, format: &str) -> Result<String> {
        let mut date = Command::new("date");
        let text = say(date.env("LC_ALL", "C").args(["--utc", &format!("--date=@{}", self.epoch), format]))?;
        Ok(text.trim().to_owned())
    }
}

/// Makes everything and prints what there is.
///
/// # Errors
/// Fails if something cannot be built or written, or if a tool of Debian's is missing.
pub fn run(dist: &Dist) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let out = dist.out.clone().unwrap_or_else(|| root.join("target/dist"));
    for path in make(root, dist.target.as_deref(), &out, epoch(root)?)? {
        println!("{} ({} bytes)", path.display(), fs::metadata(&path)?.len());
    }
    Ok(())
}

/// Makes everything for this machine, and puts the Debian package where the lab's scripts find it, as `lookout.deb`.
///
/// # Errors
/// As [`run`].
pub fn for_lab(root: &Path, folder: &Path) -> Result<()> {
    // A machine of tests may have the sources without git; what is tried there is released nowhere.
    let made = make(root, None, &root.join("target/dist"), epoch(root).unwrap_or(UNKNOWN))?;
    let deb = made.iter().find(|path| path.extension().is_some_and(|it| it == "deb")).context("no package was made")?;
    fs::create_dir_all(folder)?;
    fs::copy(deb, folder.join("lookout.deb"))?;
    Ok(())
}

/// Builds the program and returns where it is: for this machine together with xtask, as everybody else builds them, so that
/// nothing is compiled twice.
///
/// # Errors
/// Fails if it cannot be built.
pub fn program(root: &Path, foreign: Option<Machine>) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--release", "--locked", "-p", "lookout", "--message-format=json"];
    let Some(machine) = foreign else {
        arguments.extend(["-p", "xtask"]);
        return cargo::executable(&cargo::ask(root, &arguments, &[])?, "lookout").context("cargo names no program");
    };
    arguments.extend(["--target", machine.triple]);
    // As Debian's cross compilers and its libraries of other machines are called.
    let linker = format!("CARGO_TARGET_{}_LINKER", machine.triple.to_uppercase().replace('-', "_"));
    let environment = [
        (linker.as_str(), &*format!("{}-gcc", machine.gnu)),
        ("PKG_CONFIG_ALLOW_CROSS", "1"),
        ("PKG_CONFIG_LIBDIR", &*format!("/usr/lib/{}/pkgconfig", machine.gnu)),
    ];
    cargo::executable(&cargo::ask(root, &arguments, &environment)?, "lookout").context("cargo names no program")
}

fn make(root: &Path, target: Option<&str>, out: &Path, epoch: u64) -> Result<Vec<PathBuf>> {
    let here = here()?;
    let machine = match target {
        Some(triple) => machine(triple)?,
        None => here,
    };
    let foreign = Some(machine).filter(|machine| *machine != here);
    let release = Release { root: root.into(), version: env!("CARGO_PKG_VERSION"), machine, epoch };
    let built = program(root, foreign)?;
    fs::create_dir_all(out)?;
    // In a place of its own: what is built anew is stripped anew, and what the tests run keeps its lines.
    let work = tempfile::tempdir_in(out)?;
    let stripped = work.path().join("lookout");
    let tool = if foreign.is_some() { format!("{}-strip", machine.gnu) } else { "strip".into() };
    say(Command::new(tool).arg("-o").arg(&stripped).arg(&built))?;

    let contents = sbom::contents(&release)?;
    let parts = Parts {
        needs: libraries::needs(&stripped, machine)?,
        program: fs::read(&stripped)?,
        third_party: licences::text(&contents)?,
    };
    let name = format!("lookout-{}", release.version);
    let deb = out.join(format!("lookout_{}_{}.deb", release.version, machine.debian));
    let archive = out.join(format!("{name}-{}.tar.gz", machine.triple));
    let list = out.join(format!("{name}-{}.cdx.json", machine.triple));
    deb::build(&release, &parts, work.path(), &deb)?;
    archive::build(&release, &parts, work.path(), &archive)?;
    fs::write(&list, sbom::text(&release, &contents)?)?;
    let sums = out.join("SHA256SUMS");
    fs::write(&sums, checksums(out)?)?;
    Ok(vec![deb, archive, list, sums])
}

/// What goes both into the package and into the archive.
pub struct Parts {
    /// The stripped program.
    pub program: Vec<u8>,
    /// Which packages of Debian the program needs, as in a package's `Depends`.
    pub needs: String,
    /// The licences of what is in the program.
    pub third_party: String,
}

fn machine(triple: &str) -> Result<Machine> {
    let known = MACHINES.iter().find(|machine| machine.triple == triple).copied();
    known.with_context(|| {
        let names = MACHINES.map(|machine| machine.triple).join(", ");
        format!("nobody said what Debian calls {triple}; known are {names}")
    })
}

/// Returns the kind of this machine.
fn here() -> Result<Machine> {
    let about = cargo::cargo().arg("-vV").output()?;
    let about = String::from_utf8(about.stdout)?;
    machine(about.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo does not say what it runs on")?)
}

/// Returns the time that all files are given.
fn epoch(root: &Path) -> Result<u64> {
    let text = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => {
            say(Command::new("git").args(["-c", "safe.directory=*", "log", "-1", "--format=%ct"]).current_dir(root))
                .context("without a git repository, SOURCE_DATE_EPOCH must say the time of the sources")?
        }
    };
    text.trim().parse().with_context(|| format!("{text:?} is no time in seconds"))
}

/// Returns the lines of `SHA256SUMS`: of all that was released into a folder, for other machines, too.
fn checksums(out: &Path) -> Result<String> {
    let released = |name: &String| [".deb", ".tar.gz", ".cdx.json"].iter().any(|end| name.ends_with(end));
    let mut names = Vec::new();
    for entry in fs::read_dir(out)? {
        names.extend(entry?.file_name().into_string().ok().filter(released));
    }
    names.sort();
    say(Command::new("sha256sum").arg("--").args(names).current_dir(out))
}

/// Runs a program and returns what it prints.
fn say(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} cannot be started"))?;
    ensure!(output.status.success(), "{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    if !output.stderr.is_empty() {
        bail!("{name} complains: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_debian_does_not_know_is_refused_by_name() {
        assert_eq!(machine("aarch64-unknown-linux-gnu").unwrap().debian, "arm64");
        let refused = machine("riscv64gc-unknown-linux-gnu").unwrap_err().to_string();
        assert!(refused.contains("riscv64gc") && refused.contains("x86_64-unknown-linux-gnu"), "{refused}");
    }

    #[test]
    fn checksums_are_of_what_was_released_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.deb", "a.tar.gz", "c.cdx.json", "SHA256SUMS", "notes.txt"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        let expected = ["a.tar.gz", "b.deb", "c.cdx.json"].map(|name| format!("{x}  {name}\n")).concat();
        assert_eq!(checksums(folder.path()).unwrap(), expected);
    }
}
