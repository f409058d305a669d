//! Packages as bytes: signed, verified, unpacked. What stands in them is core's ([`lookout_core::upgrade`]).

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt as _,
    str::FromStr,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use lookout_core::{
    hex,
    upgrade::{
        self, BadPackage, HEAD, LONGEST,
        manifest::{self, Manifest},
        version::Version,
    },
};
use minisign_verify::{PublicKey, Signature};
use sha2::{Digest as _, Sha256};

use super::{Refused, TARGET};

/// How many bytes are read at once.
const PIECE: usize = 64 * 1024;

/// A public key of minisign's, as the second line of its file has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
    key: PublicKey,
}

impl Key {
    /// What may be written for one.
    pub const WANTED: &str = "a public key of minisign's, such as \"RWQ…\"";

    /// Returns the keys that whoever built this program pinned, which the build has looked at.
    pub fn built_in() -> Vec<Self> {
        let keys = env!("LOOKOUT_UPGRADE_KEYS").split_whitespace();
        keys.filter_map(|key| key.parse().inspect_err(|_| tracing::error!("{key}, which is built in, is no key")).ok())
            .collect()
    }
}

impl FromStr for Key {
    type Err = minisign_verify::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { text: text.to_owned(), key: PublicKey::from_base64(text)? })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn bad<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(BadPackage(why.into()).into())
}

/// Reads bytes from a place of a file; none where it ends before.
fn cut<const N: usize>(file: &File, at: u64) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// A package whose signature holds.
#[derive(Debug)]
pub struct Package<'a> {
    file: &'a File,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Where the program begins.
    program: u64,
}

impl<'a> Package<'a> {
    /// Verifies a file by pinned keys, and only then looks at what is in it.
    ///
    /// # Errors
    /// It is no package, signed by nobody who counts, or its manifest is none.
    pub fn open(file: &'a File, keys: &[Key]) -> Result<Self, Refused> {
        let mut head = [0; HEAD];
        let read = file.read_at(&mut head, 0)?;
        let length = upgrade::signature_length(&head[..read])?;
        let mut text = vec![0; length];
        if file.read_exact_at(&mut text, HEAD as u64).is_err() {
            return bad("its signature is cut short");
        }
        let signed = (HEAD + length) as u64;
        verify(file, signed, &String::from_utf8_lossy(&text), keys)?;
        let Some(length) = cut(file, signed)?.map(u32::from_le_bytes).filter(|length| *length <= manifest::LONGEST)
        else {
            return bad("its manifest has an impossible length");
        };
        let mut text = vec![0; length as usize];
        if file.read_exact_at(&mut text, signed + 4).is_err() {
            return bad("its manifest is cut short");
        }
        let manifest = Manifest::parse(&String::from_utf8_lossy(&text))?;
        Ok(Self { file, manifest, program: signed + 4 + u64::from(length) })
    }

    /// Copies the package into an empty file; when it returns it is on the disk.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn copy(&self, mut into: &File) -> io::Result<()> {
        io::copy(&mut Tail { file: self.file, at: 0 }, &mut into)?;
        into.sync_all()
    }

    /// Unpacks the program into an empty file; when it returns it is on the disk and is what the manifest says.
    ///
    /// # Errors
    /// It is not what the manifest says, or the disk refuses; what was written is of no use.
    pub fn unpack(&self, mut into: &File) -> Result<(), Refused> {
        let from = Tail { file: self.file, at: self.program };
        // Not one byte more than the manifest claims, so that the one more is noticed.
        let mut program = GzDecoder::new(from).take(self.manifest.size + 1);
        let (mut piece, mut sum, mut size) = (vec![0; PIECE], Sha256::new(), 0);
        loop {
            let read = match program.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => return bad(format!("its program cannot be unpacked: {error}")),
            };
            sum.update(&piece[..read]);
            size += read as u64;
            into.write_all(&piece[..read])?;
        }
        if size != self.manifest.size || hex::show(&sum.finalize()) != self.manifest.sha256 {
            return bad("its program is not the one that its manifest names");
        }
        Ok(into.sync_all()?)
    }
}

/// Says why a program that lies on the disk must not run: its package is not signed, or it is not that one's. This is the same
/// look as at an upload, over the files that were made of it.
///
/// # Errors
/// Why it must not.
pub fn verify_program(package: &File, mut program: &File, version: Version, keys: &[Key]) -> Result<(), Refused> {
    let manifest = Package::open(package, keys)?.manifest;
    if manifest.version != version || manifest.target != TARGET {
        return bad(format!("its package is that of {} for {}", manifest.version, manifest.target));
    }
    let (mut piece, mut sum) = (vec![0; PIECE], Sha256::new());
    loop {
        match program.read(&mut piece)? {
            0 => break,
            read => sum.update(&piece[..read]),
        }
    }
    if hex::show(&sum.finalize()) == manifest.sha256 { Ok(()) } else { bad("it is not the program that was signed") }
}

/// A file from a place on.
struct Tail<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Tail<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Says whether one of the keys signed what stands in a file from a place on.
fn verify(file: &File, from: u64, signature: &str, keys: &[Key]) -> Result<(), Refused> {
    let Ok(signature) = Signature::decode(signature) else { return bad("its signature is none of minisign's") };
    // By its number a signature names its key, so at most one of them goes on; an old one, not over a hash, with none.
    let Some(mut verifier) = keys.iter().find_map(|key| key.key.verify_stream(&signature).ok()) else {
        return bad("it is signed by no key that is pinned here");
    };
    let (mut rest, mut piece) = (Tail { file, at: from }, vec![0; PIECE]);
    loop {
        match rest.read(&mut piece)? {
            0 => break,
            read => verifier.update(&piece[..read]),
        }
    }
    match verifier.finalize() {
        Ok(()) => Ok(()),
        Err(_) => bad("its signature does not hold: it was changed behind the signing, or damaged on its way"),
    }
}

/// Makes a package of a program, with what `sign` makes of all that is signed.
///
/// # Errors
/// The program has an impossible size, or there is no signature.
pub fn pack<E: From<io::Error>>(
    program: &[u8],
    version: Version,
    target: &str,
    sign: impl FnOnce(&[u8]) -> Result<String, E>,
) -> Result<Vec<u8>, E> {
    let manifest = Manifest {
        version,
        target: target.to_owned(),
        size: program.len() as u64,
        sha256: hex::show(&Sha256::digest(program)),
    };
    let manifest = manifest.encode();
    // What no camera would take is not signed.
    Manifest::parse(&manifest).map_err(io::Error::other)?;
    let length = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
    let mut signed = GzEncoder::new([&length.to_le_bytes(), manifest.as_bytes()].concat(), Compression::best());
    signed.write_all(program)?;
    let signed = signed.finish()?;
    let head = upgrade::head(&sign(&signed)?).map_err(io::Error::other)?;
    let package = [head, signed].concat();
    if package.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("a package has {LONGEST} bytes at most")).into());
    }
    Ok(package)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use minisign::KeyPair;

    use super::*;

    const VERSION: Version = Version(0, 2, 0);

    fn key(pair: &KeyPair) -> Key {
        pair.pk.to_base64().parse().unwrap()
    }

    fn package(pair: &KeyPair, program: &[u8]) -> Vec<u8> {
        let sign = |signed: &[u8]| {
            let signature = minisign::sign(None, &pair.sk, Cursor::new(signed), None, None).unwrap();
            Ok::<_, io::Error>(signature.into_string())
        };
        pack(program, VERSION, "here", sign).unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Opens and unpacks; returns what came out.
    fn unpacked(bytes: &[u8], keys: &[Key]) -> Result<Vec<u8>, String> {
        let words = |refused: Refused| match refused {
            Refused::Bad(why) => why.0,
            Refused::Failed(failure) => panic!("{failure:?}"),
        };
        let (file, into) = (file(bytes), tempfile::tempfile().unwrap());
        let package = Package::open(&file, keys).map_err(words)?;
        assert_eq!((package.manifest.version, package.manifest.target.as_str()), (VERSION, "here"));
        package.unpack(&into).map_err(words)?;
        let mut program = Vec::new();
        Tail { file: &into, at: 0 }.read_to_end(&mut program).unwrap();
        Ok(program)
    }

    #[test]
    fn what_was_signed_by_either_pinned_key_comes_out_as_it_was() {
        let [now, next] = [(); 2].map(|()| KeyPair::generate_unencrypted_keypair().unwrap());
        let (keys, program) = ([key(&now), key(&next)], vec![7; 200_000]);
        for pair in [&now, &next] {
            assert_eq!(unpacked(&package(pair, &program), &keys).as_ref(), Ok(&program));
        }
        let other = KeyPair::generate_unencrypted_keypair().unwrap();
        assert!(unpacked(&package(&other, &program), &keys).unwrap_err().contains("no key that is pinned"));
        assert!(unpacked(&package(&now, &program), &[]).unwrap_err().contains("no key that is pinned"));
    }

    #[test]
    fn one_bit_anywhere_or_a_cut_refuses_it() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let (keys, good) = ([key(&pair)], package(&pair, b"program"));
        assert_eq!(unpacked(&good, &keys).unwrap(), b"program");
        // minisign lets a signature's first line say anything.
        let comment = HEAD..HEAD + good[HEAD..].iter().position(|byte| *byte == b'\n').unwrap();
        for at in (0..good.len()).filter(|at| !comment.contains(at)) {
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert!(unpacked(&changed, &keys).is_err(), "byte {at}");
            assert!(unpacked(&good[..at], &keys).is_err(), "cut at {at}");
        }
        let longer = [&good[..], b"x"].concat();
        assert!(unpacked(&longer, &keys).unwrap_err().contains("does not hold"));
    }

    #[test]
    fn a_program_that_is_more_than_its_manifest_says_is_refused() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let keys = [key(&pair)];
        let sign =
            |signed: &[u8]| minisign::sign(None, &pair.sk, Cursor::new(signed), None, None).unwrap().into_string();
        let claims = |size: u64, sum: &[u8], program: &[u8]| {
            let manifest =
                Manifest { version: VERSION, target: "here".into(), size, sha256: hex::show(&Sha256::digest(sum)) };
            let manifest = manifest.encode();
            let begun = [&(manifest.len() as u32).to_le_bytes(), manifest.as_bytes()].concat();
            let mut signed = GzEncoder::new(begun, Compression::fast());
            signed.write_all(program).unwrap();
            let signed = signed.finish().unwrap();
            [upgrade::head(&sign(&signed)).unwrap(), signed].concat()
        };
        assert!(unpacked(&claims(7, b"program", b"program"), &keys).is_ok());
        for (size, sum, program) in
            [(6, &b"progra"[..], &b"program"[..]), (8, b"program", b"program"), (7, b"another", b"program")]
        {
            assert!(unpacked(&claims(size, sum, program), &keys).unwrap_err().contains("not the one"), "{size}");
        }
        // A program that unpacks without an end is stopped where its claim ends.
        assert!(unpacked(&claims(7, b"program", &vec![0; 50 << 20]), &keys).unwrap_err().contains("not the one"));
    }
}
