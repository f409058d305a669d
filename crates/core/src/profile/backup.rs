//! `params.bin`: the vendor's header and those of its blocks that are known, then a section of our own with every
//! setting (PROFILE 5.12, ADR 0010).
//!
//! ```text
//! 0x0000  bd 9a 0c 44, u32 sum of all bytes from 0x0c, u32 size of the whole file; numbers are little-endian
//! 0x000c  the vendor's blocks (`vendor`)
//! 0x14e8  our section (`section`); a vendor's file ends here
//! ```
//!
//! Bargains: nothing of a file is used before all of it is known to be whole, and every value goes through the parser of
//! its own setting: one that is illegal, and none is taken. What stands in the vendor's blocks of our own file is for
//! other people's tools; we read our section alone. How a section is locked is the caller's; here it is only framed.

mod section;
mod vendor;

pub use section::{Envelope, Section};
pub use vendor::{Vendor, Wish};

use super::{
    change::{self, Rules},
    settings::Settings,
    stored::{self, Unusable},
    view::{Secrets, View},
    wire::Secret,
};

/// The longest file that is taken, in bytes (PROFILE 1.1).
pub const LONGEST: usize = 1 << 20;
/// What must be there before a file can be judged, in bytes.
pub const HEAD: usize = 12;

const MAGIC: [u8; 4] = [0xbd, 0x9a, 0x0c, 0x44];
const SUM: usize = 4;
const SIZE: usize = 8;

/// Why a file is not taken: the caller is answered `error: bad package.`, the log has this.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not begin as such a file.
    #[error("it is no params.bin")]
    Foreign,
    /// It has another length than it says.
    #[error("its head says {said} bytes, and {came} came")]
    Length {
        /// By its head.
        said: usize,
        /// By its end.
        came: usize,
    },
    /// Damaged.
    #[error("its checksum does not match")]
    Sum,
    /// A vendor's, but of no camera whose blocks are known.
    #[error("the blocks of a params.bin of {0} bytes are not known")]
    Layout(usize),
    /// Our section is there, but is not whole.
    #[error("its section of settings is damaged")]
    Section,
    /// Of a later version of this program.
    #[error("its section of settings has version {0}, which this camera does not know")]
    Version(u8),
    /// The settings in our section are not whole.
    #[error("its settings cannot be read: {0}")]
    Settings(#[from] Unusable),
    /// A value that the setting does not take.
    #[error("its {0} is illegal")]
    Value(&'static str),
    /// Each value is legal, but not together: see [`change::check`].
    #[error("no manager with a usable password, a name twice, a password too short, or an address without a netmask")]
    Together,
}

/// What a whole file holds.
pub enum Backup {
    /// Our settings, in clear.
    Clear(Secret),
    /// Our settings, locked.
    Sealed(Envelope, Vec<u8>),
    /// A vendor's.
    Vendor(Vendor),
}

/// Writes a file. What the vendor's blocks show is up to `secrets`: masked, they hold neither a secret nor an account.
pub fn encode(view: &View, secrets: Secrets, section: &Section) -> Vec<u8> {
    let mut file = vendor::encode(view, secrets);
    section.write(&mut file);
    let size = u32::try_from(file.len()).expect("five kilobytes, and some twenty of settings");
    file[..SUM].copy_from_slice(&MAGIC);
    file[SIZE..HEAD].copy_from_slice(&size.to_le_bytes());
    let sum = sum(&file);
    file[SUM..SIZE].copy_from_slice(&sum.to_le_bytes());
    file
}

/// Reads the length of a file off its first [`HEAD`] bytes, so that a foreign one need not be read to its end.
///
/// # Errors
/// It is none of its kind.
pub fn length(head: &[u8]) -> Result<usize, Refused> {
    let (magic, size) = (head.get(..SUM), number(head, SIZE));
    if magic != Some(&MAGIC) {
        return Err(Refused::Foreign);
    }
    size.filter(|size| *size >= vendor::LENGTH).ok_or_else(|| Refused::Layout(size.unwrap_or(0)))
}

/// Reads a file.
///
/// # Errors
/// It is damaged, cut short, or none of its kind.
pub fn decode(file: &[u8]) -> Result<Backup, Refused> {
    let said = length(file)?;
    if said != file.len() {
        return Err(Refused::Length { said, came: file.len() });
    }
    if number(file, SUM) != usize::try_from(sum(file)).ok() {
        return Err(Refused::Sum);
    }
    let (blocks, rest) = file.split_at(vendor::LENGTH);
    if rest.is_empty() {
        return Ok(Backup::Vendor(Vendor::new(blocks)));
    }
    Ok(match Section::read(rest)?.ok_or(Refused::Layout(said))? {
        Section::Clear(text) => Backup::Clear(text),
        Section::Sealed(envelope, sealed) => Backup::Sealed(envelope, sealed),
    })
}

/// Makes settings of the text of our section: those that it lacks are as from the factory, so that a file means the
/// same on every camera; those that belong to the device or to the moment stay as they are.
///
/// # Errors
/// One illegal value, or all of them together, and nothing is taken.
pub fn restore(old: &Settings, text: &Secret, rules: &Rules) -> Result<Settings, Refused> {
    let read = stored::decode(text.expose())?;
    if let Some(name) = read.illegal.first() {
        return Err(Refused::Value(name));
    }
    let new = stored::keep_own(old, read.settings);
    change::check(old, &new, rules).map_err(|_| Refused::Together)?;
    Ok(new)
}

fn sum(file: &[u8]) -> u32 {
    file[HEAD..].iter().fold(0, |sum: u32, byte| sum.wrapping_add(u32::from(*byte)))
}

fn number(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests;
