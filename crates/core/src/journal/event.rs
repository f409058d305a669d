//! What may be told, in a fixed few words each; the one reason that comes from elsewhere is cut and cleaned by `line`.

use std::{fmt, time::Duration};

use crate::profile::commands::{Command, Op, Parcel, Run};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody came in.
    Access,
    /// Somebody was refused: a wrong login, too many of them, or too low a privilege.
    Denied,
    /// The camera started.
    PowerOn,
    /// A restart was asked for.
    Reboot,
    /// Settings were taken back from a backup.
    Restore,
    /// The camera went back to its factory state.
    Factory,
    /// Another version or another web UI was installed.
    Upgrade,
    /// A version that was installed is well and stays; which.
    Upgraded(String),
    /// A version that was installed was not well, and the one before it runs again; which failed.
    GivenUp(String),
    /// A package or backup was refused; why, in a few words, which are cut and cleaned.
    BadPackage(String),
    /// A `set_*.cgi` succeeded; the name of the CGI without `set_`.
    Set(&'static str),
    /// An MQTT broker changed settings; the name of their CGI without `set_`.
    SetByBroker(&'static str),
    /// Somebody had the host look for wireless networks.
    WifiScan,
    /// A manager was seen behind a change of the network, which stays.
    NetworkKept,
    /// No manager was seen behind a change of the network: the settings before it are in force again.
    NetworkBack,
    /// Settings were stored that nothing applies; the name of their CGI without `set_` (PROFILE 4.7).
    NotApplied(&'static str),
    /// What the camera does with another machine was tested.
    Tested(Peer),
    /// Somebody stood in for the alarm input.
    InputSet,
    /// A marked alarm was sent through the whole chain.
    Drill,
    /// Somebody wrote to a serial port.
    CommWrite,
    /// Something moved.
    Motion,
    /// The alarm input was triggered.
    Input,
    /// Something was heard.
    Sound,
    /// NTP set the clock, by so many seconds.
    ClockSet(i64),
    /// The service of dynamic DNS has the camera's address.
    DdnsUpdated,
    /// What the camera does with another machine failed; how, in a few words.
    Failed(Peer, &'static str),
}

/// With whom the camera works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is what it is called")]
pub enum Peer {
    Mail,
    Ftp,
    Ddns,
    Upnp,
    Ntp,
    /// The machine that the camera runs on: its network, its clock.
    Host,
    /// Who is called when an alarm begins.
    Http,
    Mqtt,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mail => "mail",
            Self::Ftp => "FTP",
            Self::Ddns => "DDNS",
            Self::Upnp => "UPnP",
            Self::Ntp => "NTP",
            Self::Host => "host",
            Self::Http => "HTTP call",
            Self::Mqtt => "MQTT",
        })
    }
}

/// The words of the profile where it has some (PROFILE 5.9), else ours (Q39).
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access => f.write_str("access"),
            Self::Denied => f.write_str("access denied"),
            Self::PowerOn => f.write_str("power on"),
            Self::Reboot => f.write_str("reboot"),
            Self::Restore => f.write_str("restore"),
            Self::Factory => f.write_str("restore factory"),
            Self::Upgrade => f.write_str("upgrade"),
            Self::Upgraded(version) => write!(f, "version {version} is well"),
            Self::GivenUp(version) => write!(f, "version {version} failed, back"),
            Self::BadPackage(why) => write!(f, "bad package: {why}"),
            Self::Set(cgi) => write!(f, "set {cgi}"),
            Self::SetByBroker(cgi) => write!(f, "set {cgi} by MQTT"),
            Self::WifiScan => f.write_str("wifi scan"),
            Self::NetworkKept => f.write_str("network settings kept"),
            Self::NetworkBack => f.write_str("network settings taken back"),
            Self::NotApplied(cgi) => write!(f, "{cgi} stored, not applied"),
            Self::Tested(peer) => write!(f, "{peer} test"),
            Self::InputSet => f.write_str("input set"),
            Self::Drill => f.write_str("drill"),
            Self::CommWrite => f.write_str("comm write"),
            Self::Motion => f.write_str("motion detect"),
            Self::Input => f.write_str("input alarm"),
            Self::Sound => f.write_str("sound alarm"),
            Self::ClockSet(by) => write!(f, "clock set by NTP ({by:+} s)"),
            Self::DdnsUpdated => f.write_str("DDNS updated"),
            Self::Failed(peer, how) => write!(f, "{peer} failed: {how}"),
        }
    }
}

impl Event {
    /// Returns what a row tells of a request that succeeded; none where it only shows or moves something.
    pub fn of(command: &'static Command) -> Option<Self> {
        match command.run {
            Run::Do(Op::Reboot) => Some(Self::Reboot),
            Run::Do(Op::RestoreFactory) => Some(Self::Factory),
            Run::Do(Op::BuiltInPages) | Run::Take(Parcel::Pages | Parcel::Firmware) => Some(Self::Upgrade),
            Run::Do(Op::TestMail) => Some(Self::Tested(Peer::Mail)),
            Run::Do(Op::TestFtp) => Some(Self::Tested(Peer::Ftp)),
            Run::Do(Op::Input) => Some(Self::InputSet),
            Run::Do(Op::Drill) => Some(Self::Drill),
            Run::Do(Op::WifiScan) => Some(Self::WifiScan),
            Run::Do(Op::CommWrite) => Some(Self::CommWrite),
            Run::Take(Parcel::Params) => Some(Self::Restore),
            Run::Set(_) | Run::Do(_) | Run::List(_) => {
                command.paths[0].strip_prefix("/set_")?.strip_suffix(".cgi").map(Self::Set)
            }
        }
    }

    /// Says whether it is an alarm, which is worth a write of its own.
    pub const fn is_alarm(&self) -> bool {
        matches!(self, Self::Motion | Self::Input | Self::Sound)
    }

    /// Returns whose allowance it uses.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Access => Kind::Access,
            Self::Denied => Kind::Denied,
            Self::PowerOn
            | Self::Reboot
            | Self::Restore
            | Self::Factory
            | Self::Upgrade
            | Self::Upgraded(_)
            | Self::GivenUp(_)
            | Self::BadPackage(_)
            | Self::NetworkKept
            | Self::NetworkBack
            | Self::Drill => Kind::Camera,
            Self::Set(_) | Self::SetByBroker(_) | Self::NotApplied(_) | Self::WifiScan => Kind::Set,
            Self::Motion | Self::Input | Self::Sound => Kind::Alarm,
            Self::InputSet => Kind::InputSet,
            Self::CommWrite => Kind::CommWrite,
            Self::ClockSet(_) => Kind::Peer(Peer::Ntp),
            Self::DdnsUpdated => Kind::Peer(Peer::Ddns),
            Self::Tested(peer) | Self::Failed(peer, _) => Kind::Peer(*peer),
        }
    }
}

/// Events that share an allowance: a storm of one kind leaves the others alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Access,
    Denied,
    Camera,
    Set,
    Alarm,
    InputSet,
    CommWrite,
    Peer(Peer),
}

impl Kind {
    /// How many entries may come at once, and after how long there may be one more.
    pub const fn allowance(self) -> (u32, Duration) {
        match self {
            // Told once a minute for each user and address as it is: this is for crowds of them.
            Self::Access => (10, Duration::from_secs(6)),
            // Whoever sets a camera up uses every `set_*.cgi` within a minute.
            Self::Set => (20, Duration::from_secs(60)),
            // With the counts of what was left out, ten lines in any minute (RULES F19); an alarm lasts a minute.
            Self::Alarm => (7, Duration::from_secs(60)),
            // A program may stand in for the input at any rate, and must not push the alarm out that it begins; nor what
            // a program writes to a serial port.
            Self::InputSet | Self::CommWrite => (3, Duration::from_secs(60)),
            Self::Denied | Self::Camera | Self::Peer(_) => (7, Duration::from_secs(300)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access => f.write_str("access"),
            Self::Denied => f.write_str("access denied"),
            Self::Camera => f.write_str("camera"),
            Self::Set => f.write_str("set"),
            Self::Alarm => f.write_str("alarm"),
            Self::InputSet => f.write_str("input set"),
            Self::CommWrite => f.write_str("comm write"),
            Self::Peer(peer) => write!(f, "{peer}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::commands::{BESIDE, Guard, PROFILE};

    #[test]
    fn whatever_changes_something_is_told_and_nothing_else_is() {
        for command in PROFILE.iter().chain(BESIDE) {
            assert_eq!(Event::of(command).is_some(), command.guard == Guard::Change, "{}", command.paths[0]);
        }
    }
}
