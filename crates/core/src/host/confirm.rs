//! Commit-confirm: a change of the network comes back unless a manager is seen behind it (PROFILE 5.13, RULES R14.3).
//!
//! ```text
//!                changed                  1 s later, tried            a manager is seen
//!   settled ───────────────▶ answered ───────────────────▶ unconfirmed ─────────────────▶ settled
//!      ▲                        ▲                            │      │
//!      │                        └───── changed again ────────┘      │ nobody in time, or it cannot be
//!      └────────────── the settings are put back ◀── back ◀─────────┘
//! ```
//! Beside that runs what the host is to be told: at the start, after a change, on the way back, again after a pause whenever it
//! failed. And what must be on the disk: what was last confirmed, so that a start after a crash knows it ([`Confirm::new`]).
//!
//! Bargains:
//! - What comes back in the end is what was last *confirmed*, however many changes nobody confirmed lie between.
//! - A manager counts who came in once the host had done it, and not before: until then he may come by the old way. When his
//!   request is answered says nothing of that.
//! - A change that the host could not be told of within the time comes back as well: what the settings show is what is.
//! - A start begins the time anew: a camera may be carried elsewhere, without power, between a change and its confirmation.

use std::time::{Duration, Instant};

use super::chosen::Chosen;
use crate::{backoff::Backoff, profile::settings::Settings};

/// How long after an answer its change is applied, so that the answer is out.
pub const AFTER: Duration = Duration::from_secs(1);
/// How long after the host has done it somebody may still have come in by the old way.
pub const SETTLING: Duration = Duration::from_secs(3);
/// The shortest time in which a manager can find another way and be seen on it.
const SHORTEST: Duration = Duration::from_secs(10);
/// The pause before a disk that refused is tried again.
const DISK: Duration = Duration::from_secs(10);
/// The pauses before a host that failed is told again.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(30));

/// What of a change takes effect on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The host's network, by a backend.
    pub host: bool,
    /// The camera's port.
    pub port: bool,
}

/// What the disk has of what was last confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// Nothing: this is the first start.
    Nothing,
    /// Something that cannot be read.
    Damaged,
    /// This.
    Kept(Box<Chosen>),
}

/// Why a change is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Nobody was seen behind it.
    Nobody,
    /// The host could not be told in time.
    Late,
    /// It cannot be.
    Impossible,
}

/// What came of telling the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does as it was told.
    Done,
    /// Not now.
    Failed,
    /// Never: what is wanted makes no sense, or somebody else has the port.
    Impossible,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Put the settings back that were [kept](Confirm::kept); then [`Confirm::put_back`].
    Back,
    /// Write down what was [kept](Confirm::kept); then [`Confirm::written`].
    Write,
    /// Tell the host the [target](Confirm::target); then [`Confirm::tried`].
    Tell,
    /// Nothing before then, if nothing happens.
    Wait(Option<Instant>),
}

/// Where a change of the network is.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// How long a manager is waited for; none: nobody is.
    window: Option<Duration>,
    reach: Reach,
    /// What was last confirmed.
    kept: Chosen,
    /// What the settings say.
    wanted: Chosen,
    phase: Phase,
    /// Whether the change was made before this start.
    inherited: bool,
    because: Because,
    /// When the host is told next; none: it has been.
    tell: Option<Instant>,
    /// When it last did as it was told.
    done: Instant,
    pauses: Backoff,
    /// When what was kept is written next; none: it is on the disk.
    write: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Settled,
    Answered,
    Unconfirmed { until: Instant },
    Back { at: Instant },
}

impl Confirm {
    /// Begins at a start of the camera: with what the disk has as confirmed, and the settings. Where they differ, a change was
    /// not confirmed before the camera ended, and is tried anew.
    ///
    /// The disk has nothing at the first start with this machine's state folder: then what the settings say is what is
    /// confirmed, and the host is not told of it. A backup that was restored, or settings of a time without a backend, are no
    /// reason to change an operator's network.
    ///
    /// Where it has something that cannot be read, the settings are taken for confirmed, and the host is told of them if they
    /// are not the factory's: a network that is in force is not torn down because of a broken file.
    pub fn new(on_disk: OnDisk, settings: &Settings, reach: Reach, window: Duration, now: Instant) -> Self {
        let wanted = Chosen::of(settings, settings.id, settings.mac_set);
        let known_before = if let OnDisk::Kept(kept) = &on_disk { Some((**kept).clone()) } else { None };
        // An id that a manager set is the one thing that a factory reset leaves (PROFILE 7.2): it is told, if it is confirmed.
        let mut kept = match on_disk {
            OnDisk::Kept(kept) => *kept,
            OnDisk::Nothing => Chosen { mac_set: false, ..wanted.clone() },
            OnDisk::Damaged => {
                let untouched = Chosen::of(&Settings::factory(), wanted.id, false);
                Chosen { told: reach.host && !wanted.same_host(&untouched), ..wanted.clone() }
            }
        };
        // The port that the machine's configuration names is its operator's, who needs no confirmation (ADR 0036).
        let (own, known) = (&wanted.network, &kept.network);
        if own.port_configured != known.port_configured || own.port.get() == own.port_configured.get() {
            (kept.network.port, kept.network.port_configured) = (own.port, own.port_configured);
        }
        let write = (known_before.as_ref() != Some(&kept)).then_some(now);
        let window = Some(window).filter(|window| !window.is_zero());
        let (phase, pauses) = (Phase::Settled, PAUSES);
        let (inherited, because) = (true, Because::Nobody);
        let wanted_before = kept.clone();
        let mut confirm = Self {
            window,
            reach,
            wanted: wanted_before,
            kept,
            phase,
            inherited,
            because,
            tell: None,
            done: now,
            pauses,
            write,
        };
        confirm.take(wanted, now);
        // What a host was told it keeps; but nobody knows what became of that meanwhile.
        confirm.tell = (reach.host || reach.port).then_some(now);
        confirm
    }

    /// Returns what was last confirmed.
    pub fn kept(&self) -> &Chosen {
        &self.kept
    }

    /// Returns what the settings say, as far as the machine has heard.
    pub fn wanted(&self) -> &Chosen {
        &self.wanted
    }

    /// Returns what the host is to be told.
    pub fn target(&self) -> &Chosen {
        match self.phase {
            Phase::Back { .. } => &self.kept,
            Phase::Settled | Phase::Answered | Phase::Unconfirmed { .. } => &self.wanted,
        }
    }

    /// Says whether the target is a change that nobody has confirmed.
    pub fn tries(&self) -> bool {
        match self.phase {
            Phase::Answered | Phase::Unconfirmed { .. } => true,
            Phase::Settled | Phase::Back { .. } => false,
        }
    }

    /// Returns why the last change that was taken back was.
    pub fn because(&self) -> Because {
        self.because
    }

    /// Says whether a manager who is seen now confirms something.
    pub fn waits_for_a_manager(&self) -> bool {
        matches!(self.phase, Phase::Unconfirmed { .. }) && self.tell.is_none()
    }

    /// Returns until when a manager is waited for, if one is.
    pub fn until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Unconfirmed { until } => Some(until),
            Phase::Settled | Phase::Answered | Phase::Back { .. } => None,
        }
    }

    /// Says whether a manager confirms something whose connection was accepted at this moment: not one who was let in before the
    /// change was in force, though he asks, or is answered, behind it. A port that was moved is another at once.
    pub fn is_behind(&self, accepted: Instant) -> bool {
        let settling = if self.moves_the_port_alone() { Duration::ZERO } else { SETTLING };
        self.waits_for_a_manager() && self.done + settling <= accepted
    }

    /// Says whether nothing but the port was changed, of what takes effect.
    pub fn moves_the_port_alone(&self) -> bool {
        !self.reach.host || self.kept.same_host(&self.wanted)
    }

    /// Takes what the settings say now. A new id waits for the next start.
    pub fn changed(&mut self, settings: &Settings, now: Instant) {
        let before = self.wanted.clone();
        self.take(Chosen::of(settings, self.wanted.id, self.wanted.mac_set), now);
        self.inherited &= self.wanted == before;
    }

    /// Takes what is wanted; whether the host is told of it is for the machine to say.
    fn take(&mut self, wanted: Chosen, now: Instant) {
        let told = self.reach.host && (self.kept.told || !wanted.same_host(&self.kept));
        let wanted = Chosen { told, ..wanted };
        if wanted == self.wanted {
            return;
        }
        let differs = self.differ(&wanted, &self.kept);
        let tried = self.differ(&wanted, &self.wanted) || self.phase != Phase::Settled;
        self.wanted = wanted;
        if !differs {
            self.keep(now);
        }
        if tried {
            self.phase = if differs { Phase::Answered } else { Phase::Settled };
            (self.pauses, self.tell) = (PAUSES, Some(now + AFTER));
        }
    }

    /// Says whether something that takes effect differs.
    fn differ(&self, one: &Chosen, other: &Chosen) -> bool {
        (self.reach.host && !(one.same_host(other) && one.told == other.told))
            || (self.reach.port && one.network.port != other.network.port)
    }

    /// Says what is to be done.
    pub fn next(&mut self, now: Instant) -> Next {
        if let Phase::Unconfirmed { until } = self.phase
            && until <= now
        {
            self.go_back(if self.tell.is_some() { Because::Late } else { Because::Nobody }, now);
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let (back, until) = match self.phase {
            Phase::Back { at } => (Some(at), None),
            Phase::Unconfirmed { until } => (None, Some(until)),
            Phase::Settled | Phase::Answered => (None, None),
        };
        if due(back) {
            Next::Back
        } else if due(self.write) {
            Next::Write
        } else if due(self.tell) {
            Next::Tell
        } else {
            Next::Wait([back, until, self.write, self.tell].into_iter().flatten().min())
        }
    }

    /// Notes what came of telling the host the [target](Self::target). `chance` is that of [`Backoff::failed`].
    ///
    /// What cannot be is given up at once, unless it was set before this start: a card may come up later than the camera, and the
    /// time takes it back anyway.
    pub fn tried(&mut self, outcome: Outcome, now: Instant, chance: u8) {
        let given_up = outcome == Outcome::Impossible && !self.inherited;
        if outcome == Outcome::Done {
            (self.tell, self.done) = (None, now);
        } else {
            self.tell = Some(now + self.pauses.failed(chance));
        }
        let alone = self.moves_the_port_alone();
        let window = self.window.map(|window| if alone { window } else { window.max(SHORTEST) });
        match (self.phase, window) {
            (Phase::Answered | Phase::Unconfirmed { .. }, _) if given_up => self.go_back(Because::Impossible, now),
            (Phase::Answered | Phase::Unconfirmed { .. }, None) if outcome == Outcome::Done => {
                self.phase = Phase::Settled;
                self.keep(now);
            }
            (Phase::Answered, Some(window)) => self.phase = Phase::Unconfirmed { until: now + window },
            // A host that was told at last: the manager has all the time to come by the new way.
            (Phase::Unconfirmed { .. }, Some(window)) if outcome == Outcome::Done => {
                self.phase = Phase::Unconfirmed { until: now + window };
            }
            (Phase::Settled | Phase::Answered | Phase::Unconfirmed { .. } | Phase::Back { .. }, _) => {}
        }
    }

    /// Notes that a manager was seen; says whether that confirms a change.
    pub fn seen(&mut self, now: Instant) -> bool {
        let confirms = self.waits_for_a_manager();
        if confirms {
            self.phase = Phase::Settled;
            self.keep(now);
        }
        confirms
    }

    /// Notes that what was kept is on the disk, or that the disk refused.
    pub fn written(&mut self, done: bool, now: Instant) {
        self.write = if done { None } else { Some(now + DISK) };
    }

    /// Notes that the settings were put back, and what they are now, or that the disk refused.
    pub fn put_back(&mut self, settings: Option<&Settings>, now: Instant) {
        let Some(settings) = settings else {
            self.phase = Phase::Back { at: now + DISK };
            return;
        };
        self.phase = Phase::Settled;
        self.wanted = self.kept.clone();
        // Somebody may have set something new before.
        self.changed(settings, now);
    }

    fn go_back(&mut self, because: Because, now: Instant) {
        self.because = because;
        self.phase = Phase::Back { at: now };
        (self.pauses, self.tell) = (PAUSES, Some(now));
    }

    fn keep(&mut self, now: Instant) {
        let (told, mac_set) = if self.reach.host {
            (self.wanted.told, self.wanted.mac_set)
        } else {
            // What is set without a backend is set and no more: should there be one some day, it is not told of that.
            (self.kept.told && self.wanted.same_host(&self.kept), self.kept.mac_set)
        };
        let kept = Chosen { told, mac_set, ..self.wanted.clone() };
        if kept != self.kept {
            self.kept = kept;
            self.write = Some(now);
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
mod tests;
