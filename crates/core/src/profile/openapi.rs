//! The description of the CGIs for programs: an OpenAPI 3.1 document, written from the two tables (`/openapi.json`).
//!
//! What a setting is in the factory state is told in its description and not as a `default`: a parameter that is not given
//! stays as it is, and a client must not send what nobody asked for.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::{
    commands::{BESIDE, Command, Login, Op, PROFILE, Privilege, Run},
    contract::{ARRAYS, Entry, Output, inputs, output},
    manual::word,
    wire::{Kind, Value},
};

/// Returns the document: JSON with a line feed at its end, the same for the whole life of a version.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", describe()));
    &DOCUMENT
}

const ABOUT: &str = "The classic IP Camera CGI profile, as Lookout speaks it. Paths match without regard to ASCII case, GET answers \
                     HEAD too, unknown parameters are ignored, and every answer closes the connection. **A command that failed \
                     answers 200 with a text that begins `error: `**; with `ok.` all of it was done, else nothing. Logging in by \
                     the query puts the password into addresses that others may keep: prefer the header.";

fn describe() -> Json {
    let rows = [("profile", PROFILE), ("beside", BESIDE)];
    let mut paths = Map::new();
    for (tag, row) in rows.iter().flat_map(|(tag, rows)| rows.iter().map(move |row| (tag, row))) {
        for path in row.paths {
            let path = template(path);
            let operation = operation(row, &path, tag);
            paths.insert(path, json!({ method(row): operation }));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lookout",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The camera that this comes from." }],
        "tags": [
            { "name": "profile", "description": "The CGIs of the profile." },
            { "name": "beside", "description": "What stands beside them." },
        ],
        "paths": paths,
        "components": { "securitySchemes": schemes(), "responses": responses(), "schemas": schemas() },
    })
}

fn method(row: &Command) -> &'static str {
    if row.post { "post" } else { "get" }
}

/// Turns the path of one of the other cameras into the one template for all of them.
pub fn template(path: &str) -> String {
    match path.strip_prefix("/device/").and_then(|rest| rest.split_once('/')) {
        Some((_, file)) => format!("/device/{{device}}/{file}"),
        None => path.to_owned(),
    }
}

fn operation(row: &Command, path: &str, tag: &str) -> Json {
    let mut parameters: Vec<_> = inputs(row).iter().map(parameter).collect();
    if path.contains("{device}") {
        let which = "Which of the other cameras, as set_devices.cgi numbers them.";
        let schema = json!({ "type": "integer", "minimum": 2, "maximum": 9 });
        parameters.insert(
            0,
            json!({ "name": "device", "in": "path", "required": true, "description": which, "schema": schema }),
        );
    }
    let mut operation = json!({
        "operationId": operation_id(path),
        "summary": row.doc,
        "tags": [tag],
        "parameters": parameters,
        "security": security(row),
        "responses": answers(row),
        "x-privilege": word(row.needs),
        "x-guard": word(row.guard),
    });
    if row.post {
        operation["requestBody"] = json!({ "required": true, "content": { "multipart/form-data": { "schema": {
            "type": "object",
            "required": ["file"],
            "properties": { "file": { "type": "string", "contentMediaType": "application/octet-stream" } },
        } } } });
    }
    operation
}

fn operation_id(path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    match words.collect::<Vec<_>>().join("_") {
        id if id.is_empty() => "root".into(),
        id => id,
    }
}

fn parameter(entry: &Entry) -> Json {
    let factory = match &entry.factory {
        Some(Value::Int(number)) => format!(" Factory: {number}."),
        Some(Value::Text(text)) if !text.is_empty() => format!(" Factory: `{text}`."),
        Some(Value::Text(_) | Value::Secret(_) | Value::Sealed(_)) | None => String::new(),
    };
    json!({
        "name": entry.name,
        "in": "query",
        "required": entry.must,
        "description": format!("{}{}{factory}", entry.doc, meanings(entry.kind)),
        "schema": schema(entry.kind),
    })
}

/// Says what the numbers of a choice mean.
fn meanings(kind: Kind) -> String {
    if matches!(kind, Kind::Choice(_)) { format!(" One of: {kind}.") } else { String::new() }
}

/// Describes what a parameter takes; of lengths, which count bytes here and characters in JSON, what holds for both.
fn schema(kind: Kind) -> Json {
    let text = |max: usize, pattern: &str| json!({ "type": "string", "maxLength": max, "pattern": pattern });
    // No control characters.
    const CLEAN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
    match kind {
        Kind::Text(max) => text(max, CLEAN),
        Kind::Secret(max) => json!({ "type": "string", "format": "password", "maxLength": max, "pattern": CLEAN }),
        Kind::Host(max) => text(max, "^[A-Za-z0-9._:-]*$"),
        Kind::Mail(max) => text(max, "^([^@]+@[^@]+)?$"),
        Kind::Url(max) => text(max, "^(https?://.+)?$"),
        Kind::Int(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Flag => json!({ "type": "integer", "enum": [0, 1] }),
        Kind::Choice(choices) => {
            json!({ "type": "integer", "enum": choices.iter().map(|choice| choice.0).collect::<Vec<_>>() })
        }
        Kind::Place => json!({ "type": "string", "pattern": "^(head|[0-9]+,[0-9]+,[0-9]+)?$" }),
        Kind::Mask => json!({ "type": "string", "pattern": "^([0-9A-Fa-f]{192})?$" }),
        Kind::Words(words) => json!({ "type": "string", "enum": words }),
        Kind::Ip => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "maxLength": 0 }] }),
        Kind::Mac => text(12, "^[0-9A-Fa-f]{12}$"),
        Kind::Word => json!({ "type": "integer", "minimum": i32::MIN, "maximum": u32::MAX }),
        Kind::Seconds => json!({ "type": "integer", "format": "int64" }),
    }
}

fn security(row: &Command) -> Json {
    match (row.needs, row.login) {
        (Privilege::Nobody, _) => json!([]),
        (_, Login::Query) => json!([{ "basic": [] }, { "digest": [] }, { "user": [], "pwd": [] }]),
        (_, Login::Cam) => json!([{ "basic": [] }, { "digest": [] }, { "cam_user": [], "cam_pwd": [] }]),
    }
}

fn schemes() -> Json {
    let query = |name: &str, what: &str| json!({ "type": "apiKey", "in": "query", "name": name, "description": what });
    json!({
        "basic": { "type": "http", "scheme": "basic" },
        "digest": { "type": "http", "scheme": "digest", "description": "Offered where the operator turned it on." },
        "user": query("user", "The user's name; `pwd` goes with it."),
        "pwd": query("pwd", "The user's password."),
        "cam_user": query("cam_user", "The user's name, where `user` is payload; `cam_pwd` goes with it."),
        "cam_pwd": query("cam_pwd", "The user's password, where `pwd` is payload."),
    })
}

fn answers(row: &Command) -> Json {
    let mut all = Map::from_iter([("200".to_owned(), success(row))]);
    let mut may =
        |status: &str| all.insert(status.into(), json!({ "$ref": format!("#/components/responses/{status}") }));
    if row.needs > Privilege::Nobody {
        may("401");
        may("429");
    }
    may("403");
    may("503");
    if matches!(row.run, Run::Do(Op::DeviceSnapshot | Op::DeviceStream)) {
        may("404");
    }
    all.into()
}

fn success(row: &Command) -> Json {
    let failure = json!({ "schema": { "$ref": "#/components/schemas/Failure" } });
    let or_failure =
        |schema: Json| json!({ "schema": { "anyOf": [schema, { "$ref": "#/components/schemas/Failure" }] } });
    match output(row) {
        Output::Ok => json!({
            "description": "`ok.`, or the file that `next_url` names, or why not.",
            "content": {
                "text/plain": or_failure(json!({ "$ref": "#/components/schemas/Ok" })),
                "text/html": { "schema": { "type": "string" } },
            },
        }),
        Output::Vars(shown) => json!({
            "description": "Lines of JavaScript, `var name=value;`, in this order.",
            "content": { "text/plain": or_failure(json!({ "$ref": "#/components/schemas/Listing" })) },
            "x-vars": shown.iter().map(var).collect::<Vec<_>>(),
        }),
        Output::Arrays(shown) => json!({
            "description": format!("Lines of JavaScript: {ARRAYS}"),
            "content": { "text/plain": or_failure(json!({ "$ref": "#/components/schemas/Arrays" })) },
            "x-vars": shown.iter().map(var).collect::<Vec<_>>(),
        }),
        Output::Body("text/plain", what) => {
            json!({ "description": what, "content": { "text/plain": or_failure(json!({ "type": "string" })) } })
        }
        Output::Body(kind, what) => {
            json!({ "description": what, "content": { kind: {}, "text/plain": failure } })
        }
    }
}

fn var(entry: &Entry) -> Json {
    json!({
        "name": entry.name,
        "description": format!("{}{}", entry.doc, meanings(entry.kind)),
        "schema": schema(entry.kind),
    })
}

fn schemas() -> Json {
    json!({
        "Ok": { "type": "string", "const": super::reply::OK },
        "Failure": {
            "type": "string",
            "pattern": r"^error: .+\.$",
            "examples": ["error: illegal params.", "error: not supported."],
            "description": "Nothing was done, and why; without a line feed.",
        },
        "Arrays": { "type": "string", "pattern": r"^((var )?[a-z0-9_]+(\[[0-9]+\])?=.*;\n)+$" },
        "Listing": { "type": "string", "pattern": r"^(var [a-z0-9_]+=.*;\n)+$" },
    })
}

fn responses() -> Json {
    let page =
        |what: &str| json!({ "description": what, "content": { "text/html": { "schema": { "type": "string" } } } });
    let mut login = page("No login, a wrong one, or one that may not do this.");
    login["headers"] = json!({ "WWW-Authenticate": { "schema": { "type": "string" }, "required": true } });
    let mut wait = page("Too many wrong logins from this address or for this name.");
    wait["headers"] =
        json!({ "Retry-After": { "schema": { "type": "integer" }, "description": "Seconds.", "required": true } });
    json!({
        "401": login,
        "403": page("A host name that is not the camera's, a password in clear from beyond the local network, a foreign web page, \
                     or an hour in which nothing is shown."),
        "404": page("No such camera is set."),
        "429": wait,
        "503": page("No picture came in time, there is no microphone where sound alone is asked for, or there is no place for the connection; then without a body."),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_of_the_tables_is_described_with_all_that_it_takes() {
        let document: Json = serde_json::from_str(document()).unwrap();
        let mut described = HashSet::new();
        for row in PROFILE.iter().chain(BESIDE) {
            for path in row.paths {
                let path = template(path);
                let operation = &document["paths"][&path][method(row)];
                assert_eq!(operation["summary"], row.doc, "{path}");
                let names = |place: &str| -> Vec<_> {
                    let all = operation["parameters"].as_array().unwrap().iter();
                    all.filter(|given| given["in"] == place).map(|given| given["name"].as_str().unwrap()).collect()
                };
                let known: Vec<_> = inputs(row).iter().map(|entry| entry.name).collect();
                assert_eq!(names("query"), known, "{path}");
                assert_eq!(names("path").len(), path.matches('{').count(), "{path}");
                let login = operation["security"].as_array().unwrap().len();
                assert_eq!(login == 0, row.needs == Privilege::Nobody, "{path}");
                described.insert(path);
            }
        }
        assert_eq!(document["paths"].as_object().unwrap().len(), described.len(), "and nothing else is");
    }

    #[test]
    fn no_two_operations_have_one_name() {
        let ids = PROFILE.iter().chain(BESIDE).flat_map(|row| row.paths).map(|path| template(path));
        let ids: Vec<_> = ids.collect::<HashSet<_>>().iter().map(|path| operation_id(path)).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let text = document();
        let document: Json = serde_json::from_str(text).unwrap();
        for reference in text.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn the_description_is_current() {
        let path = format!("{}/../../docs/openapi.json", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == document(), "docs/openapi.json is stale: run cargo xtask docs");
    }
}
