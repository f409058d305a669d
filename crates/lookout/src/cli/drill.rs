//! `lookout drill`: asks a camera that runs for a drill, and tells what came of it.

use std::time::Duration;

use crate::{config::Config, tls};
use clap::Args;
use reqwest::{Client, StatusCode, Url, redirect};
use serde_json::Value;

use super::{Failed, failed, first_minute::say};

/// How long the answer is waited for; it comes within 60 s.
const PATIENCE: Duration = Duration::from_secs(75);
/// The longest answer, in bytes.
const LONGEST: usize = 64 * 1024;

/// What stands below the options.
pub const HELP: &str = "The password is taken from LOOKOUT_ADMIN_PASSWORD, else read from the terminal or from standard input.\n\
A camera with HTTPS is known by --fingerprint, which it prints at its start; else by its certificate in the state folder\n\
or the configuration of this machine, or by an authority that this machine trusts.";

/// Whom to ask, and how.
#[derive(Args)]
pub struct Wish {
    /// The camera.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// A manager.
    #[arg(long, default_value = "admin")]
    user: String,
    /// SHA-256 of the camera's certificate, AB:CD:…; no other is believed then.
    #[arg(long, value_name = "SHA-256")]
    fingerprint: Option<String>,
    /// Prints what the camera answers, as JSON.
    #[arg(long)]
    json: bool,
}

/// Drills, and prints a line for each link.
pub fn drill(wish: &Wish, config: &Config) -> Result<(), Failed> {
    let password = password(&wish.user)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let text = runtime.block_on(ask(wish, config, &password))?;
    let links = links(&text).ok_or_else(|| failed("this is no camera that can drill"))?;
    if wish.json {
        say(format_args!("{}", text.trim_end()));
    } else {
        links.iter().for_each(|[link, result, words]| say(format_args!("{link:<7} {result:<7} {words}")));
    }
    let bad: Vec<_> =
        links.iter().filter(|[_, result, _]| result == "failed").map(|[link, ..]| link.as_str()).collect();
    if bad.is_empty() { Ok(()) } else { Err(failed(format!("a part of the alarm chain failed: {}", bad.join(", ")))) }
}

/// Takes the password from where nobody else sees it.
fn password(user: &str) -> Result<String, Failed> {
    let given = std::env::var("LOOKOUT_ADMIN_PASSWORD").ok().filter(|text| !text.is_empty());
    given.map_or_else(|| super::ask(&format!("Password of {user}")), Ok)
}

async fn ask(wish: &Wish, config: &Config, password: &str) -> Result<String, Failed> {
    tls::install_provider();
    let known = tls::known(&config.tls, &config.state_dir());
    let trust = match &wish.fingerprint {
        Some(fingerprint) => tls::pinned(Some(fingerprint), false),
        None => tls::pinned(known.as_deref(), true),
    };
    let client = Client::builder()
        .user_agent(concat!("lookout/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(PATIENCE)
        .tls_backend_preconfigured(trust.map_err(failed)?)
        .build()
        .map_err(|error| failed(why(&error)))?;
    let url = wish.url.join("/drill.cgi").map_err(|_| failed(format!("{} is no address of a camera", wish.url)))?;
    // The header says that no page of a browser asks.
    let request = client.get(url).basic_auth(&wish.user, Some(password)).header("X-Requested-With", "lookout");
    let unreachable =
        |error: reqwest::Error| failed(format!("the camera at {} cannot be asked: {}", wish.url, why(&error)));
    let mut answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            return Err(failed("the answer is too long"));
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    match status {
        StatusCode::UNAUTHORIZED => {
            Err(failed(format!("the camera knows no manager {} with that password", wish.user)))
        }
        StatusCode::TOO_MANY_REQUESTS => Err(failed("there were too many wrong passwords: try again later")),
        StatusCode::OK if body == "error: busy." => Err(failed("another drill is under way")),
        StatusCode::OK => Ok(body),
        other => Err(failed(format!("the camera refuses: {other}"))),
    }
}

/// Returns the innermost cause, which says most.
fn why(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error).to_string()
}

/// Reads link, result and words of each link; none where that is no answer of a drill.
fn links(text: &str) -> Option<Vec<[String; 3]>> {
    let answer: Value = serde_json::from_str(text).ok()?;
    // What another machine says must not move the cursor.
    let plain = |text: &str| text.chars().map(|c| if c.is_control() { '_' } else { c }).collect::<String>();
    let link = |link: &Value| {
        let [name, result, words] = ["link", "result", "words"].map(|key| link[key].as_str().map(plain));
        Some([name?, result?, words?])
    };
    answer["links"].as_array()?.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_drill_is_read_and_cannot_move_the_cursor() {
        let text = r#"{"passed":true,"links":[{"link":"mail","result":"done","words":"a\u001b[2J\nb"}]}"#;
        assert_eq!(links(text).unwrap(), [["mail", "done", "a_[2J_b"]]);
        for strange in ["", "ok.\n", "[]", r#"{"links":{}}"#, r#"{"links":[{"link":"mail"}]}"#] {
            assert_eq!(links(strange), None, "{strange}");
        }
    }
}
