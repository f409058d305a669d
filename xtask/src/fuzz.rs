//! `cargo xtask fuzz`: libFuzzer on the targets of fuzz/, with the toolchain that builds everything else.
//!
//! The coverage that libFuzzer follows is LLVM's own, which a stable compiler emits if told so by code generation
//! options; only sanitizers would want a nightly one, and without `unsafe` they have little to find. What it finds is
//! collected in target/fuzz/corpus/NAME; an input that breaks a target stays as target/fuzz/NAME-… and is named.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub struct Fuzz {
    /// Only the targets whose name contains this.
    target: Option<String>,
    /// Seconds a target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// What makes the compiler emit the coverage that libFuzzer follows.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                        -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks";
/// The longest input, bytes.
const LONGEST: u32 = 32 * 1024;
/// The most memory, MiB; a target that takes more is broken.
const MOST_MEMORY: u32 = 1024;

/// Builds the fuzzer and runs each target for its time, as many at once as there are processors.
///
/// # Errors
/// Fails if it cannot be built. Targets that break make the exit code 1.
pub fn run(fuzz: &Fuzz) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let folder = root.join("target/fuzz");
    fs::create_dir_all(&folder)?;
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output()?;
    let host = String::from_utf8(host.stdout)?.trim().to_owned();
    // Only with a target named are build scripts built without the coverage, which nothing in them follows.
    let built = crate::cargo::cargo()
        .args(["build", "--release", "--locked", "--package", "fuzz", "--features", "libfuzzer"])
        .args(["--target", &host, "--target-dir"])
        .arg(folder.join("build"))
        .env("RUSTFLAGS", COVERAGE)
        .current_dir(root)
        .status()?;
    ensure!(built.success(), "building the fuzzer failed: {built}");
    let part = fuzz.target.as_deref().unwrap_or_default();
    let chosen: Vec<_> = ::fuzz::TARGETS.iter().filter(|target| target.name.contains(part)).collect();
    ensure!(!chosen.is_empty(), "no target is named like {part}");
    let bench = Bench {
        root,
        folder: &folder,
        fuzzer: folder.join("build").join(&host).join("release/fuzz"),
        seconds: fuzz.seconds,
    };
    // Each keeps one processor busy.
    let (queue, broken) = (Mutex::new(chosen.iter()), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<()> {
        while let Some(target) = next() {
            if !bench.holds(target.name)? {
                broken.lock().unwrap_or_else(PoisonError::into_inner).push(target.name);
            }
        }
        Ok(())
    };
    let hands = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let all: Vec<_> = (0..hands).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|hand| hand.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("fuzz: {} targets held, {} broke {}", chosen.len() - broken.len(), broken.len(), broken.join(", "));
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What all targets have in common.
struct Bench<'a> {
    root: &'a Path,
    folder: &'a Path,
    fuzzer: PathBuf,
    seconds: u32,
}

impl Bench<'_> {
    /// Runs a target, and tells in one piece what it said, of one that held only the figures; says whether it held.
    fn holds(&self, name: &str) -> Result<bool> {
        let found = self.folder.join("corpus").join(name);
        fs::create_dir_all(&found)?;
        let ran = Command::new(&self.fuzzer)
            .env("LOOKOUT_FUZZ", name)
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-max_len={LONGEST}"))
            .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
            .arg(format!("-artifact_prefix={}/{name}-", self.folder.display()))
            .args(["-timeout=10", "-print_final_stats=1", "-verbosity=0"])
            .args([found, self.root.join("fuzz/corpus").join(name)])
            .output()?;
        let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let told = |line: &&str| !ran.status.success() || line.starts_with("stat::");
        let told: Vec<_> = said.lines().filter(told).collect();
        println!("fuzz: {name} for {} s\n{}\n", self.seconds, told.join("\n"));
        Ok(ran.status.success())
    }
}
