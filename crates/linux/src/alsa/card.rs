//! An open PCM device: set up, read, recovered; and its failures in words.

use std::{
    ffi::CString,
    fmt, thread,
    time::{Duration, Instant},
};

use alsa::{
    Direction, Error, PCM, ValueOr,
    pcm::{Access, HwParams, TstampType},
};
use lookout_core::{
    media::sound::{self, Chunk},
    port::Lost,
};

use super::{
    errors::Errors,
    samples::{Format, RATES, Waiting},
};
use crate::monotonic;

/// What is asked for: the device tells of its sound as often, and has room for as much.
const PERIOD_US: u32 = 20_000;
const BUFFER_US: u32 = 500_000;
/// The longest piece that is read at once, in parts of a second.
const PIECE: u32 = 10;
/// How long a wait for sound lasts, after which whoever waits can see whether anybody still listens.
const WAIT_MS: u32 = 100;
/// How often a device may be made to begin anew without giving any sound in between.
const RECOVERIES: u32 = 10;
/// How long a device may be in use by somebody who is just closing it: ourselves, most likely.
const BUSY: Duration = Duration::from_millis(300);

/// A recording sound device; dropping it closes it.
pub(super) struct Card {
    pcm: PCM,
    setup: Setup,
    device: String,
    name: String,
    room: Vec<u8>,
    /// Since there was sound.
    recoveries: u32,
    errors: Errors,
}

/// What the device was set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Setup {
    format: Format,
    rate: u32,
    channels: u16,
}

impl Card {
    /// Opens a device and begins to record. May take as long as a sound server likes.
    ///
    /// # Errors
    /// Says in words if there is no such device, it is in use, not permitted, or offers nothing that is known.
    pub(super) fn start(device: &str) -> Result<Self, Lost> {
        let errors = Errors::gather();
        let pcm = open(device)?;
        let lost = |doing: &'static str| move |error: Error| in_words(device, doing, error.errno());
        let setup = set_up(&pcm).map_err(lost("setting it up"))?;
        let Some(setup) = setup else {
            // The plugin of that name converts them.
            let hint = if device.starts_with("hw:") { format!(": try plug{device}") } else { String::new() };
            return Err(Lost(format!("sound device {device} offers no format that Lookout knows{hint}")));
        };
        pcm.start().map_err(lost("starting it"))?;
        let card = pcm.info().ok().map(|info| info.get_card()).filter(|&card| card >= 0);
        let name = match card.and_then(|card| alsa::Card::new(card).get_name().ok()) {
            Some(name) => format!("sound card \"{name}\""),
            None => format!("sound device \"{device}\""),
        };
        let frame = usize::from(setup.channels) * setup.format.bytes();
        let room = vec![0; (setup.rate / PIECE).max(1) as usize * frame];
        Ok(Self { pcm, setup, device: device.to_owned(), name, room, recoveries: 0, errors })
    }

    /// Waits for sound, for a moment.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, Lost> {
        let next = match self.pcm.wait(Some(WAIT_MS)) {
            Ok(true) => self.read(),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match next {
            Ok(None) => Ok(None),
            Ok(Some(heard)) => {
                self.recoveries = 0;
                Ok(Some(heard))
            }
            Err(error) => self.recover(error).map(|()| None),
        }
    }

    fn read(&mut self) -> Result<Option<Chunk>, Error> {
        let Setup { format, rate, channels } = self.setup;
        let status = self.pcm.status()?;
        let now = Instant::now();
        let at = monotonic::since_boot(status.get_htstamp()).and_then(monotonic::instant);
        let waiting = Waiting { at, frames: status.get_avail(), delay: status.get_delay() };
        let frames = self.pcm.io_bytes().readi(&mut self.room)?;
        let bytes = frames * usize::from(channels) * format.bytes();
        let samples = format.decode(self.room.get(..bytes).unwrap_or(&[]));
        let captured = waiting.captured(now, rate);
        Ok((frames > 0).then_some(Chunk { captured, rate, channels, samples }))
    }

    /// Lets the device begin anew where sound was lost because nobody took it, or the machine slept.
    fn recover(&mut self, error: Error) -> Result<(), Lost> {
        self.errors.log();
        let recovered = match error.errno() {
            libc::EAGAIN | libc::EINTR => {
                // Some plugins wake whoever waits for nothing.
                thread::sleep(Duration::from_micros(u64::from(PERIOD_US) / 4));
                Ok(())
            }
            error @ (libc::EPIPE | libc::ESTRPIPE) => {
                self.recoveries += 1;
                if self.recoveries > RECOVERIES {
                    return Err(Lost(format!("sound device {} gives no sound, only errors", self.device)));
                }
                self.begin_anew(error == libc::ESTRPIPE)
            }
            // A card that has just been unplugged is at first an error without a name.
            _ => Err(self.pcm.status().err().unwrap_or(error)),
        };
        recovered.map_err(|error| in_words(&self.device, "recording", error.errno()))
    }

    fn begin_anew(&self, slept: bool) -> Result<(), Error> {
        if slept && self.pcm.resume().is_err_and(|error| error.errno() == libc::EAGAIN) {
            // It is not awake yet.
            thread::sleep(Duration::from_millis(WAIT_MS.into()));
            return Ok(());
        }
        // Also after sleep: few can go on where they were.
        self.pcm.prepare()?;
        self.pcm.start()
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setup { rate, channels, .. } = self.setup;
        write!(f, "{}, {}", self.name, sound::rate_and_channels(rate, channels))
    }
}

/// Opens a device; one that is in use is tried again for a moment.
fn open(device: &str) -> Result<PCM, Lost> {
    let name = CString::new(device).map_err(|_| in_words(device, "opening it", libc::ENOENT))?;
    let give_up = Instant::now() + BUSY;
    loop {
        match PCM::open(&name, Direction::Capture, true) {
            Err(error) if error.errno() == libc::EBUSY && Instant::now() < give_up => {
                thread::sleep(BUSY / 10);
            }
            // A card that is not there was not unplugged, as far as we know.
            Err(error) if error.errno() == libc::ENODEV => return Err(in_words(device, "opening it", libc::ENOENT)),
            opened => return opened.map_err(|error| in_words(device, "opening it", error.errno())),
        }
    }
}

/// Sets a device up as near to what is wanted as it can, and reads back what was granted; nothing if it offers no format
/// that is known.
fn set_up(pcm: &PCM) -> Result<Option<Setup>, Error> {
    let wanted = HwParams::any(pcm)?;
    // Else a plugin would offer every rate and resample badly.
    wanted.set_rate_resample(false)?;
    let Some(format) = Format::ALL.into_iter().find(|format| wanted.test_format(format.alsa()).is_ok()) else {
        return Ok(None);
    };
    if wanted.set_access(Access::RWInterleaved).is_err() {
        return Ok(None);
    }
    wanted.set_format(format.alsa())?;
    wanted.set_channels_near(1)?;
    match RATES.into_iter().find(|&rate| wanted.test_rate(rate).is_ok()) {
        Some(rate) => wanted.set_rate(rate, ValueOr::Nearest)?,
        None => wanted.set_rate_near(48_000, ValueOr::Nearest).map(|_| ())?,
    }
    wanted.set_period_time_near(PERIOD_US, ValueOr::Nearest)?;
    wanted.set_buffer_time_near(BUFFER_US, ValueOr::Nearest)?;
    pcm.hw_params(&wanted)?;

    let granted = pcm.hw_params_current()?;
    let (rate, channels) = (granted.get_rate()?, granted.get_channels()?);
    let period = granted.get_period_size()?;
    let software = pcm.sw_params_current()?;
    software.set_avail_min(period)?;
    // Not every plugin can; what it stamps is looked at before it is believed.
    let _ = software.set_tstamp_mode(true);
    let _ = software.set_tstamp_type(TstampType::Monotonic);
    pcm.sw_params(&software)?;
    Ok(u16::try_from(channels).ok().map(|channels| Setup { format, rate, channels }))
}

fn in_words(device: &str, doing: &str, error: i32) -> Lost {
    Lost(match error {
        libc::ENOENT | libc::ENXIO => format!("no such sound device {device}"),
        libc::ENODEV => format!("sound device {device} was unplugged"),
        libc::EACCES | libc::EPERM => format!("permission denied for {device}: add the user to the group audio"),
        libc::EBUSY => format!("sound device {device} is in use by another program"),
        libc::ECONNREFUSED | libc::EHOSTDOWN => format!("the sound server behind {device} does not answer"),
        _ => {
            let error = std::io::Error::from_raw_os_error(error);
            format!("sound device {device} failed: {doing}: {error}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_what_to_do() {
        let words = |code| in_words("hw:1", "starting it", code).0;
        assert_eq!(words(libc::EBUSY), "sound device hw:1 is in use by another program");
        assert_eq!(words(libc::EACCES), "permission denied for hw:1: add the user to the group audio");
        assert_eq!(words(libc::ENODEV), "sound device hw:1 was unplugged");
        assert_eq!(words(libc::ECONNREFUSED), "the sound server behind hw:1 does not answer");
        assert!(words(libc::EIO).starts_with("sound device hw:1 failed: starting it: "));
    }
}
