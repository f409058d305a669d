//! The table: medians of all rounds, and the ratio of each pair of runs, its median with the least and the most.

use std::{fmt::Write, fs, process::Command};

use anyhow::Result;

use super::{
    cases::{Case, Run},
    outcome::{Figure, Outcome, median},
};

/// A case with what its rounds measured, reference and subject of each.
pub struct Measured {
    /// The case.
    pub case: Case,
    /// What was measured in turns.
    pub rounds: Vec<Round>,
}

/// What one round measured; anything may be missing that cannot run here.
#[derive(Default)]
pub struct Round {
    /// Beside what.
    pub reference: Option<Outcome>,
    /// The daemon.
    pub subject: Option<Outcome>,
    /// The daemon's `videostream.asf`.
    pub asf: Option<Outcome>,
}

type Side = fn(&Round) -> Option<&Outcome>;

const REFERENCE: Side = |round| round.reference.as_ref();
const SUBJECT: Side = |round| round.subject.as_ref();
const ASF: Side = |round| round.asf.as_ref();

impl Measured {
    /// Returns how many viewers failed in all runs.
    pub fn failed(&self) -> usize {
        let rounds = self.rounds.iter();
        rounds
            .flat_map(|round| [REFERENCE, SUBJECT, ASF].map(|side| side(round)))
            .flatten()
            .map(|seen| seen.failed)
            .sum()
    }

    /// Returns the median of a figure on one side.
    fn median(&self, figure: Figure, side: Side) -> Option<f64> {
        median(&mut self.rounds.iter().filter_map(|round| figure.of(side(round)?)).collect::<Vec<_>>())
    }

    /// Returns the ratios of a figure to the reference's, round by round.
    fn ratios(&self, figure: Figure, side: Side) -> Vec<f64> {
        let ratio = |round: &Round| Some(figure.of(side(round)?)? / figure.of(REFERENCE(round)?)?);
        self.rounds.iter().filter_map(ratio).filter(|ratio| ratio.is_finite()).collect()
    }
}

/// The head of the table.
const HEAD: &str = "\
| case | figure | beside | reference | Lookout | ratio (least–most) | goal | | .asf | ratio (least–most) |
|---|---|---|---|---|---|---|---|---|---|
";

/// Writes the table in Markdown.
pub fn table(measured: &[Measured]) -> String {
    let mut text = HEAD.to_owned();
    for measured in measured {
        let case = measured.case;
        for (at, &(figure, goal)) in case.goals.iter().enumerate() {
            let value = |side| measured.median(figure, side);
            let (reference, subject, asf) = (value(REFERENCE), value(SUBJECT), value(ASF));
            if at > 0 && reference.or(subject).or(asf).is_none() {
                continue;
            }
            let goal = goal.beside(case.reference.server);
            let (mut ratios, asf_ratios) = (measured.ratios(figure, SUBJECT), measured.ratios(figure, ASF));
            let verdict = goal.is_met(subject, median(&mut ratios));
            let verdict = verdict.map_or("", |met| if met { "met" } else { "**missed**" });
            let (asf, asf_ratio) = match case.asf {
                Some(_) => (number(asf), spread(asf_ratios)),
                None => Default::default(),
            };
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {verdict} | {asf} | {asf_ratio} |",
                if at == 0 { case.title } else { "" },
                figure.title(),
                if at == 0 { case.reference.server.title() } else { "" },
                number(reference),
                number(subject),
                spread(ratios),
                goal.text(),
            );
        }
    }
    text
}

/// Writes the median of ratios, with the least and the most where there are several.
pub fn spread(mut ratios: Vec<f64>) -> String {
    match (median(&mut ratios), ratios.as_slice()) {
        (Some(ratio), [least, .., most]) => format!("{ratio:.2} ({least:.2}–{most:.2})"),
        (Some(ratio), _) => format!("{ratio:.2}"),
        (None, _) => "–".to_owned(),
    }
}

/// Writes three significant digits, and all those before the point.
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 99.95 => format!("{value:.0}"),
        Some(value) if value.abs() >= 9.995 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Returns what went wrong, lines for each side of a case.
pub fn failures(measured: &[Measured]) -> String {
    let mut text = String::new();
    for Measured { case, rounds } in measured {
        let asf = case.asf.map(|run| ("asf", run, ASF));
        let sides = [("reference", case.reference, REFERENCE), ("subject", case.subject, SUBJECT)];
        for (side, run, of) in sides.into_iter().chain(asf) {
            let outcomes: Vec<_> = rounds.iter().filter_map(of).collect();
            for what in troubles(run, &outcomes) {
                let _ = writeln!(text, "{}, {side} ({}): {what}", case.name, run.server.title());
            }
        }
    }
    text
}

/// Returns what went wrong in the runs of one side.
fn troubles(run: Run, outcomes: &[&Outcome]) -> Vec<String> {
    let mut troubles = Vec::new();
    let mut tell = |what: String| troubles.push(what);
    if outcomes.is_empty() {
        tell(format!("{} could not be run here", run.server.title()));
    }
    if outcomes.iter().any(|outcome| outcome.own_cpu_us > outcome.seconds * 0.9e6) {
        tell("the load generator's core was full".to_owned());
    }
    let share = |outcome: &&Outcome| Some(outcome.others_cpu_us? / outcome.seconds / 1e4);
    let others = outcomes.iter().filter_map(share).fold(0.0, f64::max);
    if others > 5.0 {
        tell(format!("others had up to {others:.0} % of its core"));
    }
    let failed: usize = outcomes.iter().map(|outcome| outcome.failed).sum();
    if let Some(why) = outcomes.iter().find_map(|outcome| outcome.failure.as_ref()) {
        tell(format!("{failed} viewers failed; the first: {why}"));
    }
    let missed: u64 = outcomes.iter().map(|outcome| outcome.missed).sum();
    if missed > 0 {
        tell(format!("{missed} frames skipped"));
    }
    let unheard: u64 = outcomes.iter().map(|outcome| outcome.blocks_missed).sum();
    if run.sound && unheard > 0 {
        tell(format!("{unheard} blocks of sound missed"));
    }
    troubles
}

/// Describes the machine in one sentence.
pub fn machine() -> String {
    let line = |file: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_start_matches([' ', '\t', ':', '=']).trim_matches('"').to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} × {}, {}, {}, Linux {}",
        cores,
        line("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        line("/proc/meminfo", "MemTotal").unwrap_or_else(unknown),
        line("/etc/os-release", "PRETTY_NAME").unwrap_or_else(unknown),
        rustix::system::uname().release().to_string_lossy(),
    )
}

/// Says when it is, and what else the machine does, in a few words: to be asked before anything is measured.
pub fn moment() -> String {
    let said = |program: &str, arguments: &[&str]| -> Option<String> {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let day = said("date", &["-u", "+%F"]).unwrap_or_else(|| "on an unknown day".to_owned());
    let version = said("git", &["describe", "--always", "--dirty"]).map(|version| format!(" at {version}"));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{day}{}, when the machine's load was {load}", version.unwrap_or_default())
}

/// Returns the whole of docs/performance.md.
pub fn page(measured: &[Measured], work: &str, when: &str, how: &str) -> Result<String> {
    let failures = match failures(measured) {
        none if none.is_empty() => String::new(),
        failures => format!("\n```text\n{failures}```\n"),
    };
    Ok(PAGE
        .replace("{machine}", &machine())
        .replace("{when}", when)
        .replace("{how}", how)
        .replace("{table}", &table(measured))
        .replace("{work}", work)
        .replace("{failures}", &failures))
}

const PAGE: &str = include_str!("page.md");

#[cfg(test)]
mod tests {
    use super::{super::cases::CASES, *};

    fn outcome(cpu: f64, missed: u64) -> Option<Outcome> {
        let outcome = Outcome { seconds: 1.0, frames: 1000, missed, cpu_us: Some(cpu * 1000.0), ..Outcome::default() };
        Some(Outcome { age_median_us: Some(1000.0), ..outcome })
    }

    #[test]
    fn the_table_holds_medians_and_the_ratio_of_each_pair() {
        let round = |reference, subject, asf| Round { reference, subject, asf };
        let rounds = vec![
            round(outcome(10.0, 0), outcome(11.0, 0), outcome(30.0, 0)),
            round(outcome(20.0, 0), outcome(40.0, 1), None),
            Round::default(),
        ];
        let measured = [Measured { case: CASES[0], rounds }];
        let text = table(&measured);
        let row = text.lines().find(|line| line.contains("CPU")).unwrap();
        assert!(row.contains("| 15.0 | 25.5 | 1.55 (1.10–2.00) | ≤ 1.3 × | **missed** | 30.0 | 3.00 |"), "{row}");
        assert_eq!(failures(&measured), "1, subject (Lookout): 1 frames skipped\n");
    }

    #[test]
    fn the_page_leaves_no_gap() {
        let page = page(&[], "", "today", "once").unwrap();
        assert!(!page.contains('{') && page.contains("| case |"), "{page}");
    }
}
