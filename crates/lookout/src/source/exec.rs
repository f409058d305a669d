//! Pictures from a program: motion JPEG on the standard output of a command (`rpicam-vid …`, `ffmpeg …`).
//!
//! The command comes from the machine's own configuration, never from the network, and is run by `/bin/sh -c`. It gets a
//! process group of its own, so that it ends with all that it started: SIGTERM, a short grace, SIGKILL. If Lookout itself
//! is killed, the command gets no signal but finds its output closed.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lookout_core::{
    media::{frame::Grabbed, multipart::Cutter},
    port::{Lost, Promise, Source, Wanted},
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};
use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, ChildStdout},
    task::JoinHandle,
};

use super::pace;

/// How long the command may take to end after SIGTERM, before SIGKILL. It holds a thread up.
const GRACE: Duration = Duration::from_millis(500);

/// What a pipe holds.
const PIPE: usize = 64 << 10;
/// How many lines of the command's messages are logged, and how much of each.
const MOST_LINES: usize = 200;
const LONGEST_LINE: usize = 300;

/// Starts the command; it is to write motion JPEG at its own size and rate.
///
/// # Errors
/// When no process can be started. That the command does not exist shows as its end, with status 127.
pub async fn open(command: &str, _wanted: Wanted) -> Result<Box<dyn Source>, Lost> {
    Ok(Box::new(Exec::start(command)?))
}

/// A running command.
struct Exec {
    about: String,
    group: Group,
    stdout: ChildStdout,
    messages: JoinHandle<()>,
    cutter: Cutter,
}

impl Exec {
    fn start(command: &str) -> Result<Self, Lost> {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command).process_group(0);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            shell.env_remove(name);
        }
        let mut child = shell.spawn().map_err(|error| Lost(format!("the command cannot be started: {error}")))?;
        let pipes = (child.stdout.take(), child.stderr.take());
        let group = Group(child);
        let (Some(stdout), Some(stderr)) = pipes else { return Err(Lost("the command has no output".into())) };
        let pipe = |error| Lost(format!("the command's output cannot be read: {error}"));
        let stderr = ChildStderr::from_std(stderr).map_err(pipe)?;
        Ok(Self {
            about: format!("command {}", program(command)),
            group,
            stdout: ChildStdout::from_std(stdout).map_err(pipe)?,
            messages: tokio::spawn(log(stderr)),
            cutter: Cutter::default(),
        })
    }

    async fn next(&mut self) -> Result<Grabbed, Lost> {
        loop {
            if let Some(jpeg) = self.cutter.cut() {
                return Ok(pace::arrived(jpeg));
            }
            match self.stdout.read_buf(self.cutter.space(PIPE)).await {
                Ok(0) => return Err(self.group.how_it_ended().await),
                Ok(_) => {}
                Err(error) => return Err(Lost(format!("the command's output cannot be read: {error}"))),
            }
        }
    }
}

impl Source for Exec {
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
        Box::pin(self.next())
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        self.messages.abort();
    }
}

/// A shell and all that it started, killed when dropped.
///
/// The shell is not reaped before the last signal was sent: until then its number, which is also the group's, is not
/// given to anybody else.
struct Group(Child);

impl Group {
    fn id(&self) -> Option<Pid> {
        i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id() {
            // It fails when nobody is left, which is what is wanted.
            let _ = kill_process_group(id, signal);
        }
    }

    /// Returns how the shell ended, if it did.
    fn ended(&self) -> Option<WaitIdStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.id()?), options).ok().flatten()
    }

    /// Says how the command ended whose output did.
    async fn how_it_ended(&self) -> Lost {
        for _ in 0..50 {
            if let Some(status) = self.ended() {
                return Lost(match (status.exit_status(), status.terminating_signal()) {
                    (Some(127), _) => "the command ended with status 127: its program was not found".into(),
                    (Some(status), _) => format!("the command ended with status {status}"),
                    (None, Some(signal)) => format!("the command was ended by signal {signal}"),
                    (None, None) => "the command ended".into(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Lost("the command closed its output".into())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let given_up = Instant::now() + GRACE;
        while self.ended().is_none() && Instant::now() < given_up {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.signal(Signal::KILL);
        // What was killed is gone at once, unless it hangs in a driver; then it is left to init.
        for _ in 0..20 {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        tracing::warn!(pid = self.0.id(), "the command does not end");
    }
}

/// Says whether a variable of the environment is none of the command's business: our passwords, the line to systemd.
fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"LOOKOUT_") || name == "NOTIFY_SOCKET"
}

/// Names the program of a command; its arguments may hold a password and are not shown.
pub(super) fn program(command: &str) -> &str {
    let word = command.split_whitespace().find(|word| !word.contains(['=', ':', '@'])).unwrap_or("sh");
    word.rsplit('/').next().unwrap_or(word)
}

/// Logs the command's messages, up to a limit; reads on beyond it, or the command would wait.
async fn log(mut stderr: ChildStderr) {
    let (mut lines, mut line, mut buffer) = (0, Vec::new(), vec![0; 4 << 10]);
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        for byte in &buffer[..length] {
            match byte {
                b'\n' | b'\r' if !line.is_empty() => {
                    lines += 1;
                    if lines <= MOST_LINES {
                        tracing::debug!(line = %line.escape_ascii(), "the command says");
                    }
                    if lines == MOST_LINES {
                        tracing::warn!("the command says more than {MOST_LINES} lines; the rest is not logged");
                    }
                    line.clear();
                }
                b'\n' | b'\r' => {}
                byte if line.len() < LONGEST_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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

    #[test]
    fn the_command_does_not_learn_our_passwords() {
        let names = ["LOOKOUT_ADMIN_PASSWORD", "NOTIFY_SOCKET", "PATH", "HOME"];
        assert_eq!(names.map(|name| is_ours(OsStr::new(name))), [true, true, false, false]);
    }

    #[test]
    fn only_the_program_is_shown() {
        assert_eq!(program("/usr/bin/rpicam-vid -t 0 --codec mjpeg -o -"), "rpicam-vid");
        assert_eq!(program("PASSWORD=x ffmpeg -i rtsp://user:pass@host/"), "ffmpeg");
        assert_eq!(program(""), "sh");
    }
}
