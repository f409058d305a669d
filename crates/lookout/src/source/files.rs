//! Pictures from files: one JPEG, a folder of them, a motion JPEG stream in a file, an AVI; all over and over again.
//!
//! A single picture and a folder are read anew each time, so what another program puts there is seen. Streams are read as
//! they play; whatever the file, memory holds a picture or two.

mod sound;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lookout_core::{
    media::{avi, frame::Grabbed, jpeg, multipart::Cutter},
    port::{Lost, Microphone, Promise, Source, Wanted},
};
use tokio::{
    fs::{self, File},
    io::AsyncReadExt,
    sync::watch,
    time::Instant,
};

use self::sound::{Ear, Lap};
use super::pace::{self, Pace};
use crate::sandbox;

/// The most pictures of a folder that are shown.
const MOST_FILES: usize = 100_000;

/// Opens what is at `path`; AVI plays at its own rate, everything else at the wanted one.
///
/// # Errors
/// When there is nothing, or nothing of a known kind.
pub async fn open(path: &Path, wanted: Wanted) -> Result<Box<dyn Source>, Lost> {
    let met = fs::metadata(path).await.map_err(|error| unreadable(path, &error))?;
    let kind = if met.is_dir() {
        Kind::Folder { left: Vec::new() }
    } else if met.is_file() {
        kind_of(path).await?
    } else {
        return Err(Lost(format!("{} is neither a file nor a folder", path.display())));
    };
    let (path, pace, buffer) = (path.to_owned(), Pace::wanted(wanted), Vec::new());
    let mut files = Files { path, kind, pace, first: None, laps: watch::Sender::new(None), shown: 0, buffer };
    // What cannot be shown at all is said now.
    files.first = Some(files.next().await?);
    if let Kind::Avi(tape) = &files.kind
        && let Some(why) = tape.reader.unheard()
    {
        tracing::warn!("the sound of {} is not known and left out: {why}", files.path.display());
    }
    Ok(Box::new(files))
}

/// A file or folder that is played.
struct Files {
    path: PathBuf,
    kind: Kind,
    pace: Pace,
    /// The picture by which it was found that there is one.
    first: Option<Bytes>,
    /// The time round that is played, for the sound.
    laps: watch::Sender<Option<Lap>>,
    /// How many pictures of it were shown.
    shown: u32,
    buffer: Vec<u8>,
}

enum Kind {
    Single,
    Folder {
        /// What is still to be shown this time round, the next one last.
        left: Vec<PathBuf>,
    },
    Stream(Tape<Cutter>),
    Avi(Tape<avi::Reader>),
}

/// A file that is read on and on.
struct Tape<R> {
    file: Option<File>,
    reader: R,
    /// Whether a picture was seen this time round: a file without one must not be read for ever.
    seen: bool,
    /// Counts the times round.
    lap: u64,
    /// The picture that was seen last, where it may be repeated.
    last: Bytes,
}

impl<R: Default> Tape<R> {
    fn new() -> Self {
        Self { file: None, reader: R::default(), seen: true, lap: 0, last: Bytes::new() }
    }

    /// Feeds the reader the file's next bytes; at its end, begins again.
    async fn read(&mut self, path: &Path, buffer: &mut Vec<u8>, feed: fn(&mut R, &[u8])) -> Result<(), Lost> {
        buffer.resize(64 << 10, 0);
        let file = match &mut self.file {
            Some(file) => file,
            None if !self.seen => return Err(Lost(format!("{} holds no picture", path.display()))),
            None => {
                (self.reader, self.seen) = (R::default(), false);
                self.lap += 1;
                self.file.insert(File::open(path).await.map_err(|error| unreadable(path, &error))?)
            }
        };
        match file.read(buffer).await.map_err(|error| unreadable(path, &error))? {
            0 => self.file = None,
            length => feed(&mut self.reader, &buffer[..length]),
        }
        Ok(())
    }
}

impl Files {
    /// Reads the next picture.
    async fn next(&mut self) -> Result<Bytes, Lost> {
        let Self { path, kind, pace, buffer, .. } = self;
        match kind {
            Kind::Single => picture(path).await,
            Kind::Folder { left } => {
                if left.is_empty() {
                    *left = pictures(path).await?;
                }
                picture(&left.pop().unwrap_or_default()).await
            }
            Kind::Stream(tape) => loop {
                if let Some(jpeg) = tape.reader.cut() {
                    tape.seen = true;
                    return Ok(jpeg);
                }
                tape.read(path, buffer, Cutter::feed).await?;
            },
            Kind::Avi(tape) => loop {
                match tape.reader.cut() {
                    Ok(Some(avi::Piece::Picture(jpeg))) => {
                        (tape.seen, tape.last) = (true, jpeg.clone());
                        if let Some(head) = tape.reader.head() {
                            pace.interval = head.interval;
                        }
                        return Ok(jpeg);
                    }
                    Ok(Some(avi::Piece::Repeat)) if tape.seen => return Ok(tape.last.clone()),
                    // The microphone reads the file for itself.
                    Ok(Some(avi::Piece::Repeat | avi::Piece::Sound(_))) => {}
                    Ok(None) => tape.read(path, buffer, avi::Reader::feed).await?,
                    Err(bad) if tape.seen => {
                        // A damaged end: what is before it is shown over and over.
                        tracing::debug!(%bad, "the AVI cannot be read on, it begins again");
                        tape.file = None;
                        tape.read(path, buffer, avi::Reader::feed).await?;
                    }
                    Err(bad) => return Err(Lost(format!("{}: {bad}", path.display()))),
                }
            },
        }
    }
}

impl Files {
    /// Tells the microphone when the lap began, of which a picture was due then.
    fn tell(&mut self, due: Instant) {
        let Kind::Avi(tape) = &self.kind else { return };
        let lap = *self.laps.borrow();
        self.shown = if lap.is_some_and(|lap| lap.number == tape.lap) { self.shown.saturating_add(1) } else { 0 };
        let start = due.checked_sub(self.pace.interval * self.shown).unwrap_or(due);
        let new = Some(Lap { number: tape.lap, start });
        self.laps.send_if_modified(|lap| std::mem::replace(lap, new) != new);
    }
}

impl Source for Files {
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
        Box::pin(async {
            let due = self.pace.wait().await;
            let jpeg = match self.first.take() {
                Some(jpeg) => jpeg,
                None => self.next().await?,
            };
            self.tell(due);
            Ok(pace::due(jpeg, due))
        })
    }

    fn microphone(&mut self) -> Option<Box<dyn Microphone>> {
        let Kind::Avi(tape) = &self.kind else { return None };
        let sound = tape.reader.head()?.sound?;
        let first = self.laps.receiver_count() == 0;
        first.then(|| Box::new(Ear::new(self.path.clone(), sound, self.laps.subscribe())) as Box<dyn Microphone>)
    }

    fn about(&self) -> String {
        let what = match self.kind {
            Kind::Single => "picture",
            Kind::Folder { .. } => "folder of pictures",
            Kind::Stream(_) => "motion JPEG file",
            Kind::Avi(_) => "AVI file",
        };
        format!("{what} {}, {:.1} fps", self.path.display(), self.pace.interval.as_secs_f32().recip())
    }
}

/// Tells the kinds of files apart: AVI by its first bytes, a single picture by its name and first bytes.
async fn kind_of(path: &Path) -> Result<Kind, Lost> {
    let mut first = Vec::new();
    let file = File::open(path).await.map_err(|error| unreadable(path, &error))?;
    file.take(4).read_to_end(&mut first).await.map_err(|error| unreadable(path, &error))?;
    let named = |names: &[&str]| path.extension().is_some_and(|ext| names.iter().any(|n| ext.eq_ignore_ascii_case(n)));
    Ok(if first == b"RIFF" {
        Kind::Avi(Tape::new())
    } else if first.starts_with(&[0xff, 0xd8]) && !named(&["mjpg", "mjpeg"]) {
        Kind::Single
    } else {
        Kind::Stream(Tape::new())
    })
}

/// Lists the pictures of a folder, the first one last.
async fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Lost> {
    let mut entries = fs::read_dir(folder).await.map_err(|error| unreadable(folder, &error))?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(|error| unreadable(folder, &error))? {
        let path = entry.path();
        let is_jpeg = |ext: &std::ffi::OsStr| ext.eq_ignore_ascii_case("jpg") || ext.eq_ignore_ascii_case("jpeg");
        if found.len() < MOST_FILES && path.extension().is_some_and(is_jpeg) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Lost(format!("{} holds no JPEG pictures", folder.display())));
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

/// Reads one picture.
async fn picture(path: &Path) -> Result<Bytes, Lost> {
    let mut bytes = Vec::new();
    let file = File::open(path).await.map_err(|error| unreadable(path, &error))?;
    let most = jpeg::LONGEST as u64 + 1;
    file.take(most).read_to_end(&mut bytes).await.map_err(|error| unreadable(path, &error))?;
    if bytes.len() > jpeg::LONGEST {
        return Err(Lost(format!("{} is longer than 16 MiB", path.display())));
    }
    Ok(bytes.into())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Lost {
    let hidden = sandbox::hides(path);
    let path = path.display();
    Lost(if error.kind() == std::io::ErrorKind::NotFound {
        format!("there is no {path}")
    } else if hidden {
        format!("{path} is not in the sandbox: restart the service")
    } else if error.kind() == std::io::ErrorKind::PermissionDenied {
        format!("{path} may not be read")
    } else {
        format!("{path} cannot be read: {error}")
    })
}

#[cfg(test)]
mod tests {
    use lookout_core::media::frame::{Picture, Size};

    use super::*;
    use crate::source::testing::{avi, jpeg, wanted};

    const SIZES: [Size; 3] = [Size::VGA, Size::QVGA, Size::QQVGA];

    async fn grab(source: &mut Box<dyn Source>) -> Bytes {
        match source.grab().await.unwrap().picture {
            Picture::Jpeg(jpeg) => jpeg,
            Picture::Raw(_) => panic!("not a JPEG"),
        }
    }

    /// Plays a path that is to show the three pictures over and over.
    async fn shows_all_twice(path: &Path) -> String {
        let mut source = open(path, wanted(20.0)).await.unwrap();
        for size in SIZES.iter().chain(&SIZES) {
            assert_eq!(grab(&mut source).await, jpeg(*size), "{size}");
        }
        source.about()
    }

    #[tokio::test(start_paused = true)]
    async fn every_kind_is_played_over_and_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let [a, b, c] = SIZES.map(jpeg);
        std::fs::write(path("stream.mjpeg"), [&a[..], &b, &c].concat()).unwrap();
        assert!(shows_all_twice(&path("stream.mjpeg")).await.starts_with("motion JPEG file"));
        let part = |jpeg: &Bytes| [b"--b\r\nContent-Type: image/jpeg\r\n\r\n", &jpeg[..], b"\r\n"].concat();
        std::fs::write(path("dump"), [part(&a), part(&b), part(&c)].concat()).unwrap();
        assert!(shows_all_twice(&path("dump")).await.starts_with("motion JPEG file"));
        std::fs::write(path("clip.avi"), avi(25, &[&a, &b, &c])).unwrap();
        assert!(shows_all_twice(&path("clip.avi")).await.ends_with("clip.avi, 25.0 fps"));
        std::fs::create_dir(path("folder")).unwrap();
        for (name, jpeg) in [("2.JPG", &b), ("1.jpg", &a), ("3.jpeg", &c)] {
            std::fs::write(path("folder").join(name), jpeg).unwrap();
        }
        std::fs::write(path("folder/readme.txt"), "no picture").unwrap();
        assert!(shows_all_twice(&path("folder")).await.ends_with("folder, 20.0 fps"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_picture_is_read_anew_at_the_wanted_rate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webcam.jpg");
        std::fs::write(&path, jpeg(Size::VGA)).unwrap();
        let mut source = open(&path, wanted(5.0)).await.unwrap();
        let begin = Instant::now();
        for _ in 0..6 {
            assert_eq!(grab(&mut source).await, jpeg(Size::VGA));
        }
        assert_eq!(begin.elapsed().as_millis(), 1000);
        std::fs::write(&path, jpeg(Size::QVGA)).unwrap();
        assert_eq!(grab(&mut source).await, jpeg(Size::QVGA));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.grab().await.unwrap_err(), Lost(format!("there is no {}", path.display())));
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_said_on_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let why = async |name: &str| match open(&path(name), wanted(5.0)).await {
            Ok(_) => panic!("{name} opens"),
            Err(Lost(why)) => why.replace(&*folder.path().to_string_lossy(), "X"),
        };
        std::fs::write(path("garbage"), vec![b'x'; 200_000]).unwrap();
        std::fs::write(path("empty"), "").unwrap();
        std::fs::write(path("sound.avi"), b"RIFF\x20\0\0\0WAVEfmt ").unwrap();
        std::fs::write(path("cut.avi"), &avi(25, &[])[..150]).unwrap();
        assert_eq!(why("missing.jpg").await, "there is no X/missing.jpg");
        assert_eq!(why("").await, "X/ holds no JPEG pictures");
        assert_eq!(why("garbage").await, "X/garbage holds no picture");
        assert_eq!(why("empty").await, "X/empty holds no picture");
        assert_eq!(why("cut.avi").await, "X/cut.avi holds no picture");
        assert_eq!(why("sound.avi").await, "X/sound.avi: not an AVI file");
        std::fs::write(path("long.jpg"), [&jpeg(Size::VGA)[..], &vec![0; 17 << 20]].concat()).unwrap();
        assert_eq!(why("long.jpg").await, "X/long.jpg is longer than 16 MiB");
    }
}
