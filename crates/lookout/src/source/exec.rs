//! Programs: motion JPEG or raw sound on the standard output of a command (`rpicam-vid …`, `arecord …`, `ffmpeg …`).
//!
//! The command comes from the machine's own configuration, never from the network, and is run by `/bin/sh -c`. It gets a
//! process group of its own, so that it ends with all that it started: SIGTERM, a short grace, SIGKILL. If Lookout itself
//! is killed, the command gets no signal but finds its output closed.

mod line;
mod process;
mod sound;

use lookout_core::{
    media::{frame::Grabbed, multipart::Cutter},
    port::{Lost, Promise, Source, Wanted},
};

use self::process::Process;
pub(super) use self::process::program;
pub use self::sound::microphone;
use super::pace;

/// What a pipe holds.
const PIPE: usize = 64 << 10;

/// Starts the command; it is to write motion JPEG at its own size and rate.
///
/// # Errors
/// When no process can be started. That the command does not exist shows as its end, with status 127.
pub async fn open(command: &str, _wanted: Wanted) -> Result<Box<dyn Source>, Lost> {
    Ok(Box::new(Exec { process: Process::start(command)?, cutter: Cutter::default() }))
}

/// A running command that writes pictures.
struct Exec {
    process: Process,
    cutter: Cutter,
}

impl Source for Exec {
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
        Box::pin(async {
            loop {
                if let Some(jpeg) = self.cutter.cut() {
                    return Ok(pace::arrived(jpeg));
                }
                self.process.read(self.cutter.space(PIPE)).await?;
            }
        })
    }

    fn about(&self) -> String {
        self.process.about()
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use lookout_core::media::frame::{Picture, Size};

    use super::*;
    use crate::source::testing::{jpeg, wanted};

    /// Writes a picture to a file and returns a command part that prints it.
    fn cat(folder: &Path, size: Size) -> String {
        let path = folder.join(format!("{size}.jpg"));
        std::fs::write(&path, jpeg(size)).unwrap();
        format!("cat {}", path.display())
    }

    async fn lost(command: &str) -> String {
        let mut source = open(command, wanted(10.0)).await.unwrap();
        loop {
            if let Err(Lost(why)) = source.grab().await {
                return why;
            }
        }
    }

    #[tokio::test]
    async fn pictures_come_from_the_command_as_it_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let (vga, qvga) = (cat(folder.path(), Size::VGA), cat(folder.path(), Size::QVGA));
        let mut source = open(&format!("{vga}; echo noise >&2; {qvga}; sleep 60"), wanted(10.0)).await.unwrap();
        for size in [Size::VGA, Size::QVGA] {
            assert_eq!(source.grab().await.unwrap().picture, Picture::Jpeg(jpeg(size)));
        }
        assert_eq!(source.about(), "command cat");
    }

    #[tokio::test]
    async fn how_the_command_ended_is_said() {
        assert_eq!(lost("exit 3").await, "the command ended with status 3");
        assert_eq!(lost("true").await, "the command ended with status 0");
        assert_eq!(lost("kill -9 $$").await, "the command was ended by signal 9");
        assert_eq!(lost("/no/such/program").await, "the command ended with status 127: its program was not found");
        assert_eq!(lost("head -c 300000 /dev/urandom | tr '\\377' x").await, "the command ended with status 0");
    }

    #[tokio::test]
    async fn grandchildren_end_with_the_source_even_if_they_ignore_the_signal() {
        let folder = tempfile::tempdir().unwrap();
        let (pid, picture) = (folder.path().join("pid"), cat(folder.path(), Size::QVGA));
        let stubborn = format!(
            "(trap '' TERM; echo $$ $(exec sh -c 'echo $PPID') > {}; {picture}; sleep 60) & wait",
            pid.display()
        );
        let mut source = open(&stubborn, wanted(10.0)).await.unwrap();
        source.grab().await.unwrap();
        let pids = std::fs::read_to_string(pid).unwrap();
        let alive = || {
            pids.split_whitespace().any(|pid| {
                let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                // A dead one may wait for its new parent to notice.
                !state.is_empty() && !state.contains(") Z ")
            })
        };
        assert!(alive());
        drop(source);
        for _ in 0..200 {
            if !alive() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{pids} live on");
    }
}
