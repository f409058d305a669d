//! Where pictures come from: one module a scheme of `--source`.

pub mod demo;
pub mod exec;
pub mod files;
pub mod mjpeg_http;

use std::{fmt, path::PathBuf};

use lookout_core::port::{Lost, Promise, Source, Wanted};
use lookout_linux::v4l2;

pub use demo::LocalTime;

/// Which source to open: the parsed `--source`.
#[derive(Clone, PartialEq, Eq)]
pub enum Locator {
    /// The synthetic scene, with its query.
    Demo(String),
    /// A camera of this machine.
    V4l2(PathBuf),
    /// Another camera's stream; may hold a password, which `Display` leaves out.
    Http(String),
    /// Pictures on the disk.
    Files(PathBuf),
    /// A program.
    Exec(String),
}

impl Locator {
    /// Reads a `--source`; without one it is the first camera of this machine, else the demo scene.
    ///
    /// # Errors
    /// A scheme that is none, in words.
    pub fn parse(url: Option<&str>) -> Result<Self, String> {
        let Some(url) = url else {
            return Ok(v4l2::first().map_or_else(|| Self::Demo(String::new()), Self::V4l2));
        };
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        match scheme {
            "demo" => Ok(Self::Demo(rest.into())),
            "v4l2" => Ok(Self::V4l2(rest.into())),
            "http" | "https" => Ok(Self::Http(url.into())),
            "file" => Ok(Self::Files(rest.into())),
            "exec" => Ok(Self::Exec(rest.into())),
            _ => Err(format!("{scheme}: is no kind of source; there are demo:, v4l2:, http:, https:, file: and exec:")),
        }
    }

    /// Opens the source.
    pub fn open(&self, wanted: Wanted, local: LocalTime) -> Promise<'static, Result<Box<dyn Source>, Lost>> {
        match self.clone() {
            Self::Demo(query) => Box::pin(async move { demo::open(&query, wanted, local) }),
            Self::V4l2(path) => Box::pin(async move {
                let camera = v4l2::Camera::open(&path, wanted).await?;
                Ok(Box::new(camera) as Box<dyn Source>)
            }),
            Self::Http(url) => Box::pin(async move { mjpeg_http::open(&url, wanted).await }),
            Self::Files(path) => Box::pin(async move { files::open(&path, wanted).await }),
            Self::Exec(command) => Box::pin(async move { exec::open(&command, wanted).await }),
        }
    }

    /// Says what the device behind it offers, a line each; nothing where there is no device.
    pub fn describe(&self) -> Vec<String> {
        match self {
            Self::V4l2(path) => v4l2::describe(path)
                .map_or_else(|lost| vec![lost.0], |found| found.to_string().lines().map(str::to_owned).collect()),
            Self::Demo(_) | Self::Http(_) | Self::Files(_) | Self::Exec(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo(query) => write!(f, "demo:{query}"),
            Self::V4l2(path) => write!(f, "v4l2:{}", path.display()),
            Self::Http(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = authority.rsplit('@').next().unwrap_or_default();
                write!(f, "{scheme}://{host}")
            }
            Self::Files(path) => write!(f, "file:{}", path.display()),
            // The command may hold a password among its arguments.
            Self::Exec(command) => write!(f, "exec:{}", command.split_whitespace().next().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_log_line_shows_a_password_of_a_source() {
        let shown = |url| Locator::parse(Some(url)).unwrap().to_string();
        assert_eq!(shown("http://me:sesame@10.0.0.5:81/v.cgi?pwd=sesame"), "http://10.0.0.5:81");
        assert_eq!(shown("exec:curl -u me:sesame http://x"), "exec:curl");
        assert!(Locator::parse(Some("ftp://x")).is_err());
    }
}
