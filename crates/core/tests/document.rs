//! The tables against the vendor's document: every CGI, name and limit of it is ours, and where we do otherwise stands here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use lookout_core::profile::{
    commands::{Command, Login, PROFILE, Privilege, find},
    contract::{Entry, Output, inputs, output},
    wire::Kind,
};

/// What the document says of a CGI; `document.txt` explains the format.
#[derive(Default)]
struct Told {
    name: &'static str,
    privilege: &'static str,
    method: &'static str,
    /// Outside of the grammar's brackets.
    must: Vec<String>,
    /// Within.
    may: Vec<String>,
    /// Parameters and values with their limits.
    limits: Vec<(&'static str, &'static str)>,
    returns: Vec<String>,
}

fn document() -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    for line in include_str!("document.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(fact) = line.strip_prefix("  ") else {
            let [name, privilege, method] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            all.push(Told { name, privilege, method, ..Told::default() });
            continue;
        };
        let told = all.last_mut().unwrap();
        match fact.split_once(' ') {
            Some(("=", names)) => told.returns.extend(names.split(' ').flat_map(spelt_out)),
            Some(("?", names)) => {
                for word in names.split(' ') {
                    let bracketed = !told.may.is_empty() || word.starts_with('[');
                    let list = if bracketed { &mut told.may } else { &mut told.must };
                    list.extend(spelt_out(word.trim_matches(['[', ']'])));
                }
            }
            Some(limit) => told.limits.push(limit),
            None => told.limits.push((fact, "")),
        }
    }
    all
}

/// Writes out the names that `SCHEDULE` stands for.
fn spelt_out(word: &str) -> Vec<String> {
    let Some(prefix) = word.strip_suffix("SCHEDULE") else { return vec![word.to_owned()] };
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    days.iter().flat_map(|day| (0..3).map(move |n| format!("{prefix}schedule_{day}_{n}"))).collect()
}

impl Told {
    fn path(&self) -> String {
        if self.name.contains('.') { format!("/{}", self.name) } else { format!("/{}.cgi", self.name) }
    }

    fn row(&self) -> &'static Command {
        find(&self.path()).unwrap_or_else(|| panic!("no row for {}", self.path()))
    }

    /// Returns the parameters, the login and `next_url` left out.
    fn parameters(&self) -> BTreeSet<&str> {
        let login = self.row().login.names();
        let listed = self.limits.iter().map(|limit| limit.0).filter(|name| !self.returns.iter().any(|it| it == name));
        let names = self.must.iter().chain(&self.may).map(String::as_str).chain(listed);
        names.filter(|name| ![login.0, login.1, "next_url"].contains(name)).collect()
    }
}

/// Each CGI of the document with what its row takes.
fn taken() -> Vec<(Told, Vec<Entry>)> {
    let rows = document().into_iter();
    rows.map(|told| (inputs(told.row()), told)).map(|(inputs, told)| (told, inputs)).collect()
}

fn shown(command: &Command) -> Vec<Entry> {
    match output(command) {
        Output::Vars(entries) | Output::Arrays(entries) => entries,
        Output::Ok | Output::Body(..) => Vec::new(),
    }
}

#[test]
fn every_cgi_of_the_document_has_a_row_with_its_privilege_and_method() {
    let document = document();
    for told in &document {
        let row = told.row();
        let needs = match told.privilege {
            "none" => Privilege::Nobody,
            "visitor" => Privilege::Visitor,
            "operator" => Privilege::Operator,
            "manager" => Privilege::Manager,
            other => panic!("{other}"),
        };
        let method = if row.post { "POST" } else { "GET" };
        assert_eq!((row.needs, method), (needs, told.method), "{}", told.name);
    }
    let named: BTreeSet<_> = document.iter().map(Told::path).collect();
    let beside: Vec<_> = PROFILE.iter().map(|row| row.paths[0]).filter(|path| !named.contains(*path)).collect();
    assert_eq!(beside, ["/restore_factory.cgi"], "it has but a grammar line, under another's name (Q8)");
}

#[test]
fn the_login_has_the_names_that_the_document_gives_it() {
    for told in document().iter().filter(|told| told.may.iter().any(|name| name.ends_with("pwd"))) {
        let cam = told.may.iter().any(|name| name == "cam_user");
        assert_eq!(told.row().login == Login::Cam, cam, "{}", told.name);
    }
}

#[test]
fn every_parameter_of_the_document_is_taken_by_its_cgi() {
    for (told, inputs) in taken() {
        let taken = |name: &str| inputs.iter().any(|entry| entry.name == name);
        for name in told.parameters() {
            assert!(taken(name), "{} {name}", told.name);
        }
        let page = told.may.iter().any(|name| name == "next_url");
        assert!(!page || taken("next_url"), "{} next_url", told.name);
    }
}

/// What the document's grammar demands and we do not (PROFILE 1.5): of these CGIs all, and one name of another.
const NOT_DEMANDED: [(&str, &str); 4] =
    [("set_datetime", ""), ("set_ftp", ""), ("set_alarm", ""), ("set_pppoe", "mail_ip")];

#[test]
fn what_the_documents_grammar_demands_is_demanded_and_nothing_else_is() {
    for (told, inputs) in taken() {
        let excepted =
            |name: &str| NOT_DEMANDED.iter().any(|(cgi, one)| *cgi == told.name && (one.is_empty() || *one == name));
        for entry in &inputs {
            let demanded = told.must.iter().any(|name| name == entry.name) && !excepted(entry.name);
            assert_eq!(entry.must, demanded, "{} {}", told.name, entry.name);
        }
    }
}

/// Values that we know besides those of the document, and why.
const MORE: [(&str, &str, &[i64], &str); 5] = [
    ("videostream", "resolution", &[2], "Q14"),
    ("videostream.asf", "resolution", &[2], "Q14"),
    ("get_camera_params", "resolution", &[2], "Q14: camera_control.cgi sets it"),
    ("get_status", "alarm_status", &[3], "PROFILE 4.4: sound"),
    ("get_params", "wifi_encrypt", &[2, 3, 4, 5], "set_wifi.cgi sets them"),
];

/// Returns the numbers that a kind has.
fn numbers(kind: Kind) -> Option<BTreeSet<i64>> {
    match kind {
        Kind::Int(min, max) => Some((min.into()..=max.into()).collect()),
        Kind::Flag => Some([0, 1].into()),
        Kind::Choice(choices) => Some(choices.iter().map(|choice| choice.0.into()).collect()),
        Kind::Text(_) | Kind::Secret(_) | Kind::Host(_) | Kind::Mail(_) | Kind::Url(_) => None,
        Kind::Words(_) | Kind::Ip | Kind::Mac | Kind::Word | Kind::Seconds | Kind::Mask | Kind::Place => None,
    }
}

fn longest(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Text(max) | Kind::Secret(max) | Kind::Host(max) | Kind::Mail(max) | Kind::Url(max) => Some(max),
        Kind::Words(words) => words.iter().map(|word| word.len()).max(),
        Kind::Int(..) | Kind::Flag | Kind::Choice(_) | Kind::Ip | Kind::Mac | Kind::Word | Kind::Seconds => None,
        Kind::Mask => Some(192),
        Kind::Place => Some(17),
    }
}

/// Gives the names that are meant when the document speaks of the first: of `user1` also `user2`, of `dev2_port` `dev3_port`.
fn siblings<'e>(name: &str, entries: &'e [Entry]) -> Vec<&'e Entry> {
    let bare = |name: &str| name.replacen(|c: char| c.is_ascii_digit(), "#", 1);
    entries.iter().filter(|entry| bare(entry.name) == bare(name)).collect()
}

#[test]
fn every_limit_that_the_document_states_is_ours() {
    let mut held = 0;
    for (told, mut entries) in taken() {
        entries.extend(shown(told.row()));
        for (name, limit) in told.limits.iter().filter(|limit| !limit.1.is_empty()) {
            let more = MORE.iter().find(|more| (more.0, more.1) == (told.name, *name)).map_or(&[][..], |more| more.2);
            for entry in siblings(name, &entries) {
                if let Some(bytes) = limit.strip_prefix("<=") {
                    assert_eq!(longest(entry.kind), bytes.parse().ok(), "{} {}", told.name, entry.name);
                } else {
                    let mut stated: BTreeSet<i64> = match limit.split_once("..") {
                        Some((min, max)) => (min.parse().unwrap()..=max.parse().unwrap()).collect(),
                        None => limit.split(' ').map(|number| number.parse().unwrap()).collect(),
                    };
                    stated.extend(more);
                    assert_eq!(numbers(entry.kind), Some(stated), "{} {}", told.name, entry.name);
                }
                held += 1;
            }
            assert!(!siblings(name, &entries).is_empty(), "{} {name}", told.name);
        }
    }
    assert!(held > 150, "{held} limits held");
}

/// The names of the document's that come in another order on the wire (PROFILE 2.1).
const WIRE_ORDER: &str = "wifi_";

#[test]
fn every_listing_shows_what_the_document_names_in_its_order() {
    for (told, _) in taken() {
        let ours: Vec<_> = shown(told.row()).iter().map(|entry| entry.name.to_owned()).collect();
        assert!(told.returns.iter().all(|name| ours.contains(name)), "{}: {ours:?}", told.name);
        let ordered = |names: &[String]| -> Vec<String> {
            names.iter().filter(|name| told.returns.contains(name) && !name.starts_with(WIRE_ORDER)).cloned().collect()
        };
        assert_eq!(ordered(&ours), ordered(&told.returns), "{}", told.name);
        let wifi = |names: &[String]| {
            names.iter().position(|name| name.starts_with(WIRE_ORDER)).map(|at| names[at - 1].clone())
        };
        assert_eq!(wifi(&ours).filter(|_| told.name == "get_params"), wifi(&told.returns), "what stands before Wi-Fi");
    }
}
