//! What happens to the state folder when the machine fails: kill -9 and errors at every system call, a full disk, a
//! power cut; and what saving costs.
//!
//! Run by `./test faults`, not by `cargo test`: it needs strace, and a mount namespace of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod folder;
mod kill;
mod load;
mod network;
mod power;
mod queue;
mod refuse;
mod strace;

use lookout_testkit::Camera;

/// The program under test.
const LOOKOUT: &str = env!("CARGO_BIN_EXE_lookout");

/// Starts a camera whose settings have a past: two generations, the newer one with the alias `before`.
fn start() -> Camera {
    let camera = Camera::start(LOOKOUT, "[web]\npacks = true\n");
    camera.admin().get("/set_alias.cgi?alias=long+before").ok();
    camera.admin().get("/set_alias.cgi?alias=before").ok();
    camera
}

/// Returns the alias in force.
fn alias(camera: &Camera) -> String {
    camera.client().get("/get_status.cgi").var("alias").unwrap().to_owned()
}
