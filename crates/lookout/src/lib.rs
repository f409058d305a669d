//! The camera: HTTP, CGIs, services, store, hub, pipeline.
#![forbid(unsafe_code)]

pub mod config;
pub mod log;
pub mod metrics;
pub mod source;
pub mod tls;
pub mod watchdog;
