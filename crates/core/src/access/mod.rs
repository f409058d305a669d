//! Who may say it.

pub mod digest;
