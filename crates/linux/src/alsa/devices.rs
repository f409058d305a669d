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
    let lines = recording.filter_map(|hint| line(&hint.name?, &hint.desc.unwrap_or_default()));
    lines.collect()
}

/// A device in a line; none for what records nothing, or is another name of what has a plainer one.
fn line(name: &str, about: &str) -> Option<String> {
    let plain = name != "null" && !name.starts_with("front:");
    plain.then(|| format!("{name}  {}", about.lines().next().unwrap_or_default()).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_in_a_line_with_the_name_that_opens_it() {
        let about = "HD Pro Webcam C920, USB Audio\nDirect hardware device without any conversions";
        let said = line("hw:CARD=C920,DEV=0", about);
        assert_eq!(said.as_deref(), Some("hw:CARD=C920,DEV=0  HD Pro Webcam C920, USB Audio"));
        assert_eq!(line("pipewire", "").as_deref(), Some("pipewire"));
        assert_eq!((line("null", "Discard all samples"), line("front:CARD=C920", about)), (None, None));
    }
}
