//! What a stream is made of, and where in it a viewer is.
//!
//! A form says three things: what is to be written next, which its fan does without waiting; what, of that, must follow
//! because the socket had no room for all of it ([`Rest`]); and what goes next, whenever a slow viewer has taken that.

use std::{io, sync::Arc};

use super::{
    super::conn::Conn,
    asf::{self, Asf},
    multipart,
    pictures::Pictures,
    rest::{Own, Rest},
    wav::Wav,
};
use crate::{
    hub::{Listener, Shown, Viewer},
    metrics::Flow,
};

/// A form, and where in it a viewer is.
pub enum Form {
    /// JPEGs, a part each (PROFILE 5.1).
    Multipart(Pictures),
    /// Pictures and sound (PROFILE 5.3).
    Asf(Box<Asf>),
    /// Sound alone.
    Wav(Wav),
}

/// What a fan has at hand for all who sit.
#[derive(Default)]
pub struct Desk {
    pub asf: asf::Laid,
    pub samples: Vec<u8>,
}

impl Form {
    /// How many rows of doors there are: one a form and size.
    pub(super) const ROWS: usize = 7;

    /// Returns its row.
    pub(super) fn row(&self) -> usize {
        match self {
            Self::Multipart(pictures) => pictures.column(),
            Self::Asf(asf) => 3 + asf.pictures.column(),
            Self::Wav(_) => 6,
        }
    }

    /// Returns the frames that are looked at.
    pub(super) fn frames(&self) -> Option<&Viewer> {
        match self {
            Self::Multipart(pictures) => Some(&pictures.frames),
            Self::Asf(asf) => Some(&asf.pictures.frames),
            Self::Wav(_) => None,
        }
    }

    /// Returns the sound that is listened to.
    pub(super) fn sound(&self) -> Option<&Listener> {
        match self {
            Self::Multipart(_) => None,
            Self::Asf(asf) => asf.sound.as_ref(),
            Self::Wav(wav) => Some(&wav.sound),
        }
    }

    /// Says whether there may be more: not once the privacy gate has closed or the hub is gone.
    pub(super) fn goes_on(&self) -> bool {
        self.frames().is_none_or(Viewer::may_see) && self.sound().is_none_or(Listener::may_hear)
    }

    /// Writes what is due, of pictures nothing but this one if there is one, as far as there is room; never waits.
    /// Returns what must follow.
    pub(super) fn write(
        &mut self,
        conn: &mut Conn,
        shown: Option<&Arc<Shown>>,
        desk: &mut Desk,
        flow: &Flow,
    ) -> io::Result<Option<Rest>> {
        match self {
            Self::Multipart(pictures) => shown.map_or(Ok(None), |shown| multipart::write(pictures, conn, shown, flow)),
            Self::Asf(asf) => asf.write(conn, shown, &mut desk.asf, flow),
            Self::Wav(wav) => wav.write(conn, &mut desk.samples),
        }
    }

    /// Refills what goes next to a viewer that is slow.
    pub(super) fn refill(&mut self, own: &mut Own) -> io::Result<()> {
        match self {
            Self::Asf(asf) => asf.refill(own),
            Self::Multipart(_) | Self::Wav(_) => Ok(()),
        }
    }
}
