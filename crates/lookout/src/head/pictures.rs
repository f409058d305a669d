//! What presets show: a small JPEG of each in the state folder.
//!
//! A file is named after its preset and the place of it, `3-32768,20000,0.jpg`: whatever else changes where a preset is,
//! such as a backup that is restored, a picture of another place is never shown. Nothing is kept of a preset that is not
//! set, and nothing larger than [`LARGEST`].

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use lookout_core::{
    profile::{
        place::Place,
        settings::Settings,
        wire::{Value, Wire as _},
    },
    ptz::{PRESETS, Preset},
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use crate::files;

/// The most bytes that a picture may have.
pub const LARGEST: usize = 64 * 1024;
/// How long a picture is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pictures of all presets.
pub struct Pictures {
    folder: PathBuf,
    /// Where each preset is, and whether there is a picture of it.
    known: Mutex<[Known; PRESETS]>,
    /// Held by whoever changes the folder, in threads that may wait for a disk.
    disk: Mutex<()>,
    /// Whether the disk refused the last one; it is said once.
    refused: AtomicBool,
}

#[derive(Clone, Copy, Default, PartialEq)]
struct Known {
    place: Place,
    there: bool,
}

impl Pictures {
    /// Looks what is there, and removes what is of no preset any more.
    pub fn open(state: &Path, settings: &Settings) -> Self {
        let folder = folder(state);
        let mut known = [Known::default(); PRESETS];
        for (known, preset) in known.iter_mut().zip(&settings.presets) {
            known.place = preset.place;
        }
        if let Err(error) = look(&folder, &mut known) {
            tracing::warn!("{}: {error}; presets have no pictures", folder.display());
            known.iter_mut().for_each(|known| known.there = false);
        }
        Self { folder, known: Mutex::new(known), disk: Mutex::default(), refused: AtomicBool::default() }
    }

    /// Says whether there is a picture of a preset at a place.
    pub fn has(&self, preset: Preset, place: Place) -> bool {
        self.known()[index(preset)] == Known { place, there: true }
    }

    /// Returns the picture of a preset at a place, if there is one.
    pub async fn read(&self, preset: Preset, place: Place) -> Option<Bytes> {
        if !self.has(preset, place) {
            return None;
        }
        let path = self.folder.join(name(index(preset), place));
        let read = spawn_blocking(move || {
            let mut bytes = Vec::new();
            File::open(path)?.take(LARGEST as u64).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        });
        timeout(PATIENCE, read).await.ok()?.ok()?.ok().map(Bytes::from)
    }

    /// Notes that a preset was set anew or forgotten, and has the picture removed that there was; nobody waits for the disk.
    /// `place` says where the preset is now, asked when nobody else notes anything.
    pub fn forget(self: &Arc<Self>, preset: Preset, place: impl FnOnce() -> Place) {
        let index = index(preset);
        let before = {
            let mut known = self.known();
            let here = Known { place: place(), there: false };
            std::mem::replace(&mut known[index], here)
        };
        drop(self.clear_away(index, before));
    }

    /// Notes where presets are by now, whoever has changed that, and has the pictures removed of where they are no more.
    /// `settings` is asked when nobody else notes anything.
    pub fn follow(self: &Arc<Self>, settings: impl FnOnce() -> Arc<Settings>) {
        let mut known = self.known();
        for (index, (known, preset)) in known.iter_mut().zip(&settings().presets).enumerate() {
            if known.place != preset.place {
                let here = Known { place: preset.place, there: false };
                drop(self.clear_away(index, std::mem::replace(known, here)));
            }
        }
    }

    fn clear_away(self: &Arc<Self>, index: usize, before: Known) -> Option<JoinHandle<()>> {
        let pictures = self.clone();
        let remove = move || {
            let _one_at_a_time = pictures.disk.lock();
            // By now there may be a newer one of the same name.
            if pictures.known()[index] != before {
                // What cannot be removed is shown no more, and looked at again at the next start.
                let _ = files::remove(&pictures.folder.join(name(index, before.place)));
            }
        };
        before.there.then(|| spawn_blocking(remove))
    }

    /// Keeps a picture of a preset, if it is still at that place; says whether it is kept.
    pub async fn put(self: &Arc<Self>, preset: Preset, place: Place, jpeg: Bytes) -> bool {
        let pictures = self.clone();
        spawn_blocking(move || pictures.write(index(preset), place, &jpeg)).await.unwrap_or(false)
    }

    fn write(&self, index: usize, place: Place, jpeg: &[u8]) -> bool {
        let _one_at_a_time = self.disk.lock();
        let is_there = || self.known()[index].place == place;
        if jpeg.len() > LARGEST || !is_there() {
            return false;
        }
        let name = name(index, place);
        let written = files::make_folder(&self.folder).and_then(|()| files::put(&self.folder, &name, &[jpeg]));
        if let Err(error) = written {
            // Its name may be there already.
            let _ = files::remove(&self.folder.join(name));
            if !self.refused.swap(true, Ordering::Relaxed) {
                tracing::warn!("{}: {error}; a preset has no picture", self.folder.display());
            }
            return false;
        }
        self.refused.store(false, Ordering::Relaxed);
        let known = &mut self.known()[index];
        if known.place != place {
            // It was set anew or forgotten meanwhile.
            let _ = files::remove(&self.folder.join(name));
            return false;
        }
        known.there = true;
        true
    }

    fn known(&self) -> MutexGuard<'_, [Known; PRESETS]> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes all pictures of presets: what the old owner saw is nothing for the next.
///
/// # Errors
/// The disk refuses.
pub fn remove(state: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder(state)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn folder(state: &Path) -> PathBuf {
    state.join("presets")
}

/// Notes which pictures are there, and removes what else looks like one.
fn look(folder: &Path, known: &mut [Known; PRESETS]) -> io::Result<()> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for file in found {
        let file = file?;
        let (is, path) = (file.file_name(), file.path());
        let wanted = (0..PRESETS).find(|index| is == *name(*index, known[*index].place));
        match wanted.filter(|index| known[*index].place != Place::None) {
            Some(index) => known[index].there = file.metadata()?.is_file(),
            None if is.to_str().is_some_and(ours) => files::remove(&path)?,
            None => {}
        }
    }
    Ok(())
}

/// Says whether a file is named as pictures and halves of them are.
fn ours(name: &str) -> bool {
    let number = name.split_once('-').map(|(number, _)| number);
    number.is_some_and(|number| number.parse::<usize>().is_ok())
        && (name.ends_with(".jpg") || name.ends_with(".jpg.new"))
}

fn name(index: usize, place: Place) -> String {
    let place = match place.show() {
        Value::Text(text) => text,
        Value::Int(_) | Value::Secret(_) | Value::Sealed(_) => String::new(),
    };
    format!("{}-{place}.jpg", index + 1)
}

/// Returns a preset's place among all.
pub fn index(preset: Preset) -> usize {
    // In range by its type.
    usize::try_from(preset.get() - 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place::At([1, 2, 3]);

    fn set(number: usize, place: Place) -> Settings {
        let mut settings = Settings::factory();
        settings.presets[number - 1].place = place;
        settings
    }

    fn preset(number: i32) -> Preset {
        Preset::parse(&number.to_string()).unwrap()
    }

    fn names(state: &Path) -> Vec<String> {
        let Ok(found) = fs::read_dir(folder(state)) else { return Vec::new() };
        let mut names: Vec<_> = found.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Waits until all is removed.
    async fn empty(state: &Path) {
        let all_gone = async {
            while !names(state).is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, all_gone).await.expect("something is left");
    }

    #[tokio::test]
    async fn a_picture_is_found_again_unless_its_preset_is_elsewhere_by_then() {
        let state = tempfile::tempdir().unwrap();
        let open = |settings: &Settings| Arc::new(Pictures::open(state.path(), settings));
        let settings = set(3, PLACE);
        let pictures = open(&settings);
        assert!(pictures.put(preset(3), PLACE, Bytes::from_static(b"jpeg")).await);
        assert!(!pictures.put(preset(4), PLACE, Bytes::from_static(b"of no preset")).await);
        let pictures = open(&settings);
        assert_eq!(pictures.read(preset(3), PLACE).await.as_deref(), Some(&b"jpeg"[..]));
        assert_eq!(pictures.read(preset(3), Place::Head).await, None);
        fs::write(folder(state.path()).join("3-9,9,9.jpg.new"), "half").unwrap();
        fs::write(folder(state.path()).join("mine.txt"), "mine").unwrap();
        assert!(!open(&set(3, Place::At([9, 9, 9]))).has(preset(3), PLACE));
        assert_eq!(names(state.path()), ["mine.txt"]);
    }

    #[tokio::test]
    async fn a_preset_that_is_set_anew_shows_its_old_picture_no_more_nor_one_that_comes_late() {
        let state = tempfile::tempdir().unwrap();
        let pictures = Arc::new(Pictures::open(state.path(), &set(1, PLACE)));
        let jpeg = || Bytes::from_static(b"old");
        assert!(pictures.put(preset(1), PLACE, jpeg()).await);
        pictures.forget(preset(1), || Place::At([4, 5, 6]));
        empty(state.path()).await;
        assert!(!pictures.put(preset(1), PLACE, jpeg()).await, "it is elsewhere now");
        assert!(pictures.put(preset(1), Place::At([4, 5, 6]), jpeg()).await);
        pictures.forget(preset(1), || Place::None);
        empty(state.path()).await;
        assert_eq!(pictures.read(preset(1), Place::At([4, 5, 6])).await, None);
    }

    #[tokio::test]
    async fn a_removal_that_comes_late_leaves_what_was_taken_anew() {
        let state = tempfile::tempdir().unwrap();
        let pictures = Arc::new(Pictures::open(state.path(), &set(1, PLACE)));
        assert!(pictures.put(preset(1), PLACE, Bytes::from_static(b"old")).await);
        let late = {
            // The disk is slow: the next picture is in the way sooner.
            let _slow = pictures.disk.lock();
            let before = std::mem::take(&mut pictures.known()[0].there);
            assert!(before);
            let late = pictures.clear_away(0, Known { place: PLACE, there: true }).unwrap();
            files::put(&pictures.folder, "1-1,2,3.jpg", &[b"new"]).unwrap();
            pictures.known()[0].there = true;
            late
        };
        late.await.unwrap();
        assert_eq!(pictures.read(preset(1), PLACE).await.as_deref(), Some(&b"new"[..]));
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_leaves_the_presets_without_pictures_and_no_half_of_one() {
        let state = tempfile::tempdir().unwrap();
        let pictures = Arc::new(Pictures::open(state.path(), &set(1, PLACE)));
        fs::write(folder(state.path()), "a file where the folder is to be").unwrap();
        assert!(!pictures.put(preset(1), PLACE, Bytes::from_static(b"jpeg")).await);
        assert!(!pictures.has(preset(1), PLACE));
        fs::remove_file(folder(state.path())).unwrap();
        assert!(!pictures.put(preset(1), PLACE, vec![0; LARGEST + 1].into()).await, "too large");
        assert!(pictures.put(preset(1), PLACE, Bytes::from_static(b"jpeg")).await, "there is room again");
        assert_eq!(names(state.path()), ["1-1,2,3.jpg"]);
        remove(state.path()).unwrap();
        remove(state.path()).unwrap();
    }
}
