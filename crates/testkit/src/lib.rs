//! What the black-box tests are made of: a camera that runs as its own process, a client that sends exact bytes, a
//! viewer that checks every byte of a push stream, and another camera, a time server, an FTP server, Internet gateways and a serial line that
//! misbehave on demand. Never shipped.
//!
//! Bargains: everything blocks, with a deadline, and whatever goes wrong panics with what was seen: a test that cannot
//! go on has failed. Every client comes from a loopback address of its own (127.77.x.y), so that one test's wrong
//! passwords and crowds are not another's.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asf;
mod builder;
mod camera;
mod client;
mod fake;
mod ftp;
mod gateway;
mod host;
pub mod motion;
mod pack;
mod picture;
mod ports;
mod pty;
mod rogue;
mod sound;
mod time_server;
mod viewer;

pub use asf::{AsfHead, AsfKind, AsfObject, AsfReader, AsfRest};
pub use builder::Builder;
pub use camera::{ADMIN, Account, Camera, OPERATOR, Setup, VIEWER, lookout, users};
pub use client::{Client, Conn, Reply, encode};
pub use fake::{FakeCamera, Mode};
pub use ftp::{Does, FtpServer};
pub use gateway::{Gateways, Plays};
pub use host::{Obeys, SimHost};
pub use pack::{Lie, Zip, vendor_pack};
pub use picture::{Picture, noise_jpeg, scene, scene_jpeg};
pub use ports::{free, on};
pub use pty::Pty;
pub use rogue::{DeafPort, Rogue, RoguePeer};
pub use sound::{decode_adpcm, decode_ulaw};
pub use time_server::{Tells, TimeServer};
pub use viewer::Viewer;

use std::time::{Duration, Instant};

/// How long a test waits for what must happen; far longer than it takes, as the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something is so; panics with `what` if that takes too long.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
