//! A time server on loopback that tells the time, or lies, on demand.

use std::{
    net::UdpSocket,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// Tells the time of a clock that is so many seconds ahead of the host's.
    Ahead(i64),
    /// Tells so many seconds since 1970.
    Time(u64),
    /// Sends a kiss-o'-death with this code.
    Kiss([u8; 4]),
    /// Says that it does not know the time, by its leap indicator.
    Unsynchronised,
    /// Says nothing.
    Nothing,
    /// Sends the head of an answer, and bytes that are none.
    Garbage,
    /// Answers, a year ahead, a request that was never made.
    Forgery,
    /// Answers rightly, a year ahead, from another port.
    Elsewhere,
}

const YEAR: i64 = 365 * 86_400;

/// A time server that runs until it is dropped.
pub struct TimeServer {
    /// Its UDP port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    tells: Mutex<Tells>,
    requests: Mutex<Vec<Vec<u8>>>,
    over: AtomicBool,
}

impl TimeServer {
    /// Starts one.
    pub fn start(tells: Tells) -> Self {
        let [socket, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let (tells, requests, over) = (Mutex::new(tells), Mutex::default(), AtomicBool::default());
        let shared = Arc::new(Shared { tells, requests, over });
        let server = shared.clone();
        let thread = Some(thread::spawn(move || server.serve(&socket, &other)));
        Self { port, shared, thread }
    }

    /// Changes what it does.
    pub fn set(&self, tells: Tells) {
        *self.shared.tells.lock().unwrap() = tells;
    }

    /// Returns the requests that came so far.
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the time server panicked");
        }
    }
}

impl Shared {
    fn serve(&self, socket: &UdpSocket, other: &UdpSocket) {
        let mut packet = [0; 128];
        while !self.over.load(Ordering::Relaxed) {
            let Ok((length, peer)) = socket.recv_from(&mut packet) else { continue };
            let request = packet[..length].to_vec();
            let tells = *self.tells.lock().unwrap();
            let from = if tells == Tells::Elsewhere { other } else { socket };
            for answer in answers(&request, tells) {
                // A camera that was killed meanwhile cannot be reached.
                let _ = from.send_to(&answer, peer);
            }
            self.requests.lock().unwrap().push(request);
        }
    }
}

fn answers(request: &[u8], tells: Tells) -> Vec<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ahead = |seconds: i64| answer(request, Duration::from_secs(now.as_secs().strict_add_signed(seconds)));
    match tells {
        Tells::Ahead(seconds) => vec![ahead(seconds)],
        Tells::Time(seconds) => vec![answer(request, Duration::from_secs(seconds))],
        Tells::Kiss(code) => {
            let mut kiss = ahead(0);
            (kiss[0], kiss[1]) = (0b11_100_100, 0);
            kiss[12..16].copy_from_slice(&code);
            vec![kiss]
        }
        Tells::Unsynchronised => vec![[&[0b11_100_100], &ahead(YEAR)[1..]].concat()],
        Tells::Nothing => Vec::new(),
        Tells::Garbage => vec![ahead(YEAR)[..47].to_vec(), Vec::new(), vec![0xff; 48], vec![0x24; 500]],
        Tells::Forgery => {
            let mut forged = ahead(YEAR);
            forged[31] ^= 1;
            vec![forged]
        }
        Tells::Elsewhere => vec![ahead(YEAR)],
    }
}

/// Answers as a server of stratum 2 (RFC 4330).
fn answer(request: &[u8], now: Duration) -> Vec<u8> {
    let mut packet = vec![0; 48];
    (packet[0], packet[1]) = (0b00_100_100, 2);
    packet[24..32].copy_from_slice(&request[40..48]);
    // NTP counts from 1900, and in 32 bits.
    let seconds = (now.as_secs() + 2_208_988_800) as u32;
    for at in [32, 40] {
        packet[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
        packet[at + 4..at + 8].copy_from_slice(&0x8000_0000_u32.to_be_bytes());
    }
    packet
}
