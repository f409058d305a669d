//! Developer commands: `cargo xtask docs | bench | lab`.

mod docs;

use clap::Parser;

/// Developer commands.
#[derive(Parser)]
enum Task {
    /// Writes the generated documents: docs/cgi.md, docs/params.md, docs/manual/config.md.
    Docs,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Docs => docs::write(),
    }
}
