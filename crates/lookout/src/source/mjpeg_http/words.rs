//! Plain words for what goes wrong on the way to a camera, without the parts of an address that hold secrets.

use std::{error::Error as _, io};

use lookout_core::port::Lost;
use reqwest::Url;

/// Names a host and its port.
pub(super) fn peer(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str().filter(|host| !host.is_empty())?, url.port_or_known_default()?))
}

/// Says why a request failed.
pub(super) fn lost(peer: &str, error: &reqwest::Error) -> Lost {
    if error.is_timeout() {
        return Lost(format!("{peer} does not answer"));
    }
    let mut cause = error.source();
    let mut last = None;
    while let Some(here) = cause {
        if let Some(io) = here.downcast_ref::<io::Error>()
            && let Some(words) = of(io.kind())
        {
            return Lost(format!("{peer} {words}"));
        }
        if here.downcast_ref::<rustls::Error>().is_some_and(|tls| matches!(tls, rustls::Error::InvalidCertificate(_))) {
            return Lost(format!("{peer} has a certificate that is not trusted"));
        }
        // The resolver's error has no public type.
        if here.to_string() == "dns error" {
            return Lost(format!("no address is known for {peer}"));
        }
        last = Some(here.to_string());
        cause = here.source().or_else(|| here.downcast_ref::<io::Error>().and_then(|io| io.get_ref()).map(|e| e as _));
    }
    // The outermost text, which holds the address, is left out.
    Lost(format!("{peer} breaks off: {}", last.unwrap_or_else(|| "no cause given".into())))
}

fn of(kind: io::ErrorKind) -> Option<&'static str> {
    const WORDS: [(io::ErrorKind, &str); 6] = [
        (io::ErrorKind::ConnectionRefused, "refused the connection"),
        (io::ErrorKind::ConnectionReset, "hung up"),
        (io::ErrorKind::BrokenPipe, "hung up"),
        (io::ErrorKind::HostUnreachable, "cannot be reached"),
        (io::ErrorKind::NetworkUnreachable, "cannot be reached"),
        (io::ErrorKind::TimedOut, "does not answer"),
    ];
    WORDS.iter().find(|(known, _)| *known == kind).map(|(_, words)| *words)
}
