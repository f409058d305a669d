//! The log: to journald under systemd, else to standard error, for a person to read.
//!
//! `log.level` speaks of the camera's own parts. Libraries never log below `warn` by it: their details could show
//! headers, and headers hold passwords. Who sets `RUST_LOG` asks for what he gets.

use std::{
    env, io,
    io::IsTerminal,
    os::fd::{AsFd, BorrowedFd},
};

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::Level;

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
    if tracing_subscriber::registry().with(layer).with(filter).try_init().is_ok()
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

/// Says whether `stream`, `DEVICE:INODE` as systemd.exec(5) gives it, is this very file.
fn is_stream(stream: &str, file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

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
