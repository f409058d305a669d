//! WAV as a listener of `audio.wav` reads it: a RIFF header, then samples without end. There is nothing in samples that
//! could be checked, so they are counted: [`BLOCK`] of them are what the daemon hands out at once.

use anyhow::{Result, bail, ensure};
use lookout_core::media::sound::{BLOCK, RATE};

use super::stream::{Cut, Part};

/// Counts samples.
#[derive(Debug, Default)]
pub struct Samples {
    /// The header, as far as it is there.
    held: Vec<u8>,
    /// Bytes of a sample; none before the header is read.
    width: Option<usize>,
    /// Bytes beyond the last whole block.
    over: usize,
}

/// More than a mu-law block, or one of PCM.
const PIECE: usize = 4096;
const LONGEST_HEADER: usize = 256;

impl Cut for Samples {
    fn piece(&self) -> usize {
        PIECE
    }

    fn push(&mut self, bytes: &[u8], whole: &mut dyn FnMut(Part)) -> Result<()> {
        let Some(width) = self.width else {
            self.held.extend_from_slice(bytes);
            if let Some((end, width)) = header(&self.held)? {
                self.width = Some(width);
                let rest = self.held.split_off(end);
                return self.push(&rest, whole);
            }
            return Ok(());
        };
        self.over += bytes.len();
        while self.over >= BLOCK * width {
            self.over -= BLOCK * width;
            whole(Part::Sound { missed: 0 });
        }
        Ok(())
    }
}

/// Returns where the samples begin and how many bytes each has, once so much of the header is there.
fn header(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let word = |at: usize| bytes.get(at..at + 4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    if bytes.len() < 12 {
        return Ok(None);
    }
    ensure!(bytes.starts_with(b"RIFF") && bytes[8..].starts_with(b"WAVE"), "not WAV: {:x?}", &bytes[..12]);
    let (mut at, mut width) = (12, None);
    while let Some(length) = word(at + 4) {
        let (name, content) = (&bytes[at..at + 4], at + 8);
        if name == b"data" {
            let Some(width) = width else { bail!("samples of no format") };
            return Ok(Some((content, width)));
        }
        ensure!(length as usize <= LONGEST_HEADER, "a chunk of {length} bytes in the header");
        let Some(next) = bytes.get(content..).and_then(|rest| rest.get(length as usize..)) else { break };
        if name == b"fmt " {
            let told = (word(content), word(content + 4));
            width = match told {
                (Some(0x1_0007), Some(RATE)) => Some(1),
                (Some(0x1_0001), Some(RATE)) => Some(2),
                _ => bail!("not 8 kHz mono, mu-law or PCM: {told:x?}"),
            };
        }
        at = bytes.len() - next.len();
    }
    ensure!(bytes.len() < LONGEST_HEADER, "a header without samples");
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(format: u16, samples: usize) -> Vec<u8> {
        let mut bytes = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0".to_vec();
        bytes.extend(format.to_le_bytes());
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend(RATE.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(b"data\xFF\xFF\xFF\xFF");
        bytes.resize(bytes.len() + samples, 0);
        bytes
    }

    fn blocks(bytes: &[u8], piece: usize) -> Result<usize> {
        let (mut samples, mut found) = (Samples::default(), 0);
        for piece in bytes.chunks(piece) {
            samples.push(piece, &mut |_| found += 1)?;
        }
        Ok(found)
    }

    #[test]
    fn blocks_are_counted_in_whatever_pieces_they_arrive() {
        for piece in [1, 7, 300, 5000] {
            assert_eq!(blocks(&wav(7, 3 * BLOCK + 1), piece).unwrap(), 3, "mu-law");
            assert_eq!(blocks(&wav(1, 3 * BLOCK + 1), piece).unwrap(), 1, "PCM");
        }
    }

    #[test]
    fn what_is_not_such_a_wav_is_found_out() {
        assert!(blocks(&wav(2, 1000), 10).unwrap_err().to_string().contains("not 8 kHz"));
        assert!(blocks(b"RIFF0000AVI LIST", 16).unwrap_err().to_string().contains("not WAV"));
        let mut endless = wav(7, 0);
        endless.truncate(36);
        endless.resize(400, 0);
        assert!(blocks(&endless, 10).unwrap_err().to_string().contains("without samples"));
    }
}
