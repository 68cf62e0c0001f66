//! The page about the endpoints, of their OpenAPI document.

use super::assert_current;
use serde_json::Value;
use std::fmt::Write;

const GROUPS: [(&str, &str); 6] = [
    ("sign-in", "Signing in and out"),
    ("account", "The account"),
    ("sessions", "Sessions"),
    ("tokens", "Personal access tokens"),
    ("proxy", "For reverse proxies"),
    ("document", "The document itself"),
];

#[test]
fn the_reference_of_endpoints_is_current() {
    let document: Value =
        serde_json::from_str(&adyton::openapi(&adyton::Config::default())).unwrap();
    let base = document["servers"][0]["url"].as_str().unwrap();
    let mut page = format!(
        "# Endpoints\n\n\
         Under `server.base_path` (`{base}`). Bodies and answers are JSON. A credential is a token in the header\n\
         `Authorization: Bearer …`, or the session cookie; with the cookie what changes something must pass the [CSRF\n\
         check](../concepts/csrf.md). Refusals are [problem details with a code](errors.md). The same as an OpenAPI 3.1\n\
         document: `adyton openapi`, or GET `{base}/openapi.json`.\n\n\
         Beside them the binary answers GET `/healthz` (the process lives) and `/readyz` (it can do its work), and serves the\n\
         [account pages](../guide/account-pages.md).\n",
    );
    let mut told = 0;
    for (tag, title) in GROUPS {
        writeln!(page, "\n## {title}").unwrap();
        for (path, method, operation) in operations(&document) {
            if operation["tags"][0] == tag {
                endpoint(&format!("{} {path}", method.to_uppercase()), operation, &mut page);
                told += 1;
            }
        }
    }
    assert_eq!(told, operations(&document).count(), "an endpoint has no group here");
    page.push_str(
        "\n# Objects\n\nA `?` behind a name: it may be left out. Times are RFC 3339 in UTC.\n",
    );
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        writeln!(page, "\n## {name}\n\n{}\n", sentence(&schema["description"])).unwrap();
        members(schema, &mut page);
    }
    assert_current("docs/reference/http.md", &page.replace("\n\n\n\n", "\n\n"));
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, of)| {
        of.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    })
}

fn endpoint(name: &str, operation: &Value, page: &mut String) {
    writeln!(page, "\n### `{name}`\n\n{}\n", sentence(&operation["summary"])).unwrap();
    writeln!(page, "- Credential: {}", credential(&operation["security"])).unwrap();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let described = sentence(&parameter["description"]);
        let place = parameter["in"].as_str().unwrap();
        writeln!(page, "- In the {place} `{}`: {described}", text(&parameter["name"])).unwrap();
    }
    if let Some(body) = operation.get("requestBody") {
        let optional = if body["required"] == true { "" } else { ", or nothing" };
        let schema = &body["content"]["application/json"]["schema"];
        writeln!(page, "- Body: {}{optional}", kind(schema)).unwrap();
    }
    for (status, answer) in operation["responses"].as_object().unwrap() {
        let schema = &answer["content"]["application/json"]["schema"];
        let described = sentence(&answer["description"]);
        let what = if schema.is_null() { described } else { kind(schema) };
        writeln!(page, "- {status}{}{what}", if what.is_empty() { "" } else { ": " }).unwrap();
    }
}

fn credential(security: &Value) -> &'static str {
    let Some(ways) = security.as_array() else { return "needed" };
    match ways.len() {
        1 => "none",
        _ => "looked at, not needed",
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// In one line, and no more than its first paragraph.
fn sentence(value: &Value) -> String {
    text(value).split("\n\n").next().unwrap().replace('\n', " ")
}

/// What stands there, in one word or a link.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let either = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(either) = either {
        return either.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        if values.iter().any(|value| value == "internal_error") {
            return "one of the [codes](errors.md)".to_owned();
        }
        return values
            .iter()
            .map(|value| format!("`{}`", text(value)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect(),
        one => vec![text(one)],
    };
    let named = types.iter().map(|name| match *name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        name => name.to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ")
}

fn members(schema: &Value, page: &mut String) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let required = schema["required"].as_array();
    for (name, schema) in properties {
        let is_required = required.is_some_and(|names| names.iter().any(|other| other == name));
        let mark = if is_required { "" } else { "?" };
        let described = sentence(&schema["description"]);
        let described = if described.is_empty() { described } else { format!(". {described}") };
        writeln!(page, "- `{name}`{mark}: {}{described}", kind(schema)).unwrap();
    }
}
