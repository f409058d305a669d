//! An FTP server on loopback that keeps its files in memory, and refuses, lies or breaks off on demand.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

/// What the server does with a command, rather than what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Answers so; the line ends are added.
    Says(&'static str),
    /// Closes the control connection, and with it everything.
    HangsUp,
    /// Says nothing.
    Nothing,
    /// Says nothing until it is released, and then does as it is told.
    Waits,
    /// Takes so many bytes of a file, keeps them, and closes everything.
    Cuts(usize),
    /// Takes so many bytes of a file, keeps them, and says that its disk is full.
    IsFull(usize),
    /// Takes nothing of a file.
    Stalls,
}

/// A server that runs until it is dropped. The address that it tells for passive connections is another's.
pub struct FtpServer {
    /// Its TCP port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    threads: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    said: Mutex<Vec<String>>,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    folders: Mutex<BTreeSet<String>>,
    rules: Mutex<Vec<(String, Does)>>,
    reset: AtomicBool,
    over: AtomicBool,
}

impl FtpServer {
    /// Starts one without files or folders, which takes any login.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, shared) = (listener.local_addr().unwrap().port(), Arc::new(Shared::default()));
        let server = shared.clone();
        let threads = Some(thread::spawn(move || {
            let mut connections = Vec::new();
            for stream in listener.incoming() {
                if server.over.load(Ordering::Relaxed) {
                    break;
                }
                let server = server.clone();
                connections.push(thread::spawn(move || server.serve(stream.unwrap())));
            }
            connections.into_iter().for_each(|connection| connection.join().unwrap());
        }));
        Self { port, shared, threads }
    }

    /// Has it do something with every command that begins so; an earlier rule for the same is replaced.
    pub fn on(&self, command: &str, does: Does) {
        let mut rules = self.shared.rules.lock().unwrap();
        rules.retain(|(known, _)| known != command);
        rules.push((command.to_owned(), does));
    }

    /// Has it do as it is told again.
    pub fn obey(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// Has it do as it is told with a command again, also with one that waits.
    pub fn release(&self, command: &str) {
        self.shared.rules.lock().unwrap().retain(|(known, _)| known != command);
    }

    /// Returns the commands that came so far.
    pub fn said(&self) -> Vec<String> {
        self.shared.said.lock().unwrap().clone()
    }

    /// Returns how many commands began so.
    pub fn count(&self, command: &str) -> usize {
        self.said().iter().filter(|said| said.starts_with(command)).count()
    }

    /// Returns its files by their paths.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.shared.files.lock().unwrap().clone()
    }

    /// Says whether a file of which nothing was taken ended in a reset of its connection.
    pub fn was_reset(&self) -> bool {
        self.shared.reset.load(Ordering::Relaxed)
    }

    /// Puts a file there.
    pub fn put(&self, path: &str, file: &[u8]) {
        self.shared.files.lock().unwrap().insert(path.to_owned(), file.to_vec());
    }
}

impl Drop for FtpServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // So that it looks.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(threads) = self.threads.take() {
            assert!(threads.join().is_ok() || thread::panicking(), "the FTP server panicked");
        }
    }
}

/// A connection: what it is told for the next commands.
#[derive(Default)]
struct Dialogue {
    folder: String,
    data: Option<Way>,
    renamed: String,
}

/// How data come.
enum Way {
    Listens(TcpListener),
    Connects(u16),
}

impl Shared {
    fn rule(&self, command: &str) -> Option<Does> {
        let rules = self.rules.lock().unwrap();
        rules.iter().rev().find(|(begin, _)| command.starts_with(begin.as_str())).map(|(_, does)| *does)
    }

    fn serve(&self, stream: TcpStream) {
        stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let mut say = stream.try_clone().unwrap();
        let (mut hear, mut dialogue) = (BufReader::new(stream), Dialogue::default());
        let mut command = "greeting".to_owned();
        loop {
            let mut rule = self.rule(&command);
            while rule == Some(Does::Waits) && !self.over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
                rule = self.rule(&command);
            }
            let reply = match rule {
                Some(Does::HangsUp) => return,
                Some(Does::Nothing) => None,
                Some(Does::Says(text)) => Some(text.to_owned()),
                does => match command.strip_prefix("STOR ") {
                    Some(name) => self.take(&mut dialogue, name, does, &mut say),
                    None => Some(self.obeys(&mut dialogue, &command)),
                },
            };
            // Whoever has left does not hear it.
            let ends = |text: &str, say: &mut TcpStream| text.is_empty() || write!(say, "{text}\r\n").is_err();
            if reply.is_some_and(|text| ends(&text, &mut say) || text.starts_with("221")) {
                return;
            }
            command.clear();
            while !command.ends_with('\n') {
                match hear.read_line(&mut command) {
                    Ok(0) => return,
                    Err(_) if self.over.load(Ordering::Relaxed) => return,
                    Ok(_) | Err(_) => {}
                }
            }
            command.truncate(command.trim_end().len());
            self.said.lock().unwrap().push(command.clone());
        }
    }

    /// Does what a command says, and says so.
    fn obeys(&self, dialogue: &mut Dialogue, command: &str) -> String {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let path = format!("{}{rest}", dialogue.folder);
        let mut files = self.files.lock().unwrap();
        match verb {
            "greeting" => "220 Hello.".into(),
            "USER" => "331 And the password?".into(),
            "PASS" => "230 Come in.".into(),
            "TYPE" | "OPTS" => "200 So be it.".into(),
            "QUIT" => "221 Good-bye.".into(),
            "CWD" if self.folders.lock().unwrap().contains(rest) => {
                dialogue.folder = format!("{rest}/");
                "250 There you are.".into()
            }
            "MKD" if self.folders.lock().unwrap().insert(rest.to_owned()) => format!("257 \"{rest}\" made."),
            "PASV" => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
                dialogue.data = Some(Way::Listens(listener));
                format!("227 Entering Passive Mode (192,0,2,7,{high},{low}).")
            }
            "PORT" => {
                let numbers: Vec<u8> = rest.split(',').map(|number| number.parse().unwrap()).collect();
                assert_eq!(numbers[..4], [127, 0, 0, 1]);
                dialogue.data = Some(Way::Connects(u16::from_be_bytes([numbers[4], numbers[5]])));
                "200 I shall.".into()
            }
            "SIZE" => files.get(&path).map_or("550 No such file.".into(), |file| format!("213 {}", file.len())),
            "DELE" if files.remove(&path).is_some() => "250 Gone.".into(),
            "RNFR" if files.contains_key(&path) => {
                dialogue.renamed = path;
                "350 To what?".into()
            }
            "RNTO" => {
                let file = files.remove(&dialogue.renamed).unwrap();
                files.insert(path, file);
                "250 Renamed.".into()
            }
            _ => "550 No.".into(),
        }
    }

    /// Takes a file, as far as it does; an empty reply ends the connection.
    fn take(&self, dialogue: &mut Dialogue, name: &str, does: Option<Does>, say: &mut TcpStream) -> Option<String> {
        let Some(way) = dialogue.data.take() else { return Some("425 How?".into()) };
        write!(say, "150 Go on.\r\n").unwrap();
        // In active mode somebody else is faster.
        let (data, _stranger) = match way {
            Way::Listens(listener) => (listener.accept().unwrap().0, None),
            Way::Connects(port) => {
                let stranger = connect_from([127, 0, 0, 9], port);
                (connect_from([127, 0, 0, 1], port), Some(stranger))
            }
        };
        let limit = match does {
            Some(Does::Cuts(limit) | Does::IsFull(limit)) => limit as u64,
            Some(Does::Stalls) => 0,
            _ => u64::MAX,
        };
        if matches!(does, Some(Does::Stalls)) {
            // It is on its way before it is said to be there.
            let _ = data.peek(&mut [0]);
        }
        let mut file = Vec::new();
        let _ = (&data).take(limit).read_to_end(&mut file);
        self.files.lock().unwrap().insert(format!("{}{name}", dialogue.folder), file);
        match does {
            Some(Does::Cuts(_)) => Some(String::new()),
            Some(Does::IsFull(_)) => Some("452 The disk is full.".into()),
            Some(Does::Stalls) => {
                while !self.over.load(Ordering::Relaxed) && say.peek(&mut [0]).is_err() {
                    thread::sleep(Duration::from_millis(1));
                }
                let reset = (&data).read_to_end(&mut Vec::new()).is_err();
                self.reset.store(reset, Ordering::Relaxed);
                Some(String::new())
            }
            _ => Some("226 Stored.".into()),
        }
    }
}

fn connect_from(address: [u8; 4], port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    socket.into()
}
