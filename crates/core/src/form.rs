//! The body of an upload: `multipart/form-data` with the file field `file`, read piece by piece (PROFILE 1.1).
//!
//! Only the content of the first part named `file` comes out; other fields are passed over. Nothing is kept but what may
//! be the begin of a boundary, so a file of any size costs the same.

use std::ops::ControlFlow;

/// Why a body is refused; the caller answers `error: illegal http frame.`
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a multipart/form-data body with a file")]
pub struct IllegalForm;

/// The longest head of a part, bytes.
const LONGEST_HEAD: usize = 8 * 1024;
/// The most parts before the file is whole.
const MOST_PARTS: usize = 100;
/// The longest boundary, bytes (RFC 2046, 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

const LINE_END: usize = b"\r\n".len();

/// A reader of one body: [`feed`](Self::feed) it what arrives, until it says that the file is whole.
#[derive(Debug)]
pub struct Form {
    /// `\r\n--` and the boundary.
    delimiter: Vec<u8>,
    /// What was fed and not used yet.
    buffer: Vec<u8>,
    state: State,
    /// How many parts began.
    parts: usize,
    /// How much of the line end before the file is still in the buffer.
    line_end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a boundary, in bytes that nobody wants.
    Skip,
    /// Behind a boundary: the head of a part, or the end.
    Head,
    /// In the file.
    File,
    /// Behind the file.
    Done,
}

impl Form {
    /// Reads the boundary of a `Content-Type`.
    ///
    /// # Errors
    /// It is not `multipart/form-data` or has no boundary.
    pub fn new(content_type: &str) -> Result<Self, IllegalForm> {
        let mut fields = fields(content_type).map(str::trim);
        let kind = fields.next().unwrap_or_default();
        let boundary = fields.find_map(|field| named(field, "boundary"));
        let boundary = boundary.filter(|text| !text.is_empty() && text.len() <= LONGEST_BOUNDARY);
        let boundary = boundary.filter(|_| kind.eq_ignore_ascii_case("multipart/form-data")).ok_or(IllegalForm)?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first boundary has no line before it.
        Ok(Self { delimiter, buffer: b"\r\n".to_vec(), state: State::Skip, parts: 0, line_end: 0 })
    }

    /// Takes bytes as they arrive and returns those of the file among them; `Break` once the file is whole.
    ///
    /// # Errors
    /// The body is none of its kind, or ends without a file.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<ControlFlow<Vec<u8>, Vec<u8>>, IllegalForm> {
        self.buffer.extend_from_slice(bytes);
        let mut file = Vec::new();
        loop {
            match self.state {
                State::Skip | State::File => {
                    let found = memchr::memmem::find(&self.buffer, &self.delimiter);
                    // The end of the buffer may be the begin of a boundary.
                    let content = found.unwrap_or(self.buffer.len().saturating_sub(self.delimiter.len() - 1));
                    if self.state == State::File {
                        // The line end between head and content is kept until here: before an empty file it is the
                        // boundary's own.
                        let skipped = self.line_end.min(content);
                        self.line_end -= skipped;
                        file.extend_from_slice(&self.buffer[skipped..content]);
                    }
                    self.buffer.drain(..content + found.map_or(0, |_| self.delimiter.len()));
                    if found.is_none() {
                        return Ok(ControlFlow::Continue(file));
                    }
                    self.state = if self.state == State::File { State::Done } else { State::Head };
                }
                State::Head => {
                    if self.buffer.starts_with(b"--") || self.parts == MOST_PARTS {
                        return Err(IllegalForm);
                    }
                    let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") else {
                        let long = self.buffer.len() > LONGEST_HEAD;
                        return if long { Err(IllegalForm) } else { Ok(ControlFlow::Continue(file)) };
                    };
                    let wanted = is_file(&self.buffer[..end]);
                    self.buffer.drain(..end + LINE_END);
                    self.parts += 1;
                    (self.state, self.line_end) = (if wanted { State::File } else { State::Skip }, LINE_END);
                }
                State::Done => return Ok(ControlFlow::Break(file)),
            }
        }
    }
}

/// Says whether the head of a part names it `file`.
fn is_file(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let disposition = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
    disposition.is_some_and(|(_, value)| fields(value).any(|field| named(field, "name") == Some("file")))
}

/// Cuts a header's value at its semicolons, but for those in quotes: a file may be called `a;name=file`.
fn fields(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            _ if was_escaped => {}
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == ';' && !quoted
    })
}

/// Returns the value of `name=value`, with or without quotes.
fn named<'a>(field: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = field.split_once('=')?;
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    key.trim().eq_ignore_ascii_case(name).then_some(bare)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(content: &[u8]) -> Vec<u8> {
        let before = b"--xx\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xx\r\n\
                       content-disposition: form-data; filename=\"a;name=b\"; name=\"file\"\r\nContent-Type: x/y\r\n\r\n";
        [before, content, b"\r\n--xx--\r\n"].concat()
    }

    /// Feeds a body in pieces of a size; returns the file, or none if it did not come whole.
    fn read(body: &[u8], piece: usize) -> Result<Option<Vec<u8>>, IllegalForm> {
        let mut form = Form::new("multipart/form-data; boundary=xx")?;
        let mut file = Vec::new();
        for piece in body.chunks(piece) {
            match form.feed(piece)? {
                ControlFlow::Continue(more) => file.extend(more),
                ControlFlow::Break(last) => return Ok(Some([file, last].concat())),
            }
        }
        Ok(None)
    }

    #[test]
    fn the_boundary_is_read_from_the_type_and_nothing_else_passes() {
        for good in ["multipart/form-data; boundary=xx", "Multipart/Form-Data;charset=x; Boundary=\"xx\""] {
            assert_eq!(Form::new(good).unwrap().delimiter, b"\r\n--xx");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for bad in ["", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=xx", &long] {
            assert_eq!(Form::new(bad).err(), Some(IllegalForm), "{bad}");
        }
    }

    #[test]
    fn what_a_file_is_called_does_not_make_it_the_one_that_is_wanted() {
        let called = |name: &str| {
            let head = format!("Content-Disposition: form-data; name=\"other\"; filename={name}");
            is_file(head.as_bytes())
        };
        for name in [r#""a;name=file""#, r#""a; name=\"file\"; b""#, r#""a\\;name=file""#, r#""C:\dir\f;name=file""#] {
            assert!(!called(name), "{name}");
        }
        assert!(called(r#""a\\"; name=file"#), "the quotes have ended");
        assert!(is_file(b"X: y\r\nCONTENT-DISPOSITION: form-data; Name = file"));
        assert!(!is_file(b"Content-Disposition: form-data; name=\"files\"") && !is_file(b"name=file"));
    }

    #[test]
    fn a_body_without_a_file_is_refused_and_a_cut_one_is_not_whole() {
        assert_eq!(read(b"--xx--\r\n", 99), Err(IllegalForm));
        let other = b"--xx\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nhello\r\n--xx--\r\n";
        assert_eq!(read(other, 99), Err(IllegalForm));
        let whole = body(b"content");
        // The last two dashes and what follows say nothing new.
        for end in 0..whole.len() - 6 {
            assert_eq!(read(&whole[..end], 99), Ok(None), "cut at {end}");
        }
        assert_eq!(read(&[b"--xx\r\n".to_vec(), vec![b'a'; 9000]].concat(), 512), Err(IllegalForm));
        let many = b"--xx\r\na: b\r\n\r\n\r\n".repeat(101);
        assert_eq!(read(&many, 99), Err(IllegalForm));
    }

    proptest! {
        #[test]
        fn a_file_comes_out_as_it_went_in_however_it_is_cut(content: Vec<u8>, piece in 1_usize..40) {
            prop_assume!(memchr::memmem::find(&content, b"\r\n--xx").is_none());
            prop_assert_eq!(read(&body(&content), piece), Ok(Some(content)));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, piece in 1_usize..40) {
            let _ = read(&bytes, piece);
            let _ = read(&body(&bytes), piece);
        }
    }
}
