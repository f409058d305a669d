//! The load generator: many viewers in one epoll loop, bounded in time. It connects them all, waits until each has a
//! picture, lets things settle, and measures; the server's CPU time and memory are read at the same moments, so that
//! connecting and logging in are not in them.
//!
//! ```text
//! Joining --everybody has a picture, or JOIN is over--> Settling --SETTLE--> Measuring --seconds--> the outcome
//! ```

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use lookout_core::media::sound::{BLOCK, RATE};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, EventData, EventFlags},
    io::{Errno, ioctl_fionread},
    time::Timespec,
};

use super::{
    outcome::{Outcome, median, quantile},
    process::{Usage, raise_descriptor_limit},
    stamp::{now_ns, own_cpu_ns},
    stream::{Form, Part},
    viewer::{Viewer, trusting_config},
};

/// Watches a push stream many times over and prints what it saw as JSON.
#[derive(Clone, Debug, clap::Args)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// Path and query of the stream.
    pub path: String,
    /// The form of the stream.
    #[arg(long, value_enum, default_value = "multipart")]
    pub form: Form,
    /// How many watch.
    #[arg(long, default_value_t = 1)]
    pub viewers: usize,
    /// How many more read the head of the answer and then nothing.
    #[arg(long, default_value_t = 0)]
    pub stalled: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Speaks TLS.
    #[arg(long)]
    pub tls: bool,
    /// The process whose CPU time and memory are measured along.
    #[arg(long)]
    pub pid: Option<u32>,
    /// A counter of the daemon whose rise is measured along.
    #[arg(long)]
    pub counter: Option<String>,
    /// Path and query of the daemon's counters.
    #[arg(long, default_value = "/metrics")]
    pub metrics: String,
}

/// The longest that viewers may take to get their first picture.
const JOIN: Duration = Duration::from_secs(20);
/// From the last viewer's first picture to the measurement.
const SETTLE: Duration = Duration::from_millis(800);
/// How many of the stalled viewers are asked what waits for them.
const ASKED: usize = 10;
/// More than a picture: what a stalled viewer's backlog is read with.
const BUFFER: usize = 256 * 1024;

impl Load {
    /// Runs and prints.
    pub fn run(&self) -> Result<()> {
        raise_descriptor_limit()?;
        println!("{}", serde_json::to_string(&self.measure()?)?);
        Ok(())
    }

    /// Runs and returns what was seen.
    pub fn measure(&self) -> Result<Outcome> {
        let idle = self.pid.map(Usage::of).transpose()?;
        let mut crowd = Crowd::connect(self)?;
        let joined = Instant::now() + JOIN;
        while Instant::now() < joined && !crowd.all_watch() {
            crowd.turn(Duration::from_millis(20), |_| {})?;
        }
        crowd.run_until(Instant::now() + SETTLE, |_| {})?;

        crowd.begin();
        let counted = self.count()?;
        let before = self.pid.map(Usage::of).transpose()?;
        let (began, own) = (Instant::now(), own_cpu_ns());
        let mut ages = Vec::new();
        let mut bytes = 0;
        crowd.run_until(began + Duration::from_secs_f64(self.seconds), |part| match part {
            Part::Picture { length, stamp } => {
                bytes += length as u64;
                ages.extend(stamp.map(|stamp| now_ns().saturating_sub(stamp.at_ns) as f64 / 1000.0));
            }
            Part::Sound { .. } => {}
        })?;
        let seconds = began.elapsed().as_secs_f64();
        let own_cpu = (own_cpu_ns() - own) as f64 / 1000.0;
        let after = self.pid.map(Usage::of).transpose()?;
        let counted = self.count()?.zip(counted).map(|(after, before)| after - before);

        let mut outcome = crowd.outcome(seconds);
        outcome.own_cpu_us = own_cpu;
        outcome.bytes = bytes;
        outcome.age_median_us = median(&mut ages);
        outcome.age_p99_us = quantile(&mut ages, 0.99);
        outcome.counted = counted;
        outcome.rss_idle_kib = idle.map(|usage| usage.rss_kib);
        if let Some((before, after)) = before.zip(after) {
            outcome.take_usage(&before, &after);
        }
        outcome.held = crowd.held();
        Ok(outcome)
    }

    /// Reads the counter, all its labels together.
    fn count(&self) -> Result<Option<f64>> {
        let Some(name) = &self.counter else { return Ok(None) };
        let (address, path) = (self.address, &self.metrics);
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        let values = text.lines().filter(|line| {
            line.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(' ') || rest.starts_with('{'))
        });
        let values: Vec<f64> = values.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        (!values.is_empty())
            .then(|| values.iter().sum())
            .with_context(|| format!("no {name} in {:?}", text.lines().next()))
            .map(Some)
    }
}

/// All viewers.
struct Crowd {
    epoll: OwnedFd,
    viewers: Vec<Option<Viewer>>,
    buffer: Vec<u8>,
    failed: usize,
    failure: Option<String>,
    /// The number of the newest picture that anybody got.
    newest: u64,
    /// Viewers that read, and how many of them have had a picture or a block of sound, or failed.
    watching: usize,
    began: usize,
}

impl Crowd {
    fn connect(load: &Load) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let tls = load.tls.then(trusting_config).transpose()?;
        let buffer = vec![0; BUFFER];
        let (viewers, watching) = (Vec::new(), load.viewers);
        let mut crowd = Self { epoll, viewers, buffer, failed: 0, failure: None, newest: 0, watching, began: 0 };
        // The stalled ones come first: they must be full when the others are measured.
        for at in 0..load.stalled + load.viewers {
            let viewer = Viewer::connect(load.address, &load.path, load.form, tls.as_ref(), at < load.stalled)?;
            epoll::add(&crowd.epoll, &viewer.socket, EventData::new_u64(at as u64), EventFlags::IN)?;
            crowd.viewers.push(Some(viewer));
            if at % 16 == 15 {
                crowd.turn(Duration::ZERO, |_| {})?;
            }
        }
        Ok(crowd)
    }

    /// Says whether everybody has had something or failed.
    fn all_watch(&self) -> bool {
        self.began == self.watching
    }

    fn run_until(&mut self, end: Instant, mut whole: impl FnMut(Part)) -> Result<()> {
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left, &mut whole)?;
        }
        Ok(())
    }

    /// Waits once and reads whatever is there.
    fn turn(&mut self, wait: Duration, mut whole: impl FnMut(Part)) -> Result<()> {
        let mut events = Vec::with_capacity(256);
        let wait = Timespec::try_from(wait)?;
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)) {
            Err(Errno::INTR) => return Ok(()),
            waited => waited?,
        };
        for event in events {
            let Some(slot) = self.viewers.get_mut(event.data.u64() as usize) else { continue };
            let Some(viewer) = slot.as_mut() else { continue };
            let (mut frames, mut missed, mut last) = (0, 0, viewer.last);
            let (mut blocks, mut gaps) = (0, 0);
            let read = viewer.read(&mut self.buffer, |part| {
                match part {
                    Part::Picture { stamp, .. } => {
                        frames += 1;
                        if let Some(stamp) = stamp {
                            missed += last.map_or(0, |last| stamp.seq.saturating_sub(last + 1));
                            last = Some(stamp.seq);
                        }
                    }
                    Part::Sound { missed } => {
                        blocks += 1;
                        gaps += missed;
                    }
                }
                whole(part);
            });
            if (frames + blocks > 0 || read.is_err()) && !viewer.started && !viewer.stalls {
                viewer.started = true;
                self.began += 1;
            }
            viewer.frames += frames;
            viewer.missed += missed;
            viewer.last = last;
            viewer.blocks += blocks;
            viewer.gaps += gaps;
            self.newest = self.newest.max(last.unwrap_or(0));
            if viewer.stalls && viewer.answered() {
                epoll::delete(&self.epoll, &viewer.socket)?;
            }
            if let Err(error) = read {
                self.failed += 1;
                self.failure.get_or_insert_with(|| error.to_string());
                *slot = None;
            }
        }
        Ok(())
    }

    /// Forgets what was counted so far.
    fn begin(&mut self) {
        for viewer in self.viewers.iter_mut().flatten() {
            viewer.begin();
        }
    }

    fn outcome(&self, seconds: f64) -> Outcome {
        let watching = || self.viewers.iter().flatten().filter(|viewer| !viewer.stalls);
        let mut frames: Vec<u64> = watching().map(|viewer| viewer.frames).collect();
        frames.sort_unstable();
        // The newest picture may still be on its way; what is older than that was missed.
        let late = |last: u64| self.newest.saturating_sub(last + 1);
        let mut blocks: Vec<u64> = watching().map(|viewer| viewer.blocks).collect();
        blocks.sort_unstable();
        // Two may still be on their way.
        let due = ((seconds * f64::from(RATE) / BLOCK as f64) as u64).saturating_sub(2);
        let silent = watching().filter(|viewer| !viewer.started).count();
        let failure = self.failure.clone().or((silent > 0).then(|| "nothing came".to_owned()));
        Outcome {
            seconds,
            viewers: frames.len(),
            stalled: self.viewers.iter().flatten().filter(|viewer| viewer.stalls).count(),
            failed: self.failed + silent,
            failure,
            frames: frames.iter().sum(),
            frames_least: frames.first().copied().unwrap_or(0),
            frames_median: frames.get(frames.len() / 2).copied().unwrap_or(0),
            missed: watching().map(|viewer| viewer.missed + viewer.last.map_or(0, late)).sum(),
            blocks: blocks.iter().sum(),
            blocks_median: blocks.get(blocks.len() / 2).copied().unwrap_or(0),
            blocks_missed: watching().map(|viewer| viewer.gaps.max(due.saturating_sub(viewer.blocks))).sum(),
            wire_bytes: watching().map(|viewer| viewer.bytes).sum(),
            ..Outcome::default()
        }
    }

    /// Reads what waits for some of the stalled viewers: how many pictures that are older than now, not counting what
    /// their own sockets held.
    fn held(&mut self) -> Option<f64> {
        let mut held = Vec::new();
        for viewer in self.viewers.iter_mut().flatten().filter(|viewer| viewer.stalls && viewer.answered()).take(ASKED)
        {
            viewer.stalls = false;
            let asked_ns = now_ns();
            let here = ioctl_fionread(&viewer.socket).unwrap_or(0) as f64;
            let (mut stale, mut length, mut fresh) = (0.0, 0.0, false);
            let end = Instant::now() + Duration::from_millis(200);
            while !fresh && Instant::now() < end {
                let read = viewer.read(&mut self.buffer, |part| match part {
                    Part::Picture { stamp, .. } if stamp.is_some_and(|stamp| stamp.at_ns > asked_ns) => fresh = true,
                    Part::Picture { length: whole, .. } => {
                        stale += whole as f64;
                        length = whole as f64;
                    }
                    Part::Sound { .. } => {}
                });
                if read.is_err() {
                    break;
                }
            }
            if length > 0.0 {
                held.push((stale - here).max(0.0) / length);
            }
        }
        median(&mut held)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::pipe, net::TcpListener, thread};

    use super::{
        super::{feed::Feed, raw},
        *,
    };

    /// Starts the floor with a feed in this process.
    fn floor(tls: bool, feed: Feed) -> SocketAddr {
        let (source, output) = pipe().unwrap();
        thread::spawn(move || feed.write_to(output));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tls = tls.then(|| raw::server_config().unwrap());
        thread::spawn(move || raw::Floor::new(File::from(OwnedFd::from(source)), listener, feed.bytes, tls)?.serve());
        address
    }

    fn load(address: SocketAddr, viewers: usize, stalled: usize, tls: bool) -> Load {
        let (path, form, metrics) = ("/".to_owned(), Form::Multipart, String::new());
        Load { address, path, form, viewers, stalled, seconds: 0.5, tls, pid: None, counter: None, metrics }
    }

    const FEED: Feed = Feed { bytes: 20_000, fps: 50, pin: None };

    #[test]
    fn every_viewer_gets_whole_stamped_pictures() {
        for tls in [false, true] {
            let seen = load(floor(tls, FEED), 5, 0, tls).measure().unwrap();
            assert_eq!((seen.viewers, seen.failed), (5, 0), "{:?}", seen.failure);
            assert!(seen.frames_least > 0 && seen.bytes == seen.frames * 20_000, "{seen:?}");
            assert!(seen.age_median_us.is_some_and(|age| age > 0.0), "{seen:?}");
        }
    }

    #[test]
    fn what_waits_for_a_stalled_viewer_is_seen() {
        // Small pictures fill the server's socket buffer slowly: some wait there, none is lost to those who read.
        let seen = load(floor(false, FEED), 2, 3, false).measure().unwrap();
        assert_eq!((seen.viewers, seen.stalled, seen.failed), (2, 3, 0), "{:?}", seen.failure);
        assert!(seen.held.is_some_and(|held| held > 1.0), "{seen:?}");
    }

    #[test]
    fn a_server_that_refuses_is_reported_with_its_words() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 1000]);
            socket.write_all(b"HTTP/1.1 503 Busy\r\n\r\n").unwrap();
        });
        let mut load = load(address, 1, 0, false);
        load.seconds = 0.1;
        let seen = load.measure().unwrap();
        assert_eq!((seen.viewers, seen.failed), (0, 1));
        assert!(seen.failure.unwrap().contains("503 Busy"));
    }
}
