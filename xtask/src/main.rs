//! Developer commands of the workspace: `cargo xtask COMMAND`.

mod bench;

use clap::Parser;

/// Developer commands of the workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    #[command(flatten)]
    Bench(bench::Command),
}

fn main() -> anyhow::Result<()> {
    match Xtask::parse() {
        Xtask::Bench(command) => command.run(),
    }
}
