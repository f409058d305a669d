//! The licences of what is in the program: most of them want their text to go with it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::sbom::Contents;

/// How the names of files begin that say under which terms something is given.
const NAMES: [&str; 7] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "README.IJG"];

/// Returns all in one text: who is under what, then each text once, after those whom it came with.
///
/// # Errors
/// Fails if the sources of a crate cannot be read.
pub fn text(contents: &Contents) -> Result<String> {
    let mut out = String::from("What is in the program lookout, and under which terms.\n\n");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &contents.crates {
        writeln!(out, "{} {}: {}", one.name, one.version, one.licence)?;
        for path in found(&one.folder)? {
            let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text).replace('\r', "").trim().to_owned();
            texts.entry(text).or_default().push(format!("{} {}", one.name, one.version));
        }
    }
    let mut texts: Vec<_> = texts.into_iter().map(|(text, of)| (of, text)).collect();
    texts.sort();
    for (mut of, text) in texts {
        of.dedup();
        write!(out, "\n{}\n{}\n\n{text}\n", "-".repeat(78), of.join(", "))?;
    }
    Ok(out)
}

/// Finds the files in the folder of a crate, and in the folders right below it: sources of others lie there, such as those of
/// libjpeg-turbo.
fn found(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            folders.push(path);
        }
    }
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::sbom::Crate;

    #[test]
    fn a_text_that_many_came_with_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let made = ["a", "b"].map(|name| {
            let of = folder.path().join(name);
            fs::create_dir_all(of.join("inner")).unwrap();
            fs::write(of.join("LICENSE-MIT"), "Permission is granted\r\n").unwrap();
            fs::write(of.join("inner/COPYING"), format!("of {name}")).unwrap();
            Crate { name: name.into(), version: "1.0.0".into(), licence: "MIT".into(), folder: of, ..Crate::default() }
        });
        let text = text(&Contents { crates: made.into(), ..Contents::default() }).unwrap();
        assert_eq!(text.matches("Permission is granted\n").count(), 1);
        assert!(text.contains("a 1.0.0, b 1.0.0\n\nPermission") && text.contains("b 1.0.0\n\nof b\n"), "{text}");
    }
}
