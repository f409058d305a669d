//! How a request changes the settings: all of it or nothing (PROFILE 1.5).

use super::{
    commands::Group,
    params::{Param, params},
    settings::{Level, Settings},
    view::Secrets,
    wire::{Illegal, Ip, Password},
};

/// What the operator of the machine demands of every change.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How secrets are kept and shown.
    pub secrets: Secrets,
    /// The shortest password of a new or changed user, in bytes.
    pub password_min: usize,
}

/// Applies a request's parameters to a copy of the settings, and checks the whole.
///
/// Names that the CGI does not know are ignored. In a CGI where nothing must be given, an empty number means “as it is”.
///
/// # Errors
/// One illegal or missing value, and nothing is changed.
pub fn apply<'q>(
    old: &Settings,
    group: Group,
    given: impl Fn(&str) -> Option<&'q str>,
    rules: &Rules,
) -> Result<Settings, Illegal> {
    let mut draft = old.clone();
    let rows = || params().filter(|row| row.group == Some(group));
    let all_optional = !rows().any(|row| row.must);
    for row in rows() {
        match given(row.wire) {
            None if row.must => return Err(Illegal),
            None => {}
            Some("") if all_optional && row.kind.is_number() => {}
            Some(text) => take(row, &mut draft, text)?,
        }
    }
    check(old, &draft, rules)?;
    Ok(draft)
}

fn take(row: &Param, draft: &mut Settings, text: &str) -> Result<(), Illegal> {
    row.edit.as_ref().map_or(Ok(()), |edit| (edit.take)(draft, text))
}

/// Refuses settings that are legal one by one but not together.
///
/// - A manager with a password must remain, and no two accounts share a name: else nobody, or anybody, gets in.
/// - A new or changed password has at least `password_min` bytes, or is blank, which turns the account off.
/// - A static address needs a netmask that is one.
pub fn check(old: &Settings, new: &Settings, rules: &Rules) -> Result<(), Illegal> {
    let names = || new.users.iter().map(|user| user.name.as_str()).filter(|name| !name.is_empty());
    let twice = names().enumerate().any(|(i, name)| names().skip(i + 1).any(|other| other == name));
    let manager = |settings: &Settings| {
        let can = |user: &super::settings::User| {
            user.pri == Level::Manager && !user.name.as_str().is_empty() && user.pwd != Password::Blank
        };
        settings.users.iter().any(can)
    };
    let short = new.users.iter().zip(&old.users).any(|(new, old)| match &new.pwd {
        Password::Plain(pwd) => new.pwd != old.pwd && pwd.expose().len() < rules.password_min,
        Password::Blank | Password::Hash(_) => false,
    });
    let unmasked = new.network.ip != Ip(None) && !new.network.mask.0.is_some_and(is_netmask);
    if twice || (manager(old) && !manager(new)) || short || unmasked { Err(Illegal) } else { Ok(()) }
}

/// Says whether the ones of a mask come before its zeros, and there are some.
pub fn is_netmask(mask: std::net::Ipv4Addr) -> bool {
    let bits = mask.to_bits();
    bits != 0 && bits.leading_ones() + bits.trailing_zeros() == 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::wire::{Kind, MASK, Secret, Wire};

    const RULES: Rules = Rules { secrets: Secrets::Masked, password_min: 8 };

    fn owned() -> Settings {
        let mut settings = Settings::factory();
        settings.users[0].name = Wire::parse("admin").unwrap();
        settings.users[0].pwd = Password::Plain(Secret::new("long enough"));
        settings.users[0].pri = Level::Manager;
        settings
    }

    fn set(old: &Settings, group: Group, pairs: &[(&str, &str)]) -> Result<Settings, Illegal> {
        apply(old, group, |name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1), &RULES)
    }

    fn users(pairs: &[(usize, &str, &str, &str)]) -> Vec<(String, String)> {
        let given =
            |n: usize| pairs.iter().find(|user| user.0 == n).map_or(("", "", "0"), |user| (user.1, user.2, user.3));
        let three = |n: usize| {
            let (name, pwd, pri) = given(n);
            [(format!("user{n}"), name.into()), (format!("pwd{n}"), pwd.into()), (format!("pri{n}"), pri.into())]
        };
        (1..=8).flat_map(three).collect()
    }

    fn set_users(old: &Settings, pairs: &[(usize, &str, &str, &str)]) -> Result<Settings, Illegal> {
        let pairs = users(pairs);
        apply(old, Group::Users, |name| pairs.iter().find(|p| p.0 == name).map(|p| p.1.as_str()), &RULES)
    }

    #[test]
    fn a_mandatory_parameter_must_be_there_and_an_optional_one_may() {
        let old = owned();
        assert_eq!(set(&old, Group::Alias, &[]), Err(Illegal));
        assert_eq!(set(&old, Group::Alias, &[("alias", "")]).unwrap().alias.as_str(), "");
        assert_eq!(set(&old, Group::Datetime, &[("tz", "-3600")]).unwrap().clock.tz.get(), -3600);
        assert_eq!(set(&old, Group::Upnp, &[("enable", "")]), Err(Illegal));
    }

    #[test]
    fn an_empty_number_changes_nothing_in_an_optional_cgi() {
        let old = owned();
        let new = set(&old, Group::Ftp, &[("port", ""), ("svr", ""), ("upload_interval", "5")]).unwrap();
        assert_eq!((new.ftp.port.get(), new.ftp.upload_interval_s.get()), (21, 5));
    }

    #[test]
    fn one_illegal_value_and_nothing_is_stored() {
        let old = owned();
        assert_eq!(set(&old, Group::Misc, &[("led_mode", "1"), ("ptz_patrol_rate", "101")]), Err(Illegal));
    }

    #[test]
    fn every_number_refuses_one_below_and_one_above_and_every_text_one_byte_more() {
        for row in params() {
            let Some(edit) = &row.edit else { continue };
            let refused = |text: &str| {
                assert!((edit.take)(&mut owned(), text).is_err(), "{} takes {text:?}", row.name);
            };
            match row.kind {
                Kind::Int(min, max) => {
                    [i64::from(min) - 1, i64::from(max) + 1].iter().for_each(|n| refused(&n.to_string()))
                }
                Kind::Flag => ["-1", "2", "", "true"].iter().for_each(|text| refused(text)),
                Kind::Choice(choices) => {
                    let numbers = (-1..=4099).filter(|n| !choices.iter().any(|choice| choice.0 == *n));
                    numbers.for_each(|n| refused(&n.to_string()));
                }
                Kind::Text(max) | Kind::Secret(max) => {
                    assert!((edit.take)(&mut owned(), &"x".repeat(max)).is_ok(), "{}", row.name);
                    refused(&"x".repeat(max + 1));
                    refused("a\nb");
                }
                Kind::Host(max) => refused(&"x".repeat(max + 1)),
                Kind::Mail(max) => refused(&format!("{}@b", "x".repeat(max - 1))),
                Kind::Url(max) => refused(&format!("http://{}", "x".repeat(max - 6))),
                Kind::Words(words) => refused(&words.concat()),
                Kind::Ip | Kind::Mac | Kind::Mask | Kind::Place => refused("1.2.3"),
                Kind::Word => refused("4294967296"),
                Kind::Seconds => refused("8589934592"),
            }
        }
    }

    #[test]
    fn all_twenty_four_user_parameters_or_none() {
        let all = users(&[(1, "admin", "long enough", "2")]);
        for missing in 0..24 {
            let given = |name: &str| {
                let mut rest = all.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, pair)| pair);
                rest.find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
            };
            assert_eq!(apply(&owned(), Group::Users, given, &RULES), Err(Illegal), "without {}", all[missing].0);
        }
    }

    #[test]
    fn the_last_manager_cannot_lock_himself_out() {
        let old = owned();
        assert!(set_users(&old, &[(1, "admin", MASK, "2")]).is_ok());
        for bad in [&[][..], &[(1, "admin", MASK, "1")], &[(1, "admin", "", "2")], &[(1, "", MASK, "2")]] {
            assert_eq!(set_users(&old, bad), Err(Illegal), "{bad:?}");
        }
    }

    #[test]
    fn a_new_password_is_long_enough_and_an_old_one_may_stay() {
        let mut old = owned();
        old.users[1].name = Wire::parse("old").unwrap();
        old.users[1].pwd = Password::Plain(Secret::new("short"));
        assert!(set_users(&old, &[(1, "admin", MASK, "2"), (2, "old", MASK, "0")]).is_ok());
        assert!(set_users(&old, &[(1, "admin", MASK, "2"), (2, "old", "seven77", "0")]).is_err());
        assert!(set_users(&old, &[(1, "admin", MASK, "2"), (2, "old", "", "0")]).is_ok());
        assert!(set_users(&old, &[(1, "admin", MASK, "2"), (2, "admin", "long enough", "0")]).is_err());
    }

    #[test]
    fn a_static_address_needs_a_netmask() {
        let network = |ip, mask| {
            set(&owned(), Group::Network, &[("ip", ip), ("mask", mask), ("gateway", ""), ("dns", ""), ("port", "80")])
        };
        assert!(network("", "").is_ok() && network("192.168.0.9", "255.255.255.0").is_ok());
        for mask in ["", "255.0.255.0", "0.0.0.0"] {
            assert_eq!(network("192.168.0.9", mask), Err(Illegal), "{mask:?}");
        }
    }
}
