//! The body of a POST: read only by the CGI that wants it, within its bounds, and never held whole.

use std::{io::ErrorKind, ops::ControlFlow, time::Duration};

use lookout_core::{form::Form, head::Head, profile::reply::Failure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::conn::Conn;

/// How long a client may send nothing in the middle of an upload.
const IDLE: Duration = Duration::from_secs(10);
/// How long an upload may take: 32 MiB at 64 KiB/s, and some more.
const WHOLE: Duration = Duration::from_secs(600);
/// What stands around the file in a body, at most: boundaries, heads, other fields.
const AROUND: u64 = 64 * 1024;

/// A body that is still on its way.
pub struct Upload<'c> {
    conn: &'c mut Conn,
    /// What of it came along with the head.
    begun: Vec<u8>,
}

impl<'c> Upload<'c> {
    /// Makes it of a connection and what was read behind the head.
    pub fn new(conn: &'c mut Conn, begun: Vec<u8>) -> Self {
        Self { conn, begun }
    }

    /// Reads the form and writes its field `file` to `sink`, at most `most` bytes; returns how many.
    ///
    /// # Errors
    /// - `IllegalFrame`: no form, no length, no file, or cut short.
    /// - `TooLarge`: more than `most` bytes.
    /// - `BadPackage`: the sink refused the content by an error of kind `InvalidData`; it knows why.
    /// - `Internal`: the sink failed.
    pub async fn file(self, head: &Head, most: u64, sink: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Failure> {
        let mut form = Form::new(head.text("content-type").unwrap_or_default()).map_err(|_| Failure::IllegalFrame)?;
        let length = head.text("content-length").and_then(|text| text.parse::<u64>().ok());
        let length = length.ok_or(Failure::IllegalFrame)?;
        if length > most.saturating_add(AROUND) {
            return Err(Failure::TooLarge);
        }
        timeout(WHOLE, self.pour(head, &mut form, length, most, sink)).await.map_err(|_| Failure::IllegalFrame)?
    }

    async fn pour(
        mut self,
        head: &Head,
        form: &mut Form,
        length: u64,
        most: u64,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, Failure> {
        if self.begun.is_empty() && head.text("expect").is_some_and(|text| text.eq_ignore_ascii_case("100-continue")) {
            let told = self.conn.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
            told.map_err(|_| Failure::IllegalFrame)?;
        }
        let (mut left, mut written) = (length, 0);
        let mut piece = std::mem::take(&mut self.begun);
        loop {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= piece.len() as u64;
            let fed = form.feed(&piece).map_err(|_| Failure::IllegalFrame)?;
            let (ControlFlow::Continue(file) | ControlFlow::Break(file)) = &fed;
            written += file.len() as u64;
            if written > most {
                return Err(Failure::TooLarge);
            }
            sink.write_all(file).await.map_err(refused)?;
            if fed.is_break() {
                sink.flush().await.map_err(refused)?;
                return Ok(written);
            }
            piece.clear();
            piece.reserve(64 * 1024);
            let read = timeout(IDLE, self.conn.read_buf(&mut piece)).await;
            if left == 0 || !matches!(read, Ok(Ok(1..))) {
                return Err(Failure::IllegalFrame);
            }
        }
    }
}

fn refused(error: std::io::Error) -> Failure {
    if error.kind() == ErrorKind::InvalidData {
        return Failure::BadPackage;
    }
    tracing::error!("an upload cannot be stored: {error}");
    Failure::Internal
}
