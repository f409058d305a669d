//! The sound of an AVI file, in step with its pictures.
//!
//! It reads the file for itself and leaves the pictures out. So it does not matter how far picture and sound of a moment
//! are apart in the file, memory holds no more than what was read last, and nothing is read while nobody hears.

use std::{path::PathBuf, time::Duration};

use lookout_core::{
    media::{
        avi::{self, Piece},
        sound::{self, Chunk},
    },
    port::{Lost, Microphone, Promise},
};
use tokio::{
    fs::File,
    io::AsyncReadExt,
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::source::pace::{LATE, PIECES};

/// What has not been read so long after it was due is silent, or the sound service would give the file up.
const PATIENCE: Duration = Duration::from_millis(100);

/// One time round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lap {
    pub(super) number: u64,
    /// When its first picture and its first sample are due. Pictures that are held up move it.
    pub(super) start: Instant,
}

/// The microphone.
pub(super) struct Ear {
    film: Film,
    laps: watch::Receiver<Option<Lap>>,
    /// The lap that is heard.
    lap: Option<Lap>,
    /// How many samples a channel of it were handed over, or left out.
    next: u64,
}

/// The file, read for one lap.
struct Film {
    path: PathBuf,
    /// None once it has ended or cannot be read on: the rest of the lap is silent.
    file: Option<File>,
    reader: avi::Reader,
    buffer: Vec<u8>,
    sound: avi::Sound,
    /// Samples that wait for their time, channels interleaved.
    waiting: Vec<i16>,
    /// How many samples, of all channels, come too late when they are read.
    missed: u64,
}

impl Ear {
    /// Makes one for a file, whose laps are told.
    pub(super) fn new(path: PathBuf, sound: avi::Sound, laps: watch::Receiver<Option<Lap>>) -> Self {
        let (reader, buffer, waiting) = (avi::Reader::of_sound(), Vec::new(), Vec::new());
        let film = Film { path, file: None, reader, buffer, sound, waiting, missed: 0 };
        Self { film, laps, lap: None, next: 0 }
    }

    async fn next(&mut self) -> Result<Chunk, Lost> {
        let gone = |_| Lost("the file is not played any more".into());
        loop {
            let Some(told) = *self.laps.wait_for(Option::is_some).await.map_err(gone)? else { continue };
            let piece = self.film.piece();
            match self.lap {
                Some(lap) if lap.number == told.number => {}
                Some(lap) if self.left_of(lap, told) > 0 => {
                    let count = self.left_of(lap, told).min(piece as u64);
                    return Ok(self.take(lap, count as usize));
                }
                _ => {
                    self.film.begin().await?;
                    self.next = 0;
                }
            }
            let lap = *self.lap.insert(told);
            let due = self.at(lap, self.next + piece as u64);
            if self.film.held() < piece && self.film.file.is_some() {
                tokio::select! {
                    biased;
                    told = self.laps.changed() => {
                        told.map_err(gone)?;
                        continue;
                    }
                    read = self.film.read() => {
                        read?;
                        continue;
                    }
                    () = sleep_until(due + PATIENCE) => {}
                }
            }
            if Instant::now().saturating_duration_since(due) > LATE {
                self.take(lap, piece);
                continue;
            }
            tokio::select! {
                biased;
                told = self.laps.changed() => told.map_err(gone)?,
                () = sleep_until(due) => return Ok(self.take(lap, piece)),
            }
        }
    }

    /// How much of a lap was due before the next one began, in samples a channel; none if that is too late.
    fn left_of(&self, lap: Lap, next: Lap) -> u64 {
        let length = next.start.saturating_duration_since(lap.start).as_nanos();
        let end = length * u128::from(self.film.sound.rate) / 1_000_000_000;
        let left = u64::try_from(end).unwrap_or(u64::MAX).saturating_sub(self.next);
        if next.start.elapsed() > LATE { 0 } else { left }
    }

    /// When a sample is due.
    fn at(&self, lap: Lap, sample: u64) -> Instant {
        lap.start + Duration::from_secs(sample) / self.film.sound.rate
    }

    /// Goes on by so many samples a channel.
    fn take(&mut self, lap: Lap, count: usize) -> Chunk {
        let captured = self.at(lap, self.next).into_std();
        self.next += count as u64;
        let avi::Sound { rate, channels } = self.film.sound;
        Chunk { captured, rate, channels, samples: self.film.take(count) }
    }
}

impl Film {
    /// Begins at the file's beginning.
    async fn begin(&mut self) -> Result<(), Lost> {
        let file = File::open(&self.path).await.map_err(|error| super::unreadable(&self.path, &error))?;
        (self.file, self.reader, self.missed) = (Some(file), avi::Reader::of_sound(), 0);
        self.waiting.clear();
        Ok(())
    }

    /// Reads on; nothing is lost if this is cancelled.
    async fn read(&mut self) -> Result<(), Lost> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.buffer.resize(64 << 10, 0);
        let length = file.read(&mut self.buffer).await.map_err(|error| super::unreadable(&self.path, &error))?;
        self.reader.feed(&self.buffer[..length]);
        loop {
            match self.reader.cut() {
                Ok(Some(Piece::Sound(samples))) => {
                    let missed = self.missed.min(samples.len() as u64);
                    self.missed -= missed;
                    self.waiting.extend_from_slice(&samples[missed as usize..]);
                }
                Ok(Some(Piece::Picture(_) | Piece::Repeat)) => {}
                Ok(None) if length > 0 => break,
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

    /// Takes so many samples a channel; what is not there is silence, and missed if it comes later.
    fn take(&mut self, count: usize) -> Vec<i16> {
        let count = count * usize::from(self.sound.channels);
        let there = count.min(self.waiting.len());
        let mut samples: Vec<i16> = self.waiting.drain(..there).collect();
        samples.resize(count, 0);
        self.missed += (count - there) as u64;
        samples
    }

    /// How many samples a channel are handed over at once.
    fn piece(&self) -> usize {
        (self.sound.rate / PIECES) as usize
    }

    /// How many samples a channel wait.
    fn held(&self) -> usize {
        self.waiting.len() / usize::from(self.sound.channels)
    }
}

impl Microphone for Ear {
    fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>> {
        Box::pin(self.next())
    }

    fn about(&self) -> String {
        let avi::Sound { rate, channels } = self.film.sound;
        format!("sound of the AVI file {}, {}", self.film.path.display(), sound::rate_and_channels(rate, channels))
    }
}

#[cfg(test)]
mod tests;
