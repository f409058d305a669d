use proptest::prelude::*;

use super::*;

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let padding = &[0][..content.len() % 2];
    [&name[..], &(content.len() as u32).to_le_bytes(), content, padding].concat()
}

fn list(name: &[u8; 4], kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    chunk(name, &[kind, content].concat())
}

fn headers(codec: &[u8; 4], scale: u32, rate: u32) -> Vec<u8> {
    let mut main = [0; 56];
    main[0..4].copy_from_slice(&100_000u32.to_le_bytes());
    main[32..36].copy_from_slice(&640u32.to_le_bytes());
    main[36..40].copy_from_slice(&480u32.to_le_bytes());
    let mut stream = [0; 56];
    stream[0..8].copy_from_slice(&[b"vids", codec.as_slice()].concat());
    stream[20..24].copy_from_slice(&scale.to_le_bytes());
    stream[24..28].copy_from_slice(&rate.to_le_bytes());
    let sound = list(b"LIST", b"strl", &chunk(b"strh", b"auds"));
    let video = list(b"LIST", b"strl", &chunk(b"strh", &stream));
    list(b"LIST", b"hdrl", &[chunk(b"avih", &main), sound, video].concat())
}

/// A file with sound of 16 bits and two channels, in streams 0 and 2, of which only the first counts.
fn talkie(format: &[u8], content: &[u8]) -> Vec<u8> {
    let video = headers(b"MJPG", 1, 25);
    let sound = list(b"LIST", b"strl", &[chunk(b"strh", b"auds"), chunk(b"strf", format)].concat());
    let main = chunk(b"avih", &[0; 56]);
    let begin = video.windows(8).position(|bytes| &bytes[..4] == b"strh" && bytes[4] == 56).unwrap() - 12;
    let streams = [&main[..], &sound, &video[begin..], &sound].concat();
    list(b"RIFF", b"AVI ", &[list(b"LIST", b"hdrl", &streams), list(b"LIST", b"movi", content)].concat())
}

fn movi(pictures: &[&[u8]]) -> Vec<u8> {
    let chunks = pictures.iter().flat_map(|picture| [chunk(b"00wb", b"sound"), chunk(b"01dc", picture)].concat());
    list(b"LIST", b"movi", &chunks.collect::<Vec<u8>>())
}

/// Reads a file: its pictures, an empty one where one is repeated, and its sound.
fn read_all(mut reader: Reader, file: &[u8], step: usize) -> Result<(Vec<Bytes>, Vec<i16>, Reader), Bad> {
    let (mut pictures, mut sound) = (Vec::new(), Vec::new());
    for bytes in file.chunks(step) {
        reader.feed(bytes);
        while let Some(piece) = reader.cut()? {
            match piece {
                Piece::Picture(picture) => pictures.push(picture),
                Piece::Repeat => pictures.push(Bytes::new()),
                Piece::Sound(samples) => {
                    assert!(!samples.is_empty() && samples.len() <= SOUND, "{}", samples.len());
                    sound.extend(samples);
                }
            }
        }
    }
    Ok((pictures, sound, reader))
}

fn read(file: &[u8], step: usize) -> Result<(Vec<Bytes>, Option<Head>), Bad> {
    read_all(Reader::default(), file, step).map(|(pictures, _, reader)| (pictures, reader.head()))
}

#[test]
fn pictures_of_the_video_stream_come_out_in_order() {
    let first = list(
        b"RIFF",
        b"AVI ",
        &[
            headers(b"MJPG", 1, 25),
            list(b"LIST", b"INFO", b"whatever"),
            movi(&[b"one", b"", b"three"]),
            chunk(b"idx1", &[7; 33]),
        ]
        .concat(),
    );
    let file = [first, list(b"RIFF", b"AVIX", &movi(&[b"four"]))].concat();
    for step in [1, 5, 64, file.len()] {
        let (pictures, head) = read(&file, step).unwrap();
        assert_eq!(pictures, [&b"one"[..], b"", b"three", b"four"]);
        assert_eq!(head, Some(Head { size: Size::VGA, interval: Duration::from_millis(40), sound: None }));
    }
}

#[test]
fn wrong_list_lengths_and_a_cut_end_do_no_harm() {
    let mut file = list(b"RIFF", b"AVI ", &[headers(b"mjpg", 0, 0), movi(&[b"one", b"two"])].concat());
    file[4..8].fill(0);
    let at = file.windows(4).position(|name| name == b"movi").unwrap() - 4;
    file[at..at + 4].fill(0xff);
    let (pictures, head) = read(&file[..file.len() - 2], 10).unwrap();
    assert_eq!(pictures, [&b"one"[..]]);
    assert_eq!(head.unwrap().interval, Duration::from_millis(100), "from the main header");
}

#[test]
fn what_is_no_motion_jpeg_is_refused_in_words() {
    assert_eq!(read(b"\xff\xd8\xff\xe0 a picture", 99), Err(Bad::NotAvi));
    assert_eq!(read(&list(b"RIFF", b"WAVE", b"sound"), 99), Err(Bad::NotAvi));
    let h264 = list(b"RIFF", b"AVI ", &[headers(b"H264", 1, 25), movi(&[b"one"])].concat());
    assert_eq!(read(&h264, 99), Err(Bad::NotMotionJpeg("H264".into())));
    let huge = list(b"RIFF", b"AVI ", &[&headers(b"MJPG", 1, 25)[..], b"01dc\xff\xff\xff\x7f"].concat());
    assert_eq!(read(&huge, 99), Err(Bad::Damaged));
    let garbage = list(b"RIFF", b"AVI ", &[&headers(b"MJPG", 1, 25)[..], &[0xff; 90]].concat());
    assert_eq!(read(&garbage, 99), Err(Bad::Damaged));
}

#[test]
fn sound_of_the_first_stream_comes_out_in_order() {
    let format = sound::tests::format(1, 2, 44_100, 4, 16);
    let samples: Vec<i16> = (0..20_000).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let content = [
        chunk(b"00wb", &bytes[..4000]),
        chunk(b"01dc", b"one"),
        chunk(b"02wb", &[0xee; 16]),
        // A part of a sample at the end of a chunk is not heard.
        chunk(b"00wb", &[&bytes[4000..39_000], b"xyz"].concat()),
        chunk(b"00wb", b""),
        chunk(b"01dc", b"two"),
        chunk(b"00wb", &bytes[39_000..]),
    ];
    let file = talkie(&format, &content.concat());
    for step in [1, 7, 1000, file.len()] {
        let (pictures, sound, reader) = read_all(Reader::default(), &file, step).unwrap();
        assert_eq!(pictures, [&b"one"[..], b"two"]);
        assert!(sound == samples, "{step}");
        assert_eq!(reader.head().unwrap().sound, Some(Sound { rate: 44_100, channels: 2 }));
        assert_eq!(reader.unheard(), None);
        let (pictures, sound, _) = read_all(Reader::of_sound(), &file, step).unwrap();
        assert!(pictures.is_empty() && sound == samples, "{step}");
    }
}

#[test]
fn headers_in_the_midst_of_pictures_and_sound_change_nothing() {
    let format = |rate, channels| chunk(b"strf", &sound::tests::format(1, channels, rate, 2 * channels, 16));
    let too_long = [&b"strf"[..], &(LONGEST_HEADER + 2).to_le_bytes(), &[0; LONGEST_HEADER as usize + 2]].concat();
    let file = |between: &[u8]| {
        // The sound comes last, so that another format would be taken for its.
        let sound = [chunk(b"strh", b"auds"), format(8000, 1)].concat();
        let movi = [&chunk(b"02wb", b"1234"), between, &chunk(b"02wb", b"5678"), &chunk(b"01dc", b"one")].concat();
        list(b"RIFF", b"AVI ", &[headers(b"MJPG", 1, 25), sound, list(b"LIST", b"movi", &movi)].concat())
    };
    let known = |file: &[u8]| {
        let (pictures, sound, reader) = read_all(Reader::default(), file, 999).unwrap();
        (pictures, sound, reader.head())
    };
    let plain = known(&file(b""));
    assert_eq!(plain.1, [0x3231, 0x3433, 0x3635, 0x3837]);
    for between in [format(44_100, 2), headers(b"MJPG", 1, 5), too_long] {
        assert_eq!(known(&file(&between)), plain);
    }
}

#[test]
fn sound_is_heard_before_its_chunk_has_come_whole() {
    let file = talkie(&sound::tests::format(1, 1, 8000, 2, 16), b"00wb\xff\xff\xff\xff12345678");
    let (_, sound, reader) = read_all(Reader::default(), &file, 999).unwrap();
    assert_eq!(sound, [0x3231, 0x3433, 0x3635, 0x3837]);
    assert!(reader.buffer.len() < 10, "and is not kept");
}

#[test]
fn sound_that_cannot_be_decoded_is_left_out() {
    let format = sound::tests::format(0x55, 2, 44_100, 1, 0);
    let file = talkie(&format, &[chunk(b"00wb", b"mp3"), chunk(b"01dc", b"one")].concat());
    let (pictures, sound, reader) = read_all(Reader::default(), &file, 99).unwrap();
    assert_eq!((pictures, sound), (vec![Bytes::from_static(b"one")], vec![]));
    assert_eq!(reader.head().unwrap().sound, None);
    assert_eq!(reader.unheard(), Some("format 0x0055, 0 bits"));
}

proptest! {
    #[test]
    fn damage_never_panics(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        step in 1usize..50
    ) {
        let format = sound::tests::format(1, 1, 8000, 2, 16);
        let content = [chunk(b"00wb", b"sound"), chunk(b"01dc", b"one"), chunk(b"00wb", b"more")].concat();
        let mut file = talkie(&format, &content);
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let read = |step| {
            read_all(Reader::default(), &file, step).map(|(pictures, sound, reader)| (pictures, sound, reader.head()))
        };
        prop_assert_eq!(read(step), read(1000));
    }
}
