//! Pictures and sound as a player gets them (PROFILE 5.3): every byte of the stream is checked.

use std::{
    io::Read,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use lookout_testkit::{
    AsfHead, AsfKind, AsfObject, AsfReader, Camera, Client, Conn, FakeCamera, Mode, PATIENCE, Picture, Setup,
    eventually,
};

use crate::{LOOKOUT, shared, showing, tls};

/// Somebody who watches and listens.
struct Player<C> {
    conn: C,
    reader: AsfReader,
    objects: Vec<AsfObject>,
}

impl Player<Conn> {
    fn open(client: &Client, target: &str) -> Self {
        Self::on(client, client.connect(), target)
    }

    fn on(client: &Client, mut conn: Conn, target: &str) -> Self {
        conn.write(client.request("GET", target));
        Self::over(conn)
    }
}

impl<C: Read> Player<C> {
    /// Reads the head of the answer.
    fn over(mut conn: C) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(conn.read(&mut byte).unwrap(), 1, "{:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"), "{:?}", String::from_utf8_lossy(&head));
        Self { conn, reader: AsfReader::default(), objects: Vec::new() }
    }

    /// Reads once, at most so many bytes.
    fn read(&mut self, most: usize) {
        let mut buffer = vec![0; most];
        let read = self.conn.read(&mut buffer).unwrap_or_else(|error| panic!("nothing more came: {error}"));
        assert!(read > 0, "the end");
        self.objects.extend(self.reader.feed(&buffer[..read]).unwrap());
    }

    fn head(&mut self) -> AsfHead {
        while self.reader.head().is_none() {
            self.read(64);
        }
        self.reader.head().unwrap().clone()
    }

    fn of(&self, kind: AsfKind) -> Vec<&AsfObject> {
        self.objects.iter().filter(|object| object.kind == kind).collect()
    }

    /// Returns the numbers of the demo scene's pictures.
    fn numbers(&self) -> Vec<u32> {
        self.of(AsfKind::Picture).iter().filter_map(|object| Picture::decode(&object.bytes).number()).collect()
    }

    /// Returns how many blocks are missing between the first and the last; panics if one is presented at no block's time.
    #[track_caller]
    fn missing(&self) -> usize {
        let sound = self.of(AsfKind::Sound);
        let at = sound.iter().map(|object| f64::from(object.presentation - sound[0].presentation));
        let numbers: Vec<_> = at.clone().map(|at| (at / 63.125).round()).collect();
        let off = at.zip(&numbers).map(|(at, number)| (at - number * 63.125).abs()).fold(0.0, f64::max);
        assert!(off <= 1.0 && numbers.is_sorted_by(|one, next| one < next), "{numbers:?}, {off} ms off");
        *numbers.last().unwrap() as usize + 1 - numbers.len()
    }
}

#[test]
fn what_a_player_of_half_the_rate_gets_is_half_of_the_pictures_and_all_of_the_sound() {
    let camera = shared();
    // With the first picture there is a microphone.
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    let mut player = Player::open(&camera.viewer(), "/videostream.asf?rate=3");
    let head = player.head();
    assert_eq!((head.size, head.sound), ((160, 120), true));
    while player.of(AsfKind::Sound).len() < 32 {
        player.read(1000);
    }
    let first = player.objects.iter().map(|object| object.presentation).min().unwrap();
    assert!(first < 1000, "times begin at {first} ms");
    assert_eq!(player.missing(), 0);
    let numbers = player.numbers();
    let spacing = f64::from(numbers[numbers.len() - 1] - numbers[0]) / (numbers.len() - 1) as f64;
    assert!(numbers.len() >= 10 && (1.8..2.5).contains(&spacing), "pictures {numbers:?}");
}

#[test]
fn over_tls_a_player_gets_the_same() {
    let camera = Camera::setup(&Setup { binary: LOOKOUT, config: "", source: "demo:?size=320x240&fps=30", tls: true });
    assert_eq!(camera.viewer().get("/snapshot.cgi").status, 200);
    let request = camera.viewer().request("GET", "/videostream.asf?resolution=2");
    let mut player = Player::over(tls::send(&camera, &request, &Arc::default()));
    let head = player.head();
    assert_eq!((head.size, head.sound), ((160, 120), true));
    while player.of(AsfKind::Sound).len() < 8 || player.of(AsfKind::Picture).len() < 5 {
        player.read(1000);
    }
    player.missing();
}

#[test]
fn the_header_is_there_before_any_picture_and_of_the_size_that_is_expected() {
    let source = FakeCamera::start();
    source.set(Mode::Hang);
    let camera = showing(&source.url(), "[source]\nsize = \"1280x960\"\nstall_s = 60\n");
    let mut player = Player::open(&camera.viewer(), "/videostream.asf?resolution=8");
    let head = player.head();
    assert_eq!((head.size, head.sound), ((320, 240), false));
    assert!(player.objects.is_empty());
    assert_eq!(camera.metric("lookout_frames_captured_total"), 0.0);
}

#[test]
fn on_a_slow_line_pictures_are_lost_and_no_sound() {
    let camera = showing("demo:?size=640x480&fps=30", "");
    let client = camera.viewer();
    assert_eq!(client.get("/snapshot.cgi").status, 200);
    let conn = client.connect();
    conn.receive_little(32 * 1024);
    let mut player = Player::on(&client, conn, "/videostream.asf");
    let begin = Instant::now();
    // A tenth of what the pictures would take.
    while player.of(AsfKind::Sound).len() < 48 {
        player.read(4096);
        assert!(begin.elapsed() < PATIENCE, "{} objects came", player.objects.len());
        thread::sleep(Duration::from_millis(40));
    }
    let (missing, missed) = (player.missing(), camera.metric("lookout_sound_missed_total"));
    assert_eq!((missing, missed), (0, 0.0));
    let numbers = player.numbers();
    assert!(numbers.windows(2).any(|pair| pair[1] - pair[0] > 3), "{numbers:?}: none was lost");
    let waited = player.of(AsfKind::Picture).iter().any(|picture| picture.sent.1 > picture.sent.0);
    assert!(waited, "sound went before no picture that had begun");
}

#[test]
fn who_takes_nothing_of_a_stream_with_sound_is_closed() {
    let camera = showing("demo:?size=640x480&fps=30", "[http]\nstall_s = 1\n");
    let client = camera.viewer();
    assert_eq!(client.get("/snapshot.cgi").status, 200);
    let stalled: Vec<_> = ["/videostream.asf", "/audio.wav"]
        .iter()
        .map(|road| {
            let mut conn = client.connect();
            conn.receive_little(2048);
            conn.write(client.request("GET", road));
            Player::over(conn)
        })
        .collect();
    // Theirs were there when they had the head; who asks has one as well.
    eventually("both are closed", || camera.metric("lookout_connections") == 1.0);
    drop(stalled);
}
