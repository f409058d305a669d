//! The sound of an AVI file, in step with its pictures.
//!
//! It reads the file for itself and leaves the pictures out. So it does not matter how far picture and sound of a moment
//! are apart in the file, memory holds no more than what was read last, and nothing is read while nobody hears.

use std::{path::PathBuf, time::Duration};

use lookout_core::{
    media::{
        avi::{self, Piece},
        sound::Heard,
    },
    port::{Lost, Microphone, Promise},
};
use tokio::{
    fs::File,
    io::AsyncReadExt,
    sync::watch,
    time::{Instant, sleep_until},
};

/// How many pieces a second are handed over.
const PIECES: u32 = 25;
/// Sound that is later is left out.
const LATE: Duration = Duration::from_millis(250);

/// One time round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lap {
    pub(super) number: u64,
    /// When its first picture and its first sample are due. Pictures that are held up move it.
    pub(super) start: Instant,
}

/// The microphone.
pub(super) struct Ear {
    path: PathBuf,
    sound: avi::Sound,
    laps: watch::Receiver<Option<Lap>>,
    /// The lap that is heard.
    lap: Option<Lap>,
    /// The file, until it ends or cannot be read on.
    file: Option<File>,
    reader: avi::Reader,
    buffer: Vec<u8>,
    /// Samples that wait for their time, channels interleaved.
    waiting: Vec<i16>,
    /// How many samples a channel of the lap are before those.
    next: u64,
}

impl Ear {
    /// Makes one for a file, whose laps are told.
    pub(super) fn new(path: PathBuf, sound: avi::Sound, laps: watch::Receiver<Option<Lap>>) -> Self {
        let (reader, buffer, waiting) = (avi::Reader::of_sound(), Vec::new(), Vec::new());
        Self { path, sound, laps, lap: None, file: None, reader, buffer, waiting, next: 0 }
    }

    async fn next(&mut self) -> Result<Heard, Lost> {
        let gone = |_| Lost("the file is not played any more".into());
        loop {
            let told = self.laps.wait_for(Option::is_some).await.map_err(gone)?.to_owned();
            let Some(told) = told else { continue };
            let lap = match self.lap {
                Some(lap) if lap.number == told.number => *self.lap.insert(told),
                Some(lap) => {
                    // What of the lap before was due before this one.
                    let length = told.start.saturating_duration_since(lap.start);
                    let end = length.as_nanos() * u128::from(self.sound.rate) / 1_000_000_000;
                    let left = end.saturating_sub(self.next.into()).min(self.held() as u128) as usize;
                    if left > 0 && told.start.elapsed() <= LATE {
                        return Ok(self.take(lap, left.min(self.piece())));
                    }
                    self.begin(told).await?
                }
                None => self.begin(told).await?,
            };
            if self.held() < self.piece() && self.file.is_some() {
                self.read().await?;
                continue;
            }
            let count = self.held().min(self.piece());
            if count == 0 {
                self.laps.changed().await.map_err(gone)?;
                continue;
            }
            let due = self.at(lap, self.next + count as u64);
            if Instant::now().saturating_duration_since(due) > LATE {
                self.take(lap, count);
                continue;
            }
            tokio::select! {
                biased;
                told = self.laps.changed() => told.map_err(gone)?,
                () = sleep_until(due) => return Ok(self.take(lap, count)),
            }
        }
    }

    /// Begins a lap.
    async fn begin(&mut self, lap: Lap) -> Result<Lap, Lost> {
        let file = File::open(&self.path).await.map_err(|error| super::unreadable(&self.path, &error))?;
        (self.file, self.reader, self.next) = (Some(file), avi::Reader::of_sound(), 0);
        self.waiting.clear();
        Ok(*self.lap.insert(lap))
    }

    /// Reads on.
    async fn read(&mut self) -> Result<(), Lost> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.buffer.resize(64 << 10, 0);
        let length = file.read(&mut self.buffer).await.map_err(|error| super::unreadable(&self.path, &error))?;
        self.reader.feed(&self.buffer[..length]);
        loop {
            match self.reader.cut() {
                Ok(Some(Piece::Sound(samples))) => self.waiting.extend(samples),
                Ok(Some(Piece::Picture(_) | Piece::Repeat)) => {}
                Ok(None) if length > 0 => break,
                // The rest of the lap is silent.
                Ok(None) | Err(_) => {
                    self.file = None;
                    break;
                }
            }
        }
        if let Some(sound) = self.reader.head().and_then(|head| head.sound) {
            self.sound = sound;
        }
        Ok(())
    }

    /// When a sample is due.
    fn at(&self, lap: Lap, sample: u64) -> Instant {
        lap.start + Duration::from_secs(sample) / self.sound.rate
    }

    /// How many samples a channel are handed over at once.
    fn piece(&self) -> usize {
        (self.sound.rate / PIECES) as usize
    }

    /// How many samples a channel wait.
    fn held(&self) -> usize {
        self.waiting.len() / usize::from(self.sound.channels)
    }

    fn take(&mut self, lap: Lap, count: usize) -> Heard {
        let avi::Sound { rate, channels } = self.sound;
        let captured = self.at(lap, self.next).into_std();
        self.next += count as u64;
        let samples = self.waiting.drain(..count * usize::from(channels)).collect();
        Heard { captured, rate, channels, samples }
    }
}

impl Microphone for Ear {
    fn hear(&mut self) -> Promise<'_, Result<Heard, Lost>> {
        Box::pin(self.next())
    }

    fn about(&self) -> String {
        let avi::Sound { rate, channels } = self.sound;
        let plural = if channels == 1 { "" } else { "s" };
        format!("sound of the AVI file {}, {rate} Hz, {channels} channel{plural}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
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
        let mut chunks: Vec<_> =
            pictures.into_iter().enumerate().map(|(at, it)| (2 * at + 1, (*b"00dc", it))).collect();
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

    /// What is to be heard when laps of 4000 samples hold these many, of which some are silent.
    fn laps(count: u64, samples: u64) -> Vec<(u64, i16)> {
        (0..count).flat_map(|lap| (0..samples.min(4000)).map(move |n| (lap * 4000 + n, n as i16 + 1))).collect()
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
            assert!(heard == laps(4, 4000), "{} samples", heard.len());
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
            let wanted: Vec<_> =
                laps(4, samples as u64).into_iter().filter(|(at, _)| *at < heard.last().unwrap().0 + 1).collect();
            assert!(heard == wanted, "{samples}: {} samples, not {}", heard.len(), wanted.len());
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
        let (at, _) = heard[0];
        assert!((60_150 * 8..60_450 * 8).contains(&at), "{at}");
        assert!(heard == laps(122, 4000)[at as usize..], "{} samples from {at}", heard.len());
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
        let heard = microphone.hear().await.unwrap();
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
        let wanted: Vec<_> =
            (0..5_u64).flat_map(|lap| (0..1600).map(move |n| (lap * 1600 + n, n as i16 + 1))).collect();
        assert!(heard == wanted, "{} samples", heard.len());
    }

    #[tokio::test]
    async fn a_file_without_sound_has_no_microphone() {
        let folder = tempfile::tempdir().unwrap();
        let picture = jpeg(Size::QQVGA);
        for (name, content) in [("silent.avi", avi(25, &[&picture])), ("one.jpg", picture.to_vec())] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            assert!(open(&path, wanted(1.0)).await.unwrap().microphone().is_none(), "{name}");
        }
    }
}
