//! Starts the program anew in the same process, with its listening sockets kept: nobody who connects meanwhile is
//! refused, the kernel queues him.
//!
//! The sockets go over as systemd hands them to a service (`sd_listen_fds(3)`): from descriptor 3 on, told by
//! `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`. So what systemd itself hands over is taken as well.

use std::{
    convert::Infallible,
    env,
    ffi::{CString, OsString},
    io, iter,
    net::TcpListener,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    process, ptr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::sandbox;

/// The first descriptor handed over.
const FIRST: RawFd = 3;
/// More than anybody hands over.
const MOST: RawFd = 64;

/// A listening socket and its name.
pub type Named = (String, TcpListener);

/// Takes the listening sockets that were handed over to this process; none the second time.
pub fn inherited() -> Vec<Named> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<RawFd>().ok());
    let mine = number("LISTEN_PID").is_some_and(|pid| u32::try_from(pid) == Ok(process::id()));
    if !mine || TAKEN.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    let count = number("LISTEN_FDS").unwrap_or(0).clamp(0, MOST);
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names = names.split(':').map(str::to_owned).chain(iter::repeat_with(|| "unknown".to_owned()));
    (FIRST..FIRST + count).zip(names).filter_map(|(fd, name)| Some((name, take(fd)?))).collect()
}

/// Takes a descriptor if it is a socket that listens.
fn take(fd: RawFd) -> Option<TcpListener> {
    let (mut listens, mut length) = (0, 4);
    // SAFETY: both pointers are to live integers, `length` says how large the first is; a wrong `fd` is an error.
    let asked = unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, (&raw mut listens).cast(), &raw mut length)
    };
    if asked != 0 || listens == 0 {
        return None;
    }
    // SAFETY: `fd` is open, as the system just said, and ours by the protocol; `inherited` takes it only once.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: F_SETFD takes an integer; no program that we start shall have it.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
    Some(TcpListener::from(fd))
}

/// Replaces this process by a program, which finds the sockets with [`inherited`], and in its environment what this one found but
/// for one variable. Where a sandbox stands, it knows of that ([`sandbox::inherited`]).
///
/// It overwrites descriptors from 3 on, whoever holds them: nothing may be done afterwards but to end, and no other
/// thread may work any more.
///
/// # Errors
/// The program does not start; this process must end.
pub fn exec(program: &Path, args: &[OsString], without: &str, listeners: &[Named]) -> io::Result<Infallible> {
    let count = put(listeners)?;
    execve(program, args, &environment(count, listeners, Some(without)))
}

/// Does what [`exec`] does. Where the sandbox lets no file run by that name, this very program starts anew, and is told again
/// what it was told: the sandbox knows the file that was there when it was put up, and not one that an update has put in its
/// place.
///
/// # Errors
/// No program starts; this process must end.
pub fn exec_or_again(program: &Path, args: &[OsString], without: &str, listeners: &[Named]) -> io::Result<Infallible> {
    let count = put(listeners)?;
    let Err(error) = execve(program, args, &environment(count, listeners, Some(without)));
    if !sandbox::stands() || !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) {
        return Err(error);
    }
    tracing::warn!(
        "{} is another program now ({error}): this one goes on until the service is restarted",
        program.display()
    );
    execve(Path::new("/proc/self/exe"), args, &environment(count, listeners, None))
}

/// Puts sockets where the next program looks for them; returns how many.
fn put(listeners: &[Named]) -> io::Result<RawFd> {
    let count = RawFd::try_from(listeners.len()).unwrap_or(MOST).min(MOST);
    // Out of the way first: one of them may be where another one goes.
    let aside: Vec<RawFd> =
        listeners.iter().map(|(_, listener)| duplicate(listener.as_raw_fd(), count)).collect::<Result<_, _>>()?;
    for (to, from) in (FIRST..FIRST + count).zip(aside) {
        // SAFETY: `from` is open, `to` is a small number that may be open; the copy stays open in the next program.
        if unsafe { libc::dup2(from, to) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(count)
}

/// Returns what the next program finds in its environment.
fn environment(count: RawFd, listeners: &[Named], without: Option<&str>) -> Vec<(OsString, OsString)> {
    let names: Vec<_> = listeners.iter().map(|(name, _)| name.as_str()).collect();
    let ours = [
        ("LISTEN_PID", process::id().to_string()),
        ("LISTEN_FDS", count.to_string()),
        ("LISTEN_FDNAMES", names.join(":")),
    ];
    let ours = ours.into_iter().chain(sandbox::mark()).map(|(name, value)| (name.into(), value.into()));
    let ours: Vec<(OsString, OsString)> = ours.collect();
    let kept =
        |name: &OsString| without.is_none_or(|without| name != without) && ours.iter().all(|(ours, _)| ours != name);
    let others: Vec<_> = env::vars_os().filter(|(name, _)| kept(name)).collect();
    others.into_iter().chain(ours).collect()
}

/// Replaces this process by a program that finds in its environment what this one found, and `more`. The sockets that were
/// handed over, if nobody has taken them yet, are the next program's.
///
/// # Errors
/// The program does not start; this one goes on.
pub fn call(program: &Path, args: &[OsString], more: (&str, &str)) -> io::Result<Infallible> {
    let others = env::vars_os().filter(|(name, _)| name != more.0);
    let environment: Vec<_> = others.chain([(more.0.into(), more.1.into())]).collect();
    execve(program, args, &environment)
}

/// Calls execve(2) itself: the library's ways give a file that is no program to the shell.
fn execve(program: &Path, args: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<Infallible> {
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let path = text(program.as_os_str().as_bytes())?;
    let words = iter::once(program.as_os_str()).chain(args.iter().map(OsString::as_os_str));
    let words = words.map(|word| text(word.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let variables = environment.iter().map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
    let variables = variables.collect::<Result<Vec<_>, _>>()?;
    let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect::<Vec<_>>();
    let (argv, envp) = (pointers(&words), pointers(&variables));
    // SAFETY: path, words and variables are C strings that live until then; both arrays end with a null.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// Has the kernel end this process after `limit`, whatever program it runs by then; `None` calls that off.
///
/// The alarm of a process outlives execve(2), and none of our programs handles it: SIGALRM ends it; but not the first process
/// of a container, which the kernel spares.
pub fn end_within(limit: Option<Duration>) {
    // Whoever started us may have had it ignored or held back, which processes inherit.
    // SAFETY: the set is initialised by sigemptyset(3) before it is used, and lives until then; the default action is none of
    // ours.
    unsafe {
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        let mut alarm = std::mem::zeroed();
        libc::sigemptyset(&raw mut alarm);
        libc::sigaddset(&raw mut alarm, libc::SIGALRM);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const alarm, ptr::null_mut());
    }
    let seconds = limit.map_or(0, |limit| u32::try_from(limit.as_secs()).unwrap_or(u32::MAX).max(1));
    // SAFETY: alarm(2) takes an integer and cannot fail.
    unsafe { libc::alarm(seconds) };
}

/// Copies a descriptor to one that is not handed over.
fn duplicate(fd: RawFd, count: RawFd) -> io::Result<RawFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes an integer and gives a descriptor of our own, which ends with this process.
    match unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, FIRST + count) } {
        -1 => Err(io::Error::last_os_error()),
        copy => Ok(copy),
    }
}
