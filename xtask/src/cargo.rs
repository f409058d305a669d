//! cargo, called from within itself.

use std::{env, process::Command};

/// Makes a command of the cargo that runs this program, without what it says of this program in the environment: the build
/// script of `ring` looks at that, and half of all dependencies would be built anew.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let of_this = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this)) {
        command.env_remove(name);
    }
    command
}
