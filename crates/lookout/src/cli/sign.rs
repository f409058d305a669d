//! `lookout keygen` and `lookout sign`: for whoever builds versions that cameras install.

use std::{
    env, fs,
    io::{self, Cursor, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use lookout_core::upgrade::version::Version;
use minisign::{KeyPair, SecretKey, SecretKeyBox};

use super::{Failed, ask, failed, first_minute::say};
use crate::upgrade::{OWN, TARGET, pack};

/// What stands below the options of both.
pub const PASSWORD: &str = "\
The password of the secret key is taken from LOOKOUT_KEY_PASSWORD, else read from the terminal or from standard input;\n\
a blank one means that the key is kept as it is.";

/// Where a pair of keys goes.
#[derive(Args)]
pub struct Keygen {
    /// The file of the secret key, which must not be there; the public one is beside it, as FILE.pub.
    #[arg(long, value_name = "FILE", default_value = "lookout.key")]
    key: PathBuf,
}

impl Keygen {
    /// Makes the keys.
    pub fn make(&self) -> Result<(), Failed> {
        let public = PathBuf::from(format!("{}.pub", self.key.display()));
        let password = password("Password for the new key, blank for none")?;
        let kept = if password.is_some() { "with its password" } else { "as it is, as no password was given" };
        let pair = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
            None => KeyPair::generate_unencrypted_keypair(),
        };
        let pair = pair.map_err(failed)?;
        let secret = pair.sk.to_box(Some("lookout secret key")).map_err(failed)?;
        // The public one first: a secret key beside another one's public key would be found out late.
        write_new(&public, 0o644, pair.pk.to_box().map_err(failed)?.into_string().as_bytes())?;
        write_new(&self.key, 0o600, secret.into_string().as_bytes()).inspect_err(|_| drop(fs::remove_file(&public)))?;
        say(format_args!("secret key  {}, kept {kept}: put it where no camera is", self.key.display()));
        say(format_args!("public key  {}", public.display()));
        say(format_args!("In lookout.toml of the cameras that install what it signs:"));
        say(format_args!("  [upgrade]"));
        say(format_args!("  keys = [\"{}\"]", pair.pk.to_base64()));
        Ok(())
    }
}

/// What is signed.
#[derive(Args)]
pub struct Sign {
    /// The file of the secret key: one of `lookout keygen`, or of minisign.
    #[arg(long, value_name = "FILE", default_value = "lookout.key")]
    key: PathBuf,
    /// The program [default: this one].
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Its version, three numbers [default: this one's].
    #[arg(long, value_name = "VERSION", value_parser = |text: &str| text.parse::<Version>())]
    program_version: Option<Version>,
    /// For which machines it is, as Rust names them [default: those of this program].
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The package [default: lookout-VERSION-TRIPLE.lookout].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Sign {
    /// Makes the package.
    pub fn make(&self) -> Result<(), Failed> {
        let program = self.program.clone().map_or_else(env::current_exe, Ok).map_err(failed)?;
        let bytes = fs::read(&program).map_err(|error| failed(format!("{}: {error}", program.display())))?;
        let (version, target) = (self.program_version.unwrap_or(OWN), self.target.as_deref().unwrap_or(TARGET));
        let key = self.secret_key()?;
        let comment = format!("lookout {version} {target}");
        let package = pack(&bytes, version, target, |signed| {
            let made = minisign::sign(None, &key, Cursor::new(signed), Some(&comment), Some("lookout package"));
            made.map(|signature| signature.into_string()).map_err(io::Error::other)
        });
        let package = package.map_err(|error: io::Error| failed(error))?;
        let output = self.output.clone().unwrap_or_else(|| format!("lookout-{version}-{target}.lookout").into());
        fs::write(&output, &package).map_err(|error| failed(format!("{}: {error}", output.display())))?;
        say(format_args!("{}: version {version} for {target}, {} bytes", output.display(), package.len()));
        Ok(())
    }

    fn secret_key(&self) -> Result<SecretKey, Failed> {
        let name = self.key.display();
        let text = fs::read_to_string(&self.key).map_err(|error| failed(format!("{name}: {error}")))?;
        let read =
            || SecretKeyBox::from_string(&text).map_err(|error| failed(format!("{name} is no secret key: {error}")));
        let wrong = |error| failed(format!("{name} cannot be used: {error}"));
        // Which of both it is, only the reading of it tells.
        match read()?.into_unencrypted_secret_key() {
            Ok(key) => Ok(key),
            Err(_) => {
                read()?.into_secret_key(Some(password("Password of the key")?.unwrap_or_default())).map_err(wrong)
            }
        }
    }
}

/// Takes a password from where nobody else sees it; none where it is blank.
fn password(what: &str) -> Result<Option<String>, Failed> {
    let given = env::var("LOOKOUT_KEY_PASSWORD").map_or_else(|_| ask(what), Ok)?;
    Ok(Some(given).filter(|password| !password.is_empty()))
}

/// Writes a file that must not be there: a key that is written over is lost.
fn write_new(path: &Path, mode: u32, text: &[u8]) -> Result<(), Failed> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text)).map_err(|error| failed(format!("{}: {error}", path.display())))
}
