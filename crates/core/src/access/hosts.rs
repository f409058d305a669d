//! The Host check: whether a request was meant for this camera (PROFILE 1.3).
//!
//! DNS rebinding points a name of the attacker's at the camera's address; his page is then of the camera's origin, as
//! far as the browser can tell, and may read and do everything that the browser's cached login may. The `Host` header
//! gives it away: the browser writes the attacker's name into it.

use std::collections::BTreeSet;

use super::origin::{Authority, Host};

/// The names under which the camera may be addressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: BTreeSet<String>,
}

impl Hosts {
    /// Takes the camera's names: `NAME.local`, `ddns_host`, the configured ones. Case and a port do not matter; blank
    /// and impossible ones are left out. `localhost` and addresses need not be listed.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let name = |text: N| match Authority::parse(text.as_ref())?.host {
            Host::Name(name) => Some(name),
            Host::Ip(_) => None,
        };
        Self { names: names.into_iter().filter_map(name).collect() }
    }

    /// Says whether a request with this `Host` header may be answered; its port is not looked at.
    ///
    /// Any IP literal may: rebinding needs a name, and a page whose origin is the very address that the browser
    /// connects to came from there. To compare it with the camera's own addresses would lock out everybody behind
    /// port forwarding, where the literal is the router's. A missing header is fine in HTTP/1.0 alone.
    pub fn allowed(&self, host: Option<&str>, http_1_0: bool) -> bool {
        let Some(text) = host.filter(|text| !text.trim_ascii().is_empty()) else {
            return http_1_0;
        };
        match Authority::parse(text).map(|authority| authority.host) {
            Some(Host::Ip(_)) => true,
            Some(Host::Name(name)) => name == "localhost" || self.names.contains(&name),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn camera() -> Hosts {
        Hosts::new(["Lookout.local", "home.example.org.", "cam.lan:8080", "", "not a name", "192.168.0.5"])
    }

    #[test]
    fn the_cameras_own_names_and_any_address_are_allowed() {
        for host in [
            "lookout.local",
            "LOOKOUT.LOCAL:8080",
            "home.example.org",
            "home.example.org.:80",
            "cam.lan",
            "localhost",
            "localhost:8080",
            "192.168.0.5",
            "203.0.113.7:81",
            "[::1]",
            "[fe80::1%25eth0]:8080",
            "[::ffff:10.0.0.1]",
            " localhost ",
            "localhost:",
        ] {
            assert!(camera().allowed(Some(host), false), "{host}");
        }
    }

    #[test]
    fn a_name_of_somebody_elses_is_not() {
        for host in [
            "evil.example",
            "lookout.local.evil.example",
            "evil-lookout.local",
            "local",
            "localhost.evil.example",
            "192.168.0.5.evil.example",
            "0x7f.1",
            "2130706433",
            "user@localhost",
            "localhost/x",
            "localhost:80:80",
            "localhost:+80",
            "localhost:99999",
            "[::1",
            "::1",
            "[127.0.0.1]",
            "[::1]x",
            "localhost..",
            ".",
            "lookout.local,evil.example",
            "lookout.local evil.example",
            "ünsinn",
        ] {
            assert!(!camera().allowed(Some(host), false), "{host}");
            assert!(!camera().allowed(Some(host), true), "{host}");
        }
    }

    #[test]
    fn only_http_1_0_may_leave_it_out() {
        for host in [None, Some(""), Some(" ")] {
            assert!(camera().allowed(host, true));
            assert!(!camera().allowed(host, false));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, near in "[\\[\\]:.%a0-9 @]{0,20}") {
            camera().allowed(Some(&text), false);
            camera().allowed(Some(&near), false);
        }
    }
}
