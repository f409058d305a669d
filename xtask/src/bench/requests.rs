//! The load generator for short answers: a number of clients, each asking again as soon as it was answered, each request
//! on a connection of its own, as cameras' clients do.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, EventData, EventFlags},
    io::Errno,
    time::Timespec,
};

use super::{
    outcome::{Outcome, median, quantile},
    process::{Usage, raise_descriptor_limit},
    stamp::own_cpu_ns,
};

/// Asks for the same thing over and over and prints what came as JSON.
#[derive(Clone, Debug, clap::Args)]
pub struct Requests {
    /// The server.
    pub address: SocketAddr,
    /// Path and query.
    pub path: String,
    /// How many requests are under way at once.
    #[arg(long, default_value_t = 32)]
    pub at_once: usize,
    /// How long to measure, after a second of warming up.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// The process whose CPU time and memory are measured along.
    #[arg(long)]
    pub pid: Option<u32>,
}

const WARM_UP: Duration = Duration::from_secs(1);

impl Requests {
    /// Runs and prints.
    pub fn run(&self) -> Result<()> {
        raise_descriptor_limit()?;
        println!("{}", serde_json::to_string(&self.measure()?)?);
        Ok(())
    }

    /// Runs and returns what was seen.
    pub fn measure(&self) -> Result<Outcome> {
        let idle = self.pid.map(Usage::of).transpose()?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut clients = (0..self.at_once).map(|at| self.ask(&epoll, at)).collect::<Result<Vec<_>>>()?;
        self.run_until(&epoll, &mut clients, Instant::now() + WARM_UP, |_| {})?;

        let before = self.pid.map(Usage::of).transpose()?;
        let (began, own) = (Instant::now(), own_cpu_ns());
        let mut times = Vec::new();
        let (mut requests, mut bytes) = (0, 0);
        self.run_until(&epoll, &mut clients, began + Duration::from_secs_f64(self.seconds), |client| {
            requests += 1;
            bytes += client.body as u64;
            times.push(client.began.elapsed().as_secs_f64() * 1e6);
        })?;
        let seconds = began.elapsed().as_secs_f64();
        let own_cpu_us = (own_cpu_ns() - own) as f64 / 1000.0;
        let after = self.pid.map(Usage::of).transpose()?;
        let mut outcome = Outcome {
            seconds,
            own_cpu_us,
            requests,
            bytes,
            answer_median_us: median(&mut times),
            answer_p99_us: quantile(&mut times, 0.99),
            rss_idle_kib: idle.map(|usage| usage.rss_kib),
            ..Outcome::default()
        };
        if let Some((before, after)) = before.zip(after) {
            outcome.take_usage(&before, &after);
        }
        Ok(outcome)
    }

    /// Connects and asks.
    fn ask(&self, epoll: &OwnedFd, at: usize) -> Result<Client> {
        let mut socket = TcpStream::connect_timeout(&self.address, Duration::from_secs(10))?;
        let (path, host) = (&self.path, self.address);
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        socket.set_nonblocking(true)?;
        epoll::add(epoll, &socket, EventData::new_u64(at as u64), EventFlags::IN)?;
        Ok(Client { socket, began: Instant::now(), head: Vec::new(), expected: None, body: 0 })
    }

    /// Reads answers, and asks anew at the end of each.
    fn run_until(
        &self,
        epoll: &OwnedFd,
        clients: &mut [Client],
        end: Instant,
        mut answered: impl FnMut(&Client),
    ) -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut events = Vec::with_capacity(64);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            events.clear();
            match epoll::wait(epoll, spare_capacity(&mut events), Some(&Timespec::try_from(left)?)) {
                Err(Errno::INTR) => continue,
                waited => waited?,
            };
            for event in &events {
                let at = event.data.u64() as usize;
                let Some(client) = clients.get_mut(at) else { continue };
                if client.read(&mut buffer)? {
                    answered(client);
                    *client = self.ask(epoll, at)?;
                }
            }
        }
        Ok(())
    }
}

/// One request under way.
struct Client {
    socket: TcpStream,
    began: Instant,
    head: Vec<u8>,
    expected: Option<usize>,
    body: usize,
}

impl Client {
    /// Reads what is there; says whether the answer is whole and the connection ended.
    fn read(&mut self, buffer: &mut [u8]) -> Result<bool> {
        loop {
            let count = match self.socket.read(buffer) {
                Ok(0) => {
                    ensure!(self.expected == Some(self.body), "{} bytes of {:?}", self.body, self.expected);
                    return Ok(true);
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            if self.expected.is_some() {
                self.body += count;
                continue;
            }
            self.head.extend_from_slice(&buffer[..count]);
            if let Some(end) = self.head.windows(4).position(|end| end == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.head[..end]).to_ascii_lowercase();
                ensure!(head.split(' ').nth(1) == Some("200"), "refused: {head:?}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                self.expected = Some(length.context("an answer without length")?.trim().parse()?);
                self.body = self.head.len() - end - 4;
            }
        }
    }
}
