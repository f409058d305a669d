//! How a value is written on the wire: one type a kind of setting, each with its limits in the type.
//!
//! A value is parsed once, at the edge, into a type that cannot hold anything illegal; so the limits that the manual
//! prints and the limits that the code relies on are the same.

use std::{fmt, net::Ipv4Addr};

/// A value that a parameter does not take (`error: illegal params.`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal value")]
pub struct Illegal;

/// What a parameter takes, for parsing, the manual and forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 of at most so many bytes, without control characters.
    Text(usize),
    /// Text that is never shown in masked mode.
    Secret(usize),
    /// A host name or address of at most so many bytes, or nothing.
    Host(usize),
    /// A mail address of at most so many bytes, or nothing.
    Mail(usize),
    /// An `http://` or `https://` address of at most so many bytes, or nothing.
    Url(usize),
    /// A whole number, both bounds included.
    Int(i32, i32),
    /// 0 or 1.
    Flag,
    /// One of these numbers.
    Choice(&'static [(i32, &'static str)]),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A dotted IPv4 address, or nothing.
    Ip,
    /// 12 hexadecimal digits.
    Mac,
    /// Eight hours of a schedule, a bit a quarter-hour (Q7).
    Word,
    /// Seconds, negative or positive.
    Seconds,
    /// 32 × 24 cells of the picture, or nothing.
    Mask,
    /// Where a preset is.
    Place,
}

impl Kind {
    /// Says whether an empty value can only mean “not given” (PROFILE 1.5).
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int(..) | Self::Flag | Self::Choice(_) | Self::Word | Self::Seconds)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(max) => write!(f, "text, at most {max} bytes"),
            Self::Secret(max) => write!(f, "secret, at most {max} bytes"),
            Self::Host(max) => write!(f, "host name or address, at most {max} bytes, or empty"),
            Self::Mail(max) => write!(f, "mail address, at most {max} bytes, or empty"),
            Self::Url(max) => write!(f, "http:// or https:// address, at most {max} bytes, or empty"),
            Self::Int(min, max) => write!(f, "{min} to {max}"),
            Self::Flag => f.write_str("0 or 1"),
            Self::Choice(choices) => {
                for (i, (number, name)) in choices.iter().enumerate() {
                    write!(f, "{}{number} {name}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Words(words) => f.write_str(&words.join(" or ")),
            Self::Ip => f.write_str("IPv4 address, or empty"),
            Self::Mac => f.write_str("12 hexadecimal digits, neither zero nor multicast"),
            Self::Seconds => f.write_str("seconds, negative or positive"),
            Self::Mask => f.write_str("24 rows of 8 hexadecimal digits, a bit a cell, or empty"),
            Self::Place => f.write_str("`head`, or pan, tilt and zoom, each 0 to 65535, with commas between, or empty"),
            Self::Word => f.write_str("32 quarter-hours, least significant bit first; -1 is all of them"),
        }
    }
}

/// A value ready to be printed, by a listing, the settings file or the manual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Printed bare.
    Int(i64),
    /// Printed in quotes.
    Text(String),
    /// Printed in quotes, or masked.
    Secret(Secret),
    /// The hash of a password: stored, but masked in every listing.
    Sealed(Secret),
}

impl Value {
    /// Returns the value as the settings file has it, secrets as they are.
    pub fn into_text(self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Text(text) => text,
            Self::Secret(secret) | Self::Sealed(secret) => secret.0,
        }
    }
}

/// What a masked secret looks like; sent back in a `set_*.cgi` it means “leave it as it is” (PROFILE 1.3).
pub const MASK: &str = "********";

/// A text that no `Debug` or `Display` shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Gives the secret itself: for the peer that must have it, the settings file and plain listings.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(empty)" } else { "Secret(…)" })
    }
}

/// A type that a parameter can have.
pub trait Wire: Sized {
    /// What it takes.
    const KIND: Kind;
    /// Reads a value from a request.
    fn parse(text: &str) -> Result<Self, Illegal>;
    /// Gives the value for printing.
    fn show(&self) -> Value;
    /// Replaces the value by one from a request; a secret that comes as its mask stays as it is.
    fn take(&mut self, text: &str) -> Result<(), Illegal> {
        *self = Self::parse(text)?;
        Ok(())
    }
    /// Reads a value back from the settings file.
    fn load(text: &str) -> Result<Self, Illegal> {
        Self::parse(text)
    }
}

fn legal_text(text: &str, max: usize) -> Result<&str, Illegal> {
    if text.len() > max || text.chars().any(char::is_control) { Err(Illegal) } else { Ok(text) }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $kind:ident, $legal:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name<const N: usize>(String);

        impl<const N: usize> $name<N> {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const N: usize> Wire for $name<N> {
            const KIND: Kind = Kind::$kind(N);
            fn parse(text: &str) -> Result<Self, Illegal> {
                let legal: fn(&str) -> bool = $legal;
                legal_text(text, N)?;
                if text.is_empty() || legal(text) { Ok(Self(text.to_owned())) } else { Err(Illegal) }
            }
            fn show(&self) -> Value {
                Value::Text(self.0.clone())
            }
        }
    )*};
}

texts! {
    /// Text of at most `N` bytes.
    Text, Text, |_| true;
    /// A host name, an IPv4 or a bracketless IPv6 address, or nothing.
    Host, Host, |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
    /// A mail address that can stand in an SMTP dialogue, or nothing.
    Mail, Mail, |text| {
        // A dot-atom before, labels of a host's name behind (RFC 5322, 3.4.1; RFC 1034), also beyond ASCII (RFC 6531).
        let atom = |part: &str| !part.is_empty() && part.chars().all(|c| {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_whitespace())
        });
        let label = |part: &str| atom(part) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii())
            && !part.starts_with('-') && !part.ends_with('-') && part.len() <= 63;
        text.rsplit_once('@').is_some_and(|(name, host)| name.split('.').all(atom) && host.split('.').all(label))
    };
    /// The address of an HTTP call, or nothing; no user name or password in it.
    Url, Url, |text| {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        host.is_some_and(|host| !host.is_empty() && !host.contains('@')) && !text.contains([' ', '\\', '"', '<', '>'])
    };
}

/// A secret of at most `N` bytes, stored as it is because a peer must be shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key<const N: usize>(Secret);

impl<const N: usize> Key<N> {
    /// Gives the secret itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Gives it as a secret, for whoever passes it on.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl<const N: usize> Wire for Key<N> {
    const KIND: Kind = Kind::Secret(N);
    fn parse(text: &str) -> Result<Self, Illegal> {
        Ok(Self(Secret::new(legal_text(text, N)?)))
    }
    fn show(&self) -> Value {
        Value::Secret(self.0.clone())
    }
    fn take(&mut self, text: &str) -> Result<(), Illegal> {
        if text != MASK {
            *self = Self::parse(text)?;
        }
        Ok(())
    }
}

/// A user's password: none, as given, or its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Password {
    /// The account is off: a blank password never authenticates (RULES R1.1).
    #[default]
    Blank,
    /// As the user typed it; kept so only where `profile.secrets = "plain"`.
    Plain(Secret),
    /// An Argon2id hash in PHC text form.
    Hash(Secret),
}

impl Password {
    /// The longest password of the profile, in bytes.
    pub const MAX: usize = 12;
    const HASHED: &str = "$argon2id$";
}

impl Wire for Password {
    const KIND: Kind = Kind::Secret(Self::MAX);
    fn parse(text: &str) -> Result<Self, Illegal> {
        let text = legal_text(text, Self::MAX)?;
        Ok(if text.is_empty() { Self::Blank } else { Self::Plain(Secret::new(text)) })
    }
    fn show(&self) -> Value {
        match self {
            Self::Blank => Value::Secret(Secret::default()),
            Self::Plain(secret) => Value::Secret(secret.clone()),
            Self::Hash(hash) => Value::Sealed(hash.clone()),
        }
    }
    fn take(&mut self, text: &str) -> Result<(), Illegal> {
        if text != MASK {
            *self = Self::parse(text)?;
        }
        Ok(())
    }
    fn load(text: &str) -> Result<Self, Illegal> {
        // Twelve bytes may begin like a hash and yet be what somebody typed.
        let hash = text.len() > Self::MAX && text.starts_with(Self::HASHED);
        if hash { Ok(Self::Hash(Secret::new(text))) } else { Self::parse(text) }
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int<const MIN: i32, const MAX: i32>(i32);

impl<const MIN: i32, const MAX: i32> Int<MIN, MAX> {
    /// Makes a number that is known to be in range; a default out of range does not compile.
    pub const fn new(number: i32) -> Self {
        assert!(MIN <= number && number <= MAX, "out of range");
        Self(number)
    }

    /// Makes a number if it is in range.
    pub fn within(number: i32) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    /// Returns the number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl<const MIN: i32, const MAX: i32> Wire for Int<MIN, MAX> {
    const KIND: Kind = Kind::Int(MIN, MAX);
    fn parse(text: &str) -> Result<Self, Illegal> {
        text.parse().ok().and_then(Self::within).ok_or(Illegal)
    }
    fn show(&self) -> Value {
        Value::Int(self.0.into())
    }
}

/// Seconds between two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds(pub i64);

impl Seconds {
    /// Takes a number of seconds below 2^33 either way: a clock that the profile can say is no further from another one.
    pub fn new(seconds: i64) -> Result<Self, Illegal> {
        if seconds.unsigned_abs() < 1 << 33 { Ok(Self(seconds)) } else { Err(Illegal) }
    }

    /// Reads by how much a clock that shows `now`, in seconds since 1970 up to 4294967295, is ahead of another (Q33).
    pub fn ahead(now: &str, other: i64) -> Result<Self, Illegal> {
        Self::new(i64::from(now.parse::<u32>().map_err(|_| Illegal)?) - other)
    }
}

impl Wire for Seconds {
    const KIND: Kind = Kind::Seconds;
    fn parse(text: &str) -> Result<Self, Illegal> {
        Self::new(text.parse().map_err(|_| Illegal)?)
    }
    fn show(&self) -> Value {
        Value::Int(self.0)
    }
}

impl Wire for bool {
    const KIND: Kind = Kind::Flag;
    fn parse(text: &str) -> Result<Self, Illegal> {
        match text {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(Illegal),
        }
    }
    fn show(&self) -> Value {
        Value::Int((*self).into())
    }
}

/// An IPv4 address, or none, which listings show as `0.0.0.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ip(pub Option<Ipv4Addr>);

impl Wire for Ip {
    const KIND: Kind = Kind::Ip;
    fn parse(text: &str) -> Result<Self, Illegal> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let address: Ipv4Addr = text.parse().map_err(|_| Illegal)?;
        Ok(Self(Some(address).filter(|address| !address.is_unspecified())))
    }
    fn show(&self) -> Value {
        Value::Text(self.0.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string())
    }
}

/// A MAC address, printed as 12 upper-case hexadecimal digits: the camera's device id.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Wire for Mac {
    const KIND: Kind = Kind::Mac;
    fn parse(text: &str) -> Result<Self, Illegal> {
        let digits = text.as_bytes();
        if digits.len() != 12 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Illegal);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| Illegal)?;
        let [_, _, bytes @ ..] = number.to_be_bytes();
        if number == 0 || bytes[0] & 1 == 1 { Err(Illegal) } else { Ok(Self(bytes)) }
    }
    fn show(&self) -> Value {
        Value::Text(self.to_string())
    }
    /// The settings of a camera that has no id yet hold zero.
    fn load(text: &str) -> Result<Self, Illegal> {
        if text == "000000000000" { Ok(Self::default()) } else { Self::parse(text) }
    }
}

/// Makes an enum whose variants are the numbers of a parameter; the first is the default unless one is marked.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$mark:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$mark])* #[doc = $text] $variant = $number,)* }

        impl $crate::profile::wire::Wire for $name {
            const KIND: $crate::profile::wire::Kind = $crate::profile::wire::Kind::Choice(&[$(($number, $text)),*]);
            fn parse(text: &str) -> Result<Self, $crate::profile::wire::Illegal> {
                match text.parse::<i32>() {
                    $(Ok($number) => Ok(Self::$variant),)*
                    Ok(_) | Err(_) => Err($crate::profile::wire::Illegal),
                }
            }
            fn show(&self) -> $crate::profile::wire::Value {
                $crate::profile::wire::Value::Int(*self as i64)
            }
        }
    };
}
pub(crate) use choice;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_one_byte_more_are_illegal() {
        assert!(Text::<4>::parse("äö").is_ok());
        for bad in ["äöa", "a\nb", "\u{7f}", "\0", "\u{85}"] {
            assert_eq!(Text::<4>::parse(bad), Err(Illegal), "{bad:?}");
        }
    }

    #[test]
    fn a_mail_address_cannot_carry_a_second_command() {
        assert!(Mail::<64>::parse("").is_ok());
        for good in ["me@example.org", "a+b.c'd/e@mail", "über@müller.example", "a@192.0.2.1"] {
            assert!(Mail::<64>::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "me",
            "@",
            "a@",
            "@b",
            "a@b>",
            "a b@c",
            "a@b,c@d",
            "a@b\r\nRCPT",
            "a@@b",
            "a..b@c",
            ".a@c",
            "a@b..c",
            "a@b.",
            "a@-b",
            "a@b_c",
            "a@b\u{a0}c",
            "a\u{2028}@b",
            "\"a\"@b",
            "a@[1.2.3.4]",
        ] {
            assert_eq!(Mail::<64>::parse(bad), Err(Illegal), "{bad:?}");
        }
    }

    #[test]
    fn a_call_goes_to_http_alone_and_without_credentials() {
        assert!(Url::<256>::parse("http://192.168.1.9:8123/api?x=1").is_ok());
        assert!(Url::<256>::parse("https://h").is_ok());
        for bad in ["ftp://h", "http://", "http:///x", "http://a:b@h/", "http://h/a b", "javascript:x", "HTTP//h"] {
            assert_eq!(Url::<256>::parse(bad), Err(Illegal), "{bad:?}");
        }
    }

    #[test]
    fn a_mac_is_neither_zero_nor_multicast() {
        assert_eq!(Mac::parse("0012a0746f01").map(|mac| mac.to_string()), Ok("0012A0746F01".into()));
        for bad in ["", "000000000000", "0112a0746f01", "0012a0746f0", "0012a0746f0g", "+012a0746f01"] {
            assert_eq!(Mac::parse(bad), Err(Illegal), "{bad:?}");
        }
    }

    #[test]
    fn no_address_reads_as_dhcp_and_shows_as_zeros() {
        assert_eq!(Ip::parse(""), Ok(Ip(None)));
        assert_eq!(Ip::parse("0.0.0.0"), Ok(Ip(None)));
        assert_eq!(Ip(None).show(), Value::Text("0.0.0.0".into()));
        assert!(Ip::parse("1.2.3").is_err() && Ip::parse("1.2.3.256").is_err());
    }

    #[test]
    fn a_secret_sent_as_its_mask_stays() {
        let mut key = Key::<12>::parse("sesame").unwrap();
        key.take(MASK).unwrap();
        assert_eq!(key.expose(), "sesame");
        key.take("").unwrap();
        assert_eq!(key.expose(), "");
    }

    #[test]
    fn no_debug_shows_a_secret() {
        let shown = format!("{:?} {:?}", Key::<12>::parse("sesame").unwrap(), Password::parse("sesame").unwrap());
        assert!(!shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn only_the_settings_file_may_bring_a_hash() {
        let hash = "$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA";
        assert_eq!(Password::parse(hash), Err(Illegal));
        assert!(matches!(Password::load(hash), Ok(Password::Hash(_))));
        assert!(matches!(Password::load("$argon2id$pw"), Ok(Password::Plain(_))), "a password may look like one");
    }
}
