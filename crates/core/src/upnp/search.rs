//! Finding gateways by SSDP (UPnP Device Architecture 1.1, section 1.3): what is called into the network, and who may answer.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Place, Trouble};

/// Where everybody listens.
pub const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 255, 255, 250), 1900);
/// How long gateways may wait before they answer, in seconds.
pub const DELAY_S: u64 = 1;
/// What is searched for: gateways of both versions, and the services of those who do not tell of the device.
pub const TARGETS: [&str; 4] = [
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
];

/// Writes the search for a target.
pub fn request(target: &str) -> String {
    format!("M-SEARCH * HTTP/1.1\r\nHOST: {GROUP}\r\nMAN: \"ssdp:discover\"\r\nMX: {DELAY_S}\r\nST: {target}\r\n\r\n")
}

/// Reads an answer, and where its sender's description is; none where it does not answer what was asked.
///
/// # Errors
/// It names another machine, which only a host that means no good does, or none at all (RULES R10.3).
pub fn read(packet: &[u8], from: Ipv4Addr) -> Result<Option<Place>, Trouble> {
    let text = String::from_utf8_lossy(packet);
    let mut lines = text.lines();
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.") || status.split_ascii_whitespace().nth(1) != Some("200") {
        return Ok(None);
    }
    let (mut target, mut location) = (None, None);
    for (name, value) in lines.map_while(|line| line.split_once(':')) {
        let field = match name.trim_ascii() {
            name if name.eq_ignore_ascii_case("ST") => &mut target,
            name if name.eq_ignore_ascii_case("LOCATION") => &mut location,
            _ => continue,
        };
        field.get_or_insert(value.trim_ascii());
    }
    if !target.is_some_and(|target| TARGETS.contains(&target)) {
        return Ok(None);
    }
    let place = location.and_then(Place::parse).ok_or(Trouble::Nonsense("does not say where its description is"))?;
    if *place.at.ip() != from {
        return Err(Trouble::Nonsense("names another machine's description"));
    }
    Ok(Some(place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FROM: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

    fn answer(location: &str) -> String {
        let target = TARGETS[0];
        format!("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nst: {target}\r\nExt:\r\nLocation:{location}\r\n\r\n")
    }

    #[test]
    fn a_search_is_one_request_with_all_that_it_must_say() {
        let text = request(TARGETS[0]);
        assert_eq!(
            text,
            "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: \
             urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
        );
    }

    #[test]
    fn r10_3_a_gateway_describes_itself_and_nobody_else() {
        let read = |text: &str| read(text.as_bytes(), FROM);
        let found = read(&answer("http://192.168.1.1:5000/rootDesc.xml")).unwrap().unwrap();
        assert_eq!(found.to_string(), "http://192.168.1.1:5000/rootDesc.xml");
        for elsewhere in ["http://192.168.1.2/", "http://127.0.0.1/", "http://router/", "https://192.168.1.1/", ""] {
            assert!(matches!(read(&answer(elsewhere)), Err(Trouble::Nonsense(_))), "{elsewhere}");
        }
        // The first of two counts, as it does for whoever looks at the packet.
        let two = answer("http://192.168.1.1/a\r\nLOCATION: http://192.168.1.2/b");
        assert_eq!(read(&two).unwrap().unwrap().path, "/a");
    }

    #[test]
    fn who_answers_something_else_is_not_heard() {
        let fine = answer("http://192.168.1.1/");
        for other in [
            "",
            "NOTIFY * HTTP/1.1\r\n",
            &fine.replace("200 OK", "404 Not Found"),
            &fine.replace("HTTP/1.1", "SSDP/1.1"),
            &fine.replace("InternetGatewayDevice:1", "MediaRenderer:1"),
            &fine.replace("st:", "NT:"),
        ] {
            assert_eq!(read(other.as_bytes(), FROM), Ok(None), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet in prop::collection::vec(any::<u8>(), 0..300), cut in 0..150_usize) {
            let _ = read(&packet, FROM);
            let answer = answer("http://192.168.1.1/");
            let _ = read(answer.get(..cut).unwrap_or_default().as_bytes(), FROM);
        }
    }
}
