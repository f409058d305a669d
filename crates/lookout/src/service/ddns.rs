//! Dynamic DNS (PROFILE 4.5).

use tokio::sync::watch;

/// Dynamic DNS as others see it.
pub struct Ddns {
    /// How it stands, by the profile's number.
    status: watch::Sender<u8>,
    /// 1: Oray says that the account is a professional one.
    oray: watch::Sender<u8>,
    /// Rung when what was refused for good is to be tried again.
    again: watch::Sender<()>,
}

impl Ddns {
    /// Makes one that is idle.
    pub fn new() -> Self {
        Self { status: watch::Sender::default(), oray: watch::Sender::default(), again: watch::Sender::new(()) }
    }

    /// Returns `ddns_status` and `oray_type`.
    pub fn status(&self) -> (u8, u8) {
        (*self.status.borrow(), *self.oray.borrow())
    }

    /// Has what was refused for good tried again.
    pub fn again(&self) {
        self.again.send_replace(());
    }
}
