//! The camera's logic: what may be said (`profile`), who may say it (`access`), what is told of it (`journal`), what a
//! picture is (`media`) and how it is named (`names`), what an alarm does (`alarm`), how a head moves (`ptz`), what a broker is
//! told (`mqtt`) and the network (`mdns`), what is wanted of the host (`host`), what comes in over the network (`head`, `query`,
//! `form`, `pack`, `sntp`, `smtp`, `upnp`), what is written in mails (`letter`) and when a new address is (`public`), how a name
//! follows it (`ddns`), and what the program needs of the world (`port`).
//!
//! Nothing here does I/O, reads a clock or starts a thread: time is an argument, bytes come in and go out. That is
//! why all of it can be tested in milliseconds, and why a lint (`clippy.toml`) refuses clocks, files and sockets.
#![forbid(unsafe_code)]

pub mod access;
pub mod alarm;
pub mod backoff;
pub mod ddns;
pub mod form;
pub mod ftp;
pub mod head;
pub mod hex;
pub mod host;
pub mod journal;
pub mod letter;
pub mod mdns;
pub mod media;
pub mod mqtt;
pub mod names;
pub mod pack;
pub mod port;
pub mod profile;
pub mod ptz;
pub mod public;
pub mod query;
pub mod queue;
pub mod smtp;
pub mod sntp;
pub mod upgrade;
pub mod upnp;
