//! Microphones of ALSA: sound cards, and whatever else the machine's ALSA configuration gives a name, such as a sound
//! server.
//!
//! From the bottom: `samples` (formats, rates and capture times: pure), `card` (an open PCM device; its failures in words),
//! `errors` (what the library prints), `microphone` (all of it behind the port `Microphone`), `devices` (what there is).
//!
//! A device is read by a thread of its own. ALSA was made to be polled by poll(2): a device can have several descriptors, the
//! plugins of sound servers have such as stay readable until the library itself has looked at them, and opening, closing
//! and recovering one may wait for a server. A thread can wait for all of that, and only itself waits.

mod card;
mod devices;
mod errors;
#[cfg(test)]
mod lab;
mod microphone;
mod samples;

pub use devices::capture_devices;
pub use microphone::Microphone;
