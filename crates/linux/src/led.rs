//! LEDs of the kernel's LED class: lamps that a driver knows, in `/sys/class/leds`.
//!
//! Something of the kernel may be playing with a LED: its trigger, such as `mmc0`. It is taken away for as long as the LED is
//! held, and a [`lamp`] gives it back at the end; an [`output`] does not, because a lamp that flickers with a memory card is
//! not at rest. All files are small, but a driver may hang in them, so blocking threads touch them.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use lookout_core::port::Lost;

use crate::{
    apart::Apart,
    driven::{Output, Switch},
};

/// Where the kernel has its LEDs.
const CLASS: &str = "/sys/class/leds";
/// The trigger that is none.
const NONE: &str = "none";
/// What is read of a file, at most: the list of triggers grows with the machine.
const LONGEST_FILE: u64 = 64 * 1024;
/// The longest name: that of a file.
const LONGEST_NAME: usize = 255;
/// Where files of LEDs are touched, in at most four threads.
static LEDS: Apart = Apart::new(4, Duration::from_secs(2));

/// A LED of the machine, as its operator writes it: a name below `/sys/class/leds`, or the path of such a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(PathBuf);

/// A text that names no LED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPlace;

impl std::error::Error for BadPlace {}

impl fmt::Display for BadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", Place::WANTED)
    }
}

impl Place {
    /// What is wanted, for error messages.
    pub const WANTED: &str = "a LED: its name below /sys/class/leds, such as \"ACT\", or the path of its folder";
}

impl Place {
    /// Returns its folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        if text.contains(char::is_control) {
            return Err(BadPlace);
        }
        if Path::new(text).is_absolute() {
            // Without slashes at its end, so that one folder is written in one way.
            return Ok(Self(Path::new(text).components().collect()));
        }
        let legal = (1..=LONGEST_NAME).contains(&text.len()) && !text.contains('/') && ![".", ".."].contains(&text);
        legal.then(|| Self(Path::new(CLASS).join(text))).ok_or(BadPlace)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.strip_prefix(CLASS).unwrap_or(&self.0).display().fmt(f)
    }
}

/// Lists the LEDs of this machine, a line each, such as `ACT  trigger mmc0, 0 of 255`.
pub fn leds() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(CLASS).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.sort();
    let line = |path| {
        let place = Place(path);
        look(&place).ok().map(|about| format!("{place}  {about}"))
    };
    names.into_iter().filter_map(line).collect()
}

/// Says of a LED who plays with it and how bright it is, and does nothing to it.
///
/// # Errors
/// Why it cannot be read.
pub fn look(place: &Place) -> Result<String, Lost> {
    let (folder, full) = (Folder(place.0.clone()), Folder(place.0.clone()).full()?);
    let now = folder.read("brightness").map_err(|error| folder.why(&error))?;
    Ok(format!("trigger {}, {} of {full}", folder.trigger()?.as_deref().unwrap_or(NONE), now.trim()))
}

/// Takes a LED as an output, at once at a level: high is as bright as it can be, low is dark. Dropped, it is at its resting
/// level, and without a trigger.
///
/// # Errors
/// Why it cannot be had.
pub async fn output(place: Place, high: bool, rest: bool) -> Result<Output, Lost> {
    LEDS.run(move || take(place, high, rest, |_| None)).await
}

/// Takes a LED to show something by it, at once lit or dark. Dropped, it has its trigger back, or is dark if it had none.
///
/// # Errors
/// Why it cannot be had.
pub async fn lamp(place: Place, lit: bool) -> Result<Output, Lost> {
    LEDS.run(move || take(place, lit, false, |trigger| trigger)).await
}

fn take(place: Place, high: bool, rest: bool, back: fn(Option<String>) -> Option<String>) -> Result<Output, Lost> {
    let folder = Folder(place.0.clone());
    let full = folder.full()?;
    let trigger = folder.trigger()?;
    if trigger.is_some() {
        folder.write("trigger", NONE).map_err(|error| folder.why(&error))?;
    }
    let about = format!("LED {place}, {}", trigger.as_ref().map_or("free".into(), |by| format!("until now with {by}")));
    let mut led = Led { folder, full, back: back(trigger) };
    led.set(high).inspect_err(|_| led.leave(rest))?;
    Ok(Output::new(led, rest, &LEDS, about))
}

/// A LED that is held.
struct Led {
    folder: Folder,
    /// How bright it can be.
    full: u32,
    /// The trigger that it gets back.
    back: Option<String>,
}

impl Switch for Led {
    fn set(&mut self, high: bool) -> Result<(), Lost> {
        let level = if high { self.full } else { 0 };
        self.folder.write("brightness", &level.to_string()).map_err(|error| self.folder.why(&error))
    }

    fn leave(&mut self, rest: bool) {
        // In this order: to be dark takes a trigger away. What is gone needs neither.
        let _ = self.set(rest);
        if let Some(trigger) = &self.back {
            let _ = self.folder.write("trigger", trigger);
        }
    }
}

/// The folder of a LED.
struct Folder(PathBuf);

impl Folder {
    /// Returns how bright it can be.
    fn full(&self) -> Result<u32, Lost> {
        let text = self.read("max_brightness").map_err(|error| self.why(&error))?;
        text.trim().parse().ok().filter(|full| *full > 0).ok_or_else(|| Lost(format!("{} is no LED", self.0.display())))
    }

    /// Returns the trigger that plays with it, if one does. A kernel without triggers has no such file.
    fn trigger(&self) -> Result<Option<String>, Lost> {
        match self.read("trigger") {
            Ok(text) => Ok(chosen(&text).filter(|trigger| *trigger != NONE).map(str::to_owned)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.why(&error)),
        }
    }

    fn read(&self, file: &str) -> io::Result<String> {
        let mut text = String::new();
        File::open(self.0.join(file))?.take(LONGEST_FILE).read_to_string(&mut text)?;
        Ok(text)
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        // In one piece, as the kernel wants it; and nothing is made that is not there.
        OpenOptions::new().write(true).truncate(true).open(self.0.join(file))?.write_all(format!("{text}\n").as_bytes())
    }

    /// Words an error.
    fn why(&self, error: &io::Error) -> Lost {
        Lost(match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::ENODEV) => format!("there is no LED {}", self.0.display()),
            Some(libc::EBUSY) => "somebody else uses it".into(),
            Some(libc::EACCES | libc::EPERM) => {
                "the camera's user may not use it; a udev rule gives it to him, see gpio.md".into()
            }
            Some(libc::EROFS) => "/sys may only be read here; a service needs ReadWritePaths=/sys/devices".into(),
            Some(_) | None => error.to_string(),
        })
    }
}

/// Returns the word in brackets of a list of triggers.
fn chosen(list: &str) -> Option<&str> {
    list.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
}

#[cfg(test)]
mod tests;
