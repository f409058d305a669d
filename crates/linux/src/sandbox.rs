//! A sandbox from within: what this process cannot do any more, whoever takes it over (RULES R2.3, ADR 0040).
//!
//! Landlock says which files can be opened, changed and run, seccomp which system calls are refused. Both hold for the thread
//! that asks for them, for what it starts later, and for the program that replaces it ([`handover`](crate::handover)); nobody
//! can take them back. So they are put up once in the life of a process: before it has a second thread, and not again by the
//! program that follows in it, as every layer costs, and Landlock has 16 at most.

mod calls;
mod files;

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    process::{DumpableBehavior, set_dumpable_behavior},
    thread::{no_new_privs, set_no_new_privs},
};

/// What the process may do with files. All that lies in a folder goes with it; what is not there is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Read.
    pub read: Vec<PathBuf>,
    /// Read, made, changed and removed.
    pub kept: Vec<PathBuf>,
    /// Read, written and driven, but neither made nor removed: devices.
    pub driven: Vec<PathBuf>,
    /// Read and run, in this process's place.
    pub run: Vec<PathBuf>,
    /// Whether sockets with abstract names are connected to, which have no file.
    pub abstract_sockets: bool,
}

/// What stands around a process, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walls {
    /// Around files: the version of the kernel's Landlock.
    pub files: Result<u8, String>,
    /// Around the kernel: how many system calls are refused whatever is asked of them.
    pub calls: Result<usize, String>,
}

impl fmt::Display for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.files {
            Ok(version) => write!(f, "files by Landlock {version}")?,
            Err(why) => write!(f, "no walls around files ({why})")?,
        }
        match &self.calls {
            Ok(count) => write!(f, ", {count} system calls refused by seccomp"),
            Err(why) => write!(f, ", no system call refused ({why})"),
        }
    }
}

/// Names the process that has a sandbox, and how many filters it had: `PID:FILTERS`.
const MARK: &str = "LOOKOUT_SANDBOX";

/// Whether this program has put one up.
static UP: AtomicBool = AtomicBool::new(false);

impl Plan {
    /// Puts the walls up, around this whole process. Call it before threads are started.
    pub fn enter(&self) -> Walls {
        if status("Threads").is_some_and(|threads| threads > 1) {
            let why = "threads run already";
            return Walls { files: Err(why.to_owned()), calls: Err(why.to_owned()) };
        }
        let walls = self.enter_thread();
        UP.store(walls.files.is_ok() || walls.calls.is_ok(), Ordering::Relaxed);
        walls
    }

    /// Puts the walls up around this thread and what it starts.
    pub fn enter_thread(&self) -> Walls {
        // Without this the kernel takes neither from a process without privileges.
        if let Err(error) = set_no_new_privs(true) {
            let why = format!("the kernel refuses PR_SET_NO_NEW_PRIVS: {error}");
            return Walls { files: Err(why.clone()), calls: Err(why) };
        }
        Walls { files: files::restrict(self), calls: calls::restrict() }
    }
}

/// Says whether the program that was here before this one, in the same process, has put a sandbox up.
///
/// Nobody is believed who only says so: what he says must be of this very process, and the kernel must bear him out.
pub fn inherited() -> bool {
    let Ok(mark) = env::var(MARK) else { return false };
    let Some((pid, filters)) = mark.split_once(':') else { return false };
    let own = pid.parse() == Ok(process::id());
    let there = filters.parse::<u32>().is_ok_and(|filters| filters <= self::filters());
    own && there && no_new_privs().unwrap_or(false)
}

/// Says whether this process has a sandbox that Lookout has put up.
pub fn stands() -> bool {
    UP.load(Ordering::Relaxed) || inherited()
}

/// Returns the variable by which the program that follows in this process knows of the sandbox.
pub(crate) fn mark() -> Option<(&'static str, String)> {
    stands().then(|| (MARK, format!("{}:{}", process::id(), filters())))
}

/// Keeps this process's memory out of core dumps, and out of the reach of others of the same user: passwords are in it. It
/// has to be said anew by every program.
///
/// # Errors
/// The kernel refuses.
pub fn hide_memory() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Returns the files that this program was loaded from: itself, its libraries, and what loads them.
pub fn loaded() -> Vec<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let files = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| Path::new("/").join(path)));
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    files.dedup();
    files
}

/// Returns how many filters of system calls this process has; 0 where the kernel does not say (before 5.9).
fn filters() -> u32 {
    status("Seccomp_filters").unwrap_or(0)
}

/// Returns a number that the kernel tells of this process.
fn status(name: &str) -> Option<u32> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        os::unix::process::CommandExt as _,
        process::{Command, Output},
        thread,
    };

    use rustix::{
        io::Errno,
        net::{AddressFamily, SocketFlags, SocketType, socket_with},
        thread::{UnshareFlags, unshare_unsafe},
    };

    use super::*;

    /// Names the folder of a test, in its second process.
    const INSIDE: &str = "LOOKOUT_TEST_SANDBOX";

    /// Runs a test a second time, in a process of its own, which may shut itself in: there it is given a folder.
    fn inside(test: &str) -> Option<PathBuf> {
        if let Some(folder) = env::var_os(INSIDE) {
            return Some(folder.into());
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["kept", "open", "shut", "run"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("file"), name).unwrap();
        }
        let program = env::current_exe().unwrap();
        let args = ["--exact", &format!("sandbox::tests::{test}"), "--nocapture", "--test-threads=1"];
        let Output { status, stdout, stderr } =
            Command::new(program).args(args).env(INSIDE, folder.path()).output().unwrap();
        // Not by print!, which a test that passes says to nobody.
        io::stderr().write_all(&stderr).unwrap();
        assert!(status.success(), "{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        None
    }

    fn plan(folder: &Path) -> Plan {
        Plan {
            read: ["/usr", "/lib", "/lib64", "/etc", "/proc"]
                .map(PathBuf::from)
                .into_iter()
                .chain([folder.join("open")])
                .collect(),
            kept: vec![folder.join("kept")],
            driven: vec!["/dev".into()],
            run: vec![folder.join("run")],
            abstract_sockets: false,
        }
    }

    fn not_tested(what: &str, why: &str) {
        eprintln!("not tested: {what}: {why}");
    }

    fn denied<T: fmt::Debug>(result: io::Result<T>) {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn behind_the_walls_there_are_the_planned_files_and_no_others() {
        let Some(folder) = inside("behind_the_walls_there_are_the_planned_files_and_no_others") else { return };
        let at = |name: &str| folder.join(name);
        fs::copy("/bin/true", at("run/true")).unwrap();
        let loader = loaded()
            .into_iter()
            .filter(|file| file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"ld-")));
        let mut plan = plan(&folder);
        plan.run.extend(loader.filter_map(|file| file.parent().map(Path::to_owned)));
        let walls = plan.enter_thread();
        if let Err(why) = walls.files {
            return not_tested("the walls around files", &why);
        }
        fs::write(at("kept/file"), "new").unwrap();
        fs::create_dir(at("kept/deep")).unwrap();
        fs::write(at("kept/deep/file"), "").unwrap();
        fs::rename(at("kept/file"), at("kept/other")).unwrap();
        fs::remove_dir_all(at("kept/deep")).unwrap();
        assert_eq!(fs::read_to_string(at("open/file")).unwrap(), "open");
        denied(fs::write(at("open/file"), ""));
        denied(fs::read(at("shut/file")));
        denied(fs::write(at("shut/new"), ""));
        denied(fs::remove_file(at("shut/file")));
        denied(fs::read_dir("/"));
        denied(fs::write(env::temp_dir().join("lookout-sandbox"), ""));
        for home in ["/root", "/home"].map(Path::new).into_iter().filter(|home| home.is_dir()) {
            denied(fs::read_dir(home));
            denied(fs::write(home.join("lookout-sandbox"), ""));
        }
        // Without a process of its own, as those are refused.
        denied(Err::<(), _>(Command::new("/bin/true").exec()));
        fs::OpenOptions::new().write(true).open("/dev/null").unwrap().write_all(b"x").unwrap();
        fs::read_dir("/proc/self/fd").unwrap();
        // One that is planned replaces this test, and ends well; that is all of it.
        panic!("{}", Command::new(at("run/true")).exec());
    }

    #[test]
    fn behind_the_walls_the_kernel_refuses_what_no_camera_needs() {
        let Some(folder) = inside("behind_the_walls_the_kernel_refuses_what_no_camera_needs") else { return };
        let walls = plan(&folder).enter_thread();
        if let Err(why) = walls.calls {
            return not_tested("refused system calls", &why);
        }
        let call = |number: libc::c_long, arguments: [libc::c_long; 3]| {
            // SAFETY: no argument is a pointer but null; all calls are refused before the kernel looks at them.
            let done = unsafe { libc::syscall(number, arguments[0], arguments[1], arguments[2]) };
            (done, io::Error::last_os_error().raw_os_error())
        };
        let refused = |error| (-1, Some(error));
        for number in [
            libc::SYS_ptrace,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_keyctl,
            libc::SYS_io_uring_setup,
            libc::SYS_personality,
            libc::SYS_setns,
            libc::SYS_settimeofday,
            libc::SYS_execveat,
        ] {
            assert_eq!(call(number, [0; 3]), refused(libc::EPERM), "{number}");
        }
        // SAFETY: it makes nothing that this thread shares with another, and is refused.
        assert_eq!(unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }, Err(Errno::PERM));
        assert_eq!(call(libc::SYS_clone3, [0; 3]), refused(libc::ENOSYS));
        assert_eq!(call(libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0]), refused(libc::EPERM), "a process");
        assert_eq!(call(libc::SYS_ioctl, [0, libc::TIOCSTI as libc::c_long, 0]), refused(libc::EPERM));
        assert_eq!(Command::new("/bin/true").spawn().unwrap_err().raw_os_error(), Some(libc::EPERM));
        #[cfg(target_arch = "x86_64")]
        assert_eq!(call(0x4000_0000 | libc::SYS_getpid, [0; 3]), refused(libc::ENOSYS), "x32");
        let socket = |family, kind| socket_with(family, kind, SocketFlags::CLOEXEC, None).map(drop);
        for family in [AddressFamily::PACKET, AddressFamily::VSOCK, AddressFamily::BLUETOOTH] {
            assert_eq!(socket(family, SocketType::RAW), Err(Errno::AFNOSUPPORT), "{family:?}");
        }
        assert_eq!(socket(AddressFamily::INET, SocketType::RAW), Err(Errno::PERM));
        for family in [AddressFamily::INET, AddressFamily::UNIX, AddressFamily::INET6] {
            // A machine without IPv6 has none inside, either.
            assert!([Ok(()), Err(Errno::AFNOSUPPORT)].contains(&socket(family, SocketType::STREAM)), "{family:?}");
            assert_ne!(socket(family, SocketType::DGRAM), Err(Errno::PERM), "{family:?}");
        }
        assert_eq!(socket(AddressFamily::NETLINK, SocketType::RAW), Ok(()));
        assert_eq!(thread::spawn(|| 5).join().unwrap(), 5, "threads are started as ever");
    }

    #[test]
    fn walls_are_put_up_around_one_thread_alone_and_known_by_the_process_that_has_them() {
        let test = "walls_are_put_up_around_one_thread_alone_and_known_by_the_process_that_has_them";
        let Some(folder) = inside(test) else { return };
        // The test runs in a second thread, and what the first could do would be no sandbox.
        let walls = plan(&folder).enter();
        assert_eq!((walls.files.is_ok(), walls.calls.is_ok(), stands(), mark()), (false, false, false, None));
        assert!(walls.to_string().contains("threads run already"), "{walls}");
        if no_new_privs().unwrap() {
            return not_tested("whom the mark of a sandbox makes believe", "these tests run without new privileges");
        }
        for mark in [String::new(), "0:0".into(), format!("{}", process::id()), format!("{}:0", process::id())] {
            // SAFETY: the other thread of this process waits for this one, and reads no variable.
            unsafe { env::set_var(MARK, &mark) };
            assert!(!inherited(), "{mark}: nothing stands");
        }
        let walls = plan(&folder).enter_thread();
        assert!(inherited() && mark().is_some(), "{walls}");
        // SAFETY: as above.
        unsafe { env::set_var(MARK, format!("{}:{}", process::id(), filters() + 1)) };
        assert!(!inherited(), "it has fewer filters than it is said to have");
    }

    #[test]
    fn what_loads_programs_is_among_what_was_loaded() {
        let loaded = loaded();
        assert!(loaded.contains(&env::current_exe().unwrap()), "{loaded:?}");
        let named =
            |start: &str| loaded.iter().any(|file| file.file_name().unwrap().to_str().unwrap().starts_with(start));
        assert!(named("ld-") && named("libc"), "{loaded:?}");
    }

    #[test]
    fn hidden_memory_is_not_dumpable() {
        if inside("hidden_memory_is_not_dumpable").is_none() {
            return;
        }
        hide_memory().unwrap();
        assert!(matches!(rustix::process::dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)));
        fs::read_dir("/proc/self/fd").unwrap();
    }
}
