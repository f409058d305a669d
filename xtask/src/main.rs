//! Developer commands: `cargo xtask docs | bench | lab`.

mod docs;
mod lab;

use std::process::ExitCode;

use clap::Parser;

/// Developer commands.
#[derive(Parser)]
enum Task {
    /// Writes the generated documents: docs/cgi.md, docs/params.md, docs/manual/config.md.
    Docs,
    /// Runs lab/tests in a virtual machine with virtual cameras; 77 where that cannot be built.
    Lab(lab::Lab),
}

fn main() -> anyhow::Result<ExitCode> {
    match Task::parse() {
        Task::Docs => docs::write().map(|()| ExitCode::SUCCESS),
        Task::Lab(lab) => lab::run(&lab),
    }
}
