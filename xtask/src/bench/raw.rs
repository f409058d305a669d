//! The floor: the least a process can do to hand the same pictures to many viewers. One epoll loop, one shared buffer a
//! picture (part head, JPEG, line end), one write call a viewer a picture; who is full is skipped. It knows nothing of
//! logins, limits, sizes, checks or clean ends: every one of those is what a server pays on top.

use std::{
    env,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    process::{Command, Stdio},
    rc::Rc,
    sync::Arc,
};

use anyhow::{Context, Result};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, EventData, EventFlags},
};
use rustls::{ServerConfig, ServerConnection, pki_types::PrivatePkcs8KeyDer};

use super::feed::Feed;

/// Starts a feed and serves it, saying on the first line where, as the daemon does.
#[derive(Debug, clap::Args)]
pub struct Raw {
    #[command(flatten)]
    feed: Feed,
    /// Serves HTTPS.
    #[arg(long)]
    tls: bool,
}

impl Raw {
    /// Serves until it is killed or its feed ends.
    pub fn run(&self) -> Result<()> {
        let mut feed = Command::new(env::current_exe()?).args(self.feed.arguments()).stdout(Stdio::piped()).spawn()?;
        let source = feed.stdout.take().context("the feed's output is not piped")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", serde_json::json!({ "http": listener.local_addr()?, "https": listener.local_addr()? }));
        let tls = self.tls.then(server_config).transpose()?;
        Floor::new(source, listener, self.feed.bytes, tls)?.serve()
    }
}

/// The one loop.
pub struct Floor<S> {
    epoll: OwnedFd,
    source: S,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    viewers: Vec<Option<Viewer>>,
    /// The part being read from the source: head, JPEG, line end.
    part: Rc<Vec<u8>>,
    head: usize,
    read: usize,
}

struct Viewer {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    request: Vec<u8>,
    watching: bool,
    /// What the socket did not take: the picture and how much of it is out.
    rest: Option<(Rc<Vec<u8>>, usize)>,
}

const SOURCE: u64 = u64::MAX;
const LISTENER: u64 = u64::MAX - 1;
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: multipart/x-mixed-replace;boundary=raw\r\n\r\n";

impl<S: Read + AsFd> Floor<S> {
    /// Prepares to serve pictures of exactly `bytes` bytes that `source` delivers without anything between them.
    pub fn new(source: S, listener: TcpListener, bytes: usize, tls: Option<Arc<ServerConfig>>) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        listener.set_nonblocking(true)?;
        rustix::net::listen(&listener, 4096)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, &source, EventData::new_u64(SOURCE), EventFlags::IN)?;
        let mut part = format!("--raw\r\nContent-Type: image/jpeg\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
        let head = part.len();
        part.resize(head + bytes, 0);
        part.extend(b"\r\n");
        Ok(Self { epoll, source, listener, tls, viewers: Vec::new(), part: Rc::new(part), head, read: 0 })
    }

    /// Serves until the source ends.
    pub fn serve(&mut self) -> Result<()> {
        let mut events = Vec::with_capacity(1024);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Err(rustix::io::Errno::INTR) => continue,
                waited => waited?,
            };
            for event in &events {
                match event.data.u64() {
                    SOURCE => {
                        if !self.read_source()? {
                            return Ok(());
                        }
                    }
                    LISTENER => self.accept()?,
                    at => self.turn(at as usize, event.flags)?,
                }
            }
        }
    }

    /// Reads what the source has and gives a whole picture to everybody; `false` is the source's end.
    fn read_source(&mut self) -> Result<bool> {
        if Rc::get_mut(&mut self.part).is_none() {
            // Somebody is still being sent the last picture; the half of the new one that is there moves along.
            self.part = Rc::new(self.part.to_vec());
        }
        let part = Rc::get_mut(&mut self.part).context("the part was just made")?;
        let end = part.len() - 2;
        match self.source.read(&mut part[self.head + self.read..end])? {
            0 => return Ok(false),
            count => self.read += count,
        }
        if self.head + self.read == end {
            self.read = 0;
            for (at, slot) in self.viewers.iter_mut().enumerate() {
                let Some(viewer) = slot.as_mut().filter(|viewer| viewer.watching && viewer.rest.is_none()) else {
                    continue;
                };
                match viewer.give(&self.part) {
                    Ok(true) => {}
                    Ok(false) => watch_for(&self.epoll, at, viewer, EventFlags::OUT | EventFlags::RDHUP)?,
                    // Dropping the socket takes it out of the epoll set.
                    Err(_) => *slot = None,
                }
            }
        }
        Ok(true)
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                accepted => accepted?.0,
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let tls = self.tls.clone().map(ServerConnection::new).transpose()?.map(|mut tls| {
                tls.set_buffer_limit(None);
                Box::new(tls)
            });
            let free = self.viewers.iter().position(Option::is_none).unwrap_or(self.viewers.len());
            epoll::add(&self.epoll, &socket, EventData::new_u64(free as u64), EventFlags::IN)?;
            let viewer = Some(Viewer { socket, tls, request: Vec::new(), watching: false, rest: None });
            match self.viewers.get_mut(free) {
                Some(slot) => *slot = viewer,
                None => self.viewers.push(viewer),
            }
        }
    }

    /// Does what one viewer's socket is ready for.
    fn turn(&mut self, at: usize, ready: EventFlags) -> Result<()> {
        let Some(slot) = self.viewers.get_mut(at) else { return Ok(()) };
        let Some(viewer) = slot.as_mut() else { return Ok(()) };
        let gone = ready.intersects(EventFlags::HUP | EventFlags::RDHUP | EventFlags::ERR);
        let kept = if viewer.watching { viewer.resume() } else { viewer.read_request() };
        match kept {
            Ok(_) if gone => *slot = None,
            Ok(true) => watch_for(&self.epoll, at, viewer, EventFlags::RDHUP)?,
            Ok(false) => {}
            Err(_) => *slot = None,
        }
        Ok(())
    }
}

impl Viewer {
    /// Reads towards the end of the request and then answers; says whether it did.
    fn read_request(&mut self) -> std::io::Result<bool> {
        let mut piece = [0; 2048];
        let count = match &mut self.tls {
            None => self.socket.read(&mut piece)?,
            Some(tls) => {
                tls.read_tls(&mut self.socket)?;
                let state = tls.process_new_packets().map_err(std::io::Error::other)?;
                while tls.wants_write() {
                    tls.write_tls(&mut self.socket)?;
                }
                if state.plaintext_bytes_to_read() == 0 {
                    return Ok(false);
                }
                tls.reader().read(&mut piece)?
            }
        };
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.request.extend_from_slice(&piece[..count]);
        if !self.request.ends_with(b"\r\n\r\n") {
            return Ok(false);
        }
        self.watching = true;
        match &mut self.tls {
            None => self.socket.write_all(ANSWER)?,
            Some(tls) => {
                tls.writer().write_all(ANSWER)?;
                tls.write_tls(&mut self.socket)?;
            }
        }
        Ok(true)
    }

    /// Writes a picture once; says whether all of it went out.
    fn give(&mut self, part: &Rc<Vec<u8>>) -> std::io::Result<bool> {
        match &mut self.tls {
            None => self.rest = Some((part.clone(), 0)),
            Some(tls) => tls.writer().write_all(part)?,
        }
        self.resume()
    }

    /// Goes on with the picture that the socket did not take at once; says whether all of it is out.
    fn resume(&mut self) -> std::io::Result<bool> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        // Nothing is left of the picture itself; it only marks the viewer as full.
                        self.rest = Some((Rc::default(), 0));
                        return Ok(false);
                    }
                    written => written?,
                };
            }
        } else if let Some((part, out)) = &mut self.rest {
            while *out < part.len() {
                match self.socket.write(&part[*out..]) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    written => *out += written?,
                }
            }
        }
        self.rest = None;
        Ok(true)
    }
}

fn watch_for(epoll: &OwnedFd, at: usize, viewer: &Viewer, flags: EventFlags) -> Result<()> {
    Ok(epoll::modify(epoll, &viewer.socket, EventData::new_u64(at as u64), flags)?)
}

/// Makes a certificate for this run.
pub fn server_config() -> Result<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    Ok(Arc::new(config))
}
