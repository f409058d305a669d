//! strace, which tells what a program asks of the kernel, and makes the kernel refuse it or kill the program.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use lookout_testkit::eventually;
use rustix::process::{Pid, Signal, kill_process};

/// Whatever makes, changes, moves, removes or syncs a file. `?`: not every machine has it.
const CHANGING: &str = "openat,?open,?creat,write,pwrite64,writev,pwritev,sendfile,copy_file_range,ftruncate,fallocate,\
                        fsync,fdatasync,?rename,?renameat,renameat2,?link,linkat,?symlink,symlinkat,?unlink,unlinkat,\
                        ?rmdir,?mkdir,mkdirat,?chmod,fchmod,fchmodat";

/// A system call that concerns a folder.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// The files in that folder that it names, or that its descriptors are of.
    pub paths: Vec<String>,
    /// The whole line.
    pub line: String,
    thread: String,
}

/// Where something is done to a program: at calls of a name that concern a path.
#[derive(Clone, Debug)]
pub struct Point {
    /// The call's name.
    pub call: String,
    /// The path.
    pub path: String,
    /// Which of them, as strace says it: `1` for the first, `1+` for all.
    pub when: String,
}

/// A strace that runs.
pub struct Strace {
    child: Child,
    log: PathBuf,
    /// It goes on talking, of every new thread.
    _stderr: BufReader<ChildStderr>,
}

impl Strace {
    /// Watches a process and all its threads; with a point and what is to happen there (`signal=KILL`, `error=EIO`,
    /// `delay_enter=MICROSECONDS`), does that and looks at nothing else.
    pub fn attach(pid: u32, log: &Path, inject: Option<(&Point, &str)>) -> Self {
        let mut child = command(log, inject)
            .arg("-p")
            .arg(pid.to_string())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is there");
        // It says that it is attached.
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut said).unwrap();
        assert!(said.contains("attached"), "{said}");
        Self { child, log: log.into(), _stderr: stderr }
    }

    /// Ends it; the process goes on. Returns what concerned the folder.
    pub fn detach(mut self, folder: &Path) -> Vec<Call> {
        // One whose process is gone is gone as well.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        self.child.wait().unwrap();
        calls(&self.log, folder)
    }

    /// Says whether it has ended, as it does with the process that it watches.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

/// Gives the beginning of a command line that runs or attaches to a program.
pub fn command(log: &Path, inject: Option<(&Point, &str)>) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "100000", "-o"]).arg(log);
    match inject {
        None => strace.arg("-e").arg(format!("trace={CHANGING}")),
        Some((point, what)) => strace
            .args([OsStr::new("-P"), point.path.as_ref(), OsStr::new("-e")])
            .arg(format!("trace={}", point.call))
            .arg("-e")
            .arg(format!("inject={}:{what}:when={}", point.call, point.when)),
    };
    strace
}

/// Reads what concerned a folder, in the order in which it began.
pub fn calls(log: &Path, folder: &Path) -> Vec<Call> {
    let (text, folder) = (String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned(), folder.to_str().unwrap());
    let mut calls: Vec<Call> = Vec::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        // What another thread interrupted is told in two lines.
        if let Some((_, end)) = rest.trim_start().strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            let begun = calls.iter_mut().rfind(|call| call.thread == thread && call.line.ends_with(UNFINISHED));
            if let Some(call) = begun {
                call.line = call.line.replace(UNFINISHED, end);
            }
            continue;
        }
        let Some((name, args)) = rest.trim_start().split_once('(') else { continue };
        let begins = args.match_indices(folder).filter(|(at, _)| args[..*at].ends_with(['"', '<']));
        let paths: Vec<_> =
            begins.filter_map(|(at, _)| Some(args[at..].split(['"', '>']).next()?.to_owned())).collect();
        if !paths.is_empty() {
            calls.push(Call { name: name.into(), paths, line: line.into(), thread: thread.into() });
        }
    }
    calls
}

const UNFINISHED: &str = " <unfinished ...>";

/// Waits until nothing more concerns a folder.
pub fn settled(log: &Path, folder: &Path) {
    let mut last = usize::MAX;
    eventually("the folder is left alone", || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let now = calls(log, folder).len();
        std::mem::replace(&mut last, now) == now
    });
}

impl Call {
    /// Says whether it makes, changes, moves, removes or syncs something; else it only opens to read.
    pub fn changes(&self) -> bool {
        self.name != "openat" || ["O_CREAT", "O_WRONLY", "O_RDWR"].iter().any(|flag| self.line.contains(flag))
    }
}

/// Returns where the calls that change something can be met again; nothing for a call that strace cannot tell from one
/// before it, as it counts in each thread.
pub fn points(calls: &[Call]) -> Vec<Option<Point>> {
    let point = |(at, call): (usize, &Call)| {
        let path = call.paths[0].clone();
        let same = || calls[..=at].iter().filter(|other| other.name == call.name && other.paths.contains(&path));
        let told = same().all(|other| other.thread == call.thread);
        told.then(|| Point { call: call.name.clone(), path: path.clone(), when: same().count().to_string() })
    };
    // What goes into a file without a name is gone whatever happens.
    let lasts = |call: &Call| call.changes() && !call.paths[0].ends_with(" (deleted)");
    calls.iter().enumerate().filter(|(_, call)| lasts(call)).map(point).collect()
}

impl Point {
    /// Says whether a log of what was done there ends at this very call.
    pub fn is_last_of(&self, calls: &[Call]) -> bool {
        calls.iter().filter(|call| call.name == self.call && call.paths.contains(&self.path)).count().to_string()
            == self.when
    }
}
