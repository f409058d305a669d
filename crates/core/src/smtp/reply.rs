//! A server's reply: a code, and some lines for people (RFC 5321, 4.2).

use std::fmt;

/// The longest reply that is read, in bytes.
const LONGEST: usize = 8 * 1024;
/// How much of a reply's text is shown.
const SHOWN: usize = 160;

/// What a server says to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, the first from 2 to 5.
    pub code: u16,
    /// Its lines, without code and ends.
    pub lines: Vec<String>,
}

/// What comes is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what answers does not speak SMTP")]
pub struct Garbage;

impl Reply {
    /// Reads the reply at the beginning of what a server sent: it, and how many bytes it has; none while it is not whole.
    ///
    /// Lines may end with LF alone, and a code without a text is one.
    ///
    /// # Errors
    /// It is none, or too long for one.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Garbage> {
        let (mut at, mut code, mut lines) = (0, None, Vec::new());
        loop {
            let rest = &bytes[at..];
            let Some(end) = memchr::memchr(b'\n', rest) else {
                let hopeless = bytes.len() > LONGEST || !may_begin(rest);
                return if hopeless { Err(Garbage) } else { Ok(None) };
            };
            at += end + 1;
            if at > LONGEST || !may_begin(&rest[..end]) {
                return Err(Garbage);
            }
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            let (digits, text) = line.split_at_checked(3).ok_or(Garbage)?;
            let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
            if *code.get_or_insert(number) != number {
                return Err(Garbage);
            }
            lines.push(String::from_utf8_lossy(text.get(1..).unwrap_or_default()).into_owned());
            if text.first() != Some(&b'-') {
                return Ok(Some((Self { code: number, lines }, at)));
            }
        }
    }

    /// Returns the enhanced status of the reply, `5.1.8` say, if it has one (RFC 2034).
    pub fn status(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let class = parts.next().filter(|class| matches!(*class, "2" | "4" | "5"));
        let mut number =
            || parts.next().is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        (class.is_some() && number() && number() && parts.next().is_none()).then_some(word)
    }
}

/// Says whether these bytes can be the beginning of a line of a reply.
fn may_begin(line: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        0 => (b'2'..=b'5').contains(byte),
        1 | 2 => byte.is_ascii_digit(),
        _ => matches!(byte, b'-' | b' ' | b'\r'),
    };
    line.iter().take(4).enumerate().all(fits)
}

/// The code and the text in one line, cut and without what no log should have.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.lines.join(" ");
        let clean = |c: char| if c.is_control() { '?' } else { c };
        write!(f, "{}", self.code)?;
        if !text.is_empty() {
            write!(f, " {}", text.chars().map(clean).take(SHOWN).collect::<String>())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> Reply {
        let (reply, length) = Reply::parse(bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        reply
    }

    #[test]
    fn a_reply_has_a_code_and_lines_and_what_follows_is_left() {
        let reply = whole(b"250-mail.test\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n");
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(reply.lines[2], "AUTH PLAIN");
        assert_eq!(whole(b"220\r\n"), Reply { code: 220, lines: vec![String::new()] });
        assert_eq!(whole(b"220 hi\n").lines, ["hi"]);
        let two = b"220 go\r\n250 injected\r\n";
        assert_eq!(Reply::parse(two).unwrap().unwrap().1, 8);
    }

    #[test]
    fn what_is_not_whole_is_waited_for_and_what_cannot_become_a_reply_is_not() {
        for part in ["", "2", "220", "220 hal", "250-a\r\n", "250-a\r\n25"] {
            assert_eq!(Reply::parse(part.as_bytes()), Ok(None), "{part:?}");
        }
        for bad in [
            "H",
            "HTTP/1.1 200 OK\r\n",
            "20\r\n",
            "650 x\r\n",
            "150 x\r\n",
            "220x\r\n",
            "250-a\r\n251 b\r\n",
            "\r\n",
            "2a",
        ] {
            assert_eq!(Reply::parse(bad.as_bytes()), Err(Garbage), "{bad:?}");
        }
        let endless = [b"250-".to_vec(), vec![b'x'; LONGEST]].concat();
        assert_eq!(Reply::parse(&endless), Err(Garbage));
        assert_eq!(Reply::parse(&b"250-x\r\n".repeat(LONGEST / 7 + 1)), Err(Garbage));
    }

    #[test]
    fn an_enhanced_status_is_told_from_words() {
        let status = |line: &str| whole(format!("550 {line}\r\n").as_bytes()).status().map(str::to_owned);
        assert_eq!(status("5.1.8 unknown").as_deref(), Some("5.1.8"));
        for none in ["unknown", "5.1 x", "5..1", "6.1.1", "192.168.1.1 is listed", "5.1.x", "5.1.8.1"] {
            assert_eq!(status(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_shown_of_a_reply_is_one_short_line() {
        let shown = whole(format!("550-a\x1b[31m\r\n550 {}\r\n", "x".repeat(2000)).as_bytes()).to_string();
        assert!(shown.starts_with("550 a?[31m x") && shown.len() < 200, "{shown}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Reply::parse(&bytes);
        }

        #[test]
        fn a_reply_is_read_the_same_however_it_comes(cut in 0..38_usize) {
            let all = b"250-mail.test\r\n250-8BITMIME\r\n250 HELP\r\n";
            prop_assert_eq!(Reply::parse(&all[..cut]), Ok(None));
        }
    }
}
