//! `lookout check`: what a source and a microphone are, seen and heard for a moment, and what head there is.

use std::{
    fs,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use lookout_core::{
    media::{
        frame::Size,
        sound::{Level, Track, dbfs},
    },
    port::{InputLine as _, Lost, Microphone, Source, Turner as _, Wanted},
};
use lookout_linux::{alsa, gpio, host::NetworkManager, led, v4l2};
use rustix::fs::Access;

use crate::{
    config::{self, Backend, Config, HeadKind},
    framing,
    pipeline::{Demands, Developer, Left},
    source::{LocalTime, Locator, SoundLocator},
    tls,
};

/// What `lookout check` found at a source.
pub struct Found {
    /// The source in words.
    pub about: String,
    /// Size of its first picture.
    pub size: Size,
    /// Bytes of its first picture as a JPEG.
    pub bytes: usize,
    /// How long it took to come.
    pub after: Duration,
    /// What its device offers, a line each.
    pub devices: Vec<String>,
    /// The sound: what was heard, or why there is none.
    pub sound: Result<Sounded, String>,
    /// The sound devices of this machine, a line each.
    pub microphones: Vec<String>,
    /// The head in words, or why it cannot be used; `None` if none is wanted.
    pub head: Option<Result<String, String>>,
    /// The serial ports, the lines of `[gpio]` and the host's network, each with what was found there, or why it cannot be used.
    pub lines: Vec<(&'static str, Result<String, String>)>,
    /// The GPIO chips of this machine, a line each.
    pub chips: Vec<String>,
    /// The LEDs of this machine, a line each.
    pub leds: Vec<String>,
}

/// What `lookout check` heard.
pub enum Sounded {
    /// None is wanted.
    NotWanted,
    /// The source has no sound of its own.
    SourceHasNone,
    /// Something.
    Chunk {
        /// The microphone in words.
        about: String,
        /// The loudest tenth of a second, root mean square in dBFS.
        rms_dbfs: f32,
        /// The peak, in dBFS.
        peak_dbfs: f32,
        /// How long it took until there was something.
        after: Duration,
    },
}

/// How long a microphone is heard.
const HEAR: Duration = Duration::from_secs(1);
/// How long a microphone may take to be opened and heard.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a source, waits for its first picture, hears its microphone or the one that is configured, and lets go of both.
///
/// # Errors
/// Why there is no picture, in words.
pub async fn probe(locator: &Locator, config: &Config) -> Result<Found, String> {
    let begin = Instant::now();
    tls::install_provider();
    let wanted = Wanted { size: config.source.size, fps: config.source.fps };
    let patience = Duration::from_secs(10) + config.source.stall;
    let local: LocalTime = Arc::new(|_| String::new());
    let grab = async {
        let mut source = locator.open(wanted, local).await?;
        let own = source.microphone();
        let grabbed = source.grab().await?;
        Ok::<_, Lost>((source, own, grabbed))
    };
    let grabbed = tokio::time::timeout(patience, grab).await.map_err(|_| format!("{locator}: no picture came"))?;
    let (mut source, own, grabbed) = grabbed.map_err(|lost| format!("{locator}: {lost}"))?;
    let after = begin.elapsed();
    let mut developer =
        Developer::new(Demands::Own(config.source.verify), None, Arc::default()).map_err(|error| error.to_string())?;
    let frame = developer.develop(grabbed, &Left::NOTHING);
    let frame = frame.ok_or_else(|| format!("{locator}: the first picture is broken"))?;
    Ok(Found {
        about: source.about(),
        size: frame.size,
        bytes: frame.jpeg.len(),
        after,
        devices: locator.describe(),
        sound: sound(config, &mut *source, own).await,
        microphones: alsa::capture_devices(),
        head: head(config, locator, frame.size).await,
        lines: ports(&config.serial.ports).chain(lines(&config.gpio).await).chain(host(&config.host).await).collect(),
        chips: gpio::chips(),
        leds: led::leds(),
    })
}

/// Finds the head, which stays where it is.
async fn head(config: &Config, source: &Locator, picture: Size) -> Option<Result<String, String>> {
    let ptz = &config.ptz;
    match ptz.head {
        HeadKind::None => None,
        HeadKind::Digital => Some(Ok(framing::about(config, picture))),
        HeadKind::PelcoD => {
            let port = config.serial.ports.get(ptz.port)?;
            let about =
                format!("pelco-d, address {} on {}; whether it hears cannot be asked", ptz.address, port.display());
            Some(usable(port).map(|()| about).map_err(|why| format!("{}: {why}", port.display())))
        }
        HeadKind::Uvc => {
            let Some(device) = config.head_device(source) else { return Some(Err(config::NO_HEAD.to_owned())) };
            let head = v4l2::Head::open(device.to_owned()).await;
            Some(head.map(|head| format!("uvc, {}", head.about())).map_err(|lost| lost.0))
        }
    }
}

/// Finds the serial ports, which `comm_write.cgi` may write to.
fn ports(paths: &[PathBuf]) -> impl Iterator<Item = (&'static str, Result<String, String>)> {
    let about = |path: &Path| usable(path).map(|()| path.display().to_string());
    let name = |path: &Path, why: String| format!("{}: {why}", path.display());
    ["serial port 0", "serial port 1", "serial port 2", "serial port 3"]
        .into_iter()
        .zip(paths)
        .map(move |(port, path)| (port, about(path).map_err(|why| name(path, why))))
}

/// Says whether a serial port is there and may be used, and does nothing to it: opening one moves its lines.
fn usable(port: &Path) -> Result<(), String> {
    let found = fs::metadata(port).map_err(|error| error.to_string())?;
    if !found.file_type().is_char_device() {
        return Err("it is no device".into());
    }
    rustix::fs::access(port, Access::READ_OK | Access::WRITE_OK).map_err(|error| error.to_string())
}

/// Feels the alarm input for a moment, and finds the output and the lamp, but leaves them alone.
async fn lines(config: &config::Gpio) -> Vec<(&'static str, Result<String, String>)> {
    let mut lines = Vec::new();
    if let Some(place) = config.input.clone() {
        let felt = async {
            let mut line = gpio::Input::open(place.clone(), config.wanted()).await?;
            let level = if line.level().await? { "high" } else { "low" };
            Ok(format!("{level}: {}", line.about()))
        };
        lines.push(("alarm input", felt.await.map_err(|lost: Lost| format!("{place}: {lost}"))));
    }
    if let Some(place) = &config.output {
        lines.push(("output", place.look().map_err(|lost| format!("{place}: {lost}"))));
    }
    if let Some(place) = &config.led {
        lines.push(("LED", led::look(place).map_err(|lost| format!("{place}: {lost}"))));
    }
    lines
}

/// Looks whose the network is, and what of it the camera may not.
async fn host(config: &config::Host) -> Vec<(&'static str, Result<String, String>)> {
    if config.backend == Backend::None {
        return Vec::new();
    }
    let host = NetworkManager::new(config.interface.clone(), config.wifi_interface.clone());
    match host.look().await {
        Err(lost) => vec![("host", Err(lost.0))],
        Ok((about, lacks)) => {
            let lacks = lacks.into_iter().map(|lack| ("host", Err(lack)));
            std::iter::once(("host", Ok(about))).chain(lacks).collect()
        }
    }
}

/// Hears the microphone that is configured, for a moment.
async fn sound(config: &Config, source: &mut dyn Source, own: Option<Box<dyn Microphone>>) -> Result<Sounded, String> {
    let config::Sound { microphone: locator, rate, channels } = &config.sound;
    let begin = Instant::now();
    let hear = async {
        let mut microphone = match (locator, own) {
            (SoundLocator::None, _) => return Ok(Sounded::NotWanted),
            (SoundLocator::Own, None) => return Ok(Sounded::SourceHasNone),
            (SoundLocator::Own, Some(own)) => own,
            (SoundLocator::Alsa(_) | SoundLocator::Exec(_), _) => locator.open(*rate, *channels).await?,
        };
        let first = microphone.hear().await?;
        let (after, end) = (begin.elapsed(), Instant::now() + HEAR);
        let mut track = Track::new(first.captured);
        let (mut loudest, mut next) = (Level::default(), Some(first));
        while let Some(heard) = next.take() {
            let now = Instant::now();
            track.feed(&heard, now);
            while track.cut().is_some() {}
            while let Some(Level { rms, peak }) = track.level() {
                loudest = Level { rms: loudest.rms.max(rms), peak: loudest.peak.max(peak) };
            }
            next = if now < end { Some(microphone.hear().await?) } else { None };
        }
        let (rms_dbfs, peak_dbfs) = (dbfs(loudest.rms), dbfs(loudest.peak));
        Ok(Sounded::Chunk { about: microphone.about(), rms_dbfs, peak_dbfs, after })
    };
    // A source is heard as long as it is seen.
    let see = async {
        loop {
            if let Err(lost) = source.grab().await {
                return lost;
            }
        }
    };
    let heard = tokio::select! {
        heard = tokio::time::timeout(PATIENCE, hear) => heard.map_err(|_| Lost("no sound came".into())).flatten(),
        lost = see, if matches!(locator, SoundLocator::Own) => Err(lost),
    };
    heard.map_err(|lost| format!("microphone {locator}: {lost}"))
}
