//! Reads the head of a request off a connection.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use lookout_core::head::{self, BadHead, Head};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::respond::Status;

/// A request: a head, and where it came from.
pub struct Request {
    /// The head.
    pub head: Head,
    /// The client's address.
    pub peer: IpAddr,
    /// The address and port of the camera to which it came.
    pub here: Option<SocketAddr>,
    /// Whether the client is on this host or in its own network.
    pub near: bool,
    /// Whether it came over TLS.
    pub secure: bool,
    /// When its connection was accepted: a head may take its time.
    pub accepted: Instant,
    /// When it came in, on the clock of the frames.
    pub arrived: Instant,
}

/// Reads a head, and with it what of the body came along; `None` if the client left without a word.
///
/// # Errors
/// The status to answer with.
pub async fn read(conn: &mut (impl AsyncRead + Unpin)) -> Result<Option<(Head, Vec<u8>)>, Status> {
    let mut bytes = Vec::with_capacity(1024);
    let mut looked_at = 0;
    loop {
        match conn.read_buf(&mut bytes).await {
            Ok(0) | Err(_) if bytes.is_empty() => return Ok(None),
            Ok(0) | Err(_) => return Err(Status::BadRequest),
            Ok(_) => {}
        }
        if let Some(end) = head::end(&bytes, looked_at) {
            let head = Head::parse(&bytes[..end]).map_err(status)?;
            return Ok(Some((head, bytes.split_off(end))));
        }
        looked_at = bytes.len();
        if bytes.len() > head::LONGEST {
            return Err(Status::HeaderTooLarge);
        }
    }
}

fn status(bad: BadHead) -> Status {
    match bad {
        BadHead::Malformed => Status::BadRequest,
        BadHead::TooLong => Status::HeaderTooLarge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_may_come_byte_by_byte_and_not_for_ever() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut slow = tokio_test_reader(text);
        assert!(read(&mut slow).await.unwrap().is_some());
        assert!(matches!(read(&mut &b""[..]).await, Ok(None)));
        assert_eq!(read(&mut &b"GET / HT"[..]).await.err(), Some(Status::BadRequest));
        let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(17_000));
        assert_eq!(read(&mut endless.as_bytes()).await.err(), Some(Status::HeaderTooLarge));
    }

    /// Gives one byte a read.
    fn tokio_test_reader(text: &'static [u8]) -> impl AsyncRead + Unpin {
        let (mut there, here) = tokio::io::duplex(1);
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut there, text).await });
        here
    }
}
