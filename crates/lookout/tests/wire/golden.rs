//! Golden conversations: `golden/*.http`, written from PROFILE, said to the camera to the byte and compared to the
//! byte. Their format is in [`script`]; CONTRIBUTING says how to add one.

mod answer;
mod script;

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
};

use answer::Match;
use lookout_core::profile::{commands::PROFILE, reply::Failure};
use lookout_testkit::{Camera, Client, Conn};
use script::{Difference, Event, Exchange, Filled, Script};

use crate::{shared, start};

/// Conversations at once, each with its camera.
const AT_ONCE: usize = 4;
/// The longest answer, bytes.
const MOST: usize = 4 << 20;

/// Reads the folder; names and contents, in order.
fn folder() -> Vec<(String, Script)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/golden");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let script = Script::parse(&fs::read_to_string(&path).unwrap());
        (name.clone(), script.unwrap_or_else(|wrong| panic!("{name}:{}: {}", wrong.line, wrong.what)))
    };
    files.into_iter().map(read).collect()
}

/// Has a conversation.
fn replay(script: &Script) -> Result<(), Difference> {
    match &script.config {
        Some(config) => converse(&start(config), script),
        None => converse(&shared(), script),
    }
}

fn converse(camera: &Camera, script: &Script) -> Result<(), Difference> {
    let client = camera.client();
    let known = [
        ("host", client.host()),
        ("port", camera.http.port().to_string()),
        ("from", format!("{:17}", client.address().to_string())),
    ];
    let mut filled: Filled = known.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    let mut exchanges = script.exchanges.iter();
    while let Some(exchange) = exchanges.next() {
        // Accepted before the request, it is closed with the process that serves it.
        let witness = (exchange.event == Some(Event::Restarts)).then(|| client.connect());
        let mut said = Said::new(&client, exchange);
        match exchange.event {
            None | Some(Event::Restarts) => {}
            Some(Event::NoDisk) => fs::rename(camera.state(), camera.state().with_extension("gone")).unwrap(),
            Some(Event::Meanwhile) => {
                said.begin(&filled)?;
                let other = exchanges.next().expect("a conversation does not end in the middle of a request");
                Said::new(&client, other).answered(&mut filled)?;
            }
        }
        said.answered(&mut filled)?;
        witness.map(Conn::try_reply);
    }
    Ok(())
}

/// A request on its way.
struct Said<'s> {
    exchange: &'s Exchange,
    conn: Conn,
    /// How much of the request is sent.
    sent: usize,
    got: Vec<u8>,
}

impl<'s> Said<'s> {
    fn new(client: &Client, exchange: &'s Exchange) -> Self {
        Self { exchange, conn: client.connect(), sent: 0, got: Vec::new() }
    }

    /// Sends the head, and waits until the camera wants the rest.
    fn begin(&mut self, filled: &Filled) -> Result<(), Difference> {
        let request = self.exchange.request(filled)?;
        let head = request.windows(4).position(|window| window == b"\r\n\r\n").map_or(request.len(), |end| end + 4);
        self.conn.write(&request[..head]);
        self.sent = head;
        while !self.got.ends_with(b"HTTP/1.1 100 Continue\r\n\r\n") {
            if self.more()? == 0 {
                return Err(self.exchange.differs("the camera does not want the rest".to_owned()));
            }
        }
        Ok(())
    }

    /// Sends what is left and compares the answer.
    fn answered(&mut self, filled: &mut Filled) -> Result<(), Difference> {
        let request = self.exchange.request(filled)?;
        self.conn.write(&request[self.sent..]);
        loop {
            let read = self.more()?;
            match self.exchange.compare(&self.got, filled) {
                Ok(Match::Endless) => return Ok(()),
                compared if read == 0 || self.got.len() > MOST => {
                    let whole = String::from_utf8_lossy(&self.got[..self.got.len().min(2000)]).into_owned();
                    let told =
                        |differs: Difference| Difference { what: format!("{}\n{whole}", differs.what), ..differs };
                    return compared.map(|_| ()).map_err(told);
                }
                Ok(Match::Whole) | Err(_) => {}
            }
        }
    }

    /// Reads on; returns how many bytes came, 0 at the end.
    fn more(&mut self) -> Result<usize, Difference> {
        let mut buffer = [0; 16 * 1024];
        let read = match self.conn.read(&mut buffer) {
            Ok(read) => read,
            // Whoever closes without reading all resets the connection; what came before stands.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            Err(error) => return Err(self.exchange.differs(format!("the answer does not end: {error}"))),
        };
        self.got.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

#[test]
fn every_conversation_goes_as_the_profile_says() {
    let todo = Mutex::new(folder());
    let next = || todo.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        let mut told = Vec::new();
        while let Some((name, script)) = next() {
            let differs = replay(&script).err();
            told.extend(differs.map(|it| format!("{name}:{}: {}", it.line, it.what)));
        }
        told
    };
    let told: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn every_cgi_has_a_conversation_under_each_of_its_names() {
    let folder = folder();
    let lines = || folder.iter().flat_map(|(_, script)| &script.exchanges).map(Exchange::request_line);
    for path in PROFILE.iter().flat_map(|command| command.paths) {
        let asked = lines().filter_map(|line| line.split([' ', '?']).nth(1)).any(|asked| asked == *path);
        assert!(asked, "no conversation asks for {path}");
    }
}

#[test]
fn every_error_text_of_the_profile_is_answered_in_a_conversation() {
    let folder = folder();
    let answers: Vec<_> =
        folder.iter().flat_map(|(_, script)| &script.exchanges).flat_map(Exchange::answer_lines).collect();
    // PROFILE 1.2.
    let failures = [
        Failure::IllegalParam,
        Failure::IllegalFrame,
        Failure::Busy,
        Failure::NotSupported,
        Failure::Internal,
        Failure::BadPackage,
        Failure::TooLarge,
        Failure::WrongPassword,
        Failure::Off("web.packs"),
    ];
    for text in failures.map(|failure| failure.to_string()) {
        assert!(answers.contains(&text.as_str()), "no conversation is answered {text}");
    }
}

#[test]
fn a_difference_is_told_with_its_line() {
    let text = "# A comment.\n- viewer GET /check_user.cgi -> 401\n";
    let differs = replay(&Script::parse(text).unwrap()).unwrap_err();
    assert!(differs.line == 2 && differs.what.starts_with("expected \"HTTP/1.1 401 Unauthorized\""), "{differs:?}");
    for (text, line) in [("? x", 1), ("\n< x", 2), ("- admin GET /", 1), ("@ fly", 1)] {
        assert_eq!(Script::parse(text).err().map(|wrong| wrong.line), Some(line), "{text}");
    }
}
