//! `cargo xtask lab`: runs the scripts of lab/tests, each in a freshly started virtual machine with virtual cameras.
//!
//! The machine's image and all else lies in target/lab. What scripts find as /host is target/lab/host: `bin/linux-tests`
//! (the tests of lookout-linux), `bin/lookout` (a release build) if one of the scripts mentions it, and as `tests/` all that
//! lies in lab/tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

/// What to run in the lab.
#[derive(clap::Args)]
pub struct Lab {
    /// Only the scripts of lab/tests whose name contains this.
    test: Option<String>,
    /// Handed on to the scripts.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// The exit code for a machine on which the lab cannot be built; the same that lab/build-image.sh uses.
const CANNOT: u8 = 77;

/// Builds the image unless it is there, builds what runs in it, and runs the scripts.
///
/// # Errors
/// Fails if something cannot be built or started. Scripts that fail make the exit code 1, a machine on which the lab
/// cannot be built makes it 77, and both are said on the terminal.
pub fn run(lab: &Lab) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let scripts = scripts(&root.join("lab/tests"), lab.test.as_deref())?;
    let built = Command::new(root.join("lab/build-image.sh")).env("LAB_DIR", root.join("target/lab")).status()?;
    if built.code() == Some(i32::from(CANNOT)) {
        return Ok(ExitCode::from(CANNOT));
    }
    ensure!(built.success(), "building the lab's image failed: {built}");
    let host = root.join("target/lab/host");
    build_programs(root, &host, &scripts)?;
    copy_folder(&root.join("lab/tests"), &host.join("tests"))?;

    let mut failed = Vec::new();
    for script in &scripts {
        let name = script.file_stem().unwrap_or_default().to_string_lossy();
        println!("lab: {name} starts");
        let started = Instant::now();
        let status = Command::new(root.join("lab/run-in-vm.sh"))
            .env("LAB_DIR", root.join("target/lab"))
            .args(["-t", "900", "-d"])
            .arg(&host)
            .arg("-s")
            .arg(script)
            .arg("--")
            .args(&lab.arguments)
            .status()?;
        let seconds = started.elapsed().as_secs();
        if status.success() {
            println!("lab: {name} passed in {seconds} s");
        } else {
            println!("lab: {name} FAILED in {seconds} s: {status}");
            failed.push(name);
        }
    }
    println!("lab: {} passed, {} failed", scripts.len() - failed.len(), failed.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lists the scripts by name.
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
    scripts.sort();
    Ok(scripts)
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
    let messages = cargo(root, &["test", "--no-run", "-p", "lookout-linux", "--lib", "--message-format=json"])?;
    let tests = executable(&messages).context("cargo names no test program")?;
    put(&tests, "linux-tests")?;
    let mut text = scripts.iter().map(fs::read_to_string);
    if text.any(|text| text.is_ok_and(|text| text.contains("/host/bin/lookout"))) {
        let messages = cargo(root, &["build", "--release", "-p", "lookout", "--message-format=json"])?;
        put(&executable(&messages).context("cargo names no program")?, "lookout")?;
    }
    Ok(())
}

/// Runs cargo and returns what it prints.
fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).arg("--quiet").current_dir(root).output()?;
    if !output.status.success() {
        bail!("cargo {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Finds the last program that cargo's messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    let (_, from) = messages.rsplit_once("\"executable\":\"")?;
    Some(from.split_once('"')?.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_program_that_cargo_names_is_taken() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","executable":null}"#,
            r#"{"reason":"compiler-artifact","executable":"/t/debug/deps/x-1","fresh":true}"#,
            r#"{"reason":"build-finished","success":true}"#
        );
        assert_eq!(executable(messages), Some("/t/debug/deps/x-1".into()));
        assert_eq!(executable(r#"{"executable":null}"#), None);
    }
}
