//! Lines of the GPIO character device: the alarm input and the output.
//!
//! Levels are told in the camera's words: of a line that is active low, `high` is what a meter shows as low. Whatever may
//! take long, as a chip behind USB or I²C does, is done on a blocking thread.

mod input;
#[cfg(test)]
mod lab;
mod output;
mod place;

use std::{io, time::Duration};

use gpiocdev::{Chip, Error, chip};
use lookout_core::port::Lost;

use crate::apart::Apart;

pub use self::{
    input::{Input, Wanted},
    output::output,
    place::Place,
};

/// What a resistor in the chip does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// Whatever it did before.
    AsIs,
    /// It pulls up.
    PullUp,
    /// It pulls down.
    PullDown,
    /// It is off.
    Off,
}

/// How long a chip may take for anything.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lists the GPIO chips of this machine, a line each, such as `gpiochip0  pinctrl-bcm2711, 58 lines`.
pub fn chips() -> Vec<String> {
    let line = |path| {
        let info = Chip::from_path(path).ok()?.info().ok()?;
        Some(format!("{}  {}, {} lines", info.name, info.label, info.num_lines))
    };
    chip::chips().unwrap_or_default().into_iter().filter_map(line).collect()
}

/// Says of a line where it is and who uses it, and does nothing to it.
///
/// # Errors
/// Why it cannot be found.
pub fn look(place: &Place) -> Result<String, Lost> {
    let found = place.find()?;
    let used = match (found.info.used, found.info.consumer.as_str()) {
        (false, _) => "free".to_owned(),
        (true, "") => "in use".to_owned(),
        (true, by) => format!("in use by {by}"),
    };
    Ok(format!("{found}, {used}"))
}

/// Where chips are spoken to, in at most four threads: one that hangs holds its thread, and the line is tried again and
/// again.
static CHIPS: Apart = Apart::new(4, PATIENCE);

/// Says whether the system gave this error.
fn is(error: &Error, code: i32) -> bool {
    // The number itself has a type of a crate underneath.
    said(error) == io::Error::from_raw_os_error(code).to_string()
}

/// Returns what the system said, or else the library.
fn said(error: &Error) -> String {
    if let Error::Uapi(_, inner) = error { inner.to_string() } else { error.to_string() }
}

/// Words an error.
fn why(error: &Error) -> Lost {
    let is = |codes: [i32; 2]| codes.iter().any(|code| is(error, *code));
    Lost(if is([libc::ENODEV, libc::ENOENT]) {
        "it was unplugged".into()
    } else if is([libc::EBUSY; 2]) {
        "somebody else uses it".into()
    } else if is([libc::EACCES, libc::EPERM]) {
        "the camera's user may not use it; most systems have a group for that, gpio or dialout".into()
    } else {
        said(error)
    })
}
