//! Which version runs: the one that came with the machine, or one that was installed by the CGI and has proven itself.
//!
//! ```text
//!                 installed                 it says that it is well
//!   base ───────────────────▶ on trial n ──────────────────────────▶ proven n
//!    ▲                           │                                      │
//!    └── TRIES starts, and it never was ◀──────── STARTS in a row ──────┘
//! ```
//! Each start is counted on the disk *before* the version is called, so that one that crashes, hangs or takes the power with it
//! is counted as well. Behind a version stands the one that was proven before it: it runs again where the newer one is given
//! up, and only behind that the base. A newer base, as apt installs it, wins over what was installed before it.

use super::version::Version;

/// How often a version on trial is started before it is given up.
pub const TRIES: u32 = 3;
/// How often a proven one may start in a row without saying that it is well.
pub const STARTS: u32 = 10;

/// What is on the disk of an installed version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Which it is.
    pub version: Version,
    /// Whether it ever said that it is well.
    pub proven: bool,
    /// How often it was started since it last said so, or was installed.
    pub starts: u32,
    /// The base on which it was installed: an older version that somebody installed on purpose gives way to another base only.
    pub over: Version,
}

impl Installed {
    /// Says whether it had all its starts and was not well in any of them.
    pub fn failed(&self) -> bool {
        self.starts >= if self.proven { STARTS } else { TRIES }
    }

    /// Says whether it may run on a base; `downgrade` is the wish of the machine's operator.
    fn fits(&self, base: Version, downgrade: bool) -> bool {
        (self.version > base || downgrade && self.over == base) && !self.failed()
    }
}

/// The installed versions, the one that is wanted first; behind it at most one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub Vec<Installed>);

/// What comes of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What must be on the disk first. The first of it is called, and the base where there is none.
    pub record: Record,
    /// Those that are not wanted any more: they failed, or the base has become newer.
    pub dropped: Vec<Installed>,
}

impl Record {
    /// Chooses, at a start of the base; `downgrade` says whether an older version than it may run.
    pub fn choose(&self, base: Version, downgrade: bool) -> Choice {
        let (mut kept, dropped): (Vec<Installed>, Vec<_>) =
            self.0.iter().copied().partition(|installed| installed.fits(base, downgrade));
        if let Some(first) = kept.first_mut() {
            first.starts += 1;
        }
        Choice { record: Self(kept), dropped }
    }

    /// Puts a version in front, to be tried, with the newest proven one behind it.
    #[must_use]
    pub fn installed(&self, version: Version, over: Version) -> Self {
        let new = Installed { version, proven: false, starts: 0, over };
        let behind = self.0.iter().find(|installed| installed.proven && installed.version != version);
        Self([Some(&new), behind].into_iter().flatten().copied().collect())
    }

    /// Notes that a version is well.
    #[must_use]
    pub fn well(&self, version: Version) -> Self {
        let note = |installed: &Installed| match installed.version == version {
            true => Installed { proven: true, starts: 0, ..*installed },
            false => *installed,
        };
        Self(self.0.iter().map(note).collect())
    }

    /// Takes a start back: of a version that was asked to end while it was well, which says nothing against it.
    #[must_use]
    pub fn uncounted(&self, version: Version) -> Self {
        let take = |installed: &Installed| match installed.version == version {
            true => Installed { starts: installed.starts.saturating_sub(1), ..*installed },
            false => *installed,
        };
        Self(self.0.iter().map(take).collect())
    }

    /// Leaves a version out.
    #[must_use]
    pub fn without(&self, version: Version) -> Self {
        Self(self.0.iter().filter(|installed| installed.version != version).copied().collect())
    }

    /// Says whether there is a version that never was well.
    pub fn has_trial(&self) -> bool {
        self.0.iter().any(|installed| !installed.proven)
    }

    /// Reads a record. Damaged lines are passed over, so that at worst the base runs.
    pub fn decode(text: &str) -> Self {
        Self(text.split_inclusive('\n').filter_map(line).take(2).collect())
    }

    /// Writes a record, as [`decode`](Self::decode) reads it.
    pub fn encode(&self) -> String {
        let line = |Installed { version, proven, starts, over }: &Installed| {
            format!("{version} {} {starts} over {over}\n", if *proven { "proven" } else { "trial" })
        };
        self.0.iter().map(line).collect()
    }
}

/// Reads a version's line.
fn line(text: &str) -> Option<Installed> {
    let [version, state, starts, "over", over] = text.strip_suffix('\n')?.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let proven = match state {
        "trial" => false,
        "proven" => true,
        _ => return None,
    };
    Some(Installed { version: version.parse().ok()?, proven, starts: starts.parse().ok()?, over: over.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Version = Version(0, 1, 0);
    const OLD: Version = Version(0, 2, 0);
    const NEW: Version = Version(0, 3, 0);

    impl Choice {
        /// Returns which installed version is called; none for the base.
        fn run(&self) -> Option<Version> {
            self.record.0.first().map(|first| first.version)
        }
    }

    fn first(version: Version) -> Record {
        Record::default().installed(version, BASE)
    }

    /// Starts again and again, with what each start left on the disk; returns which was called.
    fn starts(mut record: Record, count: usize) -> Vec<Option<Version>> {
        let start = || {
            let choice = record.choose(BASE, true);
            let run = choice.run();
            record = choice.record;
            run
        };
        std::iter::repeat_with(start).take(count).collect()
    }

    #[test]
    fn a_version_that_never_is_well_is_given_up_after_its_tries() {
        assert_eq!(starts(first(NEW), 5), [Some(NEW), Some(NEW), Some(NEW), None, None]);
        let record = Record(vec![Installed { version: NEW, proven: false, starts: TRIES, over: BASE }]);
        let given_up = record.choose(BASE, true);
        assert_eq!((given_up.record, given_up.dropped), (Record::default(), record.0));
    }

    #[test]
    fn one_that_is_well_stays_and_a_loop_of_crashes_ends_at_the_base() {
        let record = first(NEW).choose(BASE, true).record.well(NEW);
        assert_eq!(record.0, [Installed { version: NEW, proven: true, starts: 0, over: BASE }]);
        let called = starts(record, STARTS as usize + 1);
        assert!(called[..STARTS as usize].iter().all(|run| *run == Some(NEW)));
        assert_eq!(called.last(), Some(&None));
    }

    #[test]
    fn restarts_that_somebody_asks_for_are_no_failures() {
        let mut record = first(NEW);
        for _ in 0..20 {
            let choice = record.choose(BASE, true);
            assert_eq!(choice.run(), Some(NEW));
            record = choice.record.uncounted(NEW);
        }
        assert_eq!(record, first(NEW));
        assert_eq!(record.uncounted(NEW).uncounted(OLD), first(NEW));
    }

    #[test]
    fn the_version_before_comes_back_and_only_behind_it_the_base() {
        let record = first(OLD).well(OLD).installed(NEW, BASE);
        let called = starts(record, 14);
        assert!(called[..3].iter().all(|run| *run == Some(NEW)) && called[3..13].iter().all(|run| *run == Some(OLD)));
        assert_eq!(called[13], None);
        // What never proved itself is nothing to come back to.
        assert_eq!(first(OLD).installed(NEW, BASE).0.len(), 1);
        // Two are kept: the third is the base.
        let third = first(OLD).well(OLD).installed(NEW, BASE).well(NEW).installed(Version(0, 4, 0), BASE);
        assert_eq!(third.0.iter().map(|installed| installed.version).collect::<Vec<_>>(), [Version(0, 4, 0), NEW]);
    }

    #[test]
    fn a_base_that_apt_made_newer_wins_and_a_step_back_on_purpose_lasts_until_then() {
        assert_eq!(first(NEW).choose(Version(0, 3, 0), true).run(), None);
        assert_eq!(first(NEW).choose(Version(0, 4, 0), true).run(), None);
        assert_eq!(first(NEW).choose(Version(0, 2, 9), true).run(), Some(NEW));
        let back = Record::default().installed(OLD, NEW);
        assert_eq!(back.choose(NEW, true).run(), Some(OLD));
        assert_eq!(back.choose(Version(0, 3, 1), true).run(), None);
        assert_eq!(back.choose(NEW, false).run(), None, "nobody allows it any more");
    }

    #[test]
    fn a_record_is_read_back_and_damaged_lines_are_none() {
        let record = first(OLD).well(OLD).installed(NEW, BASE);
        assert_eq!(Record::decode(&record.encode()), record);
        assert!(record.has_trial() && !record.well(NEW).has_trial());
        assert_eq!(record.without(NEW), first(OLD).well(OLD));
        for damaged in [
            "",
            "0.2.0 trial 0 over 0.1.0",
            "0.2.0 trial 0\n",
            "x trial 0 over 0.1.0\n",
            "0.2.0 well 0 over 0.1.0\n",
            "0.2.0 trial -1 over 0.1.0\n",
            "0.2.0 trial 0 over 0.1.0 \n",
        ] {
            assert_eq!(Record::decode(damaged), Record::default(), "{damaged}");
        }
        assert_eq!(Record::decode(&format!("0.2.0 tri\n{}", first(NEW).encode())), first(NEW));
    }
}
