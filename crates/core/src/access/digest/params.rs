//! Reads the challenges and parameters of authentication headers (RFC 9110 11.3, 11.6.1).

/// One scheme with its parameters, as in `Digest realm="camera", qop=auth`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) name: String,
    /// Names in lower case; values without their quotes.
    params: Vec<(String, String)>,
}

/// The most parameters of a header that are kept.
const MOST_PARAMS: usize = 64;

impl Scheme {
    /// Returns a parameter's value; the first, if it is there twice.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a header of one or more schemes, separated by commas like their parameters; stops at what it cannot read.
pub(super) fn schemes(header: &str) -> Vec<Scheme> {
    let mut schemes: Vec<Scheme> = Vec::new();
    let mut rest = header;
    for _ in 0..MOST_PARAMS {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, behind) = token(rest);
        if name.is_empty() {
            break;
        }
        match (behind.trim_start().strip_prefix('='), schemes.last_mut()) {
            (Some(behind), Some(scheme)) => {
                let Some((value, behind)) = value(behind.trim_start()) else { break };
                scheme.params.push((name.to_ascii_lowercase(), value));
                rest = behind;
            }
            (Some(_), None) => break,
            (None, _) => {
                schemes.push(Scheme { name: name.to_owned(), params: Vec::new() });
                rest = behind;
            }
        }
    }
    schemes
}

/// Takes a token.
fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

/// Takes a quoted value, or a bare one up to the next comma or blank.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}
