//! What managers chose of the network: the settings that are applied to the host together, confirmed together and taken
//! back together (PROFILE 5.13), and how they are kept.

use super::{
    Abilities, Wanted,
    plan::{Refused, fits, plan},
};
use crate::profile::{
    commands::Group,
    params::Param,
    settings::{Network, Pppoe, Settings, Wifi},
    stored::{self, Unusable},
    wire::Mac,
};

/// The settings of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Of the cable, and the port.
    pub network: Network,
    /// Of the wireless network.
    pub wifi: Wifi,
    /// Of the line.
    pub pppoe: Pppoe,
    /// Device id.
    pub id: Mac,
    /// Whether a manager set it, for the card of the cable.
    pub mac_set: bool,
    /// Whether the host is told of all that; else its network is as its operator left it.
    pub told: bool,
}

/// The name under which a file says whether the host is told; no setting has it.
const TOLD: &str = "host_told";

impl Chosen {
    /// Takes them out of the settings; the id and whether it was set are those in force, as new ones wait for a start.
    pub fn of(settings: &Settings, id: Mac, mac_set: bool) -> Self {
        let Settings { network, wifi, pppoe, .. } = settings.clone();
        Self { network, wifi, pppoe, id, mac_set, told: false }
    }

    /// Puts them into settings in which `old` is, and leaves an id alone that was set since.
    pub fn put(&self, old: &Self, settings: &mut Settings) {
        let Self { network, wifi, pppoe, .. } = self.clone();
        (settings.network, settings.wifi, settings.pppoe) = (network, wifi, pppoe);
        if (settings.id, settings.mac_set) == (old.id, old.mac_set) {
            (settings.id, settings.mac_set) = (self.id, self.mac_set);
        }
    }

    /// Says whether a host is told the same by both: the port is the camera's own.
    pub fn same_host(&self, other: &Self) -> bool {
        let host = |chosen: &Self| {
            let mut network = chosen.network.clone();
            let Network { port, port_configured, .. } = Network::default();
            (network.port, network.port_configured) = (port, port_configured);
            (network, chosen.wifi.clone(), chosen.pppoe.clone(), chosen.id, chosen.mac_set)
        };
        host(self) == host(other)
    }

    /// Says what the host is to be told; nothing, if its network is its operator's.
    ///
    /// # Errors
    /// They describe no network.
    pub fn wanted(&self) -> Result<Option<Wanted>, Refused> {
        let mac = self.mac_set.then_some(self.id);
        if self.told { plan(&self.network, &self.wifi, &self.pppoe, mac).map(Some) } else { Ok(None) }
    }

    /// Says what the host is to be told where `kept` is what was last confirmed. What cannot be, and was the same then, is left
    /// out, and instead of an address that no host can have one is asked for: it was stored where nothing applies it, and must
    /// not take back whatever is set beside it, or two such could never be mended.
    ///
    /// # Errors
    /// What was changed describes no network.
    pub fn wanted_beside(&self, kept: &Self, able: Option<&Abilities>) -> Result<Option<Wanted>, Refused> {
        let Self { network, wifi, pppoe, .. } = self.clone();
        let settings = Settings { network, wifi, pppoe, ..Settings::factory() };
        let bad = |group| fits(group, &settings, able).is_err();
        let mut told = self.clone();
        if self.network == kept.network && bad(Group::Network) {
            told.network.ip = Network::default().ip;
        }
        told.wifi.enable &= !(self.wifi == kept.wifi && bad(Group::Wifi));
        told.pppoe.enable &= !(self.pppoe == kept.pppoe && bad(Group::Pppoe));
        told.wanted()
    }

    /// Writes them as a sealed text.
    pub fn encode(&self) -> String {
        let mut settings = Settings::factory();
        self.put(&Self::of(&settings, settings.id, settings.mac_set), &mut settings);
        stored::encode_some(&settings, ours, toml::Table::from_iter([(TOLD.to_owned(), self.told.into())]))
    }

    /// Reads such a text; what is missing has its factory value.
    ///
    /// # Errors
    /// It is damaged, or of a later version.
    pub fn decode(text: &str) -> Result<Self, Unusable> {
        let read = stored::decode(text)?;
        let told = read.beside.get(TOLD).and_then(toml::Value::as_bool).unwrap_or(false);
        Ok(Self { told, ..Self::of(&read.settings, read.settings.id, read.settings.mac_set) })
    }
}

fn ours(row: &Param) -> bool {
    let group =
        row.group.is_some_and(|group| matches!(group, Group::Network | Group::Wifi | Group::Pppoe | Group::Mac));
    group || matches!(row.name, "mac_set" | "port_configured")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host::Addressing, profile::wire::Wire as _};

    fn rich() -> Settings {
        let mut settings = Settings::factory();
        settings.id = Mac([0, 0x15, 0xeb, 0xbe, 0x21, 0x53]);
        settings.network.ip.take("192.168.7.9").unwrap();
        settings.network.mask.take("255.255.255.0").unwrap();
        settings.network.port.take("81").unwrap();
        settings.wifi.ssid.take("by the 'sea'\"").unwrap();
        settings.wifi.wpa_psk.take("long enough").unwrap();
        settings.wifi.enable = true;
        settings.pppoe.user.take("me").unwrap();
        settings.pppoe.pwd.take("sesame").unwrap();
        settings.alias.take("porch").unwrap();
        settings
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_of_the_settings_is_in_it() {
        for (told, mac_set) in [(false, false), (true, false), (true, true)] {
            let chosen = Chosen { told, ..Chosen::of(&rich(), rich().id, mac_set) };
            let text = chosen.encode();
            assert_eq!(Chosen::decode(&text), Ok(chosen), "{text}");
            assert!(!text.contains("alias") && !text.contains("user1"), "{text}");
            assert!(
                text.contains("wifi_country") && text.contains("dhcp_vendor") && text.contains("pppoe_enable"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_file_that_was_touched_is_not_read() {
        let text = Chosen::of(&rich(), rich().id, false).encode();
        assert_eq!(Chosen::decode(&text.replace("192.168.7.9", "192.168.7.8")), Err(Unusable::Sum));
        assert_eq!(Chosen::decode(""), Err(Unusable::Sum));
    }

    #[test]
    fn all_of_it_is_put_back_but_an_id_that_was_set_meanwhile() {
        let (before, now) = (Settings::factory(), rich());
        let kept = Chosen::of(&before, before.id, false);
        let tried = Chosen::of(&now, now.id, false);
        let mut back = now.clone();
        kept.put(&tried, &mut back);
        assert_eq!(back, Settings { alias: now.alias.clone(), ..before.clone() });
        let mut newer = now.clone();
        (newer.id, newer.mac_set) = (Mac([2, 0, 0, 0, 0, 1]), true);
        kept.put(&tried, &mut newer);
        assert_eq!(newer, Settings { id: Mac([2, 0, 0, 0, 0, 1]), mac_set: true, alias: now.alias, ..before });
    }

    #[test]
    fn the_host_is_told_of_everything_but_the_port_and_of_nothing_before_a_manager_set_something() {
        let chosen = Chosen::of(&rich(), rich().id, false);
        assert_eq!(chosen.wanted(), Ok(None));
        assert_eq!(Chosen { told: true, ..chosen.clone() }.wanted().unwrap().unwrap().mac, None);
        let set = Chosen { told: true, mac_set: true, ..chosen.clone() };
        assert_eq!(set.wanted().unwrap().unwrap().mac, Some(rich().id));
        let mut port = chosen.clone();
        port.network.port.take("82").unwrap();
        assert!(port.same_host(&chosen) && port != chosen);
        port.network.dns.take("9.9.9.9").unwrap();
        assert!(!port.same_host(&chosen) && !set.same_host(&chosen));
    }

    #[test]
    fn q73_what_was_bad_before_is_left_out_and_what_a_change_makes_bad_is_refused() {
        let chosen = |change: &dyn Fn(&mut Settings)| {
            let mut settings = rich();
            change(&mut settings);
            Chosen { told: true, ..Chosen::of(&settings, settings.id, false) }
        };
        let bad = chosen(&|settings| {
            settings.network.ip.take("127.0.0.1").unwrap();
            settings.wifi.ssid.take("").unwrap();
            (settings.pppoe.enable, settings.pppoe.user) = (true, Default::default());
        });
        let whole = bad.wanted_beside(&bad, None).unwrap().unwrap();
        assert!(matches!(whole.addressing, Addressing::Dhcp { .. }));
        assert_eq!((whole.wifi, whole.pppoe), (None, None));
        // Mended one by one.
        let cable = Chosen { network: chosen(&|_| {}).network, ..bad.clone() };
        let told = cable.wanted_beside(&bad, None).unwrap().unwrap();
        assert!(matches!(told.addressing, Addressing::Static { .. }) && told.wifi.is_none());
        let air = Chosen { wifi: chosen(&|_| {}).wifi, ..cable.clone() };
        assert!(air.wanted_beside(&cable, None).unwrap().unwrap().wifi.is_some());
        for worse in [
            Chosen { network: bad.network.clone(), ..chosen(&|_| {}) },
            Chosen { wifi: bad.wifi.clone(), ..chosen(&|_| {}) },
            Chosen { pppoe: bad.pppoe.clone(), ..chosen(&|_| {}) },
        ] {
            assert_eq!(worse.wanted_beside(&chosen(&|_| {}), None), Err(Refused::Illegal));
        }
        // What the host cannot do, as well.
        let (wifi, none) = (chosen(&|_| {}), Abilities::default());
        let moved = chosen(&|settings| settings.network.ip.take("192.168.7.10").unwrap());
        assert!(moved.wanted_beside(&wifi, Some(&none)).unwrap().unwrap().wifi.is_none());
        assert!(moved.wanted_beside(&wifi, None).unwrap().unwrap().wifi.is_some());
        let off = chosen(&|settings| settings.wifi.enable = false);
        assert!(wifi.wanted_beside(&off, Some(&none)).unwrap().unwrap().wifi.is_some(), "it is judged by the host");
        assert_eq!(Chosen { told: false, ..bad.clone() }.wanted_beside(&bad, None), Ok(None));
    }

    #[test]
    fn no_debug_shows_a_key() {
        let shown = format!("{:?}", Chosen::of(&rich(), rich().id, false));
        assert!(!shown.contains("long enough") && !shown.contains("sesame"), "{shown}");
    }
}
