//! Names in the documents are names in the code: options, variables, events, codes, metrics and
//! commands.

use super::{Document, assert_none, documents, root};
use adyton::EventKind;
use adyton::core::config::keys;
use adyton_server::CODES;
use adyton_server::metrics::METRICS;
use clap::{Arg, Command};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Names of other programs that the documents speak of.
const OF_OTHERS: [&str; 15] = [
    "auth_request",
    "auth_token",
    "email_verified_at",
    "forward_auth",
    "ignore_startup_parameters",
    "is_admin",
    "max_prepared_statements",
    "pg_dump",
    "proxy_cache",
    "proxy_set_header",
    "remember_token",
    "reverse_proxy",
    "run_id",
    "session_replication_role",
    "token_prefix",
];

/// The maximal words of these characters.
fn words(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |c: char| !belongs(c)).filter(|word| !word.is_empty())
}

fn in_snake_case(word: &str) -> bool {
    let mut parts = word.split('_');
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    word.contains('_') && word.starts_with(|c: char| c.is_ascii_lowercase()) && parts.all(is_plain)
}

/// The text of every file below a folder whose name ends so.
fn texts(folder: &Path, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["node_modules", "target"].contains(&name) && !name.starts_with('.') {
            texts(&path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            found.extend(fs::read_to_string(&path));
        }
    }
}

fn sources(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    texts(&root().join(folder), ending, &mut found);
    assert!(!found.is_empty(), "{folder} has no *{ending}");
    found
}

/// The sources of our crates, without their tests.
fn shipped() -> Vec<String> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let folders = crates.map(|entry| entry.unwrap().path().join("src"));
    let mut found = Vec::new();
    folders.for_each(|folder| texts(&folder, ".rs", &mut found));
    found
}

/// What the code calls something in snake_case: keys, events, codes, columns, functions.
fn vocabulary() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = OF_OTHERS.iter().map(ToString::to_string).collect();
    for key in keys::leaves() {
        known.extend(key.split('.').map(str::to_owned));
    }
    known.extend(EventKind::ALL.map(|kind| kind.as_str().to_owned()));
    known.extend(CODES.iter().map(|code| code.name.to_owned()));
    for text in shipped() {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let quoted = code.split('"').skip(1).step_by(2);
        known.extend(quoted.flat_map(snake_words).map(str::to_owned));
        known.extend(declared("pub ", code).map(str::to_owned));
    }
    // Tests too: some documents name them.
    for text in sources("crates", ".rs") {
        known.extend(declared("fn ", &text).chain(declared("mod ", &text)).map(str::to_owned));
    }
    for text in sources("packages/node/src", "ts") {
        known.extend(text.split('"').skip(1).step_by(2).flat_map(snake_words).map(str::to_owned));
    }
    let examples = fs::read_dir(root().join("crates/adyton/examples")).unwrap();
    let names = examples.map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned());
    known.extend(names.map(|name| name.to_str().unwrap().to_owned()));
    for text in sources("crates/adyton-sql/migrations", ".sql") {
        known.extend(snake_words(&text).map(str::to_owned));
    }
    known
}

/// The names that stand behind a keyword.
fn declared<'a>(keyword: &'a str, code: &'a str) -> impl Iterator<Item = &'a str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after = code.split(keyword).skip(1);
    after.filter_map(move |rest| rest.split(move |c| !is_part(c)).next())
}

fn snake_words(text: &str) -> impl Iterator<Item = &str> {
    words(text, |c| c.is_ascii_alphanumeric() || c == '_').filter(|word| in_snake_case(word))
}

/// `key = "value"` names a key.
fn key_of(span: &str) -> &str {
    span.split(" = ").next().unwrap()
}

#[test]
fn every_name_in_snake_case_is_one() {
    let known = vocabulary();
    let mut unknown = Vec::new();
    for document in documents() {
        let named =
            document.spans.iter().map(|span| key_of(span)).filter(|name| in_snake_case(name));
        for name in named.filter(|name| !known.contains(*name)) {
            unknown.push(format!("{}: {name}", document.path));
        }
    }
    assert_none("names of nothing", &unknown);
}

/// Guides that name what other modules have.
const ABOUT_OTHERS: [&str; 2] = ["docs/guide/existing-clients.md", "docs/guide/moving-to-nuxt.md"];

#[test]
fn every_name_in_camel_case_is_one() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let scripts = [".ts", ".vue", ".mjs"].map(|ending| sources("packages", ending));
    for text in scripts.iter().flatten().chain(&shipped()) {
        known.extend(words(text, is_part).map(str::to_owned));
    }
    known
        .extend(keys::leaves().flat_map(|key| key.split('.').map(keys::camel).collect::<Vec<_>>()));
    let in_camel_case = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.contains(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let mut unknown = Vec::new();
    for document in documents().iter().filter(|one| !ABOUT_OTHERS.contains(&&*one.path)) {
        let named = document.spans.iter().map(String::as_str).filter(in_camel_case);
        for name in named.filter(|name| !known.contains(*name)) {
            unknown.push(format!("{}: {name}", document.path));
        }
    }
    assert_none("names of nothing", &unknown);
}

#[test]
fn every_option_in_its_table_exists() {
    let tables: BTreeSet<String> =
        keys::leaves().filter_map(|key| Some(key.split_once('.')?.0.to_owned())).collect();
    let mut unknown = Vec::new();
    for document in documents() {
        for span in &document.spans {
            let key = keys::snake(key_of(span));
            let is_option = key.split_once('.').is_some_and(|(table, rest)| {
                let is_file = [".rs", ".ts", ".toml", ".md"].iter().any(|end| key.ends_with(end));
                tables.contains(table) && !rest.is_empty() && !is_file
            }) && words(&key, |c| c.is_ascii_alphanumeric() || "._".contains(c))
                .eq([key.as_str()]);
            if is_option && !keys::is_leaf(&key) && !keys::is_table(&key) {
                unknown.push(format!("{}: {span}", document.path));
            }
        }
    }
    assert_none("options that do not exist", &unknown);
}

/// Whatever the document says that somebody might paste.
fn pasted(document: &Document) -> impl Iterator<Item = &str> {
    let blocks = document.blocks.iter().map(|block| block.text.as_str());
    document.spans.iter().map(String::as_str).chain(blocks)
}

#[test]
fn every_variable_is_read_by_somebody() {
    let mut known = BTreeSet::from(["ADYTON_CONFIG".to_owned(), "NUXT_ADYTON_BASE_URL".to_owned()]);
    for key in keys::leaves().map(|key| key.to_uppercase()) {
        known.insert(format!("ADYTON_{}", key.replace('.', "__")));
        known.insert(format!("NUXT_ADYTON_{}", key.replace('.', "_")));
    }
    let is_variable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    // Those of our own scripts and tests.
    for (folder, ending) in [
        ("crates", ".mjs"),
        ("packages", ".mjs"),
        ("packages", ".ts"),
        ("e2e", ".mjs"),
        ("scripts", ""),
    ] {
        let texts = sources(folder, ending);
        let read = texts.iter().flat_map(|text| words(text, is_variable));
        known.extend(read.filter(|word| word.starts_with("ADYTON_")).map(str::to_owned));
    }
    for text in sources("crates", ".rs") {
        let read = words(&text, is_variable).filter(|word| word.starts_with("ADYTON_TEST_"));
        known.extend(read.map(str::to_owned));
    }
    let mut unknown = Vec::new();
    for document in documents() {
        for variable in pasted(&document).flat_map(|text| words(text, is_variable)) {
            let is_ours = variable.starts_with("ADYTON_") || variable.starts_with("NUXT_ADYTON_");
            if is_ours && !variable.ends_with('_') && !known.contains(variable) {
                unknown.push(format!("{}: {variable}", document.path));
            }
        }
    }
    assert_none("variables that nobody reads", &unknown);
}

/// Whether Prometheus is told of a series of this name.
fn is_series(name: &str) -> bool {
    METRICS.iter().any(|metric| {
        let rest = name.strip_prefix(metric.name);
        let is_histogram = format!("{:?}", metric.kind) == "Histogram";
        rest == Some("")
            || is_histogram
                && rest.is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest))
    })
}

#[test]
fn every_metric_is_measured() {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().file_name().to_str().unwrap().replace('-', "_"));
    let crates: BTreeSet<String> = crates.collect();
    let others = ["adyton_session", "adyton_device", "adyton_migrations", "adyton_changes"];
    let mut unknown = Vec::new();
    let mut look = |place: &str, text: &str| {
        let series = words(text, |c| c.is_ascii_alphanumeric() || "_-".contains(c));
        for name in series.filter(|word| word.starts_with("adyton_")) {
            let is_group = name.ends_with('_') && METRICS.iter().any(|m| m.name.starts_with(name));
            if !is_series(name) && !is_group && !crates.contains(name) && !others.contains(&name) {
                unknown.push(format!("{place}: {name}"));
            }
        }
    };
    for document in documents() {
        pasted(&document).for_each(|text| look(&document.path, text));
    }
    assert_none("metrics that nobody measures", &unknown);
}

#[test]
fn the_dashboard_asks_for_what_is_measured() {
    let text = fs::read_to_string(root().join("docs/operations/grafana.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let series = |word: &&str| word.starts_with("adyton_") || word.starts_with("process_");
            asked.extend(snake_words(query).filter(series).map(str::to_owned));
            // What stands in quotation marks are values of labels: kinds of events, and patterns of them.
            for value in query.split('"').skip(1).step_by(2) {
                let known = snake_words(value).all(|kind| EventKind::from_name(kind).is_some());
                assert!(known, "{query} asks for {value}");
            }
        }
    }
    let unknown: Vec<String> = asked.iter().filter(|name| !is_series(name)).cloned().collect();
    assert_none("series that nobody measures", &unknown);
    assert!(asked.len() > 10, "{asked:?}");
}

/// Why there is no such command, if there is none.
fn refusal(command: &Command, line: &str) -> Option<String> {
    let (mut at, mut words) = (command, line.split_whitespace().skip(1));
    while let Some(word) = words.next() {
        let word = word.trim_matches(['"', '\'', '[', ']', ',']);
        let name = word.split('=').next().unwrap();
        let flag = |arg: &Arg| arg.get_long().is_some_and(|long| name == format!("--{long}"));
        if let Some(below) = at.find_subcommand(word) {
            at = below;
        } else if ["|", "&&", ";", "&", ">", "2>&1"].contains(&word) {
            return None;
        } else if name.starts_with("--") {
            let known = at.get_arguments().chain(command.get_arguments()).find(|arg| flag(arg));
            if known.is_none() && !["--help", "--version"].contains(&name) {
                return Some(format!("{} takes no {name}", at.get_name()));
            }
            if word == name && known.is_some_and(|arg| arg.get_action().takes_values()) {
                words.next();
            }
        } else if at.has_subcommands() && word != "…" && word != "--" {
            return Some(format!("{} has no {word}", at.get_name()));
        }
    }
    None
}

#[test]
fn every_command_exists() {
    let (command, mut refused, mut counted) = (adyton_server::command(), Vec::new(), 0);
    for document in documents() {
        let shells =
            document.blocks.iter().filter(|block| ["sh", "console"].contains(&&*block.language));
        let lines = shells.flat_map(|block| block.text.lines());
        let lines = lines.flat_map(|line| line.split(['|', '(', ';'])).map(str::trim);
        let lines = document.spans.iter().map(String::as_str).chain(lines);
        for line in lines.map(|line| line.trim_start_matches("$ ")) {
            if line.starts_with("adyton ") && !line.starts_with("adyton =") {
                counted += 1;
                refused.extend(
                    refusal(&command, line).map(|why| format!("{}: {line}: {why}", document.path)),
                );
            }
        }
    }
    assert_none("commands that do not exist", &refused);
    assert!(counted > 30, "only {counted} commands");
}
