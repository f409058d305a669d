//! SMTP from the client's side (RFC 5321): what is said to a server, what its replies mean, and which of the profile's
//! codes that is (PROFILE 4.2).
//!
//! Nothing here connects: a [`Dialogue`] is told each [`Reply`] and returns what to say [next](Next). So each refusal is
//! known with the stage at which it came, which is what the codes are about.

mod dialogue;
mod login;
mod reply;

use std::fmt;

pub use self::{
    dialogue::{Delivered, Dialogue, Next, Refused, Wanted},
    login::Login,
    reply::{Garbage, Reply},
};

/// What went wrong, as `test_mail.cgi` numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection could be made.
    Connect,
    /// The connection was lost, or nothing came for too long.
    Network,
    /// The server does not serve, or talks nonsense; its certificate is not trusted.
    Server,
    /// It refuses the user name.
    User,
    /// It refuses the password, or does not say which of the two it refuses.
    Password,
    /// It refuses the sender.
    Sender,
    /// It refuses a receiver.
    Receiver,
    /// It refuses the mail itself.
    Body,
    /// It lets nobody log in in a way that this camera knows, or nobody send without.
    Login,
}

impl Fault {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Connect,
        Self::Network,
        Self::Server,
        Self::User,
        Self::Password,
        Self::Sender,
        Self::Receiver,
        Self::Body,
        Self::Login,
    ];

    /// Returns its number in the answer of `test_mail.cgi`.
    pub const fn number(self) -> i8 {
        match self {
            Self::Connect => -1,
            Self::Network => -2,
            Self::Server => -3,
            Self::User => -4,
            Self::Password => -5,
            Self::Sender => -6,
            Self::Receiver => -7,
            Self::Body => -8,
            Self::Login => -9,
        }
    }

    /// Returns the profile's words for it, as the journal has them.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Connect => "cannot connect",
            Self::Network => "network error",
            Self::Server => "server error",
            Self::User => "wrong user",
            Self::Password => "wrong password",
            Self::Sender => "sender rejected",
            Self::Receiver => "receiver rejected",
            Self::Body => "body rejected",
            Self::Login => "authentication not accepted",
        }
    }
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Failure {
    /// What went wrong.
    pub fault: Fault,
    /// Whether it will be no different later: a refusal that the server calls permanent (5yz).
    pub lasting: bool,
    /// A sentence for the log, without a secret.
    pub words: String,
}

impl Failure {
    /// Makes one that may be gone later.
    pub fn passing(fault: Fault, words: impl Into<String>) -> Self {
        Self { fault, lasting: false, words: words.into() }
    }

    /// Makes one that stays.
    pub fn lasting(fault: Fault, words: impl Into<String>) -> Self {
        Self { fault, lasting: true, words: words.into() }
    }

    /// Makes one of a reply.
    fn of(reply: &Reply, fault: Fault, what: impl fmt::Display) -> Self {
        Self { fault, lasting: reply.code >= 500, words: format!("the server {what}: {reply}") }
    }
}

/// Doubles the dot at the beginning of a line, and ends the mail (RFC 5321, 4.5.2). Lines end with CR LF.
pub fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + mail.len() / 64 + 5);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_profile_and_no_two_are_the_same() {
        let numbers = Fault::ALL.map(Fault::number);
        assert_eq!(numbers, [-1, -2, -3, -4, -5, -6, -7, -8, -9]);
        let words: std::collections::HashSet<_> = Fault::ALL.map(Fault::words).into();
        assert_eq!(words.len(), 9);
    }

    #[test]
    fn no_line_of_a_mail_ends_it() {
        assert_eq!(stuffed(b".\r\na\r\n..b\r\n"), b"..\r\na\r\n...b\r\n.\r\n");
        assert_eq!(stuffed(b"a.\r\n.b"), b"a.\r\n..b\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }
}
