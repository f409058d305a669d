//! `cargo xtask bench`: the daemon beside the least that the same work can cost, in turns, on the same machine and
//! within the same minutes, so that what the machine does meanwhile meets both.
//!
//! This program is also the parts of a measurement, as hidden commands: the sources (`bench-feed`, `bench-tone`), the floors
//! (`bench-raw`, `bench-hello`), the load generators (`bench-load`, `bench-requests`) and a pinned start (`bench-exec`).
//!
//! ```text
//! bench ─┬─ server's core: bench-exec → lookout | bench-raw | nginx | bench-hello
//!        │                                └ other core: bench-feed (MJPEG on stdout)
//!        └─ other core: bench-exec → bench-load | bench-requests → JSON (reads the server's /proc)
//! ```

mod asf;
mod cases;
mod feed;
pub(crate) mod guard;
mod hello;
mod load;
mod outcome;
mod parts;
mod picture;
pub(crate) mod process;
mod raw;
pub(crate) mod report;
mod requests;
pub(crate) mod server;
mod size;
mod stamp;
mod stream;
mod viewer;
mod wav;
mod work;

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use self::{
    cases::{CASES, Case, Head, Load, Run, Watch},
    outcome::Outcome,
    process::{Cores, pinned},
    report::{Measured, Round},
    server::{Kind, PASSWORD, Setup},
};

/// The bench and its parts.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Measures the daemon beside raw references and prints a table with the goals.
    Bench(Bench),
    #[command(hide = true)]
    BenchExec(process::Exec),
    #[command(hide = true)]
    BenchFeed(feed::Feed),
    #[command(hide = true)]
    BenchHello,
    #[command(hide = true)]
    BenchLoad(load::Load),
    #[command(hide = true)]
    BenchRaw(raw::Raw),
    #[command(hide = true)]
    BenchRequests(requests::Requests),
    #[command(hide = true)]
    BenchTone(feed::Tone),
}

impl Command {
    /// Does it.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Bench(bench) => bench.run(),
            Self::BenchExec(exec) => exec.run(),
            Self::BenchFeed(feed) => feed.run(),
            Self::BenchHello => hello::run(),
            Self::BenchLoad(load) => load.run(),
            Self::BenchRaw(raw) => raw.run(),
            Self::BenchRequests(requests) => requests.run(),
            Self::BenchTone(tone) => tone.run(),
        }
    }
}

/// What to measure.
#[derive(clap::Args)]
pub struct Bench {
    /// The cases, or `work`: what single pieces of work cost, or `size`: how large and how soon the daemon is; all if none is
    /// given.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(CASES.iter().map(|case| case.name).chain([WORK, SIZE])))]
    cases: Vec<String>,
    /// Two short rounds: for a look, not for a record.
    #[arg(long)]
    quick: bool,
    /// How often each pair of runs is measured.
    #[arg(long)]
    rounds: Option<usize>,
    /// Measures the references alone.
    #[arg(long)]
    references: bool,
    /// The daemon to measure, instead of a release build of this tree.
    #[arg(long)]
    daemon: Option<PathBuf>,
    /// Another version of the daemon, which then is the reference in every case with viewers.
    #[arg(long, conflicts_with_all = ["references", "write"])]
    before: Option<PathBuf>,
    /// Prints every run's outcome as JSON, too.
    #[arg(long)]
    verbose: bool,
    /// Writes docs/performance.md.
    #[arg(long, conflicts_with_all = ["cases", "references"])]
    write: bool,
}

/// What selects the pieces of work, and the daemon by itself.
const WORK: &str = "work";
const SIZE: &str = "size";

impl Bench {
    fn wants(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|wanted| wanted == name)
    }

    fn run(&self) -> Result<()> {
        process::raise_descriptor_limit()?;
        let cores = Cores::choose()?;
        if cores.server == cores.load {
            eprintln!("only one core: server and load share it, and the figures say little");
        }
        let program = |path: &PathBuf| path.canonicalize().with_context(|| format!("no program {}", path.display()));
        let daemon = match &self.daemon {
            Some(daemon) => program(daemon)?,
            None if self.references || self.cases == [WORK] => PathBuf::new(),
            None => build_daemon()?,
        };
        let setup = Setup { cores, daemon, before: self.before.as_ref().map(program).transpose()? };
        let when = report::moment();
        let (rounds, seconds) = if self.quick { (2, 2.0) } else { (5, 5.0) };
        let rounds = self.rounds.unwrap_or(rounds);
        let mut measured = Vec::new();
        let work = if self.wants(WORK) { work::measure(cores.server, self.quick)? } else { Vec::new() };
        let sizes =
            if self.wants(SIZE) && !self.references { size::measure(rounds, seconds, &setup)? } else { Vec::new() };
        for case in CASES.iter().filter(|case| self.wants(case.name)) {
            eprintln!("{}: {}", case.name, case.title);
            let case = if self.before.is_some() { case.beside_another_version() } else { *case };
            measured.push(Measured { case, rounds: self.measure(case, rounds, seconds, &setup)? });
        }
        println!("{}; {when}", report::machine());
        if !measured.is_empty() {
            println!("{}\n{}", report::table(&measured), report::failures(&measured));
        }
        let alone = [size::table(&sizes), work::table(&work)].join("\n");
        println!("{alone}");
        if self.write {
            let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
            let how = format!("{rounds} rounds of {seconds} s");
            fs::write(&page, report::page(&measured, &alone, &when, &how)?)?;
            println!("written: docs/performance.md");
        }
        // No figure is judged; but of a stream that broke there are none.
        let failed: usize = measured.iter().map(Measured::failed).sum();
        ensure!(failed == 0, "{failed} viewers failed");
        Ok(())
    }

    /// Measures reference, subject and ASF in turns.
    fn measure(&self, case: Case, rounds: usize, seconds: f64, setup: &Setup) -> Result<Vec<Round>> {
        let one = |run: Run| -> Result<Option<Outcome>> {
            if !run.server.is_here() || self.references && run.server.is_daemon() {
                return Ok(None);
            }
            let outcome =
                run.measure(seconds, setup).with_context(|| format!("{}, {}", case.name, run.server.title()))?;
            if self.verbose {
                eprintln!("{} {}", run.server.title(), serde_json::to_string(&outcome)?);
            }
            Ok(Some(outcome))
        };
        let round = |_| -> Result<Round> {
            let (reference, subject) = (one(case.reference)?, one(case.subject)?);
            Ok(Round { reference, subject, asf: case.asf.map(one).transpose()?.flatten() })
        };
        (0..rounds).map(round).collect()
    }
}

impl Run {
    /// Starts the server, lets one viewer warm it up, and measures.
    fn measure(self, seconds: f64, setup: &Setup) -> Result<Outcome> {
        let cores = setup.cores;
        if let Load::Nobody = self.load {
            return guard::measure(self.server, self.feed, seconds, setup);
        }
        let server = self.server.start(self.feed, self.sound, self.head, setup)?;
        if self.armed {
            guard::arm(server.http)?;
        }
        if self.head == Head::Patrols {
            guard::patrol(server.http)?;
        }
        let account = if self.server.is_daemon() { format!("?user=viewer&pwd={PASSWORD}") } else { String::new() };
        let pid = server.process.pid().to_string();
        let seconds = seconds.to_string();
        match self.load {
            Load::Watch(Watch { viewers, stalled, resolution, tls, form }) => {
                let path = if self.server.is_daemon() { format!("{}{account}", form.path()) } else { "/".to_owned() };
                let path = resolution.iter().fold(path, |path, code| format!("{path}&resolution={code}"));
                let address = if tls { server.https.context("the server speaks no HTTPS")? } else { server.http };
                let mut options = text(&["--pid", &pid, "--form", form.name()]);
                options.extend(tls.then(|| "--tls".to_owned()));
                generate(cores, "bench-load", address, &path, &[&options[..], &text(&["--seconds", "0.2"])].concat())?;
                // What the one viewer left behind is let go before memory is read.
                thread::sleep(Duration::from_millis(300));
                options.extend(text(&["--seconds", &seconds, "--viewers", &viewers.to_string()]));
                options.extend(text(&["--stalled", &stalled.to_string()]));
                let whole = resolution.is_none() && self.head == Head::Whole;
                let counter = match (whole, self.sound) {
                    // It is asked for without TLS.
                    _ if tls => None,
                    (false, _) => Some("lookout_encodes_total"),
                    (true, true) => Some("lookout_sound_encoded_total"),
                    (true, false) => None,
                };
                if let Some(counter) = counter {
                    let metrics = format!("/metrics?user=admin&pwd={PASSWORD}");
                    options.extend(text(&["--counter", counter, "--metrics", &metrics]));
                }
                let outcome = generate(cores, "bench-load", address, &path, &options)?;
                // Untouched pictures bear a stamp; a placeholder for a lost source bears none.
                let strange = whole && outcome.frames > 0 && outcome.age_median_us.is_none();
                ensure!(!strange, "the viewers got pictures that are not the feed's");
                ensure!(!self.sound || outcome.blocks > 0, "the viewers heard nothing");
                Ok(outcome)
            }
            Load::Snapshots | Load::Status | Load::Nobody => {
                let path = match (self.server, self.load) {
                    (Kind::Lookout | Kind::Before, Load::Snapshots) => format!("/snapshot.cgi{account}"),
                    (Kind::Lookout | Kind::Before, _) => "/get_status.cgi".to_owned(),
                    (Kind::Nginx | Kind::Hello | Kind::Raw | Kind::RawTls | Kind::Motion, _) => {
                        "/picture.jpg".to_owned()
                    }
                };
                let options = text(&["--pid", &pid, "--seconds", &seconds]);
                generate(cores, "bench-requests", server.http, &path, &options)
            }
        }
    }
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Runs a load generator on its core and reads its outcome.
fn generate(cores: Cores, part: &str, address: SocketAddr, path: &str, options: &[String]) -> Result<Outcome> {
    let own = env::current_exe()?;
    let mut command = pinned(cores.load, own.to_str().context("a path that is not UTF-8")?)?;
    command.args([part, &address.to_string(), path]).args(options);
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the load generator failed: {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Builds the daemon and returns its program.
fn build_daemon() -> Result<PathBuf> {
    // Beside this program, as both are then built of the same.
    let built = crate::cargo::cargo().args(["build", "--release", "-p", "lookout", "-p", "xtask"]).status()?;
    ensure!(built.success(), "the daemon does not build");
    // This program is `release/xtask`, wherever the target folder is.
    Ok(env::current_exe()?.with_file_name("lookout"))
}
