//! Developer commands: `cargo xtask docs | bench | lab`.

mod bench;
mod docs;

use clap::Parser;

/// Developer commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Writes the generated documents: docs/cgi.md, docs/params.md, docs/manual/config.md.
    Docs,
    #[command(flatten)]
    Bench(bench::Command),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Docs => docs::write(),
        Task::Bench(command) => command.run(),
    }
}
