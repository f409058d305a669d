//! The port of plain HTTP, which has two masters: the machine's configuration, and the setting `port`. The last who
//! changed it wins (Q34, ADR 0036).

use crate::profile::settings::Network;

/// Returns the port to open for the configuration's first plain listener; none: as the configuration says, and the setting
/// does not count. `configured` is the port that it names, none where it leaves the port open or has no such listener.
pub fn choose(configured: Option<u16>, network: &Network) -> Option<u16> {
    let own = configured?;
    let unchanged = i32::from(own) == network.port_configured.get();
    Some(if unchanged { u16::try_from(network.port.get()).unwrap_or(own) } else { own })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::wire::Int;

    #[test]
    fn q34_the_last_who_changed_the_port_wins() {
        let network =
            |port, before| Network { port: Int::new(port), port_configured: Int::new(before), ..Network::default() };
        for (configured, port, before, chosen) in [
            (Some(80), 8080, 0, Some(80)),    // the first start
            (Some(80), 80, 80, Some(80)),     // nobody changed it
            (Some(80), 9000, 80, Some(9000)), // a manager did
            (Some(81), 9000, 80, Some(81)),   // and then the operator
            (None, 9000, 80, None),           // any port, or none
            (Some(80), 9000, 0, Some(80)),    // a port again
        ] {
            assert_eq!(choose(configured, &network(port, before)), chosen, "{configured:?} {port} {before}");
        }
    }
}
