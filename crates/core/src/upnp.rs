//! A port that is mapped on the Internet gateway (PROFILE 4.6).

/// `upnp_status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Standing {
    /// Nothing is to be mapped.
    #[default]
    Off = 0,
    /// The port is mapped.
    Mapped = 1,
    /// There is nothing to map, or this machine fails.
    Local = 2,
    /// There is no gateway, or it cannot be reached.
    Unreached = 3,
    /// The gateway answered nonsense.
    Nonsense = 4,
    /// The gateway refused.
    Refused = 5,
}
