//! What came, held against what was written down.

use std::time::{SystemTime, UNIX_EPOCH};

use lookout_testkit::Picture;

use super::script::{Difference, Exchange, Filled, Line, Piece, known, pieces};

/// What an answer, as far as it has come, is to what was expected.
#[derive(Debug, PartialEq, Eq)]
pub enum Match {
    /// All of it.
    Whole,
    /// All of it, and the answer goes on for ever.
    Endless,
}

/// A hole: its name, whether it is filled once for the whole file, and how much of what came fills it.
type Hole = (&'static str, bool, fn(&[u8]) -> Option<usize>);

const HOLES: [Hole; 17] = [
    // A date as RFC 9110 writes it.
    ("date", false, |bytes| {
        let text = std::str::from_utf8(bytes.get(..29)?).ok()?;
        (httpdate::fmt_http_date(httpdate::parse_http_date(text).ok()?) == text).then_some(29)
    }),
    // The device id.
    ("id", true, |bytes| of(bytes, 12, |byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte))),
    // A local time, YYYYMMDDHHMMSS.
    ("stamp", false, |bytes| of(bytes, 14, u8::is_ascii_digit)),
    // The camera's time, which is the host's unless it was set.
    ("now", false, |bytes| {
        let end = some(bytes, u8::is_ascii_digit)?;
        let told: u64 = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
        let host = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        (told.abs_diff(host) < 60).then_some(end)
    }),
    // When something happened, as the journal has it: `Mon, 2009-08-03 19:53:04`.
    ("when", false, |bytes| {
        let form = bytes.get(..24)?.iter().map(|byte| match byte {
            b'0'..=b'9' => '0',
            b'A'..=b'Z' => 'A',
            b'a'..=b'z' => 'a',
            other => char::from(*other),
        });
        form.eq("Aaa, 0000-00-00 00:00:00".chars()).then_some(24)
    }),
    // A number, and the same for the length of what follows: of the whole body, or of the next picture.
    ("number", false, |bytes| some(bytes, u8::is_ascii_digit)),
    ("length", false, |bytes| some(bytes, u8::is_ascii_digit)),
    // Four numbers: those of the web UI, which stay the same unless another is installed.
    ("version", true, |bytes| {
        let end = some(bytes, |byte| byte.is_ascii_digit() || *byte == b'.')?;
        (bytes[..end].split(|&byte| byte == b'.').filter(|part| !part.is_empty()).count() == 4).then_some(end)
    }),
    // A token of a confirm page.
    ("token", true, |bytes| some(bytes, |byte| byte.is_ascii_hexdigit() || *byte == b'-')),
    // The rest of a line.
    ("any", false, |bytes| some(bytes, |byte| !b"\r\n".contains(byte))),
    // A whole picture. It has one end marker, as a client cuts at the first (PROFILE 5.1).
    ("jpeg", false, |bytes| {
        let end = bytes.windows(2).position(|pair| pair == [0xff, 0xd9])? + 2;
        Picture::try_decode(&bytes[..end]).map(|_| end)
    }),
    // A small page with a status as its title and one sentence (PROFILE 1.2); `titled` compares the status.
    ("page", false, |bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let sentence = text.split("<p>").nth(1)?.split("</p>").next()?;
        let small = bytes.len() < 1024 && text.matches("<p>").count() == 1 && sentence.ends_with('.');
        (small && text.contains("<title>") && text.trim_end().ends_with("</html>")).then_some(bytes.len())
    }),
    // A backup, to be sent back later, and another one (PROFILE 5.12).
    ("backup", true, params_bin),
    ("other.backup", true, params_bin),
    // What goes before the first packet of an ASF: its header, as long as it says, and the head of its data.
    ("asf", false, |bytes| {
        let header = bytes.strip_prefix(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")?;
        let length = usize::try_from(u64::from_le_bytes(*header.first_chunk()?)).ok()?;
        let data = bytes.get(length..length.checked_add(50)?)?;
        data.starts_with(b"\x36\x26\xb2\x75").then_some(length + 50)
    }),
    // What goes before the first sample of a WAV that tells no length.
    ("wav", false, |bytes| {
        let rest = bytes.strip_prefix(b"RIFF\xff\xff\xff\xffWAVEfmt ")?;
        let end = rest.windows(8).take(64).position(|eight| eight == b"data\xff\xff\xff\xff")?;
        Some(bytes.len() - rest.len() + end + 8)
    }),
    // All that comes, of which nothing more is read.
    ("more", false, |_| Some(0)),
];

/// Checks what is known of a vendor's file: magic, the sum of all bytes from 0x0c on, and the id there.
fn params_bin(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"\xbd\x9a\x0c\x44")?;
    let told = u32::from_le_bytes(*rest.first_chunk()?);
    let counted = bytes.get(0x0c..)?;
    let sum = counted.iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
    let id = counted.get(..13)?.split_last()?;
    let hex = id.1.iter().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_lowercase());
    (told == sum && *id.0 == 0 && hex).then_some(bytes.len())
}

fn of(bytes: &[u8], count: usize, is: fn(&u8) -> bool) -> Option<usize> {
    bytes.get(..count).filter(|text| text.iter().all(is)).map(|_| count)
}

fn some(bytes: &[u8], is: fn(&u8) -> bool) -> Option<usize> {
    let end = bytes.iter().position(|byte| !is(byte)).unwrap_or(bytes.len());
    (end > 0).then_some(end)
}

impl Exchange {
    /// Compares what came with what was expected.
    ///
    /// # Errors
    /// The first difference. An answer that has not come whole yet differs, too.
    pub fn compare(&self, got: &[u8], filled: &mut Filled) -> Result<Match, Difference> {
        let mut seen = filled.clone();
        // Where we are, where the body begins, and the length that was told and not compared yet.
        let (mut at, mut body, mut told) = (0, 0, None::<usize>);
        for (i, line) in self.answer.iter().enumerate() {
            let differs = |at: usize| {
                let rest = String::from_utf8_lossy(&got[at..]);
                let came: String = rest.lines().next().unwrap_or_default().chars().take(200).collect();
                Difference { line: line.number, what: format!("expected {:?}\n     got … {came:?}", line.text) }
            };
            if line.text == "{lines}" {
                at += skip(self.answer.get(i + 1), &got[at..]).ok_or_else(|| differs(at))?;
                continue;
            }
            let mut pieces = pieces(&line.text).chain([Piece::Text(line.end)]).peekable();
            while let Some(piece) = pieces.next() {
                let rest = &got[at..];
                let took = match piece {
                    Piece::Hole("skip") => match pieces.peek() {
                        Some(Piece::Text(text)) if !text.is_empty() => find(rest, text),
                        Some(_) | None => Some(rest.len()),
                    },
                    Piece::Text(text) => rest.starts_with(text.as_bytes()).then_some(text.len()),
                    Piece::Hole("more") => {
                        *filled = seen;
                        return Ok(Match::Endless);
                    }
                    Piece::Hole(name) => match known(name).or_else(|| seen.get(name).cloned()) {
                        Some(bytes) => rest.starts_with(&bytes).then_some(bytes.len()),
                        None => fill(name, rest),
                    },
                };
                let took = took.ok_or_else(|| differs(at))?;
                match piece {
                    Piece::Hole("length") => {
                        told = std::str::from_utf8(&rest[..took]).ok().and_then(|n| n.parse().ok())
                    }
                    Piece::Hole("jpeg") if told.take().is_some_and(|told| told != took) => return Err(differs(at)),
                    Piece::Hole("page") if !titled(got) => return Err(differs(at)),
                    Piece::Hole(name) if HOLES.iter().any(|hole| hole.0 == name && hole.1) => {
                        seen.insert(name.to_owned(), rest[..took].to_vec());
                    }
                    Piece::Hole(_) | Piece::Text(_) => {}
                }
                at += took;
            }
            // The end of a head; in a body lines end in LF alone.
            if line.text.is_empty() && line.end == "\r\n" {
                body = at;
            }
        }
        if at != got.len() {
            return Err(self.differs(format!("and then came {:?}", String::from_utf8_lossy(&got[at..]))));
        }
        if let Some(told) = told.filter(|told| *told != got.len() - body) {
            return Err(self.differs(format!("a body of {} bytes is told as {told}", got.len() - body)));
        }
        *filled = seen;
        Ok(Match::Whole)
    }
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}

/// Returns how long whole lines are until the one that begins as `next` does; without a next one, all.
fn skip(next: Option<&Line>, rest: &[u8]) -> Option<usize> {
    let Some(next) = next else { return Some(rest.len()) };
    let begins = next.text.split('{').next().unwrap_or_default().as_bytes();
    let starts = std::iter::once(0).chain((0..rest.len()).filter(|&at| rest[at] == b'\n').map(|at| at + 1));
    starts.into_iter().find(|&at| rest[at..].starts_with(begins))
}

fn fill(name: &str, rest: &[u8]) -> Option<usize> {
    HOLES.iter().find(|hole| hole.0 == name).and_then(|hole| (hole.2)(rest))
}

/// Says whether an answer's page bears its status as its title.
fn titled(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.lines().next());
    status.is_some_and(|status| text.contains(&format!("<title>{status}</title>")))
}
