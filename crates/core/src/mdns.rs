//! How the camera is found in its networks, by multicast DNS (RFC 6762, 6763): under which names, with which services, and
//! through which of the machine's addresses (Q83).

use std::net::{IpAddr, SocketAddr};

use crate::profile::wire::{Mac, Wire as _};

/// The longest label of a name, bytes (RFC 1035).
const LABEL: usize = 63;
/// What is left free of it: a responder that finds a name taken appends a number.
const SPARE: usize = 5;

/// A service that is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its type, such as `_http._tcp.local.`.
    pub kind: &'static str,
    /// Its port.
    pub port: u16,
    /// Where it listens.
    pub listens: Vec<IpAddr>,
}

impl Service {
    /// Says whether it can be had through one of the machine's addresses.
    pub fn reached(&self, own: IpAddr) -> bool {
        let here =
            |listens: &IpAddr| *listens == own || (listens.is_unspecified() && (listens.is_ipv6() || own.is_ipv4()));
        !own.is_loopback() && self.listens.iter().any(here)
    }
}

/// Returns the services of a camera that listens there; none for what only this machine itself can reach. Of listeners with
/// several ports the first counts.
pub fn services(http: &[SocketAddr], https: &[SocketAddr]) -> Vec<Service> {
    let service = |kind, listens: &[SocketAddr]| {
        let all = || listens.iter().filter(|address| !address.ip().is_loopback());
        let port = all().next()?.port();
        Some(Service { kind, port, listens: all().filter(|one| one.port() == port).map(SocketAddr::ip).collect() })
    };
    let web = [service("_http._tcp.local.", http), service("_https._tcp.local.", https)];
    web.into_iter().flatten().collect()
}

/// Returns what is said of each service (TXT record): the page to open, where the pictures are, and which camera it is.
pub fn text(id: Mac) -> [(&'static str, String); 6] {
    let known = |text: &str| text.to_owned();
    [
        ("txtvers", known("1")),
        ("path", known("/")),
        ("stream", known("/videostream.cgi")),
        ("snapshot", known("/snapshot.cgi")),
        ("model", known("Lookout")),
        ("id", id.show().into_text()),
    ]
}

/// Returns the name that people see: the alias and the id, which no other camera has. It fits into a label, and has no control
/// characters.
pub fn instance(alias: &str, id: Mac) -> String {
    let id = format!(" - {}", id.show().into_text());
    let mut name: String = alias.trim().chars().filter(|letter| !letter.is_control()).collect();
    while name.len() > LABEL - SPARE - id.len() {
        name.pop();
    }
    let name = if name.is_empty() { "Lookout" } else { name.trim_end() };
    format!("{name}{id}")
}

/// Returns the host name, without `.local`, of a camera whose own one cannot be used: no other camera has it.
pub fn spare_host(id: Mac) -> String {
    format!("lookout-{}", id.show().into_text().to_ascii_lowercase())
}

/// Returns the host name, without `.local`, to begin with: the one that is wanted, if it is a label of a name.
pub fn host(wanted: &str, id: Mac) -> String {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = (1..=LABEL - SPARE).contains(&wanted.len()) && wanted.bytes().all(legal) && wanted != "localhost";
    if fits { wanted.to_ascii_lowercase() } else { spare_host(id) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: Mac = Mac([0x00, 0x60, 0x6e, 0x8c, 0x02, 0xa1]);

    fn at(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn q83_what_only_this_machine_reaches_is_not_announced() {
        assert_eq!(services(&at(&["127.0.0.1:80", "[::1]:80"]), &at(&["127.0.0.1:443"])), []);
        let found =
            services(&at(&["127.0.0.1:80", "192.168.0.5:81", "192.168.0.6:82", "10.0.0.1:81"]), &at(&["[::]:443"]));
        let told: Vec<_> = found.iter().map(|service| (service.kind, service.port, service.listens.len())).collect();
        assert_eq!(told, [("_http._tcp.local.", 81, 2), ("_https._tcp.local.", 443, 1)]);
    }

    #[test]
    fn q83_it_is_announced_with_the_addresses_on_which_it_listens() {
        let own = ["192.168.0.5", "192.168.0.9", "fe80::1", "127.0.0.1", "::1"];
        for (listens, reached) in [
            ("0.0.0.0:80", [true, true, false, false, false]),
            ("[::]:80", [true, true, true, false, false]),
            ("192.168.0.9:80", [false, true, false, false, false]),
            ("[fe80::1]:80", [false, false, true, false, false]),
        ] {
            let service = &services(&at(&[listens]), &[])[0];
            assert_eq!(own.map(|own| service.reached(own.parse().unwrap())), reached, "{listens}");
        }
    }

    #[test]
    fn q83_the_name_is_the_alias_with_the_id() {
        assert_eq!(instance("Front.door", ID), "Front.door - 00606E8C02A1");
        assert_eq!(instance(" \n ", ID), "Lookout - 00606E8C02A1");
        assert_eq!(instance("Tür\u{7}", ID), "Tür - 00606E8C02A1");
        assert_eq!((host("cam-1", ID), host("Cam", ID)), ("cam-1".into(), "cam".into()));
        for bad in ["", "localhost", "two words", "a.b", "straße", &"x".repeat(59)] {
            assert_eq!(host(bad, ID), "lookout-00606e8c02a1", "{bad}");
        }
    }

    #[test]
    fn what_is_said_of_a_service_fits_into_its_strings() {
        assert!(text(ID).iter().all(|(key, value)| key.len() + value.len() < 255 && !key.contains('=')));
        assert!(text(ID).contains(&("id", "00606E8C02A1".into())));
    }

    proptest! {
        #[test]
        fn any_alias_makes_a_label(alias in any::<String>()) {
            let name = instance(&alias, ID);
            prop_assert!(name.len() <= LABEL - SPARE && name.ends_with(" - 00606E8C02A1"), "{name}");
            prop_assert!(!name.chars().any(char::is_control));
        }
    }
}
