//! Tells the program for which machines it was built, as packages of new versions name them, and whose packages it takes.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LOOKOUT_UPGRADE_KEYS");
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=LOOKOUT_TARGET={target}");
    let keys = env::var("LOOKOUT_UPGRADE_KEYS").unwrap_or_default();
    // A misspelt key would be none, and nobody would notice before the first upgrade.
    let letters = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    for key in keys.split_whitespace() {
        assert!(
            key.len() == 56 && key.starts_with("RW") && letters(key),
            "LOOKOUT_UPGRADE_KEYS: {key} is no public key of minisign's"
        );
    }
    println!("cargo::rustc-env=LOOKOUT_UPGRADE_KEYS={keys}");
    // Relocations in short: a twelfth of the program less. The C library must know the form, and does since 2.36, which is that
    // of Debian 12.
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
