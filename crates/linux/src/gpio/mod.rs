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
use tokio::sync::Semaphore;

pub use self::{
    input::{Input, Wanted},
    output::Output,
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

/// How many threads may be in a chip at once. One that hangs holds its thread, and the line is tried again and again.
const THREADS: usize = 4;

/// Runs what may take long.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, Lost> + Send + 'static) -> Result<T, Lost> {
    static PLACES: Semaphore = Semaphore::const_new(THREADS);
    bounded(&PLACES, PATIENCE, work).await
}

/// Runs what may take long on a blocking thread, which has one of these places for as long as it takes.
async fn bounded<T: Send + 'static>(
    places: &'static Semaphore,
    patience: Duration,
    work: impl FnOnce() -> Result<T, Lost> + Send + 'static,
) -> Result<T, Lost> {
    let done = async {
        let place = places.acquire().await;
        let placed = move || {
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(placed).await
    };
    match tokio::time::timeout(patience, done).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Lost("it failed by a fault of the program".into())),
        Err(_) => Err(Lost(format!("it does not answer within {} s", patience.as_secs()))),
    }
}

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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_chip_that_hangs_takes_a_bounded_number_of_threads_and_gives_them_back() {
        static PLACES: Semaphore = Semaphore::const_new(2);
        let (begun, begins) = mpsc::channel();
        let (free, freed): (Vec<_>, Vec<_>) = (0..5).map(|_| mpsc::channel::<()>()).unzip();
        for freed in freed {
            let begun = begun.clone();
            let hangs = move || {
                let _ = begun.send(());
                let _ = freed.recv();
                Ok(())
            };
            assert!(bounded(&PLACES, Duration::from_millis(20), hangs).await.is_err());
        }
        assert_eq!(begins.try_iter().count(), 2);
        drop(free);
        assert_eq!(bounded(&PLACES, Duration::from_secs(30), || Ok(7)).await, Ok(7));
    }
}
