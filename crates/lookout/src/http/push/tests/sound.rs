//! ASF and WAV: sound goes on, whatever becomes of the pictures.

use std::{ops::Range, time::Instant};

use lookout_core::media::{
    adpcm,
    asf::{self, PACKET, Streams},
    frame::{Frame, Size},
    sound::{BLOCK, Block},
    wav::Codec,
};
use lookout_testkit::{AsfKind, AsfObject, AsfReader};
use socket2::SockRef;

use super::*;
use crate::http::push::rest::Own;

/// A camera with a microphone, since a moment.
struct Stage {
    house: House,
    begin: Instant,
}

impl Stage {
    fn new() -> Self {
        let house = House::new();
        house.hub.sound.appear();
        Self { house, begin: Instant::now() }
    }

    fn asf(&self, pace: Pace) -> Asf {
        let pictures = Pictures::new(self.house.view(), Resolution::Vga, pace);
        Asf::new(pictures, self.house.hub.sound.listen().unwrap())
    }

    fn wav(&self, codec: Codec) -> Form {
        Form::Wav(Wav::new(self.house.hub.sound.listen().unwrap().unwrap(), codec))
    }

    /// Has somebody seated; returns his end of the connection.
    async fn join(&self, form: Form) -> TcpStream {
        self.join_over(form, |_| {}).await
    }

    async fn join_over(&self, form: Form, set: impl Fn(&TcpStream)) -> TcpStream {
        let (here, there) = connect().await;
        set(&here);
        self.house.send_form(form, &self.house.user, here);
        tokio::time::sleep(Duration::from_millis(1)).await;
        there
    }

    /// Has the microphone hear blocks, each at its time, and those who listen get a turn.
    async fn say(&self, numbers: Range<u64>) {
        for number in numbers {
            self.house.hub.sound.publish(self.block(number));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    fn block(&self, number: u64) -> Block {
        let captured = self.begin + Duration::from_micros(63_125 * number);
        Block { number, captured, samples: samples(number) }
    }

    async fn show(&self, seq: u64, captured_ms: u64, length: usize) {
        let frame = self.house.hours.frame(seq, vec![seq as u8; length]);
        self.house.hub.publish(Frame { captured: self.begin + Duration::from_millis(captured_ms), ..frame });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Has the camera's system hold little, and send what it holds.
fn little(here: &TcpStream) {
    here.set_nodelay(true).unwrap();
    SockRef::from(here).set_send_buffer_size(4096).unwrap();
}

/// Samples that no other block has.
fn samples(number: u64) -> Vec<i16> {
    (0..BLOCK as i16).map(|n| n * 10 + number as i16).collect()
}

const SILENCE: [u8; adpcm::LENGTH] = [0; adpcm::LENGTH];

/// A reader that has read the header.
fn reader() -> AsfReader {
    let mut reader = AsfReader::default();
    assert_eq!(reader.feed(&asf::header(Streams { size: Size::VGA, sound: true })), Ok(Vec::new()));
    reader
}

/// Reads until enough has come, beside the silence that leads in.
async fn read(there: &mut TcpStream, reader: &mut AsfReader, enough: impl Fn(&[AsfObject]) -> bool) -> Vec<AsfObject> {
    let (mut objects, mut buffer) = (Vec::new(), vec![0; 4096]);
    while !enough(&objects) {
        let read = timeout(Duration::from_secs(5), there.read(&mut buffer)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing more came after {} objects", objects.len())).unwrap();
        assert!(read > 0, "the end, after {} objects", objects.len());
        objects.extend(reader.feed(&buffer[..read]).unwrap().into_iter().filter(|object| object.bytes != SILENCE));
    }
    objects
}

fn of(objects: &[AsfObject], kind: AsfKind) -> Vec<&AsfObject> {
    objects.iter().filter(|object| object.kind == kind).collect()
}

/// Panics unless the sound is exactly these blocks, each presented when it was captured.
#[track_caller]
fn is_sound(objects: &[AsfObject], numbers: Range<u64>) {
    let sound = of(objects, AsfKind::Sound);
    let expected: Vec<_> = numbers.clone().map(|number| adpcm::encode(&samples(number)).to_vec()).collect();
    let got: Vec<_> = sound.iter().map(|object| expected.iter().position(|block| *block == object.bytes)).collect();
    assert_eq!(got, (0..expected.len()).map(Some).collect::<Vec<_>>());
    for (n, object) in sound.iter().enumerate() {
        let presented = f64::from(object.presentation - sound[0].presentation);
        assert!((presented - 63.125 * n as f64).abs() <= 1.0, "block {n} is presented after {presented} ms");
    }
}

#[tokio::test]
async fn who_takes_half_of_the_pictures_hears_every_block_once_and_in_order() {
    let stage = Stage::new();
    let mut there = stage.join(Form::Asf(Box::new(stage.asf(Pace::from_code("11"))))).await;
    // Ten pictures a second, of which he takes five.
    for n in 0..10 {
        stage.show(n + 1, n * 100, 2000).await;
        stage.say(n * 3 / 2..(n + 1) * 3 / 2).await;
    }
    let objects = read(&mut there, &mut reader(), |objects| objects.len() == 5 + 15).await;
    is_sound(&objects, 0..15);
    let pictures: Vec<_> = of(&objects, AsfKind::Picture).iter().map(|picture| picture.bytes[0]).collect();
    assert_eq!(pictures, [1, 3, 5, 7, 9]);
    let all: Vec<_> = of(&objects, AsfKind::Picture).iter().map(|picture| picture.presentation).collect();
    assert!(all.windows(2).all(|pair| pair[1] - pair[0] == 200), "{all:?}");
    assert_eq!(stage.house.counters.missed.get(), 0);
}

#[tokio::test]
async fn silence_leads_in_before_the_first_sound_alone() {
    for picture_first in [false, true] {
        let stage = Stage::new();
        let mut there = stage.join_over(Form::Asf(Box::new(stage.asf(Pace::FULL))), little).await;
        if picture_first {
            stage.show(1, 0, 100_000).await;
        }
        stage.say(0..2).await;
        let (mut reader, mut bytes, mut sound) = (reader(), vec![0; 4096], Vec::new());
        while sound.len() < 10 {
            let read = timeout(Duration::from_secs(5), there.read(&mut bytes)).await.unwrap().unwrap();
            let objects = reader.feed(&bytes[..read]).unwrap();
            sound.extend(objects.into_iter().filter(|object| object.kind == AsfKind::Sound));
        }
        assert!(sound[..8].iter().all(|object| object.bytes == SILENCE));
        is_sound(&sound[8..], 0..2);
        assert_eq!(sound[8].presentation - sound[0].presentation, 505);
    }
}

#[tokio::test]
async fn sound_goes_on_between_the_packets_of_a_picture_that_a_slow_viewer_takes() {
    const LARGE: usize = 500_000;
    let stage = Stage::new();
    let mut there = stage.join_over(Form::Asf(Box::new(stage.asf(Pace::FULL))), little).await;
    let (mut reader, mut objects) = (reader(), Vec::new());
    stage.show(1, 0, LARGE).await;
    filled(&there).await;
    for n in 0..20 {
        stage.say(n..n + 1).await;
        stage.show(n + 2, n * 63, 2000).await;
        if n % 10 == 9 {
            objects.extend(read(&mut there, &mut reader, |objects| objects.len() >= 10).await);
        }
    }
    assert_eq!(of(&objects, AsfKind::Picture).len(), 0, "the picture came whole before its turn");
    objects.extend(read(&mut there, &mut reader, |objects| of(objects, AsfKind::Picture).len() == 2).await);
    is_sound(&objects, 0..20);
    let pictures: Vec<_> = of(&objects, AsfKind::Picture);
    assert_eq!(pictures[0].bytes.len(), LARGE);
    assert!(pictures[0].sent.1 > pictures[0].sent.0, "its packets are not stamped anew");
    assert_eq!(pictures[1].bytes[0], 21, "the newest comes next");
}

#[tokio::test]
async fn sound_that_found_no_room_is_not_overtaken_and_what_falls_out_of_the_ring_is_counted() {
    let stage = Stage::new();
    let mut seen = stage.join_over(Form::Asf(Box::new(stage.asf(Pace::FULL))), little).await;
    let mut heard = stage.join_over(stage.wav(Codec::Ulaw), little).await;
    // They take nothing, and more is said than their sockets hold.
    for number in 0..20 {
        stage.say(number..number + 1).await;
    }
    let mut reader = reader();
    let objects = read(&mut seen, &mut reader, |objects| objects.len() == 20).await;
    is_sound(&objects, 0..20);
    let mut bytes = vec![0; 20 * BLOCK];
    timeout(Duration::from_secs(5), heard.read_exact(&mut bytes)).await.unwrap().unwrap();
    let mut expected = Vec::new();
    (0..20).for_each(|number| Codec::Ulaw.encode(&samples(number), &mut expected));
    assert!(bytes == expected, "not what was said");
    assert_eq!(stage.house.counters.missed.get(), 0);
    drop(heard);
    for number in 20..120 {
        stage.say(number..number + 1).await;
    }
    let last = adpcm::encode(&samples(119));
    let objects = read(&mut seen, &mut reader, |objects| objects.last().is_some_and(|it| it.bytes == last)).await;
    let missed = stage.house.counters.missed.get();
    assert!(missed > 5, "{missed}");
    assert_eq!(objects.len() as u64, 100 - missed);
}

#[tokio::test]
async fn of_a_slow_picture_a_viewer_owns_some_packets_and_fewer_while_sound_waits() {
    let stage = Stage::new();
    let (mut asf, mut view) = (stage.asf(Pace::FULL), stage.house.view());
    // The first silence.
    asf.lead_in(stage.begin).unwrap();
    stage.show(1, 0, 61_200).await;
    let mut own = Own { bytes: Vec::new(), done: 0, picture: Some((view.next().await.unwrap(), 0)) };
    let mut owned = Vec::new();
    for (number, sounds) in [(0, 0), (0, 1), (1, 3), (4, 20), (24, 0)] {
        (number..number + sounds).for_each(|number| stage.house.hub.sound.publish(stage.block(number)));
        asf.refill(&mut own).unwrap();
        owned.push(own.bytes.len() / PACKET);
    }
    assert_eq!(owned, [12, 1 + 6, 3 + 3, 20 + 1, 12]);
    while own.picture.as_ref().unwrap().1 < 100 {
        asf.refill(&mut own).unwrap();
    }
    asf.refill(&mut own).unwrap();
    assert!(own.bytes.is_empty(), "more packets than the picture has");
}

#[tokio::test]
async fn who_listens_alone_watches_nothing_and_gets_the_samples_as_they_are() {
    let stage = Stage::new();
    let mut there = stage.join(stage.wav(Codec::Pcm)).await;
    assert!(!stage.house.hub.watched() && stage.house.hub.sound.listened());
    stage.say(0..3).await;
    let mut bytes = vec![0; 3 * 2 * BLOCK];
    timeout(Duration::from_secs(5), there.read_exact(&mut bytes)).await.unwrap().unwrap();
    let expected: Vec<_> = (0..3).flat_map(samples).flat_map(i16::to_le_bytes).collect();
    assert!(bytes == expected, "not what was said");
    drop(there);
    // Whoever has left is missed at the second word.
    let gone = async {
        for number in 3.. {
            stage.say(number..number + 1).await;
            if !stage.house.hub.sound.listened() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(5), gone).await.expect("still listened to");
}

#[tokio::test]
async fn who_comes_after_the_microphone_hears_it_beside_those_who_came_before() {
    let house = House::new();
    let stage = Stage { house, begin: Instant::now() };
    let doors = stage.house.fans.doors[0].len();
    let mut silent = Vec::new();
    for _ in 0..doors {
        silent.push(stage.join(Form::Asf(Box::new(stage.asf(Pace::FULL)))).await);
    }
    stage.house.hub.sound.appear();
    let mut heard = Vec::new();
    for _ in 0..doors {
        heard.push(stage.join(Form::Asf(Box::new(stage.asf(Pace::FULL)))).await);
    }
    stage.say(0..2).await;
    for there in &mut heard {
        is_sound(&read(there, &mut reader(), |objects| objects.len() == 2).await, 0..2);
    }
    for there in &mut silent {
        assert!(timeout(Duration::from_millis(20), there.read(&mut [0])).await.is_err(), "there is no sound in it");
    }
}

#[tokio::test]
async fn when_the_hours_begin_sound_ends_with_the_pictures_and_nobody_hears_it_after_them() {
    let stage = Stage::new();
    let mut seen = stage.join(Form::Asf(Box::new(stage.asf(Pace::FULL)))).await;
    let mut heard = stage.join(stage.wav(Codec::Pcm)).await;
    let early = stage.wav(Codec::Pcm);
    stage.say(0..1).await;
    stage.house.hours.forbid(true);
    timeout(Duration::from_secs(5), async {
        while stage.house.hub.watched() {
            stage.say(1..2).await;
        }
    })
    .await
    .expect("somebody watches");
    stage.house.hours.forbid(false);
    stage.house.hours.wait_out_the_guard().await;
    let mut late = stage.join(stage.wav(Codec::Pcm)).await;
    let mut refused = stage.join(early).await;
    let now = Block { captured: Instant::now(), ..stage.block(2) };
    stage.house.hub.sound.publish(now);
    // Eight of silence lead in; what was not taken is thrown away.
    assert!(read_out(&mut seen).await.0 <= 9 * PACKET as u64);
    assert!(read_out(&mut heard).await.0 <= 2 * BLOCK as u64);
    assert_eq!(read_out(&mut refused).await.0, 0);
    let mut bytes = vec![0; 2 * BLOCK];
    timeout(Duration::from_secs(5), late.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert!(bytes == samples(2).into_iter().flat_map(i16::to_le_bytes).collect::<Vec<_>>());
}

#[tokio::test]
async fn whoever_joins_after_a_picture_gets_the_next_one_in_every_form_that_has_pictures() {
    let stage = Stage::new();
    stage.show(1, 0, 2000).await;
    // More than there are doors: some come to a new fan, some to one that has shown pictures already.
    let mut stay = Vec::new();
    for number in 2..20 {
        let mut seen = stage.join(Form::Asf(Box::new(stage.asf(Pace::FULL)))).await;
        let mut shown = stage.house.join(stage.house.view(), &stage.house.user).await;
        stage.show(number, 100 * number, 2000).await;
        let objects = read(&mut seen, &mut reader(), |objects| !objects.is_empty()).await;
        assert_eq!(objects.iter().map(|it| it.bytes[0]).collect::<Vec<_>>(), [number as u8]);
        let head = *b"--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: 2000\r\n\r\n";
        let mut bytes = vec![0; head.len() + 2000];
        timeout(Duration::from_secs(5), shown.read_exact(&mut bytes)).await.expect("no picture").unwrap();
        assert!(bytes.starts_with(&head), "{:?}", String::from_utf8_lossy(&bytes[..head.len()]));
        assert!(bytes[head.len()..].iter().all(|byte| *byte == number as u8), "not the next one");
        stay.extend([seen, shown]);
    }
}
