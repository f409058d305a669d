//! ASF as a broadcast: a header without an end, then data packets of one size (PROFILE 5.3).
//!
//! Source: Microsoft's "Advanced Systems Format (ASF) Specification", revision 01.20.06.
//!
//! Each picture and each block of sound begins a packet of its own. So the packets of a media object are laid out once for
//! all viewers ([`Packets::lay`]), and for each viewer only the few bytes that are its own are stamped into them
//! ([`Muxer::stamp`]): times that begin with its stream, and the object's number in it.

use std::time::Instant;

use super::frame::Size;

/// Bytes of every data packet.
pub const PACKET: usize = 640;

/// What a stream holds, for its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// Width and height of the pictures.
    pub size: Size,
    /// Whether there is sound.
    pub sound: bool,
}

/// Which stream a media object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A JPEG.
    Picture,
    /// A block of IMA ADPCM.
    Sound,
}

/// Writes everything that goes before the first data packet.
pub fn header(_streams: Streams) -> Vec<u8> {
    Vec::new()
}

/// The data packets of one media object.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    bytes: Vec<u8>,
}

impl Packets {
    /// Lays a media object out, in place of the one before. It must be stamped before it is sent.
    pub fn lay(&mut self, _kind: Kind, _object: &[u8]) {}

    /// Returns the packets, [`PACKET`] bytes each.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The clock and the counters of one viewer's stream.
#[derive(Clone, Debug)]
pub struct Muxer {
    _begin: Instant,
}

impl Muxer {
    /// Begins a stream: nothing of it was captured before `begin`.
    pub fn new(begin: Instant) -> Self {
        Self { _begin: begin }
    }

    /// Stamps a media object for this stream, as its next one of that kind; `now` is when it is sent.
    ///
    /// # Errors
    /// The stream has used up the times that ASF can say; it must end.
    pub fn stamp(&mut self, _packets: &mut Packets, _captured: Instant, _now: Instant) -> Result<(), UsedUp> {
        Ok(())
    }

    /// Stamps packets anew that are sent later than was thought; times of sending never run back.
    ///
    /// # Errors
    /// As for [`stamp`](Self::stamp).
    pub fn delay(&mut self, _packets: &mut [u8], _now: Instant) -> Result<(), UsedUp> {
        Ok(())
    }
}

/// A stream is as old as its times can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is as old as ASF can say")]
pub struct UsedUp;
