//! Pictures and streams: what a frame is, how it is checked, changed, cut from a stream and written into one.

pub mod adpcm;
pub mod asf;
pub mod avi;
pub mod canvas;
pub mod frame;
pub mod g711;
pub mod jpeg;
pub mod loudness;
pub mod motion;
pub mod multipart;
pub mod pace;
pub mod placeholder;
pub mod scene;
pub mod sound;
pub mod transform;
pub mod wav;
pub mod window;
