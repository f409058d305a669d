//! The web UI: the built-in one, or an installed web pack (PROFILE 5.11, RULES R2.1, R9.3, R9.4, ADR 0014).
//!
//! The setting `web_pack` names the pack that is installed, and saving it is the switch: before that save the old UI is
//! whole, behind it the new one is. Whatever lies in the folder `web` and is not named there is left of a cut
//! installation, and the next start removes it (F14).
//!
//! ```text
//! upload ─▶ web/upload, no name any more ─▶ web/new ─ fsync ─▶ web/SHA-256 ─▶ `web_pack` saved ─▶ the old one removed
//! ```

mod bundle;
mod ui;
mod unpack;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use lookout_core::{
    head::Head,
    pack::{self, BadPack},
    profile::{
        reply::Failure,
        settings::{Settings, User},
        wire::{Text, Wire as _},
    },
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use self::bundle::Bundle;
pub use ui::Ui;

use crate::{
    files::{self, Temporary},
    http::{self, Upload},
    store::{By, Store},
};

/// Where packs lie in the state folder.
const FOLDER: &str = "web";
/// A pack that comes in, for the moment in which it has a name, and one that is being unpacked.
const UPLOAD: &str = "upload";
const NEW: &str = "new";

/// The web UI in force, and how another one takes its place.
pub struct Web {
    folder: PathBuf,
    /// Whether the machine's operator allows packs (RULES R9.4).
    packs: bool,
    store: Arc<Store>,
    now: RwLock<Arc<Ui>>,
    /// Held from the first byte of an upload to the end of its installation.
    door: Arc<Mutex<()>>,
    /// Held while setting and UI change together.
    switch: Mutex<()>,
}

/// Why a pack is not taken.
pub type Refused = http::Refused<BadPack>;

impl From<BadPack> for Refused {
    fn from(why: BadPack) -> Self {
        Self::Bad(why)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Failed(not_stored(error))
    }
}

/// A pack that was unpacked and checked and is not installed; dropping it removes it.
pub struct New {
    ui: Ui,
    id: String,
    file: Temporary,
    _door: OwnedMutexGuard<()>,
}

impl New {
    /// Returns what would be shown.
    pub fn ui(&self) -> &Ui {
        &self.ui
    }
}

impl Web {
    /// Opens the pack that the settings name, and removes what they do not. A damaged pack is told in the log, and the
    /// built-in UI is shown.
    pub fn open(state: &Path, store: Arc<Store>, packs: bool) -> Self {
        let folder = state.join(FOLDER);
        let installed = tidy(&folder, store.get().web_pack.as_str());
        let ui = match installed {
            Some(_) if !packs => {
                tracing::info!("a web pack is installed, but web.packs is off: the built-in web UI is shown");
                Ui::BuiltIn
            }
            Some(Ok(bundle)) => Ui::Pack(bundle),
            Some(Err(error)) => {
                tracing::error!("the installed web pack cannot be used ({error}): the built-in web UI is shown");
                Ui::BuiltIn
            }
            None => Ui::BuiltIn,
        };
        let (now, door, switch) = (RwLock::new(Arc::new(ui)), Arc::default(), Mutex::default());
        Self { folder, packs, store, now, door, switch }
    }

    /// Returns the UI in force.
    pub fn now(&self) -> Arc<Ui> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a pack in and unpacks it beside the UI in force.
    ///
    /// # Errors
    /// - `Bad`: the pack is refused.
    /// - `Off`: the machine's operator does not allow packs; nothing was read.
    /// - `Busy`: another one is coming in.
    /// - Those of [`Upload::file`].
    pub async fn unpack(&self, head: &Head, upload: Upload<'_>) -> Result<New, Refused> {
        if !self.packs {
            return Err(Failure::Off("web.packs").into());
        }
        let door = self.door.clone().try_lock_owned().map_err(|_| Failure::Busy)?;
        let mut file = tokio::fs::File::from_std(files::nameless(&self.folder, UPLOAD)?);
        upload.file(head, pack::LONGEST, &mut file).await?;
        let (file, folder) = (file.into_std().await, self.folder.clone());
        let unpacked = files::blocking(move || {
            let new = Temporary(folder.join(NEW));
            let bundle = unpack::unpack(&file, files::create(&new.0)?)?;
            Ok::<_, Refused>((new, bundle))
        });
        let (file, bundle) = unpacked.await?;
        Ok(New { id: bundle.id().to_owned(), ui: Ui::Pack(bundle), file, _door: door })
    }

    /// Puts an unpacked pack in force.
    ///
    /// # Errors
    /// `Internal`: the disk refused, and the UI in force stays.
    pub async fn install(&self, by: &User, new: New) -> Result<(), Failure> {
        let (id, folder) = (new.id.clone(), self.folder.clone());
        let named = files::blocking(move || {
            fs::rename(folder.join(NEW), folder.join(id))?;
            File::open(folder)?.sync_all()
        });
        let named = named.await.map_err(not_stored);
        let New { ui, id, file, _door } = new;
        // Nothing is at its place any more, and nobody else may be yet.
        drop(file);
        match named {
            Ok(()) => self.switch(by, &id, ui).await,
            Err(failure) => {
                self.forget(&id).await;
                Err(failure)
            }
        }
    }

    /// Brings the built-in UI back.
    ///
    /// # Errors
    /// `Internal`: the disk refused, and the UI in force stays.
    pub async fn restore(&self, by: &User) -> Result<(), Failure> {
        self.switch(by, "", Ui::BuiltIn).await
    }

    /// Saves the setting, which is the moment of the switch.
    async fn switch(&self, by: &User, id: &str, ui: Ui) -> Result<(), Failure> {
        let _one = self.switch.lock().await;
        let old = self.store.get().web_pack.clone();
        let new: Text<64> = Text::parse(id)?;
        let draft = move |settings: &Settings, _: &_| Ok(Settings { web_pack: new, ..settings.clone() });
        let saved = self.store.change(By::User(by), draft).await;
        if saved.is_ok() {
            *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ui);
        }
        self.forget(if saved.is_ok() { old.as_str() } else { id }).await;
        saved
    }

    /// Removes a pack, unless the setting names it.
    async fn forget(&self, id: &str) {
        if id.is_empty() || self.store.get().web_pack.as_str() == id {
            return;
        }
        let path = self.folder.join(id);
        if let Err(error) = files::blocking(|| fs::remove_file(path)).await {
            tracing::warn!("the web pack {id} is not removed before the next start: {error}");
        }
    }
}

/// Opens the file that is named, if it is there, and removes all others.
fn tidy(folder: &Path, named: &str) -> Option<io::Result<Bundle>> {
    // A pack is named after its sum; what is no such name is no file of ours.
    let ours = named.bytes().all(|byte| byte.is_ascii_hexdigit());
    let kept: Vec<_> = (ours && !named.is_empty()).then(|| folder.join(named)).into_iter().collect();
    files::keep_only(folder, &kept);
    if named.is_empty() {
        return None;
    }
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let file = kept.first().ok_or_else(missing).and_then(File::open);
    let whole = |bundle: Bundle| if bundle.id() == named { Ok(bundle) } else { Err(io::Error::other("it is damaged")) };
    Some(file.and_then(Bundle::open).and_then(whole))
}

fn not_stored(error: io::Error) -> Failure {
    tracing::error!("a web pack cannot be stored: {error}");
    Failure::Internal
}
