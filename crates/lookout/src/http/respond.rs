//! What goes back: the head in the cameras' order and spelling (PROFILE 1.2), and a body.

use std::{fmt::Write as _, time::SystemTime};

use bytes::Bytes;

use super::{push::Push, slice::Slice};
use crate::privacy::Pass;

/// The statuses that are answered, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 200
    Ok,
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 408
    Timeout,
    /// 429
    TooManyRequests,
    /// 431
    HeaderTooLarge,
    /// 501
    NotImplemented,
    /// 503
    Unavailable,
}

impl Status {
    /// Returns the number.
    pub fn number(self) -> u16 {
        self.line()[..3].parse().unwrap_or(500)
    }

    /// Returns the number and its name.
    pub fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::Unauthorized => "401 Unauthorized",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Timeout => "408 Request Timeout",
            Self::TooManyRequests => "429 Too Many Requests",
            Self::HeaderTooLarge => "431 Request Header Fields Too Large",
            Self::NotImplemented => "501 Not Implemented",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// An answer, ready to be sent.
pub struct Answer {
    /// Status.
    pub status: Status,
    /// `Content-Type`, without a charset for text (PROFILE 1.2).
    pub content_type: &'static str,
    /// Further headers, sent as they are; values hold no control characters.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// What happens once it is sent.
    pub then: Option<Then>,
    /// Where it holds a picture or sound: it is cut off when this ends.
    pub pass: Option<Pass>,
}

/// What happens after an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The camera restarts.
    Restart,
    /// The machine restarts, once the answer is out.
    RestartMachine,
}

/// A body.
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// A part of a file, read while it is sent.
    Slice(Slice),
    /// An endless stream of pictures or sound.
    Push(Box<Push>),
}

impl Answer {
    /// Makes an answer of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::whole(Status::Ok, "text/plain", text.into())
    }

    /// Makes a small page with the status as its title and one sentence, which is escaped here.
    pub fn page(status: Status, sentence: &str) -> Self {
        let title = status.line();
        let sentence = escape_html(sentence);
        let page =
            format!("<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{sentence}</p></body></html>\n");
        Self::whole(status, "text/html", page)
    }

    /// Makes an answer of a given type.
    pub fn whole(status: Status, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: Body::Whole(body.into()), then: None, pass: None }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says what happens once the answer is sent.
    pub fn then(self, then: Then) -> Self {
        Self { then: Some(then), ..self }
    }

    /// Writes the head.
    pub fn head(&self, server: &str, now: SystemTime) -> String {
        // A clock before 1970 has no date in HTTP, and would make the crate panic.
        let date = httpdate::fmt_http_date(now.max(SystemTime::UNIX_EPOCH));
        let mut head = format!("HTTP/1.1 {}\r\nServer: {server}\r\nDate: {date}\r\n", self.status.line());
        // Writing to a String cannot fail.
        let length = match &self.body {
            Body::Whole(body) => Some(body.len() as u64),
            Body::Slice(slice) => Some(slice.length),
            Body::Push(_) => None,
        };
        let content_type = self.content_type;
        let _ = match length {
            Some(length) => write!(
                head,
                "Content-Type: {content_type}\r\nContent-Length: {length}\r\nCache-Control: no-cache\r\nConnection: close\r\n"
            ),
            None => write!(head, "Accept-Ranges: none\r\nConnection: close\r\nContent-Type: {content_type}\r\n"),
        };
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

/// Escapes text for HTML, inside and outside of attributes.
pub fn escape_html(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_that_of_the_wire_to_the_byte() {
        let answer = Answer::text("ok.\n");
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_352_782_970);
        let expected = "HTTP/1.1 200 OK\r\nServer: Netwave IP Camera\r\nDate: Tue, 13 Nov 2012 05:02:50 GMT\r\n\
                        Content-Type: text/plain\r\nContent-Length: 4\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n";
        assert_eq!(answer.head("Netwave IP Camera", at), expected);
    }

    #[test]
    fn a_clock_before_1970_shows_the_first_second_that_http_can_say() {
        let before = SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1);
        assert!(Answer::text("").head("x", before).contains("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    }

    #[test]
    fn a_page_escapes_what_it_says() {
        let Body::Whole(page) = Answer::page(Status::NotFound, "<script>\"&'").body else { unreachable!() };
        assert!(String::from_utf8_lossy(&page).contains("<p>&lt;script&gt;&quot;&amp;&#39;</p>"));
    }
}
