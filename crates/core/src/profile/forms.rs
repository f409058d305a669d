//! The forms of the settings, written from their table (`/forms.json`): a new row is a new field wherever they are shown.
//!
//! A form is a CGI that sets something. Each of its fields says under which name its value is listed, by which CGI, under
//! which name it is set, and what it takes.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::{
    commands::{BESIDE, Command, PROFILE, Page, Run},
    contract::factory_value,
    listing::name,
    params::{Param, params},
    settings::Settings,
    view::View,
    wire::{Kind, Value},
};

/// Returns the document: JSON with a line feed at its end, the same for the whole life of a version.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", describe()));
    &DOCUMENT
}

fn describe() -> Json {
    let factory = Settings::factory();
    let view = View::of(&factory);
    let form = |command: &Command| {
        let group = command.run.sets()?;
        let fields: Vec<_> =
            params().filter(|row| row.group == Some(group)).filter_map(|row| field(row, &view)).collect();
        let (user, password) = command.login.names();
        let about = json!({ "doc": command.doc, "login": [user, password], "fields": fields });
        Some((command.paths[0].trim_start_matches('/').to_owned(), about))
    };
    Json::Object(PROFILE.iter().chain(BESIDE).filter_map(form).collect::<Map<_, _>>())
}

/// Describes a setting; none that no listing shows, as nobody could see what it is.
fn field(row: &'static Param, view: &View) -> Option<Json> {
    let page = row.pages.first()?;
    let mut field = json!({
        "name": row.name,
        "wire": row.wire,
        "list": listing(*page)?,
        "listed": name(*page, row),
        "must": row.must,
        "doc": row.doc,
    });
    takes(row.kind, &mut field);
    match factory_value(row, view) {
        Some(Value::Int(number)) => field["factory"] = number.into(),
        Some(Value::Text(text)) => field["factory"] = text.into(),
        Some(Value::Secret(_) | Value::Sealed(_)) | None => {}
    }
    Some(field)
}

fn listing(page: Page) -> Option<&'static str> {
    let command = PROFILE.iter().find(|command| command.run == Run::List(page))?;
    Some(command.paths[0].trim_start_matches('/'))
}

/// Notes what a setting takes; lengths are bytes of UTF-8.
fn takes(kind: Kind, field: &mut Json) {
    let (word, limits): (_, &[(&str, Json)]) = match kind {
        Kind::Text(max) => ("text", &[("max", max.into())]),
        Kind::Secret(max) => ("secret", &[("max", max.into())]),
        Kind::Host(max) => ("host", &[("max", max.into())]),
        Kind::Mail(max) => ("mail", &[("max", max.into())]),
        Kind::Url(max) => ("url", &[("max", max.into())]),
        Kind::Int(min, max) => ("int", &[("min", min.into()), ("max", max.into())]),
        Kind::Flag => ("flag", &[]),
        Kind::Choice(choices) => ("choice", &[("choices", choices.iter().map(|(n, word)| json!([n, word])).collect())]),
        Kind::Words(words) => ("one-of", &[("choices", words.iter().map(|word| json!([word, word])).collect())]),
        Kind::Ip => ("ip", &[]),
        Kind::Mac => ("mac", &[]),
        Kind::Word => ("hours", &[]),
        Kind::Seconds => ("seconds", &[]),
        Kind::Mask => ("mask", &[]),
        Kind::Place => ("place", &[]),
    };
    field["kind"] = word.into();
    for (name, limit) in limits {
        field[*name] = limit.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_a_cgi_sets_and_a_listing_shows_has_a_field() {
        let forms = describe();
        let fields = |form: &Json| form["fields"].as_array().map_or(0, Vec::len);
        let all: usize = forms.as_object().unwrap().values().map(fields).sum();
        let shown = params().filter(|row| !row.pages.is_empty() && row.edit.is_some());
        let all_rows = || PROFILE.iter().chain(BESIDE);
        let set = |row: &&Param| row.group.is_some() && all_rows().any(|command| command.run.sets() == row.group);
        assert_eq!(all, shown.filter(set).count());
        assert_eq!(forms["set_privacy.cgi"]["fields"][0]["listed"], "privacy_now");
        assert_eq!(forms["set_mail.cgi"]["login"], json!(["cam_user", "cam_pwd"]));
        let baud = &forms["set_decoder.cgi"]["fields"][0];
        assert_eq!((&baud["kind"], &baud["list"]), (&json!("choice"), &json!("get_params.cgi")));
    }
}
