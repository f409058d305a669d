//! Digest login (RFC 7616) for both sides: answering another camera's challenge, and challenging our own clients.
//!
//! Known are MD5 and SHA-256, `qop=auth`, and for old servers no `qop` at all (RFC 2069); not the `-sess` variants,
//! `auth-int` and hashed user names, which no camera or recorder needs.
//!
//! **Server.** A nonce is its time and an HMAC over it, so nothing is remembered between requests and no restart of a
//! client can fill a table. The bargain: within its five minutes a nonce may be used again, the count `nc` is only looked
//! at for its form, and who reads the network can repeat *the same* request with the same target for that long. (He can
//! read its answer anyway; only TLS helps.) He cannot make another request, nor use the answer after that time.

mod client;
mod params;
mod server;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::hex;

pub use self::{
    client::{Challenge, Login},
    server::{Answer, Gate, NONCE_LIFETIME_S, Verdict},
};

/// The hash of a challenge; the better one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// MD5, all that old cameras know.
    Md5,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// Returns the name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256].into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Hashes the parts, joined by colons, to lower-case hex.
    fn hash(self, parts: &[&str]) -> String {
        let joined = parts.join(":");
        match self {
            Self::Md5 => hex::show(&Md5::digest(joined)),
            Self::Sha256 => hex::show(&Sha256::digest(joined)),
        }
    }
}

/// The counted part of a `qop=auth` answer.
#[derive(Clone, Copy, Debug)]
struct Count<'a> {
    nc: &'a str,
    cnonce: &'a str,
}

/// What a response is computed over, besides the count.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    algorithm: Algorithm,
    realm: &'a str,
    nonce: &'a str,
    method: &'a str,
    uri: &'a str,
}

impl Asked<'_> {
    /// Computes the response (RFC 7616 3.4.1); without a count that of RFC 2069.
    fn response(&self, user: &str, password: &str, count: Option<Count<'_>>) -> String {
        let Self { algorithm, realm, nonce, method, uri } = *self;
        let who = algorithm.hash(&[user, realm, password]);
        let what = algorithm.hash(&[method, uri]);
        match count {
            Some(Count { nc, cnonce }) => algorithm.hash(&[&who, nonce, nc, cnonce, "auth", &what]),
            None => algorithm.hash(&[&who, nonce, &what]),
        }
    }
}

/// Quotes a text for a header (RFC 9110 5.6.4); control characters, which cannot be sent, become blanks.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
