//! The settings file: every setting of the table by its name, as TOML, sealed by a checksum.
//!
//! The checksum is not against an attacker; it tells a whole file from one that a power cut left torn. First and last
//! line keep their form in every format, so that a version tells a file newer than itself from a damaged one.

use sha2::{Digest, Sha256};

use super::{
    commands::Group,
    params::{Edit, Param, params},
    settings::Settings,
    view::View,
    wire::Value,
};
use crate::hex;

/// The newest format, which is written. It rises when a name comes to mean something else; a setting more or less is
/// no new format, as what is missing takes its factory value and what is not known is passed over.
pub const FORMAT: u32 = 1;

/// Turns the table of a file into that of the next format.
type Step = fn(&mut toml::Table);

/// The steps from format 1 to [`FORMAT`].
const STEPS: [Step; FORMAT as usize - 1] = [];

const HEAD: &str = "# Lookout settings, format ";
const SUM: &str = "# sha256 ";

/// Why a settings file cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Torn, changed by hand, or no settings file.
    #[error("the checksum does not match")]
    Sum,
    /// Whole, but its first line is not that of a settings file.
    #[error("it does not say which format it has")]
    Format,
    /// Whole, and of a format that only a later version knows.
    #[error("it has format {0}, and this version knows up to {FORMAT}")]
    Newer(u32),
    /// Not TOML.
    #[error("it is not TOML")]
    Toml,
}

/// Writes all settings.
pub fn encode(settings: &Settings) -> String {
    encode_some(settings, |_| true, toml::Table::new())
}

/// Writes some settings alone, and beside them what whoever keeps them adds, under names that no setting has.
pub fn encode_some(settings: &Settings, some: fn(&Param) -> bool, beside: toml::Table) -> String {
    let view = View::of(settings);
    let mut table = beside;
    for (row, _) in stored().filter(|(row, _)| some(row)) {
        let value = match (row.show)(&view) {
            Value::Int(number) => toml::Value::Integer(number),
            Value::Text(text) => toml::Value::String(text),
            Value::Secret(secret) | Value::Sealed(secret) => toml::Value::String(secret.expose().into()),
        };
        table.insert(row.name.into(), value);
    }
    seal(&format!("{HEAD}{FORMAT}. Written by the daemon; change it through the CGIs.\n{table}"))
}

/// What was read from a settings file.
#[derive(Debug, PartialEq)]
pub struct Read {
    /// The settings; those that are missing or illegal have their factory value.
    pub settings: Settings,
    /// The names of those that the file does not have.
    pub missing: Vec<&'static str>,
    /// The names of those whose value is no longer legal.
    pub illegal: Vec<&'static str>,
    /// What no setting has the name of.
    pub beside: toml::Table,
}

/// Reads settings of any format up to ours.
///
/// # Errors
/// The file cannot be used as a whole; nothing of it is.
pub fn decode(text: &str) -> Result<Read, Unusable> {
    let (body, _) = text.rsplit_once(SUM).ok_or(Unusable::Sum)?;
    if text != seal(body) {
        return Err(Unusable::Sum);
    }
    let format = format(body).ok_or(Unusable::Format)?;
    if format > FORMAT {
        return Err(Unusable::Newer(format));
    }
    let mut table: toml::Table = body.parse().map_err(|_| Unusable::Toml)?;
    migrate(&mut table, format, &STEPS);
    let mut read =
        Read { settings: Settings::factory(), missing: Vec::new(), illegal: Vec::new(), beside: toml::Table::new() };
    for (row, edit) in stored() {
        let text = match table.remove(row.name) {
            Some(toml::Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => {
                read.missing.push(row.name);
                continue;
            }
        };
        if (edit.load)(&mut read.settings, &text).is_err() {
            read.illegal.push(row.name);
        }
    }
    read.beside = table;
    Ok(read)
}

/// Returns settings in which what belongs to the device or to the moment is as in `own`.
pub fn keep_own(own: &Settings, mut settings: Settings) -> Settings {
    let view = View::of(own);
    for (row, edit) in stored().filter(|(row, _)| row.group.is_some_and(Group::stays)) {
        let kept = (edit.load)(&mut settings, &(row.show)(&view).into_text());
        debug_assert_eq!(kept, Ok(()), "{} is legal: it was shown by its own type", row.name);
    }
    settings
}

/// Gives the rows that are kept; a row without a name is only another spelling of a named one.
fn stored() -> impl Iterator<Item = (&'static Param, &'static Edit)> {
    params().filter(|row| !row.name.is_empty()).filter_map(|row| Some((row, row.edit.as_ref()?)))
}

/// Reads the number in the first line, from 1 on, which every format has there.
pub fn format(body: &str) -> Option<u32> {
    let (number, _) = body.strip_prefix(HEAD)?.split_once('.')?;
    number.parse().ok().filter(|format| *format > 0)
}

fn migrate(table: &mut toml::Table, from: u32, steps: &[Step]) {
    for (_, step) in (1..).zip(steps).filter(|(format, _)| *format >= from) {
        step(table);
    }
}

/// Puts the checksum below a text.
pub fn seal(body: &str) -> String {
    format!("{body}{SUM}{}\n", hex::show(&Sha256::digest(body)))
}

/// Writes the lines of a file with its first and its last.
#[cfg(test)]
pub(super) fn sealed(lines: &str) -> super::wire::Secret {
    super::wire::Secret::new(seal(&format!("{HEAD}{FORMAT}.\n{lines}")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::profile::{
        week::Word,
        wire::{Password, Secret, Wire},
    };

    fn whole(settings: Settings) -> Read {
        Read { settings, missing: vec![], illegal: vec![], beside: toml::Table::new() }
    }

    #[test]
    fn every_name_is_unique_and_every_default_round_trips() {
        let mut seen = HashSet::new();
        assert!(params().filter(|row| !row.name.is_empty()).all(|row| seen.insert(row.name)), "a name stands twice");
        let factory = Settings::factory();
        assert_eq!(decode(&encode(&factory)), Ok(whole(factory)));
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
        assert_eq!(decode(&encode(&settings)), Ok(whole(settings)));
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_is_refused() {
        let whole = encode(&Settings::factory());
        for end in 0..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(decode(&whole.replace("ipcamera", "ipcamerb")), Err(Unusable::Sum));
    }

    #[test]
    fn a_setting_that_a_new_version_added_starts_with_its_factory_value() {
        let read = decode(&seal(&format!("{HEAD}1.\nalias = \"porch\"\nled_mode = 9\n"))).unwrap();
        assert_eq!((read.settings.alias.as_str(), &read.settings.misc), ("porch", &Settings::factory().misc));
        assert_eq!(read.illegal, ["led_mode"]);
        assert!(read.missing.contains(&"ftp_port") && !read.missing.contains(&"alias"));
    }

    #[test]
    fn the_file_of_format_1_is_read_to_its_last_value() {
        let file = include_str!("stored/format-1.toml");
        let read = decode(file).unwrap();
        let table: toml::Table = file.parse().unwrap();
        assert_eq!(read.illegal, [""; 0]);
        assert!(read.missing.iter().all(|name| !table.contains_key(*name)), "{:?}", read.missing);
        // What was read is what would be written: no value has come to mean another, and no name is passed over.
        let written: toml::Table = encode(&read.settings).parse().unwrap();
        for (name, value) in &table {
            assert_eq!(written.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn a_file_of_a_newer_format_is_told_from_a_damaged_one() {
        let newer = seal(&format!("{HEAD}{}. Of the future.\nnot toml at all", FORMAT + 1));
        assert_eq!(decode(&newer), Err(Unusable::Newer(FORMAT + 1)));
        assert_eq!(decode(&newer.replace("future", "past")), Err(Unusable::Sum));
        for head in ["", "# Lookout settings, format 0.\n", "# Lookout settings, format one.\n"] {
            assert_eq!(decode(&seal(head)), Err(Unusable::Format), "{head:?}");
        }
    }

    #[test]
    fn an_older_file_goes_through_every_step_that_it_has_not_seen() {
        let steps: [Step; 2] = [
            |table| drop(table.insert("second".into(), 2.into())),
            |table| drop(table.insert("third".into(), table.get("second").cloned().unwrap_or(0.into()))),
        ];
        let migrated = |from| {
            let mut table = toml::Table::new();
            migrate(&mut table, from, &steps);
            table.to_string()
        };
        assert_eq!([1, 2, 3].map(migrated), ["second = 2\nthird = 2\n", "third = 0\n", ""]);
    }
}
