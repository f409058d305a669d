//! The body of a POST: read only by the CGI that wants it, within its bounds, and not held here.

use std::{future::pending, io, ops::ControlFlow, time::Duration};

use lookout_core::{
    form::Form,
    head::Head,
    profile::{reply::Failure, settings::User},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::conn::Conn;
use crate::accounts::Accounts;

/// How long a client may send nothing in the middle of an upload.
const IDLE: Duration = Duration::from_secs(10);
/// How long an upload may take: 32 MiB at 64 KiB/s, and some more.
const WHOLE: Duration = Duration::from_secs(600);
/// What stands around the file in a body, at most: boundaries, heads, other fields.
const AROUND: u64 = 64 * 1024;
/// How much of a body is read at once, bytes.
const PIECE: usize = 64 * 1024;

/// Why what came as a file is not taken.
pub enum Refused<W> {
    /// It is none that may be; the reason is for journal and log.
    Bad(W),
    /// Another reason.
    Failed(Failure),
}

impl<W> From<Failure> for Refused<W> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A body that is still on its way.
pub struct Upload<'c, C = Conn> {
    conn: &'c mut C,
    /// What of it came along with the head.
    begun: Vec<u8>,
    /// Whose it is.
    owner: Option<(Accounts, User)>,
}

impl<'c, C: AsyncRead + AsyncWrite + Unpin> Upload<'c, C> {
    /// Makes it of a connection and what was read behind the head.
    pub fn new(conn: &'c mut C, begun: Vec<u8>) -> Self {
        Self { conn, begun, owner: None }
    }

    /// Says whose it is: it ends when that account is not there any more as it was.
    pub fn of(self, accounts: Accounts, user: User) -> Self {
        Self { owner: Some((accounts, user)), ..self }
    }

    /// Reads the form and writes its field `file` to `sink`, at most `most` bytes; returns how many.
    ///
    /// # Errors
    /// - `IllegalFrame`: no form, no length, no file, cut short, or too slow.
    /// - `TooLarge`: more than `most` bytes.
    /// - `BadPackage`: the sink refused the content by an error of kind `InvalidData`; it knows why.
    /// - `Gone`: its owner was thrown out meanwhile.
    /// - `Internal`: the sink failed.
    pub async fn file(mut self, head: &Head, most: u64, sink: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Failure> {
        let form = Form::new(head.text("content-type").unwrap_or_default()).map_err(|_| Failure::IllegalFrame)?;
        let length = head.body_length().ok_or(Failure::IllegalFrame)?;
        if length > most.saturating_add(AROUND) {
            return Err(Failure::TooLarge);
        }
        let owner = self.owner.take();
        let gone = async {
            match owner {
                Some((accounts, user)) => accounts.lose(&user).await,
                None => pending().await,
            }
        };
        tokio::select! {
            poured = timeout(WHOLE, self.pour(head, form, length, most, sink)) => {
                poured.unwrap_or(Err(Failure::IllegalFrame))
            }
            () = gone => Err(Failure::Gone),
        }
    }

    async fn pour(
        mut self,
        head: &Head,
        mut form: Form,
        mut left: u64,
        most: u64,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, Failure> {
        if self.begun.is_empty() && waits_for_leave(head) {
            self.give_leave().await.map_err(|_| Failure::IllegalFrame)?;
        }
        let mut piece = std::mem::take(&mut self.begun);
        let mut written = 0;
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
            piece.reserve(PIECE);
            if left == 0 || !matches!(timeout(IDLE, self.conn.read_buf(&mut piece)).await, Ok(Ok(1..))) {
                return Err(Failure::IllegalFrame);
            }
        }
    }

    async fn give_leave(&mut self) -> io::Result<()> {
        self.conn.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        self.conn.flush().await
    }
}

/// Says whether a client sends its body only when told to; one of HTTP/1.0 would take that for the answer (RFC 9110,
/// 10.1.1).
fn waits_for_leave(head: &Head) -> bool {
    !head.http_1_0 && head.text("expect").is_some_and(|text| text.eq_ignore_ascii_case("100-continue"))
}

fn refused(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::InvalidData {
        return Failure::BadPackage;
    }
    tracing::error!("an upload cannot be stored: {error}");
    Failure::Internal
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::{io::duplex, time::sleep};

    use super::*;

    const BODY: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncontent\r\n--b--\r\n";

    fn head(length: usize, more: &str) -> Head {
        let kind = "Content-Type: multipart/form-data; boundary=b";
        let text = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n{kind}\r\n{more}\r\n");
        Head::parse(text.as_bytes()).unwrap()
    }

    /// Sends pieces, a while before each, and then holds the line; returns what became of them.
    async fn upload(pieces: &[&str], pause_s: u64, length: usize, most: u64) -> Result<String, Failure> {
        let (mut client, mut conn) = duplex(4096);
        let mut file = Vec::new();
        let send = async {
            for piece in pieces {
                sleep(Duration::from_secs(pause_s)).await;
                client.write_all(piece.as_bytes()).await.unwrap();
            }
            pending::<()>().await;
        };
        let head = head(length, "");
        tokio::select! {
            taken = Upload::new(&mut conn, Vec::new()).file(&head, most, &mut file) => taken,
            () = send => unreachable!("it holds the line"),
        }?;
        Ok(String::from_utf8(file).unwrap())
    }

    fn byte_by_byte() -> Vec<&'static str> {
        BODY.split_inclusive(|_| true).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_has_its_time_and_one_that_falls_silent_has_not() {
        assert_eq!(upload(&byte_by_byte(), 5, BODY.len(), 99).await.as_deref(), Ok("content"));
        assert_eq!(upload(&byte_by_byte()[..40], 5, BODY.len(), 99).await, Err(Failure::IllegalFrame));
        assert_eq!(upload(&byte_by_byte(), 11, BODY.len(), 99).await, Err(Failure::IllegalFrame));
        // Never silent for long, but in all too slow.
        let (begun, waited) = (tokio::time::Instant::now(), "x".repeat(1000));
        let endless: Vec<_> = byte_by_byte()[..50].iter().copied().chain(waited.split_inclusive(|_| true)).collect();
        assert_eq!(upload(&endless, 9, 2000, 9999).await, Err(Failure::IllegalFrame));
        assert_eq!(begun.elapsed(), WHOLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_ends_before_its_form_does_is_refused_without_waiting_for_more() {
        let begun = tokio::time::Instant::now();
        for length in [0, 1, 40, BODY.len() - 7] {
            assert_eq!(upload(&[BODY], 0, length, 99).await, Err(Failure::IllegalFrame), "{length} bytes");
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(
            upload(&[BODY], 0, BODY.len() - 4, 99).await.as_deref(),
            Ok("content"),
            "the last boundary is there"
        );
    }

    #[tokio::test]
    async fn a_file_may_have_its_most_bytes_and_not_one_more() {
        assert_eq!(upload(&[BODY], 0, BODY.len(), 7).await.as_deref(), Ok("content"));
        assert_eq!(upload(&[BODY], 0, BODY.len(), 6).await, Err(Failure::TooLarge));
        assert_eq!(upload(&[], 0, 7 + 64 * 1024 + 1, 7).await, Err(Failure::TooLarge), "told by its length");
    }

    #[tokio::test]
    async fn leave_is_given_to_whoever_waits_for_it_and_to_nobody_else() {
        let answered = async |more: &str, begun: &str, most: u64| {
            let (mut client, mut conn) = duplex(4096);
            client.write_all(&BODY.as_bytes()[begun.len()..]).await.unwrap();
            let head = head(BODY.len(), more);
            let _ = Upload::new(&mut conn, begun.into()).file(&head, most, &mut Vec::new()).await;
            drop(conn);
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let leave = "HTTP/1.1 100 Continue\r\n\r\n";
        assert_eq!(answered("Expect: 100-Continue\r\n", "", 99).await, leave);
        assert_eq!(answered("", "", 99).await, "");
        assert_eq!(answered("Expect: 200-ok\r\n", "", 99).await, "");
        assert_eq!(answered("Expect: 100-continue\r\n", &BODY[..5], 99).await, "", "it did not wait");
        let refused = Head::parse(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").unwrap();
        assert!(!waits_for_leave(&refused), "HTTP/1.0 knows no such thing");
    }

    #[tokio::test]
    async fn what_the_sink_says_is_told_apart() {
        struct Sink(io::ErrorKind);
        impl AsyncWrite for Sink {
            fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
                Poll::Ready(Err(self.0.into()))
            }
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
        for (kind, failure) in
            [(io::ErrorKind::InvalidData, Failure::BadPackage), (io::ErrorKind::StorageFull, Failure::Internal)]
        {
            let (_client, mut conn) = duplex(64);
            let upload = Upload::new(&mut conn, BODY.into());
            assert_eq!(upload.file(&head(BODY.len(), ""), 99, &mut Sink(kind)).await, Err(failure));
        }
    }
}
