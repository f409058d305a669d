//! The client's side: choosing a challenge and answering it.

use std::fmt;

use super::{Algorithm, Asked, Count, params::schemes, quoted};

/// A user and his password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password, in clear.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// What a server asks to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The hash that is asked for.
    pub algorithm: Algorithm,
    /// Whether the server named it; some old ones stumble over a name that they did not give.
    named: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// Whether `qop=auth` is understood; else the answer of RFC 2069 is due.
    counted: bool,
    /// Whether only the nonce was too old, and the same login may be tried again.
    pub stale: bool,
}

impl Challenge {
    /// Chooses the best Digest challenge among `WWW-Authenticate` headers; `None` if none can be answered.
    pub fn best<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let digests = headers.into_iter().flat_map(schemes).filter(|scheme| scheme.name.eq_ignore_ascii_case("digest"));
        let known = digests.filter_map(|scheme| {
            let qop = scheme.get("qop").unwrap_or_default();
            let counted = qop.split(',').any(|option| option.trim().eq_ignore_ascii_case("auth"));
            (counted || qop.trim().is_empty()).then_some(())?;
            Some(Self {
                algorithm: scheme.get("algorithm").map_or(Some(Algorithm::Md5), Algorithm::parse)?,
                named: scheme.get("algorithm").is_some(),
                realm: scheme.get("realm")?.to_owned(),
                nonce: scheme.get("nonce")?.to_owned(),
                opaque: scheme.get("opaque").map(str::to_owned),
                counted,
                stale: scheme.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            })
        });
        // The first of equals, as the server prefers it.
        known.reduce(|best, next| if next.algorithm > best.algorithm { next } else { best })
    }

    /// Makes the value of the `Authorization` header for one request.
    ///
    /// `uri` is the request target with its query; `cnonce` is random text, made anew for each answer; `nc` counts the
    /// answers to this challenge from 1.
    pub fn answer(&self, login: &Login, method: &str, uri: &str, cnonce: &str, nc: u32) -> String {
        let nc = format!("{nc:08x}");
        let asked = Asked { algorithm: self.algorithm, realm: &self.realm, nonce: &self.nonce, method, uri };
        let count = self.counted.then_some(Count { nc: &nc, cnonce });
        let response = asked.response(&login.user, &login.password, count);
        let [user, realm, nonce, uri] = [&login.user, &self.realm, &self.nonce, uri].map(quoted);
        let mut header =
            format!("Digest username={user}, realm={realm}, nonce={nonce}, uri={uri}, response=\"{response}\"");
        if self.named {
            header += &format!(", algorithm={}", self.algorithm.name());
        }
        if self.counted {
            header += &format!(", qop=auth, nc={nc}, cnonce={}", quoted(cnonce));
        }
        if let Some(opaque) = &self.opaque {
            header += &format!(", opaque={}", quoted(opaque));
        }
        header
    }
}
