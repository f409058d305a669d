//! The dialogue, command by command.
//!
//! ```text
//!   greeting ▶ EHLO ▶ [STARTTLS ▶ EHLO] ▶ [AUTH] ▶ MAIL ▶ RCPT … ▶ DATA ▶ the mail ▶ over
//!                └ HELO, where nothing is needed that only EHLO offers
//! ```
//! Bargains: without the encryption that is set nothing is said; a mail goes to the receivers that the server takes,
//! though it refuses others.

use std::mem;

use super::{
    Failure, Fault, Login, Reply,
    login::{Going, Way},
};
use crate::profile::wire::Secret;

/// A mail to be delivered, but for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The camera's name in the dialogue: `[192.168.1.16]`.
    pub own: String,
    /// Whether the connection must be encrypted first (STARTTLS).
    pub start_tls: bool,
    /// Who logs in; nobody where the server asks no one.
    pub login: Option<Login>,
    /// The sender's address.
    pub sender: String,
    /// The receivers' addresses, at least one.
    pub receivers: Vec<String>,
    /// Bytes of the mail.
    pub size: usize,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Say this line, without its end, and hear the reply.
    Say(Secret),
    /// Encrypt the connection, then tell [`Dialogue::encrypted`]. What the server sent already must be thrown away: whoever
    /// sits between could have said it.
    Encrypt,
    /// Send the mail, and hear the reply.
    Send,
    /// It is delivered. What remains is to say `QUIT`.
    Done(Delivered),
}

/// What came of a mail that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The receivers who do not get it.
    pub refused: Vec<Refused>,
}

/// A receiver who was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The address.
    pub receiver: String,
    /// Why.
    pub why: Failure,
}

/// A dialogue with a server.
#[derive(Debug)]
pub struct Dialogue {
    wanted: Wanted,
    secure: bool,
    stage: Stage,
    offers: Offers,
    /// Ways of logging in that are left.
    ways: Vec<Way>,
    refused: Vec<Refused>,
}

#[derive(Debug)]
enum Stage {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Login(Going),
    Mail,
    /// The receiver with this index was named.
    Rcpt(usize),
    Data,
    Mailed,
    Over,
}

/// What a server offers beyond the beginnings (RFC 1869).
#[derive(Debug, Default)]
struct Offers {
    start_tls: bool,
    size: bool,
    utf8: bool,
    ways: Vec<Way>,
}

impl Dialogue {
    /// Begins over a connection, which may be encrypted already; the server speaks first.
    pub fn new(wanted: Wanted, secure: bool) -> Self {
        let (stage, offers) = (Stage::Greeting, Offers::default());
        Self { wanted, secure, stage, offers, ways: Vec::new(), refused: Vec::new() }
    }

    /// Takes a reply.
    ///
    /// # Errors
    /// The mail is not delivered.
    pub fn hear(&mut self, reply: &Reply) -> Result<Next, Failure> {
        // Any command may be answered so, and it is never about the command (RFC 5321, 3.8).
        if reply.code == 421 {
            return Err(Failure::of(reply, Fault::Server, "has no time for anybody"));
        }
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Greeting if reply.code == 220 => Ok(self.hello()),
            Stage::Greeting => Err(Failure::of(reply, Fault::Server, "does not serve the camera")),
            Stage::Ehlo => self.offered(reply),
            Stage::Helo if reply.code == 250 => self.log_in_or_mail(),
            Stage::Helo => Err(Failure::of(reply, Fault::Server, "does not greet the camera")),
            Stage::StartTls if reply.code == 220 => Ok(Next::Encrypt),
            Stage::StartTls => Err(Failure::of(reply, Fault::Server, "does not encrypt")),
            Stage::Login(going) => self.log_in(going, reply),
            Stage::Mail if reply.code == 250 => Ok(self.receiver(0)),
            Stage::Mail => Err(sender_refused(reply, &self.wanted.sender)),
            Stage::Rcpt(index) => self.received(index, reply),
            Stage::Data if reply.code == 354 => {
                self.stage = Stage::Mailed;
                Ok(Next::Send)
            }
            Stage::Mailed if reply.code == 250 => Ok(Next::Done(Delivered { refused: mem::take(&mut self.refused) })),
            Stage::Data | Stage::Mailed => Err(body_refused(reply)),
            Stage::Over => Err(Failure::of(reply, Fault::Server, "says more than it was asked")),
        }
    }

    /// Goes on over the encrypted connection: what was offered before counts no more (RFC 3207, 4.2).
    pub fn encrypted(&mut self) -> Next {
        self.secure = true;
        self.hello()
    }

    /// Says whether the mail was sent and only the server's word for it is missing: then it may have been taken.
    pub fn unsure(&self) -> bool {
        matches!(self.stage, Stage::Mailed)
    }

    fn hello(&mut self) -> Next {
        self.say(Stage::Ehlo, format!("EHLO {}", self.wanted.own))
    }

    fn offered(&mut self, reply: &Reply) -> Result<Next, Failure> {
        let wants_more = self.wanted.login.is_some() || self.wanted.start_tls;
        match reply.code {
            250 => self.offers = Offers::read(reply),
            // An old server, which offers nothing.
            500..=504 | 550 if !wants_more => return Ok(self.say(Stage::Helo, format!("HELO {}", self.wanted.own))),
            _ => return Err(Failure::of(reply, Fault::Server, "does not greet the camera")),
        }
        if self.wanted.start_tls && !self.secure {
            if !self.offers.start_tls {
                return Err(Failure::lasting(Fault::Server, "the server offers no STARTTLS"));
            }
            return Ok(self.say(Stage::StartTls, "STARTTLS".into()));
        }
        let known = Way::best(self.secure).into_iter().rev();
        self.ways = known.filter(|way| self.offers.ways.contains(way)).collect();
        self.log_in_or_mail()
    }

    fn log_in_or_mail(&mut self) -> Result<Next, Failure> {
        let Some(login) = &self.wanted.login else { return self.mail() };
        let Some(way) = self.ways.pop() else {
            let words = "the server offers no login that the camera knows (PLAIN, LOGIN, CRAM-MD5)";
            return Err(Failure::lasting(Fault::Login, words));
        };
        let (going, command) = Going::begin(way, login);
        self.stage = Stage::Login(going);
        Ok(Next::Say(command))
    }

    fn log_in(&mut self, mut going: Going, reply: &Reply) -> Result<Next, Failure> {
        match (reply.code, &self.wanted.login) {
            (235, _) => self.mail(),
            (334, Some(login)) => {
                let answer = going.answer(login, reply)?;
                self.stage = Stage::Login(going);
                Ok(Next::Say(answer))
            }
            // It does not take this way after all.
            (504, _) if !self.ways.is_empty() => self.log_in_or_mail(),
            _ => Err(going.refused(reply)),
        }
    }

    fn mail(&mut self) -> Result<Next, Failure> {
        let foreign =
            [&self.wanted.sender].into_iter().chain(&self.wanted.receivers).find(|address| !address.is_ascii());
        if let Some(address) = foreign.filter(|_| !self.offers.utf8) {
            let fault = if *address == self.wanted.sender { Fault::Sender } else { Fault::Receiver };
            return Err(Failure::lasting(fault, format!("the server takes no address like {address}")));
        }
        let size = if self.offers.size { format!(" SIZE={}", self.wanted.size) } else { String::new() };
        let utf8 = if foreign.is_some() { " SMTPUTF8" } else { "" };
        Ok(self.say(Stage::Mail, format!("MAIL FROM:<{}>{size}{utf8}", self.wanted.sender)))
    }

    fn receiver(&mut self, index: usize) -> Next {
        match self.wanted.receivers.get(index) {
            Some(receiver) => self.say(Stage::Rcpt(index), format!("RCPT TO:<{receiver}>")),
            None => self.say(Stage::Data, "DATA".into()),
        }
    }

    fn received(&mut self, index: usize, reply: &Reply) -> Result<Next, Failure> {
        if !matches!(reply.code, 250..=252) {
            let receiver = self.wanted.receivers[index].clone();
            let why = receiver_refused(reply, &receiver);
            if why.fault != Fault::Receiver {
                return Err(why);
            }
            self.refused.push(Refused { receiver, why });
            if self.refused.len() == self.wanted.receivers.len() {
                // If one of them may be taken later, the mail is worth another attempt.
                let passing = self.refused.iter().position(|refused| !refused.why.lasting);
                return Err(self.refused.swap_remove(passing.unwrap_or(0)).why);
            }
        }
        Ok(self.receiver(index + 1))
    }

    fn say(&mut self, stage: Stage, line: String) -> Next {
        self.stage = stage;
        Next::Say(Secret::new(line))
    }
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            // `AUTH=PLAIN` is an old way of writing it.
            let mut words = line.split([' ', '=']);
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "STARTTLS" => offers.start_tls = true,
                "SIZE" => offers.size = true,
                "SMTPUTF8" => offers.utf8 = true,
                "AUTH" => offers.ways.extend(words.filter_map(Way::named)),
                _ => {}
            }
        }
        offers
    }
}

fn sender_refused(reply: &Reply, sender: &str) -> Failure {
    match (reply.code, reply.status()) {
        (530, _) => Failure::of(reply, Fault::Login, "wants a login"),
        (552, _) | (_, Some("5.3.4" | "4.3.4")) => Failure::of(reply, Fault::Body, "takes no mail so large"),
        (451 | 452 | 500 | 502 | 503, _) => Failure::of(reply, Fault::Server, "takes no mail"),
        _ => Failure::of(reply, Fault::Sender, format_args!("refuses the sender {sender}")),
    }
}

fn receiver_refused(reply: &Reply, receiver: &str) -> Failure {
    // Many servers name the sender only here, when they know everything (RFC 3463: X.1.7 and X.1.8).
    let of_sender = reply.status().is_some_and(|status| matches!(&status[1..], ".1.7" | ".1.8"));
    let text = reply.lines.join(" ").to_ascii_lowercase();
    match reply.code {
        530 => Failure::of(reply, Fault::Login, "wants a login"),
        500 | 502 | 503 => Failure::of(reply, Fault::Server, "takes no receiver"),
        _ if of_sender || text.contains("sender address rejected") => {
            Failure::of(reply, Fault::Sender, "refuses the sender")
        }
        _ => Failure::of(reply, Fault::Receiver, format_args!("refuses the receiver {receiver}")),
    }
}

fn body_refused(reply: &Reply) -> Failure {
    match reply.code {
        500 | 502 | 503 => Failure::of(reply, Fault::Server, "takes no mail"),
        530 => Failure::of(reply, Fault::Login, "wants a login"),
        _ => Failure::of(reply, Fault::Body, "refuses the mail"),
    }
}

#[cfg(test)]
mod tests;
