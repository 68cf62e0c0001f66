//! Import of plain-text tokens.

use crate::world::{NOW, World};
use adyton_core::secret::Hash;
use adyton_core::store::TokenStore;
use adyton_core::user::UserId;
use adyton_sql::SqlError;

const COLUMNS: &str =
    "id INTEGER PRIMARY KEY AUTOINCREMENT, name, email, password, created_at, updated_at";

fn plain(n: u32) -> String {
    format!("plain-text-of-{n:010}")
}

fn old_app(column: &str, users: u32) -> World {
    let world = World::with_tables(&format!(
        "PRAGMA secure_delete = OFF; CREATE TABLE users ({COLUMNS}, {column});"
    ));
    let conn = world.raw();
    conn.execute_batch("BEGIN").unwrap();
    for n in 0..users {
        conn.execute("INSERT INTO users (token) VALUES (?)", [plain(n)]).unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
    // The old application has left plain text in pages that are free.
    conn.execute("INSERT INTO users (name, token) VALUES (?, 'x')", [plain(0).repeat(900)])
        .unwrap();
    conn.execute("DELETE FROM users WHERE token = 'x'", []).unwrap();
    world
}

fn bytes_of(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    for end in ["", "-wal", "-shm"] {
        let mut path = world.path().into_os_string();
        path.push(end);
        bytes.extend(std::fs::read(path).unwrap_or_default());
    }
    bytes
}

fn holds(world: &World, text: &str) -> bool {
    bytes_of(world).windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_plain_text_is_left_anywhere() {
    for column in ["token TEXT UNIQUE", "token TEXT NOT NULL UNIQUE"] {
        let world = old_app(column, 450);
        assert!(holds(&world, "plain-text-of-"));
        let store = world.migrated().await;
        let mut heard = Vec::new();
        let report = store.import_plaintext_tokens(NOW, |done, total| heard.push((done, total)));
        let report = report.await.unwrap();
        assert_eq!(report.imported, 450, "{column}");
        assert!(report.malformed.is_empty() && report.duplicates.is_empty(), "{report:?}");
        assert_eq!(heard, [(200, 450), (400, 450), (450, 450)]);
        assert!(!holds(&world, "plain-text-of-"), "{column}");
        for n in [0, 449] {
            let found = store.find_token(&Hash::of(&plain(n))).await.unwrap().unwrap();
            assert_eq!(found.token.user_id.0, i64::from(n) + 1);
            assert_eq!(found.token.expires_at, Some(NOW.plus(90 * 86_400)));
        }
        let again = store.import_plaintext_tokens(NOW, |_, _| ()).await.unwrap();
        assert_eq!(again, Default::default(), "{column}");
        assert_eq!(world.count("SELECT COUNT(*) FROM personal_access_tokens"), 450);
    }
}

#[tokio::test]
async fn what_has_not_the_form_of_a_token_stands() {
    let world = old_app("token", 1);
    let sql =
        "INSERT INTO users (token) VALUES ('short'), (NULL), (''), ('with a blank in the middle'),
               (x'00')";
    world.raw().execute(sql, []).unwrap();
    let store = world.migrated().await;
    let report = store.import_plaintext_tokens(NOW, |_, _| ()).await.unwrap();
    assert_eq!(report.imported, 1);
    assert_eq!(report.malformed, [UserId(3), UserId(6), UserId(7)]);
    assert!(report.duplicates.is_empty(), "{report:?}");
    assert_eq!(world.count("SELECT COUNT(*) FROM users WHERE token IS NOT NULL"), 4);
}

#[tokio::test]
async fn what_is_a_token_already_is_erased_too() {
    for column in ["token", "token TEXT NOT NULL"] {
        let world = old_app(column, 2);
        world.raw().execute("INSERT INTO users (token) VALUES (?)", [plain(0)]).unwrap();
        let store = world.migrated().await;
        let report = store.import_plaintext_tokens(NOW, |_, _| ()).await.unwrap();
        assert_eq!((report.imported, report.malformed), (2, vec![]));
        assert_eq!(report.duplicates, [UserId(4)], "{column}");
        assert!(!holds(&world, "plain-text-of-"), "{column}");
        let found = store.find_token(&Hash::of(&plain(0))).await.unwrap().unwrap();
        assert_eq!(found.token.user_id, UserId(1));
        let again = store.import_plaintext_tokens(NOW, |_, _| ()).await.unwrap();
        assert_eq!(again, Default::default(), "{column}");
    }
}

#[tokio::test]
async fn without_the_column_there_is_nothing_to_import() {
    let world = World::new();
    let store = world.migrated().await;
    let error = store.import_plaintext_tokens(NOW, |_, _| ()).await.unwrap_err();
    assert!(matches!(error, SqlError::MissingColumn { column, .. } if column == "token"));
}
