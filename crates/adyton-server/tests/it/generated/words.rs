//! Pages about enums: their words are the comments of the variants, so that they stand once.

use super::assert_current;
use adyton::EventKind;
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// One variant.
struct Variant {
    /// As programs are told of it.
    name: String,
    words: String,
}

/// The variants of an enum in a source file, in their order.
fn variants(file: &str, declared: &str) -> Vec<Variant> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let text = fs::read_to_string(path).unwrap();
    let (_, body) = text.split_once(&format!("enum {declared} {{\n")).unwrap();
    let (mut found, mut words) = (Vec::new(), Vec::new());
    for line in body.lines().take_while(|line| *line != "}") {
        if let Some(comment) = line.strip_prefix("    /// ") {
            words.push(comment);
        } else if line.starts_with("    ") && line[4..].starts_with(|c: char| c.is_uppercase()) {
            let variant = line.trim().trim_end_matches(',');
            let told = format!("Self::{variant} => \"");
            let name = text.split(&told).nth(1).and_then(|rest| rest.split('"').next());
            let name = name.map_or_else(|| snake(variant), str::to_owned);
            found.push(Variant { name, words: words.join(" ") });
            words.clear();
        }
    }
    assert!(found.len() > 5 && found.iter().all(|variant| !variant.words.is_empty()));
    found
}

fn snake(variant: &str) -> String {
    let mut snake = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// A sentence as a cell of a table or an item of a list.
fn cell(words: &str) -> String {
    let mut letters = words.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[test]
fn the_reference_of_errors_is_current() {
    let mut page = String::from(
        "# Error codes\n\n\
         Every error is `application/problem+json` (RFC 9457) with `status`, `title`, `detail`, `code` and, for clients of\n\
         Laravel, `message`. Programs tell errors apart by `code`.\n\n\
         | code | status | what happened, what to do |\n| --- | --- | --- |\n",
    );
    let document = adyton::openapi(&adyton::Config::default());
    for Variant { name, words } in variants("crates/adyton/src/openapi.rs", "Code") {
        let (status, words) = words.split_once(": ").unwrap();
        assert_told_with(&document, &name, status);
        writeln!(page, "| `{name}` | {status} | {words} |").unwrap();
    }
    page.push_str("\n## Reasons of `csrf_failed`\n\n");
    for Variant { name, words } in variants("crates/adyton-core/src/csrf.rs", "CsrfReason") {
        writeln!(page, "- `{name}`: {}", cell(&words)).unwrap();
    }
    assert_current("docs/reference/errors.md", &page);
}

/// The document of the endpoints has the codes of each status in its descriptions.
fn assert_told_with(document: &str, code: &str, status: &str) {
    let document: Value = serde_json::from_str(document).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    for (told, answer) in operations.flat_map(|of| of["responses"].as_object().unwrap()) {
        let codes = answer["description"].as_str().unwrap_or_default();
        assert!(!codes.contains(&format!("`{code}`")) || told == status, "{code} is not {status}");
    }
}

#[test]
fn the_reference_of_events_is_current() {
    let mut page = String::from(
        "# Events\n\n\
         Whatever happens is written down: in the table `auth_events` for as long as `event_retention` says, as JSON in\n\
         the log, and in the metric `adyton_events_total`. `adyton events` lists them, `Builder::on_event` tells an app of them. A\n\
         change is written in the transaction that makes it. Refusals are counted: one row for each kind, account or\n\
         network, and minute. No event carries a secret.\n\n\
         | event | outcome | what happened |\n| --- | --- | --- |\n",
    );
    let words = variants("crates/adyton-core/src/event.rs", "EventKind");
    for Variant { name, words } in words {
        let kind = EventKind::from_name(&name).unwrap();
        writeln!(page, "| `{name}` | {} | {} |", kind.outcome().as_str(), cell(&words)).unwrap();
    }
    page.push_str("\n## Members\n\nOf `adyton events --json`; the log has them in snake_case:\n\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adyton-core/src/event.rs");
    let text = fs::read_to_string(path).unwrap();
    let (_, body) = text.split_once("pub struct Event {\n").unwrap();
    let event =
        adyton::Event::new(EventKind::UserCreated, adyton::core::clock::Timestamp::from_unix(0));
    let json = event.to_json();
    let mut words = Vec::new();
    for line in body.lines().take_while(|line| *line != "}") {
        match line.trim().strip_prefix("/// ") {
            Some(comment) => words.push(comment),
            None => {
                let field = line.trim().trim_start_matches("pub ").split(':').next().unwrap();
                let name = adyton::core::config::keys::camel(field);
                assert!(json.get(&name).is_some(), "an event has no `{name}`");
                writeln!(page, "- `{name}`: {}", cell(&words.join(" "))).unwrap();
                words.clear();
            }
        }
    }
    page.push_str("- `outcome`: `success` or `failure`, by the kind\n");
    assert_current("docs/reference/events.md", &page);
}
