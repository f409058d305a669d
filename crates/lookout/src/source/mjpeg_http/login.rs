//! The credentials of an address, and what a camera wants to see of them.
//!
//! Nothing is sent before it is asked for: a camera that wants Digest never gets to see the password.

use base64::{Engine, prelude::BASE64_STANDARD};
use lookout_core::{
    access::digest::{Challenge, Login},
    hex,
    port::Lost,
};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};

/// The way in: the login, if there is one, and how it is shown.
pub(super) struct Door {
    login: Option<Login>,
    way: Way,
}

enum Way {
    /// Not asked for yet.
    Open,
    Basic,
    Digest {
        challenge: Challenge,
        /// How many answers it was given.
        answered: u32,
    },
}

impl Door {
    /// Makes the way in with a login; with an empty one, without.
    pub(super) fn new(login: Login) -> Self {
        let login = Some(login).filter(|login| !login.user.is_empty() || !login.password.is_empty());
        Self { login, way: Way::Open }
    }

    /// Takes the credentials out of an address.
    pub(super) fn take(url: &mut Url) -> Self {
        let user = decode(url.username());
        let password = decode(url.password().unwrap_or_default());
        // They fail for addresses that cannot have any, such as `mailto:`.
        let _ = (url.set_username(""), url.set_password(None));
        Self::new(Login { user, password })
    }

    pub(super) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Takes the challenge of a 401; says whether another try is worth it.
    pub(super) fn challenged(&mut self, headers: &HeaderMap) -> bool {
        let offers = || headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let digest = Challenge::best(offers());
        let (way, fresh) = match (&self.way, digest) {
            // The same login was refused, unless only the nonce was too old or the way is a better one now.
            (Way::Digest { answered, .. }, Some(challenge)) => {
                let again = challenge.stale || *answered > 1;
                (Way::Digest { challenge, answered: 0 }, again)
            }
            (Way::Open | Way::Basic, Some(challenge)) => (Way::Digest { challenge, answered: 0 }, true),
            (Way::Open, None) => (Way::Basic, true),
            (Way::Basic, None) => (Way::Basic, false),
            // Who asked for Digest once does not get the password itself later.
            (Way::Digest { .. }, None) => return false,
        };
        self.way = way;
        fresh && self.has_login()
    }

    /// Makes the `Authorization` header of the next request.
    pub(super) fn authorization(&mut self, url: &Url) -> Result<Option<HeaderValue>, Lost> {
        let Some(login) = &self.login else { return Ok(None) };
        let text = match &mut self.way {
            Way::Open => return Ok(None),
            Way::Basic => format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", login.user, login.password))),
            Way::Digest { challenge, answered } => {
                *answered += 1;
                let uri = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
                challenge.answer(login, "GET", &uri, &cnonce()?, *answered)
            }
        };
        let mut value =
            HeaderValue::try_from(text).map_err(|_| Lost("the camera's challenge cannot be answered".into()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn cnonce() -> Result<String, Lost> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Lost(format!("there is no randomness: {error}")))?;
    Ok(hex::show(&random))
}

/// Decodes `%XX`; what is not of that form stays.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        (rest, _) = match behind {
            [high, low, behind @ ..] if *first == b'%' => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (behind, bytes.push((high * 16 + low) as u8)),
                (Some(_) | None, _) => (rest.split_at(1).1, bytes.push(*first)),
            },
            _ => (behind, bytes.push(*first)),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_address_decoded() {
        let mut url = Url::parse("http://us%40er:p%3Aa%25zz@host:81/video.cgi?user=x&pwd=y").unwrap();
        let door = Door::take(&mut url);
        assert_eq!(url.as_str(), "http://host:81/video.cgi?user=x&pwd=y");
        let login = door.login.unwrap();
        assert_eq!((&*login.user, &*login.password), ("us@er", "p:a%zz"));
        assert!(!Door::take(&mut url).has_login());
    }
    #[test]
    fn who_asked_for_digest_once_never_gets_the_password_itself() {
        let mut url = Url::parse("http://user:pass@host/").unwrap();
        let mut door = Door::take(&mut url);
        let challenge = |line: &'static str| HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(line))]);
        assert!(door.challenged(&challenge("Digest realm=\"r\", nonce=\"n\"")));
        assert!(!door.challenged(&challenge("Basic realm=\"r\"")));
        let sent = door.authorization(&url).unwrap().unwrap();
        assert!(sent.to_str().unwrap().starts_with("Digest ") && sent.is_sensitive());
    }
}
