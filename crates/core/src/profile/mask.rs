//! Zones of the picture that motion detection does not look at: 32 × 24 cells, each watched or not.

use super::wire::{Illegal, Kind, Value, Wire};

/// Which cells of the picture are not watched (Q56).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Rows from the top; the most significant bit is the leftmost cell, and one means not watched.
    rows: [u32; Self::ROWS],
}

impl Mask {
    /// Cells from left to right.
    pub const COLUMNS: usize = 32;
    /// Cells from top to bottom.
    pub const ROWS: usize = 24;

    /// Says whether a cell is hidden from motion detection; none outside of the picture is.
    pub fn hides(&self, column: usize, row: usize) -> bool {
        column < Self::COLUMNS && self.rows.get(row).is_some_and(|bits| bits << column & 1 << 31 != 0)
    }

    /// Says whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|bits| *bits == 0)
    }
}

impl Wire for Mask {
    const KIND: Kind = Kind::Mask;
    fn parse(text: &str) -> Result<Self, Illegal> {
        let mut mask = Self::default();
        if text.is_empty() {
            return Ok(mask);
        }
        if text.len() != Self::ROWS * 8 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Illegal);
        }
        for (row, digits) in mask.rows.iter_mut().zip(text.as_bytes().chunks(8)) {
            let digits = str::from_utf8(digits).map_err(|_| Illegal)?;
            *row = u32::from_str_radix(digits, 16).map_err(|_| Illegal)?;
        }
        Ok(mask)
    }
    fn show(&self) -> Value {
        if self.is_empty() {
            return Value::Text(String::new());
        }
        Value::Text(self.rows.iter().map(|row| format!("{row:08x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_24_rows_of_8_digits_the_leftmost_cell_first() {
        let text = format!("80000001{}", "00000000".repeat(23));
        let mask = Mask::parse(&text).unwrap();
        let hidden = (0..24).flat_map(|row| (0..32).map(move |column| (column, row)));
        assert_eq!(hidden.filter(|(column, row)| mask.hides(*column, *row)).collect::<Vec<_>>(), [(0, 0), (31, 0)]);
        assert!(!mask.hides(32, 0) && !mask.hides(0, 24));
        assert_eq!(mask.show(), Value::Text(text));
    }

    #[test]
    fn nothing_hidden_is_an_empty_text_and_anything_else_is_illegal() {
        assert_eq!(Mask::parse(""), Ok(Mask::default()));
        assert_eq!(Mask::parse(&"0".repeat(192)).unwrap().show(), Value::Text(String::new()));
        for bad in ["0", &"0".repeat(191), &"0".repeat(193), &"g".repeat(192), &format!("+{}", "0".repeat(191))] {
            assert_eq!(Mask::parse(bad), Err(Illegal), "{bad}");
        }
    }
}
