//! A serial port with somebody at its other end: a pseudo-terminal, whose other end hears everything, stops to listen, or
//! hangs up.
//!
//! It has no line: what is written is there at once, at whatever speed; the speed that the writer set is seen nevertheless.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read as _, Write as _},
    os::{fd::OwnedFd, unix::fs::symlink},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, fcntl_getfl, fcntl_setfl, flock, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::tcgetattr,
};
use tempfile::TempDir;

use crate::eventually;

/// A serial port and its other end.
pub struct Pty {
    dir: TempDir,
    end: Option<End>,
    heard: Arc<Mutex<Vec<u8>>>,
}

/// The other end while it is there.
struct End {
    device: PathBuf,
    /// Keeps the port's settings while nobody has it open.
    port: File,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

struct Shared {
    master: OwnedFd,
    deaf: AtomicBool,
    over: AtomicBool,
}

impl Default for Pty {
    fn default() -> Self {
        Self::new()
    }
}

impl Pty {
    /// Makes a port whose other end listens.
    pub fn new() -> Self {
        let mut pty = Self { dir: tempfile::tempdir().unwrap(), end: None, heard: Arc::default() };
        pty.come_back();
        pty
    }

    /// Returns the port's name, which stays the same when its other end hangs up and comes back.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("port")
    }

    /// Returns the table of the configuration that names these ports.
    pub fn config(ports: &[&Self]) -> String {
        let paths: Vec<_> = ports.iter().map(|port| port.path()).collect();
        format!("[serial]\nports = {paths:?}\n")
    }

    /// Takes everything that was heard since it was last taken.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock())
    }

    /// Waits until so many bytes were heard, and takes all.
    pub fn wait(&self, bytes: usize) -> Vec<u8> {
        eventually("the other end of the line hears something", || self.lock().len() >= bytes);
        self.take()
    }

    /// Returns the speed to which the port is set, bit/s.
    pub fn speed(&self) -> u32 {
        tcgetattr(&self.end().shared.master).unwrap().output_speed()
    }

    /// Stops to listen, or goes on with it.
    pub fn deaf(&self, deaf: bool) {
        self.end().shared.deaf.store(deaf, Ordering::Relaxed);
    }

    /// Stops to listen, and writes to the port until it takes no more; how many bytes that were. A busy kernel may move some of
    /// them along later, which makes room for a few more.
    pub fn clog(&self) -> usize {
        self.deaf(true);
        // What the reader has begun to read before it heard of that.
        thread::sleep(3 * LOOK);
        let mut port = &self.end().port;
        let (mut full, mut written) = (0, 0);
        while full < 20 {
            match port.write(&[b'x'; 1024]) {
                Ok(more) => (full, written) = (0, written + more),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    full += 1;
                    thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("cannot fill the port: {error}"),
            }
        }
        written
    }

    /// Says something into the port.
    pub fn say(&self, bytes: &[u8]) {
        File::from(self.end().shared.master.try_clone().unwrap()).write_all(bytes).unwrap();
    }

    /// Uses the port as another well-behaved program does, which locks it, as long as the returned value lives.
    pub fn in_use(&self) -> impl Drop + use<> {
        let other = open_port(&self.end().device);
        flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
        Lock(other)
    }

    /// Pulls the plug: whoever has the port open sees that it is gone, and it cannot be opened any more.
    pub fn hang_up(&mut self) {
        let _ = fs::remove_file(self.path());
        self.end = None;
    }

    /// Plugs in again.
    pub fn come_back(&mut self) {
        self.hang_up();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let device = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        fcntl_setfl(&master, fcntl_getfl(&master).unwrap() | OFlags::NONBLOCK).unwrap();
        let port = open_port(&device);
        let shared = Arc::new(Shared { master, deaf: AtomicBool::default(), over: AtomicBool::default() });
        let (end, heard) = (shared.clone(), self.heard.clone());
        let reader = Some(thread::spawn(move || listen(&end, &heard)));
        symlink(&device, self.path()).unwrap();
        self.end = Some(End { device, port, shared, reader });
    }

    fn end(&self) -> &End {
        self.end.as_ref().expect("it has not hung up")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a port, so that it becomes nobody's terminal.
fn open_port(device: &Path) -> File {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    File::from(open(device, flags, Mode::empty()).unwrap())
}

struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        flock(&self.0, FlockOperation::Unlock).unwrap();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

/// So often the reader looks; a thread that waits in a read could not be stopped.
const LOOK: Duration = Duration::from_millis(2);

fn listen(end: &Shared, heard: &Mutex<Vec<u8>>) {
    let mut master = File::from(end.master.try_clone().unwrap());
    let mut buffer = [0; 4096];
    while !end.over.load(Ordering::Relaxed) {
        if !end.deaf.load(Ordering::Relaxed)
            && let Ok(read @ 1..) = master.read(&mut buffer)
        {
            heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
            continue;
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_end_hears_what_is_written_until_it_is_deaf_and_sees_the_speed() {
        let pty = Pty::new();
        let mut port = open_port(&pty.path());
        let mut settings = tcgetattr(&port).unwrap();
        settings.make_raw();
        settings.set_speed(57600).unwrap();
        rustix::termios::tcsetattr(&port, rustix::termios::OptionalActions::Now, &settings).unwrap();
        port.write_all(b"\xff\x00\r\n").unwrap();
        assert_eq!((pty.wait(4), pty.speed()), (b"\xff\x00\r\n".to_vec(), 57600));
        pty.clog();
        let heard = pty.take().len();
        thread::sleep(5 * LOOK);
        assert_eq!((heard, pty.take().len()), (0, 0));
        pty.deaf(false);
        assert!(pty.wait(4096).iter().all(|byte| *byte == b'x'));
    }

    #[test]
    fn whoever_has_the_port_open_sees_that_its_other_end_hung_up() {
        let mut pty = Pty::new();
        let mut port = open_port(&pty.path());
        pty.hang_up();
        assert!(port.write_all(b"x").is_err() && !pty.path().exists());
        pty.come_back();
        open_port(&pty.path()).write_all(b"y").unwrap();
        assert_eq!(pty.wait(1), b"y");
    }
}
