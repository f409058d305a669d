//! The server's side: challenges, and what is to be thought of the answers.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Algorithm, Asked, Count, params::schemes, quoted};
use crate::hex;

/// How long a nonce is good, in seconds.
pub const NONCE_LIFETIME_S: u64 = 300;

/// What was found out about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Good,
    /// Right, but its nonce is too old: challenge again with `stale`.
    Stale,
    /// Wrong.
    Bad,
}

/// Makes challenges and verifies their answers. Times are seconds of any clock that goes on evenly.
#[derive(Clone)]
pub struct Gate {
    realm: String,
    key: [u8; 32],
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("realm", &self.realm).finish_non_exhaustive()
    }
}

impl Gate {
    /// Makes a gate; `key` is random and lives as long as the process.
    pub fn new(realm: &str, key: [u8; 32]) -> Self {
        Self { realm: realm.to_owned(), key }
    }

    /// Returns the values of two `WWW-Authenticate` lines, the better algorithm first (RFC 7616 3.7).
    pub fn challenges(&self, now_s: u64, stale: bool) -> [String; 2] {
        let (realm, nonce) = (quoted(&self.realm), self.nonce(now_s));
        let stale = if stale { ", stale=true" } else { "" };
        [Algorithm::Sha256, Algorithm::Md5].map(|algorithm| {
            let name = algorithm.name();
            format!("Digest realm={realm}, qop=\"auth\", algorithm={name}, nonce=\"{nonce}\", charset=UTF-8{stale}")
        })
    }

    /// Judges an answer; `target` is the request's target as it stood in the request line, query included.
    ///
    /// An empty password is never right. For an unknown user, call it with any other password: that takes as long.
    pub fn verify(&self, answer: &Answer, password: &str, method: &str, target: &str, now_s: u64) -> Verdict {
        let Answer { algorithm, nonce, uri, .. } = answer;
        let asked = Asked { algorithm: *algorithm, realm: &self.realm, nonce, method, uri };
        let due = asked.response(&answer.user, password, Some(Count { nc: &answer.nc, cnonce: &answer.cnonce }));
        let right = bool::from(due.as_bytes().ct_eq(answer.response.to_ascii_lowercase().as_bytes()));
        let issued = nonce.get(..16).and_then(|time| u64::from_str_radix(time, 16).ok());
        let ours = issued.filter(|issued| bool::from(self.nonce(*issued).as_bytes().ct_eq(nonce.as_bytes())));
        if !right || password.is_empty() || answer.realm != self.realm || *uri != target {
            return Verdict::Bad;
        }
        // A foreign nonce is one of ours from before a restart, or made up: a new one tells them apart.
        match ours.and_then(|issued| now_s.checked_sub(issued)) {
            Some(age_s) if age_s <= NONCE_LIFETIME_S => Verdict::Good,
            Some(_) | None => Verdict::Stale,
        }
    }

    /// Makes the nonce of a time: 16 hex digits of it, 32 of its HMAC.
    fn nonce(&self, issued_s: u64) -> String {
        let time = issued_s.to_be_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(&time);
        hex::show(&time) + &hex::show(&mac.finalize().into_bytes()[..16])
    }
}

/// An answer, as it stands in an `Authorization: Digest` header.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    user: String,
    realm: String,
    nonce: String,
    uri: String,
    algorithm: Algorithm,
    response: String,
    nc: String,
    cnonce: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Answer {
    /// Reads the header's value; `None` for another scheme, and for what lacks a part or is not `qop=auth`.
    pub fn parse(header: &str) -> Option<Self> {
        let scheme = schemes(header).into_iter().next().filter(|scheme| scheme.name.eq_ignore_ascii_case("digest"))?;
        let get = |name| scheme.get(name).map(str::to_owned);
        get("qop").filter(|qop| qop.eq_ignore_ascii_case("auth"))?;
        Some(Self {
            user: get("username")?,
            realm: get("realm")?,
            nonce: get("nonce")?,
            uri: get("uri")?,
            algorithm: scheme.get("algorithm").map_or(Some(Algorithm::Md5), Algorithm::parse)?,
            response: get("response")?,
            nc: get("nc").filter(|nc| nc.len() == 8 && nc.bytes().all(|digit| digit.is_ascii_hexdigit()))?,
            cnonce: get("cnonce")?,
        })
    }

    /// Returns the user who answers, unverified.
    pub fn user(&self) -> &str {
        &self.user
    }
}
