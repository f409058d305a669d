//! A port that is mapped on the Internet gateway (PROFILE 4.6): what is mapped, how a gateway is found and understood, when it is
//! asked again, and which number of `upnp_status` an outcome is ([ADR 0037](../../../docs/adr/0037-own-gateway-client.md)).
//!
//! ```text
//!   search (SSDP) ──▶ device (its description) ──▶ soap (what is asked of it, what it answers)
//!       └──────────────── xml: one small reader ──────────┘        mapping: whose an entry is, what to do, when
//! ```
//! Whoever answers a search is a stranger: all that it names must lie at the address from which it answered, and whatever it
//! sends is read up to [`LONGEST`] bytes, without entities (RULES R10.3).

pub mod device;
pub mod mapping;
pub mod search;
pub mod soap;
mod xml;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddrV4},
};

/// The longest description or answer that is read, in bytes.
pub const LONGEST: usize = 64 * 1024;
/// The longest path of an address, in bytes.
const LONGEST_PATH: usize = 512;

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

/// Why no port is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The camera does not speak HTTPS, and its plain port is not to be mapped.
    #[error("the camera does not listen for HTTPS, and upnp.expose_plain does not allow the plain port")]
    Plain,
    /// It listens where no gateway reaches it.
    #[error("the camera listens where no gateway can reach it")]
    Loopback,
    /// This machine gives no socket.
    #[error("this machine lets nobody search")]
    Socket,
    /// The machine has no address towards the Internet.
    #[error("this machine has no IPv4 address towards a gateway")]
    NoAddress,
    /// Nobody answers as a gateway.
    #[error("no gateway answers")]
    NoGateway,
    /// The gateway does not answer, or the connection breaks.
    #[error("the gateway cannot be reached")]
    Unreached,
    /// What it says is not what gateways say.
    #[error("the gateway {0}")]
    Nonsense(&'static str),
    /// The port is mapped to somebody else.
    #[error("the port is mapped to another machine")]
    Taken,
    /// It refused, with this code.
    #[error("the gateway refuses (UPnP error {0})")]
    Refused(u16),
}

impl Trouble {
    /// Returns the status that it is.
    pub const fn standing(self) -> Standing {
        match self {
            Self::Plain | Self::Loopback | Self::Socket => Standing::Local,
            Self::NoAddress | Self::NoGateway | Self::Unreached => Standing::Unreached,
            Self::Nonsense(_) => Standing::Nonsense,
            Self::Taken | Self::Refused(_) => Standing::Refused,
        }
    }

    /// Says it in the journal's few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Plain => "no HTTPS to map",
            Self::Loopback => "nothing to map",
            Self::Socket => "cannot search",
            Self::NoAddress => "no network",
            Self::NoGateway => "no gateway",
            Self::Unreached => "gateway not reached",
            Self::Nonsense(_) => "gateway talks nonsense",
            Self::Taken => "port in use",
            Self::Refused(_) => "gateway refuses",
        }
    }
}

/// A place on a gateway: where something is asked for, over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Address and port.
    pub at: SocketAddrV4,
    /// Path and query, from their slash on.
    pub path: String,
}

impl Place {
    /// Reads an absolute address of plain HTTP, with an IPv4 address for a host and neither user nor password.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let rest = text.get(7..).filter(|_| text.as_bytes()[..7].eq_ignore_ascii_case(b"http://"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port != 0)?;
        let at = SocketAddrV4::new(host.parse().ok()?, port);
        Self::at(at, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
    }

    /// Takes a path, which must be one that fits into a line of a request.
    fn at(at: SocketAddrV4, path: String) -> Option<Self> {
        let path = path.split('#').next().unwrap_or_default().to_owned();
        let fits = path.len() <= LONGEST_PATH && path.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self { at, path })
    }

    /// Finds what is named from here; none where that is on another machine.
    fn join(&self, named: &str) -> Option<Self> {
        let named = named.trim();
        let scheme = named.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':'));
        if scheme {
            return Self::parse(named).filter(|place| place.at.ip() == self.at.ip());
        }
        let path = match named {
            "" => return None,
            elsewhere if elsewhere.starts_with("//") => return None,
            whole if whole.starts_with('/') => whole.to_owned(),
            within => {
                let here = self.path.split('?').next().unwrap_or_default();
                let folder = here.rfind('/').map_or("/", |slash| &here[..=slash]);
                format!("{folder}{within}")
            }
        };
        Self::at(self.at, path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.at, self.path)
    }
}

/// Reads which router the way to the Internet goes through first, out of Linux's `/proc/net/route`.
pub fn default_router(routes: &str) -> Option<Ipv4Addr> {
    let way = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (destination, router) = (fields.nth(1)?, fields.next()?);
        let (metric, mask) = (fields.nth(3)?, fields.next()?);
        let router = u32::from_str_radix(router, 16).ok().filter(|router| *router != 0)?;
        let whole = [destination, mask].iter().all(|field| *field == "00000000");
        // The kernel prints the number that the four bytes are on this machine.
        whole.then_some((metric.parse::<u32>().ok()?, Ipv4Addr::from(router.to_ne_bytes())))
    };
    routes.lines().take(1024).filter_map(way).min_by_key(|(metric, _)| *metric).map(|(_, router)| router)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<String> {
        Place::parse(text).map(|place| place.to_string())
    }

    #[test]
    fn a_place_is_plain_http_on_a_machine_that_is_named_by_its_address() {
        for (text, read) in [
            ("http://192.168.1.1:5000/rootDesc.xml", "http://192.168.1.1:5000/rootDesc.xml"),
            ("HTTP://192.168.1.1/a?b=c#d", "http://192.168.1.1:80/a?b=c"),
            ("http://10.0.0.1", "http://10.0.0.1:80/"),
            (" http://10.0.0.1?x ", "http://10.0.0.1:80/?x"),
        ] {
            assert_eq!(place(text).as_deref(), Some(read));
        }
        for bad in [
            "",
            "http://",
            "https://192.168.1.1/",
            "ftp://192.168.1.1/",
            "http://router/",
            "http://a@192.168.1.1/",
            "http://192.168.1.1@10.0.0.1/",
            "http://192.168.1.1:80@10.0.0.1/",
            "http://192.168.1.1:0/",
            "http://192.168.1.1:+80/",
            "http://192.168.1.1:65536/",
            "http://192.168.1.1:/",
            "http://[::1]/",
            "http://192.168.257.1/",
            "http://3232235777/",
            "http://192.168.1.1/a b",
            "http://192.168.1.1/a\r\nHost:b",
            "http://192.168.1.1/ü",
            "é://éé",
        ] {
            assert_eq!(place(bad), None, "{bad:?}");
        }
        assert_eq!(place(&format!("http://1.2.3.4/{}", "a".repeat(LONGEST_PATH))), None);
    }

    #[test]
    fn r10_3_what_is_named_lies_on_the_same_machine_or_nowhere() {
        let here = Place::parse("http://192.168.1.1:5000/desc/root.xml?a/b").unwrap();
        let join = |named| here.join(named).map(|place| place.to_string());
        for (named, found) in [
            ("/ctl/IPConn", "http://192.168.1.1:5000/ctl/IPConn"),
            ("ctl/IPConn", "http://192.168.1.1:5000/desc/ctl/IPConn"),
            ("ctl?at=http://10.0.0.1/", "http://192.168.1.1:5000/desc/ctl?at=http://10.0.0.1/"),
            ("http://192.168.1.1:49152/ctl", "http://192.168.1.1:49152/ctl"),
        ] {
            assert_eq!(join(named).as_deref(), Some(found));
        }
        for elsewhere in
            ["", "//10.0.0.1/ctl", "http://10.0.0.1/ctl", "https://192.168.1.1/", "file:/etc", "a b", "\r\n"]
        {
            assert_eq!(join(elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn the_router_is_that_of_the_cheapest_way_to_everywhere() {
        let number = |text: &str| format!("{:08X}", u32::from_ne_bytes(text.parse::<Ipv4Addr>().unwrap().octets()));
        let (one, two, net) = (number("192.168.1.1"), number("10.0.0.1"), number("192.168.1.0"));
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        let routes = format!(
            "{head}wlan0\t00000000\t{two}\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
             eth0\t00000000\t{one}\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             eth0\t{net}\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        );
        assert_eq!(default_router(&routes), Some(Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(default_router(head), None);
        assert_eq!(default_router("ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n"), None);
        assert_eq!(default_router("x\t00000000\n\u{e9}\n"), None);
    }

    #[test]
    fn each_trouble_is_the_status_that_the_profile_says() {
        let status = |trouble: Trouble| trouble.standing() as u8;
        assert_eq!([Trouble::Plain, Trouble::Loopback, Trouble::Socket].map(status), [2; 3]);
        assert_eq!([Trouble::NoAddress, Trouble::NoGateway, Trouble::Unreached].map(status), [3; 3]);
        assert_eq!(status(Trouble::Nonsense("")), 4);
        // A port that is another's is told from everything else that a gateway refuses.
        let words = |code| Trouble::from(soap::Failure::Refused(code)).words();
        assert_eq!([718, 729, 725].map(words), ["port in use", "port in use", "gateway refuses"]);
        assert_eq!([Trouble::Taken, Trouble::Refused(606), Trouble::Refused(718)].map(status), [5; 3]);
        assert_eq!([Standing::Off as u8, Standing::Mapped as u8], [0, 1]);
    }
}
