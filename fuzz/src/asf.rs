//! ASF is written, not read: what strangers decide are pictures, sound, and when a viewer takes them.

use std::time::{Duration, Instant};

use lookout_core::media::{
    asf::{self, Kind, Muxer, PACKET, Packets, Streams},
    frame::Size,
};
use lookout_testkit::{AsfKind, AsfReader, AsfRest};

/// Whatever is captured and sent whenever, the stream is right to the last byte, and all of it is there.
pub fn muxer(data: &[u8]) {
    // Long after whatever is the first moment of all.
    let begin = Instant::now() + Duration::from_millis(1 << 40);
    let mut muxer = Muxer::new(begin);
    let mut packets = Packets::default();
    // Of the last picture, from which packet on it is still to be sent.
    let mut waiting = (Vec::new(), 0);
    let mut stream = asf::header(Streams { size: Size::VGA, sound: true });
    let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
    for &[op, l0, l1, c0, c1, s0, s1, late] in data.as_chunks().0 {
        let moment = |low, high, shift: u8| Duration::from_millis(u64::from(u16::from_le_bytes([low, high])) << shift);
        // Up to two seconds before the stream begins, up to what is beyond its times, or to the power of two before.
        let captured = begin - Duration::from_secs(2) + moment(c0, c1, op >> 4);
        let now = begin - Duration::from_millis(100) + moment(s0, s1, late >> 4);
        let sound = op & 1 == 1;
        if !sound {
            packets.lay_some(Kind::Picture, &waiting.0, waiting.1..usize::MAX);
            if muxer.stamp_on(&mut packets, now).is_err() {
                break;
            }
            stream.extend_from_slice(packets.bytes());
            waiting = (Vec::new(), 0);
        }
        if sound && sounds.is_empty() {
            let Ok(silence) = muxer.lead_in(captured, now) else { break };
            sounds.resize(silence.len() / PACKET, vec![0; 256]);
            stream.extend(silence);
        }
        let length = if sound { 256 } else { usize::from(u16::from_le_bytes([l0, l1])) % 2500 };
        let object = vec![op ^ c0; length];
        packets.lay(if sound { Kind::Sound } else { Kind::Picture }, &object);
        if muxer.stamp(&mut packets, captured, now).is_err() {
            break;
        }
        let late = if sound { 0 } else { usize::from(late & 3) };
        let early = asf::packets(&object).saturating_sub(late);
        stream.extend_from_slice(&packets.bytes()[..early * PACKET]);
        if !sound {
            waiting = (object.clone(), early);
        }
        if length > 0 {
            if sound { &mut sounds } else { &mut pictures }.push(object);
        }
    }
    packets.lay_some(Kind::Picture, &waiting.0, waiting.1..usize::MAX);
    muxer.stamp_on(&mut packets, begin).expect("a moment long ago is no end");
    stream.extend_from_slice(packets.bytes());

    let mut reader = AsfReader::default();
    for piece in stream.chunks(1 + data.len() % 1000) {
        for object in reader.feed(piece).expect("a stream that is right") {
            let expected = if object.kind == AsfKind::Sound { &mut sounds } else { &mut pictures };
            assert!(!expected.is_empty() && expected.remove(0) == object.bytes);
        }
    }
    assert!(reader.rest() == AsfRest::default() && pictures.is_empty() && sounds.is_empty());
}

/// The reader that tests trust takes anything.
pub fn reader(data: &[u8]) {
    let mut reader = AsfReader::default();
    let mut read = 0;
    for piece in data.chunks(13) {
        let Ok(objects) = reader.feed(piece) else { return };
        read += objects.iter().map(|object| object.bytes.len()).sum::<usize>();
        assert!(read <= data.len());
    }
}
