//! When a service is asked, and with which address.
//!
//! ```text
//!            new settings, restart_dyndns=1, another address, 28 days
//!   resting ──────────────────────────────────────────────────────────▶ asking
//!      ▲                                                                  │
//!      ├── good, nochg: until one of those, 10 min at least ──────────────┤
//!      ├── no connection: 1 min, 2 min … 1 h, or a new address ───────────┤
//!      ├── 911, dnserr, rubbish, nothing: 30 min, 1 h … 4 h, whoever rings┤
//!      └── anything else: until new settings or restart_dyndns=1 ─────────┘
//! ```
//! The steady clock counts, and the host's only for what happened before a restart, which is judged again as that clock may be
//! set meanwhile; what it says of the future, or of ages ago, makes one update too many or too late at worst.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{Account, Answer, Fate, Kept, Verdict};
use crate::backoff::{Backoff, jitter};

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Names that are not updated for a month are taken away: PROFILE 4.5.
const REFRESH: Duration = minutes(28 * 24 * 60);
/// How long a name that was updated is left alone, if its address changes.
const SETTLED: Duration = minutes(10);
/// How long one that is good is left alone whoever rings: what changes nothing counts as abuse.
const FORCED: Duration = minutes(60);
/// How long whoever rings has to wait at least.
const GAP: Duration = minutes(1);
/// How long an address is waited for before a service is left to see it by itself.
const PATIENCE: Duration = minutes(2);
/// What lies in the future of a clock that had so long to be set was written by one that was wrong.
const SET: Duration = minutes(24 * 60);
/// The shortest pause behind a service that is out of order is half an hour, of which chance has taken its eighth.
const OUTAGE: Backoff = Backoff::new(minutes(35), minutes(240));
const AWAY: Backoff = Backoff::new(minutes(1), minutes(60));

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Answered(Answer),
    /// There was no connection, so that nothing was asked.
    Unreachable,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The service is to be asked now, for this address or, if there is none, for that which it sees.
    Ask(Option<IpAddr>),
    /// Nothing before then.
    At(Instant),
    /// Nothing until something changes.
    Never,
}

/// How things stand with the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Nothing has been asked yet.
    New,
    Asking,
    Unreachable,
    Answered(Verdict),
}

/// Keeps a name at the camera's address.
#[derive(Clone, Debug)]
pub struct Keeper {
    account: Option<Account>,
    /// What is known of the account's name, or of another's.
    kept: Option<Kept>,
    /// Whether that is of before the start.
    inherited: bool,
    begin: Instant,
    seen: Option<IpAddr>,
    /// The last address that was seen, also where none is any more.
    line: Option<IpAddr>,
    stand: Stand,
    /// Whether no account has been seen yet.
    begins: bool,
    /// Somebody rang; when that is done, if nothing else comes before.
    rung: Option<Instant>,
    /// A good name is left alone until then, whoever rings.
    quiet: Instant,
    /// Since when an address is waited for.
    since: Instant,
    /// When the name is due without a reason.
    refresh: Instant,
    /// Nothing is asked before.
    soonest: Instant,
    /// When something was asked last.
    asked: Option<Instant>,
    /// Until when each company whose service is out of order is left alone, by [`Service::company`](super::Service::company).
    outage: [Option<Instant>; 3],
    away: Backoff,
    outages: Backoff,
}

impl Keeper {
    /// Makes one without an account, which remembers what was kept.
    pub fn new(kept: Option<Kept>, now: Instant) -> Self {
        Self {
            account: None,
            inherited: kept.is_some(),
            kept,
            begin: now,
            seen: None,
            line: None,
            stand: Stand::New,
            begins: true,
            rung: None,
            quiet: now,
            since: now,
            refresh: now,
            soonest: now,
            asked: None,
            outage: [None; 3],
            away: AWAY,
            outages: OUTAGE,
        }
    }

    /// Takes new settings, when the host's clock says `clock_s` seconds since 1970.
    pub fn configure(&mut self, account: Option<Account>, now: Instant, clock_s: u64) {
        let old = std::mem::replace(&mut self.account, account);
        let Some(account) = &self.account else {
            self.stand = Stand::New;
            return;
        };
        let mark = account.mark();
        if old.as_ref().is_some_and(|old| old.mark() == mark) {
            // Another way to the same place. What was refused may have been refused by who stood in that way.
            if self.fate() != Some(Fate::Well) {
                (self.stand, self.soonest) = (Stand::New, self.soonest.min(self.after_asking(GAP, now)));
            }
            self.hold();
            return;
        }
        let begins = std::mem::take(&mut self.begins);
        (self.stand, self.rung, self.since, self.refresh) = (Stand::New, None, now, now);
        (self.away, self.outages) = (AWAY, OUTAGE);
        self.soonest = self.after_asking(GAP, now);
        if let Some(kept) = self.kept.as_ref().filter(|kept| kept.mark == mark) {
            // What lies in the future, or ages ago, is a clock that was set: no more than a moment or a month.
            let ago = Duration::from_secs(clock_s.saturating_sub(kept.at_s)).min(REFRESH);
            // Settings that are set again are new ones; those that a restart finds are not.
            if begins || kept.verdict.fate() == Fate::Well {
                self.stand = Stand::Answered(kept.verdict);
            }
            match kept.verdict.fate() {
                Fate::Well => {
                    self.refresh = now + (REFRESH - ago);
                    self.soonest = self.soonest.max(now + SETTLED.saturating_sub(ago));
                    self.quiet = self.quiet.max(now + FORCED.saturating_sub(ago));
                }
                Fate::Later if begins => {
                    self.outage[account.service.company()] = Some(now + minutes(30).saturating_sub(ago));
                }
                // What happened in this run is known by the steady clock.
                Fate::Later | Fate::Stop => {}
            }
        } else if let Some(verdict) = account.refused() {
            self.stand = Stand::Answered(verdict);
        }
        self.hold();
    }

    /// Notes that somebody wants it tried again now.
    pub fn again(&mut self, now: Instant) {
        let Some(account) = &self.account else { return };
        if account.refused().is_some() {
            return;
        }
        let gap = self.after_asking(GAP, now);
        // A moved address does not wait for it.
        self.rung = Some(if self.fate() == Some(Fate::Well) { gap.max(self.quiet) } else { gap });
        self.hold();
    }

    /// Judges what happened before the start again, by the host's clock as it is now: many a host has none that is right before
    /// it has asked a time server.
    pub fn judge(&mut self, now: Instant, clock_s: u64) {
        let Some(kept) = self.kept.as_ref().filter(|_| self.inherited && self.fate() == Some(Fate::Well)) else {
            return;
        };
        let ago = match clock_s.checked_sub(kept.at_s) {
            Some(ago_s) => Duration::from_secs(ago_s).min(REFRESH),
            None if now.saturating_duration_since(self.begin) >= SET => REFRESH,
            None => return,
        };
        self.refresh = self.refresh.min(now + (REFRESH - ago));
    }

    /// Takes the public address as it is known now.
    pub fn see(&mut self, address: Option<IpAddr>, now: Instant) {
        self.seen = address.map(|address| address.to_canonical());
        let moved = self.seen.is_some() && self.seen != self.line;
        self.line = self.seen.or(self.line);
        if moved && self.stand == Stand::Unreachable {
            // Another address is another line, which may lead there.
            self.soonest = self.soonest.min(self.after_asking(GAP, now));
        }
    }

    /// Says what is to be done.
    pub fn next(&self, now: Instant) -> Next {
        let Some(account) = self.account.as_ref().filter(|account| account.refused().is_none()) else {
            return Next::Never;
        };
        let moved = self.seen.is_some() && self.seen != self.kept.as_ref().and_then(Kept::address);
        let due = match self.fate() {
            Some(Fate::Stop) => None,
            Some(Fate::Well) if !moved => Some(self.soonest.max(self.refresh)),
            Some(Fate::Well | Fate::Later) | None => Some(self.soonest),
        };
        let Some(due) = due.into_iter().chain(self.rung).min() else { return Next::Never };
        let due = match (self.seen, &account.proxy) {
            (Some(_), _) => due,
            (None, None) => due.max(self.since + PATIENCE),
            // The service would see the proxy's address.
            (None, Some(_)) => return Next::Never,
        };
        if due <= now { Next::Ask(self.seen) } else { Next::At(due) }
    }

    /// Notes that the service is being asked.
    pub fn asking(&mut self, now: Instant) {
        (self.stand, self.asked, self.rung) = (Stand::Asking, Some(now), None);
    }

    /// Takes what came of it, when the host's clock says `clock_s`; `random` makes pauses up to an eighth shorter. Returns what is
    /// to be kept from now on, if that is news.
    pub fn done(&mut self, outcome: Outcome, now: Instant, clock_s: u64, random: u8) -> Option<&Kept> {
        let account = self.account.as_ref()?;
        let answer = match outcome {
            Outcome::Unreachable => {
                self.stand = Stand::Unreachable;
                self.soonest = now + self.away.failed(random);
                return None;
            }
            Outcome::Answered(answer) => answer,
        };
        self.stand = Stand::Answered(answer.verdict);
        self.away.went_well();
        match answer.verdict.fate() {
            Fate::Well => {
                self.outages.went_well();
                (self.soonest, self.refresh) = (now + SETTLED, now + jitter(REFRESH, random / 16));
                // Who rang meanwhile has it.
                (self.quiet, self.rung) = (now + FORCED, None);
            }
            Fate::Later => {
                self.soonest = now + self.outages.failed(random);
                self.outage[account.service.company()] = Some(self.soonest);
                self.rung = None;
            }
            Fate::Stop => self.soonest = now + GAP,
        }
        self.inherited = false;
        self.kept =
            Some(Kept { mark: account.mark(), at_s: clock_s, verdict: answer.verdict, address: answer.address });
        self.kept.as_ref()
    }

    /// Returns the account.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Returns `ddns_status`.
    pub fn status(&self) -> u8 {
        match (&self.account, self.stand) {
            (None, _) | (Some(_), Stand::New) => 0,
            (Some(_), Stand::Asking) => 1,
            (Some(_), Stand::Unreachable) => 2,
            (Some(account), Stand::Answered(verdict)) => account.service.number(verdict),
        }
    }

    /// Returns what became of the account; none while that is not known.
    fn fate(&self) -> Option<Fate> {
        match self.stand {
            Stand::Answered(verdict) => Some(verdict.fate()),
            Stand::New | Stand::Asking | Stand::Unreachable => None,
        }
    }

    fn after_asking(&self, gap: Duration, now: Instant) -> Instant {
        self.asked.map_or(now, |asked| (asked + gap).max(now))
    }

    /// Leaves a company alone whose service is out of order, for names of whichever kind.
    fn hold(&mut self) {
        let company = self.account.as_ref().map(|account| account.service.company());
        if let Some(until) = company.and_then(|company| self.outage[company]) {
            self.soonest = self.soonest.max(until);
            self.rung = self.rung.map(|rung| rung.max(until));
        }
    }
}
