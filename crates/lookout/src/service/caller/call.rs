//! One call: its address read, its name looked up once, every address of it judged, and one that may be called, called
//! (RULES R10.1). The answer is read as far as 4 KiB and thrown away; of a redirect nothing is followed.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lookout_core::access::calls::{self, Reach};
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, timeout},
};

use crate::{
    lookup::Lookup,
    peer::{self, Line},
    setup,
};

/// How long a call may take with its retry (PROFILE 4.4).
const WHOLE: Duration = Duration::from_secs(10);
/// The pause before the retry.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the rest of an answer is waited for: some servers stop what they do when their client leaves.
const REST: Duration = Duration::from_secs(1);
/// How much of an answer is read.
const ANSWER: usize = 4096;

/// Why a call failed, for the log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is nobody to call.
    #[error("no address is set")]
    Unset,
    /// The address is none.
    #[error("this is no http:// or https:// address")]
    Url,
    /// The operator does not let calls reach there.
    #[error("the address {0} {1}; see alarm.call_targets in the configuration")]
    Refused(IpAddr, calls::Refused),
    /// Its name has no address, or no name server answers.
    #[error("it cannot be found: {0}")]
    Unknown(io::Error),
    /// The network, or the machine there.
    #[error("{0}")]
    Network(io::Error),
    /// Nothing came of it in time.
    #[error("no answer within 10 s")]
    Silent,
    /// It does not speak HTTP.
    #[error("it does not speak HTTP")]
    Garbage,
    /// It does not do what it was asked.
    #[error("it answered {0}")]
    Answer(u16),
}

impl Failure {
    /// Says it to whoever set the address: no more than ok, failed or not allowed, so that nobody looks around with it.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Unset => "no address is set",
            Self::Url | Self::Refused(..) => "address not allowed",
            Self::Unknown(_) | Self::Network(_) | Self::Silent | Self::Garbage | Self::Answer(_) => "no good answer",
        }
    }
}

/// Calls an address; returns whom.
///
/// # Errors
/// Whom, and why not. Of the address nothing but the host is told: the rest may be a secret.
pub async fn call(url: &str, drill: bool, agent: &str, reach: Reach) -> Result<String, (String, Failure)> {
    let url =
        Url::parse(url).map_err(|_| (String::new(), if url.is_empty() { Failure::Unset } else { Failure::Url }))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let called = timeout(WHOLE, within(&url, drill, agent, reach)).await;
    match called.unwrap_or(Err(Failure::Silent)) {
        Ok(()) => Ok(host),
        Err(failure) => Err((host, failure)),
    }
}

async fn within(url: &Url, drill: bool, agent: &str, reach: Reach) -> Result<(), Failure> {
    let request = request(url, drill, agent).ok_or(Failure::Url)?;
    let addresses = allowed(&resolved(url).await?, reach)?;
    let status = match once(url, &addresses, &request).await {
        Err(Failure::Network(_)) => {
            sleep(PAUSE).await;
            once(url, &addresses, &request).await?
        }
        first => first?,
    };
    if (200..300).contains(&status) { Ok(()) } else { Err(Failure::Answer(status)) }
}

/// Writes the request; none for what is no address to call.
fn request(url: &Url, drill: bool, agent: &str) -> Option<String> {
    let bare = url.username().is_empty() && url.password().is_none();
    let (path, query) = (url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default());
    let host = url.host_str().filter(|_| bare && matches!(url.scheme(), "http" | "https"))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let (mark, agent) = if drill { ("X-Drill: 1\r\n", format!("{agent} (drill)")) } else { ("", agent.to_owned()) };
    let lines = [format!("GET {path}{query} HTTP/1.1"), format!("Host: {host}{port}"), format!("User-Agent: {agent}")];
    // The address is written in ASCII by whoever reads it; if not, nothing goes out that could be two lines.
    let fit = lines.iter().all(|line| line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    fit.then(|| format!("{}\r\n{mark}Accept: */*\r\nConnection: close\r\n\r\n", lines.join("\r\n")))
}

/// Looks the name up, once.
async fn resolved(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Err(Failure::Url) };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Lookup::servers().addresses(bare, port).await.map_err(Failure::Unknown)
}

/// Returns those of the addresses that may be called.
fn allowed(addresses: &[SocketAddr], reach: Reach) -> Result<Vec<SocketAddr>, Failure> {
    let mut refused = Failure::Unknown(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
    let mut allowed = Vec::new();
    for address in addresses {
        let ip = address.ip();
        match calls::judge(ip, address.port(), setup::is_own(ip), reach) {
            Ok(()) => allowed.push(*address),
            Err(why) => refused = Failure::Refused(ip, why),
        }
    }
    if allowed.is_empty() { Err(refused) } else { Ok(allowed) }
}

/// Asks once; returns the answer's status.
async fn once(url: &Url, addresses: &[SocketAddr], request: &str) -> Result<u16, Failure> {
    let stream = peer::reach(addresses).await.map_err(Failure::Network)?;
    let mut line = Line::over(stream).map_err(Failure::Network)?;
    if url.scheme() == "https" {
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let trust = peer::trust().await.map_err(Failure::Network)?;
        line = line.secure(host, trust).await.map_err(Failure::Network)?;
    }
    line.write_all(request.as_bytes()).await.map_err(Failure::Network)?;
    line.flush().await.map_err(Failure::Network)?;
    let mut answer = Vec::new();
    let status = loop {
        let read = (&mut line).take((ANSWER - answer.len()) as u64).read_buf(&mut answer).await;
        if read.map_err(Failure::Network)? == 0 {
            let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up before it had answered");
            return Err(if answer.len() < ANSWER { Failure::Network(cut) } else { Failure::Garbage });
        }
        if let Some(status) = status(&answer)? {
            break status;
        }
    };
    let rest = (ANSWER - answer.len()) as u64;
    let _ = timeout(REST, line.take(rest).read_to_end(&mut answer)).await;
    Ok(status)
}

/// Reads the status out of an answer's beginning; none where it is not there yet.
fn status(answer: &[u8]) -> Result<Option<u16>, Failure> {
    const BEGINS: &[u8] = b"HTTP/1.";
    let near = answer.len().min(BEGINS.len());
    if answer[..near] != BEGINS[..near] {
        return Err(Failure::Garbage);
    }
    let Some(end) = answer.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let code = answer[..end].split(|byte| *byte == b' ').nth(1).and_then(|code| std::str::from_utf8(code).ok());
    let code: u16 = code.and_then(|code| code.trim_ascii().parse().ok()).ok_or(Failure::Garbage)?;
    match code {
        // Something on the way to the answer; the answer follows its head.
        100..200 => match answer.windows(4).position(|at| at == b"\r\n\r\n") {
            Some(at) => status(&answer[at + 4..]),
            None => Ok(None),
        },
        200..600 => Ok(Some(code)),
        _ => Err(Failure::Garbage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> Option<String> {
        request(&Url::parse(url).unwrap(), false, "agent")
    }

    #[test]
    fn a_request_is_one_get_whose_address_cannot_end_its_line() {
        let text = asked("http://Example.org:80/a b?c=ü&d=%0d%0aX:1#secret").unwrap();
        assert_eq!(
            text,
            "GET /a%20b?c=%C3%BC&d=%0d%0aX:1 HTTP/1.1\r\nHost: example.org\r\nUser-Agent: agent\r\nAccept: \
             */*\r\nConnection: close\r\n\r\n"
        );
        assert!(
            asked("https://[2001:db8::1]:8443").unwrap().contains("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n")
        );
        for url in ["http://a@b/", "http://a:b@c/", "http://:b@c/", "ftp://a/", "file:///etc/passwd", "data:,a"] {
            assert_eq!(asked(url), None, "{url}");
        }
        let url = Url::parse("http://a/").unwrap();
        assert!(request(&url, true, "agent").unwrap().contains("\r\nUser-Agent: agent (drill)\r\nX-Drill: 1\r\n"));
        assert_eq!(request(&url, false, "a\r\nb"), None);
    }

    #[tokio::test]
    async fn an_address_written_otherwise_is_judged_as_what_it_is() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://１２７.０.０.１/",
            "http://0/",
            "http://169.254.169.254/latest/",
            "http://[fe80::1]/",
            "http://10.0.0.1:25/",
        ] {
            let (_, failure) = call(url, false, "agent", Reach::Private).await.unwrap_err();
            assert!(matches!(failure, Failure::Refused(..)), "{url}: {failure}");
            assert_eq!(failure.words(), "address not allowed");
        }
        assert!(matches!(call("", false, "a", Reach::Any).await, Err((_, Failure::Unset))));
        assert!(matches!(call("http://[::1", false, "a", Reach::Any).await, Err((_, Failure::Url))));
        assert!(matches!(call("http://0.0.0.0/", false, "a", Reach::Any).await, Err((_, Failure::Refused(..)))));
    }

    #[test]
    fn of_many_addresses_those_are_called_that_may_be() {
        let [bad, good, worse] = ["127.0.0.1:80", "10.1.2.3:80", "0.0.0.0:80"].map(|text| text.parse().unwrap());
        assert_eq!(allowed(&[bad, good, worse], Reach::Private).unwrap(), [good]);
        assert!(matches!(allowed(&[bad, worse], Reach::Private), Err(Failure::Refused(..))));
        assert!(matches!(allowed(&[], Reach::Any), Err(Failure::Unknown(_))));
    }

    #[test]
    fn a_status_is_read_however_it_arrives_and_behind_what_comes_before_it() {
        let whole = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 204 No Content\r\n";
        for end in 0..whole.len() {
            assert_eq!(status(&whole[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(status(whole).unwrap(), Some(204));
        assert_eq!(status(b"HTTP/1.1 301\n").unwrap(), Some(301));
        for bad in [
            &b"SSH-2.0-OpenSSH\r\n"[..],
            b"220 ready\r\n",
            b"\0",
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 \r\n",
            b"HTTP/1.1 99 x\n",
            b"HTTP/1.1 600 x\n",
            b"HTTP/1.1 +200\xff\n",
        ] {
            assert!(matches!(status(bad), Err(Failure::Garbage)), "{bad:?}");
        }
    }
}
