//! The source of every measured stream: stamped MJPEG on stdout, paced or as fast as the reader takes it; and a tone.

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use lookout_core::media::sound::RATE;

use super::{
    picture::Picture,
    process,
    stamp::{Stamp, now_ns},
};

/// Writes stamped JPEGs to stdout until nobody reads them.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Feed {
    /// The length of each JPEG.
    #[arg(long, default_value_t = 50_000)]
    pub bytes: usize,
    /// Pictures a second; 0 is as fast as they are read.
    #[arg(long, default_value_t = 30)]
    pub fps: u32,
    /// The core to run on, whatever the parent was pinned to.
    #[arg(long)]
    pub pin: Option<usize>,
}

impl Feed {
    /// Returns the arguments that start this feed as a command of this program.
    pub fn arguments(self) -> Vec<String> {
        let mut arguments = vec!["bench-feed".to_owned()];
        arguments.extend(["--bytes".to_owned(), self.bytes.to_string(), "--fps".to_owned(), self.fps.to_string()]);
        arguments.extend(self.pin.iter().flat_map(|core| ["--pin".to_owned(), core.to_string()]));
        arguments
    }

    /// Runs until stdout is closed.
    pub fn run(self) -> Result<()> {
        if let Some(core) = self.pin {
            process::pin(core)?;
        }
        // Unbuffered: `Stdout` would keep what follows the last byte that looks like the end of a line.
        self.write_to(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Writes pictures until `output` is closed at its other end.
    ///
    /// It keeps a camera's clock: a picture that falls due while the reader still holds up the last one is lost, and
    /// its number with it, so that the gap shows at the viewer.
    pub fn write_to(self, mut output: impl Write) -> Result<()> {
        let mut picture = Picture::new(self.bytes)?;
        let began = Instant::now();
        let mut seq = 0;
        loop {
            let due = |seq: u64| began + Duration::from_nanos(seq * 1_000_000_000 / u64::from(self.fps).max(1));
            let now = Instant::now();
            seq += 1;
            if self.fps > 0 {
                while due(seq + 1) <= now {
                    seq += 1;
                }
                thread::sleep(due(seq).saturating_duration_since(now));
            }
            match output.write_all(picture.stamped(Stamp { seq, at_ns: now_ns() })) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
    }
}

/// Writes a tone to stdout as a microphone would, until nobody reads it.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Tone {
    /// The core to run on, whatever the parent was pinned to.
    #[arg(long)]
    pin: usize,
}

/// How many samples are written at once: 20 ms.
const PIECE: u32 = RATE / 50;

impl Tone {
    /// Returns the command that starts it.
    pub fn command(own: &str, core: usize) -> String {
        format!("{own} bench-tone --pin {core}")
    }

    /// Runs until stdout is closed.
    pub fn run(self) -> Result<()> {
        process::pin(self.pin)?;
        let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let began = Instant::now();
        // 440 Hz, loud, and never the same period twice in a block: an encoder has something to do.
        let sample =
            |at: u32| ((f64::from(at) * 440.0 * std::f64::consts::TAU / f64::from(RATE)).sin() * 20_000.0) as i16;
        for piece in 0_u32.. {
            let from = piece * PIECE;
            let samples: Vec<u8> = (from..from + PIECE).flat_map(|at| sample(at).to_le_bytes()).collect();
            let due = began + Duration::from_secs_f64(f64::from(from + PIECE) / f64::from(RATE));
            thread::sleep(due.saturating_duration_since(Instant::now()));
            match output.write_all(&samples) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Takes pictures slower than they fall due, and then no more.
    struct Slow(Vec<u64>);

    impl Write for Slow {
        fn write(&mut self, jpeg: &[u8]) -> io::Result<usize> {
            self.0.extend(Stamp::find(jpeg).map(|stamp| stamp.seq));
            thread::sleep(Duration::from_millis(35));
            if self.0.len() < 3 { Ok(jpeg.len()) } else { Err(ErrorKind::BrokenPipe.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn pictures_that_the_reader_was_too_slow_for_are_missing_by_their_numbers() {
        let mut reader = Slow(Vec::new());
        Feed { bytes: 20_000, fps: 100, pin: None }.write_to(&mut reader).unwrap();
        let [first, second, third] = reader.0[..] else { panic!("{:?}", reader.0) };
        assert!(second >= first + 3 && third >= second + 3, "{:?}", reader.0);
    }
}
