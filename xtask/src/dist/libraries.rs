//! Which packages of Debian a program needs, read off the program itself with binutils' readelf.
//!
//! `dpkg-shlibdeps` says the same, but only where the libraries are installed, and with the names of the suite on which it runs;
//! a package made here is for Debian 12 and 13.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{Machine, say};

/// Returns the `Depends` of a package for a machine with this program in it.
///
/// # Errors
/// Fails if readelf does, or for a library of which nobody said in which package it is.
pub fn needs(program: &Path, machine: Machine) -> Result<String> {
    let about = say(Command::new("readelf").args(["--wide", "--dynamic", "--version-info"]).arg(program))?;
    depends(&about, machine)
}

/// Reads what readelf says.
fn depends(about: &str, machine: Machine) -> Result<String> {
    let libraries = about.lines().filter(|line| line.contains("(NEEDED)"));
    let mut packages = Vec::new();
    for line in libraries {
        let (_, name) = line.split_once('[').context("readelf names no library")?;
        packages.push(match name.trim_end_matches(']') {
            "libc.so.6" | "libm.so.6" | "libdl.so.2" | "libpthread.so.0" | "librt.so.1" => libc(about)?,
            // Of the C library, too.
            name if name.starts_with("ld-linux") => libc(about)?,
            "libgcc_s.so.1" => "libgcc-s1".to_owned(),
            // Debian 13 renamed it, for another length of times; that differs on armhf alone. Debian 12 has 1.2.8.
            "libasound.so.2" if machine.debian == "armhf" => "libasound2 (>= 1.2)".to_owned(),
            "libasound.so.2" => "libasound2 (>= 1.2) | libasound2t64".to_owned(),
            other => bail!("the program needs {other}: in which package is it?"),
        });
    }
    packages.sort();
    packages.dedup();
    Ok(packages.join(", "))
}

/// Returns the C library, as new as the newest of its symbols that the program uses.
fn libc(about: &str) -> Result<String> {
    let versions = about.split("Name: GLIBC_").skip(1).filter_map(|rest| {
        let text = rest.split_whitespace().next()?;
        let (major, minor) = text.split_once('.')?;
        // The third number of old ones does not matter.
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    });
    // Relocations in short, which crates/lookout/build.rs asks for, are a form and no symbol: 2.36 was the first to know it.
    let form = about.contains("Name: GLIBC_ABI_DT_RELR").then_some((2, 36));
    let (major, minor) = versions.chain(form).max().context("readelf names no version of the C library")?;
    Ok(format!("libc6 (>= {major}.{minor})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::MACHINES;

    const ABOUT: &str = "
 0x0000000000000001 (NEEDED)             Shared library: [libasound.so.2]
 0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-x86-64.so.2]
  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 9
  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 7
  0x0030:   Name: GLIBC_2.3.4  Flags: none  Version: 5
  0x0040:   Name: GLIBC_ABI_DT_RELR  Flags: none  Version: 4
";

    #[test]
    fn a_program_needs_the_packages_of_its_libraries() {
        let expected = "libasound2 (>= 1.2) | libasound2t64, libc6 (>= 2.36), libgcc-s1";
        assert_eq!(depends(ABOUT, MACHINES[0]).unwrap(), expected);
        let expected = "libasound2 (>= 1.2) | libasound2t64, libc6 (>= 2.34), libgcc-s1";
        assert_eq!(depends(&ABOUT.replace("GLIBC_ABI_DT_RELR", "GLIBC_2.1"), MACHINES[1]).unwrap(), expected);
    }

    #[test]
    fn a_program_for_armhf_is_not_for_a_library_with_other_times() {
        assert_eq!(depends(ABOUT, MACHINES[2]).unwrap(), "libasound2 (>= 1.2), libc6 (>= 2.36), libgcc-s1");
    }

    #[test]
    fn a_library_of_which_nobody_knows_the_package_is_an_error() {
        let about = ABOUT.replace("libgcc_s.so.1", "libssl.so.3");
        assert!(depends(&about, MACHINES[0]).unwrap_err().to_string().contains("libssl.so.3"));
    }
}
