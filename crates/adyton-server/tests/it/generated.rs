//! What is generated and committed is what the code says now. With `ADYTON_TEST_UPDATE=1` these
//! tests write the files anew.

use adyton::core::config::OPTIONS;
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
fn the_reference_of_options_is_current() {
    let mut page = String::from(
        "# Configuration\n\n\
         One file `adyton.toml` (`--config`, else `ADYTON_CONFIG`, else `./adyton.toml`), then variables\n\
         `ADYTON_<KEY>` with `__` for a dot (`ADYTON_SERVER__LISTEN=127.0.0.1:9000`); later wins. Keys are read in\n\
         snake_case or camelCase. Durations are seconds or a string with a unit: `s`, `m`, `h`, `d`, `w`. A setting\n\
         that is unknown, of the wrong type or in contradiction to another stops the start and says where it stands.\n\
         Options marked as not built yet are accepted at their default, or to switch the thing off.\n\n\
         | key | default | meaning |\n| --- | --- | --- |\n",
    );
    for option in OPTIONS {
        let default = if option.default.is_empty() { "none" } else { option.default };
        let meaning = option.meaning.replace('|', "\\|");
        writeln!(page, "| `{}` | `{default}` | {meaning} |", option.key).unwrap();
    }
    assert_current("docs/reference/configuration.md", &page);
}
