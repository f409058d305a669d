//! A server that keeps no promise of TCP or of its protocol, at whichever stage of a conversation it is asked to.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

/// What it does when its script is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rogue {
    /// Nothing, and keeps the connection; it reads no more either.
    Hang,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
    /// Says a byte a second, which never becomes a line.
    Drip,
    /// Says what nobody can mean, and then nothing.
    Garbage,
    /// Never stops to speak, as fast as it is heard, and never ends a line.
    Endless,
    /// Begins anew with the script's last line as answer to whatever is said: no misbehaviour at all.
    Behave,
}

impl Rogue {
    /// All ways to misbehave.
    pub const ALL: [Self; 6] = [Self::Hang, Self::Close, Self::Reset, Self::Drip, Self::Garbage, Self::Endless];
}

/// How much is said at most by one that never stops: more than any client may take.
const ENDLESS: usize = 256 << 20;

/// A server that runs until it is dropped.
pub struct RoguePeer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Vec<String>,
    then: Rogue,
    over: AtomicBool,
    connections: AtomicUsize,
    said: AtomicUsize,
    heard: Mutex<Vec<String>>,
    open: Mutex<Vec<TcpStream>>,
}

impl RoguePeer {
    /// Starts one that says the first line of the script when somebody connects, the next ones each behind a line that it
    /// hears, and then misbehaves. An empty line waits to be spoken to: what a server of HTTP does.
    pub fn start(script: &[&str], then: Rogue) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: script.iter().map(|line| (*line).to_owned()).collect(),
            then,
            over: AtomicBool::default(),
            connections: AtomicUsize::default(),
            said: AtomicUsize::default(),
            heard: Mutex::default(),
            open: Mutex::default(),
        });
        let server = shared.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                if server.over.load(Ordering::Relaxed) {
                    return;
                }
                let (server, Ok(socket)) = (server.clone(), socket) else { continue };
                server.connections.fetch_add(1, Ordering::Relaxed);
                server.open.lock().unwrap().push(socket.try_clone().unwrap());
                // A client that leaves ends its thread with an error, which is no one's business.
                thread::spawn(move || drop(server.serve(socket)));
            }
        });
        Self { address, shared }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many have connected.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Returns how many bytes were taken of what was said when the script was over.
    pub fn said(&self) -> usize {
        self.shared.said.load(Ordering::Relaxed)
    }

    /// Returns the lines that were heard.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().unwrap().clone()
    }
}

impl Drop for RoguePeer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for socket in self.shared.open.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        // Whoever accepts wakes up.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(socket.try_clone()?);
        for (at, line) in self.script.iter().enumerate() {
            if at > 0 {
                self.hear(&mut lines)?;
            }
            socket.write_all(line.as_bytes())?;
        }
        self.misbehave(&mut socket, &mut lines)
    }

    fn hear(&self, lines: &mut BufReader<TcpStream>) -> std::io::Result<()> {
        let mut heard = String::new();
        if lines.read_line(&mut heard)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.heard.lock().unwrap().push(heard.trim_end().to_owned());
        Ok(())
    }

    fn misbehave(&self, socket: &mut TcpStream, lines: &mut BufReader<TcpStream>) -> std::io::Result<()> {
        match self.then {
            // The list of what is open keeps it.
            Rogue::Hang => Ok(()),
            Rogue::Close => socket.shutdown(Shutdown::Both),
            Rogue::Reset => {
                SockRef::from(&*socket).set_linger(Some(Duration::ZERO))?;
                // All but this one hold it open, too.
                self.open.lock().unwrap().retain(|open| open.peer_addr().ok() != socket.peer_addr().ok());
                Ok(())
            }
            Rogue::Drip => loop {
                self.say(socket, b"2")?;
                thread::sleep(Duration::from_secs(1));
            },
            Rogue::Garbage => {
                self.say(socket, &[0, 255, b'\r', b'\n', 0x80, b'%', b'n', b'\n', b'9', b'9', b'\r', b'\n'])
            }
            Rogue::Endless => {
                let much = [b'2'; 1 << 16];
                while self.said.load(Ordering::Relaxed) < ENDLESS {
                    self.say(socket, &much)?;
                }
                Ok(())
            }
            Rogue::Behave => loop {
                self.hear(lines)?;
                socket.write_all(self.script.last().map_or(&[][..], |line| line.as_bytes()))?;
            },
        }
    }

    fn say(&self, socket: &mut TcpStream, what: &[u8]) -> std::io::Result<()> {
        if self.over.load(Ordering::Relaxed) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        socket.write_all(what)?;
        self.said.fetch_add(what.len(), Ordering::Relaxed);
        Ok(())
    }
}

/// A port on loopback that answers no one who connects: its queue is full.
pub struct DeafPort {
    address: SocketAddr,
    _socket: Socket,
    _queue: Vec<Socket>,
}

impl DeafPort {
    /// Opens one.
    pub fn open() -> Self {
        let make = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let socket = make();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        // Each of these is in the queue or waits to be: whoever comes after them waits too.
        let queue = (0..8).map(|_| {
            let one = make();
            one.set_nonblocking(true).unwrap();
            let _ = one.connect(&address.into());
            one
        });
        Self { address, _queue: queue.collect(), _socket: socket }
    }

    /// Returns where it does not listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
