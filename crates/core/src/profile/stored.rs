//! The settings file: every setting of the table by its name, as TOML, sealed by a checksum.
//!
//! The checksum is not against an attacker; it tells a whole file from one that a power cut left torn.

use sha2::{Digest, Sha256};

use super::{
    params::{Edit, Param, params},
    settings::Settings,
    view::View,
    wire::Value,
};

/// The format's version, in the first line.
const FORMAT: &str = "# Lookout settings, format 1. Written by the daemon; change it through the CGIs.\n";
const SUM: &str = "# sha256 ";

/// Why a settings file cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// Torn, changed by hand, or no settings file.
    #[error("the checksum does not match")]
    Sum,
    /// Written by a version that this one does not know.
    #[error("the format is not known")]
    Format,
    /// Not TOML.
    #[error("it is not TOML")]
    Toml,
}

/// Writes all settings.
pub fn encode(settings: &Settings) -> String {
    let view = View::of(settings);
    let mut table = toml::Table::new();
    for (row, _) in stored() {
        let value = match (row.show)(&view) {
            Value::Int(number) => toml::Value::Integer(number),
            Value::Text(text) => toml::Value::String(text),
            Value::Secret(secret) | Value::Sealed(secret) => toml::Value::String(secret.expose().into()),
        };
        table.insert(row.name.into(), value);
    }
    let body = format!("{FORMAT}{table}");
    let sum = sum(&body);
    format!("{body}{SUM}{sum}\n")
}

/// Reads settings; those that the file does not have, or that are no longer legal, keep their factory value and are
/// named in the second part of the result.
///
/// # Errors
/// The file is damaged as a whole; nothing of it is used.
pub fn decode(text: &str) -> Result<(Settings, Vec<&'static str>), Damaged> {
    let (body, tail) = text.rsplit_once(SUM).ok_or(Damaged::Sum)?;
    if tail.strip_suffix('\n') != Some(sum(body).as_str()) {
        return Err(Damaged::Sum);
    }
    if !body.starts_with(FORMAT) {
        return Err(Damaged::Format);
    }
    let table: toml::Table = body.parse().map_err(|_| Damaged::Toml)?;
    let mut settings = Settings::factory();
    let load = |(row, edit): &(&'static Param, &Edit)| {
        let text = match table.get(row.name) {
            Some(toml::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => return false,
        };
        (edit.load)(&mut settings, &text).is_ok()
    };
    let (_, lost): (Vec<_>, Vec<_>) = stored().partition(load);
    Ok((settings, lost.into_iter().map(|(row, _)| row.name).collect()))
}

/// Gives the rows that are kept; a row without a name is only another spelling of a named one.
fn stored() -> impl Iterator<Item = (&'static Param, &'static Edit)> {
    params().filter(|row| !row.name.is_empty()).filter_map(|row| Some((row, row.edit.as_ref()?)))
}

fn sum(body: &str) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::profile::{
        week::Word,
        wire::{Password, Secret, Wire},
    };

    #[test]
    fn every_name_is_unique_and_every_default_round_trips() {
        let mut seen = HashSet::new();
        assert!(params().filter(|row| !row.name.is_empty()).all(|row| seen.insert(row.name)), "a name stands twice");
        let factory = Settings::factory();
        assert_eq!(decode(&encode(&factory)), Ok((factory, vec![])));
    }

    #[test]
    fn what_was_set_comes_back_hostile_text_and_hashes_too() {
        let mut settings = Settings::factory();
        settings.id = Wire::parse("0012a0746f01").unwrap();
        settings.alias = Wire::parse("a'\"\\#=[]\u{2028}ü").unwrap();
        settings.users[7].pwd = Password::Hash(Secret::new("$argon2id$v=19$x"));
        settings.mail.pwd = Wire::parse("********").unwrap();
        settings.alarm.schedule.week.days[6][2] = Word(u32::MAX);
        settings.clock.tz = Wire::parse("-50400").unwrap();
        settings.network.ip = Wire::parse("10.0.0.9").unwrap();
        assert_eq!(decode(&encode(&settings)), Ok((settings, vec![])));
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_is_refused() {
        let whole = encode(&Settings::factory());
        for end in 0..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(decode(&whole.replace("ipcamera", "ipcamerb")), Err(Damaged::Sum));
    }

    #[test]
    fn a_setting_that_a_new_version_added_starts_with_its_factory_value() {
        let body = format!("{FORMAT}alias = \"porch\"\nled_mode = 9\n");
        let (settings, lost) = decode(&format!("{body}{SUM}{}\n", sum(&body))).unwrap();
        assert_eq!(settings.alias.as_str(), "porch");
        assert!(lost.contains(&"led_mode") && lost.contains(&"ftp_port"));
    }
}
