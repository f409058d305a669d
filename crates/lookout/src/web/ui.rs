//! A web UI: which files it has, and how they are answered.

use bytes::Bytes;
use lookout_core::profile::view::Version;

use super::bundle::Bundle;
use crate::http::{Answer, Body, Slice, Status};

/// For our own pages: no script but our own, no other site, no frame.
const OWN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// For a pack's pages, which are old: script and style stand in them, and they frame each other. But they reach no other
/// site, and no other site frames them (RULES R9.4).
const PACK_POLICY: &str = "default-src 'self' 'unsafe-inline' 'unsafe-eval'; img-src 'self' data:; base-uri 'self'; \
                           form-action 'self'; frame-ancestors 'self'";

/// The pages that `/` may be, the first that is there.
const START: [&str; 2] = ["index.htm", "index.html"];

macro_rules! files {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("../../web/", $name)))),*] };
}

/// The built-in UI.
static FILES: &[(&str, &[u8])] = files![
    "index.htm" "style.css" "favicon.svg" "accounts.js" "app.js" "camera.js" "dom.js" "form.js" "words.js"
    "model/clock.js" "model/mask.js" "model/multipart.js" "model/orders.js" "model/vars.js" "model/week.js"
    "parts/card.js" "parts/clock.js" "parts/guests.js" "parts/head.js" "parts/image.js" "parts/live-picture.js"
    "parts/ptz-pad.js" "parts/restart.js" "parts/sound.js" "parts/switches.js" "parts/trial.js" "parts/week-grid.js"
    "parts/zone-editor.js"
    "pages/alarms.js" "pages/cameras.js" "pages/clients.js" "pages/ftp.js" "pages/live.js" "pages/mail.js"
    "pages/network.js" "pages/schedule.js" "pages/setup.js" "pages/system.js" "pages/time.js" "pages/users.js"
    "lang/de.json" "lang/en.json" "lang/es.json" "lang/zh.json"
];

/// Names of the old cameras' pages, without `.htm`, which are in bookmarks and scripts, and the page of ours that does the same (Q85).
#[rustfmt::skip]
static OLD: &[(&str, &str)] = &[
    ("live", "live"), ("monitor", "live"), ("snapshot", "live"), ("main", "live"), ("camera", "live"), ("login", "live"), ("live2", "live"),
    ("monitor2", "cameras"), ("monitor4", "cameras"), ("monitor9", "cameras"), ("multi", "cameras"), ("device", "cameras"), ("devices", "cameras"),
    ("alarm", "alarms"), ("user", "users"), ("users", "users"), ("mail", "mail"), ("ftp", "ftp"), ("datetime", "time"),
    ("network", "network"), ("ip", "network"), ("wireless", "network"), ("wifi", "network"), ("adsl", "network"), ("pppoe", "network"),
    ("ddns", "network"), ("upnp", "network"),
    ("admin", "system"), ("alias", "system"), ("backup", "system"), ("reboot", "system"), ("restore", "system"), ("upgrade", "system"),
    ("log", "system"), ("ptz", "system"), ("misc", "system"), ("status", "system"),
];

/// A web UI.
pub enum Ui {
    /// The files in the program.
    BuiltIn,
    /// Those of an installed web pack.
    Pack(Bundle),
}

impl Ui {
    /// Returns the version of the UI, which listings show as `app_ver`.
    pub fn version(&self) -> Version {
        match self {
            Self::BuiltIn => own_version(),
            Self::Pack(bundle) => bundle.version(),
        }
    }

    /// Returns a file by its path without the first slash, in any case; nothing is the start page.
    pub fn file(&self, path: &str) -> Option<Answer> {
        let name = path.to_ascii_lowercase();
        match self {
            Self::BuiltIn => own_file(&name),
            Self::Pack(bundle) => page(bundle, if name.is_empty() { Self::start_of(bundle)? } else { &name }),
        }
    }

    /// Returns the name of a pack's start page; none if it has none, and so cannot be a web UI.
    pub fn start_of(bundle: &Bundle) -> Option<&'static str> {
        START.into_iter().find(|start| bundle.leaf(start).is_some())
    }

    /// Says whether there is a file of that path.
    pub fn has(&self, path: &str) -> bool {
        self.file(path).is_some()
    }
}

/// The built-in UI's version is the program's.
fn own_version() -> Version {
    let number = |text: &str| text.parse().unwrap_or(u8::MAX);
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")].map(number);
    Version([major, minor, patch, 0])
}

fn own_file(name: &str) -> Option<Answer> {
    let name = match name {
        "" | "index.html" => START[0],
        "favicon.ico" => "favicon.svg",
        name => name,
    };
    let bytes = match OLD.iter().find(|(old, _)| name.strip_suffix(".htm") == Some(old)) {
        Some((_, page)) => start_at(page).into(),
        None => Bytes::from_static(file(name)?),
    };
    Some(guarded(Answer::whole(Status::Ok, in_utf8(content_type(name)), bytes), OWN_POLICY))
}

fn file(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(own, _)| *own == name).map(|(_, bytes)| *bytes)
}

/// Returns the start page that begins with one of its pages.
fn start_at(page: &str) -> String {
    let start = String::from_utf8_lossy(file(START[0]).unwrap_or_default());
    start.replace("<body>", &format!("<body data-page=\"{page}\">"))
}

fn page(bundle: &Bundle, name: &str) -> Option<Answer> {
    let leaf = bundle.leaf(name)?;
    let slice = Slice { file: bundle.file().clone(), at: leaf.at, length: leaf.length };
    let (content_type, headers, body) = (content_type(name), Vec::new(), Body::Slice(slice));
    Some(guarded(Answer { status: Status::Ok, content_type, headers, body, then: None, pass: None }, PACK_POLICY))
}

fn guarded(answer: Answer, policy: &str) -> Answer {
    answer.with("Content-Security-Policy", policy).with("X-Content-Type-Options", "nosniff")
}

/// Our own texts are in UTF-8.
fn in_utf8(content_type: &'static str) -> &'static str {
    match content_type {
        "text/html" => "text/html; charset=utf-8",
        "text/css" => "text/css; charset=utf-8",
        "text/javascript" => "text/javascript; charset=utf-8",
        other => other,
    }
}

/// Returns a type by the end of a name in lower case, without a charset: a pack's pages say themselves how they are
/// written.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('/').next().and_then(|last| last.rsplit_once('.')).map_or("", |(_, end)| end) {
        "htm" | "html" => "text/html",
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "json" => "application/json",
        "txt" => "text/plain",
        "xml" => "text/xml",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "ico" => "image/x-icon",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "wasm" => "application/wasm",
        "swf" => "application/x-shockwave-flash",
        "jar" => "application/java-archive",
        "cab" => "application/vnd.ms-cab-compressed",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use lookout_core::{alarm::Reason, profile::forms};
    use serde_json::Value;

    use super::*;
    use crate::alarm::Link;

    fn names(folder: &Path, prefix: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let name = |entry: &fs::DirEntry| format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let inside = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
            true => names(&entry.path(), &format!("{}/", name(&entry))),
            false => BTreeSet::from([name(&entry)]),
        };
        entries.flat_map(inside).collect()
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_program() {
        let there = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web"), "");
        assert_eq!(FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), there);
    }

    /// What is said of a setting: by its name, or by that of a row of alike ones, with `#` for the number.
    fn keys(kind: &str, name: &str) -> [String; 2] {
        let digits = name.find(|c: char| c.is_ascii_digit()).map_or(0..0, |at| at..at + 1);
        let mut row = name.to_owned();
        row.replace_range(digits.clone(), if digits.is_empty() { "" } else { "#" });
        [name, &row].map(|name| format!("{kind}.{name}"))
    }

    #[test]
    fn every_setting_of_a_form_has_words_and_no_words_are_of_none() {
        let words: Value = serde_json::from_slice(file("lang/en.json").unwrap()).unwrap();
        let forms: Value = serde_json::from_str(forms::document()).unwrap();
        let fields = || forms.as_object().unwrap().values().flat_map(|form| form["fields"].as_array().unwrap());
        let mut said = BTreeSet::new();
        for field in fields() {
            let name = field["name"].as_str().unwrap();
            // The id is shown by no form; the others by forms of their own kind.
            let apart =
                ["id", "privacy_now", "setup_done", "alarm_motion_mask"].contains(&name) || name.starts_with("user");
            let known: Vec<_> = keys("set", name).into_iter().filter(|key| words.get(key).is_some()).collect();
            assert!(!known.is_empty() || apart || field["kind"] == "hours", "{name} has no words");
            let choices = field["choices"].as_array().into_iter().flatten();
            let choices = choices.flat_map(|choice| {
                let value = choice[0].to_string();
                keys("choice", name).map(|key| format!("{key}.{}", value.trim_matches('"')))
            });
            said.extend(known.into_iter().chain(keys("hint", name)).chain(choices));
        }
        let about = |key: &&String| ["set.", "hint.", "choice."].iter().any(|kind| key.starts_with(kind));
        let vain: Vec<_> = words.as_object().unwrap().keys().filter(about).filter(|key| !said.contains(*key)).collect();
        assert!(vain.is_empty(), "words of nothing: {vain:?}");
        let reasons = Reason::ALL.iter().map(|reason| format!("reason.{reason}"));
        let links = Link::ALL.iter().map(|link| format!("link.{}", link.word()));
        for key in reasons.chain(links) {
            assert!(words.get(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn an_old_page_leads_to_one_that_there_is_and_hides_none() {
        for (old, page) in OLD {
            let module = format!("pages/{page}.js");
            assert!(FILES.iter().any(|(name, _)| *name == module), "{module}");
            assert!(!FILES.iter().any(|(name, _)| *name == format!("{old}.htm")), "{old}");
            let answer = own_file(&format!("{old}.htm")).unwrap();
            let Body::Whole(bytes) = answer.body else { panic!("a page is whole") };
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            assert!(text.contains(&format!("<body data-page=\"{page}\">")) && text.contains("app.js"), "{old}");
        }
    }
}
