//! A body that is read from a file while it is sent, so that a file of any size costs the same memory.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    task::block_in_place,
    time::timeout,
};

/// How many bytes are read at once.
const PIECE: usize = 32 * 1024;

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
    /// Sends it; each piece has to be taken within `patience`.
    ///
    /// # Errors
    /// The client left or takes nothing, or the disk refused.
    pub async fn send(&self, conn: &mut (impl AsyncWrite + Unpin), patience: Duration) -> io::Result<()> {
        let most = usize::try_from(self.length).unwrap_or(PIECE).min(PIECE);
        let (mut buffer, mut at, mut left) = (vec![0; most], self.at, self.length);
        while left > 0 {
            let piece = &mut buffer[..usize::try_from(left).unwrap_or(most).min(most)];
            block_in_place(|| self.file.read_exact_at(piece, at)).inspect_err(|error| {
                tracing::error!("a file of the web UI cannot be read: {error}");
            })?;
            timeout(patience, conn.write_all(piece)).await??;
            at += piece.len() as u64;
            left -= piece.len() as u64;
        }
        Ok(())
    }
}
