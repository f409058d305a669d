//! Sound alone, as an endless WAV.

use std::io::{self, IoSlice};

use lookout_core::media::wav::Codec;

use super::{
    super::conn::Conn,
    rest::{Own, Rest, try_write},
};
use crate::hub::Listener;

/// Somebody who listens.
pub struct Wav {
    pub sound: Listener,
    codec: Codec,
}

impl Wav {
    /// Has somebody listen, from the next block on.
    pub fn new(sound: Listener, codec: Codec) -> Self {
        Self { sound, codec }
    }

    /// Writes the sound that waits; `bytes` are at hand for it.
    pub fn write(&mut self, conn: &mut Conn, bytes: &mut Vec<u8>) -> io::Result<Option<Rest>> {
        while let Some(sound) = self.sound.waiting() {
            bytes.clear();
            self.codec.encode(&sound.block.samples, bytes);
            let taken = try_write(conn, &[IoSlice::new(bytes)])?.unwrap_or_default();
            if !taken.all(bytes.len()) {
                return Ok(Some(Rest::Own(Own::sound(bytes, taken.bytes))));
            }
        }
        Ok(None)
    }
}
