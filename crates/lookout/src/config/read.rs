//! Reads the configuration file by the rows of the table, and words what is wrong with it.

use std::{collections::BTreeMap, io, ops::Range};

use toml::de::{DeTable, DeValue};

use super::{
    Config, TABLES,
    kind::{Kind, Located, Mismatch},
    rows,
};

/// One key of the configuration.
pub(super) struct Row {
    /// Its name with its table's, such as `http.digest`.
    pub key: &'static str,
    /// Its documentation, a line each.
    pub docs: &'static [&'static str],
    /// Finishes "KEY must be …".
    pub wanted: String,
    /// The words of a choice and what they mean; else empty.
    pub words: Vec<(&'static str, &'static str)>,
    /// The default as TOML; empty when there is none.
    pub default: String,
    /// Reads a value into its field.
    pub set: Set,
}

type Set = fn(&mut Config, &Located<'_>) -> Result<(), Mismatch>;

impl Row {
    pub(super) fn new<T: 'static>(
        key: &'static str,
        docs: &'static [&'static str],
        kind: Kind<T>,
        default: &T,
        set: Set,
    ) -> Self {
        Self { key, docs, default: kind.show(default), wanted: kind.wanted, words: kind.words, set }
    }
}

/// What is wrong with a configuration file: one sentence that begins with the file and, where there is one, the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {sentence}")]
pub struct ConfigError {
    place: String,
    sentence: String,
}

impl ConfigError {
    pub(super) fn unreadable(name: &str, error: &io::Error) -> Self {
        Self { place: name.to_owned(), sentence: format!("the file cannot be read: {error}") }
    }

    pub(super) fn not_text(name: &str, error: &std::string::FromUtf8Error) -> Self {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        Self { place: format!("{name}:{line}"), sentence: "the file is not UTF-8 text".to_owned() }
    }
}

/// Something wrong at a place of the text.
struct Fault {
    span: Range<usize>,
    sentence: String,
}

/// Reads the configuration from `text`. Of several faults the first in the file is told.
pub(super) fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    let fail = |fault: Fault| ConfigError {
        place: format!("{name}:{}", line(text, fault.span.start)),
        sentence: fault.sentence,
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start)) {
        let sentence = error.message().lines().collect::<Vec<_>>().join(" ");
        return Err(fail(Fault { span: error.span().unwrap_or_default(), sentence }));
    }
    let mut reader =
        Reader { text, rows: rows(), config: Config::default(), places: BTreeMap::new(), faults: Vec::new() };
    reader.table(document.get_ref());
    if let Some(fault) = reader.faults.into_iter().min_by_key(|fault| fault.span.start) {
        return Err(fail(fault));
    }
    reader.config.check().map_err(|conflict| {
        let span = reader.places.get(conflict.key).cloned().unwrap_or_default();
        fail(Fault { span, sentence: conflict.sentence })
    })?;
    Ok(reader.config)
}

struct Reader<'a> {
    text: &'a str,
    rows: Vec<Row>,
    config: Config,
    /// Where each key that was given stands.
    places: BTreeMap<&'static str, Range<usize>>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn table(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            let name = key.get_ref().as_ref();
            if !TABLES.iter().any(|(table, _)| *table == name) {
                self.key(name, key.span(), value);
            } else if let DeValue::Table(keys) = value.get_ref() {
                for (sub, value) in keys {
                    self.key(&format!("{name}.{}", sub.get_ref()), sub.span(), value);
                }
            } else {
                let sentence = format!("{name} is a table: write [{name}] with its settings below");
                self.faults.push(Fault { span: key.span(), sentence });
            }
        }
    }

    fn key(&mut self, key: &str, span: Range<usize>, value: &Located<'_>) {
        let Some(row) = self.rows.iter().find(|row| row.key == key) else {
            let kind = if matches!(value.get_ref(), DeValue::Table(_)) { "table" } else { "setting" };
            let names = self.rows.iter().map(|row| row.key).chain(TABLES.iter().map(|(table, _)| *table));
            let hint = nearest(key, names).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            self.faults.push(Fault { span, sentence: format!("{} is no {kind}{hint}", key.escape_debug()) });
            return;
        };
        self.places.insert(row.key, span);
        if let Err(bad) = (row.set)(&mut self.config, value) {
            let sentence = sentence(key, &bad, self.text);
            self.faults.push(Fault { span: bad.span, sentence });
        }
    }
}

/// Words a value that is not of its key's kind.
fn sentence(key: &str, bad: &Mismatch, text: &str) -> String {
    let subject = if bad.entry { "every entry of " } else { "" };
    let written = text.get(bad.span.clone()).unwrap_or_default();
    let not = if bad.quote && !written.is_empty() { format!(", not {}", cut(written)) } else { String::new() };
    format!("{subject}{key} must be {}{not}", bad.wanted)
}

/// Cuts a value as it stands in the file to what a sentence can hold.
fn cut(written: &str) -> String {
    const LONGEST: usize = 40;
    let line: String = written.lines().next().unwrap_or_default().chars().take(LONGEST).collect();
    if line.len() < written.len() { format!("{line}…") } else { line }
}

/// Returns the line, from 1, that holds the byte at `offset`.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Finds the name that was probably meant: near in spelling, or right but for its table.
fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let short = key.rsplit('.').next().unwrap_or(key);
    let cost = |name: &'a str| distance(key, name).min(1 + distance(short, last(name)));
    let (cost, name) = names.map(|name| (cost(name), name)).min_by_key(|(cost, _)| *cost)?;
    (cost <= 1 + short.len() / 3).then_some(name)
}

/// Counts the letters to insert, remove or replace that lead from one text to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
