//! A viewer of a push stream that lets nothing pass: every byte between two pictures is checked (PROFILE 5.1).

use std::{
    io::{self, Read},
    time::Instant,
};

use crate::{
    PATIENCE, Picture, Reply,
    client::{Client, Conn},
};

/// Somebody who watches.
pub struct Viewer {
    conn: Box<dyn Read>,
    /// What came and was not yet cut.
    bytes: Vec<u8>,
    ended: bool,
    /// The head of the answer.
    pub reply: Reply,
    /// Pictures seen.
    pub frames: u64,
}

impl Viewer {
    /// Opens a stream, which must be one.
    #[track_caller]
    pub fn open(client: &Client, target: &str) -> Self {
        Self::on(client, client.connect(), target)
    }

    /// Opens a stream on a connection.
    #[track_caller]
    pub fn on(client: &Client, mut conn: Conn, target: &str) -> Self {
        conn.write(client.request("GET", target));
        Self::over(conn)
    }

    /// Takes over a connection on which a stream was asked for.
    #[track_caller]
    pub fn over(conn: impl Read + 'static) -> Self {
        let empty = Reply { status: 0, head: String::new(), body: Vec::new() };
        let mut viewer = Self { conn: Box::new(conn), bytes: Vec::new(), ended: false, reply: empty, frames: 0 };
        let head = viewer.until(b"\r\n\r\n");
        let head = head.unwrap_or_else(|| panic!("no head, but {:?}", String::from_utf8_lossy(&viewer.bytes)));
        viewer.reply = Reply::parse(&head);
        assert_eq!(viewer.reply.status, 200, "{}", viewer.reply.head);
        viewer
    }

    /// Returns the next picture as it came; `None` once the stream has ended.
    ///
    /// Panics at the first byte that is not as PROFILE 5.1 prints it.
    pub fn next_jpeg(&mut self) -> Option<Vec<u8>> {
        const BEGIN: &[u8] = b"--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: ";
        let head = self.until(b"\r\n\r\n")?;
        let length = head.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(b"\r\n\r\n"));
        let length = length.and_then(|digits| std::str::from_utf8(digits).ok()).filter(|text| !text.starts_with('0'));
        let length = length.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length = length.and_then(|text| text.parse().ok());
        let length = length.unwrap_or_else(|| panic!("not the head of a part: {:?}", String::from_utf8_lossy(&head)));
        let jpeg = self.take(length)?;
        assert_eq!(self.take(2)?, b"\r\n", "behind the picture");
        let end = jpeg.windows(2).position(|pair| pair == [0xff, 0xd9]);
        assert_eq!(end, Some(jpeg.len() - 2), "a client that cuts at the first FFD9 gets something else");
        self.frames += 1;
        Some(jpeg)
    }

    /// Returns the next picture, which must come and be whole.
    #[track_caller]
    pub fn picture(&mut self) -> Picture {
        Picture::decode(&self.next_jpeg().expect("the stream ended"))
    }

    /// Returns the frame number of the next picture that shows one.
    #[track_caller]
    pub fn number(&mut self) -> u32 {
        let begin = Instant::now();
        loop {
            if let Some(number) = self.picture().number() {
                return number;
            }
            assert!(begin.elapsed() < PATIENCE, "no picture of the demo scene in {PATIENCE:?}");
        }
    }

    /// Reads to the end of the stream, which must come soon; returns how many pictures came until then.
    pub fn drain(&mut self) -> u64 {
        let (before, begin) = (self.frames, Instant::now());
        while self.next_jpeg().is_some() {
            assert!(begin.elapsed() < PATIENCE, "the stream goes on after {PATIENCE:?}");
        }
        self.frames - before
    }

    fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.bytes.windows(end.len()).position(|window| window == end) {
                return self.take(at + end.len());
            }
            assert!(self.bytes.len() < 64 * 1024, "no end in {:?}…", String::from_utf8_lossy(&self.bytes[..200]));
            self.more()?;
        }
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.bytes.len() < length {
            self.more()?;
        }
        let rest = self.bytes.split_off(length);
        Some(std::mem::replace(&mut self.bytes, rest))
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 32 * 1024];
        let read = match self.conn.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Some(()),
            // Over TLS, a stream that is cut in the middle of a picture ends without a word as well.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => 0,
            Err(error) => panic!("no picture came: {error}"),
        };
        self.ended |= read == 0;
        self.bytes.extend_from_slice(&buffer[..read]);
        (!self.ended).then_some(())
    }
}
