//! A body that is read from a file while it is sent, so that a file of any size costs the same memory.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::Semaphore,
    task::spawn_blocking,
    time::timeout,
};

/// How many bytes are read at once.
const PIECE: u64 = 32 * 1024;
/// How slowly a client may take it on the whole, bytes a second.
const SLOWEST: u64 = 16 * 1024;
/// How many read at once: a crowd waits for the disk in a queue, not on a thread each.
static READERS: Semaphore = Semaphore::const_new(2);

/// A part of a file.
pub struct Slice {
    /// The file.
    pub file: Arc<File>,
    /// The first byte.
    pub at: u64,
    /// How many bytes.
    pub length: u64,
}

impl Slice {
    /// Sends it; each piece has to be taken within `patience`, and all of it at [`SLOWEST`] on the whole.
    ///
    /// # Errors
    /// The client left or takes nothing, or the disk refused.
    pub async fn send(&self, conn: &mut (impl AsyncWrite + Unpin), patience: Duration) -> io::Result<()> {
        let all = patience + Duration::from_secs(self.length / SLOWEST);
        timeout(all, self.pour(conn, patience)).await?
    }

    async fn pour(&self, conn: &mut (impl AsyncWrite + Unpin), patience: Duration) -> io::Result<()> {
        let (mut piece, mut at, end) = (Vec::new(), self.at, self.at + self.length);
        while at < end {
            piece = self.read(piece, at, PIECE.min(end - at)).await.inspect_err(|error| {
                tracing::error!("a file of the web UI cannot be read: {error}");
            })?;
            timeout(patience, conn.write_all(&piece)).await??;
            at += piece.len() as u64;
        }
        Ok(())
    }

    async fn read(&self, mut piece: Vec<u8>, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let _turn = READERS.acquire().await.map_err(io::Error::other)?;
        let file = self.file.clone();
        let read = move || {
            piece.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
            file.read_exact_at(&mut piece, at).map(|()| piece)
        };
        spawn_blocking(read).await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::{
        io::{AsyncReadExt as _, duplex},
        time::sleep,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_each_piece_at_the_last_moment_does_not_hold_on_to_the_end() {
        let length = 8 * PIECE;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; usize::try_from(length).unwrap()]).unwrap();
        let slice = Slice { file: Arc::new(file), at: 0, length };
        for (pause_s, whole) in [(1, true), (25, false)] {
            let (mut here, mut there) = duplex(1024);
            let client = tokio::spawn(async move {
                let mut piece = vec![0; usize::try_from(PIECE).unwrap()];
                while there.read_exact(&mut piece).await.is_ok() {
                    sleep(Duration::from_secs(pause_s)).await;
                }
            });
            let sent = slice.send(&mut here, Duration::from_secs(30)).await;
            assert_eq!(sent.is_ok(), whole, "a pause of {pause_s} s: {sent:?}");
            drop(here);
            client.await.unwrap();
        }
    }
}
