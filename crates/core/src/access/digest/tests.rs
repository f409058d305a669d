//! The vectors are those of RFC 7616 3.9.1 and RFC 2069 2.4 (as corrected by erratum 749).

use proptest::prelude::*;

use super::{params::schemes, *};

const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

fn mufasa() -> Login {
    Login { user: "Mufasa".into(), password: "Circle of Life".into() }
}

fn challenge(algorithm: &str) -> String {
    format!(
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"{NONCE}\", \
         opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
    )
}

fn param(header: &str, name: &str) -> String {
    schemes(header)[0].get(name).unwrap_or_default().to_owned()
}

#[test]
fn the_vectors_of_the_rfcs_come_out() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let header = challenge(algorithm);
        let answer = Challenge::best([&*header]).unwrap().answer(&mufasa(), "GET", "/dir/index.html", CNONCE, 1);
        assert_eq!(param(&answer, "response"), response);
        let parts = ["username", "uri", "nc", "qop", "algorithm", "opaque"].map(|name| param(&answer, name));
        let opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS";
        assert_eq!(parts, ["Mufasa", "/dir/index.html", "00000001", "auth", algorithm, opaque]);
    }
    let old = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
    let login = Login { user: "Mufasa".into(), password: "CircleOfLife".into() };
    let answer = Challenge::best([old]).unwrap().answer(&login, "GET", "/dir/index.html", "unused", 1);
    assert_eq!(param(&answer, "response"), "1949323746fe6a43ef61f9606e7febea");
    assert_eq!(param(&answer, "qop"), "");
}

#[test]
fn the_best_challenge_is_chosen_from_any_arrangement() {
    let (md5, sha) = (challenge("MD5"), challenge("SHA-256"));
    let session = challenge("SHA-256-sess");
    let both = format!("Basic realm=\"a, Digest b\", {md5}, {sha}");
    for headers in [vec![&*md5, &*sha], vec![&*sha, &*md5], vec![&*both], vec![&*session, &*both]] {
        assert_eq!(Challenge::best(headers).unwrap().algorithm, Algorithm::Sha256);
    }
    assert_eq!(Challenge::best([&*md5, &*session]).unwrap().algorithm, Algorithm::Md5);
    for nothing in ["", "Basic realm=\"x\"", "Digest", "Digest nonce=\"1\"", "Digest realm=\"open", &session] {
        assert_eq!(Challenge::best([nothing]), None, "{nothing}");
    }
    let integrity = md5.replace("auth, auth-int", "auth-int");
    assert_eq!(Challenge::best([&*integrity]), None);
    assert!(Challenge::best(["digest REALM = x , Nonce=y,STALE=TRUE"]).unwrap().stale);
}

#[test]
fn quotes_in_names_survive_the_way() {
    let gate = Gate::new("a \"quoted\" realm\\", [7; 32]);
    let login = Login { user: "o\"ne\\".into(), password: "p:w\"".into() };
    let answer = answer_of(&gate, &login, "/x?y=\"z\"", 1000);
    assert_eq!(answer.user(), "o\"ne\\");
    assert_eq!(gate.verify(&answer, "p:w\"", "GET", "/x?y=\"z\"", 1000), Verdict::Good);
}

fn answer_of(gate: &Gate, login: &Login, uri: &str, now_s: u64) -> Answer {
    let challenges = gate.challenges(now_s, false);
    let challenge = Challenge::best(challenges.iter().map(String::as_str)).unwrap();
    assert_eq!(challenge.algorithm, Algorithm::Sha256);
    Answer::parse(&challenge.answer(login, "GET", uri, "abc", 1)).unwrap()
}

#[test]
fn only_the_right_answer_to_a_fresh_nonce_is_good() {
    let gate = Gate::new("ipcamera_0001", [7; 32]);
    let (login, uri, now) = (mufasa(), "/get_params.cgi?a=b", 1000);
    let answer = answer_of(&gate, &login, uri, now);
    let judged = |password, method, target, now| gate.verify(&answer, password, method, target, now);
    assert_eq!(judged("Circle of Life", "GET", uri, now), Verdict::Good);
    assert_eq!(judged("Circle of Life", "GET", uri, now + NONCE_LIFETIME_S), Verdict::Good);
    assert_eq!(judged("Circle of Life", "GET", uri, now + NONCE_LIFETIME_S + 1), Verdict::Stale);
    assert_eq!(judged("Circle of Life", "GET", uri, now - 1), Verdict::Stale, "issued in the future");
    assert_eq!(judged("circle of life", "GET", uri, now), Verdict::Bad);
    assert_eq!(judged("circle of life", "GET", uri, now + 999), Verdict::Bad, "staleness tells nothing");
    assert_eq!(judged("Circle of Life", "POST", uri, now), Verdict::Bad);
    assert_eq!(judged("Circle of Life", "GET", "/reboot.cgi", now), Verdict::Bad);
    let other_realm = answer_of(&Gate::new("another", [7; 32]), &login, uri, now);
    assert_eq!(gate.verify(&other_realm, "Circle of Life", "GET", uri, now), Verdict::Bad);
    let restarted = answer_of(&Gate::new("ipcamera_0001", [8; 32]), &login, uri, now);
    assert_eq!(gate.verify(&restarted, "Circle of Life", "GET", uri, now), Verdict::Stale);
    let blank = Login { user: "Mufasa".into(), password: String::new() };
    assert_eq!(gate.verify(&answer_of(&gate, &blank, uri, now), "", "GET", uri, now), Verdict::Bad);
}

#[test]
fn an_answer_that_lacks_a_part_is_none() {
    let gate = Gate::new("r", [7; 32]);
    let [_, md5] = gate.challenges(1, true);
    assert!(md5.ends_with(", stale=true"));
    let whole = Challenge::best([&*md5]).unwrap().answer(&mufasa(), "GET", "/", "abc", 255);
    assert!(Answer::parse(&whole).is_some() && whole.contains("nc=000000ff"));
    for (old, new) in [
        ("qop=auth, ", ""),
        ("qop=auth", "qop=auth-int"),
        ("nc=000000ff", "nc=ff"),
        ("username", "name"),
        ("algorithm=MD5", "algorithm=SHA-512"),
        ("Digest", "Basic"),
    ] {
        assert_eq!(Answer::parse(&whole.replace(old, new)), None, "{new}");
    }
}

#[test]
fn no_debug_output_shows_a_secret() {
    let gate = Gate::new("r", [199; 32]);
    let shown = format!("{:?} {:?} {:?}", mufasa(), gate, answer_of(&gate, &mufasa(), "/", 1));
    assert!(!shown.contains("Circle") && !shown.contains("199"), "{shown}");
}

proptest! {
    #[test]
    fn no_header_panics(header in "(Digest |Basic )?[ -~é\\\\\"=, ]{0,80}") {
        let _ = (Challenge::best([&*header]), Answer::parse(&header));
    }

    #[test]
    fn whatever_is_quoted_reads_back(text in "[^\\p{Cc}]{0,40}") {
        let header = format!("Digest realm={}", quoted(&text));
        prop_assert_eq!(param(&header, "realm"), text);
    }
}
