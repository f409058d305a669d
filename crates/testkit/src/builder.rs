//! A builder of new versions, by the program's own commands.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::camera::lookout;

/// Somebody who has a key and signs packages with it.
pub struct Builder {
    binary: &'static str,
    folder: TempDir,
    /// The public key, as the configuration wants it.
    pub key: String,
}

impl Builder {
    /// Makes his key.
    pub fn new(binary: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let made = lookout(binary, &["keygen", "--key", text(&file)], "\n");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let public = fs::read_to_string(folder.path().join("key.pub")).unwrap();
        Self { binary, folder, key: public.lines().nth(1).unwrap().to_owned() }
    }

    /// Returns a configuration that pins his key, with what else stands under `[upgrade]`. There is no sandbox: a version that is
    /// tested is a script, and in the sandbox no shell runs.
    pub fn pinned(&self, more: &str) -> String {
        format!("sandbox = false\n[upgrade]\nkeys = [\"{}\"]\n{more}\n", self.key)
    }

    /// Signs a program as a version, with more words for `lookout sign`.
    pub fn package(&self, version: &str, program: &[u8], more: &[&str]) -> Vec<u8> {
        let [file, key, output] = ["program", "key", "package"].map(|name| self.folder.path().join(name));
        fs::write(&file, program).unwrap();
        let words = ["sign", "--key", text(&key), "--program", text(&file), "--program-version", version];
        let signed = lookout(self.binary, &[&words[..], &["--output", text(&output)], more].concat(), "\n");
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        fs::read(output).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
