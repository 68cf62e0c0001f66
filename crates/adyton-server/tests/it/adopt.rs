//! Tables that Laravel made and Laravel goes on using: Adyton works on them and alters none.

use crate::world::{PASSWORD, Place};
use rusqlite::{Connection, Row};
use serde_json::json;
use sha2::{Digest, Sha256};

/// bcrypt of `password`, from Laravel's own factory of users.
const HASH: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";
const CONFIG: &str = "tokenable_type = 'App\\Models\\User'\n";
const SECRETS: [&str; 4] = [
    "AdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAda1",
    "TeamTeamTeamTeamTeamTeamTeamTeamTeamTea2",
    "OverOverOverOverOverOverOverOverOverOve3",
    "GoneGoneGoneGoneGoneGoneGoneGoneGoneGon4",
];

const LARAVEL: &str = include_str!("../fixtures/laravel/sqlite.sql");

/// Ada, Joe with capitals in his address, and a token of each kind.
fn laravel(config: &str) -> Place {
    let place = Place::with(&format!("{CONFIG}{config}"));
    let database = place.database();
    database.execute_batch(LARAVEL).unwrap();
    for (name, email) in [("Ada", "ada@example.com"), ("Joe", "Joe.Doe@Example.com")] {
        add_user(&database, name, email);
    }
    for (owner, user, expires, secret) in [
        (r"App\Models\User", 1, None, SECRETS[0]),
        (r"App\Models\Team", 1, None, SECRETS[1]),
        (r"App\Models\User", 1, Some("2020-01-01 00:00:00"), SECRETS[2]),
        (r"App\Models\User", 99, None, SECRETS[3]),
    ] {
        let sql = "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token,
                   abilities, expires_at, created_at, updated_at)
                   VALUES (?, ?, 'phone', ?, '[\"posts:read\",\"account\"]', ?, ?, ?)";
        let at = "2026-01-02 03:04:05";
        database.execute(sql, (owner, user, sha256(secret), expires, at, at)).unwrap();
    }
    place
}

fn add_user(database: &Connection, name: &str, email: &str) {
    let sql = "INSERT INTO users (name, email, email_verified_at, password, remember_token,
               created_at, updated_at) VALUES (?1, ?2, ?3, ?4, 'remember-me', ?3, ?3)";
    database.execute(sql, (name, email, "2026-01-02 03:04:05", HASH)).unwrap();
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn password_of(place: &Place, id: i64) -> String {
    let sql = "SELECT password FROM users WHERE id = ?";
    place.database().query_row(sql, [id], |row| row.get(0)).unwrap()
}

/// What Laravel made, as the database keeps it.
fn definitions(place: &Place) -> Vec<(String, String)> {
    let sql =
        "SELECT name, sql FROM sqlite_master WHERE tbl_name IN ('users', 'personal_access_tokens')
               AND sql IS NOT NULL ORDER BY name";
    let database = place.database();
    let mut statement = database.prepare(sql).unwrap();
    let both = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    statement.query_map([], both).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_laravel_sign_in_and_laravel_can_read_what_comes_of_it() {
    let place = laravel("");
    let before = definitions(&place);
    let mut server = place.serve();
    let signed_in = server.login("ada@example.com", "password").await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let user = &signed_in.body["user"];
    assert_eq!(user["created_at"], "2026-01-02T03:04:05Z");
    let keys: Vec<_> = user.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["created_at", "email", "id", "name", "updated_at"], "no hash, no token");
    assert_eq!(server.login("ada@example.com", "Password").await.status, 401);
    assert_eq!(server.user(&signed_in.token()).await, 200);

    let sql = "SELECT tokenable_type, CAST(tokenable_id AS TEXT), abilities, expires_at, created_at
               FROM personal_access_tokens WHERE token = ?";
    let columns = |row: &Row<'_>| (0..5).map(|at| row.get(at)).collect();
    let hash = sha256(&signed_in.token());
    let row: Vec<String> = place.database().query_row(sql, [hash], columns).unwrap();
    assert_eq!(row[..3], [r"App\Models\User", "1", r#"["*"]"#]);
    assert!(row[3..].iter().all(|time| is_laravel_time(time)), "{row:?}");

    let registered = server.register("new@example.com").await;
    assert_eq!(registered.body["user"]["id"], 3);
    assert!(password_of(&place, 3).starts_with("$argon2id$"));
    assert_eq!(server.term().code(), Some(0));
    assert_eq!(definitions(&place), before, "nothing of Laravel's is altered");
}

/// `2026-01-02 03:04:05`
fn is_laravel_time(time: &str) -> bool {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00 00:00:00"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_rehashed_unless_laravel_shall_read_it() {
    let place = laravel("");
    let server = place.serve();
    assert_eq!(server.login("ada@example.com", "wrong-password").await.status, 401);
    assert_eq!(password_of(&place, 1), HASH, "only at a sign-in");
    for _ in 0..2 {
        assert_eq!(server.login("ada@example.com", "password").await.status, 200);
        assert!(password_of(&place, 1).starts_with("$argon2id$"));
    }
    assert_eq!(password_of(&place, 2), HASH, "nobody else's");
    let sql = "SELECT remember_token, email_verified_at FROM users WHERE id = 1";
    let kept: (String, String) =
        place.database().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(kept, ("remember-me".to_owned(), "2026-01-02 03:04:05".to_owned()));

    let place = laravel("password.rehash = false");
    let server = place.serve();
    for _ in 0..2 {
        assert_eq!(server.login("ada@example.com", "password").await.status, 200);
        assert_eq!(password_of(&place, 1), HASH);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_sanctum_are_good_as_they_are() {
    let place = laravel("");
    let mut server = place.serve();
    let ada = format!("1|{}", SECRETS[0]);
    let session = server.get("/session", &ada).await;
    assert_eq!(session.body["user"]["email"], "ada@example.com");
    assert_eq!(session.body["abilities"], json!(["posts:read", "account"]));
    assert_eq!(
        (&session.body["expiresAt"], &session.body["session"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(server.user(SECRETS[0]).await, 200, "the id is optional, as it is for Sanctum");
    for wrong in [
        format!("2|{}", SECRETS[0]),
        format!("01|{}x", SECRETS[0]),
        format!("|{}", SECRETS[0]),
        format!("1||{}", SECRETS[0]),
        format!("1|{}", SECRETS[0].to_lowercase()),
        format!("1|{}", sha256(SECRETS[0])),
        sha256(SECRETS[0]),
        format!("2|{}", SECRETS[1]),
        format!("3|{}", SECRETS[2]),
        format!("4|{}", SECRETS[3]),
    ] {
        assert_eq!(server.user(&wrong).await, 401, "{wrong}");
    }
    let made = json!({ "name": "from Adyton", "abilities": ["posts:read"] });
    let create = server.request(reqwest::Method::POST, "/tokens").bearer_auth(&ada).json(&made);
    assert_eq!(create.send().await.unwrap().status(), 201);
    let tokens = server.get("/tokens", &ada).await.body;
    let names: Vec<_> = tokens["tokens"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["phone", "from Adyton"], "neither the team's nor what is over");
    assert_eq!(server.term().code(), Some(0));
    let sql = "SELECT last_used_at FROM personal_access_tokens WHERE id = 1";
    let used: String = place.database().query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(is_laravel_time(&used), "{used}");

    let revoked = "DELETE FROM personal_access_tokens WHERE id = 1";
    let server = place.serve();
    assert_eq!(server.user(&ada).await, 200);
    place.database().execute(revoked, []).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(server.user(&ada).await, 401, "revoked by Laravel");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_sanctum_are_none_where_adyton_made_the_table() {
    let place = Place::new();
    place.done_with("user create --name Ada --email ada@example.com", PASSWORD);
    let sql =
        "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities)
               VALUES ('user', 1, 'x', ?, '[\"*\"]')";
    place.database().execute(sql, [sha256(SECRETS[0])]).unwrap();
    let token = format!("1|{}", SECRETS[0]);
    let mut server = place.serve();
    assert_eq!(server.user(&token).await, 401);
    server.term();
    place.configure("compat.sanctum_tokens = true");
    assert_eq!(place.serve().user(&token).await, 200);
    let place = laravel("compat.sanctum_tokens = false");
    assert_eq!(place.serve().user(&token).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_capitals_is_found_as_typed_and_taken_in_any_case() {
    let place = laravel("");
    let server = place.serve();
    let joe = server.login(" Joe.Doe@Example.com ", "password").await;
    assert_eq!((joe.status.as_u16(), &joe.body["user"]["id"]), (200, &json!(2)));
    assert_eq!(server.login("ADA@EXAMPLE.COM", "password").await.status, 200, "in lower case");
    for taken in ["joe.doe@example.com", "JOE.DOE@EXAMPLE.COM", "Ada@Example.com"] {
        let body = json!({ "name": "Eve", "email": taken, "password": PASSWORD });
        let refused = server.post("/register", body).await;
        assert_eq!(refused.status, 422, "{taken} {}", refused.body);
        assert!(refused.body["errors"]["email"].is_array());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_with_one_address_sign_nobody_in() {
    let place = laravel("");
    place.database().execute_batch("DROP INDEX users_email_unique").unwrap();
    for email in ["Grace@example.com", "grace@example.com", "twin@example.com", "twin@example.com"]
    {
        add_user(&place.database(), "G", email);
    }
    let mut server = place.serve();
    for email in ["Grace@example.com", "twin@example.com", "Twin@example.com"] {
        let refused = server.login(email, "password").await;
        assert_eq!(
            (refused.status.as_u16(), refused.text("code").as_str()),
            (401, "invalid_credentials")
        );
    }
    assert_eq!(server.login("ada@example.com", "password").await.status, 200);
    server.term();
    assert!(server.log().contains("two users have one e-mail"), "the operator is told");
}

#[test]
fn a_table_that_cannot_be_adopted_is_refused_with_the_reason() {
    let uuid = LARAVEL.replacen(
        r#""id" integer primary key autoincrement"#,
        r#""id" varchar(36) primary key"#,
        1,
    );
    let nameless = LARAVEL.replacen(r#""name" varchar not null,"#, "", 1);
    let tokenless = LARAVEL.replace(r#""abilities" text, "#, "");
    let keyless = LARAVEL.replace(r#"primary key autoincrement"#, "");
    for (tables, config, told) in [
        (&uuid, "", "the table `users` has no integer key: Adyton needs `id INTEGER PRIMARY KEY`"),
        (&keyless, "", "the table `users` has no integer key"),
        (&nameless, "", "the table `users` has no column `name`"),
        (&tokenless, "", "the table `personal_access_tokens` has no column `abilities`"),
        (&LARAVEL.to_owned(), "user_columns = ['plan']", "`users` has no column `plan`"),
        (&LARAVEL.to_owned(), "token_field = 'hash'", "has no column `hash`"),
    ] {
        let place = Place::with(config);
        place.database().execute_batch(tables).unwrap();
        for command in ["serve", "migrate", "user list"] {
            let error = place.failed(command, "");
            assert!(error.contains(told), "{command}: {error}");
        }
        let sql = "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'a%'";
        let made: i64 = place.database().query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(made, 0, "nothing was made beside it");
    }
}
