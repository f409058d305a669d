//! Bytes in hexadecimal, as digests, nonces and names of files are written.

/// Writes bytes in lower-case hexadecimal digits.
pub fn show(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_byte_is_two_digits() {
        assert_eq!(super::show(&[0x00, 0x0f, 0xa0, 0xff]), "000fa0ff");
    }
}
