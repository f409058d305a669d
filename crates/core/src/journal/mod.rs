//! The journal: who came in, who was refused, what happened; what `get_log.cgi` shows (PROFILE 5.9).
//!
//! [`Event`] is what may be told, `line` how, [`Ring`] how much of it.

mod event;
mod line;
mod ring;

pub use event::{Event, Peer};
pub use ring::{KEPT, LONGEST, Ring};
