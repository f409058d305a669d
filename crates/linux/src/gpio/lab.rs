//! Lines against the kernel's simulated GPIO chip, in the virtual hardware lab (`cargo xtask lab pins`).
//!
//! There is one such chip, so the tests run one at a time.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use lookout_core::port::{InputLine as _, OutputLine as _};
use tokio::time::timeout;

use super::{
    input::{Wanted, Way},
    *,
};

const PERIOD: Duration = Duration::from_millis(60);
const WANTED: Wanted = Wanted { bias: Bias::AsIs, active_low: false, debounce: PERIOD };

/// The chip, plugged in.
struct Sim {
    chip: String,
    lines: String,
}

impl Sim {
    fn plug() -> Self {
        let said = Command::new("lab-gpio").output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let said = String::from_utf8(said.stdout).unwrap();
        let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let sim = Self { chip: value("CHIP="), lines: value("LINES=") };
        for line in 0..4 {
            sim.pull(line, false);
        }
        sim
    }

    fn unplug() {
        assert!(Command::new("lab-gpio").arg("out").status().unwrap().success());
    }

    /// Drives an input from outside.
    fn pull(&self, line: u32, high: bool) {
        fs::write(format!("{}/sim_gpio{line}/pull", self.lines), if high { "pull-up" } else { "pull-down" }).unwrap();
    }

    fn pulled(&self, line: u32) -> String {
        fs::read_to_string(format!("{}/sim_gpio{line}/pull", self.lines)).unwrap().trim().to_owned()
    }

    /// Measures a line.
    fn shows(&self, line: u32) -> bool {
        match fs::read_to_string(format!("{}/sim_gpio{line}/value", self.lines)).unwrap().trim() {
            "0" => false,
            "1" => true,
            other => panic!("{other:?}"),
        }
    }

    fn place(&self, line: u32) -> Place {
        format!("{}:{line}", self.chip).parse().unwrap()
    }
}

fn named(name: &str) -> Place {
    name.parse().unwrap()
}

async fn level(line: &mut Input) -> Result<bool, Lost> {
    timeout(Duration::from_secs(15), line.level()).await.expect("a level or an error within 15 s")
}

/// Waits until a line tells a level.
async fn until(line: &mut Input, wanted: bool) {
    let patience = Instant::now() + Duration::from_secs(15);
    while level(line).await.unwrap() != wanted {
        assert!(Instant::now() < patience, "waited in vain for {wanted}");
    }
}

async fn lost(line: &mut Input) -> Lost {
    loop {
        if let Err(lost) = level(line).await {
            return lost;
        }
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn an_input_tells_its_level_at_once_and_then_each_change_however_it_is_felt() {
    let sim = Sim::plug();
    for way in [Way::Settled, Way::Edges, Way::Polled] {
        sim.pull(0, true);
        let mut line = Input::open_by(sim.place(0), WANTED, vec![way]).await.unwrap();
        assert!(level(&mut line).await.unwrap(), "{way:?}");
        for high in [false, true, false] {
            sim.pull(0, high);
            until(&mut line, high).await;
        }
        assert_eq!(line.settled(), way == Way::Settled);
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_best_way_is_taken_and_told() {
    let sim = Sim::plug();
    let about = |debounce| {
        let place = sim.place(0);
        async move { Input::open(place, Wanted { debounce, ..WANTED }).await.unwrap().about() }
    };
    let place = format!("{}:0 \"DI1\" of lab", sim.chip);
    assert_eq!(about(PERIOD).await, format!("{place}, debounced by the kernel"));
    assert_eq!(about(Duration::ZERO).await, format!("{place}, edges told by the kernel"));
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_kernel_lets_pass_what_lasts_and_nothing_else() {
    let sim = Sim::plug();
    let mut line = Input::open(sim.place(0), WANTED).await.unwrap();
    assert!(!level(&mut line).await.unwrap());
    for _ in 0..5 {
        sim.pull(0, true);
        sim.pull(0, false);
    }
    sim.pull(0, true);
    let begin = Instant::now();
    until(&mut line, true).await;
    assert!(begin.elapsed() >= PERIOD / 2, "{:?}", begin.elapsed());
    // One edge, whatever was before it: the next thing heard is the look of a second later.
    let next = Instant::now();
    assert!(level(&mut line).await.unwrap());
    assert!(next.elapsed() > Duration::from_millis(500), "{:?}", next.elapsed());
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn edges_come_all_and_in_their_order() {
    let sim = Sim::plug();
    let mut line = Input::open(sim.place(0), Wanted { debounce: Duration::ZERO, ..WANTED }).await.unwrap();
    assert!(!level(&mut line).await.unwrap());
    for high in [true, false, true, false, true] {
        sim.pull(0, high);
        // The kernel reads the level once the interrupt has got its thread, so that a shorter pulse is none.
        thread::sleep(Duration::from_millis(20));
    }
    for high in [true, false, true, false, true] {
        assert_eq!(level(&mut line).await.unwrap(), high);
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn what_is_active_low_is_the_other_way_round() {
    let sim = Sim::plug();
    for way in [Way::Settled, Way::Edges, Way::Polled] {
        sim.pull(0, true);
        let mut line = Input::open_by(sim.place(0), Wanted { active_low: true, ..WANTED }, vec![way]).await.unwrap();
        assert!(!level(&mut line).await.unwrap(), "{way:?}");
        sim.pull(0, false);
        until(&mut line, true).await;
    }
    let mut siren = output(sim.place(1), true, true, false).await.unwrap();
    assert!(!sim.shows(1));
    siren.drive(false).await.unwrap();
    assert!(sim.shows(1));
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_chips_own_resistor_does_as_it_is_told() {
    let sim = Sim::plug();
    for (bias, high) in [(Bias::PullUp, true), (Bias::PullDown, false), (Bias::PullUp, true), (Bias::AsIs, true)] {
        let mut line = Input::open(sim.place(0), Wanted { bias, ..WANTED }).await.unwrap();
        assert_eq!(level(&mut line).await.unwrap(), high, "{bias:?}");
        assert_eq!(sim.pulled(0) == "pull-up", high, "{bias:?}");
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn lines_are_found_by_chip_label_and_name() {
    let sim = Sim::plug();
    let numbered = format!("{}:2", sim.chip);
    for place in [numbered.as_str(), &format!("/dev/{numbered}"), "lab:2", "DI2"] {
        let about = look(&named(place)).unwrap();
        assert_eq!(about, format!("{}:2 \"DI2\" of lab, free", sim.chip), "{place}");
    }
    let _held = output(named("DO2"), false, false, false).await.unwrap();
    assert_eq!(look(&named("lab:3")).unwrap(), format!("{}:3 \"DO2\" of lab, in use by lookout", sim.chip));
    assert!(chips().contains(&format!("{}  lab, 4 lines", sim.chip)), "{:?}", chips());
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn what_cannot_be_had_says_why() {
    let sim = Sim::plug();
    let why = async |place: &str| Input::open(named(place), WANTED).await.err().map(|lost| lost.0).unwrap_or_default();
    assert_eq!(why("gpiochip99:0").await, "there is no GPIO chip gpiochip99");
    assert_eq!(why("nowhere:0").await, "there is no GPIO chip nowhere");
    assert_eq!(why("DI9").await, "no chip has a line of the name DI9");
    assert_eq!(why("lab:4").await, format!("/dev/{}: it has the lines 0 to 3", sim.chip));
    let _held = output(sim.place(1), false, false, false).await.unwrap();
    let busy = format!("{}:1 \"DO1\" of lab: somebody else uses it", sim.chip);
    assert_eq!(why("DO1").await, busy);
    assert_eq!(output(named("DO1"), false, false, false).await.err().unwrap().0, busy);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn an_output_is_driven_and_rests_when_it_is_dropped() {
    let sim = Sim::plug();
    let mut line = output(sim.place(1), false, false, false).await.unwrap();
    assert!(!sim.shows(1));
    for high in [true, false, true] {
        line.drive(high).await.unwrap();
        assert_eq!(sim.shows(1), high);
    }
    // The simulated chip puts a line that nobody holds to what pulls it. So it is held once more, as it is.
    let watched = line.held.clone();
    drop(line);
    assert!(!sim.shows(1));
    drop(watched);
    let line = output(sim.place(1), false, true, true).await.unwrap();
    assert!(sim.shows(1), "at once, as it is opened");
    let watched = line.held.clone();
    drop(line);
    assert!(sim.shows(1));
    drop(watched);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn an_output_that_is_dropped_while_it_is_driven_rests_all_the_same() {
    let sim = Sim::plug();
    for _ in 0..30 {
        let mut line = output(sim.place(1), false, false, false).await.unwrap();
        let watched = line.held.clone();
        let held = watched.clone();
        let driving = thread::spawn(move || {
            for _ in 0..20 {
                held.drive(true).unwrap();
            }
        });
        line.drive(true).await.unwrap();
        drop(line);
        driving.join().unwrap();
        assert!(!sim.shows(1));
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_chip_that_is_unplugged_is_lost_and_its_lines_can_be_had_again_when_it_is_back() {
    let sim = Sim::plug();
    for way in [Way::Settled, Way::Edges, Way::Polled] {
        let mut input = Input::open_by(named("DI1"), WANTED, vec![way]).await.unwrap();
        let mut siren = output(named("DO1"), false, true, false).await.unwrap();
        assert!(!level(&mut input).await.unwrap());
        Sim::unplug();
        let begin = Instant::now();
        assert_eq!(lost(&mut input).await.0, "it was unplugged", "{way:?}");
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(siren.drive(true).await.unwrap_err().0, "it was unplugged");
        drop((input, siren));
        assert!(Input::open(named("DI1"), WANTED).await.is_err());
        Sim::plug();
    }
    drop(sim);
    let mut input = Input::open(named("DI1"), WANTED).await.unwrap();
    assert!(!level(&mut input).await.unwrap());
}
