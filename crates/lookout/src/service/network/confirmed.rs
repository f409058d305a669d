//! What was last confirmed of the network, as a file of its own in the state folder: no end of the camera, however sudden, makes an
//! unconfirmed change one that stays, as the settings differ from this file at the next start.

use std::{io, path::Path};

use lookout_core::host::{chosen::Chosen, confirm::OnDisk};

use crate::files;

const FILE: &str = "network-confirmed.toml";

/// Writes it, whole or not at all.
///
/// # Errors
/// The disk refuses.
pub fn write(state: &Path, text: &str) -> io::Result<()> {
    files::put(state, FILE, &[text.as_bytes()])
}

/// Removes it: of a camera that begins in the factory state.
///
/// # Errors
/// The system refused.
pub fn remove(state: &Path) -> io::Result<()> {
    files::forget(state, FILE)
}

/// Reads it, and clears what an end of the camera has left of writing it.
pub fn read(state: &Path) -> OnDisk {
    let read = match files::read_back(state, FILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return OnDisk::Nothing,
        Err(error) => Err(error.to_string()),
        Ok(text) => Chosen::decode(&text).map_err(|why| why.to_string()),
    };
    match read {
        Ok(chosen) => OnDisk::Kept(Box::new(chosen)),
        Err(why) => {
            tracing::error!("{FILE}: {why}; the network as it is set is taken for confirmed");
            OnDisk::Damaged
        }
    }
}
