//! The web UI's files, in the binary.

use crate::http::{Answer, Status};

/// No script but our own, no other site, no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Returns a file; `None` if there is none of that name.
pub fn file(name: &str) -> Option<Answer> {
    let (content_type, bytes): (_, &[u8]) = match name {
        "index.htm" => ("text/html; charset=utf-8", include_bytes!("../web/index.htm")),
        "live.css" => ("text/css; charset=utf-8", include_bytes!("../web/live.css")),
        "live.js" => ("text/javascript; charset=utf-8", include_bytes!("../web/live.js")),
        "favicon.svg" => ("image/svg+xml", include_bytes!("../web/favicon.svg")),
        _ => return None,
    };
    let answer = Answer::whole(Status::Ok, content_type, bytes);
    Some(answer.with("Content-Security-Policy", POLICY).with("X-Content-Type-Options", "nosniff"))
}
