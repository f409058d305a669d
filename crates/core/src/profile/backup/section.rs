//! Our section: the settings file as text, in clear or locked.
//!
//! ```text
//! 0   "Lookout" and NUL
//! 8   version, 1
//! 9   0 in clear, 1 locked
//! 10  in clear: the text.  Locked: salt (16), nonce (12), the text encrypted and its tag (ChaCha20-Poly1305; the key is
//!     Argon2id, 7 MiB, 5 passes, 1 lane, of a password and the salt; the 38 bytes so far are authenticated with it)
//! ```
//!
//! It ends where the file ends. The text brings a checksum of its own.

use super::Refused;
use crate::profile::wire::Secret;

const MAGIC: &[u8; 8] = b"Lookout\0";
const VERSION: u8 = 1;
const CLEAR: u8 = 0;
const SEALED: u8 = 1;

/// What it takes besides the password to open a locked section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the password is hashed with; random.
    pub salt: [u8; 16],
    /// Never used twice with a key; random, as is the key.
    pub nonce: [u8; 12],
}

impl Envelope {
    /// Returns what stands before the encrypted text: it is authenticated together with it.
    pub fn head(&self) -> Vec<u8> {
        [&MAGIC[..], &[VERSION, SEALED], &self.salt, &self.nonce].concat()
    }
}

/// The section of a file.
pub enum Section {
    /// The text of the settings.
    Clear(Secret),
    /// The same, encrypted, with its tag.
    Sealed(Envelope, Vec<u8>),
}

impl Section {
    pub(super) fn write(&self, file: &mut Vec<u8>) {
        match self {
            Self::Clear(text) => {
                file.extend_from_slice(MAGIC);
                file.extend_from_slice(&[VERSION, CLEAR]);
                file.extend_from_slice(text.expose().as_bytes());
            }
            Self::Sealed(envelope, sealed) => {
                file.extend(envelope.head());
                file.extend_from_slice(sealed);
            }
        }
    }

    /// Reads what follows the vendor's blocks; none where it is not ours.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Refused> {
        let Some(bytes) = bytes.strip_prefix(MAGIC) else { return Ok(None) };
        match bytes {
            [VERSION, CLEAR, text @ ..] => {
                let text = std::str::from_utf8(text).map_err(|_| Refused::Section)?;
                Ok(Some(Self::Clear(Secret::new(text))))
            }
            [VERSION, SEALED, rest @ ..] => {
                let (salt, rest) = rest.split_first_chunk().ok_or(Refused::Section)?;
                let (nonce, sealed) = rest.split_first_chunk().ok_or(Refused::Section)?;
                Ok(Some(Self::Sealed(Envelope { salt: *salt, nonce: *nonce }, sealed.to_vec())))
            }
            [VERSION, ..] | [] => Err(Refused::Section),
            [version, ..] => Err(Refused::Version(*version)),
        }
    }
}
