//! Another camera, as a source: an MJPEG server that hangs, drops, lies and comes back on demand.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use lookout_core::media::frame::Size;

use crate::scene_jpeg;

/// What the other camera does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Sends pictures.
    Fine,
    /// Says nothing, and keeps the connection.
    Hang,
    /// Closes every connection at once.
    Drop,
    /// Sends bytes that are no pictures.
    Garbage,
    /// Sends every second picture cut in its middle, without an end marker.
    Cut,
    /// Sends every second picture without its tables.
    Damaged,
    /// Sends every second picture with only the first half of its data, but with an end marker.
    Half,
    /// Answers 404.
    NotFound,
}

/// How many pictures it has; it begins anew behind the last.
const PICTURES: u64 = 24;
/// The time between two pictures.
const PERIOD: Duration = Duration::from_millis(50);

/// Another camera that runs until it is dropped.
pub struct FakeCamera {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mutex<Mode>,
    over: AtomicBool,
    connections: AtomicU64,
    jpegs: Vec<Vec<u8>>,
}

impl FakeCamera {
    /// Starts one that works.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let jpegs = (1..=PICTURES).map(|number| scene_jpeg(Size::QVGA, number)).collect();
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Fine),
            over: AtomicBool::default(),
            connections: AtomicU64::default(),
            jpegs,
        });
        let address = listener.local_addr().unwrap();
        let server = shared.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                if server.over.load(Ordering::Relaxed) {
                    return;
                }
                let (server, Ok(socket)) = (server.clone(), socket) else { continue };
                server.connections.fetch_add(1, Ordering::Relaxed);
                // A client that leaves ends its thread with an error, which is no one's business.
                thread::spawn(move || server.serve(socket));
            }
        });
        Self { address, shared }
    }

    /// Returns the URL of its stream, for `--source`.
    pub fn url(&self) -> String {
        format!("http://{}/videostream.cgi", self.address)
    }

    /// Changes what it does, also on open connections.
    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// Says whether a picture is one of its own, byte for byte.
    pub fn sent(&self, jpeg: &[u8]) -> bool {
        self.shared.jpegs.iter().any(|own| own == jpeg)
    }

    /// Returns how often somebody has connected.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for FakeCamera {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    fn serve(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let head = match self.mode() {
            Mode::Drop => return Ok(()),
            Mode::NotFound => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            Mode::Fine | Mode::Hang | Mode::Garbage | Mode::Cut | Mode::Damaged | Mode::Half => {
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: multipart/x-mixed-replace;boundary=fake\r\n\r\n"
            }
        };
        // The request is read in one piece: it is short, and from a client that sends it in one.
        let _ = socket.read(&mut [0; 4096])?;
        socket.write_all(head.as_bytes())?;
        for count in 0_usize.. {
            if self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let jpeg = &self.jpegs[count % self.jpegs.len()];
            let part = |jpeg: &[u8]| {
                let head = format!("--fake\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
                [head.as_bytes(), jpeg, b"\r\n"].concat()
            };
            match self.mode() {
                Mode::Drop | Mode::NotFound => return Ok(()),
                Mode::Hang => {}
                Mode::Garbage => socket.write_all(&[b'x'; 4000])?,
                Mode::Cut if count % 2 == 0 => socket.write_all(&part(&jpeg[..jpeg.len() / 2]))?,
                Mode::Damaged if count % 2 == 0 => socket.write_all(&part(&untabled(jpeg)))?,
                Mode::Half if count % 2 == 0 => {
                    socket.write_all(&part(&[&jpeg[..jpeg.len() / 2], &[0xff, 0xd9]].concat()))?;
                }
                Mode::Fine | Mode::Cut | Mode::Damaged | Mode::Half => socket.write_all(&part(jpeg))?,
            }
            thread::sleep(PERIOD);
        }
        Ok(())
    }
}

/// Takes the quantisation tables out of a picture.
fn untabled(jpeg: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    let mut rest = &jpeg[2..];
    // Every segment before the entropy-coded data says how long it is.
    while let [0xff, marker, high, low, ..] = *rest {
        let (segment, behind) = rest.split_at(2 + usize::from(u16::from_be_bytes([high, low])));
        if marker != 0xdb {
            out.extend_from_slice(segment);
        }
        rest = behind;
    }
    [out.as_slice(), rest].concat()
}
