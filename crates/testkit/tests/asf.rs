//! What the muxer writes, read back by a reader that shares nothing with it but the specification.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use lookout_core::media::{
    asf::{DELAY, Kind, LIFETIME, Muxer, PACKET, Packets, Streams, UsedUp, header},
    frame::Size,
};
use lookout_testkit::{AsfHead, AsfKind, AsfObject, AsfReader, AsfRest};
use proptest::prelude::*;

/// Bytes of a media object that fit into a packet.
const FIT: usize = 612;
/// Bytes of a block of sound.
const BLOCK: usize = 256;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Makes bytes that differ from place to place and from seed to seed.
fn noise(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|place| (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0] ^ seed).collect()
}

fn start() -> Vec<u8> {
    header(Streams { size: Size::VGA, sound: true })
}

#[track_caller]
fn read(stream: &[u8]) -> Vec<AsfObject> {
    let mut reader = AsfReader::default();
    let objects = reader.feed(stream).unwrap();
    assert_eq!(reader.rest(), AsfRest::default());
    objects
}

/// Something that happens in a stream.
#[derive(Clone, Debug)]
struct Act {
    kind: Kind,
    length: usize,
    /// Both in ms, from a second before the stream begins.
    captured: u64,
    sent: u64,
    /// At most so many of its packets are sent late: with the next picture.
    late: usize,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let lengths = prop_oneof![Just(1), Just(FIT - 1), Just(FIT), Just(FIT + 1), Just(2 * FIT), 1..5 * FIT];
    let times = || prop_oneof![0..3000_u64, Just(1000), Just(400), Just(399)];
    let act = (any::<bool>(), lengths, times(), times(), 0..3_usize);
    let act = act.prop_map(|(sound, length, captured, sent, late)| match sound {
        true => Act { kind: Kind::Sound, length: BLOCK, captured, sent, late: 0 },
        false => Act { kind: Kind::Picture, length, captured, sent, late },
    });
    prop::collection::vec(act, 1..20)
}

/// Sends the rest of a picture.
fn send_on(muxer: &mut Muxer, stream: &mut Vec<u8>, (object, from): &(Vec<u8>, usize), now: Instant) {
    let mut packets = Packets::default();
    packets.lay_some(Kind::Picture, object, *from..usize::MAX);
    muxer.stamp_on(&mut packets, now).unwrap();
    stream.extend_from_slice(packets.bytes());
}

proptest! {
    /// Whatever the clocks say, and however sound comes between a picture's packets, all of it is there and in order.
    #[test]
    fn any_row_of_media_objects_reads_back(acts in acts(), piece in 1..3000_usize) {
        let zero = Instant::now();
        let mut muxer = Muxer::new(zero + millis(1000));
        let (mut stream, mut packets) = (start(), Packets::default());
        // Of the last picture, from which packet on it is still to be sent.
        let mut waiting = (Vec::new(), 0);
        let (mut expected, mut earliest) = (Vec::new(), [0, 0]);
        for (seed, act) in acts.iter().enumerate() {
            let (captured, now) = (zero + millis(act.captured), zero + millis(act.sent));
            if act.kind == Kind::Picture {
                send_on(&mut muxer, &mut stream, &waiting, now);
            }
            let object = noise(act.length, seed as u8);
            packets.lay(act.kind, &object);
            muxer.stamp(&mut packets, captured, now).unwrap();
            let early = object.len().div_ceil(FIT).saturating_sub(act.late);
            stream.extend_from_slice(&packets.bytes()[..early * PACKET]);
            if act.kind == Kind::Picture {
                waiting = (object.clone(), early);
            }
            let earliest = &mut earliest[act.kind as usize];
            *earliest = (act.captured + u64::from(DELAY)).saturating_sub(1000).max(*earliest);
            expected.push((act.kind, *earliest, object));
        }
        send_on(&mut muxer, &mut stream, &waiting, zero);

        let mut reader = AsfReader::default();
        let mut objects = Vec::new();
        for piece in stream.chunks(piece) {
            objects.extend(reader.feed(piece).unwrap());
        }
        prop_assert_eq!(reader.rest(), AsfRest::default());
        for (kind, asf) in [(Kind::Picture, AsfKind::Picture), (Kind::Sound, AsfKind::Sound)] {
            let expected: Vec<_> = expected.iter().filter(|object| object.0 == kind).collect();
            let found: Vec<_> = objects.iter().filter(|object| object.kind == asf).collect();
            prop_assert_eq!(found.len(), expected.len());
            for (found, (_, presentation, bytes)) in found.into_iter().zip(expected) {
                prop_assert_eq!((u64::from(found.presentation), &found.bytes), (*presentation, bytes));
            }
        }
    }
}

#[test]
fn the_header_says_what_is_in_the_stream() {
    let mut reader = AsfReader::default();
    assert_eq!(reader.feed(&header(Streams { size: Size { width: 1280, height: 720 }, sound: false })).unwrap(), []);
    let head = AsfHead { size: (1280, 720), sound: false, packet: 640, preroll: 50, bitrate: 1280 * 720 * 120 };
    assert_eq!(reader.head(), Some(&head));
    // What is calculated from the greatest size does not overflow.
    let mut reader = AsfReader::default();
    reader.feed(&header(Streams { size: Size { width: 65_535, height: 65_535 }, sound: true })).unwrap();
    assert_eq!(reader.head().map(|head| (head.bitrate, head.sound)), Some((u32::MAX, true)));
}

#[test]
fn the_longest_picture_reads_back() {
    let (picture, begin) = (noise(16 << 20, 1), Instant::now());
    let (mut packets, mut muxer) = (Packets::default(), Muxer::new(begin));
    packets.lay(Kind::Picture, &picture);
    muxer.stamp(&mut packets, begin, begin).unwrap();
    let objects = read(&[&start()[..], packets.bytes()].concat());
    assert!(objects.len() == 1 && objects[0].bytes == picture);
}

#[test]
fn nothing_is_sent_of_an_empty_object_and_it_has_no_number() {
    let begin = Instant::now();
    let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
    for object in [&b"one"[..], b"", b"two"] {
        packets.lay(Kind::Picture, object);
        muxer.stamp(&mut packets, begin, begin).unwrap();
        stream.extend_from_slice(packets.bytes());
    }
    let objects: Vec<_> = read(&stream).into_iter().map(|object| object.bytes).collect();
    assert_eq!(objects, [b"one", b"two"]);
}

#[test]
fn numbers_go_on_beyond_a_byte() {
    let begin = Instant::now();
    let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
    for count in 0..600 {
        let kind = if count % 3 == 0 { Kind::Sound } else { Kind::Picture };
        packets.lay(kind, &noise(BLOCK, 0));
        muxer.stamp(&mut packets, begin + millis(count), begin + millis(count)).unwrap();
        stream.extend_from_slice(packets.bytes());
    }
    assert_eq!(read(&stream).len(), 600);
}

#[test]
fn a_stream_that_is_cut_anywhere_has_all_that_was_whole() {
    let begin = Instant::now();
    let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
    let head = stream.len();
    let mut ends = Vec::new();
    for (count, length) in [(0, 2000), (1, BLOCK), (2, 1), (3, FIT), (4, BLOCK), (5, FIT + 1)] {
        packets.lay(if length == BLOCK { Kind::Sound } else { Kind::Picture }, &noise(length, count));
        muxer.stamp(&mut packets, begin, begin + millis(count.into())).unwrap();
        stream.extend_from_slice(packets.bytes());
        ends.push(stream.len());
    }
    let mut reader = AsfReader::default();
    let mut whole = 0;
    for (cut, byte) in stream.iter().enumerate().map(|(index, byte)| (index + 1, byte)) {
        whole += reader.feed(&[*byte]).unwrap().len();
        assert_eq!(whole, ends.iter().filter(|&&end| end <= cut).count(), "cut at {cut}");
        let begun = ends.iter().rev().find(|&&end| end <= cut).unwrap_or(&head);
        let picture = cut.saturating_sub(*begun) / PACKET * FIT;
        let bytes = if cut < head { cut } else { (cut - head) % PACKET };
        assert_eq!(reader.rest(), AsfRest { bytes, picture, sound: 0 }, "cut at {cut}");
    }
}

#[test]
fn two_viewers_have_streams_of_their_own_out_of_the_same_packets() {
    let begin = Instant::now();
    let mut viewers = [(Muxer::new(begin), start()), (Muxer::new(begin + millis(700)), start())];
    let mut packets = Packets::default();
    for count in 0..10 {
        let captured = begin + millis(count * 100);
        packets.lay(Kind::Picture, &noise(1500, count as u8));
        // The second one comes later, and takes its time.
        for (viewer, (muxer, stream)) in viewers.iter_mut().enumerate() {
            if viewer == 0 || count >= 7 {
                muxer.stamp(&mut packets, captured, captured + millis(viewer as u64 * 60)).unwrap();
                stream.extend_from_slice(packets.bytes());
            }
        }
    }
    for (viewer, (_, stream)) in viewers.iter().enumerate() {
        let (late, first) = (viewer as u32 * 60, viewer as u64 * 7);
        let expected: Vec<_> = (first..10)
            .map(|count| {
                let age = (count - first) as u32 * 100;
                let (kind, bytes) = (AsfKind::Picture, noise(1500, count as u8));
                AsfObject { kind, presentation: age + 600, sent: (age + late, age + late), bytes }
            })
            .collect();
        assert_eq!(read(stream), expected);
    }
}

#[test]
fn times_of_sending_follow_the_sending_and_never_run_back() {
    let begin = Instant::now();
    let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
    let picture = noise(3 * FIT, 7);
    packets.lay(Kind::Picture, &picture);
    muxer.stamp(&mut packets, begin, begin + millis(10)).unwrap();
    stream.extend_from_slice(&packets.bytes()[..PACKET]);
    packets.lay(Kind::Sound, &noise(BLOCK, 8));
    muxer.stamp(&mut packets, begin, begin + millis(300)).unwrap();
    stream.extend_from_slice(packets.bytes());
    // Not back, whatever the clock says.
    for (packet, now) in [(1, 200), (2, 900)] {
        packets.lay_some(Kind::Picture, &picture, packet..packet + 1);
        muxer.stamp_on(&mut packets, begin + millis(now)).unwrap();
        stream.extend_from_slice(packets.bytes());
    }
    let sent: Vec<_> = read(&stream).iter().map(|object| (object.kind, object.sent)).collect();
    assert_eq!(sent, [(AsfKind::Sound, (300, 300)), (AsfKind::Picture, (10, 900))]);
}

#[test]
fn silence_leads_in_as_far_as_times_are_positive() {
    let begin = Instant::now();
    // A block is 63.125 ms long: eight of them are 505. The preroll is 50.
    for (captured, first, blocks) in
        [(-60, 98, 7), (-45, 50, 8), (0, 95, 8), (5000, 5095, 8), (-486, 50, 1), (-490, 110, 0), (-700, 0, 0)]
    {
        let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
        let captured = begin - millis(1000) + millis(1000_u64.saturating_add_signed(captured));
        stream.extend(muxer.lead_in(captured, begin).unwrap());
        packets.lay(Kind::Sound, &noise(BLOCK, 1));
        muxer.stamp(&mut packets, captured, begin).unwrap();
        stream.extend_from_slice(packets.bytes());
        let sound = read(&stream);
        assert_eq!((sound[0].presentation, sound.len()), (first, blocks + 1));
        assert!(sound.windows(2).all(|pair| [63, 64].contains(&(pair[1].presentation - pair[0].presentation))));
        assert!(sound[..blocks].iter().all(|block| block.bytes == [0; BLOCK]) && sound[blocks].bytes[0] != 0);
    }
}

#[test]
fn a_stream_ends_when_its_times_are_used_up() {
    let begin = Instant::now();
    let end = begin + millis(LIFETIME.into());
    let last = end - millis(DELAY.into());
    let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
    packets.lay(Kind::Picture, b"picture");
    muxer.stamp(&mut packets, last, end).unwrap();
    stream.extend_from_slice(packets.bytes());
    for (captured, now) in [(last + millis(1), end), (last, end + millis(1)), (last, begin + millis(1 << 33))] {
        assert_eq!(muxer.stamp(&mut packets, captured, now), Err(UsedUp));
    }
    assert_eq!(muxer.stamp_on(&mut packets, end + millis(1)), Err(UsedUp));
    // What failed has left nothing behind.
    muxer.stamp(&mut packets, last, end).unwrap();
    stream.extend_from_slice(packets.bytes());
    let times: Vec<_> = read(&stream).iter().map(|object| (object.presentation, object.sent.1)).collect();
    assert_eq!(times, [(i32::MAX as u32, i32::MAX as u32); 2]);
}

#[test]
fn the_reader_takes_no_byte_that_is_not_as_it_must_be() {
    // All times are 0, and can only be altered to be greater.
    let captured = Instant::now();
    let begin = captured + millis(DELAY.into());
    let (mut packets, mut muxer, mut stream) = (Packets::default(), Muxer::new(begin), start());
    let head = stream.len();
    let objects = [(Kind::Picture, FIT + 9), (Kind::Sound, BLOCK), (Kind::Picture, 9), (Kind::Sound, BLOCK)];
    for (kind, length) in objects {
        packets.lay(kind, &noise(length, 0));
        muxer.stamp(&mut packets, captured, begin).unwrap();
        stream.extend_from_slice(packets.bytes());
    }
    let taken = |stream: &[u8]| AsfReader::default().feed(stream).is_ok_and(|whole| whole.len() == objects.len());
    assert!(taken(&stream));
    let mut free = Vec::new();
    for place in 0..stream.len() {
        let (packet, within) = (place.saturating_sub(head) / PACKET, place.saturating_sub(head) % PACKET);
        let payload = 28 + [FIT, 9, BLOCK, 9, BLOCK][packet.min(4)];
        if place >= head && (28..payload).contains(&within) {
            continue;
        }
        let mut altered = stream.clone();
        altered[place] ^= 1 << (place % 7);
        if taken(&altered) {
            free.push(place);
        }
    }
    // What cannot be known: the preroll (of which the upper half is 0), the bitrate, and the Data Object's size but for
    // its highest byte; and as times may go forward, of sending the last one, of presentation each stream's last one.
    let (preroll, bitrate, size) = (30 + 80, 30 + 100, head - 34);
    let mut expected: Vec<_> =
        [(preroll, 4), (bitrate, 4), (size, 8)].iter().flat_map(|&(from, count)| from..from + count).collect();
    let (last_picture, last_sound) = (head + 3 * PACKET, head + 4 * PACKET);
    for from in [last_picture + 24, last_sound + 7, last_sound + 24] {
        expected.extend(from..from + 4);
    }
    assert_eq!(free, expected);
}
