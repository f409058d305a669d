//! What sound devices there are.

use std::thread;

use alsa::{Direction, device_name::HintIter};

use super::errors::Errors;

/// Lists the names under which this machine can record, with what ALSA says of each, such as
/// `plughw:CARD=C920,DEV=0  HD Pro Webcam C920, USB Audio`.
///
/// Opens nothing; the devices of a sound server are listed whether it runs or not.
pub fn capture_devices() -> Vec<String> {
    // In a thread of its own, because what the library prints is caught a thread.
    thread::spawn(list).join().unwrap_or_default()
}

fn list() -> Vec<String> {
    let _errors = Errors::gather();
    let Ok(hints) = HintIter::new(None, c"pcm") else { return Vec::new() };
    let recording = hints.filter(|hint| hint.direction != Some(Direction::Playback));
    recording.filter_map(|hint| Some(line(&hint.name?, &hint.desc.unwrap_or_default()))).collect()
}

/// A device in a line.
fn line(name: &str, about: &str) -> String {
    format!("{name}  {}", about.lines().next().unwrap_or_default())
}
