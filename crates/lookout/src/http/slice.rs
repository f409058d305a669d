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
