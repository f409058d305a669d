//! `cargo xtask docs`: writes what is generated from the tables. Tests compare the files with the tables.

use std::{fs, path::Path};

use anyhow::Context;
use lookout_core::profile::{manual, openapi};

/// Writes every generated document.
pub fn write() -> anyhow::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let written = [
        ("cgi.md", manual::cgis()),
        ("openapi.json", openapi::document().to_owned()),
        ("params.md", manual::settings()),
        ("manual/config.md", lookout::config::manual()),
    ];
    for (name, text) in written {
        fs::write(docs.join(name), text).with_context(|| format!("cannot write docs/{name}"))?;
    }
    Ok(())
}
