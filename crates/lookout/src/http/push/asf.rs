//! Pictures and sound as ASF: laid out once for all who sit, stamped for each, written.
//!
//! Sound goes before pictures. A viewer that keeps up gets every block, whatever pictures it skips; one that does not has
//! sound go on between the packets of a picture, and loses pictures.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    time::Instant,
};

use lookout_core::media::asf::{Kind, Muxer, PACKET, Packets};

use super::{
    super::conn::Conn,
    pictures::{Pictures, count},
    rest::{Own, Rest, try_write},
};
use crate::{
    hub::{Listener, Shown, Sound},
    metrics::Flow,
};

/// Where in its stream a viewer is.
pub struct Asf {
    pub pictures: Pictures,
    pub sound: Option<Listener>,
    /// There once something was sent.
    muxer: Option<Muxer>,
    /// Whether sound was sent.
    heard: bool,
}

/// What a fan has laid out for all who sit: each thing once.
#[derive(Default)]
pub struct Laid {
    picture: Packets,
    seq: Option<u64>,
    sound: Packets,
    block: Option<Arc<Sound>>,
}

impl Laid {
    fn picture(&mut self, shown: &Shown) -> &mut Packets {
        if self.seq.replace(shown.seq) != Some(shown.seq) {
            self.picture.lay(Kind::Picture, &shown.jpeg);
        }
        &mut self.picture
    }

    fn sound(&mut self, sound: &Arc<Sound>) -> &mut Packets {
        if !self.block.as_ref().is_some_and(|block| Arc::ptr_eq(block, sound)) {
            self.sound.lay(Kind::Sound, &sound.adpcm);
            self.block = Some(sound.clone());
        }
        &mut self.sound
    }
}

/// Stamps something that is sent now; a stream's times begin with the first.
fn stamp(muxer: &mut Option<Muxer>, packets: &mut Packets, captured: Instant) -> io::Result<()> {
    let muxer = muxer.get_or_insert_with(|| Muxer::new(captured));
    muxer.stamp(packets, captured, Instant::now()).map_err(io::Error::other)
}

/// Packets of a picture that are written at once to a viewer that is slow; then sound may go before the next ones. They are
/// fewer, the more sound has waited.
const AT_ONCE: usize = 12;

impl Asf {
    /// Begins a stream, with sound if it is listened to.
    pub fn new(pictures: Pictures, sound: Option<Listener>) -> Self {
        Self { pictures, sound, muxer: None, heard: false }
    }

    /// Writes the sound that waits, then a picture, if it is due.
    pub fn write(
        &mut self,
        conn: &mut Conn,
        shown: Option<&Arc<Shown>>,
        laid: &mut Laid,
        flow: &Flow,
    ) -> io::Result<Option<Rest>> {
        while let Some(sound) = self.hear() {
            let silence = self.lead_in(sound.block.captured)?;
            let packets = laid.sound(&sound);
            stamp(&mut self.muxer, packets, sound.block.captured)?;
            let all = [&silence, packets.bytes()];
            let taken = try_write(conn, &all.map(IoSlice::new))?.unwrap_or_default();
            if !taken.all(silence.len() + packets.bytes().len()) {
                return Ok(Some(Rest::Own(Own::sound(&all.concat(), taken.bytes))));
            }
        }
        let Some(shown) = shown else { return Ok(None) };
        let Some(pace) = self.pictures.due(shown) else { return Ok(None) };
        let (packets, mut muxer) = (laid.picture(shown), self.muxer.clone());
        stamp(&mut muxer, packets, shown.captured)?;
        let packets = packets.bytes();
        let Some(taken) = try_write(conn, &[IoSlice::new(packets)])? else { return Ok(Some(Rest::Nothing)) };
        self.pictures.begin(shown, pace, flow);
        self.muxer = muxer;
        if !taken.all(packets.len()) {
            let next = taken.bytes.div_ceil(PACKET);
            let bytes = packets[taken.bytes..next * PACKET].to_vec();
            return Ok(Some(Rest::Own(Own { bytes, done: 0, picture: Some((shown.clone(), next)) })));
        }
        count(shown, packets.len(), flow);
        Ok(None)
    }

    /// Refills what goes next to a viewer that is slow: sound that waits, then some more packets of its picture.
    pub fn refill(&mut self, own: &mut Own) -> io::Result<()> {
        (own.done, own.bytes) = (0, Vec::new());
        let (mut packets, mut waited) = (Packets::default(), 0);
        while let Some(sound) = self.hear() {
            own.bytes.append(&mut self.lead_in(sound.block.captured)?);
            packets.lay(Kind::Sound, &sound.adpcm);
            stamp(&mut self.muxer, &mut packets, sound.block.captured)?;
            own.bytes.extend_from_slice(packets.bytes());
            waited += 1;
        }
        if let (Some((shown, next)), Some(muxer)) = (&mut own.picture, &mut self.muxer) {
            let some = *next..*next + (AT_ONCE / (1 + waited)).max(1);
            packets.lay_some(Kind::Picture, &shown.jpeg, some.clone());
            muxer.stamp_on(&mut packets, Instant::now()).map_err(io::Error::other)?;
            own.bytes.extend_from_slice(packets.bytes());
            *next = some.end;
        }
        Ok(())
    }

    /// Returns the silence before the first sound, and none before any other.
    pub fn lead_in(&mut self, captured: Instant) -> io::Result<Vec<u8>> {
        if std::mem::replace(&mut self.heard, true) {
            return Ok(Vec::new());
        }
        let muxer = self.muxer.get_or_insert_with(|| Muxer::new(captured));
        muxer.lead_in(captured, Instant::now()).map_err(io::Error::other)
    }

    /// Returns the next sound that waits.
    fn hear(&mut self) -> Option<Arc<Sound>> {
        self.sound.as_mut()?.waiting()
    }
}
