//! The manual and what else is to be read on a machine without the sources: README.md, SECURITY.md, the files of docs/ and
//! docs/manual/, with their pictures. Their links lead to each other; of a link to what is not there the words remain.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};

use super::{Release, deb, files::Files};

/// Returns README.md and SECURITY.md, and, below a folder (`doc/`, or none), the others, such as `doc/manual/start.md`.
///
/// # Errors
/// Fails if they cannot be read.
pub fn all(release: &Release, below: &str) -> Result<Files> {
    let mut sources = BTreeMap::new();
    for name in ["README.md", "SECURITY.md"] {
        sources.insert(name.to_owned(), name.to_owned());
    }
    for (folder, to) in [("docs", ""), ("docs/manual", "manual/")] {
        for entry in fs::read_dir(release.root.join(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if [".md", ".jpg"].iter().any(|end| name.ends_with(end)) {
                sources.insert(format!("{folder}/{name}"), format!("{below}{to}{name}"));
            }
        }
    }
    let read = |path: &str| fs::read(release.root.join(path)).with_context(|| format!("cannot read {path}"));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).context("a document is no text");
    let mut places = sources.clone();
    for (folder, names) in deb::EXAMPLES {
        places.extend(names.iter().map(|name| (format!("{folder}/{name}"), format!("examples/{name}"))));
    }
    let mut files = Files::default();
    for (from, to) in &sources {
        let bytes = if from.ends_with(".md") {
            relinked(&text(&read(from)?)?, from, to, &places).into_bytes()
        } else {
            read(from)?
        };
        files.put(to.as_str(), bytes);
    }
    Ok(files)
}

/// Has the links of a document at `from` lead, from `to`, to where their targets are now.
fn relinked(text: &str, from: &str, to: &str, places: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (words, target, after))) = next_link(rest) {
        out += before;
        let (file, anchor) = target.split_once('#').map_or((target, ""), |(file, anchor)| (file, anchor));
        let place = places.get(&joined(from, file));
        match place {
            _ if file.is_empty() || file.contains("://") => out += &format!("[{words}]({target})"),
            Some(place) => {
                let up = "../".repeat(to.matches('/').count());
                let hash = if anchor.is_empty() { "" } else { "#" };
                out += &format!("[{words}]({up}{place}{hash}{anchor})");
            }
            None => out += words,
        }
        rest = after;
    }
    out + rest
}

/// Finds the next link and returns what is before it, its words, its target, and what is behind it.
fn next_link(text: &str) -> Option<(&str, (&str, &str, &str))> {
    let middle = text.find("](")?;
    let end = middle + text[middle..].find(')')?;
    let begin = text[..middle].rfind('[')?;
    Some((&text[..begin], (&text[begin + 1..middle], &text[middle + 2..end], &text[end + 1..])))
}

/// Returns the path to which a link in a file leads.
fn joined(from: &str, link: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::dist::MACHINES;

    #[test]
    fn links_lead_to_where_the_documents_are_and_words_remain_of_others() {
        let places = [("docs/manual/a.md", "manual/a.md"), ("docs/b.md", "b.md"), ("README.md", "README.md")];
        let places = places.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
        let text = "see [b](../b.md#x), [a](a.md), [here](#y), [far](https://x.example/), [no](../../lab/README.md).";
        let expected = "see [b](../b.md#x), [a](../manual/a.md), [here](#y), [far](https://x.example/), no.";
        assert_eq!(relinked(text, "docs/manual/c.md", "manual/c.md", &places), expected);
        assert_eq!(relinked("[b](docs/b.md) [", "README.md", "README.md", &places), "[b](b.md) [");
    }

    #[test]
    fn every_link_of_the_documents_that_are_shipped_leads_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let release = Release { root, version: "1.2.3", machine: MACHINES[0], epoch: 0 };
        for below in ["", "doc/"] {
            let files = all(&release, below).unwrap();
            let names: Vec<_> = files.iter().map(|(path, _)| path.to_owned()).collect();
            assert!(names.contains(&"README.md".to_owned()) && names.contains(&format!("{below}manual/start.md")));
            for (path, content) in files.iter().filter(|(path, _)| path.ends_with(".md")) {
                let mut rest = std::str::from_utf8(content).unwrap();
                while let Some((_, (_, target, after))) = next_link(rest) {
                    let file = joined(path, target.split('#').next().unwrap());
                    let there = target.starts_with('#') || target.contains("://") || names.contains(&file);
                    assert!(there || file.starts_with("examples/"), "{path}: {target}");
                    rest = after;
                }
            }
        }
    }
}
