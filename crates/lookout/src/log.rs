//! The log: to journald under systemd, else to standard error, for a person to read.
//!
//! `log.level` speaks of the camera's own parts. Libraries never log below `warn` by it: their details could show
//! headers, and headers hold passwords. Who sets `RUST_LOG` asks for what he gets, but for passwords: a library that would
//! log them is capped whatever it says.

use std::{
    env, io,
    io::IsTerminal,
    os::fd::{AsFd, BorrowedFd},
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::Level;

/// Libraries whose details are secrets, and how much of them is logged at most. At `trace` suppaftp logs every line that
/// it sends, `PASS` with the password among them; at `debug` user and paths. Of the others, that of HTTP logs hosts and
/// that of MQTT topics and sizes, the mail library and our own parts nothing of the kind.
const CAPPED: [(&str, LevelFilter); 1] = [("suppaftp", LevelFilter::INFO)];

/// Starts the log. Later calls change nothing.
pub fn init(level: Level) {
    let (filter, bad) = match env::var(EnvFilter::DEFAULT_ENV) {
        Ok(wish) => match wish.parse() {
            Ok(filter) => (filter, None),
            Err(error) => (own(level), Some(error)),
        },
        Err(_) => (own(level), None),
    };
    let journal = env::var("JOURNAL_STREAM").is_ok_and(|stream| is_stream(&stream, io::stderr().as_fd()));
    // Without journald's socket the text still reaches the journal by standard error.
    let layer = match journal.then(tracing_journald::layer) {
        Some(Ok(layer)) => layer.with_field_prefix(None).with_syslog_identifier("lookout".to_owned()).boxed(),
        Some(Err(_)) | None => {
            let text = tracing_subscriber::fmt::layer().compact().with_target(false).with_writer(io::stderr);
            text.with_ansi(io::stderr().is_terminal()).boxed()
        }
    };
    if tracing_subscriber::registry().with(layer).with(filter).with(caps()).try_init().is_ok()
        && let Some(error) = bad
    {
        tracing::warn!(%error, "RUST_LOG is not understood; log.level counts");
    }
}

/// Makes the filter of `log.level`.
fn own(level: Level) -> EnvFilter {
    let others = if level == Level::Error { level } else { Level::Warn };
    EnvFilter::new(format!("{others},lookout={level},lookout_core={level},lookout_linux={level}"))
}

/// Makes the filter that no `RUST_LOG` widens.
fn caps() -> Targets {
    Targets::new().with_default(LevelFilter::TRACE).with_targets(CAPPED)
}

/// Says whether `stream`, `DEVICE:INODE` as systemd.exec(5) gives it, is this very file.
fn is_stream(stream: &str, file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::MetadataExt,
        sync::{Arc, Mutex},
    };

    use lookout_testkit::FtpServer;
    use suppaftp::tokio::AsyncRustlsFtpStream;

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_password_is_not_logged_whatever_rust_log_says() {
        let server = FtpServer::start();
        for wish in ["trace", "suppaftp=trace", "suppaftp::async_ftp=trace,suppaftp::sync_ftp=trace,trace"] {
            let paper = Paper::default();
            let into = paper.clone();
            let text = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || into.clone());
            let filter: EnvFilter = wish.parse().unwrap();
            let _guard = tracing_subscriber::registry().with(text).with(filter).with(caps()).set_default();
            let mut ftp = AsyncRustlsFtpStream::connect(("127.0.0.1", server.port)).await.unwrap();
            ftp.login("me", "k3pt-s3cret").await.unwrap();
            tracing::trace!(target: "suppaftp::told", "all of it");
            tracing::info!(target: "suppaftp::told", "that it is there");
            let said = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
            assert!(said.contains("that it is there"), "{wish}: {said}");
            assert!(!said.contains("k3pt-s3cret") && !said.contains("all of it"), "{wish}: {said}");
        }
    }

    #[test]
    fn libraries_stay_quiet_however_much_the_camera_tells() {
        assert_eq!(own(Level::Trace).to_string(), "lookout_linux=trace,lookout_core=trace,lookout=trace,warn");
        assert_eq!(own(Level::Error).to_string(), "lookout_linux=error,lookout_core=error,lookout=error,error");
    }

    #[test]
    fn the_journal_is_recognised_by_device_and_inode() {
        let file = tempfile::tempfile().unwrap();
        let (device, inode) = file.metadata().map(|known| (known.dev(), known.ino())).unwrap();
        assert!(is_stream(&format!("{device}:{inode}"), file.as_fd()));
        for other in [format!("{device}:{}", inode + 1), format!("{inode}:{device}"), String::new()] {
            assert!(!is_stream(&other, file.as_fd()), "{other}");
        }
    }
}
