//! Internet gateways on loopback that map ports, or lie, hang and talk nonsense: each answers the search from its own address.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// What a gateway does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plays {
    /// Maps ports; this is its address outside.
    Fine(&'static str),
    /// Answers the search with this location.
    Location(String),
    /// Names this as the place of its service.
    Control(String),
    /// Sends a description without an end.
    Endless,
    /// Sends a description with entities of entities.
    Laughs,
    /// Takes the connection and says nothing.
    Hang,
    /// Has a description, and says nothing more.
    HangLater,
    /// Closes every connection at once.
    Drop,
    /// Says that its description is longer than it is.
    Cut,
    /// Sends bytes that are no HTTP.
    Garbage,
    /// Answers everything with this status, and sends whoever follows to this address.
    Status(u16, String),
    /// Refuses everything with this code.
    Refuse(u16),
}

/// Gateways that run until they are dropped.
pub struct Gateways {
    /// Where they are searched for.
    pub group: SocketAddrV4,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    /// The first lines of requests, behind whom they asked.
    asked: Mutex<Vec<String>>,
}

impl Gateways {
    /// Starts some, each on a loopback address; they answer in this order.
    pub fn start(members: &[(Ipv4Addr, Plays)]) -> Self {
        let shared = Arc::<Shared>::default();
        let mut answers = Vec::new();
        for (ip, plays) in members {
            let listener = TcpListener::bind((*ip, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let location = if let Plays::Location(location) = plays {
                location.clone()
            } else {
                format!("http://{ip}:{port}/d.xml")
            };
            answers.push((UdpSocket::bind((*ip, 0)).unwrap(), location));
            let (plays, shared) = (plays.clone(), shared.clone());
            thread::spawn(move || serve(&listener, &plays, &shared));
        }
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let group = SocketAddrV4::new(Ipv4Addr::LOCALHOST, socket.local_addr().unwrap().port());
        let own = shared.clone();
        thread::spawn(move || {
            let mut packet = [0; 1024];
            while !own.over.load(Ordering::Relaxed) {
                let Ok((length, peer)) = socket.recv_from(&mut packet) else { continue };
                let text = String::from_utf8_lossy(&packet[..length]);
                let target = text.lines().find_map(|line| line.strip_prefix("ST: ")).unwrap_or_default();
                own.asked.lock().unwrap().push(format!("search {target}"));
                for (from, location) in &answers {
                    let answer = format!("HTTP/1.1 200 OK\r\nST: {target}\r\nLOCATION: {location}\r\nUSN: x\r\n\r\n");
                    let _ = from.send_to(answer.as_bytes(), peer);
                }
            }
        });
        Self { group, shared }
    }

    /// Returns what was asked so far: `search TARGET`, or a gateway's address and the first line of the request.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        // The listeners' threads end with the test's process: they only wait.
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

fn serve(listener: &TcpListener, plays: &Plays, shared: &Arc<Shared>) {
    let ip = listener.local_addr().unwrap().ip();
    for stream in listener.incoming().map_while(Result::ok) {
        if shared.over.load(Ordering::Relaxed) {
            return;
        }
        let (plays, shared) = (plays.clone(), shared.clone());
        thread::spawn(move || {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
            let Some((line, action)) = request(&stream) else { return };
            shared.asked.lock().unwrap().push(format!("{ip} {line} {action}"));
            // Whoever hangs up in the middle has had enough.
            let _ = answer(&stream, &plays, line.starts_with("GET"), &action);
        });
    }
}

/// Reads a request; returns its first line and its action.
fn request(stream: &TcpStream) -> Option<(String, String)> {
    let (mut reader, mut lines, mut length) = (BufReader::new(stream), Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some((_, value)) = line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.parse().ok()?;
        }
        lines.push(line);
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let action =
        lines.iter().find_map(|line| line.split_once('#')).map_or("", |(_, action)| action.trim_end_matches('"'));
    Some((lines.first()?.clone(), action.to_owned()))
}

fn answer(mut stream: &TcpStream, plays: &Plays, describe: bool, action: &str) -> std::io::Result<()> {
    let mut whole = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n", body.len());
        stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())
    };
    let control = if let Plays::Control(control) = plays { control } else { "/c" };
    let description = format!(
        "<?xml version=\"1.0\"?>\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><serviceList><service>\
         <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>{control}</controlURL>\
         </service></serviceList></device></root>"
    );
    match plays {
        Plays::Hang => hang(stream),
        Plays::HangLater if !describe => hang(stream),
        Plays::Drop => Ok(()),
        Plays::Garbage => stream.write_all(&[0xff; 100]),
        Plays::Status(status, to) => whole(&format!("{status} X\r\nLocation: {to}"), ""),
        Plays::Endless if describe => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n<root>")?;
            loop {
                stream.write_all(&[b' '; 4096])?;
            }
        }
        Plays::Laughs if describe => {
            let lol = (1..10).map(|at| format!("<!ENTITY l{at} \"{}\">", format!("&l{};", at - 1).repeat(10)));
            let entities = lol.collect::<String>();
            whole(
                "200 OK",
                &format!("<!DOCTYPE root [<!ENTITY l0 \"lol\">{entities}]>{}", description.replace("/c<", "/&l9;<")),
            )
        }
        Plays::Cut if describe => {
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{description}").as_bytes())
        }
        Plays::HangLater | Plays::Fine(_) | Plays::Refuse(_) | Plays::Location(_) | Plays::Control(_) if describe => {
            whole("200 OK", &description)
        }
        Plays::Refuse(code) => whole(
            "500 Internal Server Error",
            &format!(
                "<E><B><Fault><detail><UPnPError><errorCode>{code}</errorCode></UPnPError></detail></Fault></B></E>"
            ),
        ),
        Plays::Fine(outside) => whole(
            "200 OK",
            &format!(
                "<E><B><u:{action}Response xmlns:u=\"x\"><NewExternalIPAddress>{outside}</NewExternalIPAddress>\
                 </u:{action}Response></B></E>"
            ),
        ),
        Plays::HangLater | Plays::Location(_) | Plays::Control(_) | Plays::Endless | Plays::Laughs | Plays::Cut => {
            whole("404 Not Found", "")
        }
    }
}

/// Says nothing until the other side hangs up.
fn hang(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.read(&mut [0]).map(|_| ())
}
