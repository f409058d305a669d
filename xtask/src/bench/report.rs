//! The table: medians of all rounds, and the ratio of each pair of runs, its median with the least and the most.

use std::{fmt::Write, fs};

use anyhow::Result;

use super::{
    cases::Case,
    outcome::{Outcome, median},
};

/// A case with what its rounds measured, reference and subject of each.
pub struct Measured {
    /// The case.
    pub case: &'static Case,
    /// What was measured in turns; either may be missing where it cannot run here.
    pub rounds: Vec<(Option<Outcome>, Option<Outcome>)>,
}

/// The head of the table.
const HEAD: &str = "| case | figure | beside | reference | Lookout | ratio (least–most) | goal | |\n|---|---|---|---|---|---|---|---|\n";

/// Writes the table in Markdown.
pub fn table(measured: &[Measured]) -> String {
    let mut text = HEAD.to_owned();
    for measured in measured {
        let case = measured.case;
        for (at, &(figure, goal)) in case.goals.iter().enumerate() {
            let of = |outcome: &Option<Outcome>| outcome.as_ref().and_then(|outcome| figure.of(outcome));
            let pairs: Vec<_> = measured.rounds.iter().map(|(beside, lookout)| (of(beside), of(lookout))).collect();
            let reference = median(&mut pairs.iter().filter_map(|pair| pair.0).collect::<Vec<_>>());
            let subject = median(&mut pairs.iter().filter_map(|pair| pair.1).collect::<Vec<_>>());
            let mut ratios: Vec<f64> = pairs.iter().filter_map(|pair| Some(pair.1? / pair.0?)).collect();
            ratios.retain(|ratio| ratio.is_finite());
            let ratio = median(&mut ratios);
            let spread = match (ratio, ratios.as_slice()) {
                (Some(ratio), [least, .., most]) => format!("{ratio:.2} ({least:.2}–{most:.2})"),
                (Some(ratio), _) => format!("{ratio:.2}"),
                (None, _) => "–".to_owned(),
            };
            let verdict = goal.is_met(subject, ratio).map_or("", |met| if met { "met" } else { "**missed**" });
            let title = if at == 0 { case.title } else { "" };
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "| {title} | {} | {} | {} | {} | {spread} | {} | {verdict} |",
                figure.title(),
                if at == 0 { case.reference.server.title() } else { "" },
                number(reference),
                number(subject),
                goal.text(),
            );
        }
    }
    text
}

/// Writes three significant digits, and all those before the point.
fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 99.95 => format!("{value:.0}"),
        Some(value) if value.abs() >= 9.995 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Returns what went wrong, a line for each side of a case.
pub fn failures(measured: &[Measured]) -> String {
    let mut text = String::new();
    for Measured { case, rounds } in measured {
        let sides = [("reference", case.reference), ("subject", case.subject)];
        for (at, (side, run)) in sides.into_iter().enumerate() {
            let outcomes =
                rounds.iter().filter_map(|(beside, lookout)| if at == 0 { beside } else { lookout }.as_ref());
            let failed: usize = outcomes.clone().map(|outcome| outcome.failed).sum();
            let missed: u64 = outcomes.clone().map(|outcome| outcome.missed).sum();
            let why = outcomes.clone().find_map(|outcome| outcome.failure.clone());
            let name = run.server.title();
            let busy = outcomes.clone().any(|outcome| outcome.own_cpu_us > outcome.seconds * 0.9e6);
            if busy {
                let _ = writeln!(text, "{}, {side} ({name}): the load generator's core was full", case.name);
            }
            let share = |outcome: &Outcome| Some(outcome.others_cpu_us? / outcome.seconds / 1e4);
            let others = outcomes.clone().filter_map(share).fold(0.0, f64::max);
            if others > 5.0 {
                let _ = writeln!(text, "{}, {side} ({name}): others had up to {others:.0} % of its core", case.name);
            }
            let _ = match why {
                Some(why) => {
                    writeln!(text, "{}, {side} ({name}): {failed} viewers failed; the first: {why}", case.name)
                }
                None if missed > 0 => writeln!(text, "{}, {side} ({name}): {missed} frames skipped", case.name),
                None if outcomes.clone().next().is_none() => {
                    writeln!(text, "{}, {side}: {name} could not be run here", case.name)
                }
                None => Ok(()),
            };
        }
    }
    text
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

/// Returns the whole of docs/performance.md.
pub fn page(measured: &[Measured], how: &str) -> Result<String> {
    let failures = match failures(measured) {
        none if none.is_empty() => String::new(),
        failures => format!("\n```text\n{failures}```\n"),
    };
    Ok(PAGE
        .replace("{machine}", &machine())
        .replace("{how}", how)
        .replace("{table}", &table(measured))
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
        let rounds = vec![(outcome(10.0, 0), outcome(11.0, 0)), (outcome(20.0, 0), outcome(40.0, 1)), (None, None)];
        let measured = [Measured { case: &CASES[0], rounds }];
        let text = table(&measured);
        let row = text.lines().find(|line| line.contains("CPU")).unwrap();
        assert!(row.contains("| 15.0 | 25.5 | 1.55 (1.10–2.00) | ≤ 1.3 × | **missed** |"), "{row}");
        assert_eq!(failures(&measured), "1, subject (Lookout): 1 frames skipped\n");
    }

    #[test]
    fn the_page_leaves_no_gap() {
        let page = page(&[], "once").unwrap();
        assert!(!page.contains('{') && page.contains("| case |"), "{page}");
    }
}
