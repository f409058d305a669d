//! The query of a request: `name=value` pairs, read forgivingly (PROFILE 1.1) and written back exactly.
//!
//! Old clients put rubbish into queries: empty pairs, doubled question marks, pseudo extensions such as `&.mjpg` that
//! make a player believe in a file name, per cent signs that encode nothing. None of it is an error. What is not text
//! is one, and so is a query of too many pairs; both are refused whole, so that nothing is done by halves.
//!
//! Names are case-sensitive. Of a repeated name the first occurrence counts and the others are gone, for whoever
//! looks a name up and for whoever walks the pairs: no two readers of one request can disagree about it.

use std::{borrow::Cow, fmt};

/// The decoded parameters of one request, in the order in which they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<Pair>,
}

#[derive(Clone, PartialEq, Eq)]
struct Pair {
    name: String,
    /// UTF-8, but for the one name that [`Query::parse_binary`] excepts.
    value: Vec<u8>,
}

/// Why a query is refused; the caller answers `error: illegal params.`
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// It has more than [`Query::MOST_PAIRS`] pairs.
    #[error("more than {} parameters", Query::MOST_PAIRS)]
    TooMany,
    /// A name or a value is not UTF-8 after decoding.
    #[error("a parameter is not UTF-8")]
    NotUtf8,
}

impl Query {
    /// How many pairs a query may have; empty ones do not count, repeated ones do.
    pub const MOST_PAIRS: usize = 256;

    /// Reads what stands behind the first `?` of a request target.
    pub fn parse(raw: &[u8]) -> Result<Self, BadQuery> {
        Self::read(raw, None)
    }

    /// Reads a query in which the value of `binary` may be any bytes, such as `data` of `comm_write.cgi`.
    pub fn parse_binary(raw: &[u8], binary: &str) -> Result<Self, BadQuery> {
        Self::read(raw, Some(binary))
    }

    fn read(raw: &[u8], binary: Option<&str>) -> Result<Self, BadQuery> {
        let raw = &raw[raw.iter().take_while(|&&byte| byte == b'?').count()..];
        let mut query = Self::default();
        for (count, pair) in raw.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).enumerate() {
            if count == Self::MOST_PAIRS {
                return Err(BadQuery::TooMany);
            }
            let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                Some(equals) => (&pair[..equals], &pair[equals + 1..]),
                None => (pair, &b""[..]),
            };
            let name = String::from_utf8(decode(name)).map_err(|_| BadQuery::NotUtf8)?;
            let value = decode(value);
            if binary != Some(name.as_str()) && std::str::from_utf8(&value).is_err() {
                return Err(BadQuery::NotUtf8);
            }
            if !name.is_empty() && query.bytes(&name).is_none() {
                query.pairs.push(Pair { name, value });
            }
        }
        Ok(query)
    }

    /// Returns the value of `name`; empty where the name stands without `=`.
    ///
    /// `None` also for a value that is not text, which only [`Query::parse_binary`] lets in.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Returns the value of `name` as bytes.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.pairs.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_slice())
    }

    /// Walks the pairs in their order, each name once; a value that is not text is passed over.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().filter_map(|pair| Some((pair.name.as_str(), std::str::from_utf8(&pair.value).ok()?)))
    }

    /// Says whether every value is text without control characters, which the form of a page gives back as it came.
    pub fn fits_a_form(&self) -> bool {
        let plain = |value: &str| !value.chars().any(char::is_control);
        self.pairs.iter().all(|pair| std::str::from_utf8(&pair.value).is_ok_and(plain))
    }

    /// Writes the query without the parameter `name`, as [`encode`] does: the same for all spellings of one request.
    pub fn encode_without(&self, name: &str) -> String {
        encode(self.pairs.iter().filter(|pair| pair.name != name).map(|pair| (&pair.name, &pair.value)))
    }
}

/// Names only: values may be passwords.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.pairs.iter().map(|pair| &pair.name)).finish()
    }
}

/// Writes pairs as a query that [`Query::parse`] reads back to the same ones.
///
/// All but RFC 3986's unreserved characters are per-cent encoded, so that the result may stand in a URL, a header or an
/// attribute as it is.
pub fn encode<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (N, V)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        escape(name.as_ref(), &mut text);
        text.push('=');
        escape(value.as_ref(), &mut text);
    }
    text
}

fn escape(bytes: &[u8], text: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Decodes `+` and `%xx`; a `%` without two hex digits stays as it is.
fn decode(raw: &[u8]) -> Vec<u8> {
    let spaced: Cow<'_, [u8]> = match raw.contains(&b'+') {
        true => raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect(),
        false => raw.into(),
    };
    percent_decode(&spaced).0
}

/// Decodes `%xx` once, and says whether every `%` was one; others stay as they are.
pub(crate) fn percent_decode(raw: &[u8]) -> (Vec<u8>, bool) {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut clean = true;
    let mut rest = raw;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte != b'%' {
            decoded.push(*byte);
        } else if let [high, low, tail @ ..] = tail
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            decoded.push(high << 4 | low);
            rest = tail;
        } else {
            decoded.push(b'%');
            clean = false;
        }
    }
    (decoded, clean)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(raw: &str) -> Vec<(String, String)> {
        let query = Query::parse(raw.as_bytes()).unwrap();
        query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_query_is_read_forgivingly() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("user=a&pwd=b", &[("user", "a"), ("pwd", "b")]),
            ("&user=a", &[("user", "a")]),
            ("?user=a", &[("user", "a")]),
            ("?&&user=a&", &[("user", "a")]),
            (".mjpg", &[(".mjpg", "")]),
            ("user=a&.mjpg", &[("user", "a"), (".mjpg", "")]),
            ("user=a&user=b&user", &[("user", "a")]),
            ("user&user=b", &[("user", "")]),
            ("=x&a=1", &[("a", "1")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a=1+2%2B3%20", &[("a", "1 2+3 ")]),
            ("%75ser=%61", &[("user", "a")]),
            ("a=100%&b=%&c=%4&d=%zz&e=%%41", &[("a", "100%"), ("b", "%"), ("c", "%4"), ("d", "%zz"), ("e", "%A")]),
            ("a=%2541", &[("a", "%41")]),
            ("a=%c3%a9", &[("a", "é")]),
            ("a=%26b%3D1", &[("a", "&b=1")]),
            ("User=a", &[("User", "a")]),
        ];
        for (raw, wanted) in table {
            let wanted: Vec<_> = wanted.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            assert_eq!(pairs(raw), wanted, "{raw}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        for raw in [&b"a=%ff"[..], b"a=\xff", b"%c3=1", b"a=1&b=%c3", b"a=1&a=%ff", b"=%ff"] {
            assert_eq!(Query::parse(raw), Err(BadQuery::NotUtf8), "{raw:?}");
        }
    }

    #[test]
    fn only_the_named_value_may_be_binary() {
        let query = Query::parse_binary(b"port=0&data=%FF%01%00+&x=1", "data").unwrap();
        assert_eq!(query.bytes("data"), Some(&b"\xff\x01\0 "[..]));
        assert_eq!(query.get("data"), None);
        assert_eq!(query.pairs().collect::<Vec<_>>(), [("port", "0"), ("x", "1")]);
        assert_eq!(query.encode_without("x"), "port=0&data=%FF%01%00%20");
        assert_eq!(Query::parse_binary(b"data=1&port=%ff", "data"), Err(BadQuery::NotUtf8));
    }

    #[test]
    fn a_form_gives_text_back_and_nothing_else() {
        for (raw, fits) in [("port=0&data=abc", true), ("data=%c3%a9", true), ("data=%00", false), ("data=a%0a", false)]
        {
            assert_eq!(Query::parse(raw.as_bytes()).unwrap().fits_a_form(), fits, "{raw}");
        }
        assert!(!Query::parse_binary(b"data=%ff", "data").unwrap().fits_a_form());
    }

    #[test]
    fn the_257th_pair_is_one_too_many() {
        let most = "&a=1".repeat(Query::MOST_PAIRS) + "&&&";
        assert_eq!(pairs(&most), [("a".to_owned(), "1".to_owned())]);
        assert_eq!(Query::parse((most + "b").as_bytes()), Err(BadQuery::TooMany));
    }

    #[test]
    fn debug_shows_no_value() {
        let query = Query::parse(b"user=admin&pwd=canary").unwrap();
        assert_eq!(format!("{query:?}"), r#"{"user", "pwd"}"#);
    }

    #[test]
    fn two_spellings_of_one_query_encode_alike() {
        let plain = Query::parse(b"next_url=a.htm&_confirm=1&n=a b").unwrap();
        let other = Query::parse(b"?&next%5furl=a%2Ehtm&n=a+b&n=2").unwrap();
        assert_eq!(plain.encode_without("_confirm"), "next_url=a.htm&n=a%20b");
        assert_eq!(other.encode_without("_confirm"), plain.encode_without("_confirm"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw: Vec<u8>) {
            let _ = Query::parse(&raw);
            let _ = Query::parse_binary(&raw, "");
        }

        #[test]
        fn whatever_is_encoded_reads_back(pairs in proptest::collection::btree_map(".+", ".*", 0..20)) {
            let query = Query::parse(encode(&pairs).as_bytes()).unwrap();
            let read: Vec<_> = query.pairs().collect();
            let written: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn lookups_and_pairs_agree(raw in "[ab=&%+?41]{0,40}") {
            if let Ok(query) = Query::parse(raw.as_bytes()) {
                for (name, value) in query.pairs() {
                    prop_assert_eq!(query.get(name), Some(value));
                }
            }
        }
    }
}
