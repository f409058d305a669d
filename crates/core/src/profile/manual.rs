//! The manual of CGIs and settings, written from the two tables (`docs/cgi.md`, `docs/params.md`).

use std::fmt::Write as _;

use super::{
    commands::{BESIDE, Command, Group, Login, PROFILE, Page, Privilege},
    contract::{ARRAYS, Entry, Output, factory_value, inputs, output},
    openapi,
    params::params,
    settings::Settings,
    view::View,
    wire::Value,
};

/// Writes `docs/cgi.md`.
pub fn cgis() -> String {
    let mut out = String::from(
        "# The CGIs\n\nGenerated from `crates/core/src/profile/commands.rs` by `cargo xtask docs`; change it there.\n\n\
         Paths match without regard to ASCII case. GET answers HEAD too; a POST is `multipart/form-data` with the file field \
         `file`.\nLogin: HTTP Basic, or `user` and `pwd` in the query; where it says *cam*, `cam_user` and `cam_pwd`.\n\
         Guard: what a foreign web page could do with it (*read*, *move*, *change*; see `docs/threat-model.md`).\n",
    );
    section(&mut out, "The profile", PROFILE);
    section(&mut out, "Beside the profile", BESIDE);
    out.push_str(
        "\n## What each takes and answers\n\n\
         Beside the login; names that a CGI does not know are ignored. **must**: without it the answer is `error: illegal params.`, as \
         it is to a value out of its limits, and nothing is changed. In a CGI where nothing must be given, an empty number changes \
         nothing. Statuses other than 200 are small pages: 401 and 429 where a login is needed, 403 for a host name that is not the \
         camera's, a password in clear from afar or a foreign web page, 503 without a picture.\n",
    );
    PROFILE.iter().chain(BESIDE).for_each(|row| contract(&mut out, row));
    out
}

/// Writes what a CGI takes and answers.
fn contract(out: &mut String, row: &Command) {
    let _ = write!(out, "\n### `{}`\n\n{}\n", path(row), row.doc);
    let taken = inputs(row);
    if row.post {
        out.push_str("\nTakes a file, as the field `file` of `multipart/form-data`.\n");
    }
    if !taken.is_empty() {
        out.push_str("\n| parameter | takes | factory | what it is |\n|---|---|---|---|\n");
    }
    for entry in taken {
        let must = if entry.must { " **must**" } else { "" };
        let factory = entry.factory.as_ref().map_or_else(String::new, text);
        let _ = writeln!(out, "| `{}`{must} | {} | {factory} | {} |", entry.name, entry.kind, entry.doc);
    }
    match output(row) {
        Output::Ok => out.push_str("\nAnswers `ok.`\n"),
        Output::Body(kind, what) => {
            let _ = write!(out, "\nAnswers `{kind}`: {what}\n");
        }
        Output::Vars(shown) => {
            out.push_str("\nAnswers a line `var name=value;` each, in this order:\n");
            table(out, &shown);
        }
        Output::Arrays(shown) => {
            let _ = write!(out, "\nAnswers {ARRAYS}\n");
            table(out, &shown);
        }
    }
}

fn table(out: &mut String, shown: &[Entry]) {
    out.push_str("\n| name | holds | what it is |\n|---|---|---|\n");
    for entry in shown {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{}` | {} | {} |", entry.name, entry.kind, entry.doc);
    }
}

/// Returns the first path of a row; of the other cameras, the one for all of them.
fn path(row: &Command) -> String {
    openapi::template(row.paths[0])
}

fn text(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Secret(_) | Value::Sealed(_) => String::new(),
    }
}

fn section(out: &mut String, title: &str, rows: &[Command]) {
    let _ = write!(
        out,
        "\n## {title}\n\n| path | method | privilege | login | guard | what it does |\n|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let method = if row.post { "POST" } else { "GET" };
        let login = match (row.needs, row.login) {
            (Privilege::Nobody, _) => "none",
            (_, Login::Query) => "query",
            (_, Login::Cam) => "cam",
        };
        let mut paths: Vec<_> = row.paths.iter().map(|path| format!("`{}`", openapi::template(path))).collect();
        paths.dedup();
        let paths = paths.join(" ");
        let _ =
            writeln!(out, "| {paths} | {method} | {} | {login} | {} | {} |", word(row.needs), word(row.guard), row.doc);
    }
}

/// Writes `docs/params.md`.
pub fn settings() -> String {
    let mut out = String::from(
        "# The settings\n\nGenerated from `crates/core/src/profile/params.rs` by `cargo xtask docs`; change it there.\n\n\
         *Name* is the spelling in `get_params.cgi` and in the settings file, *wire* the one in the CGI that sets it; **must**: that \
         CGI refuses a request without it.\nText is UTF-8, lengths are bytes after decoding, and control characters are illegal.\n\
         *Factory* is the value before anybody sets one, and after `restore_factory.cgi`. Secrets show as `********`.\n\n\
         | name | CGI | wire | takes | factory | shown by | what it is |\n|---|---|---|---|---|---|---|\n",
    );
    let factory = Settings::factory();
    let view = View::of(&factory);
    for row in params() {
        let cgi = match row.group {
            None => "shown only".into(),
            Some(Group::Stored) => "kept only".into(),
            Some(Group::Image) => "`camera_control.cgi`".into(),
            Some(Group::FactoryDdns) => "`set_factory_ddns.cgi`".into(),
            Some(group) => format!("`set_{}.cgi`", word(group)),
        };
        let must = if row.must { " **must**" } else { "" };
        let factory = factory_value(row, &view).as_ref().map_or_else(String::new, text);
        let shown = row.pages.iter().map(|page| format!("`{}`", listing_name(*page))).collect::<Vec<_>>().join(" ");
        let wire = if row.group.is_none() { "" } else { row.wire };
        let _ = writeln!(
            out,
            "| `{}` | {cgi}{must} | `{wire}` | {} | {factory} | {shown} | {} |",
            row.name, row.kind, row.doc
        );
    }
    out.replace("``", "")
}

fn listing_name(page: Page) -> &'static str {
    match page {
        Page::Params => "get_params",
        Page::Status => "get_status",
        Page::Camera => "get_camera_params",
        Page::Forbidden => "get_forbidden",
        Page::Misc => "get_misc",
    }
}

/// Writes the name of a variant as a word.
pub(super) fn word(name: impl std::fmt::Debug) -> String {
    format!("{name:?}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_manual_is_current() {
        for (name, text) in [("cgi.md", super::cgis()), ("params.md", super::settings())] {
            let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == text, "docs/{name} is stale: run cargo xtask docs");
        }
    }
}
