//! The description of a gateway: which services of it map ports.

use super::{
    LONGEST, Place, Trouble,
    xml::{Malformed, Piece, Reader},
};

/// How many services of a description are taken.
const MOST: usize = 4;

/// The services that map ports, with the names by which they are called (IGD 1 and 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A connection by IP.
    Ip,
    /// The same, of the second version.
    Ip2,
    /// A connection by PPP.
    Ppp,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Ip, Self::Ip2, Self::Ppp];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "urn:schemas-upnp-org:service:WANIPConnection:1",
            Self::Ip2 => "urn:schemas-upnp-org:service:WANIPConnection:2",
            Self::Ppp => "urn:schemas-upnp-org:service:WANPPPConnection:1",
        }
    }
}

/// A service that maps ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where it is asked.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// Reads a description that was found at a place.
///
/// # Errors
/// It is none, or names no such service on its own machine.
pub fn read(text: &str, found: &Place) -> Result<Vec<Service>, Trouble> {
    let drafts = drafts(text).map_err(|Malformed| Trouble::Nonsense("has a description that cannot be read"))?;
    let base = drafts.base.trim();
    // One that names another machine is as good as none: what counts is where each service is.
    let base = if base.is_empty() { None } else { found.join(base) };
    let base = base.as_ref().unwrap_or(found);
    let service = |draft: &Draft| {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == draft.kind.trim())?;
        Some(Service { place: base.join(&draft.control)?, kind })
    };
    let services: Vec<_> = drafts.services.iter().filter_map(service).take(MOST).collect();
    match services.is_empty() {
        true if drafts.services.is_empty() => Err(Trouble::Nonsense("describes no service that maps ports")),
        true => Err(Trouble::Nonsense("names another machine's service")),
        false => Ok(services),
    }
}

#[derive(Default)]
struct Draft {
    kind: String,
    control: String,
}

/// What stands in a description.
#[derive(Default)]
struct Drafts {
    base: String,
    /// The services of the kinds that map ports.
    services: Vec<Draft>,
}

fn drafts(text: &str) -> Result<Drafts, Malformed> {
    if text.len() > LONGEST {
        return Err(Malformed);
    }
    let (mut reader, mut read, mut service) = (Reader::new(text), Drafts::default(), None);
    while let Some(piece) = reader.next()? {
        match (piece, &mut service) {
            (Piece::Begin("service"), _) => service = Some(Draft::default()),
            (Piece::End("service"), _) => {
                let maps = |draft: &Draft| Kind::ALL.iter().any(|kind| kind.name() == draft.kind.trim());
                read.services.extend(service.take().filter(maps));
            }
            (Piece::Text(text), Some(draft)) => match reader.inside() {
                "serviceType" => draft.kind.push_str(&text),
                "controlURL" => draft.control.push_str(&text),
                _ => {}
            },
            (Piece::Text(text), None) if reader.inside() == "URLBase" => read.base.push_str(&text),
            (Piece::Begin(_) | Piece::Text(_) | Piece::End(_), _) => {}
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(kind: &str, control: &str) -> String {
        format!(
            "<service><serviceType>urn:schemas-upnp-org:service:{kind}</serviceType><serviceId>x</serviceId>\
             <controlURL>{control}</controlURL><eventSubURL>/evt</eventSubURL></service>"
        )
    }

    fn description(base: &str, services: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><URLBase>{base}</URLBase><device>\
             <friendlyName>A & B</friendlyName><serviceList>{}</serviceList><deviceList><device><serviceList>{services}\
             </serviceList></device></deviceList></device></root>",
            service("Layer3Forwarding:1", "/ctl/L3F")
        )
    }

    fn places(text: &str) -> Result<Vec<(Kind, String)>, Trouble> {
        let found = Place::parse("http://192.168.1.1:5000/desc/root.xml").unwrap();
        let services = read(text, &found)?;
        Ok(services.into_iter().map(|service| (service.kind, service.place.to_string())).collect())
    }

    #[test]
    fn the_services_that_map_ports_are_found_wherever_they_stand() {
        let services = service("WANPPPConnection:1", "ppp") + &service("WANIPConnection:1", "\n/ctl/IPConn ");
        let found = places(&description("", &services)).unwrap();
        assert_eq!(
            found,
            [
                (Kind::Ppp, "http://192.168.1.1:5000/desc/ppp".to_owned()),
                (Kind::Ip, "http://192.168.1.1:5000/ctl/IPConn".to_owned())
            ]
        );
        let other = places(&description("http://192.168.1.1:80/x/", &service("WANIPConnection:2", "ctl"))).unwrap();
        assert_eq!(other, [(Kind::Ip2, "http://192.168.1.1:80/x/ctl".to_owned())]);
        let many = service("WANIPConnection:1", "/ctl").repeat(100);
        assert_eq!(places(&description("", &many)).unwrap().len(), MOST);
    }

    #[test]
    fn r10_3_no_service_is_on_another_machine_than_its_description() {
        let own = [(Kind::Ip, "http://192.168.1.1:5000/ctl".to_owned())];
        assert_eq!(places(&description("http://10.0.0.1/", &service("WANIPConnection:1", "/ctl"))).unwrap(), own);
        let elsewhere = service("WANIPConnection:1", "http://10.0.0.1/ctl");
        assert_eq!(places(&description("", &elsewhere)), Err(Trouble::Nonsense("names another machine's service")));
        let both = elsewhere + &service("WANIPConnection:1", "/ctl");
        assert_eq!(places(&description("", &both)).unwrap(), own);
    }

    #[test]
    fn what_describes_no_gateway_is_nonsense() {
        let fine = description("", &service("WANIPConnection:1", "/ctl"));
        for bad in [
            "".to_owned(),
            "<html><body>Hello</body>".to_owned(),
            fine.replace("</root>", ""),
            fine.replace("WANIPConnection:1", "WANIPConnection:9"),
            fine.replace("<controlURL>/ctl</controlURL>", ""),
            format!("<!DOCTYPE root [<!ENTITY a \"a\">]>{fine}"),
            format!("{fine}{}", " ".repeat(LONGEST)),
        ] {
            assert!(matches!(places(&bad), Err(Trouble::Nonsense(_))), "{bad}");
        }
    }
}
