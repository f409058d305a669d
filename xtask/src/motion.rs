//! `cargo xtask motion`: shows the scenes with known truth to the motion detector, and to Debian's motion beside it.

mod beside;
mod stream;

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// What to show to whom.
#[derive(clap::Args)]
pub struct Motion {
    /// Shows the scenes to Debian's motion, too, as fast as a camera would, and writes docs/motion-beside.md instead.
    #[arg(long)]
    beside: bool,
    /// How many scenes Debian's motion is shown at once, each to a process of its own.
    #[arg(long, default_value_t = 8, requires = "beside", value_parser = clap::value_parser!(u8).range(1..=16))]
    at_once: u8,
    /// Only scenes whose name contains this; prints the page and writes nothing.
    #[arg(long, requires = "beside")]
    only: Option<String>,
}

/// Writes docs/motion.md, or with `--beside` docs/motion-beside.md.
///
/// # Errors
/// Fails if Debian's motion is not installed, or did not get at its stream.
pub fn run(motion: &Motion) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let (name, page) = match motion {
        Motion { beside: false, .. } => ("motion.md", lookout_testkit::motion::page()),
        Motion { at_once, only, .. } => {
            let page = beside::page(usize::from(*at_once), only.as_deref().unwrap_or_default())?;
            if only.is_some() {
                print!("{page}");
                return Ok(());
            }
            ("motion-beside.md", page)
        }
    };
    fs::write(docs.join(name), page).with_context(|| format!("docs/{name}"))?;
    println!("written: docs/{name}");
    Ok(())
}
