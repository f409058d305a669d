//! Tells systemd that the daemon lives (sd_notify(3)), and `/healthz` whether it does.
//!
//! The bargain: no timer pings. A ping goes out only from inside one of the two loops that do the work, the one that makes
//! frames and the one that accepts connections, and only while the *other* has beaten recently too. If either hangs, the
//! pings stop and systemd starts the daemon anew. Each loop therefore beats at least once in [`Watchdog::pace`], also when
//! there is nothing to do.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The loops that must live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// The loop that makes frames.
    Frames,
    /// The loop that accepts connections.
    Http,
}

/// When each loop beat last, and when the next ping is due: the pure part.
#[derive(Debug)]
pub struct Beats {
    period: Duration,
    frames: Option<Instant>,
    http: Option<Instant>,
    pinged: Option<Instant>,
}

impl Beats {
    /// Starts without a beat. Without a ping within `period` the daemon counts as hung.
    pub fn new(period: Duration) -> Self {
        Self { period, frames: None, http: None, pinged: None }
    }

    /// Notes that a loop lives and says whether a ping is due: both loops have beaten within half a period, and the last
    /// ping is a quarter of a period old.
    pub fn beat(&mut self, which: Loop, now: Instant) -> bool {
        match which {
            Loop::Frames => self.frames = Some(now),
            Loop::Http => self.http = Some(now),
        }
        let due = self.pinged.is_none_or(|last| now.saturating_duration_since(last) >= self.period / 4);
        let ping = due && self.healthy(now).is_ok();
        if ping {
            self.pinged = Some(now);
        }
        ping
    }

    /// Says whether both loops have beaten within half a period, or which has not.
    pub fn healthy(&self, now: Instant) -> Result<(), &'static str> {
        let lives = |beat: Option<Instant>| beat.is_some_and(|at| now.saturating_duration_since(at) <= self.period / 2);
        if !lives(self.frames) {
            return Err("the loop that makes frames stands still");
        }
        if !lives(self.http) {
            return Err("the loop that accepts connections stands still");
        }
        Ok(())
    }
}

/// The line to the service manager; silent where there is none.
#[derive(Debug)]
pub struct Watchdog {
    beats: Mutex<Beats>,
    /// Whether the service manager wants pings.
    pings: bool,
    /// Connected and non-blocking: a manager that does not read must not hold up a frame. This is why the line is our own.
    socket: Option<UnixDatagram>,
}

impl Watchdog {
    /// The period of `/healthz` where no service manager sets one.
    const PERIOD: Duration = Duration::from_secs(20);

    /// Finds the service manager by the environment that it gives (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`).
    pub fn from_env() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|path| {
            let connected = connect(path.as_bytes());
            connected.inspect_err(|error| tracing::warn!(%error, "the service manager cannot be reached")).ok()
        });
        let text = |name| env::var(name).ok();
        Self::new(socket, period(text("WATCHDOG_USEC"), text("WATCHDOG_PID"), std::process::id()))
    }

    /// Makes a line over a connected, non-blocking socket; with a `period`, pings are wanted.
    pub fn new(socket: Option<UnixDatagram>, period: Option<Duration>) -> Self {
        let beats = Mutex::new(Beats::new(period.unwrap_or(Self::PERIOD)));
        Self { beats, pings: period.is_some(), socket }
    }

    /// Returns how long a loop may go without a beat while nothing happens: an eighth of the period.
    pub fn pace(&self) -> Duration {
        self.beats().period / 8
    }

    /// Notes that a loop lives. Sends a ping when one is due. Never blocks.
    pub fn beat(&self, which: Loop) {
        if self.beats().beat(which, Instant::now()) && self.pings {
            self.send("WATCHDOG=1");
        }
    }

    /// Says whether both loops live, or which does not; for `/healthz`.
    pub fn healthy(&self) -> Result<(), &'static str> {
        self.beats().healthy(Instant::now())
    }

    /// Tells that the start is done, with a line for `systemctl status`.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// Tells a line for `systemctl status`.
    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={}", one_line(status)));
    }

    /// Tells that the daemon is about to start anew in the same process; `ready` ends that.
    pub fn restarting(&self) {
        self.send("RELOADING=1\nSTATUS=restarting");
    }

    /// Tells that the daemon is about to end.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }

    fn beats(&self) -> MutexGuard<'_, Beats> {
        // Three times, always whole: a panic elsewhere cannot have left them half-written.
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to the socket that `NOTIFY_SOCKET` names: a path, or `@` and an abstract name.
fn connect(name: &[u8]) -> io::Result<UnixDatagram> {
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

/// Reads the period within which pings are wanted; `None` when they are not, or are another process's business.
fn period(usec: Option<String>, pid: Option<String>, own: u32) -> Option<Duration> {
    if pid.is_some_and(|pid| pid.parse() != Ok(own)) {
        return None;
    }
    usec?.parse().ok().filter(|usec| *usec > 0).map(Duration::from_micros)
}

/// Keeps a text from being read as further assignments.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(8);

    /// A listening service manager and the line to it.
    fn manager(period: Option<Duration>) -> (tempfile::TempDir, UnixDatagram, Watchdog) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let line = connect(path.as_os_str().as_bytes()).unwrap();
        (folder, manager, Watchdog::new(Some(line), period))
    }

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        let mut buffer = [0; 256];
        std::iter::from_fn(|| manager.recv(&mut buffer).ok().map(|len| String::from_utf8_lossy(&buffer[..len]).into()))
            .collect()
    }

    #[test]
    fn a_ping_needs_beats_of_both_loops() {
        let start = Instant::now();
        let mut beats = Beats::new(PERIOD);
        assert!(!beats.beat(Loop::Frames, start));
        assert!(!beats.beat(Loop::Frames, start + PERIOD / 8));
        assert!(beats.beat(Loop::Http, start + PERIOD / 4));
    }

    #[test]
    fn pings_keep_a_quarter_of_the_period_apart() {
        let start = Instant::now();
        let mut beats = Beats::new(PERIOD);
        beats.beat(Loop::Http, start);
        let pings = (0..16).filter(|eighth| {
            let now = start + PERIOD / 8 * *eighth;
            let ping = beats.beat(Loop::Frames, now);
            ping | beats.beat(Loop::Http, now)
        });
        assert_eq!(pings.collect::<Vec<_>>(), [0, 2, 4, 6, 8, 10, 12, 14]);
    }

    #[test]
    fn pings_stop_within_half_a_period_of_either_loop_hanging() {
        for (hangs, lives) in [(Loop::Frames, Loop::Http), (Loop::Http, Loop::Frames)] {
            let start = Instant::now();
            let mut beats = Beats::new(PERIOD);
            beats.beat(hangs, start);
            let last = (0..80).filter(|tenth| beats.beat(lives, start + PERIOD / 10 * *tenth)).last();
            assert!(last.is_some_and(|tenth| tenth <= 5), "{hangs:?}: {last:?}");
            assert!(beats.beat(hangs, start + PERIOD * 8), "comes back when the loop does");
        }
    }

    #[test]
    fn health_names_the_loop_that_hangs() {
        let start = Instant::now();
        let mut beats = Beats::new(PERIOD);
        assert_eq!(beats.healthy(start), Err("the loop that makes frames stands still"));
        beats.beat(Loop::Frames, start);
        assert_eq!(beats.healthy(start), Err("the loop that accepts connections stands still"));
        beats.beat(Loop::Http, start + PERIOD / 2);
        assert_eq!(beats.healthy(start + PERIOD / 2), Ok(()));
        assert_eq!(beats.healthy(start + PERIOD), Err("the loop that makes frames stands still"));
    }

    #[test]
    fn the_service_manager_hears_of_start_life_and_end() {
        let (_folder, manager, watchdog) = manager(Some(PERIOD));
        watchdog.ready("demo scene\nMAINPID=1");
        watchdog.beat(Loop::Frames);
        watchdog.beat(Loop::Http);
        watchdog.beat(Loop::Frames);
        watchdog.status("12 viewers");
        watchdog.stopping();
        let expected = ["READY=1\nSTATUS=demo scene MAINPID=1", "WATCHDOG=1", "STATUS=12 viewers", "STOPPING=1"];
        assert_eq!(heard(&manager), expected);
        assert_eq!(watchdog.healthy(), Ok(()));
    }

    #[test]
    fn without_a_period_nobody_is_pinged() {
        let (_folder, manager, watchdog) = manager(None);
        watchdog.beat(Loop::Frames);
        watchdog.beat(Loop::Http);
        assert!(heard(&manager).is_empty());
    }

    #[test]
    fn a_manager_that_does_not_read_holds_nobody_up() {
        let (_folder, manager, watchdog) = manager(None);
        // More than any kernel queues for a datagram socket that nobody reads.
        (0..5000).for_each(|_| watchdog.status("still here"));
        assert!(!heard(&manager).is_empty());
        drop(manager);
        watchdog.stopping();
    }

    #[test]
    fn an_abstract_socket_is_found() {
        let name = format!("lookout-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        manager.set_nonblocking(true).unwrap();
        let line = connect(format!("@{name}").as_bytes()).unwrap();
        Watchdog::new(Some(line), None).stopping();
        assert_eq!(heard(&manager), ["STOPPING=1"]);
    }

    #[test]
    fn the_period_is_read_as_systemd_gives_it() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(period(text("8000000"), None, 7), Some(PERIOD));
        assert_eq!(period(text("8000000"), text("7"), 7), Some(PERIOD));
        assert_eq!(period(text("8000000"), text("8"), 7), None, "meant for another process");
        assert_eq!([period(text("0"), None, 7), period(text("soon"), None, 7), period(None, None, 7)], [None; 3]);
    }
}
