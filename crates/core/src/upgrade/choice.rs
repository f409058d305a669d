//! Which version runs: the one that came with the machine, or one that was installed by the CGI and has proven itself.
//!
//! ```text
//!                 installed                 it says that it is well
//!   base ───────────────────▶ on trial n ──────────────────────────▶ proven n
//!    ▲                           │                                      │
//!    └── TRIES starts, and it never was ◀──────── STARTS in a row ──────┘
//! ```
//! Each start is counted on the disk *before* the version is called, so that one that crashes, hangs or takes the power with it is
//! counted as well. A newer base, as apt installs it, wins over what was installed before it.

/// How often a version on trial is started before it is given up.
pub const TRIES: u32 = 3;
/// How often a proven one may start without saying that it is well before the base is tried.
pub const STARTS: u32 = 10;

/// What is on the disk of an installed version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its number.
    pub serial: u32,
    /// Whether it ever said that it is well.
    pub proven: bool,
    /// How often it was started since it last said so, or was installed.
    pub starts: u32,
}

/// Which version is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The one that came with the machine.
    Base,
    /// The installed one; this is what must be on the disk first.
    Installed(Installed),
    /// The base, as the installed one is given up.
    GivenUp(u32),
}

/// Chooses, at a start of the base.
pub fn choose(base: u32, installed: Option<Installed>, downgrade: bool) -> Choice {
    let Some(installed) = installed else { return Choice::Base };
    let Installed { serial, proven, starts } = installed;
    // What was installed on purpose though it is older stays so until the base changes, which removes it.
    if serial == base || (serial < base && !downgrade) {
        return Choice::Base;
    }
    if starts >= if proven { STARTS } else { TRIES } {
        return Choice::GivenUp(serial);
    }
    Choice::Installed(Installed { starts: starts + 1, ..installed })
}

/// What is on the disk once an installed version is well.
pub fn well(installed: Installed) -> Installed {
    Installed { proven: true, starts: 0, ..installed }
}

impl Installed {
    /// One that was just installed.
    pub fn new(serial: u32) -> Self {
        Self { serial, proven: false, starts: 0 }
    }

    /// Reads a record; none from what is damaged, so that the base runs.
    pub fn decode(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let serial = words.next()?.parse().ok()?;
        let proven = match words.next()? {
            "trial" => false,
            "proven" => true,
            _ => return None,
        };
        let starts = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { serial, proven, starts })
    }

    /// Writes a record, as [`decode`](Self::decode) reads it.
    pub fn encode(self) -> String {
        format!("{} {} {}\n", self.serial, if self.proven { "proven" } else { "trial" }, self.starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts again and again, with what each start left on the disk; returns which was called.
    fn starts(base: u32, mut installed: Option<Installed>, count: usize) -> Vec<Choice> {
        let mut called = Vec::new();
        for _ in 0..count {
            let choice = choose(base, installed, false);
            match choice {
                Choice::Installed(now) => installed = Some(now),
                Choice::GivenUp(_) => installed = None,
                Choice::Base => {}
            }
            called.push(choice);
        }
        called
    }

    #[test]
    fn a_version_that_never_is_well_is_given_up_after_its_tries() {
        let called = starts(1, Some(Installed::new(2)), 5);
        let tried = |starts| Choice::Installed(Installed { serial: 2, proven: false, starts });
        assert_eq!(called, [tried(1), tried(2), tried(3), Choice::GivenUp(2), Choice::Base]);
    }

    #[test]
    fn one_that_is_well_stays_and_a_loop_of_crashes_ends_at_the_base() {
        let proven = well(Installed { serial: 2, proven: false, starts: 3 });
        assert_eq!(proven, Installed { serial: 2, proven: true, starts: 0 });
        let called = starts(1, Some(proven), STARTS as usize + 1);
        assert!(called[..STARTS as usize].iter().all(|choice| matches!(choice, Choice::Installed(_))));
        assert_eq!(called.last(), Some(&Choice::GivenUp(2)));
    }

    #[test]
    fn a_base_that_apt_made_newer_wins() {
        assert_eq!(choose(3, Some(Installed::new(2)), false), Choice::Base);
        assert_eq!(choose(3, Some(Installed::new(3)), true), Choice::Base);
        assert!(matches!(choose(3, Some(Installed::new(2)), true), Choice::Installed(_)));
        assert_eq!(choose(3, None, true), Choice::Base);
    }

    #[test]
    fn a_record_is_read_back_and_a_damaged_one_is_none() {
        for installed in
            [Installed::new(1), well(Installed::new(u32::MAX)), Installed { serial: 5, proven: true, starts: 9 }]
        {
            assert_eq!(Installed::decode(&installed.encode()), Some(installed));
        }
        for damaged in ["", "2 trial 0", "2 trial\n", "x trial 0\n", "2 well 0\n", "2 trial 0 1\n", "2 trial -1\n"] {
            assert_eq!(Installed::decode(damaged), None, "{damaged}");
        }
    }
}
