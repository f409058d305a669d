//! Writes web packs, honest and hostile: the vendor's format and zips.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};

/// Writes a pack of the vendor's format; an entry without content is a folder.
pub fn vendor_pack(version: [u8; 4], entries: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
    let mut body = version.to_vec();
    for (name, content) in entries {
        body.extend(number(name.len()));
        body.extend(name.as_bytes());
        body.push(content.is_some().into());
        if let Some(content) = content {
            body.extend(number(content.len()));
            body.extend(*content);
        }
    }
    let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
    [&[0xbd, 0x9a, 0x0c, 0x44], &sum.to_le_bytes(), &number(body.len() + 12), &body[..]].concat()
}

/// A zip that is being written: deflated, as zip programs do on Unix.
#[derive(Default)]
pub struct Zip {
    out: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

/// What an entry of a zip says where that is not the truth.
#[derive(Clone, Copy, Default)]
pub struct Lie {
    /// The type and permissions on Unix; 0: a regular file.
    pub mode: u32,
    /// The flags: 1 is encrypted.
    pub flags: u16,
    /// The length, bytes.
    pub size: Option<u32>,
    /// What the CRC is off by.
    pub crc: u32,
    /// Where the local head is.
    pub head_at: Option<u32>,
}

impl Zip {
    /// Adds a file, or a folder if the name ends in a slash.
    pub fn file(self, name: &str, content: &[u8]) -> Self {
        self.lying(name, content, Lie::default())
    }

    /// Adds a file that lies.
    pub fn lying(mut self, name: &str, content: &[u8], lie: Lie) -> Self {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(content).unwrap();
        let packed = packer.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(content);
        let head_at = lie.head_at.unwrap_or_else(|| u32::try_from(self.out.len()).unwrap());
        let usual = if name.ends_with('/') { 0o040_755 } else { 0o100_644 };
        let mode = if lie.mode == 0 { usual } else { lie.mode };
        let common = [
            &20_u16.to_le_bytes()[..],
            &lie.flags.to_le_bytes(),
            &8_u16.to_le_bytes(),
            &[0; 4],
            &(crc.sum() ^ lie.crc).to_le_bytes(),
            &number(packed.len()),
            &lie.size.map_or(number(content.len()), u32::to_le_bytes),
            &u16::try_from(name.len()).unwrap().to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        self.out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        let rest = [&[0; 6][..], &(mode << 16).to_le_bytes(), &head_at.to_le_bytes()].concat();
        self.directory.extend([b"PK\x01\x02\x14\x03", &common[..], &rest, name.as_bytes()].concat());
        self.entries += 1;
        self
    }

    /// Ends it.
    pub fn end(self) -> Vec<u8> {
        let entries = self.entries.to_le_bytes();
        let [size, at] = [self.directory.len(), self.out.len()].map(number);
        [&self.out[..], &self.directory, b"PK\x05\x06", &[0; 4], &entries, &entries, &size, &at, &[0; 2]].concat()
    }
}

fn number(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}
