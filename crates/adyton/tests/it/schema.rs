//! Whether what the endpoints answer is what the document says.

use crate::store::Mode;
use crate::world::{Actor, PASSWORD, Response, World};
use adyton::Config;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The document, and how much of it was seen.
struct Document {
    json: Value,
    seen: BTreeSet<(String, u16)>,
}

impl Document {
    fn new() -> Self {
        let json = serde_json::from_str(&adyton::openapi(&Config::default())).unwrap();
        Self { json, seen: BTreeSet::new() }
    }

    /// Makes a call, and compares what it answers with what is written.
    async fn call(&mut self, actor: &Actor, call: &str, body: Option<Value>) -> Response {
        let (method, path) = call.split_once(' ').unwrap();
        let response = actor.call(method.parse::<Method>().unwrap(), path, body).await;
        let path = path.split('?').next().unwrap();
        let template = match path.rsplit_once('/').unwrap() {
            ("", _) | (_, "password") => path.to_owned(),
            (things, _) => format!("{things}/{{id}}"),
        };
        let operation = &self.json["paths"][&template][method.to_lowercase()];
        let described = &operation["responses"][response.status.to_string()];
        assert!(described.is_object(), "{call} may not answer {response:?}");
        let mut faults = Vec::new();
        if let Some(headers) = described["headers"].as_object() {
            let missing = headers.keys().filter(|name| response.header(name).is_empty());
            faults.extend(missing.map(|name| format!("the header {name} is missing")));
        }
        match described["content"].as_object() {
            None if response.body.is_empty() => {}
            None => faults.push("a body that is not described".to_owned()),
            Some(content) => match content.get(response.header("content-type")) {
                None => faults.push("another media type".to_owned()),
                Some(content) => {
                    self.check(&content["schema"], &response.json, "body", &mut faults);
                }
            },
        }
        assert!(faults.is_empty(), "{call} {}: {faults:#?}\n{response:?}", response.status);
        self.seen.insert((operation["operationId"].to_string(), response.status));
        response
    }

    /// What of a schema a value does not fulfil. A member that is not described is a fault too.
    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for keyword in schema.as_object().into_iter().flat_map(|schema| schema.keys()) {
            assert!(KNOWN.contains(&&**keyword), "{at}: this checker does not know {keyword}");
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.json.pointer(reference.trim_start_matches('#'));
            self.check(target.unwrap(), value, at, faults);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice: &&Value| {
                let mut faults = Vec::new();
                self.check(choice, value, at, &mut faults);
                faults.is_empty()
            };
            if choices.iter().filter(fits).count() != 1 {
                faults.push(format!("{at} is not one of {choices:?}"));
            }
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        };
        if !types.is_empty() && !types.iter().any(|name| is_a(name, value)) {
            faults.push(format!("{at} is none of {types:?}"));
        }
        if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
            faults.push(format!("{at} is not listed: {value}"));
        }
        if let Some(text) = value.as_str() {
            let fits = match (schema["format"].as_str(), schema["pattern"].as_str()) {
                (Some("date-time"), _) => {
                    adyton::core::clock::Timestamp::from_rfc3339(text).is_some()
                }
                (_, Some(pattern)) => text.len() == 53 && pattern[1..].starts_with(&text[..4]),
                _ => true,
            };
            let longest = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
            let shortest = schema["minLength"].as_u64().unwrap_or(0);
            if !fits || !(shortest..=longest).contains(&(text.chars().count() as u64)) {
                faults.push(format!("{at} is not of its form: {text}"));
            }
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(&schema["items"], item, &format!("{at}[{index}]"), faults);
        }
        let (Some(members), true) = (value.as_object(), types.contains(&"object")) else { return };
        for name in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap()) {
                faults.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, member) in members {
            let inner = schema["properties"].get(name).or(schema.get("additionalProperties"));
            match inner {
                Some(inner) => self.check(inner, member, &format!("{at}.{name}"), faults),
                None => faults.push(format!("{at}.{name} is not described")),
            }
        }
    }
}

/// What the checker understands, or may leave out.
const KNOWN: [&str; 18] = [
    "$ref",
    "additionalProperties",
    "description",
    "enum",
    "example",
    "examples",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "minLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "propertyNames",
    "required",
    "type",
];

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("no type {name}"),
    }
}

#[tokio::test]
async fn every_answer_of_a_long_story_is_as_described() {
    let world = World::new().await;
    let mut document = Document::new();
    let guest = world.anonymous();
    let ada = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD,
                      "deviceName": "Phone" });
    let registered = document.call(&guest, "POST /register", Some(ada.clone())).await.expect(201);
    document.call(&guest, "POST /register", Some(ada.clone())).await.expect(422);
    document.call(&guest, "POST /register", Some(json!([]))).await.expect(400);
    let first = guest.of(&registered);
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let ada = document.call(&guest, "POST /login", Some(login)).await.expect(200);
    let ada = guest.of(&ada);
    document.call(&guest, "POST /login", Some(json!({}))).await.expect(422);
    let wrong = json!({ "email": "ada@example.com", "password": "wrong horse 1" });
    for _ in 0..5 {
        document.call(&guest, "POST /login", Some(wrong.clone())).await.expect(401);
    }
    document.call(&guest, "POST /login", Some(wrong)).await.expect(429);
    let refresh = json!({ "refreshToken": ada.refresh });
    let ada = ada.of(&document.call(&guest, "POST /refresh", Some(refresh)).await.expect(200));
    let bad = json!({ "refreshToken": "adr_nonsense" });
    document.call(&guest, "POST /refresh", Some(bad)).await.expect(401);
    document.call(&guest, "POST /refresh", None).await.expect(422);

    document.call(&ada, "GET /user", None).await.expect(200);
    document.call(&guest, "GET /user", None).await.expect(401);
    document.call(&ada, "PATCH /user", Some(json!({ "name": "A" }))).await.expect(200);
    document.call(&ada, "PATCH /user", Some(json!({ "name": 1 }))).await.expect(422);

    let wanted = json!({ "name": "T", "abilities": ["orders:read"], "expiresIn": 60 });
    let token = document.call(&ada, "POST /tokens", Some(wanted)).await.expect(201);
    let wanted = json!({ "name": "U", "expiresIn": null });
    document.call(&ada, "POST /tokens", Some(wanted)).await.expect(201);
    document.call(&ada, "POST /tokens", None).await.expect(422);
    let narrow = guest.with_token(&token.text("token"));
    document.call(&narrow, "GET /user", None).await.expect(200);
    document.call(&ada, "GET /tokens", None).await.expect(200);
    for call in ["GET /tokens", "GET /sessions", "DELETE /user", "DELETE /sessions/1"] {
        document.call(&narrow, call, None).await.expect(403);
        document.call(&guest, call, None).await.expect(401);
    }

    document.call(&narrow, "GET /verify", None).await.expect(200);
    document.call(&narrow, "GET /verify?abilities=admin", None).await.expect(403);
    document.call(&guest, "GET /verify", None).await.expect(401);
    document.call(&guest, "GET /verify?abilities", None).await.expect(400);
    document.call(&guest, "GET /session", None).await.expect(200);
    document.call(&guest.with_token("adt_x"), "GET /session", None).await.expect(200);
    document.call(&ada, "GET /session", None).await.expect(200);
    document.call(&narrow, "GET /session", None).await.expect(200);
    document.call(&ada, "GET /sessions", None).await.expect(200);
    document.call(&ada, "DELETE /sessions/1", None).await.expect(404);
    document.call(&ada, &format!("DELETE /sessions/{}", first.session), None).await.expect(204);
    document.call(&ada, "DELETE /sessions", None).await.expect(204);
    document.call(&ada, "DELETE /tokens/999", None).await.expect(404);
    let id = &token["accessToken"]["id"];
    document.call(&ada, &format!("DELETE /tokens/{id}"), None).await.expect(204);
    document.call(&guest, "GET /openapi.json", None).await.expect(200);

    world.store.set(Mode::Down);
    let unknown = guest.with_token(&first.token);
    document.call(&unknown, "GET /session", None).await.expect(503);
    document.call(&unknown, "GET /user", None).await.expect(503);
    world.store.set(Mode::Up);

    let change = json!({ "currentPassword": PASSWORD, "password": "another horse 2" });
    document.call(&ada, "PUT /user/password", Some(json!({}))).await.expect(422);
    document.call(&ada, "PUT /user/password", Some(change)).await.expect(204);
    document.call(&ada, "DELETE /user", Some(json!({ "password": "" }))).await.expect(422);
    let password = json!({ "password": "another horse 2" });
    document.call(&ada, "DELETE /user", Some(password)).await.expect(204);
    document.call(&ada, "POST /logout", None).await.expect(204);

    let operations: BTreeSet<_> = document.seen.iter().map(|(operation, _)| operation).collect();
    assert_eq!(operations.len(), 17, "{operations:?}");
}

#[test]
fn examples_are_as_described() {
    let document = Document::new();
    let mut faults = Vec::new();
    for name in ["RegisterInput", "LoginInput", "SignInObject"] {
        let schema = &document.json["components"]["schemas"][name];
        let examples = schema["examples"].as_array().unwrap();
        examples.iter().for_each(|one| document.check(schema, one, name, &mut faults));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_checker_finds_faults() {
    let document = Document::new();
    let schema = json!({ "$ref": "#/components/schemas/UserObject" });
    let faults = |value: &Value| {
        let mut faults = Vec::new();
        document.check(&schema, value, "user", &mut faults);
        faults.len()
    };
    let user = json!({ "id": 1, "name": "A", "email": "a@example.com",
                       "created_at": null, "updated_at": "2030-01-01T00:00:00Z" });
    assert_eq!(faults(&user), 0);
    assert_eq!(faults(&json!([])), 1);
    assert_eq!(faults(&json!({})), 5);
    for (name, wrong) in [("id", json!("1")), ("updated_at", json!("now")), ("role", json!(1))] {
        let mut user = user.clone();
        user[name] = wrong;
        assert_eq!(faults(&user), 1, "{name}");
    }
}
