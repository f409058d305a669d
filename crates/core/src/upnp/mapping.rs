//! The mapping: what is to be mapped, whose an entry of the gateway is, and when the gateway is asked again.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use super::{Standing, Trouble, soap::Entry};
use crate::{backoff::Backoff, profile::wire::Mac};

/// How long a gateway keeps a mapping that nobody renews. A camera that is cut off its power leaves nothing behind for longer.
pub const LEASE: Duration = Duration::from_secs(3600);
/// How often the gateway is asked whether it still has the mapping: one that has started anew has not.
const LOOK: Duration = Duration::from_secs(45);
/// The first pause after a failure.
const FIRST: Duration = Duration::from_secs(5);
/// The longest while there is no gateway: one that comes back has the mapping within a minute.
const LONGEST: Duration = Duration::from_secs(45);
/// The longest while the gateway refuses or talks nonsense, which few take back.
const LONGEST_REFUSED: Duration = Duration::from_secs(300);

/// What is to be mapped: a port, to the same port of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// This machine's address.
    pub client: Ipv4Addr,
    /// The port.
    pub port: u16,
}

impl Wanted {
    /// Chooses among the addresses that the camera listens on for what is to be reached: the first that a gateway can send to.
    /// `own` is this machine's address towards the Internet.
    ///
    /// # Errors
    /// There is none.
    pub fn choose(listening: &[SocketAddr], own: Option<Ipv4Addr>) -> Result<Self, Trouble> {
        let mut trouble = if listening.is_empty() { Trouble::Plain } else { Trouble::Loopback };
        for address in listening {
            let client = match address.ip() {
                // A socket for all of IPv6 is one for all of IPv4 on Linux, too.
                any if any.is_unspecified() => own,
                IpAddr::V4(one) if !one.is_loopback() => Some(one),
                IpAddr::V4(_) | IpAddr::V6(_) => continue,
            };
            match client.filter(|client| !client.is_loopback()) {
                Some(client) => return Ok(Self { client, port: address.port() }),
                None => trouble = Trouble::NoAddress,
            }
        }
        Err(trouble)
    }
}

/// What a mapping is called in the gateway's list, so that the camera finds its own again and no other's.
pub fn name(id: Mac) -> String {
    format!("Lookout {id}")
}

/// How much of it is enough on an entry that leads to the camera, in bytes.
const SHORTEST: usize = 4;

/// Whose the entry of a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Nobody's, or the gateway does not say: it is to be asked for.
    Nobodys,
    /// Ours, as it is wanted.
    Ours,
    /// Ours, of a time when this machine had another address or the camera another port: it is to be removed.
    Past,
    /// Somebody has it lead where it is wanted, such as the gateway's owner: it is left to him.
    Given,
    /// Somebody else's.
    Others,
}

impl Whose {
    /// Judges the entry of the port, if the gateway told of one; `held`: whether we have mapped it there and not removed it
    /// since. `name` is [`name`].
    pub fn of(entry: Option<&Entry>, wanted: Wanted, name: &str, held: bool) -> Self {
        let Some(entry) = entry else { return Self::Nobodys };
        let leads_here = entry.client.parse() == Ok(wanted.client) && entry.port == wanted.port;
        // Some gateways shorten names. Of one that leads here it does not matter which camera's was shortened.
        let shortened = leads_here && entry.name.len() >= SHORTEST && name.starts_with(&entry.name);
        match (leads_here, entry.name == name || shortened, entry.on) {
            (true, false, true) if !held => Self::Given,
            // Gateways that have names of their own are believed while we hold it.
            (true, true | false, true) => Self::Ours,
            (true, true, false) => Self::Nobodys,
            (false, true, _) => Self::Past,
            (true, false, false) | (false, false, _) => Self::Others,
        }
    }
}

/// When the gateway is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    absent: Backoff,
    refused: Backoff,
    renewed: Option<Instant>,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { absent: Backoff::new(FIRST, LONGEST), refused: Backoff::new(FIRST, LONGEST_REFUSED), renewed: None }
    }
}

impl Rhythm {
    /// Says whether a mapping that is there is to be asked for anew: at half of its lease.
    pub fn is_due(&self, now: Instant) -> bool {
        self.renewed.is_none_or(|renewed| now.saturating_duration_since(renewed) >= LEASE / 2)
    }

    /// Notes that the mapping was given just now.
    pub fn renewed(&mut self, now: Instant) {
        self.renewed = Some(now);
    }

    /// Returns the pause behind an attempt; `random` as in [`Backoff::failed`].
    pub fn pause(&mut self, outcome: Result<(), Trouble>, random: u8) -> Duration {
        let Err(trouble) = outcome else {
            self.absent.went_well();
            self.refused.went_well();
            return LOOK;
        };
        self.renewed = None;
        match trouble.standing() {
            Standing::Off | Standing::Mapped | Standing::Local | Standing::Unreached => self.absent.failed(random),
            Standing::Nonsense | Standing::Refused => self.refused.failed(random),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 5);
    const WANTED: Wanted = Wanted { client: CLIENT, port: 8443 };

    fn choose(listening: &[&str], own: Option<Ipv4Addr>) -> Result<(String, u16), Trouble> {
        let listening: Vec<_> = listening.iter().map(|address| address.parse().unwrap()).collect();
        Wanted::choose(&listening, own).map(|wanted| (wanted.client.to_string(), wanted.port))
    }

    #[test]
    fn what_is_mapped_is_the_first_port_that_a_gateway_reaches() {
        let own = Some(CLIENT);
        let is = |address: &str, port| Ok((address.to_owned(), port));
        assert_eq!(choose(&["0.0.0.0:8443"], own), is("192.168.1.5", 8443));
        assert_eq!(choose(&["[::]:443"], own), is("192.168.1.5", 443));
        assert_eq!(choose(&["127.0.0.1:1", "[::1]:2", "[fd00::1]:3", "10.0.0.7:4"], own), is("10.0.0.7", 4));
        assert_eq!(choose(&["10.0.0.7:4"], None), is("10.0.0.7", 4));
    }

    #[test]
    fn what_no_gateway_reaches_is_not_mapped() {
        assert_eq!(choose(&[], Some(CLIENT)), Err(Trouble::Plain));
        assert_eq!(choose(&["127.0.0.1:8443", "[::1]:8443", "[fd00::1]:8443"], Some(CLIENT)), Err(Trouble::Loopback));
        assert_eq!(choose(&["0.0.0.0:8443"], None), Err(Trouble::NoAddress));
        assert_eq!(choose(&["0.0.0.0:8443"], Some(Ipv4Addr::LOCALHOST)), Err(Trouble::NoAddress));
    }

    fn whose(client: &str, port: u16, name: &str, on: bool, held: bool) -> Whose {
        let entry = Entry { client: client.into(), port, name: name.into(), on };
        Whose::of(Some(&entry), WANTED, "Lookout 1", held)
    }

    #[test]
    fn an_entry_is_ours_others_or_a_gift() {
        for (is, entry) in [
            (Whose::Ours, ("192.168.1.5", 8443, "Lookout 1", true, false)),
            (Whose::Ours, ("192.168.1.5", 8443, "Look", true, false)),
            (Whose::Ours, ("192.168.1.5", 8443, "UPnP", true, true)),
            (Whose::Given, ("192.168.1.5", 8443, "Loo", true, false)),
            (Whose::Given, ("192.168.1.5", 8443, "", true, false)),
            (Whose::Given, ("192.168.1.5", 8443, "Lookout 12", true, false)),
            (Whose::Others, ("192.168.1.4", 8443, "Look", true, false)),
            (Whose::Given, ("192.168.1.5", 8443, "by hand", true, false)),
            (Whose::Nobodys, ("192.168.1.5", 8443, "Lookout 1", false, true)),
            (Whose::Past, ("192.168.1.4", 8443, "Lookout 1", true, false)),
            (Whose::Past, ("192.168.1.5", 443, "Lookout 1", true, true)),
            (Whose::Others, ("192.168.1.4", 8443, "Lookout 2", true, true)),
            (Whose::Others, ("192.168.1.5", 443, "by hand", true, false)),
            (Whose::Others, ("router", 8443, "", true, false)),
        ] {
            let (client, port, name, on, held) = entry;
            assert_eq!(whose(client, port, name, on, held), is, "{entry:?}");
        }
        assert_eq!(Whose::of(None, WANTED, "Lookout 1", true), Whose::Nobodys);
    }

    #[test]
    fn an_entry_that_somebody_switched_off_on_our_port_is_his() {
        assert_eq!(whose("192.168.1.5", 8443, "by hand", false, false), Whose::Others);
    }

    #[test]
    fn two_cameras_have_names_of_their_own() {
        assert_eq!(name(Mac([0, 0x60, 0x6e, 0x8c, 2, 0xa1])), "Lookout 00606E8C02A1");
    }

    #[test]
    fn a_lease_is_renewed_at_its_half_and_looked_at_each_minute() {
        let (mut rhythm, begin) = (Rhythm::default(), Instant::now());
        assert!(rhythm.is_due(begin));
        rhythm.renewed(begin);
        assert!(!rhythm.is_due(begin + LEASE / 2 - S(1)));
        assert!(rhythm.is_due(begin + LEASE / 2));
        assert!(rhythm.pause(Ok(()), 0) <= S(60));
    }

    #[test]
    fn a_gateway_that_is_gone_is_looked_for_each_minute_and_one_that_refuses_each_five() {
        let mut rhythm = Rhythm::default();
        let mut pauses = |trouble| [(); 8].map(|()| rhythm.pause(Err(trouble), 0).as_secs());
        assert_eq!(pauses(Trouble::NoGateway), [5, 10, 20, 40, 45, 45, 45, 45]);
        assert_eq!(pauses(Trouble::Taken), [5, 10, 20, 40, 80, 160, 300, 300]);
        rhythm.renewed(Instant::now());
        assert!(rhythm.pause(Ok(()), 0) == LOOK && !rhythm.is_due(Instant::now()));
        assert_eq!(rhythm.pause(Err(Trouble::Unreached), 0), FIRST);
        assert!(rhythm.is_due(Instant::now()), "what was lost is asked for anew");
    }
}
