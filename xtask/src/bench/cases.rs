//! The cases, each a pair of runs that take turns, and the goals of each. What the goals are measured against, and what
//! others reach, is in docs/performance.md.

use super::{feed::Feed, outcome::Figure, server::Kind, stream::Form};

/// A pair of runs that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What selects it on the command line.
    pub name: &'static str,
    /// What it is, in the table.
    pub title: &'static str,
    /// What it is measured against.
    pub reference: Run,
    /// What is measured.
    pub subject: Run,
    /// The same viewers at `videostream.asf`, with sound, measured beside the same reference.
    pub asf: Option<Run>,
    /// The figures shown, and what is asked of them.
    pub goals: &'static [(Figure, Goal)],
}

/// One server with one kind of load.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The server.
    pub server: Kind,
    /// Its source.
    pub feed: Feed,
    /// Whether the daemon has a microphone.
    pub sound: bool,
    /// Whether the daemon looks for motion.
    pub armed: bool,
    /// What the daemon's digital head does.
    pub head: Head,
    /// Who comes.
    pub load: Load,
}

/// What the daemon's digital head does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Shows all of the source's picture.
    Whole,
    /// Rests on 640×480 of the source's pixels.
    Rests,
    /// Goes to and fro over them.
    Patrols,
}

/// Who comes.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// Viewers of a stream.
    Watch(Watch),
    /// Clients of `snapshot.cgi`, 32 at once.
    Snapshots,
    /// Clients of `get_status.cgi`, 32 at once.
    Status,
    /// Nobody: it looks for motion in the raw server's stream.
    Nobody,
}

/// Viewers of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// How many.
    pub viewers: usize,
    /// How many more never read.
    pub stalled: usize,
    /// The size asked for, if not the source's own.
    pub resolution: Option<u8>,
    /// Over HTTPS.
    pub tls: bool,
    /// Which stream.
    pub form: Form,
}

/// What is asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// At most so many times the reference.
    Within(f64),
    /// At least so many times the reference.
    Reaches(f64),
    /// At most this, whatever the reference has.
    AtMost(f64),
    /// At least this, whatever the reference has.
    AtLeast(f64),
    /// Nothing; shown because it explains others.
    Shown,
}

use Figure::{
    Age, Cpu, CpuBlock, CpuRequest, CpuSecond, Delivered, Encodes, Held, Memory, Rate, Requests, Sound, SoundEncodes,
    Wire,
};
use Goal::{AtLeast, AtMost, Reaches, Shown, Within};

const CAMERA: Feed = Feed { bytes: 50_000, fps: 30, pin: None };
const LARGE: Feed = Feed { bytes: 200_000, fps: 30, pin: None };
const UNBOUND: Feed = Feed { bytes: 50_000, fps: 0, pin: None };
/// A snapshot is captured after the request, so 32 clients at once get at most 32 times this a second.
const QUICK: Feed = Feed { bytes: 50_000, fps: 500, pin: None };

const fn watch(viewers: usize) -> Watch {
    Watch { viewers, stalled: 0, resolution: None, tls: false, form: Form::Multipart }
}

const fn run(server: Kind, feed: Feed, load: Load) -> Run {
    Run { server, feed, sound: false, armed: false, head: Head::Whole, load }
}

const fn lookout(watch: Watch) -> Run {
    run(Kind::Lookout, CAMERA, Load::Watch(watch))
}

/// Viewers of a stream with sound.
const fn heard(feed: Feed, watch: Watch, form: Form) -> Run {
    Run { sound: true, ..run(Kind::Lookout, feed, Load::Watch(Watch { form, ..watch })) }
}

/// A case of the same load on the floor and on the daemon, and there as ASF too.
const fn beside_raw(
    name: &'static str,
    title: &'static str,
    feed: Feed,
    viewers: usize,
    goals: &'static [(Figure, Goal)],
) -> Case {
    let load = Load::Watch(watch(viewers));
    // More than this the load generator cannot take apart.
    let asf = if feed.fps > 0 && viewers * feed.bytes <= 50_000_000 {
        Some(heard(feed, watch(viewers), Form::Asf))
    } else {
        None
    };
    Case { name, title, reference: run(Kind::Raw, feed, load), subject: run(Kind::Lookout, feed, load), asf, goals }
}

/// A case of a digital head, beside the same viewers of the same source without one.
const fn turned(name: &'static str, title: &'static str, head: Head) -> Case {
    let whole = run(Kind::Lookout, LARGE, Load::Watch(watch(10)));
    let goals = &[(CpuSecond, Shown), (Encodes, Shown), (Rate, Shown)];
    Case { name, title, reference: whole, subject: Run { head, ..whole }, asf: None, goals }
}

/// The cases, in the order of the table.
pub const CASES: &[Case] = &[
    beside_raw(
        "1",
        "1 viewer, 50 KB, 30 fps",
        CAMERA,
        1,
        &[(Cpu, Within(1.3)), (Age, Within(1.5)), (Delivered, AtLeast(100.0)), (Sound, Shown), (Wire, Shown)],
    ),
    beside_raw(
        "10",
        "10 viewers, 50 KB, 30 fps",
        CAMERA,
        10,
        &[(Cpu, Shown), (Age, Shown), (Delivered, AtLeast(100.0)), (Sound, Shown)],
    ),
    beside_raw(
        "100",
        "100 viewers, 50 KB, 30 fps",
        CAMERA,
        100,
        &[
            (Cpu, Within(1.2)),
            (Age, Shown),
            (Memory, Shown),
            (Delivered, AtLeast(100.0)),
            (Sound, Shown),
            (Wire, Shown),
        ],
    ),
    beside_raw(
        "1000",
        "1000 viewers, 50 KB, 30 fps",
        CAMERA,
        1000,
        &[(Cpu, Within(1.2)), (Age, Within(2.0)), (Memory, AtMost(16.0)), (Delivered, AtLeast(100.0)), (Sound, Shown)],
    ),
    beside_raw("large", "500 viewers, 200 KB, 30 fps", LARGE, 500, &[(Cpu, Shown), (Age, Shown), (Delivered, Shown)]),
    beside_raw("fast", "100 viewers, 50 KB, as fast as it goes", UNBOUND, 100, &[(Rate, Reaches(0.8)), (Cpu, Shown)]),
    Case {
        name: "stalled",
        title: "100 viewers with 500 stalled ones beside them, against none",
        reference: lookout(watch(100)),
        subject: lookout(Watch { stalled: 500, ..watch(100) }),
        asf: None,
        goals: &[
            (Cpu, Within(1.1)),
            (Age, Within(1.1)),
            (Delivered, AtLeast(100.0)),
            (Held, AtMost(2.0)),
            (Memory, Shown),
        ],
    },
    Case {
        name: "resized",
        title: "100 viewers of a second size, against one",
        reference: lookout(Watch { resolution: Some(8), ..watch(1) }),
        subject: lookout(Watch { resolution: Some(8), ..watch(100) }),
        asf: None,
        goals: &[(Encodes, AtMost(1.02)), (Cpu, Shown), (Rate, Shown)],
    },
    Case {
        name: "https",
        title: "100 HTTPS viewers, 50 KB, 30 fps",
        reference: run(Kind::RawTls, CAMERA, Load::Watch(Watch { tls: true, ..watch(100) })),
        subject: lookout(Watch { tls: true, ..watch(100) }),
        asf: Some(heard(CAMERA, Watch { tls: true, ..watch(100) }, Form::Asf)),
        goals: &[(Cpu, Within(1.3)), (Age, Shown), (Memory, Shown), (Delivered, AtLeast(100.0)), (Sound, Shown)],
    },
    Case {
        name: "sound",
        title: "100 viewers of .asf with sound, against 100 of .asf without a microphone",
        reference: Run { sound: false, ..heard(CAMERA, watch(100), Form::Asf) },
        subject: heard(CAMERA, watch(100), Form::Asf),
        asf: None,
        goals: &[(Cpu, Shown), (Age, Shown), (CpuSecond, Shown), (Sound, AtLeast(100.0))],
    },
    Case {
        name: "heard",
        title: "100 viewers of .asf, against one",
        reference: heard(CAMERA, watch(1), Form::Asf),
        subject: heard(CAMERA, watch(100), Form::Asf),
        asf: None,
        goals: &[(SoundEncodes, AtMost(1.05)), (CpuSecond, Shown), (Sound, AtLeast(100.0))],
    },
    Case {
        name: "listeners",
        title: "100 listeners of audio.wav, against one",
        reference: heard(CAMERA, watch(1), Form::Wav),
        subject: heard(CAMERA, watch(100), Form::Wav),
        asf: None,
        goals: &[
            (SoundEncodes, AtMost(1.05)),
            (CpuSecond, Shown),
            (CpuBlock, Shown),
            (Memory, Shown),
            (Sound, AtLeast(100.0)),
        ],
    },
    Case {
        name: "motion",
        title: "looking for motion, nobody watches, 640×480, 50 KB, 30 fps",
        reference: run(Kind::Motion, CAMERA, Load::Nobody),
        subject: run(Kind::Lookout, CAMERA, Load::Nobody),
        asf: None,
        goals: &[(CpuSecond, Within(0.125))],
    },
    Case {
        name: "armed",
        title: "100 viewers with motion armed, against disarmed",
        reference: lookout(watch(100)),
        subject: Run { armed: true, ..lookout(watch(100)) },
        asf: None,
        goals: &[(CpuSecond, Shown), (Age, Within(1.1)), (Delivered, AtLeast(100.0))],
    },
    turned("head", "10 viewers of a resting window of 640×480, against all of 1920×1080, 200 KB, 30 fps", Head::Rests),
    turned(
        "patrol",
        "10 viewers of a window of 640×480 that moves, against all of 1920×1080, 200 KB, 30 fps",
        Head::Patrols,
    ),
    Case {
        name: "snapshot",
        title: "snapshots of 50 KB, 32 at once, source at 500 fps",
        reference: run(Kind::Nginx, QUICK, Load::Snapshots),
        subject: run(Kind::Lookout, QUICK, Load::Snapshots),
        asf: None,
        goals: &[(Requests, Reaches(0.5)), (CpuRequest, Shown)],
    },
    Case {
        name: "status",
        title: "get_status.cgi, 32 at once, a connection each",
        reference: run(Kind::Hello, CAMERA, Load::Status),
        subject: run(Kind::Lookout, CAMERA, Load::Status),
        asf: None,
        goals: &[(Requests, Reaches(0.5)), (CpuRequest, Shown)],
    },
];

impl Case {
    /// Sets another version of the daemon beside the daemon, where there are viewers.
    pub fn beside_another_version(self) -> Self {
        match self.subject.load {
            Load::Watch(_) => Self { reference: Run { server: Kind::Before, ..self.subject }, asf: None, ..self },
            Load::Snapshots | Load::Status | Load::Nobody => self,
        }
    }
}

impl Goal {
    /// Returns what is asked beside this server: of another version of the daemon nobody knows how good it was.
    pub fn beside(self, server: Kind) -> Self {
        match self {
            Within(_) | Reaches(_) if server == Kind::Before => Shown,
            Within(_) | Reaches(_) | AtMost(_) | AtLeast(_) | Shown => self,
        }
    }

    /// Says it in the table.
    pub fn text(self) -> String {
        match self {
            Within(times) => format!("≤ {times} ×"),
            Reaches(times) => format!("≥ {times} ×"),
            AtMost(most) => format!("≤ {most}"),
            AtLeast(least) => format!("≥ {least}"),
            Shown => String::new(),
        }
    }

    /// Says whether it is met by the subject's value and its ratio to the reference; `None` if that is not known or
    /// nothing is asked.
    pub fn is_met(self, subject: Option<f64>, ratio: Option<f64>) -> Option<bool> {
        match self {
            Within(times) => Some(ratio? <= times),
            Reaches(times) => Some(ratio? >= times),
            AtMost(most) => Some(subject? <= most),
            AtLeast(least) => Some(subject? >= least),
            Shown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_could_not_be_measured_is_neither_met_nor_missed() {
        assert_eq!(Within(1.2).is_met(Some(5.0), Some(1.2)), Some(true));
        assert_eq!(Reaches(0.5).is_met(Some(5.0), Some(0.49)), Some(false));
        assert_eq!(AtMost(2.0).is_met(Some(2.1), None), Some(false));
        assert_eq!(Within(1.2).is_met(Some(5.0), None), None);
        assert_eq!(Shown.is_met(Some(5.0), Some(1.0)), None);
    }

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CASES.len());
    }
}
