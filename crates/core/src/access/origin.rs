//! Hosts, authorities and origins as they stand in request headers, each in one form for all its spellings.

use std::net::{IpAddr, Ipv6Addr};

/// A host as it stands in URLs and headers, in one form for all its spellings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address; an IPv4-mapped one is the IPv4 address.
    Ip(IpAddr),
    /// A name in lower case, without the root's dot.
    Name(String),
}

/// A host with an optional port, as in `Host: cam.local:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
}

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; `None` for anything else, user information included.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                // The zone of a link-local address means something to the sender alone (RFC 6874).
                let address = address.split_once('%').map_or(address, |(address, _zone)| address);
                (Host::Ip(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?).to_canonical()), port)
            }
            None => {
                let colon = text.find(':').unwrap_or(text.len());
                (name_or_v4(&text[..colon])?, &text[colon..])
            }
        };
        let port = match port.strip_prefix(':') {
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None if port.is_empty() => None,
            None => return None,
        };
        Some(Self { host, port })
    }
}

fn name_or_v4(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse() {
        return Some(Host::Ip(IpAddr::V4(address)));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    // The underscore is no host name's by the book, and in many a home network's.
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!name.is_empty() && name.bytes().all(fit)).then(|| Host::Name(name.to_ascii_lowercase()))
}

/// Scheme, host and port: what a browser tells one site from another by (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host,
    /// `None` if neither written nor known of the scheme.
    port: Option<u16>,
}

impl Origin {
    /// Reads `scheme://host` or `scheme://host:port`; `null` and everything else is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.trim_ascii().split_once("://")?;
        Self::new(scheme, authority)
    }

    /// Takes the origin out of a URL. Its user information is passed over, which some clients leave in a `Referer`.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim_ascii().split_once("://")?;
        let authority = rest.split(['/', '?', '#', '\\']).next()?;
        Self::new(scheme, authority.rsplit_once('@').map_or(authority, |(_user, host)| host))
    }

    /// Makes the camera's own origin of how it was called.
    pub(super) fn own(secure: bool, host: &str) -> Option<Self> {
        Self::new(if secure { "https" } else { "http" }, host)
    }

    fn new(scheme: &str, authority: &str) -> Option<Self> {
        let scheme = scheme.to_ascii_lowercase();
        let Authority { host, port } = Authority::parse(authority)?;
        let usual = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Some(Self { port: port.or(usual), scheme, host })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_spellings_of_an_authority_are_one() {
        let same = |a: &str, b: &str| assert_eq!(Authority::parse(a).unwrap(), Authority::parse(b).unwrap());
        same("CAM.local.:80", "cam.local:80");
        same("[::FFFF:10.0.0.1]:80", "10.0.0.1:80");
        same("[0:0:0:0:0:0:0:1]", "[::1]");
        same("cam:", "cam");
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        assert_eq!(Origin::parse("HTTP://Cam."), Origin::parse("http://cam:80"));
        assert_eq!(Origin::parse("https://cam:443"), Origin::of_url("https://user:pwd@cam/a@b?c"));
        assert_ne!(Origin::parse("http://cam:443"), Origin::parse("https://cam"));
        for none in ["", "null", "cam", "://", "http://", "http:/cam", "http://cam/", "http://a@cam", "file:///x"] {
            assert_eq!(Origin::parse(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, near in "(http://)?[\\[\\]:.%a0-9 @/]{0,20}") {
            let _ = (Authority::parse(&text), Origin::parse(&text), Origin::of_url(&text));
            let _ = (Authority::parse(&near), Origin::parse(&near), Origin::of_url(&near));
        }
    }
}
