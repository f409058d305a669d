//! The fields of an ASF file, one behind the other, lowest byte first.

use super::{Read, hex};

/// What is still to be read.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn bytes(&mut self, length: usize) -> Read<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or("fields beyond the end")?;
        self.0 = rest;
        Ok(bytes)
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    fn number(&mut self, length: usize) -> Read<u64> {
        Ok(self.bytes(length)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    pub fn u8(&mut self) -> Read<u8> {
        Ok(self.number(1)? as u8)
    }

    pub fn u16(&mut self) -> Read<u16> {
        Ok(self.number(2)? as u16)
    }

    pub fn u32(&mut self) -> Read<u32> {
        Ok(self.number(4)? as u32)
    }

    pub fn u64(&mut self) -> Read<u64> {
        self.number(8)
    }

    /// Reads a field whose length type the two lowest bits tell (section 5.2.2): none, BYTE, WORD or DWORD.
    pub fn sized(&mut self, length_type: u8) -> Read<Option<u32>> {
        let length = [0, 1, 2, 4][usize::from(length_type & 3)];
        Ok((length > 0).then_some(self.number(length)? as u32))
    }

    /// Reads a GUID as the specification writes it: three numbers, then eight bytes in their order.
    pub fn guid(&mut self) -> Read<String> {
        let (first, second, third) = (self.u32()?, self.u16()?, self.u16()?);
        let (fourth, fifth) = (hex(self.bytes(2)?, 2), hex(self.bytes(6)?, 6));
        Ok(format!("{first:08x}-{second:04x}-{third:04x}-{fourth}-{fifth}").to_uppercase())
    }
}
