//! From a pack to a bundle: the core says what a pack may hold, this reads and writes the bytes.
//!
//! Whatever is wrong, the bundle is given up; only a whole pack that passed is ever installed.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
    ops::Range,
    os::unix::fs::FileExt as _,
};

use flate2::{Crc, read::DeflateDecoder};
use lookout_core::{
    pack::{
        BadPack,
        vendor::{self, Found},
        zip::{self, Directory, Entry},
    },
    profile::{
        commands::{self, Op, Run},
        view::Version,
    },
};

use super::{
    Refused,
    bundle::{Binder, Bundle},
    ui::Ui,
};

/// How many bytes are read at once.
const PIECE: usize = 64 * 1024;
/// The file in a zip that says its version, and the longest that it can be, bytes.
const VERSION: &str = "app_ver.txt";
const LONGEST_VERSION: u64 = 32;

/// Unpacks a pack into an empty file.
///
/// # Errors
/// It is refused; what was written is of no use.
pub fn unpack(pack: &File, into: File) -> Result<Bundle, Refused> {
    let mut magic = [0; 4];
    let mut binder = Binder::new(into);
    let version = match pack.read_exact_at(&mut magic, 0) {
        Ok(()) if magic == vendor::MAGIC => from_vendor(pack, &mut binder)?,
        Ok(()) if magic == zip::MAGIC => from_zip(pack, &mut binder)?,
        Ok(()) | Err(_) => return bad("it is neither a web pack nor a zip"),
    };
    let bundle = binder.bind(version)?;
    if Ui::start_of(&bundle).is_none() {
        return bad("it has no index.htm or index.html, at least not at its top");
    }
    Ok(bundle)
}

fn bad<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(BadPack(why.into()).into())
}

/// Begins a page, unless a request for it would never reach it; says whether it did.
fn begin(binder: &mut Binder, name: &str, length: u64) -> bool {
    let own = commands::find(&format!("/{name}")).is_some_and(|row| row.run != Run::Do(Op::File));
    if own {
        tracing::warn!("{name:?} of the web pack is left out: the camera itself answers there");
    } else {
        binder.begin(name, length);
    }
    !own
}

fn from_vendor(mut pack: &File, binder: &mut Binder) -> Result<Version, Refused> {
    pack.seek(SeekFrom::Start(0))?;
    let (mut reader, mut piece, mut wanted) = (vendor::Reader::default(), vec![0; PIECE], false);
    loop {
        let read = pack.read(&mut piece)?;
        if read == 0 {
            return Ok(reader.end()?);
        }
        let mut bytes = &piece[..read];
        while let Some(found) = reader.next(&mut bytes)? {
            match found {
                Found::File { name, size } => wanted = begin(binder, &name, size),
                Found::Content(content) if wanted => binder.write(content)?,
                Found::Content(_) => {}
            }
        }
    }
}

fn from_zip(pack: &File, binder: &mut Binder) -> Result<Version, Refused> {
    let length = pack.metadata()?.len();
    let tail = cut(pack, length.saturating_sub(zip::TAIL as u64)..length)?;
    let directory = Directory::find(&tail, length)?;
    let entries = directory.read(&cut(pack, directory.at.clone())?)?;
    let mut version = Version::default();
    for entry in &entries {
        if begin(binder, &entry.name, entry.size) {
            pour(pack, entry, |piece| binder.write(piece))?;
        }
        if entry.name == VERSION {
            version = read_version(pack, entry)?;
        }
    }
    Ok(version)
}

fn read_version(pack: &File, entry: &Entry) -> Result<Version, Refused> {
    let mut text = Vec::new();
    if entry.size <= LONGEST_VERSION {
        pour(pack, entry, |piece| {
            text.extend_from_slice(piece);
            Ok(())
        })?;
    }
    let version = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
    version.map_or_else(|| bad(format!("{VERSION} does not hold four numbers, such as 1.0.0.0")), Ok)
}

/// Unpacks a file of a zip: as many bytes as it claims, and no more.
fn pour(pack: &File, entry: &Entry, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Refused> {
    let head = cut(pack, entry.head_at..entry.head_at + zip::LOCAL as u64)?;
    let head = head.first_chunk().ok_or_else(|| BadPack("it is cut short".into()))?;
    let packed = entry.packed(head)?;
    let mut bytes = pack;
    bytes.seek(SeekFrom::Start(packed.start))?;
    let bytes = bytes.take(packed.end - packed.start);
    let mut from: Box<dyn Read> = if entry.deflated { Box::new(DeflateDecoder::new(bytes)) } else { Box::new(bytes) };
    let (mut left, mut crc, mut piece) = (entry.size, Crc::new(), vec![0; PIECE]);
    loop {
        let read = match from.read(&mut piece) {
            Ok(read) => read,
            Err(error) if error.raw_os_error().is_some() => return Err(error.into()),
            Err(_) => return bad(format!("{:?} is damaged", entry.name)),
        };
        let Some(rest) = left.checked_sub(read as u64) else {
            return bad(format!("{:?} is longer than it says", entry.name));
        };
        if read == 0 {
            break;
        }
        left = rest;
        crc.update(&piece[..read]);
        to(&piece[..read])?;
    }
    if left > 0 || crc.sum() != entry.crc {
        return bad(format!("{:?} is damaged", entry.name));
    }
    Ok(())
}

/// Reads bytes of a pack that is as long as it says.
fn cut(pack: &File, at: Range<u64>) -> Result<Vec<u8>, Refused> {
    let mut bytes = vec![0; usize::try_from(at.end - at.start).unwrap_or_default()];
    match pack.read_exact_at(&mut bytes, at.start) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bad("it is cut short"),
        read => Ok(read.map(|()| bytes)?),
    }
}
