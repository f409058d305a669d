//! Tells the program for which machines it was built, as packages of new versions name them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=LOOKOUT_TARGET={target}");
}
