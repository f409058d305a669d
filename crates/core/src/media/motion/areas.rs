//! Connected areas of changed cells.

use super::background::{ACTIVE, CHANGED};

/// A connected area; cells that touch by a corner are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    /// How many cells it has.
    pub(super) cells: usize,
    /// How many of them are watched.
    pub(super) watched: usize,
    /// How many changed within the last half second.
    pub(super) active: usize,
    /// Sums of the watched cells' columns and rows.
    sum: [usize; 2],
    /// The first and the last column and row, of all its cells.
    from: [usize; 2],
    to: [usize; 2],
}

impl Area {
    /// Says whether enough of it changed within the last half second.
    pub(super) fn is_active(&self) -> bool {
        self.active >= (self.cells / 16).max(2)
    }

    /// Returns where the middle of its watched cells is.
    pub(super) fn middle(&self) -> [usize; 2] {
        self.sum.map(|sum| sum / self.watched.max(1))
    }

    /// Returns the lesser of its width and height.
    pub(super) fn depth(&self) -> usize {
        (0..2).map(|axis| self.to[axis] + 1 - self.from[axis]).min().unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.cells += other.cells;
        self.watched += other.watched;
        self.active += other.active;
        self.sum = [self.sum[0] + other.sum[0], self.sum[1] + other.sum[1]];
        for axis in 0..2 {
            self.from[axis] = self.from[axis].min(other.from[axis]);
            self.to[axis] = self.to[axis].max(other.to[axis]);
        }
    }
}

/// A row's cells that changed, side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The row.
    pub(super) row: usize,
    /// The first cell.
    pub(super) begin: usize,
    /// The cell behind the last.
    pub(super) end: usize,
    /// The number of the area that it belongs to, or of one that leads there.
    label: usize,
}

/// Finds areas, and keeps its buffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Areas {
    runs: Vec<Run>,
    /// For each label one that it is joined to; itself, if it leads an area.
    leads: Vec<usize>,
    areas: Vec<Area>,
}

impl Areas {
    /// Finds the areas of marked cells; `watched` says of each cell whether it is.
    pub(super) fn find(&mut self, marks: &[u8], watched: &[bool], width: usize) {
        self.runs.clear();
        self.leads.clear();
        self.areas.clear();
        let mut above = 0..0;
        for (row, (marks, watched)) in marks.chunks_exact(width).zip(watched.chunks_exact(width)).enumerate() {
            let first = self.runs.len();
            let mut from = 0;
            while let Some(begin) = next(marks, from) {
                let length = marks[begin..].iter().take_while(|mark| **mark & CHANGED != 0).count();
                let end = begin + length;
                self.add(row, begin..end, marks, watched, above.clone());
                from = end;
            }
            above = first..self.runs.len();
        }
        for label in 0..self.leads.len() {
            let lead = self.lead(label);
            if lead != label {
                let area = std::mem::take(&mut self.areas[label]);
                self.areas[lead].add(area);
            }
        }
    }

    /// Returns the areas, each with its number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Area)> {
        self.areas.iter().enumerate().filter(|(_, area)| area.cells > 0)
    }

    /// Returns the runs of an area.
    pub(super) fn runs(&self, number: usize) -> impl Iterator<Item = Run> + Clone + '_ {
        self.runs.iter().filter(move |run| self.lead(run.label) == number).copied()
    }

    fn add(
        &mut self,
        row: usize,
        cells: std::ops::Range<usize>,
        marks: &[u8],
        watched: &[bool],
        above: std::ops::Range<usize>,
    ) {
        let label = self.leads.len();
        let mut lead = label;
        self.leads.push(label);
        let (from, to) = ([cells.start, row], [cells.end - 1, row]);
        let mut area = Area { cells: cells.len(), from, to, ..Area::default() };
        area.active = marks[cells.clone()].iter().filter(|mark| **mark & ACTIVE != 0).count();
        for column in cells.clone().filter(|column| watched[*column]) {
            area.watched += 1;
            area.sum = [area.sum[0] + column, area.sum[1] + row];
        }
        self.areas.push(area);
        for at in above {
            let other = self.runs[at];
            if other.begin <= cells.end && cells.start <= other.end {
                let joined = self.lead(other.label);
                // The smaller leads, so that a chain always ends.
                let (small, large) = (lead.min(joined), lead.max(joined));
                self.leads[large] = small;
                lead = small;
            }
        }
        self.runs.push(Run { row, begin: cells.start, end: cells.end, label });
    }

    fn lead(&self, mut label: usize) -> usize {
        while self.leads[label] != label {
            label = self.leads[label];
        }
        label
    }
}

/// Returns the next changed cell of a row; passes over eight unchanged ones at a time.
fn next(marks: &[u8], from: usize) -> Option<usize> {
    let rest = marks.get(from..)?;
    let skipped =
        rest.chunks_exact(8).take_while(|some| some.iter().fold(0, |any, mark| any | mark) & CHANGED == 0).count() * 8;
    rest[skipped..].iter().position(|mark| mark & CHANGED != 0).map(|at| from + skipped + at)
}
