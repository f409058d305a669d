//! The pages that turn a request away, and the one that asks first.

use lookout_core::access::confirm::{Act, PARAM};

use crate::{
    app::App,
    http::{Answer, Status, escape_html},
};

/// 401: who are you?
pub fn login(app: &App, stale: bool) -> Answer {
    let page = Answer::page(Status::Unauthorized, "The camera wants a user name and password for this.");
    let challenges = app.doorman.challenges(stale);
    challenges.into_iter().fold(page, |page, challenge| page.with("WWW-Authenticate", challenge))
}

/// 429: too many wrong passwords.
pub fn later(seconds: u64) -> Answer {
    let page = Answer::page(Status::TooManyRequests, "Too many wrong passwords. Try again a little later.");
    page.with("Retry-After", seconds.to_string())
}

/// 403: a password would travel in clear through the Internet.
pub fn only_tls(port: Option<u16>) -> Answer {
    let sentence = match port {
        Some(port) => format!("From outside the local network the camera speaks only HTTPS, on port {port}."),
        None => "From outside the local network the camera speaks only HTTPS, which is turned off.".into(),
    };
    Answer::page(Status::Forbidden, &sentence)
}

/// 403: the name in the request is not the camera's (DNS rebinding).
pub fn wrong_host() -> Answer {
    let sentence =
        "The camera does not go by this name. If it should, add the name to http.hosts in its configuration.";
    Answer::page(Status::Forbidden, sentence)
}

/// 403: another site's page is behind the request.
pub fn foreign() -> Answer {
    Answer::page(Status::Forbidden, "A page of another site may not do this.")
}

/// 403 with a button: shows what would change and repeats the request, with its token, when the reader agrees.
pub fn confirm(act: Act<'_>, token: &str) -> Answer {
    let mut fields = String::new();
    let mut rows = String::new();
    for (name, value) in act.query.pairs().filter(|pair| pair.0 != PARAM) {
        let (name, value) = (escape_html(name), escape_html(value));
        fields += &format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        let shown = if name.contains("pwd") || name.contains("key") || name.contains("psk") { "…" } else { &value };
        rows += &format!("<tr><td>{name}</td><td>{shown}</td></tr>");
    }
    let path = escape_html(act.path);
    let page = format!(
        "error: confirm.\n<!doctype html><html lang=\"en\"><head><title>Confirm</title></head><body><h1>Do you want this?</h1>\
         <p>Your browser asks the camera for {path}, and does not say which page sent it. Go on only if it was you.</p>\
         <table>{rows}</table><form action=\"{path}\" method=\"get\">{fields}\
         <input type=\"hidden\" name=\"{PARAM}\" value=\"{token}\"><button>Do it</button></form></body></html>\n"
    );
    Answer::whole(Status::Forbidden, "text/html", page)
        .with("X-Frame-Options", "DENY")
        .with("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
}
