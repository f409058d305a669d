//! What runs on its own: each service an endless loop with one `select!`, none knowing another.

pub mod devices;
pub mod ntp;
