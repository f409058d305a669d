//! cargo, called from within itself.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

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

/// Runs cargo in a folder and returns what it prints.
///
/// # Errors
/// Fails, with what cargo said, if cargo does.
pub fn ask(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String> {
    let mut command = cargo();
    let output =
        command.args(arguments).arg("--quiet").envs(environment.iter().copied()).current_dir(folder).output()?;
    if !output.status.success() {
        bail!("cargo {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Finds the last program of a target in cargo's messages, of which each is a line.
pub fn executable(messages: &str, target: &str) -> Option<PathBuf> {
    let name = format!(r#""name":"{target}""#);
    let of_target = messages.lines().filter(|line| line.contains(&name));
    let (_, from) = of_target.filter_map(|line| line.split_once(r#""executable":""#)).next_back()?;
    Some(from.split_once('"')?.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_program_of_a_target_that_cargo_names_is_taken() {
        let messages = [
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"x"},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"x"},"executable":"/t/debug/deps/x-1"}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"xy"},"executable":"/t/debug/deps/xy-1"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ]
        .join("\n");
        assert_eq!(executable(&messages, "x"), Some("/t/debug/deps/x-1".into()));
        assert_eq!(executable(&messages, "y"), None);
        assert_eq!(executable(messages.lines().next().unwrap(), "x"), None);
    }
}
