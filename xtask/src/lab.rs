//! `cargo xtask lab`: runs the scripts of lab/tests, each in a freshly started virtual machine with virtual cameras.
//!
//! The machine's image and all else lies in target/lab. What scripts find as /host is target/lab/host: `bin/linux-tests`
//! (the tests of lookout-linux), `bin/lookout` (a release build) and `dist/lookout.deb` (the Debian package) if one of the
//! scripts mentions them, as `tests/` all that lies in lab/tests, and as `polkit/` the rules that are shipped. The longest is
//! begun first. As many machines run at once as there are processors: what happens in one that is starved comes too late for
//! whoever waits for it there.

use std::{
    cmp::Reverse,
    fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Mutex,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, ensure};

use crate::{cargo, dist};

/// What to run in the lab.
#[derive(clap::Args)]
pub struct Lab {
    /// Only the scripts of lab/tests whose name contains this.
    test: Option<String>,
    /// How many machines run at once; by default one for each processor.
    #[arg(long)]
    machines: Option<usize>,
    /// Handed on to the scripts.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// The exit code for a machine on which the lab cannot be built, and of a script for what the lab lacks; the same that
/// lab/build-image.sh uses.
const CANNOT: u8 = 77;

/// After how many seconds a machine is ended: several times what the longest script takes, as some hosts are slow.
const LONGEST: u32 = 2700;

/// Builds the image unless it is there, builds what runs in it, and runs the scripts.
///
/// # Errors
/// Fails if something cannot be built or started. Scripts that fail make the exit code 1, a machine on which the lab
/// cannot be built makes it 77, and both are said on the terminal; so is a script for which the lab lacks something.
pub fn run(lab: &Lab) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let scripts = scripts(&root.join("lab/tests"), lab.test.as_deref())?;
    let host = root.join("target/lab/host");
    // The image is mostly waited for, so the programs are built meanwhile.
    let (image, programs) = thread::scope(|scope| {
        let programs = scope.spawn(|| build_programs(root, &host, &scripts));
        let image = Command::new(root.join("lab/build-image.sh")).env("LAB_DIR", root.join("target/lab")).status();
        (image, programs.join())
    });
    let image = image?;
    if image.code() == Some(i32::from(CANNOT)) {
        return Ok(ExitCode::from(CANNOT));
    }
    ensure!(image.success(), "building the lab's image failed: {image}");
    programs.map_err(|_| anyhow!("building the programs panicked"))??;
    copy_folder(&root.join("lab/tests"), &host.join("tests"))?;
    copy_folder(&root.join("dist/polkit"), &host.join("polkit"))?;

    let processors = thread::available_parallelism().map_or(1, usize::from);
    let machines = lab.machines.unwrap_or(processors).clamp(1, scripts.len());
    let ended = run_scripts(root, &scripts, &lab.arguments, machines)?;
    let count = |which| ended.iter().filter(|(_, how)| *how == which).count();
    println!(
        "lab: {} passed, {} failed, {} not run",
        count(Ended::Passed),
        count(Ended::Failed),
        count(Ended::Lacking)
    );
    for (name, how) in &ended {
        match how {
            Ended::Passed => {}
            Ended::Failed => println!("lab: {name} failed"),
            Ended::Lacking => println!("lab: {name} was not run, as the lab lacks what it needs"),
        }
    }
    Ok(if count(Ended::Failed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How a script ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Passed,
    Failed,
    /// The lab could not be built with all that it needs, which it said.
    Lacking,
}

/// Runs the scripts, each in a fresh machine, so many at once.
fn run_scripts(
    root: &Path,
    scripts: &[PathBuf],
    arguments: &[String],
    machines: usize,
) -> Result<Vec<(String, Ended)>> {
    let queue = Mutex::new(scripts.iter());
    let next = || queue.lock().ok()?.next();
    let run = |script: &PathBuf| -> Result<(String, Ended)> {
        let name = script.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let how = run_script(root, script, &name, arguments, machines > 1)?;
        Ok((name, how))
    };
    let work = || -> Result<Vec<_>> { std::iter::from_fn(next).map(run).collect() };
    thread::scope(|scope| {
        let all: Vec<_> = (0..machines).map(|_| scope.spawn(work)).collect();
        let mut ended = Vec::new();
        for machine in all {
            ended.extend(machine.join().map_err(|_| anyhow!("what ran a machine panicked"))??);
        }
        Ok(ended)
    })
}

/// Runs a script in a machine. What it prints is shown as it comes, after its name if it is `one_of_several`.
fn run_script(root: &Path, script: &Path, name: &str, arguments: &[String], one_of_several: bool) -> Result<Ended> {
    println!("lab: {name} starts");
    let started = Instant::now();
    let mut command = Command::new(root.join("lab/run-in-vm.sh"));
    command
        .env("LAB_DIR", root.join("target/lab"))
        .args(["-t", &LONGEST.to_string(), "-d"])
        .arg(root.join("target/lab/host"));
    command.arg("-s").arg(script).arg("--").args(arguments);
    let status = if one_of_several {
        let (read, write) = io::pipe()?;
        let mut child = command.stdout(write.try_clone()?).stderr(write).spawn()?;
        drop(command); // it holds the ends for writing
        for line in BufReader::new(read).split(b'\n') {
            println!("{name:12} | {}", String::from_utf8_lossy(&line?));
        }
        child.wait()?
    } else {
        command.status()?
    };
    let ended = match status.code() {
        Some(0) => Ended::Passed,
        Some(code) if code == i32::from(CANNOT) => Ended::Lacking,
        _ => Ended::Failed,
    };
    let seconds = started.elapsed().as_secs();
    match ended {
        Ended::Passed => println!("lab: {name} passed in {seconds} s"),
        Ended::Failed => println!("lab: {name} FAILED in {seconds} s: {status}"),
        Ended::Lacking => println!("lab: {name} NOT RUN"),
    }
    Ok(ended)
}

/// Lists the scripts, those that say to take long (`# lab: minutes 4`) first: whoever begins last would be waited for alone.
fn scripts(folder: &Path, part: Option<&str>) -> Result<Vec<PathBuf>> {
    let mut scripts = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(name) = name.strip_suffix(".sh")
            && name.contains(part.unwrap_or_default())
        {
            scripts.push(path);
        }
    }
    ensure!(!scripts.is_empty(), "no script in {} has {:?} in its name", folder.display(), part.unwrap_or_default());
    scripts.sort_by_cached_key(|path| (Reverse(minutes(&fs::read_to_string(path).unwrap_or_default())), path.clone()));
    Ok(scripts)
}

/// How long a script says that it takes.
fn minutes(text: &str) -> u32 {
    text.lines().find_map(|line| line.strip_prefix("# lab: minutes ")?.parse().ok()).unwrap_or(0)
}

/// Copies the files of a folder.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let file = entry?;
        fs::copy(file.path(), to.join(file.file_name())).with_context(|| format!("copying {:?}", file.file_name()))?;
    }
    Ok(())
}

/// Builds what the scripts run and puts it where they find it.
fn build_programs(root: &Path, host: &Path, scripts: &[PathBuf]) -> Result<()> {
    let bin = host.join("bin");
    fs::create_dir_all(&bin)?;
    let put = |program: &Path, name: &str| {
        fs::copy(program, bin.join(name)).with_context(|| format!("copying {}", program.display()))
    };
    // Of the whole workspace, as `cargo test` builds them: asked for alone, they and half of all dependencies would be built
    // anew, with fewer features.
    let messages = cargo::ask(root, &["test", "--no-run", "--workspace", "--lib", "--message-format=json"], &[])?;
    let tests = cargo::executable(&messages, "lookout_linux").context("cargo names no test program")?;
    put(&tests, "linux-tests")?;
    let mention = |path| scripts.iter().any(|script| fs::read_to_string(script).is_ok_and(|text| text.contains(path)));
    if mention("/host/bin/lookout") {
        put(&dist::program(root, None)?, "lookout")?;
    }
    if mention("/host/dist/") {
        dist::for_lab(root, &host.join("dist"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_may_say_how_long_it_takes() {
        assert_eq!(minutes("#!/bin/bash\n# lab: systemd\n# lab: minutes 4\n# minutes 5\n"), 4);
        assert_eq!(minutes("#!/bin/bash\n# It takes 4 minutes.\n"), 0);
    }
}
