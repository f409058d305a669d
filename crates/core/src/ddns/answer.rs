//! What a service answers: words of a line each, which are believed only if nothing else is there.

use std::net::IpAddr;

/// How many lines an answer may have: a name each, of which we send one.
const LINES: usize = 20;

/// What the protocol has no word for.
const OURS: [(&str, Verdict); 3] =
    [("elsewhere", Verdict::Elsewhere), ("unheard", Verdict::Unheard), ("other", Verdict::Other)];

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The name has the address now.
    Good,
    /// It had it already.
    NoChange,
    /// The service's own DNS has failed.
    DnsError,
    /// The user or the password is wrong.
    BadAuth,
    /// It is something for paying users.
    Donator,
    /// The name is not a whole one.
    NotFqdn,
    /// There is no such name.
    NoHost,
    /// The name is another user's.
    NotYours,
    /// There are too many names, or too few.
    NumHost,
    /// The name is blocked, for too many updates.
    Abuse,
    /// The service is out of order.
    Down,
    /// The service does not want this program, or does not know a parameter of it.
    Agent,
    /// The service has taken another address than the one that was sent.
    Elsewhere,
    /// The answer did not arrive, and whether the request did is not known.
    Unheard,
    /// Something that is no answer.
    Other,
}

/// What becomes of an account behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The name is kept.
    Well,
    /// It is tried again, later.
    Later,
    /// It is not tried again until somebody has done something about it.
    Stop,
}

impl Verdict {
    /// All that an answer can say, by the word that says it.
    const WORDS: [(&str, Self); 13] = [
        ("good", Self::Good),
        ("nochg", Self::NoChange),
        ("dnserr", Self::DnsError),
        ("badauth", Self::BadAuth),
        ("!donator", Self::Donator),
        ("notfqdn", Self::NotFqdn),
        ("nohost", Self::NoHost),
        ("!yours", Self::NotYours),
        ("numhost", Self::NumHost),
        ("abuse", Self::Abuse),
        ("911", Self::Down),
        ("badagent", Self::Agent),
        ("badsys", Self::Agent),
    ];

    /// Returns the verdict of a protocol's word, or of one of ours ([`Verdict::word`]).
    pub(super) fn of(word: &str) -> Option<Self> {
        let mut known = Self::WORDS.into_iter().chain(OURS);
        known.find(|(known, _)| *known == word).map(|(_, verdict)| verdict)
    }

    /// Returns its word: the protocol's, or ours where that has none.
    pub fn word(self) -> &'static str {
        let mut known = Self::WORDS.into_iter().chain(OURS);
        known.find(|(_, verdict)| *verdict == self).map_or("other", |(word, _)| word)
    }

    /// Returns how far its number is from that of success, in the profile's two tables of dyndns2.
    pub(super) fn step(self) -> u8 {
        match self {
            Self::Good | Self::NoChange => 0,
            Self::DnsError => 1,
            Self::BadAuth => 2,
            Self::Donator => 3,
            Self::NotFqdn => 4,
            Self::NoHost => 5,
            Self::NotYours => 6,
            Self::NumHost => 7,
            Self::Abuse => 8,
            Self::Down => 9,
            Self::Agent | Self::Elsewhere | Self::Unheard | Self::Other => 10,
        }
    }

    /// Says what becomes of the account. Dyn's policies forbid another update behind those that stop, and behind an address that
    /// is not the one that was sent.
    pub fn fate(self) -> Fate {
        match self {
            Self::Good | Self::NoChange => Fate::Well,
            Self::DnsError | Self::Down | Self::Unheard | Self::Other => Fate::Later,
            Self::BadAuth
            | Self::Donator
            | Self::NotFqdn
            | Self::NoHost
            | Self::NotYours
            | Self::NumHost
            | Self::Abuse
            | Self::Agent
            | Self::Elsewhere => Fate::Stop,
        }
    }

    /// Says it in the journal's few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Good | Self::NoChange => "updated",
            Self::DnsError => "the service's DNS failed",
            Self::BadAuth => "wrong user or password",
            Self::Donator => "only for paying users",
            Self::NotFqdn => "no whole host name",
            Self::NoHost => "no such host name",
            Self::NotYours => "host name of another user",
            Self::NumHost => "wrong number of host names",
            Self::Abuse => "host name blocked for abuse",
            Self::Down => "service out of order",
            Self::Agent => "refused as a client",
            Self::Elsewhere => "another address was taken",
            Self::Unheard => "no answer arrived",
            Self::Other => "no answer of the protocol",
        }
    }
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// The address that the name has now, if the answer says it.
    pub address: Option<IpAddr>,
}

impl Answer {
    /// A request that may have arrived, but no answer did. To send it again soon would be abuse, should it have changed something.
    pub const UNHEARD: Self = Self { verdict: Verdict::Unheard, address: None };
}

/// Reads an answer to a request that `sent` an address, or none. The HTTP status means nothing beside a word of the protocol (Dyn's
/// guidelines); without one, 401 is a wrong login, as some servers say it in HTML.
pub fn read(status: u16, body: &[u8], sent: Option<IpAddr>) -> Answer {
    let silent = Answer { verdict: if status == 401 { Verdict::BadAuth } else { Verdict::Other }, address: None };
    // A server that speaks no text answers something else.
    let Some(text) = std::str::from_utf8(body).ok().map(|text| text.trim_start_matches('\u{feff}')) else {
        return silent;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES + 1).collect();
    let answers: Option<Vec<Answer>> = lines.iter().map(|line| read_line(line, sent)).collect();
    match answers {
        // Several lines are of several names, and one that has failed is the news.
        Some(answers) if answers.len() <= LINES => {
            let bad = answers.iter().find(|answer| answer.verdict.fate() != Fate::Well);
            bad.or(answers.first()).copied().unwrap_or(silent)
        }
        Some(_) | None => silent,
    }
}

/// Reads a line; none if it is none of the protocol.
fn read_line(line: &str, sent: Option<IpAddr>) -> Option<Answer> {
    let mut words = line.split([' ', '\t', ',', ';']).filter(|word| !word.is_empty());
    let word = words.next()?.to_ascii_lowercase();
    let verdict = Verdict::WORDS.iter().find(|(known, _)| *known == word).map(|(_, verdict)| *verdict)?;
    let said: Vec<IpAddr> =
        words.filter_map(|word| word.parse().ok()).map(|said: IpAddr| said.to_canonical()).collect();
    let address = match sent.map(|sent| sent.to_canonical()) {
        Some(sent) if said.is_empty() || said.contains(&sent) => Some(sent),
        Some(_) if verdict.fate() == Fate::Well => {
            return Some(Answer { verdict: Verdict::Elsewhere, address: said.first().copied() });
        }
        Some(_) | None => said.first().copied(),
    };
    Some(Answer { verdict, address: address.filter(|_| verdict.fate() == Fate::Well) })
}
