//! GET `/openapi.json`.

use crate::world::World;
use adyton::Config;
use serde_json::Value;
use std::collections::BTreeSet;

fn document(config: &Config) -> Value {
    serde_json::from_str(&adyton::openapi(config)).unwrap()
}

#[tokio::test]
async fn anybody_reads_the_document_that_the_crate_gives() {
    let world = World::new().await;
    let response = world.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(response.body, adyton::openapi(&Config::default()));
    assert!(response.text("openapi").starts_with("3.1"));
    assert_eq!(response["servers"][0]["url"], "/api/auth");
    world.anonymous().with_token("nonsense").get("/openapi.json").await.expect(200);
}

#[tokio::test]
async fn it_names_the_configured_address_and_header() {
    let world = World::with(|config| {
        config.server.base_path = "/auth".into();
        config.server.public_url = Some("https://app.example.com".into());
        config.token_header = "X-Api-Key".into();
        config.prefix = "Token".into();
    })
    .await;
    let response = world.anonymous().visit("/auth/openapi.json").await.expect(200);
    assert_eq!(response["servers"][0]["url"], "https://app.example.com/auth");
    let scheme = &response["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["name"]), (&"apiKey".into(), &"X-Api-Key".into()));
}

#[test]
fn it_names_the_session_cookie_and_the_guards_that_a_sign_in_may_ask_for() {
    let mut config = Config::default();
    for (url, domain, name) in [
        (None, None, "adyton_session"),
        (Some("https://app.example.com"), None, "__Host-adyton_session"),
        (Some("https://app.example.com"), Some("example.com"), "__Secure-adyton_session"),
    ] {
        config.server.public_url = url.map(Into::into);
        config.cookie_domain = domain.map(Into::into);
        let scheme = &document(&config)["components"]["securitySchemes"]["session"];
        assert_eq!((&scheme["in"], &scheme["name"]), (&"cookie".into(), &name.into()));
    }
    let document = document(&config);
    for input in ["LoginInput", "RegisterInput"] {
        let guard = &document["components"]["schemas"][input]["properties"]["guard"]["oneOf"][0];
        assert_eq!(guard["enum"], Value::from(vec!["token", "session"]), "{guard}");
    }
    for path in ["/login", "/register", "/logout"] {
        assert!(document["paths"][path]["post"]["responses"]["403"].is_object(), "{path}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = document(&Config::default());
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<_> = operations.map(|one| one["operationId"].as_str().unwrap()).collect();
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!((different.len(), names.len()), (18, 18), "{names:?}");
}

#[test]
fn it_tells_how_short_a_password_may_be_here() {
    let mut config = Config::default();
    config.password.min_length = 15;
    let document = document(&config);
    for input in ["RegisterInput", "PasswordInput"] {
        let password = &document["components"]["schemas"][input]["properties"]["password"];
        assert_eq!((&password["minLength"], &password["maxLength"]), (&15.into(), &Value::Null));
    }
}

#[test]
fn it_lists_the_codes_of_the_reference() {
    let document = document(&Config::default());
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let reference = include_str!("../../../../docs/reference/errors.md");
    let rows = reference.lines().filter_map(|line| line.strip_prefix("| `"));
    let written: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(codes, &Value::from(written));
}
