//! Developer commands: `cargo xtask docs | bench | dist | fuzz | lab | motion`.

mod bench;
mod cargo;
mod dist;
mod docs;
mod fuzz;
mod lab;
mod motion;

use std::process::ExitCode;

use clap::Parser;

/// Developer commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Writes the generated documents: docs/cgi.md, docs/params.md, docs/openapi.json, docs/manual/config.md.
    Docs,
    #[command(flatten)]
    Bench(bench::Command),
    /// Makes what is released: a Debian package, an archive, a list of what is in the program, checksums.
    Dist(dist::Dist),
    /// Looks for inputs that break a parser, with libFuzzer.
    Fuzz(fuzz::Fuzz),
    /// Runs lab/tests in a virtual machine with virtual cameras; 77 where that cannot be built.
    Lab(lab::Lab),
    /// Shows scenes with known truth to the motion detector and writes docs/motion.md; takes some minutes.
    Motion(motion::Motion),
}

fn main() -> anyhow::Result<ExitCode> {
    match Task::parse() {
        Task::Bench(command) => command.run().map(|()| ExitCode::SUCCESS),
        Task::Dist(dist) => dist::run(&dist).map(|()| ExitCode::SUCCESS),
        Task::Docs => docs::write().map(|()| ExitCode::SUCCESS),
        Task::Fuzz(fuzz) => fuzz::run(&fuzz),
        Task::Lab(lab) => lab::run(&lab),
        Task::Motion(motion) => motion::run(&motion).map(|()| ExitCode::SUCCESS),
    }
}
