use std::path::Path;

use lookout_core::media::frame::Size;

use super::*;
use crate::source::{
    files::open,
    testing::{avi, jpeg, talkie, wanted},
};

const MS: Duration = Duration::from_millis(1);

/// Half a second: five pictures, of which one is repeated, and `samples` that count from 1.
fn clip(samples: i16, place: fn(usize) -> usize) -> Vec<u8> {
    let sound: Vec<u8> = (1..=samples).flat_map(i16::to_le_bytes).collect();
    let picture = jpeg(Size::QQVGA).to_vec();
    let pictures = [picture.clone(), picture.clone(), Vec::new(), picture.clone(), picture];
    let mut chunks: Vec<_> = pictures.into_iter().enumerate().map(|(at, it)| (2 * at + 1, (*b"00dc", it))).collect();
    // Parts as long as a picture lasts; the last takes the rest.
    for part in 0..5 {
        let end = if part < 4 { 1600 * (part + 1) } else { sound.len() };
        let range = (1600 * part).min(sound.len())..end.min(sound.len());
        chunks.push((place(part), (*b"01wb", sound[range].to_vec())));
    }
    chunks.sort_by_key(|(at, _)| *at);
    talkie(10, Some((8000, 1)), &chunks.into_iter().map(|(_, chunk)| chunk).collect::<Vec<_>>())
}

fn interleaved(part: usize) -> usize {
    2 * part
}

/// Opens a file and grabs on and on; gives the microphone, and when each picture was due.
async fn play(
    path: &Path,
) -> (Box<dyn Microphone>, watch::Receiver<Vec<std::time::Instant>>, tokio::task::JoinHandle<()>) {
    let mut source = open(path, wanted(1.0)).await.unwrap();
    let microphone = source.microphone().unwrap();
    assert!(source.microphone().is_none(), "it is given once");
    let (told, grabbed) = watch::channel(Vec::new());
    let task = tokio::spawn(async move {
        while let Ok(picture) = source.grab().await {
            told.send_modify(|all| all.push(picture.captured));
        }
    });
    (microphone, grabbed, task)
}

/// Hears until there is that much, in ms since the first picture: when each sample was captured, in samples.
async fn hear(
    microphone: &mut Box<dyn Microphone>,
    until: u64,
    grabbed: &mut watch::Receiver<Vec<std::time::Instant>>,
) -> Vec<(u64, i16)> {
    let first = grabbed.wait_for(|all| !all.is_empty()).await.unwrap()[0];
    let mut samples = Vec::new();
    loop {
        let heard = tokio::time::timeout(5000 * MS, microphone.hear()).await.expect("the next lap").unwrap();
        assert_eq!((heard.rate, heard.channels), (8000, 1));
        assert!((1..=320).contains(&heard.samples.len()));
        let at = (heard.captured - first).as_nanos() as u64 * 8 / 1_000_000;
        let end = at + heard.samples.len() as u64;
        let now = Instant::now().into_std();
        assert!(heard.captured + heard.samples.len() as u32 * MS / 8 <= now + MS, "it was heard already");
        samples.extend((at..).zip(heard.samples));
        if end >= until * 8 {
            return samples;
        }
    }
}

/// What is to be heard of laps of so many samples, of which some are there and the others silent.
fn laps(length: u64, there: i16) -> impl Iterator<Item = (u64, i16)> {
    let sample = move |at| i16::try_from(at % length + 1).ok().filter(|sample| *sample <= there).unwrap_or(0);
    (0..).map(move |at| (at, sample(at)))
}

/// Compares what is heard.
#[track_caller]
fn is_heard(heard: &[(u64, i16)], wanted: impl Iterator<Item = (u64, i16)>) {
    let wrong = heard.iter().zip(wanted).find(|(heard, wanted)| **heard != *wanted);
    assert!(wrong.is_none(), "{wrong:?} of {}", heard.len());
}

#[tokio::test(start_paused = true)]
async fn sound_is_in_step_with_the_pictures_wherever_it_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    for place in [interleaved, |_| 0, |_| 99, |part| 2 * part + 7] {
        std::fs::write(&path, clip(4000, place)).unwrap();
        let (mut microphone, mut grabbed, _playing) = play(&path).await;
        assert!(microphone.about().ends_with("clip.avi, 8000 Hz, 1 channel"), "{}", microphone.about());
        let heard = hear(&mut microphone, 2000, &mut grabbed).await;
        is_heard(&heard, laps(4000, 4000));
        let grabbed = grabbed.borrow();
        assert!(grabbed.iter().zip(0..).all(|(at, number)| *at - grabbed[0] == 100 * MS * number));
    }
}

#[tokio::test(start_paused = true)]
async fn sound_that_is_shorter_or_longer_than_the_pictures_begins_again_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    for samples in [2000, 3990, 6000] {
        std::fs::write(&path, clip(samples, interleaved)).unwrap();
        let (mut microphone, mut grabbed, _playing) = play(&path).await;
        let heard = hear(&mut microphone, 1740, &mut grabbed).await;
        is_heard(&heard, laps(4000, samples));
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_to_hear_late_hears_what_is_played_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    std::fs::write(&path, clip(4000, interleaved)).unwrap();
    let (mut microphone, mut grabbed, _playing) = play(&path).await;
    tokio::time::sleep(60_450 * MS).await;
    let heard = hear(&mut microphone, 61_000, &mut grabbed).await;
    assert!((60_200 * 8..60_450 * 8).contains(&heard[0].0), "{:?}", heard[0]);
    // What was overdue before it could be read is silent.
    let read = heard.iter().position(|(_, sample)| *sample != 0).unwrap();
    let (at, _) = heard[read];
    assert!(at < 60_450 * 8, "{at}");
    is_heard(&heard[read..], laps(4000, 4000).skip(at as usize));
}

#[tokio::test(start_paused = true)]
async fn pictures_that_were_held_up_hold_the_sound_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    std::fs::write(&path, clip(4000, interleaved)).unwrap();
    let mut source = open(&path, wanted(1.0)).await.unwrap();
    let mut microphone = source.microphone().unwrap();
    let first = source.grab().await.unwrap().captured;
    for _ in 0..2 {
        source.grab().await.unwrap();
    }
    // The one that was due at 300 comes at 600.
    tokio::time::advance(400 * MS).await;
    assert_eq!(source.grab().await.unwrap().captured - first, 600 * MS);
    let mut heard = microphone.hear().await.unwrap();
    while heard.samples[0] == 0 {
        heard = microphone.hear().await.unwrap();
    }
    let number = u32::from(heard.samples[0].unsigned_abs()) - 1;
    assert_eq!(heard.captured - first, 300 * MS + number * MS / 8);
    drop(source);
    assert_eq!(microphone.hear().await.unwrap_err(), Lost("the file is not played any more".into()));
}

#[tokio::test(start_paused = true)]
async fn sound_behind_damage_is_silent_and_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    let mut clip = clip(4000, interleaved);
    // Where the third part of the sound begins.
    let at = clip.windows(4).enumerate().filter(|(_, name)| name == b"01wb").nth(2).unwrap().0;
    clip.truncate(at);
    clip.extend([0xff; 99]);
    std::fs::write(&path, clip).unwrap();
    let (mut microphone, mut grabbed, _playing) = play(&path).await;
    let heard = hear(&mut microphone, 1000, &mut grabbed).await;
    // Two pictures a lap are left, and as much sound.
    is_heard(&heard, laps(1600, 1600));
}

#[tokio::test(start_paused = true)]
async fn a_long_silence_in_the_file_is_heard_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    let picture = jpeg(Size::QQVGA).to_vec();
    let mut chunks = vec![(*b"01wb", [7_i16.to_le_bytes(); 1000].concat())];
    chunks.extend((0..50).map(|_| (*b"00dc", picture.clone())));
    std::fs::write(&path, talkie(10, Some((8000, 1)), &chunks)).unwrap();
    let (mut microphone, mut grabbed, _playing) = play(&path).await;
    let begin = Instant::now();
    let heard = hear(&mut microphone, 12_000, &mut grabbed).await;
    assert_eq!(begin.elapsed().as_millis(), 12_000, "each at its time");
    is_heard(&heard, (0..).map(|at| (at, if at % 40_000 < 1000 { 7 } else { 0 })));
}

#[tokio::test]
async fn what_is_read_too_late_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.avi");
    let sound: Vec<u8> = (1..=2000_i16).flat_map(i16::to_le_bytes).collect();
    std::fs::write(&path, talkie(10, Some((8000, 2)), &[(*b"01wb", sound)])).unwrap();
    let mut film = Ear::new(path, avi::Sound { rate: 8000, channels: 2 }, watch::channel(None).1).film;
    film.begin().await.unwrap();
    assert_eq!(film.take(3), [0; 6], "not read yet");
    film.read().await.unwrap();
    assert_eq!(film.take(1), [7, 8]);
    assert_eq!(film.take(996)[1991], 2000);
    assert_eq!((film.held(), film.take(1)), (0, vec![0, 0]));
}

#[tokio::test]
async fn a_file_without_sound_that_can_be_played_has_no_microphone() {
    let folder = tempfile::tempdir().unwrap();
    let picture = jpeg(Size::QQVGA);
    let slow = talkie(25, Some((3000, 1)), &[(*b"00dc", picture.to_vec()), (*b"01wb", vec![1; 240])]);
    let silent = avi(25, &[&picture]);
    for (name, content) in [("silent.avi", silent), ("slow.avi", slow), ("one.jpg", picture.to_vec())] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        assert!(open(&path, wanted(1.0)).await.unwrap().microphone().is_none(), "{name}");
    }
}
