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

    /// Returns a configuration that pins his key, with what else stands under `[upgrade]`.
    pub fn pinned(&self, more: &str) -> String {
        format!("[upgrade]\nkeys = [\"{}\"]\n{more}\n", self.key)
    }

    /// Returns that of a camera without a sandbox, in which no shell runs: for versions that are scripts.
    pub fn pinned_without_sandbox(&self) -> String {
        format!("sandbox = false\n{}", self.pinned(""))
    }

    /// Returns a version that works, and is small: it becomes the program under test.
    pub fn works(&self) -> Vec<u8> {
        becomes(self.binary)
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

/// Makes a program that replaces itself by another one, with the same words and environment (execve(2)), or ends with 1.
#[cfg(target_arch = "x86_64")]
fn becomes(path: &str) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADS: usize = 64 + 56;
    let code = |path: u64| {
        [
            &[0x48, 0xbf][..],
            &path.to_le_bytes(),                                       // mov rdi, path
            &[0x48, 0x8d, 0x74, 0x24, 0x08, 0x48, 0x8b, 0x04, 0x24],   // lea rsi, [rsp+8]; mov rax, [rsp]
            &[0x48, 0x8d, 0x54, 0xc4, 0x10, 0xb8, 59, 0, 0, 0, 15, 5], // lea rdx, [rsp+rax*8+16]; mov eax, 59; syscall
            &[0xbf, 1, 0, 0, 0, 0xb8, 60, 0, 0, 0, 15, 5],             // mov edi, 1; mov eax, 60; syscall
        ]
        .concat()
    };
    let code = code(BASE + (HEADS + code(0).len()) as u64);
    let size = (HEADS + code.len() + path.len() + 1) as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    [2_u16, 62].iter().for_each(|half| file.extend(half.to_le_bytes()));
    file.extend(1_u32.to_le_bytes());
    [BASE + HEADS as u64, 64, 0].iter().for_each(|word| file.extend(word.to_le_bytes()));
    file.extend(0_u32.to_le_bytes());
    [64_u16, 56, 1, 0, 0, 0].iter().for_each(|half| file.extend(half.to_le_bytes()));
    [1_u32, 5].iter().for_each(|word| file.extend(word.to_le_bytes()));
    [0, BASE, BASE, size, size, 4096].iter().for_each(|word| file.extend(word.to_le_bytes()));
    [&file[..], &code, path.as_bytes(), b"\0"].concat()
}

/// The same as a script, which needs a shell.
#[cfg(not(target_arch = "x86_64"))]
fn becomes(path: &str) -> Vec<u8> {
    format!("#!/bin/sh\nexec {path} \"$@\"\n").into_bytes()
}
