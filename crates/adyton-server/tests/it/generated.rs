//! What is generated and committed is what the code says now. With `ADYTON_TEST_UPDATE=1` these
//! tests write the files anew.

use adyton::core::config::OPTIONS;
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
