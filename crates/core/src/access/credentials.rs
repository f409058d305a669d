//! What a request brings to log in with: HTTP Basic, or a name and a password in the query (PROFILE 1.3).
//!
//! A request may bring both, and is allowed if either is valid: the stock pages send `user=undefined&pwd=undefined`
//! beside good Basic credentials. So each road yields its own [`Credentials`], and the router tries Basic first.

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq;

use crate::{profile::commands::Login, query::Query};

/// A user name and a password, both as claimed and neither blank.
///
/// A blank password never authenticates, on any road (rule R1.1): there is no way to make one of these without. Nor can
/// either hold a control byte, which no account has and no log should meet.
///
/// Not comparable: a password is compared by its hash or by [`same_secret`].
#[derive(Clone)]
#[cfg_attr(test, derive(PartialEq, Eq))]
pub struct Credentials {
    user: String,
    pwd: String,
}

/// Padding is optional and odd last bits are ignored: hand-written clients get both wrong.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Credentials {
    /// Makes credentials, if neither part is blank or holds a control byte.
    pub fn new(user: &str, pwd: &str) -> Option<Self> {
        let fit = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        (fit(user) && fit(pwd)).then(|| Self { user: user.to_owned(), pwd: pwd.to_owned() })
    }

    /// Reads the value of an `Authorization` header, if it is a usable one of scheme Basic (RFC 7617).
    ///
    /// What is not UTF-8 is read as Latin-1, which old browsers send.
    pub fn from_basic(header: &[u8]) -> Option<Self> {
        let (scheme, token) = header.trim_ascii().split_at_checked(b"Basic".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic") || !token.first()?.is_ascii_whitespace() {
            return None;
        }
        let text = BASE64.decode(token.trim_ascii()).ok()?;
        let text =
            String::from_utf8(text).unwrap_or_else(|bad| bad.as_bytes().iter().copied().map(char::from).collect());
        let (user, pwd) = text.split_once(':')?;
        Self::new(user, pwd)
    }

    /// Reads them from a query, under the names of `login`.
    pub fn from_query(query: &Query, login: Login) -> Option<Self> {
        let (user, pwd) = login.names();
        Self::new(query.get(user)?, query.get(pwd)?)
    }

    /// Returns the claimed user name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the password in clear.
    pub fn pwd(&self) -> &str {
        &self.pwd
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Compares two secrets in a time that tells nothing but whether their lengths differ.
pub fn same_secret(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(user: &str, pwd: &str) -> Option<Credentials> {
        Credentials::new(user, pwd)
    }

    #[test]
    fn basic_is_read_in_the_forms_that_clients_send() {
        let table: &[(&[u8], Option<Credentials>)] = &[
            (b"Basic YWRtaW46c2VjcmV0", of("admin", "secret")),
            (b"bAsIc   YWRtaW46c2VjcmV0 ", of("admin", "secret")),
            (b"Basic YTpi", of("a", "b")),
            (b"Basic YTpiYw==", of("a", "bc")),
            (b"Basic YTpiYw", of("a", "bc")),
            (b"Basic YTpiOmM=", of("a", "b:c")),
            (b"Basic YTpiYx==", of("a", "bc")),
            (b"Basic YTrDqQ==", of("a", "é")),
            (b"Basic YTrp", of("a", "é")),
        ];
        for (header, wanted) in table {
            assert_eq!(&Credentials::from_basic(header), wanted, "{}", header.escape_ascii());
        }
    }

    #[test]
    fn what_is_not_basic_is_none() {
        for header in [
            &b""[..],
            b"Basic",
            b"Basic ",
            b"BasicYTpi",
            b"Bearer YTpi",
            b"Digest username=\"a\"",
            b"Basic !!!!",
            b"Basic YTpi YTpi",
            b"Basic YWRtaW4=",
            b"\xff\xff\xff\xff\xff YTpi",
        ] {
            assert_eq!(Credentials::from_basic(header), None, "{}", header.escape_ascii());
        }
    }

    #[test]
    fn a_blank_password_is_no_credentials_on_any_road() {
        assert_eq!(Credentials::from_basic(b"Basic YWRtaW46"), None); // admin:
        assert_eq!(Credentials::from_basic(b"Basic OnNlY3JldA=="), None); // :secret
        for raw in
            [&b"user=admin"[..], b"user=admin&pwd=", b"user=&pwd=x", b"pwd=x", b"user=a%00&pwd=x", b"user=a&pwd=%0a"]
        {
            assert_eq!(Credentials::from_query(&Query::parse(raw).unwrap(), Login::Query), None);
        }
    }

    #[test]
    fn user_and_pwd_are_payload_where_the_login_is_cam() {
        let query = Query::parse(b"user=mail&pwd=box&cam_user=admin&cam_pwd=secret").unwrap();
        assert_eq!(Credentials::from_query(&query, Login::Query), of("mail", "box"));
        assert_eq!(Credentials::from_query(&query, Login::Cam), of("admin", "secret"));
        let payload = Query::parse(b"user=admin&pwd=secret").unwrap();
        assert_eq!(Credentials::from_query(&payload, Login::Cam), None);
    }

    #[test]
    fn debug_shows_no_password() {
        assert_eq!(format!("{:?}", of("admin", "canary").unwrap()), r#"Credentials { user: "admin", .. }"#);
    }

    #[test]
    fn secrets_are_the_same_only_byte_for_byte() {
        assert!(same_secret(b"secret", b"secret"));
        for other in [&b""[..], b"secreT", b"secret ", b"secre"] {
            assert!(!same_secret(b"secret", other));
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header: Vec<u8>, tail in "[A-Za-z0-9+/=: ]{0,30}") {
            let _ = Credentials::from_basic(&header);
            let _ = Credentials::from_basic(format!("Basic {tail}").as_bytes());
        }

        #[test]
        fn what_a_client_encodes_is_what_is_read(user in "[^:\\pC]{1,12}", pwd in "\\PC{1,12}") {
            let header = format!("Basic {}", BASE64.encode(format!("{user}:{pwd}")));
            prop_assert_eq!(Credentials::from_basic(header.as_bytes()), of(&user, &pwd));
        }
    }
}
