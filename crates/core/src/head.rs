//! The head of a request, read forgivingly: old clients send raw blanks and worse in the request line (PROFILE 1.1).

use crate::{
    access::target::{Path, Target},
    profile::commands,
    query::{BadQuery, Query},
};

/// The longest head, in bytes (PROFILE 1.1).
pub const LONGEST: usize = 16 * 1024;
/// The most header lines.
pub const MOST_HEADERS: usize = 100;

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// It is no head of an HTTP request.
    #[error("not a request")]
    Malformed,
    /// It has more than [`LONGEST`] bytes or [`MOST_HEADERS`] lines.
    #[error("too long a head")]
    TooLong,
}

/// A method; what is none of these is answered 501.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// GET, but only the head is answered.
    Head,
    /// POST
    Post,
    /// Any other.
    Other,
}

impl Method {
    /// Returns the name in a request line; none for those that are answered 501.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Other => "",
        }
    }
}

/// A head as it came.
pub struct Head {
    /// Method.
    pub method: Method,
    /// The target as it stood in the request line; Digest is computed over it.
    pub target: String,
    /// Canonical path.
    pub path: Path,
    /// The parameters, or why they are refused.
    pub query: Result<Query, BadQuery>,
    /// Whether the client speaks HTTP/1.0.
    pub http_1_0: bool,
    /// The authority of an absolute target, else the `Host` header.
    host: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Reads a complete head.
    ///
    /// # Errors
    /// It is none, or longer than a head may be.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadHead> {
        if bytes.len() > LONGEST {
            return Err(BadHead::TooLong);
        }
        let bytes = skip_empty_lines(bytes);
        let line_end = bytes.iter().position(|&byte| byte == b'\n').ok_or(BadHead::Malformed)?;
        let (line, fields) = (bytes[..line_end].trim_ascii_end(), &bytes[line_end + 1..]);
        let (method, target, http_1_0) = split_line(line).ok_or(BadHead::Malformed)?;
        let raw = String::from_utf8_lossy(target).into_owned();
        let target = Target::parse(target).map_err(|_| BadHead::Malformed)?;
        let headers = parse_fields(fields)?;
        let mut hosts = headers.iter().filter(|header| header.0 == "host").map(|header| &header.1);
        let host = hosts.next().map(|host| String::from_utf8_lossy(host).into_owned());
        if hosts.next().is_some() {
            return Err(BadHead::Malformed);
        }
        let query = match commands::find(target.path.folded()).and_then(commands::Command::binary) {
            Some(name) => Query::parse_binary(target.query, name),
            None => Query::parse(target.query),
        };
        Ok(Self {
            method,
            target: raw,
            host: target.authority.map(str::to_owned).or(host),
            query,
            path: target.path,
            http_1_0,
            headers,
        })
    }

    /// Returns the first header of a name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        match (name, &self.host) {
            ("host", Some(host)) => Some(host.as_bytes()),
            _ => self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_slice()),
        }
    }

    /// Returns the first header of a name as text; what is not UTF-8 counts as missing.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Returns the length of the body; none where the head does not say it, or says it in two ways (RFC 9112, 6.3).
    pub fn body_length(&self) -> Option<u64> {
        let lengths: Vec<_> = self.headers.iter().filter(|header| header.0 == "content-length").collect();
        let [first, others @ ..] = &lengths[..] else { return None };
        let digits =
            std::str::from_utf8(&first.1).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let chunked = self.header("transfer-encoding").is_some();
        if chunked || others.iter().any(|other| other.1 != first.1) { None } else { digits.parse().ok() }
    }
}

/// Cuts a request line at its first and its last blank: what is between is the target, raw blanks and all.
fn split_line(line: &[u8]) -> Option<(Method, &[u8], bool)> {
    let first = line.iter().position(|&byte| byte == b' ')?;
    let last = line.iter().rposition(|&byte| byte == b' ').filter(|&last| last > first)?;
    let method = match &line[..first] {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"POST" => Method::Post,
        name if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) => Method::Other,
        _ => return None,
    };
    let http_1_0 = match &line[last + 1..] {
        b"HTTP/1.0" => true,
        b"HTTP/1.1" => false,
        _ => return None,
    };
    Some((method, line[first + 1..last].trim_ascii(), http_1_0))
}

fn parse_fields(fields: &[u8]) -> Result<Vec<(String, Vec<u8>)>, BadHead> {
    let mut parsed = [httparse::EMPTY_HEADER; MOST_HEADERS];
    match httparse::parse_headers(fields, &mut parsed) {
        Ok(httparse::Status::Complete((_, headers))) => {
            let owned = |header: &httparse::Header<'_>| (header.name.to_ascii_lowercase(), header.value.to_vec());
            Ok(headers.iter().map(owned).collect())
        }
        Err(httparse::Error::TooManyHeaders) => Err(BadHead::TooLong),
        Ok(httparse::Status::Partial) | Err(_) => Err(BadHead::Malformed),
    }
}

/// Finds the empty line that ends a head, written with or without CR; before `looked_at` there was none.
pub fn end(bytes: &[u8], looked_at: usize) -> Option<usize> {
    let start = bytes.len() - skip_empty_lines(bytes).len();
    // The line end before the empty line may have been looked at already.
    let start = start.max(looked_at.saturating_sub(3));
    (start..bytes.len()).filter(|&i| bytes[i] == b'\n').find_map(|i| match bytes[i + 1..] {
        [b'\n', ..] => Some(i + 2),
        [b'\r', b'\n', ..] => Some(i + 3),
        _ => None,
    })
}

/// Empty lines before a request line are ignored (RFC 9112, 2.2).
fn skip_empty_lines(mut bytes: &[u8]) -> &[u8] {
    while let [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Head, BadHead> {
        Head::parse(text.as_bytes())
    }

    #[test]
    fn a_head_is_read_with_bare_newlines_raw_blanks_and_rubbish_in_the_query() {
        let head = parse("\r\nGET /SnapShot.cgi?user=a b\"<ü&&.mjpg HTTP/1.0\nHost: Camera\n\n").unwrap();
        assert_eq!((head.method, head.path.folded(), head.http_1_0), (Method::Get, "/snapshot.cgi", true));
        assert_eq!(head.query.unwrap().get("user"), Some("a b\"<ü"));
        assert_eq!(head.host.as_deref(), Some("Camera"));
    }

    #[test]
    fn a_value_may_be_any_bytes_where_the_table_says_so_and_nowhere_else() {
        let data = |head: &str| parse(head).unwrap().query.map(|query| query.bytes("data").unwrap().to_vec());
        let get = |path: &str| format!("GET {path}?data=%FF%00%01 HTTP/1.1\r\n\r\n");
        for path in ["/comm_write.cgi", "/%63omm_write.cgi", "/COMM_WRITE.CGI"] {
            assert_eq!(data(&get(path)), Ok(vec![0xff, 0, 1]), "{path}");
        }
        assert_eq!(data(&get("/snapshot.cgi")), Err(BadQuery::NotUtf8));
        assert_eq!(data("GET /comm_write.cgi?data=1&port=%FF HTTP/1.1\r\n\r\n"), Err(BadQuery::NotUtf8));
    }

    #[test]
    fn the_authority_of_an_absolute_target_stands_above_the_host() {
        let head = parse("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!((head.header("host"), head.path.exact()), (Some(&b"b"[..]), "/x"));
    }

    #[test]
    fn a_body_has_one_length_or_none() {
        let length = |fields: &str| parse(&format!("POST / HTTP/1.1\r\n{fields}\r\n")).unwrap().body_length();
        assert_eq!(length("Content-Length: 60\r\n"), Some(60));
        assert_eq!(length("content-length: 60\r\nContent-Length: 60\r\n"), Some(60));
        assert_eq!(length("Content-Length: 18446744073709551615\r\n"), Some(u64::MAX));
        for none in [
            "",
            "Content-Length: \r\n",
            "Content-Length: +60\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x10\r\n",
            "Content-Length: 60, 60\r\n",
            "Content-Length: 60\r\nContent-Length: 61\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(length(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bad in [
            "GET\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET x HTTP/1.1\r\n\r\n",
            "GET /../x HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nbad header\r\n\r\n",
            "\0 / HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(parse(bad).err(), Some(BadHead::Malformed), "{bad:?}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
        assert_eq!(parse(&many).err(), Some(BadHead::TooLong));
    }
}
