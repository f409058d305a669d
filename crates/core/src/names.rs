//! Names of pictures that leave as files: uploads, and what is attached to mail (PROFILE 5.7, Q57).
//!
//! The bargain: whatever an alias, a setting or a clock says, a name is one name. It holds no separator and nothing that
//! could end a line of a protocol, and it ends in `.jpg`.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::profile::wire::Mac;

/// Of what a picture is, if no alarm's: a timed upload. Alarms have the number of their cause, 1 to 3.
pub const TIMED: u8 = 0;

/// A file's name, without a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Names a picture: `<ID>(<alias>)_<d>_<YYYYMMDDHHMMSS>_<seq>.jpg` (wire). `stamp` is the camera's local time; `seq`
    /// is from a [`Sequence`].
    pub fn picture(id: Mac, alias: &str, d: u8, stamp: &str, seq: u64) -> Self {
        let (alias, stamp) = (clean(alias, false), clean(stamp, false));
        Self(format!("{id}({alias})_{d}_{stamp}_{seq}.jpg"))
    }

    /// Names a picture as `ftp_filename` has it: `f.jpg` or, where more than one file take turns, `f_0.jpg` to
    /// `f_<N−1>.jpg`; none if it is empty. `turn` counts from 0. A `.jpg` that the setting has itself is not doubled.
    pub fn fixed(setting: &str, files: u32, turn: u64) -> Option<Self> {
        let setting = clean(setting.trim(), true);
        let ending = setting.len().checked_sub(4).filter(|at| setting.get(*at..).is_some_and(is_jpg));
        let stem = &setting[..ending.unwrap_or(setting.len())];
        match (stem, files) {
            ("", _) => None,
            (stem, 0 | 1) => Some(Self(format!("{stem}.jpg"))),
            (stem, files) => Some(Self(format!("{stem}_{}.jpg", turn % u64::from(files)))),
        }
    }

    /// Takes the name of a picture that was shown before; none if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let whole = !text.is_empty() && text.chars().all(|c| !separates(c)) && text.ends_with(".jpg");
        whole.then(|| Self(text.to_owned()))
    }

    /// Marks it as a picture of a drill: `drill_` before the whole name.
    pub fn of_drill(&self) -> Self {
        Self(format!("drill_{}", self.0))
    }

    /// Names what is not whole yet: `<ID>.part`, one for all pictures of a camera, so that a half one is overwritten by
    /// the next and never lies about; `use_of` tells apart what may be on its way at once.
    pub fn part(id: Mac, use_of: &str) -> Self {
        Self(format!("{id}{}.part", clean(use_of, false)))
    }

    /// Names a file that tests a server.
    pub fn test(id: Mac, mark: &str) -> Self {
        Self(format!("{id}_test_{}.txt", clean(mark, false)))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder on a server, as `ftp_dir` says it: of `/` and what is not a control character (RULES R3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(String);

impl Folder {
    /// Takes a path; none if it holds a control character, such as the end of a line.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// Returns the path; empty: where the server puts whoever logs in.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folder and those above it, the uppermost first, each to be made if it is not there.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        let ends = self.0.char_indices().filter(|(at, c)| *c == '/' && *at > 0).map(|(at, _)| at);
        let steps = ends.chain([self.0.len()]).map(|end| &self.0[..end]);
        steps.filter(|step| !step.is_empty() && !step.ends_with('/'))
    }
}

/// Numbers pictures, from 1 over the daemon's run, however they leave.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Sequence {
    /// Returns the next number.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

/// Puts `_` in the place of what a file's name cannot hold everywhere, and of control characters (PROFILE 5.7).
fn clean(text: &str, round: bool) -> String {
    let foreign = |c: char| separates(c) || ":*?\"<>|".contains(c) || (!round && "()".contains(c));
    text.chars().map(|c| if foreign(c) { '_' } else { c }).collect()
}

fn separates(c: char) -> bool {
    c.is_control() || c == '/' || c == '\\'
}

fn is_jpg(ending: &str) -> bool {
    ending.eq_ignore_ascii_case(".jpg")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: Mac = Mac([0x00, 0x60, 0x6E, 0xAB, 0xCD, 0xEF]);
    const AT: &str = "20260203040506";

    #[test]
    fn q57_a_picture_is_named_after_camera_cause_local_time_and_number() {
        let name = |alias, d, seq| FileName::picture(ID, alias, d, AT, seq).to_string();
        assert_eq!(name("ipcamera", 1, 17), "00606EABCDEF(ipcamera)_1_20260203040506_17.jpg");
        assert_eq!(name("", TIMED, 1), "00606EABCDEF()_0_20260203040506_1.jpg");
        assert_eq!(
            name("a/b\\c:d*e?f\"g<h>i|j(k)", 3, 2),
            "00606EABCDEF(a_b_c_d_e_f_g_h_i_j_k_)_3_20260203040506_2.jpg"
        );
        assert_eq!(name("Küche\r\n\u{7f}\u{85}.", 2, 3), "00606EABCDEF(Küche____.)_2_20260203040506_3.jpg");
    }

    #[test]
    fn q57_a_fixed_name_takes_turns_with_its_numbers() {
        let name = |setting, files, turn| FileName::fixed(setting, files, turn).map(|name| name.to_string());
        for (setting, files, turn, expected) in [
            ("f", 0, 9, Some("f.jpg")),
            ("f", 1, 9, Some("f.jpg")),
            ("f", 2, 0, Some("f_0.jpg")),
            ("f", 3, 5, Some("f_2.jpg")),
            ("f", 65535, u64::MAX, Some("f_0.jpg")),
            ("door.jpg", 0, 0, Some("door.jpg")),
            ("door.JPG", 2, 1, Some("door_1.jpg")),
            ("door(1)", 0, 0, Some("door(1).jpg")),
            ("../a\\b", 0, 0, Some(".._a_b.jpg")),
            (" f ", 0, 0, Some("f.jpg")),
            ("", 4, 1, None),
            (" ", 0, 1, None),
            (".jpg", 0, 1, None),
            ("jpg", 0, 1, Some("jpg.jpg")),
            ("é.jpg", 0, 1, Some("é.jpg")),
            ("aéjpg", 0, 1, Some("aéjpg.jpg")),
        ] {
            assert_eq!(name(setting, files, turn).as_deref(), expected, "{setting} {files} {turn}");
        }
    }

    #[test]
    fn what_is_no_picture_yet_is_not_named_like_one() {
        assert_eq!(FileName::part(ID, "").as_str(), "00606EABCDEF.part");
        assert_eq!(FileName::part(ID, "_drill").as_str(), "00606EABCDEF_drill.part");
        assert_eq!(FileName::test(ID, "0a1b").as_str(), "00606EABCDEF_test_0a1b.txt");
        assert_eq!(FileName("a_1.jpg".into()).of_drill().as_str(), "drill_a_1.jpg");
    }

    #[test]
    fn numbers_grow_from_1_and_none_comes_twice() {
        let sequence = Sequence::default();
        assert_eq!([sequence.next(), sequence.next(), sequence.next()], [1, 2, 3]);
    }

    #[test]
    fn a_folder_is_made_from_above() {
        let steps = |text| Folder::parse(text).unwrap().steps().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(steps("a/b/c"), ["a", "a/b", "a/b/c"]);
        assert_eq!(steps("/a//b/"), ["/a", "/a//b"]);
        assert_eq!(steps("cam 1"), ["cam 1"]);
        assert_eq!(steps("é/ü"), ["é", "é/ü"]);
        assert!(steps("").is_empty() && steps("/").is_empty() && steps("//").is_empty());
    }

    #[test]
    fn a_folder_holds_no_end_of_a_line() {
        assert!(["a\rb", "a\nb", "a\0b", "a\tb", "\x7f", "\u{85}"].iter().all(|text| Folder::parse(text).is_none()));
    }

    proptest! {
        #[test]
        fn whatever_it_is_made_of_a_name_is_one_line_without_a_path(
            alias in any::<String>(), stamp in any::<String>(), d in any::<u8>(), seq in any::<u64>(), files in any::<u32>(),
        ) {
            let names = [Some(FileName::picture(ID, &alias, d, &stamp, seq)), FileName::fixed(&alias, files, seq)];
            for name in names.into_iter().flatten() {
                let text = name.as_str();
                prop_assert!(!text.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{text:?}");
                prop_assert!(text.len() > 4 && text.ends_with(".jpg"));
                prop_assert_eq!(FileName::parse(text), Some(name.clone()));
                prop_assert!(FileName::parse(FileName::part(ID, text).as_str()).is_none());
                prop_assert!(FileName::parse(name.of_drill().as_str()).is_some());
            }
        }

        #[test]
        fn what_is_read_back_holds_no_path(text in "[ -~\\r\\n/\\\\é]{0,12}(\\.jpg)?") {
            if let Some(name) = FileName::parse(&text) {
                prop_assert!(!name.as_str().contains(['/', '\\', '\r', '\n']));
            }
        }

        #[test]
        fn every_step_of_a_folder_begins_it_and_the_last_is_the_folder(text in "[a-c/]{0,12}") {
            let folder = Folder::parse(&text).unwrap();
            let steps: Vec<_> = folder.steps().collect();
            prop_assert!(steps.iter().all(|step| text.starts_with(step)));
            prop_assert!(steps.is_sorted_by_key(|step| step.len()));
            prop_assert_eq!(steps.last().copied().unwrap_or_default(), text.trim_end_matches('/'));
        }
    }
}
