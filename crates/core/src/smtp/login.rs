//! Logging in: AUTH PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195).
//!
//! A line that was encrypted, PLAIN goes first; in clear CRAM-MD5 does, which does not show the password. Whatever is said
//! here is a [`Secret`]; and of what a server replies here only the code is told, as it might say what it was sent.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use md5::Md5;

use super::{Failure, Fault, Reply};
use crate::{hex, profile::wire::Secret};

/// Who logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// A way of logging in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    Login,
    Cram,
}

impl Way {
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "PLAIN" => Some(Self::Plain),
            "LOGIN" => Some(Self::Login),
            "CRAM-MD5" => Some(Self::Cram),
            _ => None,
        }
    }

    /// Returns all, the best first.
    pub fn best(secure: bool) -> [Self; 3] {
        if secure { [Self::Plain, Self::Login, Self::Cram] } else { [Self::Cram, Self::Plain, Self::Login] }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::Cram => "CRAM-MD5",
        })
    }
}

/// What the server knows of who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Only how.
    Way,
    /// The user name.
    Name,
    /// All.
    All,
}

/// A login on its way.
#[derive(Debug)]
pub(super) struct Going {
    pub way: Way,
    told: Told,
}

impl Going {
    /// Begins; returns the command as well.
    pub fn begin(way: Way, login: &Login) -> (Self, Secret) {
        let (told, command) = match way {
            Way::Plain => {
                let both = format!("\0{}\0{}", login.user, login.password.expose());
                (Told::All, format!("AUTH PLAIN {}", STANDARD.encode(both)))
            }
            Way::Login | Way::Cram => (Told::Way, format!("AUTH {way}")),
        };
        (Self { way, told }, Secret::new(command))
    }

    /// Returns what the server is told next, which wants to know more.
    pub fn answer(&mut self, login: &Login, reply: &Reply) -> Result<Secret, Failure> {
        let (told, text) = match (self.way, self.told) {
            (Way::Login, Told::Way) => (Told::Name, STANDARD.encode(&login.user)),
            (Way::Login, Told::Name) => (Told::All, STANDARD.encode(login.password.expose())),
            (Way::Cram, Told::Way) => (Told::All, cram(login, reply).ok_or_else(|| self.nonsense())?),
            (Way::Plain | Way::Login | Way::Cram, Told::Way | Told::Name | Told::All) => return Err(self.nonsense()),
        };
        self.told = told;
        Ok(Secret::new(text))
    }

    /// Says what a refusal means.
    pub fn refused(&self, reply: &Reply) -> Failure {
        let fault = match (reply.code, self.told) {
            (421, _) => Fault::Server,
            // A passing trouble, a way that is not taken, or not without encryption (RFC 4954, 6).
            (..500 | 500..=504 | 530 | 534 | 538, _) | (_, Told::Way) => Fault::Login,
            (_, Told::Name) => Fault::User,
            (_, Told::All) => Fault::Password,
        };
        let status = reply.status().map(|status| format!(" {status}")).unwrap_or_default();
        let what = match self.told {
            _ if matches!(fault, Fault::Login | Fault::Server) => "does not let the camera log in",
            Told::Name => "refuses the user name",
            Told::Way | Told::All => "refuses the login",
        };
        let words = format!("the server {what} (AUTH {}): {}{status}", self.way, reply.code);
        Failure { fault, lasting: reply.code >= 500, words }
    }

    fn nonsense(&self) -> Failure {
        Failure::lasting(Fault::Login, format!("the server asks what AUTH {} does not know", self.way))
    }
}

fn cram(login: &Login, reply: &Reply) -> Option<String> {
    let challenge = STANDARD.decode(reply.lines.first()?.trim()).ok()?;
    let mut mac = Hmac::<Md5>::new_from_slice(login.password.expose().as_bytes()).ok()?;
    mac.update(&challenge);
    Some(STANDARD.encode(format!("{} {}", login.user, hex::show(&mac.finalize().into_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cram_md5_answers_as_in_its_specification() {
        // The example of RFC 2195.
        let challenge = STANDARD.encode("<1896.697170952@postoffice.reston.mci.net>");
        let login = Login { user: "tim".into(), password: Secret::new("tanstaaftanstaaf") };
        let reply = Reply { code: 334, lines: vec![challenge] };
        let answer = STANDARD.decode(cram(&login, &reply).unwrap()).unwrap();
        assert_eq!(answer, b"tim b913a602c7eda7a495b4e6e7334d3890");
    }
}
