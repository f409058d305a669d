//! The guard against foreign pages: a page elsewhere on the web that makes its reader's browser act on the camera, with
//! the login that the browser remembers (PROFILE 1.3, rule W5).
//!
//! On plain HTTP to a LAN address current browsers send no `Sec-Fetch-*`, and a foreign navigation with `no-referrer`
//! carries neither `Origin` nor `Referer`: it looks like an old client but for the marks of a browser. So there are
//! three verdicts: what is surely foreign is refused, what is surely not is allowed, and a browser that does not say
//! is asked ([`Verdict::Confirm`]). Old clients, recorders and curl never notice the guard.

use super::origin::Origin;
use crate::profile::commands::Guard;

/// How strict the guard is: the setting `http.csrf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Lets old clients through.
    #[default]
    Compat,
    /// Demands query credentials or proof of the same origin of everybody who moves or changes something.
    Strict,
    /// Guards nothing; for simulators.
    Off,
}

/// Which credentials of a request were valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifiedBy {
    /// Those in the query, perhaps others too. A foreign page cannot know them.
    Query,
    /// Those in the `Authorization` header alone, which a browser attaches whoever asks.
    Header,
    /// None.
    #[default]
    Nobody,
}

/// What the guard decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allow,
    /// 403.
    Refuse,
    /// 403 with the confirm page (see [`confirm`](super::confirm)).
    Confirm,
}

/// What a request shows about who is behind it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs<'a> {
    /// It came to us over TLS. (Behind a proxy that ends TLS the proxy's origin is put on the list of allowed ones.)
    pub secure: bool,
    /// Which credentials were valid.
    pub verified_by: VerifiedBy,
    /// It bears an accepted `_confirm`.
    pub confirmed: bool,
    /// `Host`, or the authority of an absolute target.
    pub host: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Referer`.
    pub referer: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub sec_fetch_site: Option<&'a str>,
    /// Whether there is any other `Sec-Fetch-*`.
    pub sec_fetch_other: bool,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// Whether there is an `Accept-Language`.
    pub accept_language: bool,
    /// Whether there is an `Upgrade-Insecure-Requests`.
    pub upgrade_insecure_requests: bool,
    /// `X-Requested-With`.
    pub x_requested_with: Option<&'a str>,
}

impl<'a> Signs<'a> {
    /// Gathers the signs that stand in headers; `header` looks one up by its name in lower case.
    pub fn from_headers(header: impl Fn(&'static str) -> Option<&'a [u8]>) -> Self {
        // A value is read up to what is not UTF-8: rubbish at the end of a foreign Referer must not hide its host.
        let text = |name| header(name).map(|value| value.utf8_chunks().next().map_or("", |chunk| chunk.valid()));
        Self {
            host: text("host"),
            origin: text("origin"),
            referer: text("referer"),
            sec_fetch_site: text("sec-fetch-site"),
            sec_fetch_other: ["sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user"]
                .iter()
                .any(|name| header(name).is_some()),
            user_agent: text("user-agent"),
            accept_language: header("accept-language").is_some(),
            upgrade_insecure_requests: header("upgrade-insecure-requests").is_some(),
            x_requested_with: text("x-requested-with"),
            ..Self::default()
        }
    }

    /// Says whose `Origin` and `Referer` are; `None` for one that is missing or says nothing.
    fn sources(&self, allowed: &[Origin]) -> Sources {
        let own = self.host.and_then(|host| Origin::own(self.secure, host));
        let side = |origin: Option<Origin>| match origin {
            Some(origin) if own.as_ref() == Some(&origin) => Side::Own,
            Some(origin) if allowed.contains(&origin) => Side::Allowed,
            _ => Side::Foreign,
        };
        Sources {
            origin: self.origin.map(|text| side(Origin::parse(text))),
            // Hand-written clients send a Referer that is no URL; a browser never does.
            referer: self.referer.filter(|text| text.contains("://")).map(|text| side(Origin::of_url(text))),
        }
    }

    fn fetched_from(&self, site: &str) -> bool {
        self.sec_fetch_site.is_some_and(|text| text.trim_ascii().eq_ignore_ascii_case(site))
    }

    /// Says whether a browser seems to have sent it. An `Origin` would be a mark too, but then who sent it is clear.
    fn is_browser(&self) -> bool {
        let marked = self.accept_language
            || self.upgrade_insecure_requests
            || self.sec_fetch_other
            || self.sec_fetch_site.is_some();
        marked && self.user_agent.is_some_and(|agent| agent.starts_with("Mozilla/"))
    }
}

/// Whose a header says the request is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Allowed,
    Foreign,
}

struct Sources {
    origin: Option<Side>,
    referer: Option<Side>,
}

impl Sources {
    fn any(&self, side: Side) -> bool {
        [self.origin, self.referer].contains(&Some(side))
    }
}

/// Judges a request by the order of rules of PROFILE 1.3, “Foreign pages”.
///
/// `allowed` are origins that the operator trusts like the camera's own. A `HEAD`, which changes nothing, is judged as
/// [`Guard::Read`].
pub fn judge(guard: Guard, mode: Mode, signs: &Signs<'_>, allowed: &[Origin]) -> Verdict {
    if mode == Mode::Off || guard == Guard::Read {
        return Verdict::Allow;
    }
    let sources = signs.sources(allowed);
    // An allowed origin is another site to the browser. Only Origin waives that: a Referer survives redirects of
    // others.
    let other_site =
        (signs.fetched_from("cross-site") || signs.fetched_from("same-site")) && sources.origin != Some(Side::Allowed);
    if other_site || sources.any(Side::Foreign) {
        return Verdict::Refuse;
    }
    let same_origin = signs.fetched_from("same-origin")
        || signs.fetched_from("none")
        || sources.any(Side::Own)
        || sources.any(Side::Allowed)
        // A foreign script cannot set it without CORS. But Android's web views put `com.example.app` here, whoever
        // asks.
        || signs.x_requested_with.is_some_and(|text| !text.is_empty() && !text.contains('.'));
    if signs.verified_by == VerifiedBy::Query || same_origin {
        return Verdict::Allow;
    }
    match (mode, guard) {
        (Mode::Strict, _) => Verdict::Refuse,
        (Mode::Compat, Guard::Change) if signs.is_browser() && !signs.confirmed => Verdict::Confirm,
        (Mode::Compat | Mode::Off, _) => Verdict::Allow,
    }
}

#[cfg(test)]
mod tests {
    use Guard::{Change, Move, Read};
    use Verdict::{Allow, Confirm, Refuse};
    use proptest::prelude::*;

    use super::*;

    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

    /// Reads a head as a client sends it, lines without CR.
    fn signs(head: &'static str) -> Signs<'static> {
        Signs::from_headers(|wanted| {
            let mut fields = head.lines().filter_map(|line| line.trim().split_once(": "));
            fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_bytes())
        })
    }

    fn compat(guard: Guard, signs: &Signs<'_>) -> Verdict {
        judge(guard, Mode::Compat, signs, &[])
    }

    /// A browser at the camera by plain HTTP that shows nothing of where it comes from.
    const SILENT: Signs<'_> = Signs {
        secure: false,
        verified_by: VerifiedBy::Header,
        confirmed: false,
        host: Some("192.168.0.5:8080"),
        origin: None,
        referer: None,
        sec_fetch_site: None,
        sec_fetch_other: false,
        user_agent: Some(CHROME),
        accept_language: true,
        upgrade_insecure_requests: true,
        x_requested_with: None,
    };

    #[test]
    fn every_rule_holds_for_every_guard() {
        let own = "http://192.168.0.5:8080";
        let query = VerifiedBy::Query;
        let curl = Signs {
            host: SILENT.host,
            user_agent: Some("curl/8.5.0"),
            verified_by: VerifiedBy::Header,
            ..Signs::default()
        };
        let quiet = Signs { accept_language: false, upgrade_insecure_requests: false, ..SILENT };
        // What it is, the signs, the verdicts in compat on Move and Change, in strict on both.
        let table: &[(&str, Signs<'_>, [Verdict; 4])] = &[
            ("1 cross-site", Signs { sec_fetch_site: Some("cross-site"), ..SILENT }, [Refuse; 4]),
            ("1 same-site", Signs { sec_fetch_site: Some("same-site"), ..SILENT }, [Refuse; 4]),
            ("1 any case", Signs { sec_fetch_site: Some("Cross-Site"), ..SILENT }, [Refuse; 4]),
            ("1 foreign origin", Signs { origin: Some("http://evil.example"), ..SILENT }, [Refuse; 4]),
            ("1 null origin", Signs { origin: Some("null"), ..SILENT }, [Refuse; 4]),
            ("1 broken origin", Signs { origin: Some(""), ..SILENT }, [Refuse; 4]),
            (
                "1 foreign referer",
                Signs { referer: Some("http://evil.example/192.168.0.5:8080"), ..SILENT },
                [Refuse; 4],
            ),
            (
                "1 foreign referer, own origin",
                Signs { origin: Some(own), referer: Some("http://evil.example/"), ..SILENT },
                [Refuse; 4],
            ),
            ("1 before 2", Signs { origin: Some("null"), verified_by: query, ..SILENT }, [Refuse; 4]),
            ("1 before 3", Signs { origin: Some(own), sec_fetch_site: Some("cross-site"), ..SILENT }, [Refuse; 4]),
            (
                "1 before confirmed",
                Signs { sec_fetch_site: Some("cross-site"), confirmed: true, ..SILENT },
                [Refuse; 4],
            ),
            ("1 not only browsers", Signs { origin: Some("http://evil.example"), ..curl }, [Refuse; 4]),
            ("2 query credentials", Signs { verified_by: query, ..SILENT }, [Allow; 4]),
            ("3 same-origin", Signs { sec_fetch_site: Some("same-origin"), ..SILENT }, [Allow; 4]),
            ("3 typed in", Signs { sec_fetch_site: Some("none"), ..SILENT }, [Allow; 4]),
            ("3 own origin", Signs { origin: Some(own), ..SILENT }, [Allow; 4]),
            ("3 own referer", Signs { referer: Some("http://192.168.0.5:8080/a.htm?b=c"), ..SILENT }, [Allow; 4]),
            ("3 script", Signs { x_requested_with: Some("XMLHttpRequest"), ..SILENT }, [Allow; 4]),
            (
                "3 not a web view's",
                Signs { x_requested_with: Some("com.example.app"), ..SILENT },
                [Allow, Confirm, Refuse, Refuse],
            ),
            ("4 silent browser", SILENT, [Allow, Confirm, Refuse, Refuse]),
            (
                "4 language alone",
                Signs { upgrade_insecure_requests: false, ..SILENT },
                [Allow, Confirm, Refuse, Refuse],
            ),
            ("4 upgrade alone", Signs { accept_language: false, ..SILENT }, [Allow, Confirm, Refuse, Refuse]),
            ("4 unknown fetch site", Signs { sec_fetch_site: Some("new"), ..curl }, [Allow, Allow, Refuse, Refuse]),
            ("4 fetch mode alone", Signs { sec_fetch_other: true, ..quiet }, [Allow, Confirm, Refuse, Refuse]),
            ("4 fetch site alone", Signs { sec_fetch_site: Some("new"), ..quiet }, [Allow, Confirm, Refuse, Refuse]),
            ("5 no mark of a browser", quiet, [Allow, Allow, Refuse, Refuse]),
            ("4 confirmed", Signs { confirmed: true, ..SILENT }, [Allow, Allow, Refuse, Refuse]),
            ("4 referer without URL", Signs { referer: Some("index.htm"), ..SILENT }, [Allow, Confirm, Refuse, Refuse]),
            ("5 curl", curl, [Allow, Allow, Refuse, Refuse]),
            (
                "5 a client that says Mozilla",
                Signs { user_agent: Some("Mozilla/4.0"), ..curl },
                [Allow, Allow, Refuse, Refuse],
            ),
            (
                "5 a client that says a language",
                Signs { accept_language: true, ..curl },
                [Allow, Allow, Refuse, Refuse],
            ),
            ("5 a client that says nothing", Signs::default(), [Allow, Allow, Refuse, Refuse]),
        ];
        for (what, signs, wanted) in table {
            let found = [(Move, Mode::Compat), (Change, Mode::Compat), (Move, Mode::Strict), (Change, Mode::Strict)];
            assert_eq!(found.map(|(guard, mode)| judge(guard, mode, signs, &[])), *wanted, "{what}");
            assert_eq!(judge(Read, Mode::Strict, signs, &[]), Allow, "{what}");
            assert_eq!(judge(Change, Mode::Off, signs, &[]), Allow, "{what}");
        }
    }

    #[test]
    fn real_browsers_are_told_apart() {
        let foreign_image_over_https = signs(
            "Host: cam.example:8443
             User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0
             Accept: image/avif,image/webp,*/*
             Accept-Language: en-US,en;q=0.5
             Referer: https://evil.example/
             Sec-Fetch-Dest: image
             Sec-Fetch-Mode: no-cors
             Sec-Fetch-Site: cross-site",
        );
        let foreign_link_without_referrer = signs(
            "Host: 192.168.0.5:8080
             Upgrade-Insecure-Requests: 1
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36
             Accept: text/html,*/*;q=0.8
             Accept-Encoding: gzip, deflate
             Accept-Language: de-DE,de;q=0.9",
        );
        let foreign_form = signs(
            "Host: 192.168.0.5:8080
             Origin: null
             User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15
             Accept-Language: en-GB",
        );
        let own_page_of_stock_ui = signs(
            "Host: 192.168.0.5:8080
             User-Agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)
             Accept-Language: en-us
             Referer: http://192.168.0.5:8080/admin.htm",
        );
        let own_script_over_https = signs(
            "Host: cam.example:8443
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36
             Accept-Language: en-US
             Sec-Fetch-Site: same-origin
             Sec-Fetch-Mode: cors
             Referer: https://cam.example:8443/",
        );
        let own_script_over_https = Signs { secure: true, ..own_script_over_https };
        let recorder = signs("Host: 192.168.0.5\nUser-Agent: Lavf/59.27.100\nAccept: */*");
        let cases = [
            (foreign_image_over_https, [Refuse, Refuse]),
            (foreign_link_without_referrer, [Allow, Confirm]),
            (foreign_form, [Refuse, Refuse]),
            (own_page_of_stock_ui, [Allow, Allow]),
            (own_script_over_https, [Allow, Allow]),
            (recorder, [Allow, Allow]),
        ];
        for (signs, wanted) in cases {
            assert_eq!([Move, Change].map(|guard| compat(guard, &signs)), wanted, "{signs:?}");
        }
    }

    #[test]
    fn origins_are_compared_by_scheme_host_and_port() {
        let same = [
            (false, "cam", "http://cam"),
            (false, "cam:80", "http://cam"),
            (false, "cam", "http://CAM:80"),
            (false, "CAM.", "http://cam"),
            (true, "cam", "https://cam:443"),
            (true, "cam:8443", "https://cam:8443"),
            (false, "[::1]:8080", "http://[0:0::1]:8080"),
            (false, "[FE80::1]", "http://[fe80::1]"),
            (false, "[::ffff:10.0.0.1]", "http://10.0.0.1"),
            (false, "cam", "HTTP://cam"),
        ];
        let foreign = [
            (false, "cam", "https://cam"),
            (true, "cam", "http://cam"),
            (true, "cam:80", "http://cam"),
            (false, "cam", "http://cam:8080"),
            (false, "cam:8080", "http://cam"),
            (false, "cam", "http://cam.evil.example"),
            (false, "cam", "http://xcam"),
            (false, "[::1]", "http://[::2]"),
            (false, "cam", "file://"),
            (false, "cam", "chrome-extension://cam"),
            (false, "cam", "cam"),
            (false, "cam", "http://cam@evil.example"),
            (false, "", "http://"),
            (false, "a b", "http://a b"),
        ];
        for (pairs, wanted) in [(&same[..], Allow), (&foreign[..], Refuse)] {
            for &(secure, host, origin) in pairs {
                let signs = Signs { secure, host: Some(host), origin: Some(origin), ..SILENT };
                assert_eq!(compat(Change, &signs), wanted, "{secure} {host} {origin}");
            }
        }
        let nameless = Signs { host: None, origin: Some("http://cam"), ..SILENT };
        assert_eq!(compat(Change, &nameless), Refuse);
    }

    #[test]
    fn a_referer_is_foreign_by_its_host_alone() {
        let verdict = |referer| compat(Change, &Signs { host: Some("cam"), referer: Some(referer), ..SILENT });
        for own in [
            "http://cam",
            "http://cam/x?http://evil.example",
            "http://admin:secret@cam/",
            "http://cam#x",
            "http://cam:80/",
        ] {
            assert_eq!(verdict(own), Allow, "{own}");
        }
        for foreign in [
            "http://evil.example/http://cam/",
            "http://cam@evil.example/",
            "http://evil.example\\@cam/",
            "https://cam/",
            "android-app://cam/",
        ] {
            assert_eq!(verdict(foreign), Refuse, "{foreign}");
        }
        let cut = Signs::from_headers(|name| match name {
            "host" => Some(b"cam"),
            "referer" => Some(b"http://evil.example/\xff"),
            _ => None,
        });
        assert_eq!(compat(Move, &cut), Refuse, "what is no text at the end does not hide the host");
    }

    #[test]
    fn an_allowed_origin_is_never_foreign() {
        let allowed =
            [Origin::parse("https://home.example:8123").unwrap(), Origin::parse("capacitor://localhost").unwrap()];
        let page = Signs { user_agent: Some(FIREFOX), sec_fetch_site: Some("cross-site"), ..SILENT };
        for origin in ["https://home.example:8123", "https://HOME.example:8123", "capacitor://localhost"] {
            let script = Signs { origin: Some(origin), ..page };
            for (guard, mode) in [(Move, Mode::Compat), (Change, Mode::Compat), (Change, Mode::Strict)] {
                assert_eq!(judge(guard, mode, &script, &allowed), Allow, "{origin}");
            }
        }
        let other_port = Signs { origin: Some("https://home.example"), ..page };
        assert_eq!(judge(Move, Mode::Compat, &other_port, &allowed), Refuse);
        let link = Signs { referer: Some("https://home.example:8123/"), sec_fetch_site: None, ..page };
        assert_eq!(judge(Change, Mode::Compat, &link, &allowed), Allow);
        let redirected = Signs { sec_fetch_site: Some("cross-site"), ..link };
        assert_eq!(
            judge(Change, Mode::Compat, &redirected, &allowed),
            Refuse,
            "a Referer survives another site's redirect"
        );
    }

    proptest! {
        #[test]
        fn no_header_panics(
            origin: String,
            referer in "(https?://)?[\\[\\]:@/a.%0-9]{0,20}",
            host in "[\\[\\]:@/a.%0-9]{0,20}",
        ) {
            let signs = Signs { origin: Some(&origin), referer: Some(&referer), host: Some(&host), ..SILENT };
            compat(Change, &signs);
            compat(Change, &Signs { origin: None, ..signs });
        }

        #[test]
        fn no_foreign_origin_changes_anything(
            origin in "(null|https?://[a-z0-9.:@]{0,12})",
            confirmed: bool,
            query: bool,
        ) {
            prop_assume!(Origin::parse(&origin) != Origin::parse("http://192.168.0.5:8080"));
            let verified_by = if query { VerifiedBy::Query } else { VerifiedBy::Header };
            let signs = Signs { origin: Some(&origin), confirmed, verified_by, ..SILENT };
            prop_assert_eq!(compat(Change, &signs), Refuse);
        }
    }
}
