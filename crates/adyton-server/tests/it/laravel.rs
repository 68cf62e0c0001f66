//! A database that Laravel made and goes on using, on each system: what either side writes the other
//! can read, and nothing that is Laravel's changes but what a sign-in or an owner asks for.
//!
//! The rows are those of `tests/fixtures/laravel`; what Sanctum does with one is told here in Rust,
//! line by line after its source.

use crate::databases::{Rows, Shared, System};
use crate::world::Server;
use adyton::core::clock::{Clock, SystemClock, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The plain texts of the fixture's tokens, in the order of their ids.
const TOKENS: [&str; 12] = [
    "AdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAdaAffae3037",
    "PostsPostsPostsPostsPostsPostsPostsPosts205c69a5",
    "NullsNullsNullsNullsNullsNullsNullsNullse47daf64",
    "TeamsTeamsTeamsTeamsTeamsTeamsTeamsTeamsef4e2c24",
    "OversOversOversOversOversOversOversOvers931c2d94",
    "LatesLatesLatesLatesLatesLatesLatesLatese605ee16",
    "GonesGonesGonesGonesGonesGonesGonesGones3755eca7",
    "LowerLowerLowerLowerLowerLowerLowerLower042d485c",
    "SpacesSpacesSpacesSpacesSpacesSpacesSpac60e43b15",
    "UpperUpperUpperUpperUpperUpperUpperUpper417f9e42",
    "OldsOldsOldsOldsOldsOldsOldsOldsOldsOlds",
    "UndatedUndatedUndatedUndatedUndatedUndat09f79b9f",
];
const EMAILS: [&str; 5] = [
    "ada@example.com",
    "Joe.Doe@Example.com",
    "nil@example.com",
    "eve@example.com",
    "zoë@example.com",
];
const MODEL: &str = r"App\Models\User";

/// Laravel's database, not yet migrated.
pub(crate) async fn laravel(system: &System, config: &str) -> Shared {
    let shared = Shared::new(system, &format!("tokenable_type = '{MODEL}'\n{config}")).await;
    let (tables, rows) = match system {
        System::Sqlite => (include_str!("../fixtures/laravel/sqlite.sql"), ROWS),
        System::Postgres(_) => (include_str!("../fixtures/laravel/postgres.sql"), ROWS),
        System::Mysql(_) => (include_str!("../fixtures/laravel/mysql.sql"), ROWS),
    };
    shared.execute(&format!("{tables}\n{rows}")).await;
    shared
}

const ROWS: &str = include_str!("../fixtures/laravel/rows.sql");

/// The same, migrated and served.
async fn served(system: &System, config: &str) -> (Shared, Server) {
    let shared = laravel(system, config).await;
    shared.place.done("migrate");
    let server = shared.place.serve();
    (shared, server)
}

/// A token as Sanctum reads it.
#[derive(Debug)]
struct Found {
    id: i64,
    owner: i64,
    name: String,
    abilities: Vec<String>,
    expires_at: Option<Timestamp>,
}

impl Found {
    /// `PersonalAccessToken::can`
    fn can(&self, ability: &str) -> bool {
        ["*", ability].iter().any(|wanted| self.abilities.iter().any(|own| own == wanted))
    }
}

/// `PersonalAccessToken::findToken`, then `Guard::isValidAccessToken`.
async fn sanctum_finds(shared: &Shared, presented: &str) -> Option<Found> {
    let columns =
        "id, tokenable_type, tokenable_id, name, token, abilities, expires_at, created_at";
    let select = format!("SELECT {columns} FROM personal_access_tokens WHERE");
    let rows = match presented.split_once('|') {
        None => shared.rows(&format!("{select} token = '{}'", sha256(presented))).await,
        Some((id, secret)) => {
            let hash_equals = |row: &Vec<Option<String>>| row[4] == Some(sha256(secret));
            let found = shared.rows(&format!("{select} id = {id}")).await;
            found.into_iter().filter(hash_equals).collect()
        }
    };
    let row: [Option<String>; 8] = rows.into_iter().next()?.try_into().unwrap();
    let [id, class, owner, name, _, abilities, expires_at, created_at] = row;
    assert_eq!(class.as_deref(), Some(MODEL));
    let date = |text: &str| {
        assert!(is_laravel_time(text), "{text}");
        Timestamp::from_sql(text).unwrap()
    };
    let now = SystemClock::default().now();
    let age = now.unix() - date(&created_at.unwrap()).unix();
    assert!((0..60).contains(&age), "made {age} s ago by Laravel's clock");
    let expires_at = expires_at.as_deref().map(date);
    let found = Found {
        id: id.unwrap().parse().unwrap(),
        owner: owner.unwrap().parse().unwrap(),
        name: name.unwrap(),
        abilities: serde_json::from_str(&abilities.unwrap()).unwrap(),
        expires_at,
    };
    expires_at.is_none_or(|end| end > now).then_some(found)
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `2026-01-02 03:04:05`
fn is_laravel_time(time: &str) -> bool {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00 00:00:00"
}

/// A row for the token with this plain text, as Laravel writes it.
async fn sanctum_creates(shared: &Shared, plain: &str, expires_at: Option<Timestamp>) -> String {
    let now = SystemClock::default().now().to_sql();
    let end = expires_at.map_or("NULL".to_owned(), |end| format!("'{}'", end.to_sql()));
    let class =
        MODEL.replace('\\', if let System::Mysql(_) = shared.system { r"\\" } else { "\\" });
    let insert = format!(
        "INSERT INTO personal_access_tokens
         (name, token, abilities, expires_at, tokenable_id, tokenable_type, updated_at, created_at)
         VALUES ('made', '{}', '[\"*\"]', {end}, 1, '{class}', '{now}', '{now}')",
        sha256(plain)
    );
    shared.execute(&insert).await;
    let find = format!("SELECT id FROM personal_access_tokens WHERE token = '{}'", sha256(plain));
    format!("{}|{plain}", shared.value(&find).await.unwrap())
}

/// Whatever Laravel reads of its users, in the order of their ids.
pub(crate) async fn users(shared: &Shared) -> Rows {
    let sql = "SELECT id, name, email, email_verified_at, password, remember_token, created_at,
               updated_at FROM users ORDER BY id";
    shared.rows(sql).await
}

pub(crate) async fn tokens(shared: &Shared) -> Rows {
    let sql = "SELECT id, tokenable_type, tokenable_id, name, token, abilities, last_used_at,
               expires_at, created_at, updated_at FROM personal_access_tokens ORDER BY id";
    shared.rows(sql).await
}

/// Without the one that is over: a server prunes it, sooner or later.
pub(crate) fn but_the_fifth(mut tokens: Rows) -> Rows {
    tokens.retain(|row| row[0].as_deref() != Some("5"));
    tokens
}

pub(crate) fn bearer(id: usize) -> String {
    format!("{id}|{}", TOKENS[id - 1])
}

async fn create_token(server: &Server, by: &str, body: Value) -> Value {
    let request = server.request(Method::POST, "/tokens").bearer_auth(by).json(&body);
    let answer = crate::world::Answer::of(request).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_in_with_the_hashes_of_php_which_stay_as_they_are() {
    for system in System::all() {
        let (shared, mut server) = served(&system, "password.rehash = false").await;
        let before = users(&shared).await;
        for (id, email) in (1..).zip(EMAILS) {
            let signed_in = server.login(email, "password").await;
            assert_eq!(signed_in.status, 200, "{system:?} {email}: {}", signed_in.body);
            assert_eq!(signed_in.body["user"]["id"], id);
            assert_eq!(signed_in.body["user"]["email"], email);
            assert_eq!(server.login(email, "Password").await.status, 401, "{system:?} {email}");
        }
        let ada = server.login("ADA@example.com", "password").await.body;
        assert_eq!(ada["user"]["created_at"], "2026-01-02T03:04:05Z");
        let keys: Vec<_> = ada["user"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["created_at", "email", "id", "name", "updated_at"], "no hash, no token");
        let nil = server.login("nil@example.com", "password").await.body;
        assert_eq!(nil["user"]["created_at"], Value::Null);
        let accents = server.login("zoe@example.com", "password").await.status;
        assert_eq!(accents, 401, "{system:?}: an address is not another with its accents dropped");
        assert_eq!(server.term().code(), Some(0));
        assert_eq!(users(&shared).await, before, "{system:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehash_changes_the_hash_of_who_signs_in_and_nothing_else() {
    for system in System::all() {
        let (shared, server) = served(&system, "").await;
        let mut expected = users(&shared).await;
        assert_eq!(server.login("ada@example.com", "password").await.status, 200);
        let after = users(&shared).await;
        assert!(after[0][4].as_ref().unwrap().starts_with("$argon2id$"), "{system:?}");
        assert!(is_laravel_time(after[0][7].as_ref().unwrap()), "{system:?}");
        expected[0][4].clone_from(&after[0][4]);
        expected[0][7].clone_from(&after[0][7]);
        assert_eq!(after, expected, "{system:?}");
        assert_eq!(server.login("ada@example.com", "password").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_sanctum_are_good_here_as_far_as_they_are_good_there() {
    for system in System::all() {
        let shared = laravel(&system, "").await;
        shared.place.done("migrate");
        let before = tokens(&shared).await;
        let mut server = shared.place.serve();
        for (id, good) in [
            (1, true),
            (2, true),
            (3, true),
            (4, false),
            (5, false),
            (6, true),
            (7, false),
            (8, false),
            (9, false),
            (10, false),
            (11, true),
            (12, true),
        ] {
            let status = if good { 200 } else { 401 };
            let name = before[id - 1][3].as_ref().unwrap();
            assert_eq!(server.user(&bearer(id)).await, status, "{system:?}: {name}");
            assert_eq!(server.user(TOKENS[id - 1]).await, status, "{system:?}: {name}, no id");
            let other = format!("{}|{}", id % 12 + 1, TOKENS[id - 1]);
            assert_eq!(server.user(&other).await, 401, "{system:?}: {name}, another's id");
        }
        let session = server.get("/session", &bearer(2)).await.body;
        assert_eq!(session["abilities"], json!(["posts:read", "account", "café", "a/b"]));
        let none = server.get("/session", &bearer(3)).await.body;
        assert_eq!(none["abilities"], json!([]), "null allows nothing");
        let refused = server.get("/tokens", &bearer(3)).await;
        assert_eq!(refused.text("code"), "missing_ability");
        let verify = async |abilities: &str| {
            server.get(&format!("/verify?abilities={abilities}"), &bearer(2)).await.status
        };
        assert_eq!(verify("posts%3Aread").await, 200);
        for lacking in ["posts%3Awrite", "Posts%3ARead", "cafe"] {
            assert_eq!(verify(lacking).await, 403, "{system:?} {lacking}");
        }
        let listed = server.get("/tokens", &bearer(1)).await.body;
        let names: Vec<_> =
            listed["tokens"].as_array().unwrap().iter().map(|token| &token["name"]).collect();
        assert_eq!(names[1], "Ada's laptop 💻", "{system:?}");
        let of_others = ["of a team", "of a class in lower case", "of a class with a blank"];
        assert!(!names.iter().any(|name| of_others.contains(&name.as_str().unwrap())), "{names:?}");

        assert_eq!(server.term().code(), Some(0));
        let (after, before) = (but_the_fifth(tokens(&shared).await), but_the_fifth(before));
        let used = [1, 2, 3, 6, 11, 12];
        for (row, old) in after.iter().zip(&before) {
            let id = row[0].as_ref().unwrap().parse::<i32>().unwrap();
            assert_eq!(row[6] != old[6], used.contains(&id), "{system:?} last_used_at of {id}");
            assert!(row[6].as_ref().is_none_or(|time| is_laravel_time(time)), "{row:?}");
            assert_eq!((&row[..6], &row[7..9]), (&old[..6], &old[7..9]), "{system:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_ours_are_good_for_sanctum() {
    for system in System::all() {
        let (shared, server) = served(&system, "").await;
        let signed_in = server.login("ada@example.com", "password").await;
        let login = sanctum_finds(&shared, &signed_in.token()).await.unwrap();
        assert!(login.owner == 1 && login.can("posts:read"), "{system:?} {login:?}");
        let left = login.expires_at.unwrap().unix() - SystemClock::default().now().unix();
        assert!((3500..=3600).contains(&left), "{system:?}: {left} s");

        let wanted = json!({ "name": "Ada's 📱", "abilities": ["posts:read"], "expiresIn": null });
        let made = create_token(&server, &signed_in.token(), wanted).await;
        let plain = made["token"].as_str().unwrap();
        let found = sanctum_finds(&shared, plain).await.unwrap();
        assert_eq!((json!(found.id), found.owner), (made["accessToken"]["id"].clone(), 1));
        assert_eq!((found.name.as_str(), found.expires_at), ("Ada's 📱", None));
        assert!(found.can("posts:read") && !found.can("posts:write") && !found.can("*"));
        let with_id = sanctum_finds(&shared, &format!("{}|{plain}", found.id)).await;
        assert!(with_id.is_some(), "as createToken()->plainTextToken has it");
        assert!(sanctum_finds(&shared, &plain.to_uppercase()).await.is_none());
        let delete = server.request(Method::DELETE, &format!("/tokens/{}", found.id));
        let delete = delete.bearer_auth(signed_in.token()).send().await.unwrap();
        assert_eq!(delete.status(), 204);
        assert!(sanctum_finds(&shared, plain).await.is_none(), "{system:?}: revoked for both");
        let logout = server.request(Method::POST, "/logout").bearer_auth(signed_in.token());
        assert_eq!(logout.send().await.unwrap().status(), 204);
        assert!(sanctum_finds(&shared, &signed_in.token()).await.is_none(), "{system:?}");

        let joe = server.register("new@example.com").await;
        assert_eq!(sanctum_finds(&shared, &joe.token()).await.unwrap().owner, 6);
        let row = users(&shared).await.pop().unwrap();
        assert_eq!(
            (&row[2], &row[3], &row[5]),
            (&Some("new@example.com".to_owned()), &None, &None)
        );
        assert!(row[6..].iter().flatten().filter(|time| is_laravel_time(time)).count() == 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_laravel_deletes_is_over_here() {
    for system in System::all() {
        let (shared, server) = served(&system, "").await;
        let signed_in = server.login("ada@example.com", "password").await;
        let made = create_token(&server, &bearer(1), json!({ "name": "ours" })).await;
        let ours = made["token"].as_str().unwrap().to_owned();
        let all = [bearer(1), bearer(6), ours, signed_in.token()];
        for token in &all {
            assert_eq!(server.user(token).await, 200, "{system:?}");
        }
        shared.execute("delete from personal_access_tokens where id = 6").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(server.user(&all[1]).await, 401, "$token->delete()");
        assert_eq!(server.user(&all[0]).await, 200, "{system:?}");
        // $user->tokens()->delete()
        let model = MODEL.replace('\\', if let System::Mysql(_) = system { r"\\" } else { "\\" });
        let delete = format!(
            "delete from personal_access_tokens where tokenable_type = '{model}' and tokenable_id = 1"
        );
        shared.execute(&delete).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        for token in &all {
            assert_eq!(server.user(token).await, 401, "{system:?}");
        }
        assert_eq!(server.user(&bearer(11)).await, 200, "somebody else's");
        let refreshed = server.refresh(&signed_in.refresh_token()).await;
        assert_eq!(refreshed.status, 200, "a session is not Laravel's to end");
        shared.execute("delete from users where id = 1").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(server.user(&refreshed.token()).await, 401, "{system:?}");
        let gone = server.refresh(&refreshed.refresh_token()).await;
        assert_eq!(gone.status, 401, "{system:?}: with the user everything is over {}", gone.body);
    }
}

/// A time zone that is applied on one side only would be hours off.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_here_at_the_second_at_which_it_ends_there() {
    for system in System::all() {
        let (shared, server) = served(&system, "").await;
        let now = SystemClock::default().now();
        let over = sanctum_creates(&shared, &"o".repeat(40), Some(now.minus(60))).await;
        let soon = sanctum_creates(&shared, &"s".repeat(40), Some(now.plus(3))).await;
        let hour = sanctum_creates(&shared, &"h".repeat(40), Some(now.plus(3600))).await;
        assert_eq!(server.user(&over).await, 401, "{system:?}");
        let session = server.get("/session", &hour).await.body;
        assert_eq!(session["expiresAt"], now.plus(3600).to_string(), "{system:?}");
        assert_eq!(server.user(&soon).await, 200, "{system:?}");
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(server.user(&soon).await, 401, "{system:?}");
        assert_eq!(server.user(&hour).await, 200, "{system:?}");
    }
}

/// `'expiration' => 60` in `config/sanctum.php`.
#[tokio::test(flavor = "multi_thread")]
async fn the_bound_on_personal_tokens_is_sanctums_expiration() {
    for system in System::all() {
        let (shared, server) = served(&system, "personal_token_max_expiration = '1h'").await;
        let fresh = sanctum_creates(&shared, &"f".repeat(40), None).await;
        let session = server.get("/session", &fresh).await.body;
        let end = Timestamp::from_rfc3339(session["expiresAt"].as_str().unwrap()).unwrap();
        let left = end.unix() - SystemClock::default().now().unix();
        assert!((3590..=3600).contains(&left), "{system:?}: {left} s");
        let old = SystemClock::default().now().minus(3601).to_sql();
        let made_earlier = format!("UPDATE personal_access_tokens SET created_at = '{old}'");
        shared.execute(&format!("{made_earlier} WHERE name = 'made'")).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        for token in [fresh, bearer(1), bearer(6), bearer(11), bearer(12)] {
            let refused = server.get("/user", &token).await;
            assert_eq!(refused.text("code"), "token_expired", "{system:?} {token}");
        }
        let signed_in = server.login("ada@example.com", "password").await;
        assert_eq!(server.user(&signed_in.token()).await, 200, "{system:?}");
    }
}
