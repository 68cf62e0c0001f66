//! What is generated and committed is what the code says now. With `ADYTON_TEST_UPDATE=1` these
//! tests write the files anew.

mod commands;
mod endpoints;
mod words;

use adyton::core::config::{Config, OPTIONS, keys};
use adyton_server::metrics::METRICS;
use adyton_server::{CODES, Code};
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn assert_current(path: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("ADYTON_TEST_UPDATE").is_some() {
        fs::write(&file, generated).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    let how = "ADYTON_TEST_UPDATE=1 cargo test -p adyton-server --test it generated";
    assert!(committed == generated, "{path} is stale: {how}");
}

#[test]
fn the_openapi_document_is_current() {
    assert_current("openapi.json", &adyton::openapi(&adyton::Config::default()));
}

#[test]
fn the_reference_of_metrics_is_current() {
    let mut page = String::from(
        "# Metrics\n\n\
         With `server.metrics_listen = \"127.0.0.1:9100\"`, GET `/metrics` on that address, and nothing else, answers\n\
         in Prometheus's text format. The address needs no credential: keep it from the public. No label holds\n\
         what a client chooses; there is no user, no token and no path in it. Histograms are in seconds.\n\n\
         | metric | type | labels | meaning |\n| --- | --- | --- | --- |\n",
    );
    for metric in METRICS {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        writeln!(page, "| `{}` | {kind} | {} | {} |", metric.name, metric.labels, metric.meaning)
            .unwrap();
    }
    page.push_str(
        "\nSign-ins by outcome: `sum by (event) (rate(adyton_events_total{event=~\"authn_login_.*\"}[5m]))`; refreshes:\n\
         `event=\"session_renewed\"`; reuse: `event=\"authn_token_reuse\"`; limits: `event=\"excess_rate_limit_exceeded\"`.\n\
         An app that embeds the crate installs a recorder of its own for the facade `metrics` and gets all of them\n\
         but `adyton_http_*` and `process_*`.\n",
    );
    assert_current("docs/reference/metrics.md", &page);
}

#[test]
fn the_reference_of_findings_is_current() {
    let mut page = String::from(
        "# Findings of `adyton doctor`\n\n\
         `adyton doctor` looks at the configuration and what surrounds it, and mends nothing. It exits with 1 if any\n\
         finding is an error. With `--json` it prints `{\"findings\": [{\"code\", \"severity\", \"detail\", \"advice\"}]}`.\n\
         To see whether the disk takes more it writes one mebibyte beside the database and removes it again.\n\
         TLS is not looked at: of an https URL it only sees that somebody takes connections.\n\n\
         | code | severity | what it says | what to do |\n| --- | --- | --- | --- |\n",
    );
    for Code { name, level, meaning, advice, .. } in CODES {
        writeln!(page, "| `{name}` | {} | {meaning} | {advice} |", level.as_str()).unwrap();
    }
    assert_current("docs/reference/doctor.md", &page);
}

#[test]
fn the_reference_of_options_is_current() {
    let mut page = String::from(
        "# Configuration\n\n\
         One file `adyton.toml` (`--config`, else `ADYTON_CONFIG`, else `./adyton.toml`), then variables\n\
         `ADYTON_<KEY>` with `__` for a dot (`ADYTON_SERVER__LISTEN=127.0.0.1:9000`); later wins. Keys are read in\n\
         snake_case or camelCase. Durations are seconds or a string with a unit: `s`, `m`, `h`, `d`, `w`. A setting\n\
         that is unknown, of the wrong type or in contradiction to another stops the start and says where it stands.\n\
         What is marked as not built yet is refused.\n\n\
         | key | default | meaning |\n| --- | --- | --- |\n",
    );
    for option in OPTIONS {
        let default = if option.default.is_empty() { "none" } else { option.default };
        let meaning = option.meaning.replace('|', "\\|");
        writeln!(page, "| `{}` | `{default}` | {meaning} |", option.key).unwrap();
    }
    assert_current("docs/reference/configuration.md", &page);
}

/// The options as TypeScript has them. Their types are what [`Config`] takes and what it says where it
/// takes something else.
#[test]
fn the_options_of_the_packages_are_current() {
    let mut file = String::from(
        "// Generated from crates/adyton-core/src/config/reference.rs:\n\
         // ADYTON_TEST_UPDATE=1 cargo test -p adyton-server --test it generated\n\n\
         /** A length of time: whole seconds, or a number with a unit (`\"15m\"`, `\"12h\"`, `\"30d\"`). */\n\
         export type Duration = number | string;\n\n\
         /** Every option; what is left out stands at its default. */\n\
         export interface AuthOptions {\n",
    );
    members("", 1, &mut file);
    file.push_str(
        "}\n\n/** Every key that holds a value, with dots. */\nexport const optionKeys = [\n",
    );
    for key in keys::leaves() {
        writeln!(file, "  \"{}\",", keys::camel(&key)).unwrap();
    }
    file.push_str("] as const;\n");
    assert_current("packages/node/src/options.generated.ts", &file);
}

/// The members of a table, those that hold values before those that hold tables.
fn members(table: &str, depth: usize, file: &mut String) {
    let indent = "  ".repeat(depth);
    let within = |key: &str| key.strip_prefix(table).map(str::to_owned);
    let names = || keys::leaves().filter_map(|key| within(&key));
    for name in names().filter(|name| !name.contains('.')) {
        let key = format!("{table}{name}");
        writeln!(file, "{indent}/** {} */", comment(&key)).unwrap();
        writeln!(file, "{indent}{}?: {};", keys::camel(&name), typescript(&key)).unwrap();
    }
    let mut tables: Vec<String> = Vec::new();
    for name in names().filter_map(|name| Some(name.split_once('.')?.0.to_owned())) {
        if !tables.contains(&name) {
            writeln!(file, "{indent}{}?: {{", keys::camel(&name)).unwrap();
            members(&format!("{table}{name}."), depth + 1, file);
            writeln!(file, "{indent}}};").unwrap();
            tables.push(name);
        }
    }
}

/// What a key means, and its default, with keys as TypeScript spells them.
fn comment(key: &str) -> String {
    let Some(option) = OPTIONS.iter().find(|option| option.key == key) else {
        let part = key.rsplit('.').next().unwrap();
        return format!("`{part}` of the database.");
    };
    let spelled = option.meaning.split('`').map(|word| match keys::is_leaf(word) {
        true => keys::camel(word),
        false => word.to_owned(),
    });
    let meaning = spelled.collect::<Vec<_>>().join("`");
    let (first, rest) = meaning.split_at(meaning.chars().next().map_or(0, char::len_utf8));
    let default = match option.default {
        "" => String::new(),
        default => format!(" Default: `{default}`."),
    };
    let binary = match ONLY_THE_BINARY.iter().any(|only| keys::is_within(key, only)) {
        true => " Only `adyton serve` uses it.",
        false => "",
    };
    format!("{}{rest}.{default}{binary}", first.to_uppercase())
}

const ONLY_THE_BINARY: [&str; 5] = [
    "server.listen",
    "server.metrics_listen",
    "server.header_timeout",
    "server.idle_timeout",
    "pages",
];

fn typescript(key: &str) -> String {
    let takes = |value: serde_json::Value| refusal_of(key, value).is_none();
    let none = if takes(().into()) { " | null" } else { "" };
    let kind = if takes(1.into()) && takes("15m".into()) {
        "Duration".to_owned()
    } else if takes(1.into()) {
        "number".to_owned()
    } else if takes(serde_json::json!([])) {
        "string[]".to_owned()
    } else if takes("any text".into()) || takes("127.0.0.1:1".into()) {
        "string".to_owned()
    } else if takes("exclusive".into()) {
        "boolean | \"exclusive\"".to_owned()
    } else if takes(true.into()) {
        "boolean".to_owned()
    } else {
        let told = refusal_of(key, "any text".into()).unwrap();
        let words = told.split('`').skip(3).step_by(2).map(|word| format!("\"{word}\""));
        words.collect::<Vec<_>>().join(" | ")
    };
    kind + none
}

/// Why a key does not take a value of this form, if it does not.
fn refusal_of(key: &str, value: serde_json::Value) -> Option<String> {
    let alone = key.rsplit('.').fold(value, |value, part| serde_json::json!({ part: value }));
    serde_json::from_value::<Config>(alone).err().map(|error| error.to_string())
}
