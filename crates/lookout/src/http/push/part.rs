//! The bytes of a part of the push stream, which lie in the shared buffer.

use std::io::IoSlice;

use crate::hub::Shown;

/// Cuts a part from an offset on.
pub fn slices(shown: &Shown, done: usize) -> [IoSlice<'_>; 3] {
    let mut skip = done;
    part(shown).map(|slice| {
        let (skipped, left) = slice.split_at(skip.min(slice.len()));
        skip -= skipped.len();
        IoSlice::new(left)
    })
}

/// A part: its head, the picture, and the line end behind it (PROFILE 5.1).
fn part(shown: &Shown) -> [&[u8]; 3] {
    [&shown.head, &shown.frame.jpeg, b"\r\n"]
}

pub fn length(shown: &Shown) -> usize {
    part(shown).iter().map(|slice| slice.len()).sum()
}
