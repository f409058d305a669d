//! A client that sends exact bytes and keeps exactly what came back.

use std::{
    io::{self, Read, Write as _},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::atomic::{AtomicU16, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{Account, PATIENCE};

/// Where requests come from and go to, and which headers they bear.
#[derive(Clone, Debug)]
pub struct Client {
    server: SocketAddr,
    from: IpAddr,
    headers: Vec<(String, String)>,
}

impl Client {
    /// Makes a client with a loopback address of its own.
    pub fn new(server: SocketAddr) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Self { server, from: Ipv4Addr::new(127, 77, high, low).into(), headers: Vec::new() }
    }

    /// The same client with one more header in its requests.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client, logged in with Basic.
    pub fn basic(&self, (user, password): Account) -> Self {
        self.with("Authorization", &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// Returns the server's address and port, as in `Host`.
    pub fn host(&self) -> String {
        self.server.to_string()
    }

    /// Returns where the requests come from.
    pub fn address(&self) -> IpAddr {
        self.from
    }

    /// Writes a request as this client would send it.
    pub fn request(&self, method: &str, target: &str) -> String {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.server);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + "\r\n"
    }

    /// Asks for something.
    pub fn get(&self, target: &str) -> Reply {
        self.send(self.request("GET", target))
    }

    /// Asks for the head of something.
    pub fn head(&self, target: &str) -> Reply {
        self.send(self.request("HEAD", target))
    }

    /// Writes a request that sends a file, as a form of a web page does.
    pub fn upload(&self, target: &str, file: &[u8]) -> Vec<u8> {
        let before = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n".as_bytes();
        let body = [before, file, b"\r\n--b--\r\n"].concat();
        let client = self.with("Content-Type", "multipart/form-data; boundary=b");
        let head = client.with("Content-Length", &body.len().to_string()).request("POST", target);
        [head.as_bytes(), &body].concat()
    }

    /// Sends a file and reads the answer.
    pub fn post(&self, target: &str, file: &[u8]) -> Reply {
        self.send(self.upload(target, file))
    }

    /// Begins to upload a file, once the camera says that it takes it; returns the end that is held back.
    pub fn half_upload(&self, target: &str, file: &[u8]) -> (Conn, Vec<u8>) {
        const LEAVE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut head = self.with("Expect", "100-continue").upload(target, file);
        let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let mut body = head.split_off(end);
        let rest = body.split_off(body.len() - 20);
        let mut conn = self.connect();
        conn.write(head);
        let mut leave = vec![0; LEAVE.len()];
        conn.read_exact(&mut leave).unwrap();
        assert_eq!(leave, LEAVE);
        conn.write(body);
        (conn, rest)
    }

    /// Sends exact bytes and reads the answer to its end.
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> Reply {
        let mut conn = self.connect();
        conn.write(bytes);
        conn.reply()
    }

    /// Connects.
    pub fn connect(&self) -> Conn {
        self.try_connect().unwrap_or_else(|error| panic!("cannot connect to {}: {error}", self.server))
    }

    /// Connects, if there is somebody.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_connect(&self) -> io::Result<Conn> {
        let socket = Socket::new(Domain::for_address(self.server), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(self.from, 0).into())?;
        socket.connect_timeout(&self.server.into(), PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_tcp_nodelay(true)?;
        Ok(Conn(socket.into()))
    }
}

/// A connection.
pub struct Conn(TcpStream);

impl Conn {
    /// Sends bytes; if the other side has closed already, what it said before tells why.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        match self.0.write_all(bytes.as_ref()) {
            Err(error) if !matches!(error.kind(), BrokenPipe | ConnectionReset) => panic!("cannot send: {error}"),
            Ok(()) | Err(_) => {}
        }
    }

    /// Sends bytes, and insists that the other side's system takes them all.
    pub fn write_whole(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap_or_else(|error| panic!("not all was taken: {error}"));
    }

    /// Takes no more than so many bytes in advance, as a slow or small client does; the kernel doubles it.
    pub fn receive_little(&self, bytes: usize) {
        SockRef::from(&self.0).set_recv_buffer_size(bytes).unwrap();
    }

    /// Says that nothing more will be sent.
    pub fn close_writing(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads an answer to the end of the connection.
    pub fn reply(self) -> Reply {
        self.try_reply().unwrap_or_else(|| panic!("no answer"))
    }

    /// Reads an answer to the end of the connection; none if the other side left without a word.
    pub fn try_reply(mut self) -> Option<Reply> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return (!bytes.is_empty()).then(|| Reply::parse(&bytes)),
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                // Whoever closes without reading all resets the connection; what came before stands.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return (!bytes.is_empty()).then(|| Reply::parse(&bytes));
                }
                // Whoever stops and continues the test as a whole (a debugger, a suspended machine) does no harm.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => panic!("no end in {PATIENCE:?} ({error}): {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
    }
}

impl Read for Conn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// An answer, byte for byte.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The number in the status line; 0 where nothing came at all.
    pub status: u16,
    /// The head with its line ends, the empty line included.
    pub head: String,
    /// The rest.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads an answer; its head must be lines that end in CR LF and hold no other CR or LF.
    pub fn parse(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            assert!(bytes.is_empty(), "no head: {:?}", String::from_utf8_lossy(bytes));
            return Self { status: 0, head: String::new(), body: Vec::new() };
        };
        let head = String::from_utf8(bytes[..end + 4].to_vec()).unwrap_or_else(|error| panic!("{error}"));
        let bare = head.replace("\r\n", "");
        assert!(!bare.contains(['\r', '\n']), "a bare CR or LF in {head:?}");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head:?}"));
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    /// Returns the value of a header; panics if it is there twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} twice in {:?}", self.head);
        values.first().copied()
    }

    /// Returns all values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1).collect()
    }

    /// Returns the names of the headers in their order.
    pub fn names(&self) -> Vec<&str> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|field| field.0).collect()
    }

    /// Returns the body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|error| panic!("not text: {error}"))
    }

    /// Returns what a listing says of a name, quotes and escapes as they are.
    pub fn var(&self, name: &str) -> Option<&str> {
        let begin = format!("var {name}=");
        self.text().lines().find_map(|line| line.strip_prefix(begin.as_str())?.strip_suffix(';'))
    }

    /// Panics unless the answer is `ok.`, as the cameras say it (Q1).
    #[track_caller]
    pub fn ok(&self) {
        assert_eq!((self.status, self.text()), (200, "ok.\n"), "{}", self.head);
    }

    /// Panics unless the answer is this failure of a CGI: status 200, and the text without a line end.
    #[track_caller]
    pub fn error(&self, text: &str) {
        assert_eq!((self.status, self.text()), (200, text), "{}", self.head);
    }
}

/// Writes a query; every byte that could mean something is encoded.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    lookout_core::query::encode(pairs)
}
