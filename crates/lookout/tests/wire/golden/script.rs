//! Conversations written down: what one says to the camera, byte for byte, and what it must answer.
//!
//! ```text
//! # A comment: where it stands in PROFILE.
//! @ config [profile]                      the lines of the camera's configuration, if it has one of its own
//! @ own                                   a camera of its own, because the conversation changes it
//! @ restarts                              the next answer is the last of this process; the camera starts anew
//! @ no disk                               from here on the state folder is gone
//! @ meanwhile                             the exchange after the next comes between its head and its body
//! > GET /check_user.cgi HTTP/1.0          a line of a request, ended by CR LF
//! >                                       an empty line: the end of a head
//! < HTTP/1.1 200 OK                       a line of the answer; in a head ended by CR LF, in a body by LF
//! <
//! < error: busy.\                         a `\` at the end: no line end, in requests too
//! - admin GET /reboot.cgi?x=1 -> ok.      a request and its answer in short, as [`Exchange::short`] spells them out
//! ```
//!
//! A line `{lines}` stands for any lines up to the next that is written down, `{skip}` in a line for anything up to what
//! follows it there. In braces stands what cannot be written down: `{date}`, `{id}`, … (`HOLES` in `answer.rs`);
//! `{file:index.htm}`, a file of the web UI; `{basic:admin}` and `{pwd:admin}`, an account's Basic credentials and its
//! password in a query; `{pack}`, a web pack; `{host}` and `{port}`, the camera's, and `{from}`, the client's, padded to 17; `{cr}` and `{lf}`. In a
//! request, `{length}` is the length of its body. What a hole was filled with the first time, where its row says so, it
//! must be filled with again.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lookout_testkit::{ADMIN, Account, OPERATOR, VIEWER};

/// A file of conversations, in order, with one camera.
pub struct Script {
    /// The camera's configuration; none: the camera that all share.
    pub config: Option<String>,
    /// What is said.
    pub exchanges: Vec<Exchange>,
}

/// A request and its answer.
#[derive(Default)]
pub struct Exchange {
    /// What happens with it.
    pub event: Option<Event>,
    request: Vec<Line>,
    pub(super) answer: Vec<Line>,
}

/// What happens beside an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The camera starts anew after the answer.
    Restarts,
    /// The state folder goes before the request.
    NoDisk,
    /// The next exchange comes between head and body of this one.
    Meanwhile,
}

/// A line as it stands in the file, and what ends it on the wire.
pub(super) struct Line {
    pub number: usize,
    pub text: String,
    pub end: &'static str,
}

/// What the holes were filled with.
pub type Filled = BTreeMap<String, Vec<u8>>;

/// Where an answer is not as written down.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the file.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Script {
    /// Reads a file.
    ///
    /// # Errors
    /// The number of a line that is none of the format, and why.
    pub fn parse(text: &str) -> Result<Self, Difference> {
        let mut script = Self { config: None, exchanges: Vec::new() };
        let mut next = Exchange::default();
        for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line)) {
            let wrong = |what: &str| Err(Difference { line: number, what: what.to_owned() });
            let (mark, rest) = line.split_at_checked(1).unwrap_or_default();
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            if mark != "<" && !next.answer.is_empty() {
                script.exchanges.push(std::mem::take(&mut next));
            }
            if mark == "-" && !next.request.is_empty() {
                return wrong("the request before has no answer");
            }
            match mark {
                "" | "#" => {}
                "@" if rest == "own" => drop(script.config.get_or_insert_default()),
                "@" if rest == "restarts" => next.event = Some(Event::Restarts),
                "@" if rest == "meanwhile" => next.event = Some(Event::Meanwhile),
                "@" if rest == "no disk" => next.event = Some(Event::NoDisk),
                "@" => {
                    let Some(config) = rest.strip_prefix("config ") else { return wrong("no such order") };
                    // Writing to a String cannot fail.
                    let _ = writeln!(script.config.get_or_insert_default(), "{config}");
                }
                ">" => push(&mut next.request, number, rest, "\r\n"),
                "<" if next.request.is_empty() => return wrong("an answer to nothing"),
                "<" => push(&mut next.answer, number, rest, "\n"),
                "-" => {
                    let event = next.event.take();
                    let Some(exchange) = Exchange::short(number, rest) else { return wrong("nothing in short") };
                    script.exchanges.push(Exchange { event, ..exchange });
                }
                _ => return wrong("begins with none of # @ > < -"),
            }
        }
        if !next.request.is_empty() {
            script.exchanges.push(next);
        }
        Ok(script)
    }
}

fn push(lines: &mut Vec<Line>, number: usize, text: &str, end: &'static str) {
    // An interim answer is a head of its own.
    let heads = 1 + lines.iter().filter(|line| line.text.starts_with("HTTP/1.1 1")).count();
    let in_head = lines.iter().filter(|line| line.text.is_empty()).count() < heads;
    let (text, end) = match text.strip_suffix('\\') {
        Some(text) => (text, ""),
        None => (text, if in_head { "\r\n" } else { end }),
    };
    lines.push(Line { number, text: text.to_owned(), end });
}

impl Exchange {
    /// Spells out `WHO METHOD TARGET -> ANSWER`.
    ///
    /// The request is one of HTTP/1.1 with `Host` and, unless `WHO` is `nobody`, Basic. The answer is the status and the text
    /// of a command that has been carried out or has failed, or a page that turns away, all as PROFILE 1.2 prints them.
    fn short(number: usize, text: &str) -> Option<Self> {
        let (request, answer) = text.split_once(" -> ")?;
        let [who, method, target] = request.splitn(3, ' ').collect::<Vec<_>>()[..] else { return None };
        let mut exchange = Self::default();
        let mut say = |line: &str| push(&mut exchange.request, number, line, "\r\n");
        say(&format!("{method} {target} HTTP/1.1"));
        say("Host: {host}");
        if who != "nobody" {
            say(&format!("Authorization: Basic {{basic:{who}}}"));
        }
        say("");
        let (status, kind, body) = match answer {
            "ok." => ("200 OK", "text/plain", "ok."),
            "400" => ("400 Bad Request", "text/html", "{page}\\"),
            "401" => ("401 Unauthorized", "text/html", "{page}\\"),
            "403" => ("403 Forbidden", "text/html", "{page}\\"),
            "404" => ("404 Not Found", "text/html", "{page}\\"),
            "501" => ("501 Not Implemented", "text/html", "{page}\\"),
            error if error.starts_with("error: ") => ("200 OK", "text/plain", &*format!("{error}\\")),
            _ => return None,
        };
        let mut hear = |line: &str| push(&mut exchange.answer, number, line, "\n");
        hear(&format!("HTTP/1.1 {status}"));
        for line in ["Server: Netwave IP Camera", "Date: {date}", &format!("Content-Type: {kind}")] {
            hear(line);
        }
        for line in ["Content-Length: {length}", "Cache-Control: no-cache", "Connection: close"] {
            hear(line);
        }
        if answer == "401" {
            hear("WWW-Authenticate: Basic realm=\"ipcamera_{id}\"");
        }
        hear("");
        hear(body);
        Some(exchange)
    }

    /// Returns the request line.
    pub fn request_line(&self) -> &str {
        self.request.first().map_or("", |line| line.text.as_str())
    }

    /// Returns the lines of the answer as they stand in the file.
    pub fn answer_lines(&self) -> impl Iterator<Item = &str> {
        self.answer.iter().map(|line| line.text.as_str())
    }

    /// Says that its answer is wrong as a whole.
    pub fn differs(&self, what: String) -> Difference {
        Difference { line: self.answer.last().map_or(0, |line| line.number), what }
    }

    /// Writes the bytes of the request.
    ///
    /// # Errors
    /// The line with a hole that nothing fills.
    pub fn request(&self, filled: &Filled) -> Result<Vec<u8>, Difference> {
        let mut out = Vec::new();
        let mut length = None;
        let mut head = None;
        for line in &self.request {
            for piece in pieces(&line.text) {
                match piece {
                    Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                    Piece::Hole("length") => length = Some(out.len()),
                    Piece::Hole(name) => match known(name).or_else(|| filled.get(name).cloned()) {
                        Some(bytes) => out.extend(bytes),
                        None => {
                            return Err(Difference { line: line.number, what: format!("nothing fills {{{name}}}") });
                        }
                    },
                }
            }
            out.extend_from_slice(line.end.as_bytes());
            if line.text.is_empty() && head.is_none() {
                head = Some(out.len());
            }
        }
        if let Some(at) = length {
            let body = (out.len() - head.unwrap_or(out.len())).to_string();
            out.splice(at..at, body.into_bytes());
        }
        Ok(out)
    }
}

/// A part of a line.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Hole(&'a str),
}

/// Cuts a line at its holes; a brace that holds no lower-case word is text.
pub(super) fn pieces(mut text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let name = text[open + 1..].split('}').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || b":.".contains(&byte));
        if !is_name || !text[open + 1..].contains('}') {
            from = open + 1;
            continue;
        }
        out.extend([Piece::Text(&text[..open]), Piece::Hole(name)]);
        text = &text[open + name.len() + 2..];
        from = 0;
    }
    out.push(Piece::Text(text));
    out.into_iter()
}

/// Makes a web pack of version 1.2.3.4 with an `index.htm` that holds `new` (PROFILE 5.11).
fn pack() -> Vec<u8> {
    let body = b"\x01\x02\x03\x04\x0a\0\0\0/index.htm\x01\x03\0\0\0new";
    let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
    let size = u32::try_from(body.len() + 12).expect("short");
    [b"\xbd\x9a\x0c\x44", &sum.to_le_bytes(), &size.to_le_bytes(), &body[..]].concat()
}

/// Returns what a name always stands for.
pub(super) fn known(name: &str) -> Option<Vec<u8>> {
    let account = |who: &str| -> Option<Account> {
        [ADMIN, OPERATOR, VIEWER]
            .into_iter()
            .zip(["admin", "operator", "viewer"])
            .find_map(|(account, name)| (name == who).then_some(account))
    };
    match name.split_once(':') {
        Some(("basic", who)) => account(who).map(|(user, pwd)| STANDARD.encode(format!("{user}:{pwd}")).into()),
        Some(("pwd", who)) => account(who).map(|(_, pwd)| lookout_testkit::encode([("", pwd)])[1..].into()),
        Some(("file", file)) => std::fs::read(format!("{}/web/{file}", env!("CARGO_MANIFEST_DIR"))).ok(),
        Some(_) => None,
        None => match name {
            "pack" => Some(pack()),
            "cr" => Some(b"\r".to_vec()),
            "lf" => Some(b"\n".to_vec()),
            _ => None,
        },
    }
}
