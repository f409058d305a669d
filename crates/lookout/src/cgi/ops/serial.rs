//! CGIs of serial ports.

use lookout_core::{
    profile::{
        reply::{Failure, OK},
        settings::Baud,
        wire::{Int, Wire as _},
    },
    query::Query,
};

use super::Ask;
use crate::http::Answer;

/// Writes to a serial port (PROFILE 5.5, Q68).
pub async fn comm_write(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let text = |name| ask.query.get(name).ok_or(Failure::IllegalParam);
    let port = <Int<0, 3>>::parse(text("port")?)?;
    let baud = Baud::parse(text("baud")?)?;
    let bytes = wanted(ask.query)?;
    let port = usize::try_from(port.get()).map_err(|_| Failure::IllegalParam)?;
    ask.app.serial.write_for_client(port, baud, bytes).await?;
    Ok(Answer::text(OK))
}

/// The most bytes of one write.
const MOST: usize = 255;

/// Returns what is to be written: as much of `data` as `bytes` says, all of it where that is no number.
fn wanted(query: &Query) -> Result<&[u8], Failure> {
    let (count, data) = (query.get("bytes"), query.bytes("data"));
    let (count, data) = count.zip(data).ok_or(Failure::IllegalParam)?;
    let count = if is_number(count) { count.parse().map_err(|_| Failure::IllegalParam)? } else { data.len() };
    data.get(..count).filter(|_| (1..=MOST).contains(&count)).ok_or(Failure::IllegalParam)
}

/// Says whether a text is a number, be it one that is illegal.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Result<Vec<u8>, Failure> {
        wanted(&Query::parse_binary(query.as_bytes(), "data").unwrap()).map(<[u8]>::to_vec)
    }

    #[test]
    fn q68_bytes_cuts_and_means_all_where_it_is_no_number() {
        for (query, bytes) in [
            ("bytes=3&data=abc", &b"abc"[..]),
            ("bytes=2&data=abc", b"ab"),
            ("bytes=+2&data=abc", b"abc"),
            ("bytes=%2B2&data=abc", b"ab"),
            ("bytes=002&data=abc", b"ab"),
            ("bytes=&data=abc", b"abc"),
            ("bytes&data=abc", b"abc"),
            ("bytes=all&data=abc", b"abc"),
            ("bytes=2.&data=abc", b"abc"),
            ("bytes=1e1&data=abc", b"abc"),
            ("bytes=-&data=abc", b"abc"),
            ("bytes=7&data=%FF%01%00%08%20%00%29", b"\xff\x01\0\x08\x20\0\x29"),
            ("bytes=3&data=a+b", b"a b"),
        ] {
            assert_eq!(of(query).as_deref(), Ok(bytes), "{query}");
        }
        let long = |count: &str, data: usize| of(&format!("bytes={count}&data={}", "%00".repeat(data)));
        assert_eq!(long("255", 255), Ok(vec![0; 255]));
        assert_eq!(long("all", 255), Ok(vec![0; 255]));
        assert_eq!(long("255", 300), Ok(vec![0; 255]), "the rest is cut off");
    }

    #[test]
    fn q68_what_cannot_be_written_is_illegal() {
        for query in [
            "",
            "bytes=3",
            "data=abc",
            "bytes=4&data=abc",
            "bytes=0&data=abc",
            "bytes=-1&data=abc",
            "bytes=-0&data=abc",
            "bytes=99999999999999999999999&data=abc",
            "bytes=3&data=",
            "bytes=x&data",
            "bytes=0&data=",
        ] {
            assert_eq!(of(query), Err(Failure::IllegalParam), "{query}");
        }
        for (count, data) in [("256", 256), ("all", 256), ("256", 300)] {
            let query = format!("bytes={count}&data={}", "%00".repeat(data));
            assert_eq!(of(&query), Err(Failure::IllegalParam), "{count} of {data}");
        }
    }
}
