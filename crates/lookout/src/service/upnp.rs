//! A port that is mapped on the Internet gateway (PROFILE 4.6).

use tokio::sync::watch;

/// `upnp_status`, by the profile's number.
pub type Mapped = watch::Sender<u8>;
