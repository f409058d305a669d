//! Backup and restore: the file is core's, its lock is made and opened here (PROFILE 5.12, ADR 0010).
//!
//! Where secrets are masked, nobody who finds a backup shall read one: the settings in it are encrypted under a key of
//! the password of the manager who made it. So it opens on another camera, too, for whoever knows that password.

use std::{
    io,
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll},
};

use lookout_core::{
    head::Head,
    profile::{
        backup::{self, Backup, Envelope, HEAD, LONGEST, Refused as Bad, Section, Wish},
        change::Rules,
        reply::Failure,
        settings::{Settings, User},
        stored,
        view::Secrets,
        wire::{Illegal, Secret},
    },
};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use tokio::io::AsyncWrite;

use crate::{
    app::App,
    http::{self, Upload},
    password,
    store::By,
};

/// Writes all settings as a file; where secrets are masked it opens with `pwd` alone.
///
/// # Errors
/// It must be locked and the caller brought no password, or the system gives no random numbers.
pub async fn make(app: &App, settings: &Settings, pwd: Option<&str>) -> Result<Vec<u8>, Failure> {
    let text = stored::encode(settings);
    let section = match app.store.secrets() {
        Secrets::Plain => Section::Clear(Secret::new(text)),
        // Digest, the one login that brings none, exists only where secrets are plain.
        Secrets::Masked => lock(app, pwd.ok_or(Failure::NotSupported)?, text).await?,
    };
    Ok(backup::encode(&app.view(settings), app.store.secrets(), &section))
}

/// Why a backup is not taken.
pub type Refused = http::Refused<Bad>;

impl From<Bad> for Refused {
    fn from(why: Bad) -> Self {
        Self::Bad(why)
    }
}

/// Takes the settings of the file that comes, all or none; a locked one opens with `pwd` alone.
///
/// # Errors
/// - `Bad`: the file is refused.
/// - `Busy`: another one is being taken.
/// - `WrongPassword`: it was made under another one.
/// - `Internal`: the disk refused.
/// - See [`Upload::file`].
pub async fn restore(
    app: &App,
    by: &User,
    head: &Head,
    upload: Upload<'_>,
    pwd: Option<&str>,
    wish: Wish,
) -> Result<(), Refused> {
    let _one_at_a_time = app.restoring.try_lock().map_err(|_| Failure::Busy)?;
    let mut file = Intake::default();
    let came = upload.file(head, LONGEST as u64, &mut file).await;
    file.refused.map_or(Ok(()), Err)?;
    came?;
    let text = match backup::decode(&file.bytes)? {
        Backup::Vendor(vendor) => return store(app, by, move |old, rules| vendor.restore(old, wish, rules)).await,
        Backup::Clear(text) => text,
        Backup::Sealed(envelope, sealed) => open(app, pwd.ok_or(Failure::WrongPassword)?, envelope, sealed).await?,
    };
    store(app, by, move |old, rules| ours(old, &text, rules)).await
}

async fn store<D>(app: &App, by: &User, draft: D) -> Result<(), Refused>
where
    D: FnOnce(&Settings, &Rules) -> Result<Settings, Bad> + Send + 'static,
{
    let (tell, told) = mpsc::channel();
    let draft = move |old: &Settings, rules: &Rules| {
        draft(old, rules).map_err(|why| {
            // Whoever has given up waiting need not know.
            let _ = tell.send(why);
            Illegal
        })
    };
    let stored = app.store.change(By::User(by), draft).await;
    told.try_recv().map_or(Ok(()), Err)?;
    Ok(stored?)
}

fn ours(old: &Settings, text: &Secret, rules: &Rules) -> Result<Settings, Bad> {
    let new = backup::restore(old, text, rules)?;
    // Else the account's next login would fail, or take the memory that the hash asks for.
    if new.users.iter().all(|user| password::can_be_verified(&user.pwd)) { Ok(new) } else { Err(Bad::Together) }
}

async fn open(app: &App, pwd: &str, envelope: Envelope, mut sealed: Vec<u8>) -> Result<Secret, Refused> {
    let (key, nonce, head) = key(app, pwd, envelope).await?;
    // Damage was found by the sum of all bytes; what is left is another password, or another hand.
    let text = key.open_in_place(nonce, head, &mut sealed).map_err(|_| Failure::WrongPassword)?;
    Ok(std::str::from_utf8(text).map(Secret::new).map_err(|_| Bad::Section)?)
}

async fn lock(app: &App, pwd: &str, text: String) -> Result<Section, Failure> {
    let random = || Ok::<_, password::NoRandom>(Envelope { salt: password::random()?, nonce: password::random()? });
    let envelope = random().map_err(|error| {
        tracing::error!("no backup can be made: {error}");
        Failure::Internal
    })?;
    let (key, nonce, head) = key(app, pwd, envelope).await?;
    let mut sealed = text.into_bytes();
    let done = key.seal_in_place_append_tag(nonce, head, &mut sealed);
    done.expect("some kilobytes are far from what one key may encrypt");
    Ok(Section::Sealed(envelope, sealed))
}

async fn key(app: &App, pwd: &str, envelope: Envelope) -> Result<(LessSafeKey, Nonce, Aad<Vec<u8>>), Failure> {
    let key = app.doorman.key(pwd, envelope.salt).await.ok_or(Failure::Internal)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key).expect("a key of ChaCha20 has 32 bytes");
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(envelope.nonce), Aad::from(envelope.head())))
}

/// Takes a file in, and no more of it than its head announces.
#[derive(Default)]
struct Intake {
    bytes: Vec<u8>,
    refused: Option<Bad>,
}

impl Intake {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Bad> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() < HEAD {
            return Ok(());
        }
        let (said, came) = (backup::length(&self.bytes)?, self.bytes.len());
        if came > said { Err(Bad::Length { said, came }) } else { Ok(()) }
    }
}

impl AsyncWrite for Intake {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.refused = self.take(bytes).err();
        Poll::Ready(if self.refused.is_none() { Ok(bytes.len()) } else { Err(io::ErrorKind::InvalidData.into()) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
