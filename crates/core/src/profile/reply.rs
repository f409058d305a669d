//! What a command answers: `ok.`, or why not, in the profile's words (PROFILE 1.2).

/// What a command answers that succeeded: four bytes (Q1).
pub const OK: &str = "ok.\n";

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No such CGI, page or file.
    #[error("not found")]
    NotFound,
    /// A missing or illegal parameter.
    #[error("error: illegal params.")]
    IllegalParam,
    /// A POST without a multipart body.
    #[error("error: illegal http frame.")]
    IllegalFrame,
    /// It is being done already.
    #[error("error: busy.")]
    Busy,
    /// This camera cannot.
    #[error("error: not supported.")]
    NotSupported,
    /// Something in the machine refused: a full disk, say. The log has the cause.
    #[error("error: internal.")]
    Internal,
    /// A file that is damaged, cut short, or none of its kind. The journal has the reason.
    #[error("error: bad package.")]
    BadPackage,
    /// A file longer than its kind may be.
    #[error("error: too large.")]
    TooLarge,
    /// A backup that was made under another password.
    #[error("error: wrong password.")]
    WrongPassword,
    /// The machine's operator has not turned it on; the text names the key of the configuration.
    #[error("error: {0} is off.")]
    Off(&'static str),
    /// The account that asked was removed or changed meanwhile: answered as a wrong login is.
    #[error("the account is gone")]
    Gone,
    /// Nothing is shown at this hour (PROFILE 5.6).
    #[error("The camera shows nothing at this hour.")]
    Forbidden,
    /// There is no picture now; the text says why.
    #[error("{0}")]
    Unavailable(&'static str),
}

impl From<super::wire::Illegal> for Failure {
    fn from(_: super::wire::Illegal) -> Self {
        Self::IllegalParam
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_wire() {
        assert_eq!(OK.as_bytes(), b"ok.\n");
        assert_eq!(Failure::IllegalParam.to_string().len(), 22);
        assert!(!Failure::IllegalParam.to_string().ends_with('\n'));
    }
}
