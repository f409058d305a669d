//! What sound devices there are.

use std::thread;

use alsa::{
    Direction,
    device_name::{Hint, HintIter},
};

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
    hints.filter_map(|hint| line(&hint)).collect()
}

/// A device in a line; none for what records nothing, or is another name of what has a plainer one.
fn line(hint: &Hint) -> Option<String> {
    let name = hint.name.as_deref()?;
    if hint.direction == Some(Direction::Playback) || name == "null" || name.starts_with("front:") {
        return None;
    }
    let about = hint.desc.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
    Some(format!("{name}  {about}").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_records_is_told_in_a_line_with_the_name_that_opens_it() {
        let about = "HD Pro Webcam C920, USB Audio\nDirect hardware device without any conversions";
        let said = |name: &str, about: &str, direction| {
            line(&Hint { name: Some(name.to_owned()), desc: Some(about.to_owned()), direction })
        };
        let expected = Some("hw:CARD=C920,DEV=0  HD Pro Webcam C920, USB Audio".to_owned());
        assert_eq!(said("hw:CARD=C920,DEV=0", about, Some(Direction::Capture)), expected);
        assert_eq!(said("hw:CARD=C920,DEV=0", about, None), expected, "it also plays");
        assert_eq!(said("hw:CARD=C920,DEV=0", about, Some(Direction::Playback)), None);
        assert_eq!(said("pipewire", "", None).as_deref(), Some("pipewire"));
        assert_eq!(said("null", "Discard all samples", None), None);
        assert_eq!(said("front:CARD=C920", about, None), None);
    }
}
