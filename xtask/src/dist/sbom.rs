//! What is in the program, as a CycloneDX document (SBOM): each crate with its version, licence, checksum, and what it needs.
//!
//! `cargo tree` says which crates that are: those whose code can be in the program, without what only tests, build scripts and
//! macros need. All else is in `cargo metadata` and Cargo.lock. The one library that is built from C sources, libjpeg-turbo, is
//! told beside the crate that brings it: that is where its weaknesses are looked up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Release;
use crate::cargo;

/// A crate that is in the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// The SHA-256 of its package in hexadecimal; none for our own.
    pub checksum: Option<String>,
    /// Where its sources are.
    pub folder: PathBuf,
    /// Places in [`Contents::crates`] of what it needs.
    pub needs: Vec<usize>,
}

/// What is in the program.
#[derive(Debug, Default)]
pub struct Contents {
    /// The crates, in the order of names and versions.
    pub crates: Vec<Crate>,
    /// The version of libjpeg-turbo, which the crate turbojpeg-sys brings.
    pub jpeg: Option<String>,
}

/// Asks cargo.
///
/// # Errors
/// Fails if cargo does, or says what nobody expects.
pub fn contents(release: &Release) -> Result<Contents> {
    let triple = release.machine.triple;
    let tree = ["tree", "--locked", "-p", "lookout", "--target", triple, "--prefix=none", "--no-dedupe"];
    let tree = [&tree[..], &["--edges=normal,no-proc-macro", "--format={p}"]].concat();
    let tree = cargo::ask(&release.root, &tree, &[])?;
    let metadata = ["metadata", "--locked", "--format-version=1", "--filter-platform", triple];
    let metadata = cargo::ask(&release.root, &metadata, &[])?;
    let lock = fs::read_to_string(release.root.join("Cargo.lock"))?;
    let mut contents = read(&tree, &metadata, &lock)?;
    let brings = contents.crates.iter().find(|one| one.name == "turbojpeg-sys");
    contents.jpeg = brings.map(|one| jpeg_version(&one.folder)).transpose()?;
    Ok(contents)
}

/// The part of `cargo metadata` that matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// `dev` or `build`; none for what goes into the program.
    kind: Option<String>,
}

/// Puts together what cargo says.
fn read(tree: &str, metadata: &str, lock: &str) -> Result<Contents> {
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata says what nobody expects")?;
    // "name v1.2.3" and, of our own, the folder.
    let inside: BTreeSet<(&str, &str)> =
        tree.lines().filter_map(|line| line.split(" (").next()?.split_once(" v")).collect();
    let mut packages: Vec<_> = metadata.packages;
    packages.retain(|package| inside.contains(&(package.name.as_str(), package.version.as_str())));
    ensure!(packages.len() == inside.len(), "cargo tree and cargo metadata do not speak of the same crates");
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let places: BTreeMap<&str, usize> = packages.iter().enumerate().map(|(at, one)| (one.id.as_str(), at)).collect();
    let mut needs = vec![Vec::new(); packages.len()];
    for node in &metadata.resolve.nodes {
        let Some(at) = places.get(node.id.as_str()) else { continue };
        let normal = node.deps.iter().filter(|it| it.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        needs[*at].extend(normal.filter_map(|it| places.get(it.pkg.as_str()).copied()));
        needs[*at].sort_unstable();
    }
    let checksums = checksums(lock);
    let made = packages.iter().zip(needs).map(|(package, needs)| Crate {
        checksum: checksums.get(&(package.name.as_str(), package.version.as_str())).map(|&it| it.to_owned()),
        // Old ones write a slash for OR.
        licence: package.license.as_deref().unwrap_or("NOASSERTION").replace('/', " OR "),
        folder: package.manifest_path.parent().unwrap_or(Path::new("/")).to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        needs,
    });
    Ok(Contents { crates: made.collect(), jpeg: None })
}

/// Reads the checksums of Cargo.lock, which cargo writes one line a value.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    lock.split("[[package]]")
        .filter_map(|block| {
            let of = |key: &str| {
                block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
            };
            Some(((of("name")?, of("version")?), of("checksum")?))
        })
        .collect()
}

/// Finds the version of libjpeg-turbo in the sources that the crate brings.
fn jpeg_version(folder: &Path) -> Result<String> {
    let text = fs::read_to_string(folder.join("libjpeg-turbo/CMakeLists.txt"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("set(VERSION ")?.strip_suffix(')'));
    Ok(line.context("turbojpeg-sys does not say which libjpeg-turbo it brings")?.to_owned())
}

/// Returns the document.
///
/// # Errors
/// Fails if `lookout` is not among the crates.
pub fn text(release: &Release, contents: &Contents) -> Result<String> {
    let purl = |one: &Crate| format!("pkg:cargo/{}@{}", one.name, one.version);
    let component = |one: &Crate| {
        let mut about = json!({
            "type": "library",
            "bom-ref": purl(one),
            "name": one.name,
            "version": one.version,
            "licenses": [{ "expression": one.licence }],
            "purl": purl(one),
        });
        if let Some(checksum) = &one.checksum {
            about["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        about
    };
    let main = contents.crates.iter().find(|one| one.name == "lookout").context("lookout is not in lookout")?;
    let mut program = component(main);
    program["type"] = "application".into();
    let others = contents.crates.iter().filter(|one| one.name != "lookout");
    let mut components: Vec<Value> = others.map(component).collect();
    let mut dependencies: Vec<Value> = Vec::new();
    for one in &contents.crates {
        let mut needs: Vec<_> = one.needs.iter().map(|at| purl(&contents.crates[*at])).collect();
        if let Some(version) = contents.jpeg.as_ref().filter(|_| one.name == "turbojpeg-sys") {
            let jpeg = format!("pkg:github/libjpeg-turbo/libjpeg-turbo@{version}");
            components.push(json!({
                "type": "library", "bom-ref": jpeg, "name": "libjpeg-turbo", "version": version,
                "licenses": [{ "expression": "IJG AND BSD-3-Clause AND Zlib" }], "purl": jpeg,
            }));
            dependencies.push(json!({ "ref": jpeg, "dependsOn": [] }));
            needs.push(jpeg);
        }
        dependencies.push(json!({ "ref": purl(one), "dependsOn": needs }));
    }
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": release.moment("+%FT%TZ")?,
            "component": program,
            "properties": [{ "name": "target", "value": release.machine.triple }],
        },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::MACHINES;

    const LOCK: &str = r#"
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "00ff"
dependencies = [
 "c",
]

[[package]]
name = "lookout"
version = "0.1.0"
"#;

    const TREE: &str = "lookout v0.1.0 (/src/crates/lookout)\na v1.0.0\na v1.0.0\n";

    /// lookout needs a, and c in tests; a needs lookout to be built, which only tests of such a document do.
    fn metadata() -> String {
        let package = |name: &str, version: &str, license: &str| {
            json!({
                "id": format!("{name}#{version}"), "name": name, "version": version, "license": license,
                "manifest_path": format!("/src/{name}/Cargo.toml"),
            })
        };
        let needs = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        json!({
            "packages": [
                package("lookout", "0.1.0", "MIT OR Apache-2.0"), package("c", "1.0.0", "MIT"),
                package("a", "1.0.0", "MIT/Apache-2.0"), package("a", "2.0.0", "MIT"),
            ],
            "resolve": { "nodes": [
                { "id": "lookout#0.1.0", "deps": [needs("a#1.0.0", None), needs("c#1.0.0", Some("dev"))] },
                { "id": "a#1.0.0", "deps": [needs("lookout#0.1.0", Some("build"))] },
            ] },
        })
        .to_string()
    }

    fn release() -> Release {
        Release { root: "/src".into(), version: "0.1.0", machine: MACHINES[0], epoch: 1_000_000_000 }
    }

    #[test]
    fn what_only_tests_and_builds_need_is_not_in_the_program() {
        let contents = read(TREE, &metadata(), LOCK).unwrap();
        let a = Crate {
            name: "a".into(),
            version: "1.0.0".into(),
            licence: "MIT OR Apache-2.0".into(),
            checksum: Some("00ff".into()),
            folder: "/src/a".into(),
            needs: vec![],
        };
        assert_eq!(contents.crates.len(), 2);
        assert_eq!((&contents.crates[0], &contents.crates[1].needs), (&a, &vec![0]));
    }

    #[test]
    fn the_document_is_cyclonedx_and_names_what_needs_what() {
        let mut contents = read(TREE, &metadata(), LOCK).unwrap();
        contents.crates[0].name = "turbojpeg-sys".into();
        contents.jpeg = Some("3.1.0".into());
        let text = text(&release(), &contents).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&document["bomFormat"], &document["specVersion"]), (&json!("CycloneDX"), &json!("1.5")));
        assert_eq!(document["metadata"]["timestamp"], "2001-09-09T01:46:40Z");
        assert_eq!(document["metadata"]["component"]["purl"], "pkg:cargo/lookout@0.1.0");
        let hashes = json!([{ "alg": "SHA-256", "content": "00ff" }]);
        assert_eq!(
            (&document["components"][0]["hashes"], &document["components"][1]["version"]),
            (&hashes, &json!("3.1.0"))
        );
        let jpeg = "pkg:github/libjpeg-turbo/libjpeg-turbo@3.1.0";
        let graph = json!([
            { "ref": jpeg, "dependsOn": [] },
            { "ref": "pkg:cargo/turbojpeg-sys@1.0.0", "dependsOn": [jpeg] },
            { "ref": "pkg:cargo/lookout@0.1.0", "dependsOn": ["pkg:cargo/turbojpeg-sys@1.0.0"] },
        ]);
        assert_eq!(document["dependencies"], graph);
    }

    #[test]
    fn a_crate_of_which_cargo_metadata_does_not_speak_is_an_error() {
        assert!(read(&format!("{TREE}b v1.0.0\n"), &metadata(), LOCK).is_err());
    }
}
