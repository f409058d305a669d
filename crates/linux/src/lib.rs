//! Linux devices for Lookout, and the only crate with `unsafe` code: each block says why it is sound.

#[cfg(target_os = "linux")]
pub mod alsa;
#[cfg(target_os = "linux")]
mod apart;
#[cfg(target_os = "linux")]
mod driven;
#[cfg(target_os = "linux")]
pub mod gpio;
#[cfg(target_os = "linux")]
pub mod handover;
#[cfg(target_os = "linux")]
pub mod host;
#[cfg(target_os = "linux")]
pub mod led;
#[cfg(target_os = "linux")]
pub mod memory;
#[cfg(target_os = "linux")]
mod monotonic;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod serial;
#[cfg(target_os = "linux")]
pub mod socket;
#[cfg(target_os = "linux")]
pub mod v4l2;

#[cfg(target_os = "linux")]
pub use driven::Output;
