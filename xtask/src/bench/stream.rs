//! What one viewer reads: a response head, then a stream without end in the form that it came for. Every form is taken
//! apart and checked, so that a server that cuts, mixes or leaves out is found out; what costs much to look at and proves
//! little may be left in the kernel ([`Cut::may_skip`]): the load generator must cost less than the server.

use anyhow::{Result, ensure};

use super::{asf::Objects, parts::Parts, stamp::Stamp, wav::Samples};

/// The forms of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// `videostream.cgi`: JPEGs as parts.
    Multipart,
    /// `videostream.asf`: pictures and sound.
    Asf,
    /// `audio.wav`: sound.
    Wav,
}

/// What a viewer came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A whole JPEG.
    Picture {
        /// Its length.
        length: usize,
        /// What it says of itself, if it was passed on untouched.
        stamp: Option<Stamp>,
    },
    /// A block of sound.
    Sound {
        /// How many blocks are missing between the one before and this one.
        missed: u64,
    },
}

/// Cuts a stream into parts, whatever pieces it arrives in.
pub trait Cut {
    /// Returns how many bytes are best read at once: more cost a copy, fewer a call.
    fn piece(&self) -> usize;

    /// Returns how many of the next bytes need not be looked at.
    fn may_skip(&self) -> usize {
        0
    }

    /// Counts bytes that were thrown away unseen; never more than [`Self::may_skip`].
    fn skipped(&mut self, _count: usize) {}

    /// Takes the next bytes and reports each part that they complete.
    ///
    /// # Errors
    /// It is not such a stream.
    fn push(&mut self, bytes: &[u8], whole: &mut dyn FnMut(Part)) -> Result<()>;
}

/// A response head and what follows it.
pub struct Stream {
    form: Form,
    /// The response head as far as it is there.
    head: Vec<u8>,
    body: Option<Box<dyn Cut>>,
}

/// More than any head of a part or an answer.
pub const LONGEST_HEAD: usize = 4096;

impl Form {
    /// Returns the stream's path, without a query.
    pub fn path(self) -> &'static str {
        match self {
            Self::Multipart => "/videostream.cgi",
            Self::Asf => "/videostream.asf",
            Self::Wav => "/audio.wav",
        }
    }

    /// Returns what it is called on a command line of this program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Multipart => "multipart",
            Self::Asf => "asf",
            Self::Wav => "wav",
        }
    }

    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Multipart => &["multipart/x-mixed-replace"],
            Self::Asf => &["video/x-ms-asf"],
            Self::Wav => &["audio/wav", "audio/x-wav"],
        }
    }
}

impl Stream {
    /// Waits for the response to a request for this form.
    pub fn new(form: Form) -> Self {
        Self { form, head: Vec::new(), body: None }
    }

    /// Says whether the response head was read.
    pub fn answered(&self) -> bool {
        self.body.is_some()
    }

    /// See [`Cut::piece`].
    pub fn piece(&self) -> usize {
        // Little of what follows the head: a viewer that stalls behind it reads no more.
        self.body.as_ref().map_or(256, |body| body.piece())
    }

    /// See [`Cut::may_skip`].
    pub fn may_skip(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.may_skip())
    }

    /// See [`Cut::skipped`].
    pub fn skipped(&mut self, count: usize) {
        if let Some(body) = &mut self.body {
            body.skipped(count);
        }
    }

    /// See [`Cut::push`].
    pub fn push(&mut self, bytes: &[u8], mut whole: impl FnMut(Part)) -> Result<()> {
        if let Some(body) = &mut self.body {
            return body.push(bytes, &mut whole);
        }
        let seen = self.head.len();
        let Some(end) = take_head(&mut self.head, bytes)? else { return Ok(()) };
        check(self.form, &String::from_utf8_lossy(&self.head))?;
        let body = self.body.insert(match self.form {
            Form::Multipart => Box::new(Parts::default()),
            Form::Asf => Box::new(Objects::default()),
            Form::Wav => Box::new(Samples::default()),
        });
        body.push(&bytes[end - seen..], &mut whole)
    }
}

/// Adds the next bytes up to a blank line to a head, and returns the head's length once it is whole.
pub fn take_head(head: &mut Vec<u8>, bytes: &[u8]) -> Result<Option<usize>> {
    // The blank line may have begun in an earlier piece.
    let from = head.len().saturating_sub(3);
    head.extend_from_slice(&bytes[..bytes.len().min(LONGEST_HEAD)]);
    let Some(at) = head[from..].windows(4).position(|end| end == b"\r\n\r\n") else {
        ensure!(head.len() < LONGEST_HEAD, "a head without end: {:?}", String::from_utf8_lossy(head));
        return Ok(None);
    };
    head.truncate(from + at + 4);
    Ok(Some(head.len()))
}

/// Checks the head of the response.
fn check(form: Form, head: &str) -> Result<()> {
    let status = head.split(' ').nth(1);
    ensure!(status == Some("200"), "refused: {:?}", head.lines().next().unwrap_or_default());
    let head = head.to_ascii_lowercase();
    let is = |name: &&str| head.contains(&format!("content-type: {name}"));
    ensure!(form.types().iter().any(is), "not {form:?}: {head:?}");
    ensure!(!head.contains("transfer-encoding"), "a push stream in chunks: {head:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n";

    #[test]
    fn what_follows_the_head_is_taken_in_whatever_pieces_it_arrives() {
        let bytes = [ANSWER, b"--b\r\nContent-Length: 4\r\n\r\n\xFF\xD8\xFF\xD9\r\n--b\r\n"].concat();
        for piece in [1, 3, 10, 1000] {
            let (mut stream, mut found) = (Stream::new(Form::Multipart), 0);
            for piece in bytes.chunks(piece) {
                stream.push(piece, |_| found += 1).unwrap();
            }
            assert!(stream.answered() && found == 1, "pieces of {piece}");
        }
    }

    #[test]
    fn a_refusal_and_another_form_are_found_out() {
        let push = |form, bytes: &[u8]| Stream::new(form).push(bytes, |_| {}).unwrap_err().to_string();
        assert!(push(Form::Multipart, b"HTTP/1.1 401 Unauthorized\r\n\r\n").contains("refused"));
        assert!(push(Form::Asf, ANSWER).contains("not Asf"));
        assert!(push(Form::Wav, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n").contains("not Wav"));
        assert!(push(Form::Multipart, &[b'x'; LONGEST_HEAD]).contains("without end"));
    }
}
