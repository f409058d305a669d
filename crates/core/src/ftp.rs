//! What an FTP server says, and what is made of it: ports in replies, and the codes of `test_ftp.cgi` (RFC 959, 2428;
//! PROFILE 4.3, Q57).

use std::fmt;

/// How far an upload had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The connection is made.
    Connect,
    /// The server says who it is.
    Greeting,
    /// The connection is encrypted (RFC 4217).
    Encrypt,
    /// `USER`.
    User,
    /// `PASS`.
    Password,
    /// `TYPE`, and what else is asked before and behind a transfer.
    Setup,
    /// `CWD`, and `MKD` if the folder is not there.
    Folder,
    /// `PASV` or `EPSV`, and connecting to the port that the server names.
    Passive,
    /// `PORT` or `EPRT`, and waiting for the server to connect.
    Active,
    /// `STOR`, the picture itself, and its name.
    Store,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody is there, or it refuses connections.
    Unreachable,
    /// The connection broke.
    Lost,
    /// Nothing came for too long.
    Late,
    /// What the server says is no reply, or not one to this.
    Garbage,
    /// Its certificate is not trusted, or it speaks no TLS that is.
    Untrusted,
    /// Less arrived than was sent.
    Short,
    /// The server said no, with this reply code.
    Refused(u16),
}

/// Why nothing was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How far it had come.
    pub step: Step,
    /// What went wrong.
    pub trouble: Trouble,
}

impl Failure {
    /// Returns why a transfer was refused; a server that gets no data connection says so only here.
    pub fn storing(active: bool, reply: u16) -> Self {
        let step = match (reply, active) {
            (425, true) => Step::Active,
            (425, false) => Step::Passive,
            _ => Step::Store,
        };
        Self { step, trouble: Trouble::Refused(reply) }
    }

    /// Says whether the connection is of no use any more; another one may be.
    pub fn is_loss(self) -> bool {
        match self.trouble {
            Trouble::Unreachable => self.step == Step::Connect,
            Trouble::Lost | Trouble::Late | Trouble::Garbage => true,
            Trouble::Refused(reply) => reply == 421,
            Trouble::Untrusted | Trouble::Short => false,
        }
    }

    /// Says whether the server refuses the file or its name for good (550, 553); it may take others.
    pub fn is_of_file(self) -> bool {
        self.step == Step::Store && matches!(self.trouble, Trouble::Refused(550 | 553))
    }

    /// Returns the `result` of `test_ftp.cgi` (PROFILE 4.3).
    pub fn code(self) -> i8 {
        match (self.step, self.trouble) {
            (Step::Connect, _) => -1,
            // A server that shuts down says so to whatever it is asked.
            (_, Trouble::Refused(421)) => -3,
            (Step::Passive, _) => -7,
            (Step::Active, _) => -8,
            (_, Trouble::Unreachable | Trouble::Lost | Trouble::Late) => -2,
            (Step::User, Trouble::Refused(reply)) if is_no(reply) => -4,
            (Step::Password, Trouble::Refused(reply)) if is_no(reply) => -5,
            (Step::Folder, Trouble::Refused(_)) => -6,
            (Step::Store, Trouble::Refused(_) | Trouble::Short) => -9,
            (_, Trouble::Garbage | Trouble::Untrusted | Trouble::Short | Trouble::Refused(_)) => -3,
        }
    }

    /// Says it in the journal's few words.
    pub fn words(self) -> &'static str {
        match self.code() {
            -1 => "cannot connect",
            -2 => "network error",
            -4 => "wrong user",
            -5 => "wrong password",
            -6 => "wrong directory",
            -7 => "PASV failed",
            -8 => "PORT failed",
            -9 => "STOR failed",
            _ => "server error",
        }
    }
}

/// A reply that means the login, not the server: final, or the one that RFC 4217 has for it.
fn is_no(reply: u16) -> bool {
    reply >= 500 || reply == 430
}

/// Finishes a sentence that begins with the server's name.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.step {
            Step::Connect | Step::Greeting => "the connection",
            Step::Encrypt => "encryption",
            Step::User => "the user",
            Step::Password => "the password",
            Step::Setup => "what comes before a file",
            Step::Folder => "the directory",
            Step::Passive => "a passive data connection",
            Step::Active => "an active data connection",
            Step::Store => "the file",
        };
        match self.trouble {
            Trouble::Unreachable => write!(f, "could not be reached for {what}"),
            Trouble::Lost => write!(f, "broke off at {what}"),
            Trouble::Late => write!(f, "did not answer in time at {what}"),
            Trouble::Garbage => write!(f, "answered nonsense at {what}"),
            Trouble::Untrusted => write!(f, "has no certificate that is trusted here, or no TLS that is"),
            Trouble::Short => write!(f, "has less of {what} than was sent"),
            Trouble::Refused(reply) => write!(f, "refused {what} ({reply})"),
        }
    }
}

/// Returns a reply's code; none if it has none.
pub fn code(reply: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(reply.get(..3)?).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Returns the port that a reply to `PASV` names: `227 … (h1,h2,h3,h4,p1,p2)`, the brackets optional. The address in it
/// is not looked at (RULES R10.2).
pub fn passive_port(reply: &str) -> Option<u16> {
    // Behind the code come the words, in which there may be single numbers, too.
    let words = reply.get(3..)?;
    let lists = words.split(|c: char| !c.is_ascii_digit() && c != ',');
    let numbers = |list: &str| list.split(',').map(str::parse).collect::<Result<Vec<u8>, _>>().ok();
    match lists.filter_map(numbers).find(|numbers| numbers.len() == 6)?[..] {
        [.., high, low] => Some(u16::from_be_bytes([high, low])).filter(|port| *port > 0),
        [] | [_] => None,
    }
}

/// Returns the port that a reply to `EPSV` names: `229 … (|||PORT|)`, whatever stands for `|`.
pub fn extended_port(reply: &str) -> Option<u16> {
    let (_, inner) = reply.rsplit_once('(')?;
    let (inner, _) = inner.split_once(')')?;
    let mark = inner.chars().next().filter(|mark| !mark.is_ascii_digit())?;
    let fields: Vec<_> = inner.split(mark).collect();
    let [_, _, _, port, ""] = fields[..] else { return None };
    port.parse().ok().filter(|port| *port > 0)
}

/// Returns the size that a reply to `SIZE` names: `213 N`.
pub fn size(reply: &str) -> Option<u64> {
    reply.get(3..)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Step; 10] = [
        Step::Connect,
        Step::Greeting,
        Step::Encrypt,
        Step::User,
        Step::Password,
        Step::Setup,
        Step::Folder,
        Step::Passive,
        Step::Active,
        Step::Store,
    ];

    fn codes(trouble: Trouble) -> [i8; 10] {
        ALL.map(|step| Failure { step, trouble }.code())
    }

    #[test]
    fn q57_each_step_has_its_code() {
        assert_eq!(codes(Trouble::Refused(550)), [-1, -3, -3, -4, -5, -3, -6, -7, -8, -9]);
        assert_eq!(codes(Trouble::Refused(530)), [-1, -3, -3, -4, -5, -3, -6, -7, -8, -9]);
        assert_eq!(codes(Trouble::Refused(430)), [-1, -3, -3, -4, -5, -3, -6, -7, -8, -9]);
        assert_eq!(codes(Trouble::Refused(452)), [-1, -3, -3, -3, -3, -3, -6, -7, -8, -9]);
        assert_eq!(codes(Trouble::Refused(421)), [-1, -3, -3, -3, -3, -3, -3, -3, -3, -3]);
        assert_eq!(codes(Trouble::Lost), [-1, -2, -2, -2, -2, -2, -2, -7, -8, -2]);
        assert_eq!(codes(Trouble::Late), codes(Trouble::Lost));
        assert_eq!(codes(Trouble::Unreachable), codes(Trouble::Lost));
        assert_eq!(codes(Trouble::Garbage), [-1, -3, -3, -3, -3, -3, -3, -7, -8, -3]);
        assert_eq!(codes(Trouble::Untrusted), codes(Trouble::Garbage));
        assert_eq!(codes(Trouble::Short), [-1, -3, -3, -3, -3, -3, -3, -7, -8, -9]);
    }

    #[test]
    fn no_data_connection_is_the_failure_of_its_kind_and_every_other_refusal_one_of_the_file() {
        let storing = |active, reply| Failure::storing(active, reply).code();
        assert_eq!([storing(true, 425), storing(false, 425)], [-8, -7]);
        assert_eq!(
            [storing(true, 426), storing(false, 552), storing(false, 550), storing(true, 421)],
            [-9, -9, -9, -3]
        );
    }

    #[test]
    fn a_connection_that_broke_is_given_up_and_one_that_said_no_is_not() {
        let loss = |step, trouble| Failure { step, trouble }.is_loss();
        assert!(loss(Step::Store, Trouble::Lost) && loss(Step::Setup, Trouble::Late));
        assert!(loss(Step::Setup, Trouble::Refused(421)) && loss(Step::Setup, Trouble::Garbage));
        assert!(!loss(Step::Store, Trouble::Refused(550)) && !loss(Step::Passive, Trouble::Unreachable));
        assert!(!loss(Step::Store, Trouble::Short));
    }

    #[test]
    fn the_port_of_a_passive_reply_is_found_in_whatever_words() {
        for (reply, port) in [
            ("227 Entering Passive Mode (127,0,0,1,4,1).\r\n", Some(1025)),
            ("227 Entering Passive Mode 10,0,0,9,255,255", Some(65535)),
            ("227 =192,168,1,1,0,21", Some(21)),
            ("227 Mode 2, now: (1,2,3,4,1,0)", Some(256)),
            ("227 (1,2,3,4,0,0)", None),
            ("227 (1,2,3,4,256,0)", None),
            ("227 (1,2,3,4,5)", None),
            ("227 (1,2,3,4,5,6,7)", None),
            ("227", None),
            ("", None),
            ("\u{e9}\u{e9}\u{e9}", None),
        ] {
            assert_eq!(passive_port(reply), port, "{reply}");
        }
    }

    #[test]
    fn the_port_of_an_extended_reply_is_found_between_any_marks() {
        for (reply, port) in [
            ("229 Entering Extended Passive Mode (|||6446|)\r\n", Some(6446)),
            ("229 (x) (!!!1!)", Some(1)),
            ("229 (|||0|)", None),
            ("229 (|||65536|)", None),
            ("229 (|1|2|6446|)", Some(6446)),
            ("229 (||6446|)", None),
            ("229 |||6446|", None),
            ("229 ()", None),
        ] {
            assert_eq!(extended_port(reply), port, "{reply}");
        }
    }

    #[test]
    fn codes_and_sizes_are_read() {
        assert_eq!(
            [code(b"331 go on"), code(b"53"), code(b"+30"), code(b"\xff\xff\xff")],
            [Some(331), None, None, None]
        );
        assert_eq!([size("213 123\r\n"), size("213 -1"), size("213"), size("2")], [Some(123), None, None, None]);
    }

    proptest! {
        #[test]
        fn no_reply_makes_it_panic(reply in any::<Vec<u8>>()) {
            let text = String::from_utf8_lossy(&reply);
            let _ = (code(&reply), passive_port(&text), extended_port(&text), size(&text));
        }

        #[test]
        fn every_failure_has_a_code_of_its_own_words(step in 0..ALL.len(), reply in any::<u16>()) {
            let failure = Failure { step: ALL[step], trouble: Trouble::Refused(reply) };
            prop_assert!((-9..=-1).contains(&failure.code()) && failure.words().len() < 40);
        }
    }
}
