//! Raw sound from a program: signed 16-bit little-endian samples, channels interleaved, without a header.

use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, BytesMut};
use lookout_core::{
    media::sound::{self, Chunk},
    port::{Lost, Microphone, Promise},
};
use tokio::{
    task::spawn_blocking,
    time::{sleep_until, timeout},
};

use super::{
    line::{GAP, Line, Verdict},
    process::Process,
};

/// Bytes of a sample.
const SAMPLE: usize = 2;

/// How long the command may take until it writes: one that opens a network stream takes some seconds.
const START: Duration = Duration::from_secs(10);

/// Starts a command that writes raw sound at that rate, in samples a second and channel, and waits until it does. It may
/// write in bursts or faster than sound goes, as `cat` of a file does: then it is held back by its pipe.
///
/// Dropping the microphone ends the command and may take a moment.
///
/// # Errors
/// When no process can be started, or it ended or wrote nothing. That the command does not exist shows as its end, with
/// status 127.
pub async fn microphone(command: &str, rate: u32, channels: u16) -> Result<Box<dyn Microphone>, Lost> {
    let (rate, channels) = (rate.max(1), channels.max(1));
    let (process, line) = (Process::start(command)?, Line::new(rate));
    let mut sound = Sound { process, rate, channels, buffer: BytesMut::new(), line, dated: 0 };
    let silent = |_| Err(Lost(format!("the command has written nothing for {} s", START.as_secs())));
    if let Err(lost) = timeout(START, sound.read()).await.unwrap_or_else(silent) {
        // Ending it may take a moment, in which others go on.
        let _ = spawn_blocking(move || drop(sound)).await;
        return Err(lost);
    }
    Ok(Box::new(sound))
}

/// A running command that writes sound.
struct Sound {
    process: Process,
    rate: u32,
    channels: u16,
    /// At most [`GAP`] of sound, and a part of a sample.
    buffer: BytesMut,
    line: Line,
    /// How many samples a channel, at the beginning of `buffer`, are on the line.
    dated: usize,
}

impl Sound {
    /// How many bytes a sample of all channels has.
    fn frame(&self) -> usize {
        SAMPLE * usize::from(self.channels)
    }

    async fn read(&mut self) -> Result<(), Lost> {
        let most = (GAP.as_millis() as usize * self.rate as usize / 1000).max(1) * self.frame();
        self.buffer.reserve(most);
        self.process.read(&mut (&mut self.buffer).limit(most)).await
    }

    async fn next(&mut self) -> Result<Chunk, Lost> {
        let frame = self.frame();
        while self.dated == 0 {
            let count = self.buffer.len() / frame;
            if count == 0 {
                self.read().await?;
                continue;
            }
            match self.line.arrive(count, Instant::now()) {
                Verdict::Take => self.dated = count,
                Verdict::Wait(until) => sleep_until(until.into()).await,
                Verdict::Drop(count) => self.buffer.advance(count * frame),
            }
        }
        // Pieces of 20 to 40 ms, so that the last is none of a few samples.
        let piece = (self.rate as usize / 50).max(1);
        let count = if self.dated < 2 * piece { self.dated } else { piece };
        let captured = self.line.advance(count, Instant::now());
        self.dated -= count;
        let bytes = self.buffer.split_to(count * frame);
        let samples = bytes.as_chunks::<SAMPLE>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        Ok(Chunk { captured, rate: self.rate, channels: self.channels, samples })
    }
}

impl Microphone for Sound {
    fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>> {
        Box::pin(self.next())
    }

    fn about(&self) -> String {
        format!("{}, {}", self.process.about(), sound::rate_and_channels(self.rate, self.channels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears pieces until there are so many samples, or the end.
    async fn hear(microphone: &mut Box<dyn Microphone>, samples: usize) -> Result<Vec<Chunk>, Lost> {
        let mut pieces: Vec<Chunk> = Vec::new();
        while pieces.iter().map(|piece| piece.samples.len()).sum::<usize>() < samples {
            pieces.push(microphone.hear().await?);
        }
        Ok(pieces)
    }

    #[tokio::test]
    async fn sound_comes_as_the_command_writes_it_wherever_it_is_cut() {
        // 16-bit values count up in both channels; each write ends in the middle of a sample.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw");
        let all: Vec<i16> = (0..4000).collect();
        let bytes: Vec<u8> = all.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        let command =
            format!("(head -c 333; sleep 0.05; head -c 1001; sleep 0.05; cat; sleep 60) < {}", path.display());
        let mut microphone = microphone(&command, 8000, 2).await.unwrap();
        assert_eq!(microphone.about(), "command (head, 8000 Hz, 2 channels");
        let pieces = hear(&mut microphone, 4000).await.unwrap();
        let heard: Vec<i16> = pieces.iter().flat_map(|piece| piece.samples.clone()).collect();
        assert!(heard == all);
        for two in pieces.windows(2) {
            assert_eq!((two[0].rate, two[0].channels), (8000, 2));
            assert!(two[0].captured < two[1].captured && two[0].samples.len() <= 640);
        }
    }

    #[tokio::test]
    async fn who_writes_faster_than_sound_goes_is_held_back() {
        let mut microphone = microphone("cat /dev/zero", 8000, 1).await.unwrap();
        let begin = Instant::now();
        let pieces = hear(&mut microphone, 8000).await.unwrap();
        // The last of it was captured when it was heard, which is a second, less what counted as new, after the first.
        assert!(begin.elapsed() > Duration::from_millis(700), "{:?}", begin.elapsed());
        let apart = pieces.last().unwrap().captured - pieces[0].captured;
        assert!(apart >= Duration::from_millis(900), "{apart:?}");
    }

    #[tokio::test]
    async fn nothing_is_lost_if_hearing_is_given_up_now_and_then() {
        let mut microphone =
            microphone("for n in 1 2 3 4 5 6 7 8; do printf 'a%dbc' $n; sleep 0.03; done; sleep 60", 50, 1)
                .await
                .unwrap();
        let mut heard = Vec::new();
        let mut given_up = 0;
        while heard.len() < 16 {
            match timeout(Duration::from_millis(7), microphone.hear()).await {
                Ok(piece) => heard.extend(piece.unwrap().samples),
                Err(_) => given_up += 1,
            }
        }
        assert!(given_up > 0);
        let bytes: Vec<u8> = heard.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(String::from_utf8_lossy(&bytes), "a1bca2bca3bca4bca5bca6bca7bca8bc");
    }

    #[tokio::test]
    async fn how_the_command_ended_is_said() {
        let lost = async |command: &str| match microphone(command, 8000, 1).await {
            Ok(mut microphone) => hear(&mut microphone, usize::MAX).await.unwrap_err().0,
            Err(Lost(why)) => why,
        };
        assert_eq!(lost("exit 3").await, "the command ended with status 3");
        assert_eq!(lost("head -c 1001 /dev/zero; exit 4").await, "the command ended with status 4");
        assert_eq!(lost("/no/such/program").await, "the command ended with status 127: its program was not found");
    }

    #[tokio::test]
    async fn a_command_may_take_its_time_to_begin() {
        let begin = Instant::now();
        let mut microphone = microphone("sleep 0.3; cat /dev/zero", 8000, 1).await.unwrap();
        assert!(begin.elapsed() > Duration::from_millis(250), "it is not open before there is sound");
        microphone.hear().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_writes_nothing_is_given_up() {
        let Err(Lost(why)) = microphone("sleep 60", 8000, 1).await else { panic!("it is open") };
        assert_eq!(why, "the command has written nothing for 10 s");
    }

    #[tokio::test]
    async fn others_go_on_while_a_command_ends_that_closed_its_output() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        // Told to end it says so, and stays until it is killed.
        let command =
            format!("trap 'echo > {}' TERM; exec >&- 2> /dev/null; while :; do sleep 60; done", told.display());
        let other = async {
            while !told.exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            biased;
            () = other => {}
            end = microphone(&command, 8000, 1) => panic!("nobody else ran while it ended: {:?}", end.err()),
        }
    }

    #[tokio::test]
    async fn the_command_ends_with_the_microphone() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let command = format!("echo $$ > {}; cat /dev/zero", pid.display());
        let mut microphone = microphone(&command, 8000, 1).await.unwrap();
        microphone.hear().await.unwrap();
        let pid = std::fs::read_to_string(pid).unwrap();
        let alive = || std::path::Path::new(&format!("/proc/{}", pid.trim())).exists();
        assert!(alive());
        drop(microphone);
        assert!(!alive());
    }
}
