//! Pelco-D: seven bytes a message, a checksum at the end.

/// What a camera at an address is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message([u8; 7]);

impl Message {
    /// Returns its bytes as they go out.
    pub const fn bytes(&self) -> &[u8; 7] {
        &self.0
    }
}
