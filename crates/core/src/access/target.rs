//! The request target: one canonical path out of all its spellings.
//!
//! Every decision (which row, which privilege, which file) is made on [`Path`], and only what has exactly one reading
//! becomes one: it is decoded once, and dot segments, inner doubled slashes, encoded slashes, backslashes and control
//! bytes are refused instead of resolved. So no spelling slips past a rule that was written for another one (rule
//! R1.4).

use std::fmt;

use crate::query::percent_decode;

/// What a request line asks for, cut into its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Target<'a> {
    /// The canonical path.
    pub path: Path,
    /// The raw query behind the first `?`, for [`Query::parse`](crate::query::Query::parse).
    pub query: &'a [u8],
    /// The host and port of an absolute-form target; it stands above the `Host` header (RFC 9112, 3.2.2).
    pub authority: Option<&'a str>,
}

/// The query's length alone: it may hold a password.
impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, query, authority } = self;
        write!(f, "Target({authority:?}, {path:?}, query of {} bytes)", query.len())
    }
}

/// A target that is refused with 400: not a path, or a path that could be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request target is not a plain path")]
pub struct BadTarget;

impl<'a> Target<'a> {
    /// Reads the target of a request line, in origin form (`/path?query`) or absolute form (`http://host/path?query`).
    ///
    /// No camera of this family is a proxy, yet RFC 9112 obliges every HTTP/1.1 server to read the absolute form.
    pub fn parse(raw: &'a [u8]) -> Result<Self, BadTarget> {
        let (authority, rest) = match raw.first() {
            Some(b'/') => (None, raw),
            _ => {
                let (authority, rest) = split_authority(raw).ok_or(BadTarget)?;
                (Some(authority), rest)
            }
        };
        let (path, query) = match rest.iter().position(|&byte| byte == b'?') {
            Some(mark) => (&rest[..mark], &rest[mark + 1..]),
            None => (rest, &b""[..]),
        };
        // `http://host` and `http://host?query` ask for the root.
        let path = if path.is_empty() { b"/" } else { path };
        Ok(Self { path: Path::parse(path)?, query, authority })
    }
}

/// Cuts `http://host:port` off. Nobody sends user information there but to mislead: it is refused.
fn split_authority(raw: &[u8]) -> Option<(&str, &[u8])> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (head, rest) = raw.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    })?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = std::str::from_utf8(&rest[..end]).ok()?;
    (!authority.is_empty() && !authority.contains('@')).then_some((authority, &rest[end..]))
}

/// An absolute path with one reading: decoded, without dot segments, doubled slashes, backslashes and control bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    exact: String,
    folded: String,
}

impl Path {
    /// Reads a path as it stands in a request line, without query.
    ///
    /// Several slashes at its start are one (clients join URLs carelessly); anywhere else they are refused.
    pub fn parse(raw: &[u8]) -> Result<Self, BadTarget> {
        let slashes = raw.iter().take_while(|&&byte| byte == b'/').count();
        // A `#` never travels in a request, and an encoded slash would be a name to one reader and a folder to another.
        let inner = raw.get(slashes.checked_sub(1).ok_or(BadTarget)?..).ok_or(BadTarget)?;
        let (decoded, clean) = percent_decode(inner);
        let slash_encoded = count_slashes(&decoded) != count_slashes(inner);
        if !clean || slash_encoded || inner.contains(&b'#') {
            return Err(BadTarget);
        }
        let exact = String::from_utf8(decoded).map_err(|_| BadTarget)?;
        let last = exact.matches('/').count() - 1;
        let ambiguous = |(at, segment): (usize, &str)| match segment {
            "." | ".." => true,
            "" => at != last, // the root, or a folder's trailing slash
            _ => segment.contains(|c: char| c == '\\' || c.is_control()),
        };
        if exact[1..].split('/').enumerate().any(ambiguous) {
            return Err(BadTarget);
        }
        Ok(Self { folded: exact.to_ascii_lowercase(), exact })
    }

    /// Returns the path in lower case (ASCII), to be matched with the tables.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Returns the path in its own case, for files of the web UI.
    pub fn exact(&self) -> &str {
        &self.exact
    }
}

fn count_slashes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'/').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(raw: &str) -> Result<String, BadTarget> {
        Path::parse(raw.as_bytes()).map(|path| path.exact)
    }

    #[test]
    fn all_spellings_of_a_path_are_one() {
        for raw in
            ["/get_status.cgi", "//get_status.cgi", "///Get_Status.CGI", "/%67et_status%2ecgi", "/GET%5fSTATUS.cgi"]
        {
            assert_eq!(Path::parse(raw.as_bytes()).unwrap().folded(), "/get_status.cgi", "{raw}");
        }
    }

    #[test]
    fn files_keep_their_case_and_names() {
        for raw in ["/", "/a/B.htm", "/a/", "/...", "/a..b", "/.well-known/x", "/a;b", "/a+b"] {
            assert_eq!(path(raw), Ok(raw.to_owned()));
        }
        assert_eq!(path("/%C3%84%20b"), Ok("/Ä b".to_owned()));
        assert_eq!(path("//"), Ok("/".to_owned()));
        assert_eq!(path("/%2561dmin"), Ok("/%61dmin".to_owned()), "decoded once, not twice");
    }

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for raw in [
            "",
            "a",
            "*",
            "/..",
            "/.",
            "/../etc/passwd",
            "/a/./b",
            "/a/%2e%2e/b",
            "/%2E",
            "/a//b",
            "/a//",
            "/a/b%2f",
            "/%2fa",
            "/a\\b",
            "/a%5cb",
            "/%00",
            "/a%0d%0ab",
            "/a%7f",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "/a#b",
            "/%c2%85",
        ] {
            assert_eq!(path(raw), Err(BadTarget), "{raw}");
        }
    }

    #[test]
    fn an_absolute_target_names_its_host() {
        let table: &[(&str, &str, &str)] = &[
            ("http://cam:8080/a?b=/c?d", "cam:8080", "/a"),
            ("HTTP://[::1]//a", "[::1]", "/a"),
            ("https://cam", "cam", "/"),
            ("http://cam?b=1", "cam", "/"),
        ];
        for (raw, authority, path) in table {
            let target = Target::parse(raw.as_bytes()).unwrap();
            assert_eq!((target.authority, target.path.exact()), (Some(*authority), *path), "{raw}");
        }
        for raw in
            ["", "*", "cam:80", "http:///a", "http://a@cam/", "ftp://cam/", "http:/cam/", "a", "?a=1", "http://cam#a"]
        {
            assert_eq!(Target::parse(raw.as_bytes()), Err(BadTarget), "{raw}");
        }
    }

    #[test]
    fn the_query_begins_behind_the_first_question_mark() {
        for (raw, query) in [("/a?b=1", "b=1"), ("/a??b", "?b"), ("/a?b=/../c", "b=/../c"), ("/a", ""), ("/a?", "")] {
            let target = Target::parse(raw.as_bytes()).unwrap();
            assert_eq!((target.authority, target.path.exact(), target.query), (None, "/a", query.as_bytes()), "{raw}");
        }
        let shown = format!("{:?}", Target::parse(b"/a?pwd=canary").unwrap());
        assert!(!shown.contains("canary"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw: Vec<u8>) {
            let _ = Target::parse(&raw);
            let _ = Path::parse(&raw);
        }

        #[test]
        fn an_accepted_path_cannot_leave_its_root(raw in "/[a./%2eEfF5cC\\\\#]{0,20}") {
            if let Ok(path) = Path::parse(raw.as_bytes()) {
                prop_assert!(path.exact().starts_with('/'));
                prop_assert!(!path.exact().contains("//") && !path.exact().contains('\\'));
                prop_assert!(path.exact().split('/').all(|segment| segment != "." && segment != ".."));
                prop_assert_eq!(path.exact().to_ascii_lowercase(), path.folded());
            }
        }
    }
}
