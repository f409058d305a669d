//! Black-box tests of the protocol: the built camera as a process of its own, raw sockets on loopback, exact bytes.
//!
//! One binary, so that tests that change nothing share one camera. A quirk's test bears its number (PROFILE 8).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asf;
mod backup;
mod clock;
mod decisions;
mod devices;
mod digest;
mod drill;
mod framing;
mod golden;
mod guard;
mod head;
mod heads;
mod input;
mod journal;
mod lamp;
mod listings;
mod login;
mod machine;
mod microphone;
mod now;
mod pages;
mod pelco_d;
mod picture;
mod port;
mod privacy;
mod requests;
mod restart;
mod rows;
mod sandbox;
mod secrets;
mod serial;
mod settings;
mod snapshot;
mod source;
mod state;
mod status;
mod storm;
mod stream;
mod tls;
mod upgrade;
mod upload;
mod users;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use lookout_testkit::{Camera, Setup};

/// The program under test.
const LOOKOUT: &str = env!("CARGO_BIN_EXE_lookout");

/// Returns the camera that all tests share that change nothing of it; it ends with the last who holds it.
fn shared() -> Arc<Camera> {
    static SHARED: Mutex<Weak<Camera>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let camera = Arc::new(start(""));
        *shared = Arc::downgrade(&camera);
        camera
    })
}

/// Starts a camera of a test's own.
fn start(config: &str) -> Camera {
    Camera::start(LOOKOUT, config)
}

/// Starts a camera of a test's own that shows something of its own.
fn showing(source: &str, config: &str) -> Camera {
    Camera::setup(&Setup { binary: LOOKOUT, config, source, tls: false })
}
