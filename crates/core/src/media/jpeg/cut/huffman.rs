//! Huffman tables (ITU T.81 Annex C) that tell how long codes are, several at a time.

use super::Uncut;

/// How many bits of the AC codes are looked up at once; longer codes are rare.
const AHEAD: u32 = 12;
/// The same of DC codes: the standard tables have none that are longer.
const AHEAD_DC: u32 = 9;
/// DC differences of baseline pictures have 0 to 11 bits.
const CATEGORIES: u8 = 12;

/// The tables of a picture.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// The content of the segments that they were made of, one behind the other.
    made_of: Vec<u8>,
    dc: [Option<Dc>; 4],
    ac: [Option<Ac>; 4],
}

/// Codes of up to 16 bits.
#[derive(Debug)]
struct Codes {
    counts: [u8; 16],
    values: Vec<u8>,
    /// Of each length: the first code beyond, as 16 bits, and what makes a code the place of its value.
    beyond: [(u32, i32); 16],
}

/// Codes of how many bits a difference of DC has.
#[derive(Debug)]
pub(super) struct Dc {
    codes: Codes,
    /// The length of the code and what it stands for; 0: it is longer.
    fast: Vec<(u8, u8)>,
    /// The code of each number of bits, and its length; 0: there is none.
    pub(super) written: [(u16, u8); CATEGORIES as usize],
    /// What the table lacked and was given.
    added: Vec<u8>,
}

/// Codes of AC coefficients.
#[derive(Debug)]
pub(super) struct Ac {
    codes: Codes,
    fast: Vec<Ahead>,
}

/// The whole codes that some bits begin with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead(u16);

impl Ahead {
    /// Returns how many bits they have with all that belongs to them, 27 at most; 0: not even one is whole.
    pub(super) fn bits(self) -> u32 {
        u32::from(self.0 & 31)
    }

    /// Returns how many coefficients they are, 63 at most.
    pub(super) fn coefficients(self) -> u32 {
        u32::from(self.0 >> 5 & 63)
    }

    /// Says whether the block ends behind them.
    pub(super) fn ends(self) -> bool {
        self.0 >> 11 != 0
    }
}

impl Tables {
    /// Makes the tables of DHT segments, unless they are those of the picture before.
    pub(super) fn load(&mut self, segments: &[&[u8]]) -> Result<(), Uncut> {
        let mut made_of = &self.made_of[..];
        let same = segments.iter().all(|segment| {
            let begins = made_of.strip_prefix(*segment);
            made_of = begins.unwrap_or_default();
            begins.is_some()
        });
        if same && made_of.is_empty() {
            return Ok(());
        }
        *self = Self::default();
        for segment in segments {
            self.read(segment)?;
        }
        self.made_of = segments.concat();
        Ok(())
    }

    fn read(&mut self, mut segment: &[u8]) -> Result<(), Uncut> {
        while let [head, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Uncut)?;
            let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let (values, rest) = rest.split_at_checked(symbols).ok_or(Uncut)?;
            segment = rest;
            let codes = Codes::new(*counts, values.to_vec())?;
            let number = usize::from(head & 15);
            match head >> 4 {
                0 => *self.dc.get_mut(number).ok_or(Uncut)? = Some(Dc::new(codes)?),
                1 => *self.ac.get_mut(number).ok_or(Uncut)? = Some(Ac::new(codes)),
                _ => return Err(Uncut),
            }
        }
        Ok(())
    }

    pub(super) fn dc(&self, number: usize) -> Result<&Dc, Uncut> {
        self.dc.get(number).and_then(Option::as_ref).ok_or(Uncut)
    }

    pub(super) fn ac(&self, number: usize) -> Result<&Ac, Uncut> {
        self.ac.get(number).and_then(Option::as_ref).ok_or(Uncut)
    }

    /// Returns a DHT segment of those DC tables that were given more codes; empty, if none was.
    pub(super) fn added(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for (number, table) in (0..).zip(&self.dc) {
            let Some(Dc { codes, added, .. }) = table else { continue };
            if !added.is_empty() {
                content.push(number);
                content.extend(&codes.counts[..15]);
                content.push(codes.counts[15] + added.len() as u8);
                content.extend(codes.values.iter().chain(added));
            }
        }
        if content.is_empty() {
            return content;
        }
        // Four tables of 1 + 16 + 268 bytes at most.
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&[0xff, 0xc4][..], &length, &content].concat()
    }
}

impl Codes {
    fn new(counts: [u8; 16], values: Vec<u8>) -> Result<Self, Uncut> {
        let (mut code, mut place, mut beyond) = (0_u32, 0_i32, [(0, 0); 16]);
        for ((count, length), beyond) in counts.iter().zip(1..).zip(&mut beyond) {
            let first = code;
            code += u32::from(*count);
            if code > 1 << length {
                return Err(Uncut);
            }
            *beyond = (code << (16 - length), place - first as i32);
            place += i32::from(*count);
            code *= 2;
        }
        Ok(Self { counts, values, beyond })
    }

    /// Returns the length of the code that 16 bits begin with, and what it stands for.
    fn read(&self, bits: u32) -> Result<(u32, u8), Uncut> {
        let (length, (_, place)) = (1..).zip(&self.beyond).find(|(_, (beyond, _))| bits < *beyond).ok_or(Uncut)?;
        let place = (bits >> (16 - length)) as i32 + place;
        Ok((length, *self.values.get(place as usize).ok_or(Uncut)?))
    }

    /// Returns what every prefix of `ahead` bits begins with; a length of 0: a code that is longer, or none.
    fn prefixes(&self, ahead: u32) -> Vec<(u8, u8)> {
        let read = |prefix: u32| self.read(prefix << (16 - ahead)).ok().filter(|(length, _)| *length <= ahead);
        (0..1 << ahead).map(|prefix| read(prefix).map_or((0, 0), |(length, value)| (length as u8, value))).collect()
    }
}

impl Dc {
    fn new(codes: Codes) -> Result<Self, Uncut> {
        if codes.values.iter().any(|bits| *bits > 15) {
            return Err(Uncut);
        }
        let fast = codes.prefixes(AHEAD_DC);
        let mut written = [(0, 0); CATEGORIES as usize];
        let (mut code, mut values) = (0_u32, codes.values.iter());
        for (count, length) in codes.counts.iter().zip(1..) {
            for value in values.by_ref().take((*count).into()) {
                if let Some(written) = written.get_mut(usize::from(*value)) {
                    *written = (code as u16, length);
                }
                code += 1;
            }
            code *= 2;
        }
        // An optimised table has codes only for the differences that there are. It has room for more, behind the last of its
        // longest codes, and that changes none of those; all ones is no code.
        let (mut next, mut added) = (codes.beyond[15].0, Vec::new());
        for (value, written) in (0..CATEGORIES).zip(&mut written) {
            let full = usize::from(codes.counts[15]) + added.len() >= 255;
            if written.1 == 0 && next < 0xffff && !full {
                *written = (next as u16, 16);
                added.push(value);
                next += 1;
            }
        }
        Ok(Self { codes, fast, written, added })
    }

    /// Returns how long the code is that some bits begin with, and how many bits the difference behind it has.
    #[inline]
    pub(super) fn read(&self, bits: u64) -> Result<(u32, u32), Uncut> {
        match self.fast[(bits >> (64 - AHEAD_DC)) as usize] {
            (0, _) => self.codes.read((bits >> 48) as u32).map(|(length, value)| (length, value.into())),
            (length, value) => Ok((length.into(), value.into())),
        }
    }
}

impl Ac {
    fn new(codes: Codes) -> Self {
        let single = codes.prefixes(AHEAD);
        let fast = (0..1_u32 << AHEAD).map(|prefix| Self::ahead(&single, prefix)).collect();
        Self { codes, fast }
    }

    /// Reads as many codes as are whole in a prefix; what belongs to the last one may go beyond.
    fn ahead(single: &[(u8, u8)], prefix: u32) -> Ahead {
        let (mut bits, mut coefficients, mut ends) = (0, 0, 0);
        while bits < AHEAD && ends == 0 {
            let (length, value) = single[(prefix << bits & ((1 << AHEAD) - 1)) as usize];
            let (length, run, size) = (u32::from(length), u32::from(value >> 4), u32::from(value & 15));
            if length == 0 || bits + length > AHEAD {
                break;
            }
            if size > 0 || run == 15 {
                if coefficients + run + 1 > 63 {
                    break;
                }
                coefficients += run + 1;
                bits += length + size;
            } else {
                bits += length;
                ends = 1;
            }
        }
        Ahead((bits | coefficients << 5 | ends << 11) as u16)
    }

    #[inline]
    pub(super) fn ahead_of(&self, bits: u64) -> Ahead {
        self.fast[(bits >> (64 - AHEAD)) as usize]
    }

    /// Reads a single code: how many bits it has with all that belongs to it, and of how many coefficients it is the last; 0: of
    /// the block.
    pub(super) fn read(&self, bits: u64) -> Result<(u32, u32), Uncut> {
        let (length, value) = self.codes.read((bits >> 48) as u32)?;
        let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
        Ok((length + size, if size > 0 || run == 15 { run + 1 } else { 0 }))
    }
}
