//! The documents and the code speak of the same things: links lead somewhere, tests named as proof exist, what comments
//! cite can be found, and every dependency has its reason.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Written by `cargo xtask bench --write` on a quiet machine, so it may not be there.
const MEASURED: &str = "performance.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads all files with an extension below the folders that hold our own text.
fn texts(extension: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let hidden =
                path.file_name().is_some_and(|name| name == "target" || name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["crates", "docs", "fuzz", "lab", "xtask"] {
        walk(&root().join(folder), extension, &mut found);
    }
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"] {
        if name.ends_with(extension) {
            found.push((root().join(name), fs::read_to_string(root().join(name)).unwrap()));
        }
    }
    found
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// Gives what stands behind each occurrence of `mark` that does not begin in the middle of a word.
fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let begins = move |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(mark).filter(move |(at, _)| begins(*at)).map(move |(at, _)| &text[at + mark.len()..])
}

/// Takes a number such as `5` or `5.1` off the front; none if a letter follows.
fn number(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    (!number.is_empty() && !text[number.len()..].starts_with(char::is_alphanumeric)).then_some(number)
}

#[test]
fn every_link_leads_somewhere() {
    for (path, text) in texts("md") {
        for target in after(&text, "](").filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.ends_with(MEASURED) {
                continue;
            }
            let there = path.parent().unwrap().join(file);
            assert!(there.exists(), "{}: {target}", path.display());
        }
    }
}

#[test]
fn every_test_that_is_named_as_proof_exists() {
    let code: String = texts("rs").into_iter().map(|(_, text)| text).collect();
    // The lab's tests of the daemon are in Python.
    let lab: String = texts("py").into_iter().map(|(_, text)| text).collect();
    let heads = after(&code, "fn ").chain(after(&lab, "def "));
    let all: BTreeSet<&str> = heads.filter_map(|rest| rest.split(['(', '<']).next()).collect();
    for name in ["quirks.md", "rules.md", "threat-model.md"] {
        let text = document(name);
        // A sentence has more underscores than a setting.
        let sentences =
            text.split('`').filter(|word| word.matches('_').count() >= 3 && !word.contains([' ', '*', '\n']));
        for test in sentences {
            assert!(all.contains(test), "docs/{name} names {test}, and there is no such test");
        }
    }
}

#[test]
fn every_file_that_is_named_as_proof_exists() {
    for (path, text) in texts("md") {
        let files = text.split('`').filter(|word| word.ends_with(".test.mjs") && !word.contains([' ', '*', '\n']));
        for file in files.filter(|file| file.contains('/') && !file.contains("NAME")) {
            assert!(root().join(file).exists(), "{} names {file}", path.display());
        }
    }
}

#[test]
fn whatever_comments_cite_can_be_found() {
    let (profile, quirks, rules) = (document("profile.md"), document("quirks.md"), document("rules.md"));
    // Wherever its lines break.
    let rules = rules.replace('\n', " ");
    let decisions: Vec<_> =
        fs::read_dir(root().join("docs/adr")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for (path, text) in texts("rs").into_iter().filter(|(path, _)| !path.ends_with(file!())) {
        let missing = |what: &str, number: &str| format!("{} cites {what}{number}, which is nowhere", path.display());
        for section in after(&text, "PROFILE ").filter_map(number) {
            let heads = [format!("## {section}. "), format!("### {section} "), format!("{section} ")];
            let found = profile.lines().any(|line| heads.iter().any(|head| line.starts_with(head)));
            assert!(found, "{}", missing("PROFILE ", section));
        }
        for quirk in after(&text, "Q").filter_map(number) {
            assert!(quirks.contains(&format!("**Q{quirk}. ")), "{}", missing("Q", quirk));
        }
        for rule in ["RULES ", "rule "].iter().flat_map(|mark| after(&text, mark)) {
            let Some((kind, rest)) = rule.split_at_checked(1).filter(|(kind, _)| ["R", "W", "F"].contains(kind)) else {
                continue;
            };
            let Some(number) = number(rest) else { continue };
            let forms = [format!("| {kind}{number} |"), format!("**{kind}{number}. "), format!(" {kind}{number} ")];
            assert!(forms.iter().any(|form| rules.contains(form)), "{}", missing(kind, number));
        }
        for decision in after(&text, "ADR ").filter_map(number) {
            let begins = format!("{decision}-");
            assert!(
                decisions.iter().any(|file| file.to_string_lossy().starts_with(&begins)),
                "{}",
                missing("ADR ", decision)
            );
        }
    }
}

#[test]
fn programs_are_started_in_two_places_and_nowhere_else() {
    let shipped = |path: &Path| {
        let path = path.to_string_lossy();
        // The drivers' tests for the lab lie beside the drivers.
        let tests = path.ends_with("/lab.rs");
        !tests && ["core", "linux", "lookout"].iter().any(|name| path.contains(&format!("/crates/{name}/src/")))
    };
    let ways = ["Command::new(", "libc::execve("];
    let starts =
        |text: &str| text.split("#[cfg(test)]").next().is_some_and(|code| ways.iter().any(|way| code.contains(way)));
    let places = texts("rs").into_iter().filter(|(path, text)| shipped(path) && starts(text));
    let names: BTreeSet<_> = places.map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, BTreeSet::from(["handover.rs".to_owned(), "process.rs".to_owned()]));
}

/// Returns the pairs of a crate's folder and a dependency, of tests too, as a `Cargo.toml` names them.
fn dependencies(folder: &str) -> BTreeSet<(String, String)> {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let sections = manifest.split("\n[").filter(|section| section.contains("dependencies]\n"));
    let names = sections.flat_map(|section| section.lines().skip(1)).filter_map(|line| line.split(['.', ' ']).next());
    let foreign =
        names.filter(|name| !name.is_empty() && !name.starts_with("lookout") && !["fuzz", "#"].contains(name));
    let short = folder.rsplit('/').next().unwrap();
    foreign.map(|name| (short.to_owned(), name.to_owned())).collect()
}

#[test]
fn the_table_of_dependencies_is_that_of_every_crate() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.split("| crate | used by | for |").nth(1).unwrap().lines().skip(2);
    let mut told = BTreeSet::new();
    for row in rows.take_while(|row| row.starts_with('|')) {
        let [_, names, users, reason, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        assert!(!reason.is_empty(), "{row}");
        for user in users.split(", ") {
            told.extend(names.split(", ").map(|name| (user.to_owned(), name.to_owned())));
        }
    }
    let folders = ["crates/core", "crates/linux", "crates/lookout", "crates/testkit", "fuzz", "xtask"];
    let used: BTreeSet<_> = folders.into_iter().flat_map(dependencies).collect();
    let differ: Vec<_> = told.symmetric_difference(&used).collect();
    assert!(differ.is_empty(), "ARCHITECTURE.md and the Cargo.tomls differ in {differ:?}");
}
