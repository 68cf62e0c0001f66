//! What the file and the environment make together.

use adyton::core::config::{CacheMode, Config, Lifetime};
use adyton_server::config_file::{Environment, Origin, Settings, template};
use proptest::prelude::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn merge(file: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let merged = Settings::merge(Some(("adyton.toml", file)), &environment(variables));
    merged.map_err(|error| format!("{error:#}"))
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    merge(file, variables).map(|_| String::new()).unwrap_or_else(|error| error)
}

#[test]
fn nothing_set_is_the_default() {
    let settings = Settings::merge(None, &environment(&[("PATH", "/bin")])).unwrap();
    assert_eq!(settings.config, Config::default());
    assert_eq!(settings.origin("prefix"), Origin::Default);
    assert_eq!(settings.counts(), (0, 0));
}

#[test]
fn the_environment_wins_over_the_file_in_either_spelling() {
    let file = "tokenTable = 'tokens'\nauthTable = 'members'\n[server]\nbasePath = '/auth'\n";
    let settings =
        merge(file, &[("ADYTON_AUTH_TABLE", "people"), ("ADYTON_SERVER__LISTEN", "[::1]:9000")]);
    let settings = settings.unwrap();
    assert_eq!(settings.config.auth_table, "people");
    assert_eq!(settings.config.token_table, "tokens");
    assert_eq!(settings.config.server.base_path, "/auth");
    assert_eq!(settings.config.server.listen.port(), 9000);
    assert_eq!(settings.origin("auth_table").to_string(), "ADYTON_AUTH_TABLE");
    assert_eq!(settings.origin("token_table").to_string(), "adyton.toml:1");
    assert_eq!(settings.origin("server.base_path").to_string(), "adyton.toml:4");
    assert_eq!(settings.counts(), (2, 2));
}

#[test]
fn a_variable_has_the_type_of_its_key() {
    let settings = merge(
        "",
        &[
            ("ADYTON_PREFIX", "12345"),
            ("ADYTON_TOKEN_EXPIRATION", "15m"),
            ("ADYTON_SESSION_IDLE", "7200"),
            ("adyton_tokens_per_user", "7"),
            ("ADYTON_TOKEN_ROTATION", "FALSE"),
            ("ADYTON_USER_COLUMNS", "plan, locale,"),
            ("ADYTON_TOKEN_ABILITIES", "[\"a:b\", \"c\"]"),
            ("ADYTON_CACHE", "{ enabled = \"exclusive\", maxBytes = 1024 }"),
            ("ADYTON_COMPAT__SANCTUM_TOKENS", "true"),
            ("ADYTON_HASHING__THREADS", "2"),
            ("ADYTON_CONNECTOR__OPTIONS__PATH", "42"),
        ],
    );
    let config = settings.unwrap().config;
    assert_eq!(config.prefix, "12345");
    assert_eq!(config.token_expiration, Lifetime::from_seconds(900));
    assert_eq!(config.tokens_per_user, 7);
    assert!(!config.token_rotation);
    assert_eq!(config.user_columns, ["plan", "locale"]);
    assert_eq!(config.token_abilities, ["a:b", "c"]);
    assert_eq!((config.cache.enabled, config.cache.max_bytes), (CacheMode::Exclusive, 1024));
    assert_eq!(config.compat.sanctum_tokens, Some(true));
    assert_eq!(config.hashing.threads, Some(2));
    assert_eq!(config.connector.sqlite_path().to_str(), Some("42"));
}

#[test]
fn a_bad_variable_stops_the_start_by_name() {
    for (name, value, told) in [
        (
            "ADYTON_AUTH_TABEL",
            "x",
            "unknown variable ADYTON_AUTH_TABEL; did you mean ADYTON_AUTH_TABLE?",
        ),
        ("ADYTON_MAX_ATTEMPTS", "5", "did you mean ADYTON_RATE_LIMITING__MAX_ATTEMPTS?"),
        ("ADYTON_", "x", "unknown variable ADYTON_"),
        (
            "ADYTON_TOKENS_PER_USER",
            "five",
            "ADYTON_TOKENS_PER_USER: `tokens_per_user`: invalid type: string \"five\", expected u32",
        ),
        ("ADYTON_TOKENS_PER_USER", "-1", "invalid value: integer `-1`, expected u32"),
        (
            "ADYTON_TOKEN_EXPIRATION",
            "soon",
            "ADYTON_TOKEN_EXPIRATION: `token_expiration`: invalid value: string \"soon\", expected whole seconds",
        ),
        ("ADYTON_USER_COLUMNS", "[1", "ADYTON_USER_COLUMNS: `user_columns` is no list: "),
        ("ADYTON_SERVER", "{ listn = 1 }", "ADYTON_SERVER: unknown key `server.listn`"),
        (
            "ADYTON_TOKEN_EXPIRATION",
            "0",
            "`token_expiration` (ADYTON_TOKEN_EXPIRATION): must be at least one second",
        ),
    ] {
        let refused = refusal("", &[(name, value)]);
        assert!(refused.contains(told), "{refused}");
    }
    let twice = refusal("", &[("ADYTON_CACHE", "{ maxBytes = 1, max_bytes = 2 }")]);
    assert!(twice.contains("`cache.max_bytes` is set in both spellings"), "{twice}");
    let twice = refusal("", &[("ADYTON_PREFIX", "a"), ("adyton_prefix", "b")]);
    assert!(twice.contains("set the same key"), "{twice}");
}

#[test]
fn a_secret_in_a_variable_is_not_told() {
    for (name, value) in [
        ("ADYTON_PASSWORD", "hunter2"),
        ("ADYTON_CONNECTOR", "hunter2"),
        ("ADYTON_CONNECTOR__OPTIONS", "{ port = 'hunter2' }"),
        ("ADYTON_CONNECTOR__OPTIONS__PORT", "hunter2"),
    ] {
        let refused = refusal("", &[(name, value)]);
        assert!(refused.starts_with(name) && !refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn the_variables_of_orchestrators_are_let_be() {
    let foreign = ["CONFIG", "TEST_DATABASE", "SERVICE_HOST", "PORT", "PORT_8000_TCP"];
    for name in foreign {
        assert_eq!(refusal("", &[(&format!("ADYTON_{name}"), "x")]), "");
    }
}

#[test]
fn a_contradiction_names_the_place_of_its_key() {
    let told = refusal("\nsession_max_age = '1d'\nrefreshTokenExpiration = '2d'\n", &[]);
    assert!(told.starts_with("`refresh_token_expiration` (adyton.toml:3): must not be above"));
    let told = refusal("session_max_age = '1d'", &[]);
    let where_it_was_set = "`session_max_age` (adyton.toml:1): `refresh_token_expiration` must not";
    assert!(told.starts_with(where_it_was_set), "{told}");
    let told = refusal("", &[("ADYTON_RATE_LIMITING__MAX_ATTEMPTS", "0")]);
    assert!(
        told.starts_with("`rate_limiting.max_attempts` (ADYTON_RATE_LIMITING__MAX_ATTEMPTS): "),
        "{told}"
    );
}

#[test]
fn what_is_shown_can_be_read_again() {
    let settings = merge("tokenableType = 'App\\Models\\User'", &[("ADYTON_PREFIX", "")]).unwrap();
    let lines = |settings: &Settings| -> Vec<String> {
        let entries = settings.entries().unwrap();
        entries.iter().map(|entry| format!("{} = {}\n", entry.key, entry.value)).collect()
    };
    let again = merge(&lines(&settings).concat(), &[]).unwrap();
    assert_eq!(lines(&again), lines(&settings));
}

#[test]
fn the_template_is_the_default_with_or_without_its_marks() {
    let untouched = merge(&template(), &[]).unwrap();
    assert_eq!(untouched.config, Config::default());
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
    let settings = template().lines().filter(is_setting).count();
    let all: Vec<String> = template()
        .lines()
        .map(|line| if is_setting(&line) { line[1..].to_owned() } else { line.to_owned() })
        .collect();
    let mut everything = merge(&all.join("\n"), &[]).unwrap();
    assert_eq!(everything.counts().0, settings);
    let connector = &mut everything.config.connector;
    (connector.options, connector.name) = (None, None);
    assert_eq!(everything.config, Config::default());
}

proptest! {
    #[test]
    fn no_file_and_no_environment_panics(
        text in "(.|\n){0,80}",
        line in "[a-zA-Z_.]{1,24} ?= ?.{0,40}",
        pairs in proptest::collection::vec(("(ADYTON_)?[A-Za-z_]{0,24}", ".{0,40}"), 0..4),
    ) {
        let pairs: Environment =
            pairs.iter().map(|(name, value)| (name.into(), value.into())).collect();
        for text in [&text, &line] {
            let _ = Settings::merge(Some(("adyton.toml", text)), &Environment::new());
        }
        let _ = Settings::merge(None, &pairs);
    }

    #[test]
    fn no_value_of_a_known_key_panics(at in 0_usize..60, value in ".{0,40}") {
        let options = adyton::core::config::OPTIONS;
        let key = options[at % options.len()].key;
        let name = format!("ADYTON_{}", key.to_uppercase().replace('.', "__"));
        let _ = Settings::merge(None, &vec![((&name).into(), (&value).into())]);
        let _ = Settings::merge(Some(("adyton.toml", &format!("{key} = {value}"))), &Vec::new());
    }
}
