//! A command that runs, its output and its messages.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::BufMut;
use lookout_core::port::Lost;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{ChildStderr, ChildStdout},
    task::JoinHandle,
    time::sleep,
};

use super::PIPE;

/// How long the command may take to end after SIGTERM, before SIGKILL. It holds a thread up.
const GRACE: Duration = Duration::from_millis(500);
/// How many lines of the command's messages are logged, and how much of each.
const MOST_LINES: usize = 200;
const LONGEST_LINE: usize = 300;
/// How long a command that says more waits until as much as a pipe holds is read.
const PAUSE: Duration = Duration::from_millis(100);

/// A running command; dropping it ends it, and may take a moment.
pub(super) struct Process {
    about: String,
    group: Group,
    stdout: ChildStdout,
    messages: JoinHandle<()>,
}

impl Process {
    /// Starts a command.
    pub(super) fn start(command: &str) -> Result<Self, Lost> {
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
        let stderr = ChildStderr::from_std(stderr).map_err(|error| unreadable(&error))?;
        Ok(Self {
            about: format!("command {}", program(command)),
            group,
            stdout: ChildStdout::from_std(stdout).map_err(|error| unreadable(&error))?,
            messages: tokio::spawn(log(stderr)),
        })
    }

    /// Says what runs.
    pub(super) fn about(&self) -> String {
        self.about.clone()
    }

    /// Reads what the command has written, at least a byte; nothing is lost if this is cancelled.
    ///
    /// # Errors
    /// How the command ended, if it did.
    pub(super) async fn read(&mut self, buffer: &mut impl BufMut) -> Result<(), Lost> {
        match self.stdout.read_buf(buffer).await {
            Ok(0) => Err(self.group.how_it_ended().await),
            Ok(_) => Ok(()),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.messages.abort();
    }
}

fn unreadable(error: &std::io::Error) -> Lost {
    Lost(format!("the command's output cannot be read: {error}"))
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
            sleep(Duration::from_millis(20)).await;
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
pub(in crate::source) fn program(command: &str) -> &str {
    let word = command.split_whitespace().find(|word| !word.contains(['=', ':', '@'])).unwrap_or("sh");
    word.rsplit('/').next().unwrap_or(word)
}

/// Logs the command's messages, up to a limit. Beyond it they are read on, or the command would wait for ever, but in
/// pieces with a pause between: its pipe holds back a command that floods it.
async fn log(mut stderr: impl AsyncRead + Unpin) {
    let (mut lines, mut said, mut line, mut buffer) = (0, 0, Vec::new(), vec![0; PIPE]);
    while lines < MOST_LINES && said < MOST_LINES * LONGEST_LINE {
        let Ok(length @ 1..) = stderr.read(&mut buffer).await else { return };
        said += length;
        for byte in &buffer[..length] {
            match byte {
                b'\n' | b'\r' if !line.is_empty() => {
                    lines += 1;
                    if lines <= MOST_LINES {
                        tracing::debug!(line = %line.escape_ascii(), "the command says");
                    }
                    line.clear();
                }
                b'\n' | b'\r' => {}
                byte if line.len() < LONGEST_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
    tracing::warn!("the command says too much; the rest is not logged");
    while let Ok(1..) = stderr.read(&mut buffer).await {
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // With the clock paused, time passes only in a pause of what is tried.
    #[tokio::test(start_paused = true)]
    async fn a_command_that_says_too_much_is_held_back_and_does_not_wait_for_ever() {
        let most = 16 << 20;
        for message in ["aaaaaaaa\n", "\n", "no end of the line "] {
            let said = message.repeat(most / message.len());
            let mut left = said.as_bytes();
            let over = tokio::time::timeout(Duration::from_secs(10), log(&mut left)).await;
            let read = said.len() - left.len();
            assert!(over.is_err() && read < most / 2, "{message:?}: {read}");
            assert!(read > most / 8, "{message:?}: {read}");
        }
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
