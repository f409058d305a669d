//! How an access point is locked, from what it announces (PROFILE 5.8).

use lookout_core::host::Lock;

/// The network asks for encryption (`NM80211ApFlags`).
const PRIVACY: u32 = 0x1;
/// What WPA and WPA2 announce (`NM80211ApSecurityFlags`).
const PAIR_TKIP: u32 = 0x4;
const PAIR_CCMP: u32 = 0x8;
const PSK: u32 = 0x100;
/// Every way of agreeing on keys but a shared one: 802.1X, SAE (WPA3), OWE, Suite B.
const OTHERS: u32 = 0x200 | 0x400 | 0x800 | 0x2000;

/// Says how an access point is locked: by the best of what it offers that the profile has a number for.
pub(super) fn lock(flags: u32, wpa: u32, rsn: u32) -> Lock {
    let has = |flags: u32, bits: u32| flags & bits != 0;
    match (has(rsn, PSK), has(rsn, PAIR_CCMP), has(rsn, PAIR_TKIP)) {
        (true, true, false) => return Lock::Wpa2Aes,
        (true, _, true) => return Lock::Wpa2Tkip,
        (true, false, false) | (false, _, _) => {}
    }
    match (has(wpa, PSK), has(wpa, PAIR_CCMP), has(wpa, PAIR_TKIP)) {
        (true, true, _) => return Lock::WpaAes,
        (true, false, true) => return Lock::WpaTkip,
        (true, false, false) | (false, _, _) => {}
    }
    if has(wpa | rsn, PSK | OTHERS) {
        Lock::Other
    } else if has(flags, PRIVACY) {
        Lock::Wep
    } else {
        Lock::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP_TKIP: u32 = 0x40;
    const GROUP_CCMP: u32 = 0x80;
    const EAP: u32 = 0x200;
    const SAE: u32 = 0x400;
    const OWE: u32 = 0x800;
    const OWE_TRANSITION: u32 = 0x1000;

    #[test]
    fn access_points_have_the_number_of_the_best_that_they_offer() {
        let aes = PAIR_CCMP | GROUP_CCMP;
        let tkip = PAIR_TKIP | GROUP_TKIP;
        for (what, flags, wpa, rsn, wanted) in [
            ("open", 0, 0, 0, Lock::None),
            ("open, with an encrypted twin", 0, 0, OWE_TRANSITION, Lock::None),
            ("WEP", PRIVACY, 0, 0, Lock::Wep),
            ("WPA with TKIP", PRIVACY, tkip | PSK, 0, Lock::WpaTkip),
            ("WPA with AES", PRIVACY, aes | PSK, 0, Lock::WpaAes),
            ("WPA with either", PRIVACY, tkip | aes | PSK, 0, Lock::WpaAes),
            ("WPA2 with AES", PRIVACY, 0, aes | PSK, Lock::Wpa2Aes),
            ("WPA2 with AES, and TKIP for all", PRIVACY, 0, PAIR_CCMP | GROUP_TKIP | PSK, Lock::Wpa2Aes),
            ("WPA2 with TKIP", PRIVACY, 0, tkip | PSK, Lock::Wpa2Tkip),
            ("WPA2 with either", PRIVACY, 0, tkip | aes | PSK, Lock::Wpa2Tkip),
            ("WPA with TKIP or WPA2 with AES", PRIVACY, tkip | PSK, PAIR_CCMP | GROUP_TKIP | PSK, Lock::Wpa2Aes),
            ("WPA2 or WPA3", PRIVACY, 0, aes | PSK | SAE, Lock::Wpa2Aes),
            ("WPA3", PRIVACY, 0, aes | SAE, Lock::Other),
            ("opportunistic encryption", PRIVACY, 0, aes | OWE, Lock::Other),
            ("802.1X", PRIVACY, tkip | EAP, aes | EAP, Lock::Other),
            ("802.1X, or WPA with a shared key", PRIVACY, tkip | PSK, aes | EAP, Lock::WpaTkip),
            ("a shared key, and a cipher that is not known", PRIVACY, 0, PSK, Lock::Other),
        ] {
            assert_eq!(lock(flags, wpa, rsn), wanted, "{what}");
        }
    }
}
