#![allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]

mod keeping;

use proptest::prelude::*;

use super::*;
use crate::profile::{settings::Settings, wire::Wire as _};

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// An account of a service, by the profile's number.
pub fn account(service: &str) -> Account {
    let mut ddns = Settings::factory().ddns;
    ddns.service = DdnsService::parse(service).unwrap();
    ddns.user.take("us er").unwrap();
    ddns.pwd.take("pä:ss").unwrap();
    ddns.host.take("cam.example.org").unwrap();
    ddns.proxy_svr.take("proxy.example").unwrap();
    ddns.proxy_port.take("3128").unwrap();
    Account::of(&ddns).unwrap()
}

#[test]
fn each_service_is_asked_as_its_protocol_wants() {
    let url = |service: &str, address: Option<&str>| {
        let request = Request::new(&account(service), "https://ddns.test/nic/update", address.map(ip));
        assert_eq!((request.user.as_str(), request.pwd.expose()), ("us er", "pä:ss"));
        assert_eq!(request.proxy.is_some(), matches!(service, "2" | "3" | "4"), "{service}");
        request.url
    };
    for (service, system) in [("2", "dyndns"), ("3", "statdns"), ("4", "custom"), ("8", "dyndns"), ("9", "statdns")] {
        let wanted = format!("https://ddns.test/nic/update?system={system}&hostname=cam.example.org&myip=1.2.3.4");
        assert_eq!(url(service, Some("1.2.3.4")), wanted);
    }
    assert_eq!(url("1", Some("1.2.3.4")), "https://ddns.test/nic/update?hostname=cam.example.org&myip=1.2.3.4");
    assert_eq!(url("1", Some("::ffff:1.2.3.4")), "https://ddns.test/nic/update?hostname=cam.example.org&myip=1.2.3.4");
    assert_eq!(url("1", None), "https://ddns.test/nic/update?hostname=cam.example.org");
    assert_eq!(url("2", None), "https://ddns.test/nic/update?system=dyndns&hostname=cam.example.org");
}

#[test]
fn a_proxy_is_of_dyndns_alone_and_has_a_port() {
    let mut one = account("4");
    let proxy = |account: &Account| Request::new(account, "http://a/", None).proxy;
    assert_eq!(proxy(&one).as_deref(), Some("http://proxy.example:3128"));
    one.proxy = Some(("2001:db8::1".into(), 80));
    assert_eq!(proxy(&one).as_deref(), Some("http://[2001:db8::1]:80"));
    let mut ddns = Settings::factory().ddns;
    (ddns.service, ddns.proxy_svr) = (DdnsService::Custom, crate::profile::wire::Host::parse("p").unwrap());
    assert_eq!(Account::of(&ddns).unwrap().proxy, Some(("p".into(), PROXY_PORT)));
}

#[test]
fn q79_services_that_are_reserved_do_nothing() {
    let mut ddns = Settings::factory().ddns;
    for number in 0..13_u8 {
        ddns.service = DdnsService::parse(&number.to_string()).unwrap();
        assert_eq!(Account::of(&ddns).is_some(), matches!(number, 1..=4 | 8 | 9), "{number}");
    }
}

#[test]
fn what_cannot_be_right_is_refused_without_asking() {
    let refused = |host: &str, user: &str, pwd: &str| {
        let mut one = account("2");
        (one.host, one.user, one.pwd) = (host.into(), user.into(), Secret::new(pwd));
        one.refused()
    };
    assert_eq!(refused("cam.example.org", "u", "p"), None);
    for host in ["", "cam", "cam..org", ".org", "1::2", "a.b:80"] {
        assert_eq!(refused(host, "u", "p"), Some(Verdict::NotFqdn), "{host}");
    }
    assert_eq!(refused("cam.example.org", "", "p"), Some(Verdict::BadAuth));
    assert_eq!(refused("cam.example.org", "u", ""), Some(Verdict::BadAuth));
}

/// Each answer to an update with 1.2.3.4, and its number at DynDNS, 3322 and Oray.
const ANSWERS: &[(u16, &str, u8, u8, u8)] = &[
    (200, "good 1.2.3.4", 3, 29, 17),
    (200, "good 1.2.3.4\r\n", 3, 29, 17),
    (200, "GOOD 1.2.3.4", 3, 29, 17),
    (200, "good", 3, 29, 17),
    (200, "\u{feff}good 1.2.3.4", 3, 29, 17),
    (200, "\r\n\r\n good  1.2.3.4 \r\n", 3, 29, 17),
    (200, "good 2001::1,1.2.3.4", 3, 29, 17),
    (500, "good 1.2.3.4", 3, 29, 17),
    (200, "nochg 1.2.3.4", 3, 29, 17),
    (200, "nochg", 3, 29, 17),
    (200, "dnserr", 4, 30, 14),
    (200, "badauth", 5, 31, 15),
    (401, "badauth", 5, 31, 15),
    (401, "<html><h1>Unauthorized</h1></html>", 5, 31, 15),
    (401, "", 5, 31, 15),
    (200, "!donator", 6, 32, 14),
    (200, "notfqdn", 7, 33, 16),
    (200, "nohost", 8, 34, 16),
    (200, "!yours", 9, 35, 16),
    (200, "numhost", 10, 36, 16),
    (200, "abuse", 11, 37, 14),
    (403, "abuse", 11, 37, 14),
    (200, "911", 12, 38, 14),
    (500, "911", 12, 38, 14),
    (200, "badagent", 13, 39, 14),
    (200, "badsys", 13, 39, 14),
    (200, "good 127.0.0.1", 13, 39, 14),
    (200, "good 6.6.6.6", 13, 39, 14),
    (200, "nochg 6.6.6.6", 13, 39, 14),
    (200, "", 13, 39, 14),
    (200, "ok", 13, 39, 14),
    (200, "goodness", 13, 39, 14),
    (200, "<html><body>good 1.2.3.4</body></html>", 13, 39, 14),
    (200, "<html>\ngood 1.2.3.4\n</html>", 13, 39, 14),
    (301, "", 13, 39, 14),
    (503, "<h1>Service Unavailable</h1>", 13, 39, 14),
    (200, "g\0o\0o\0d\0", 13, 39, 14),
    // Several names: what has failed is the news.
    (200, "good 1.2.3.4\nnochg 1.2.3.4", 3, 29, 17),
    (200, "good 1.2.3.4\nnohost\nabuse", 8, 34, 16),
];

#[test]
fn q79_each_answer_has_the_number_of_its_service() {
    for (status, body, dyn_dns, dyn_3322, oray) in ANSWERS {
        let verdict = read(*status, body.as_bytes(), Some(ip("1.2.3.4"))).verdict;
        for (service, number) in
            [("2", dyn_dns), ("3", dyn_dns), ("4", dyn_dns), ("8", dyn_3322), ("9", dyn_3322), ("1", oray)]
        {
            assert_eq!(account(service).service.number(verdict), *number, "{service}: {status} {body:?}");
        }
    }
}

#[test]
fn what_goes_on_or_is_no_text_is_no_answer() {
    let other = |body: &[u8]| read(200, body, None).verdict == Verdict::Other;
    assert!(other(b"good 1.2.3.4\xff"));
    assert!(other("good\n".repeat(LINES_AND_MORE).as_bytes()));
    assert!(other("ｇｏｏｄ".as_bytes()));
}

const LINES_AND_MORE: usize = 21;

#[test]
fn the_address_that_the_name_has_is_the_one_that_was_sent_or_is_said() {
    let address =
        |body: &str, sent: Option<&str>| read(200, body.as_bytes(), sent.map(ip)).address.map(|ip| ip.to_string());
    assert_eq!(address("good 1.2.3.4", None).as_deref(), Some("1.2.3.4"));
    assert_eq!(address("good", None), None);
    assert_eq!(address("nochg", Some("1.2.3.4")).as_deref(), Some("1.2.3.4"));
    assert_eq!(address("good ::ffff:1.2.3.4", Some("1.2.3.4")).as_deref(), Some("1.2.3.4"));
    assert_eq!(address("nohost 1.2.3.4", Some("1.2.3.4")), None);
}

#[test]
fn no_two_accounts_have_the_same_mark() {
    let mut marks: Vec<String> = ["1", "2", "3", "4", "8", "9"].map(|service| account(service).mark()).into();
    let changed = |change: fn(&mut Account)| {
        let mut one = account("2");
        change(&mut one);
        one.mark()
    };
    marks.push(changed(|one| one.user = "us".into()));
    marks.push(changed(|one| one.pwd = Secret::new("x")));
    marks.push(changed(|one| one.host = "b.example.org".into()));
    marks.push(changed(|one| (one.user, one.host) = (one.host.clone(), one.user.clone())));
    let all = marks.len();
    marks.sort();
    marks.dedup();
    assert_eq!(marks.len(), all);
    assert_eq!(changed(|one| one.proxy = None), account("2").mark(), "a proxy is the way there");
}

#[test]
fn what_is_kept_reads_the_same_and_anything_else_is_nothing() {
    let words =
        ["good", "nochg", "dnserr", "badauth", "!donator", "notfqdn", "nohost", "!yours", "numhost", "abuse", "911"];
    for word in words.into_iter().chain(["badagent", "elsewhere", "unheard", "other"]) {
        for address in [None, Some(ip("1.2.3.4")), Some(ip("2a00::1"))] {
            let kept = Kept { mark: "a0".repeat(32), at_s: 1 << 40, verdict: Verdict::of(word).unwrap(), address };
            assert_eq!(format!("{kept}\n").parse(), Ok(kept.clone()), "{kept}");
        }
    }
    let mark = "a0".repeat(32);
    for text in [
        "".into(),
        "\n".into(),
        mark.clone(),
        format!("{mark} 1 good"),
        format!("{mark} 1 good 1.2.3.4 x"),
        format!("{mark} -1 good -"),
        format!("{mark} 1 bad -"),
        format!("{mark} 1 good 1.2.3"),
        format!("{mark}a0 1 good -"),
        format!("{} 1 good -", mark.to_uppercase()),
    ] {
        assert!(text.parse::<Kept>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_answer_panics_and_none_is_good_that_does_not_say_so(status: u16, body: Vec<u8>, sent: Option<[u8; 4]>) {
        let answer = read(status, &body, sent.map(IpAddr::from));
        let word = |word: &[u8]| body.to_ascii_lowercase().windows(word.len()).any(|at| at == word);
        prop_assert!(answer.verdict.fate() != Fate::Well || word(b"good") || word(b"nochg"));
        prop_assert!((3..=13).contains(&account("2").service.number(answer.verdict)));
        prop_assert!((29..=39).contains(&account("8").service.number(answer.verdict)));
        prop_assert!((14..=17).contains(&account("1").service.number(answer.verdict)));
    }

    #[test]
    fn no_line_panics(text: String) {
        let _ = text.parse::<Kept>();
    }
}
