//! The folder of a queue, and what is known of it in memory: the numbers and sizes of its items.

use std::{
    collections::BTreeMap,
    fs::{self, DirEntry, File},
    io::{self, Read as _},
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use lookout_core::queue;
use tokio::time::Instant;

use super::{IN_MEMORY, Item, Limits, Ticket, TooLarge};
use crate::{alarm::Link, files, metrics::AlarmCounters};

/// What is known of an item.
struct Entry {
    /// The size of its file.
    bytes: u64,
    /// When it was pushed, or found at the start.
    since: Instant,
    lies: Lies,
}

/// Where an item lies.
enum Lies {
    /// On the disk; whether it was there at the start.
    Disk { found: bool },
    /// In memory: the disk refused it.
    Memory(Item),
}

/// A queue's items, by their numbers.
pub struct Shelf {
    folder: PathBuf,
    link: Link,
    limits: Limits,
    counters: Arc<AlarmCounters>,
    entries: BTreeMap<u64, Entry>,
    next: u64,
    /// Whether the folder could be read: if not, its numbers are not known, and nothing is written there.
    readable: bool,
    /// What was done with, but could not be removed. While there is any, nothing is written: it could not be removed either.
    stuck: Vec<u64>,
    /// Whether the disk refused the last item; it is said once.
    refused: bool,
}

impl Shelf {
    /// Looks what is there.
    pub fn open(folder: PathBuf, link: Link, limits: Limits, counters: Arc<AlarmCounters>) -> Self {
        let (entries, stuck) = (BTreeMap::new(), Vec::new());
        let mut shelf =
            Self { folder, link, limits, counters, entries, next: 1, readable: true, stuck, refused: false };
        if let Err(error) = shelf.find() {
            tracing::error!("{}: {error}; what waits there waits for the next start", shelf.folder.display());
            (shelf.readable, shelf.entries) = (false, BTreeMap::new());
        }
        shelf.count();
        shelf
    }

    /// Looks through the folder. Names that are not ours are left alone.
    fn find(&mut self) -> io::Result<()> {
        let found = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        for file in found {
            let file = file?;
            match name(&file) {
                Some(Name::Half) => drop(files::remove(&file.path())),
                Some(Name::Item(number)) => self.add(number, &file)?,
                None => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, number: u64, file: &DirEntry) -> io::Result<()> {
        // A link is looked at itself, and followed by nobody.
        let about = file.metadata()?;
        self.next = self.next.max(number + 1);
        if about.is_dir() {
            return Ok(());
        }
        let entry = Entry { bytes: about.len(), since: Instant::now(), lies: Lies::Disk { found: true } };
        self.entries.insert(number, entry);
        if !about.is_file() || about.len() > self.limits.bytes {
            tracing::warn!("{}: no file of a queue, or too large for it; it is removed", file.path().display());
            self.throw_away(number);
        }
        self.make_room(Limits { items: 0, bytes: 0 });
        Ok(())
    }

    /// Puts an item behind all others.
    pub fn push(&mut self, item: Item) -> Result<(), TooLarge> {
        let preface = queue::encode(now_ms(), &item.head, &item.body);
        let size = |preface: &Vec<u8>| (preface.len() + item.body.len()) as u64;
        let Some(preface) = preface.ok().filter(|preface| size(preface) <= self.limits.bytes) else {
            self.counters.dropped(self.link.word());
            return Err(TooLarge);
        };
        let bytes = size(&preface);
        self.make_room(Limits { items: 1, bytes });
        let number = self.next;
        self.next += 1;
        let lies = match self.write(number, &[&preface, &item.body]) {
            Ok(()) => {
                self.refused = false;
                Lies::Disk { found: false }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.refused, true) {
                    tracing::warn!("{}: {error}; what waits is kept in memory", self.folder.display());
                }
                Lies::Memory(item)
            }
        };
        self.entries.insert(number, Entry { bytes, since: Instant::now(), lies });
        self.make_room_in_memory();
        self.count();
        Ok(())
    }

    fn write(&mut self, number: u64, parts: &[&[u8]]) -> io::Result<()> {
        self.unstick();
        if !self.readable || !self.stuck.is_empty() {
            return Err(io::Error::other("the folder cannot be read, or nothing be removed there"));
        }
        files::make_folder(&self.folder)?;
        files::put(&self.folder, &file(number), parts).inspect_err(|_| {
            // Its name may be there already: it must not be found at the next start beside what memory sends.
            let _ = self.unlink(number);
        })
    }

    /// Throws the oldest away until so much more fits.
    fn make_room(&mut self, more: Limits) {
        let mut bytes: u64 = self.entries.values().map(|entry| entry.bytes).sum();
        while self.entries.len() + more.items > self.limits.items || bytes + more.bytes > self.limits.bytes {
            let Some((number, entry)) = self.entries.first_key_value() else { return };
            bytes -= entry.bytes;
            self.throw_away(*number);
        }
    }

    fn make_room_in_memory(&mut self) {
        loop {
            let held = self.entries.iter().filter(|(_, entry)| matches!(entry.lies, Lies::Memory(_)));
            let held: Vec<_> = held.map(|(number, entry)| (*number, entry.bytes)).collect();
            let bytes: u64 = held.iter().map(|(_, bytes)| bytes).sum();
            match held.first() {
                Some((oldest, _)) if held.len() > IN_MEMORY.items || bytes > IN_MEMORY.bytes => {
                    self.throw_away(*oldest);
                }
                Some(_) | None => return,
            }
        }
    }

    /// Reads the oldest item that is whole and not too old.
    ///
    /// # Errors
    /// The machine has no descriptors or memory for it at the moment.
    pub fn oldest(&mut self) -> io::Result<Option<Ticket>> {
        while let Some((&number, entry)) = self.entries.first_key_value() {
            let here = entry.since.elapsed();
            let (item, found) = match &entry.lies {
                Lies::Memory(item) => (item.clone(), None),
                Lies::Disk { found } => match self.read(number) {
                    Ok(stored) => {
                        let age = found.then(|| (stored.pushed_ms, now_ms()));
                        (Item { head: stored.head, body: stored.body }, age)
                    }
                    Err(error) if starved(&error) => return Err(error),
                    Err(error) => {
                        tracing::warn!("{}: {error}; it is removed", self.folder.join(file(number)).display());
                        self.throw_away(number);
                        continue;
                    }
                },
            };
            if !queue::expired(here, found) {
                return Ok(Some(Ticket { item, number }));
            }
            tracing::warn!("{} could not be reached for two days: an alarm is not told there", self.link.word());
            self.throw_away(number);
        }
        Ok(None)
    }

    fn read(&self, number: u64) -> io::Result<queue::Stored> {
        let mut bytes = Vec::new();
        File::open(self.folder.join(file(number)))?.take(self.limits.bytes).read_to_end(&mut bytes)?;
        queue::decode(&bytes.into()).map_err(io::Error::other)
    }

    /// Removes an item and counts it.
    pub fn throw_away(&mut self, number: u64) {
        if self.remove(number) {
            self.counters.dropped(self.link.word());
        }
    }

    /// Removes an item; says whether it was still there.
    pub fn remove(&mut self, number: u64) -> bool {
        let Some(entry) = self.entries.remove(&number) else { return false };
        if let Lies::Disk { .. } = entry.lies
            && let Err(error) = self.unlink(number)
        {
            tracing::warn!("{}: {error}; what was sent may be sent again after a restart", self.folder.display());
        }
        self.count();
        true
    }

    /// Tries anew to remove what could not be removed.
    fn unstick(&mut self) {
        self.stuck.retain(|number| files::remove(&self.folder.join(file(*number))).is_err());
    }

    fn unlink(&mut self, number: u64) -> io::Result<()> {
        self.unstick();
        let removed = files::remove(&self.folder.join(file(number))).and_then(|()| files::sync(&self.folder));
        removed.inspect_err(|_| self.stuck.push(number))
    }

    fn count(&self) {
        self.counters.queued(self.link.word(), self.entries.len());
    }
}

/// A name that is ours.
enum Name {
    Item(u64),
    /// What a cut push left.
    Half,
}

fn name(file: &DirEntry) -> Option<Name> {
    let name = file.file_name().into_string().ok()?;
    let digits = |text: &str| text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    match name.strip_suffix(".new") {
        Some(number) => digits(number).then_some(Name::Half),
        None => name.parse().ok().filter(|number| digits(&name) && *number <= LAST).map(Name::Item),
    }
}

/// How long the name of an item is: all numbers have as many digits, so that a listing shows them in their order.
const DIGITS: usize = 20;

/// The highest number that is taken for one; far from where counting on would end.
const LAST: u64 = u64::MAX / 2;

fn file(number: u64) -> String {
    format!("{number:020}")
}

/// Says whether an error is the program's and not the file's.
fn starved(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
