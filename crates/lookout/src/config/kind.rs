//! The kinds of value that a key of the configuration file takes.
//!
//! A kind knows three things about its values, so that they cannot disagree: how to read one from TOML, how to write one
//! as TOML, and the words that finish the sentence "KEY must be …", for the manual and for errors.

use std::{fmt::Display, net::SocketAddr, ops::Range, ops::RangeInclusive, path::PathBuf, time::Duration};

use lookout_core::profile::wire::{MASK, Secret};
use toml::{
    Spanned,
    de::{DeInteger, DeValue},
};

/// A value with its place in the file.
pub type Located<'a> = Spanned<DeValue<'a>>;

type Read<T> = Box<dyn Fn(&Located<'_>) -> Result<T, Mismatch>>;
type Show<T> = Box<dyn Fn(&T) -> String>;

/// What a key takes.
pub struct Kind<T> {
    /// Finishes "KEY must be …".
    pub wanted: String,
    /// The words of a choice and what they mean; else empty.
    pub words: Vec<(&'static str, &'static str)>,
    /// Whether an error may repeat the value: one that can hold a password is never printed.
    quote: bool,
    read: Read<T>,
    show: Show<T>,
}

/// A value that is not of its key's kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where the value stands, in bytes of the text.
    pub span: Range<usize>,
    /// Whether the value is one entry of the key's array.
    pub entry: bool,
    /// Finishes "must be …".
    pub wanted: String,
    /// Whether the message may repeat the value.
    pub quote: bool,
}

impl<T: 'static> Kind<T> {
    /// Makes a kind of a reader that knows nothing of places and errors.
    fn new(
        wanted: impl Into<String>,
        read: impl Fn(&DeValue<'_>) -> Option<T> + 'static,
        show: impl Fn(&T) -> String + 'static,
    ) -> Self {
        let wanted = wanted.into();
        let sentence = wanted.clone();
        let read = move |value: &Located<'_>| {
            read(value.get_ref()).ok_or_else(|| Mismatch {
                span: value.span(),
                entry: false,
                wanted: sentence.clone(),
                quote: true,
            })
        };
        Self { wanted, words: Vec::new(), quote: true, read: Box::new(read), show: Box::new(show) }
    }

    /// Makes errors keep the value to themselves.
    pub fn unquoted(self) -> Self {
        Self { quote: false, ..self }
    }

    /// Reads a value. The error says where it stands and what was wanted.
    pub fn read(&self, value: &Located<'_>) -> Result<T, Mismatch> {
        (self.read)(value).map_err(|bad| Mismatch { quote: bad.quote && self.quote, ..bad })
    }

    /// Writes a value as TOML.
    pub fn show(&self, value: &T) -> String {
        (self.show)(value)
    }
}

/// A string that `parse` accepts and `show` writes.
pub fn string<T: 'static>(
    wanted: impl Into<String>,
    parse: impl Fn(&str) -> Option<T> + 'static,
    show: impl Fn(&T) -> String + 'static,
) -> Kind<T> {
    Kind::new(wanted, move |value| parse(value.as_str()?), move |value| toml::Value::String(show(value)).to_string())
}

/// `true` or `false`.
pub fn flag() -> Kind<bool> {
    Kind::new("true or false", |value| value.as_bool(), bool::to_string)
}

/// A whole number in a range.
pub fn whole<T: Copy + Display + PartialOrd + TryFrom<u64> + 'static>(range: RangeInclusive<T>) -> Kind<T> {
    let wanted = format!("a whole number from {} to {}", range.start(), range.end());
    let read = move |value: &DeValue<'_>| T::try_from(integer(value.as_integer()?)?).ok();
    Kind::new(wanted, move |value| read(value).filter(|number| range.contains(number)), T::to_string)
}

fn integer(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Reads a number with or without a fraction.
fn real(value: &DeValue<'_>, range: &RangeInclusive<f64>) -> Option<f64> {
    let number = match value.as_float() {
        Some(float) => float.as_str().parse().ok()?,
        None => f64::from(u32::try_from(integer(value.as_integer()?)?).ok()?),
    };
    range.contains(&number).then_some(number)
}

/// A number in a range.
pub fn number(range: RangeInclusive<f64>) -> Kind<f32> {
    let wanted = format!("a number from {} to {}", range.start(), range.end());
    Kind::new(wanted, move |value| Some(real(value, &range)? as f32), f32::to_string)
}

/// A duration, written in seconds, in a range of positive seconds.
pub fn seconds(range: RangeInclusive<f64>) -> Kind<Duration> {
    let wanted = format!("a number of seconds from {} to {}", range.start(), range.end());
    let read = move |value: &DeValue<'_>| Duration::try_from_secs_f64(real(value, &range)?).ok();
    Kind::new(wanted, read, |duration| duration.as_secs_f64().to_string())
}

/// A string that a type's own parser accepts.
pub fn parsed<T: std::str::FromStr + Display + 'static>(wanted: &str) -> Kind<T> {
    string(wanted, |text| text.parse().ok(), T::to_string)
}

/// An address with a port.
pub fn address() -> Kind<SocketAddr> {
    parsed(r#"an address with a port, such as "0.0.0.0:8080" or "[::]:8080""#)
}

/// An absolute path: a daemon's working directory is nobody's business.
pub fn path() -> Kind<PathBuf> {
    let read = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_absolute() && !text.contains('\0'));
    string("an absolute path", read, |path| path.display().to_string())
}

/// Text of a length in bytes, of which every byte passes `allowed`.
pub fn text(wanted: &str, length: RangeInclusive<usize>, allowed: fn(u8) -> bool) -> Kind<String> {
    let read = move |text: &str| (length.contains(&text.len()) && text.bytes().all(allowed)).then(|| text.to_owned());
    string(wanted, read, String::clone)
}

/// The name of a network interface, as the kernel takes it.
pub fn interface() -> Kind<String> {
    let wanted = "the name of a network interface, 1 to 15 visible ASCII characters";
    text(wanted, 1..=15, |byte| byte.is_ascii_graphic() && byte != b'/')
}

/// A secret, which no error repeats.
pub fn secret() -> Kind<Secret> {
    let read = |text: &str| ((1..=1024).contains(&text.len()) && !text.contains('\0')).then(|| Secret::new(text));
    string("text of 1 to 1024 bytes", read, |_| MASK.to_owned()).unquoted()
}

/// An array of values of one kind.
pub fn list<T: 'static>(many: &str, one: Kind<T>) -> Kind<Vec<T>> {
    let wanted = format!("an array of {many}");
    let (sentence, each) = (wanted.clone(), one.wanted.clone());
    let (read, show) = (one.read, one.show);
    let read = move |value: &Located<'_>| {
        let Some(entries) = value.get_ref().as_array() else {
            return Err(Mismatch { span: value.span(), entry: false, wanted: sentence.clone(), quote: true });
        };
        entries.iter().map(|entry| read(entry).map_err(|bad| Mismatch { entry: true, ..bad })).collect()
    };
    let show = move |values: &Vec<T>| {
        let values: Vec<_> = values.iter().map(&show).collect();
        format!("[{}]", values.join(", "))
    };
    Kind {
        wanted: format!("{wanted}; each is {each}"),
        words: one.words,
        quote: one.quote,
        read: Box::new(read),
        show: Box::new(show),
    }
}

/// A value that need not be given. TOML has no way to write "none": the key is left out.
pub fn optional<T: 'static>(kind: Kind<T>) -> Kind<Option<T>> {
    let (read, show) = (kind.read, kind.show);
    Kind {
        wanted: kind.wanted,
        words: kind.words,
        quote: kind.quote,
        read: Box::new(move |value| read(value).map(Some)),
        show: Box::new(move |value| value.as_ref().map(&show).unwrap_or_default()),
    }
}

/// One of a few words.
pub trait Choice: Copy + PartialEq + 'static {
    /// Every value with its word and what it means.
    const ALL: &'static [(Self, &'static str, &'static str)];

    /// Returns the word.
    fn name(self) -> &'static str {
        // Every value is in the list, which the macro `choice!` makes of the enum's own variants.
        Self::ALL.iter().find(|(value, ..)| *value == self).map_or("", |(_, word, _)| word)
    }
}

/// One of a few words.
pub fn word<T: Choice>() -> Kind<T> {
    let words: Vec<_> = T::ALL.iter().map(|(_, word, _)| format!("\"{word}\"")).collect();
    let (last, others) = words.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    let wanted = format!("{} or {last}", others.join(", "));
    let read = |text: &str| T::ALL.iter().find(|(_, word, _)| *word == text).map(|(value, ..)| *value);
    let words = T::ALL.iter().map(|(_, word, meaning)| (*word, meaning.trim())).collect();
    Kind { words, ..string(wanted, read, |value| value.name().to_owned()) }
}

/// Declares an enum of which each variant is a word of the configuration file.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        $name:ident { $($(#[doc = $variant_doc:literal])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $variant_doc])* $variant,)* }

        impl $crate::config::kind::Choice for $name {
            const ALL: &'static [(Self, &'static str, &'static str)] =
                &[$((Self::$variant, $word, concat!($($variant_doc),*)),)*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::config::kind::Choice::name(*self))
            }
        }
    };
}
pub(super) use choice;
