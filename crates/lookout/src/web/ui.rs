//! A web UI: which files it has, and how they are answered.

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
    let (content_type, bytes): (_, &[u8]) = match name {
        "" | "index.htm" | "index.html" => ("text/html; charset=utf-8", include_bytes!("../../web/index.htm")),
        "live.css" => ("text/css; charset=utf-8", include_bytes!("../../web/live.css")),
        "live.js" => ("text/javascript; charset=utf-8", include_bytes!("../../web/live.js")),
        "favicon.svg" | "favicon.ico" => ("image/svg+xml", include_bytes!("../../web/favicon.svg")),
        _ => return None,
    };
    Some(guarded(Answer::whole(Status::Ok, content_type, bytes), OWN_POLICY))
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
