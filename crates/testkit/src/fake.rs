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
    /// Sends its visitors to another server.
    Away(SocketAddr),
    /// Answers with a page that holds a script.
    Page,
    /// Sends pages that hold a script as the parts of a stream.
    Script,
    /// Says of every part that it is half as long as it is.
    Short,
    /// Begins a picture that never ends, as fast as it is taken.
    Endless,
    /// Sends 250 pictures a second.
    Flood,
}

/// How many pictures it has; it begins anew behind the last.
const PICTURES: u64 = 24;
/// The time between two pictures.
const PERIOD: Duration = Duration::from_millis(50);

/// What no viewer may ever get.
const PAGE: &str = "<!doctype html><script>alert('from the device')</script>";

/// Another camera that runs until it is dropped.
pub struct FakeCamera {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mutex<Mode>,
    over: AtomicBool,
    connections: AtomicU64,
    /// Connections that are open.
    open: AtomicU64,
    /// The heads of the requests.
    heads: Mutex<Vec<String>>,
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
            open: AtomicU64::default(),
            heads: Mutex::default(),
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
                server.open.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    // A client that leaves ends its thread with an error, which is no one's business.
                    let _ = server.serve(socket);
                    server.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { address, shared }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

    /// Returns how many are connected; one that left is noticed at the next picture.
    pub fn open(&self) -> u64 {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Returns the heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
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
            Mode::NotFound => "404 Not Found\r\nContent-Length: 0".into(),
            Mode::Away(to) => format!("302 Found\r\nLocation: http://{to}/videostream.cgi\r\nContent-Length: 0"),
            Mode::Page => format!("200 OK\r\nContent-Type: text/html\r\nContent-Length: {}", PAGE.len()),
            Mode::Fine
            | Mode::Hang
            | Mode::Garbage
            | Mode::Cut
            | Mode::Damaged
            | Mode::Half
            | Mode::Script
            | Mode::Short
            | Mode::Endless
            | Mode::Flood => "200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=fake".into(),
        };
        // The request is read in one piece: it is short, and from a client that sends it in one.
        let mut request = [0; 4096];
        let read = socket.read(&mut request)?;
        self.heads.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
        socket.write_all(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes())?;
        for count in 0_usize.. {
            if self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let jpeg = &self.jpegs[count % self.jpegs.len()];
            let told = |jpeg: &[u8], length: usize| {
                let head = format!("--fake\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
                [head.as_bytes(), jpeg, b"\r\n"].concat()
            };
            let part = |jpeg: &[u8]| told(jpeg, jpeg.len());
            match self.mode() {
                Mode::Drop | Mode::NotFound | Mode::Away(_) => return Ok(()),
                Mode::Page => return socket.write_all(PAGE.as_bytes()),
                Mode::Script => socket.write_all(&part(PAGE.as_bytes()))?,
                Mode::Short => socket.write_all(&told(jpeg, jpeg.len() / 2))?,
                Mode::Endless => {
                    socket.write_all(&told(&jpeg[..jpeg.len() / 2], 1 << 30))?;
                    while self.mode() == Mode::Endless && !self.over.load(Ordering::Relaxed) {
                        socket.write_all(&[0x55; 64 * 1024])?;
                    }
                }
                Mode::Flood => {
                    socket.write_all(&part(jpeg))?;
                    thread::sleep(Duration::from_millis(4));
                    continue;
                }
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
