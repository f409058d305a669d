//! Cameras of Video4Linux2, by our own thin layer over the kernel's interface (docs/adr/0004-own-v4l2-layer.md).
//!
//! From the bottom: `abi` (the kernel's structs and numbers), `device` (an open node; its calls are safe to use),
//! `stream` (mapped buffers, newest picture wins), `layout` (bytes of a buffer to a picture), `offer` (which format, size
//! and rate to take: pure), `controls` (brightness and the like), `camera` (all of it behind the port `Source`),
//! `describe` (finding and describing devices); `axes` (poses as values of pan, tilt and zoom: pure), `head` (these controls
//! behind the port `Turner`).
//!
//! Only the single-planar capture interface is spoken: that is every USB camera, and drivers of boards that deliver
//! finished pictures. Sensors that need a media pipeline set up are a case for the source `exec:`.

mod abi;
mod axes;
mod camera;
mod controls;
mod describe;
mod device;
mod head;
#[cfg(test)]
mod lab;
mod layout;
mod offer;
mod stream;

pub use camera::Camera;
pub use describe::{Description, describe, first, probe};
pub use head::Head;
