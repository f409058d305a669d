//! HTTP as old clients need it: one request a connection, answered byte for byte as the cameras did.
//!
//! Head and reply are written here and not by an HTTP framework, for three reasons (ADR 0002): clients of this family
//! read the raw socket and insist on exact bytes; a push stream must leave the socket with nothing between frame and
//! kernel; and every limit of PROFILE 1.1 is kept in one place. Headers are parsed by `httparse`, TLS is rustls.

mod caps;
mod conn;
mod listen;
mod push;
mod request;
mod respond;
mod slice;
mod upload;

pub use caps::Caps;
pub use listen::serve;
pub use push::{Asf, Fans, Form, Pictures, Push, Wav};
pub use request::Request;
pub use respond::{Answer, Body, Status, Then, escape_html};
pub use slice::Slice;
pub use upload::{Refused, Upload};
