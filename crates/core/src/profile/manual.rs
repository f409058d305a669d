//! The manual of CGIs and settings, written from the two tables (`docs/cgi.md`, `docs/params.md`).

use std::fmt::Write as _;

use super::{
    commands::{BESIDE, Command, Group, Login, PROFILE, Privilege, Run},
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
    out
}

fn section(out: &mut String, title: &str, rows: &[Command]) {
    let _ = write!(
        out,
        "\n## {title}\n\n| path | method | privilege | login | guard | works | what it does |\n|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let method = if row.post { "POST" } else { "GET" };
        let works = if row.run == Run::Later { "not yet: `error: not supported.`" } else { "yes" };
        let login = match (row.needs, row.login) {
            (Privilege::Nobody, _) => "none",
            (_, Login::Query) => "query",
            (_, Login::Cam) => "cam",
        };
        let paths = row.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            out,
            "| {paths} | {method} | {} | {login} | {} | {works} | {} |",
            word(row.needs),
            word(row.guard),
            row.doc
        );
    }
}

/// Writes `docs/params.md`.
pub fn settings() -> String {
    let mut out = String::from(
        "# The settings\n\nGenerated from `crates/core/src/profile/params.rs` by `cargo xtask docs`; change it there.\n\n\
         *Name* is the spelling in `get_params.cgi` and in the settings file, *wire* the one in the CGI that sets it; **must**: that \
         CGI refuses a request without it.\nText is UTF-8, lengths are bytes after decoding, and control characters are illegal.\n\n\
         | name | CGI | wire | takes | default | what it is |\n|---|---|---|---|---|---|\n",
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
        let default = match (row.show)(&view) {
            _ if row.edit.is_none() => String::new(),
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text,
            Value::Secret(_) | Value::Sealed(_) => String::new(),
        };
        let wire = if row.group.is_none() { "" } else { row.wire };
        let _ = writeln!(out, "| `{}` | {cgi}{must} | `{wire}` | {} | {default} | {} |", row.name, row.kind, row.doc);
    }
    out.replace("``", "")
}

fn word(name: impl std::fmt::Debug) -> String {
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
