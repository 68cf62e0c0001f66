//! What a migration makes of a database that is Laravel's: tables beside its own, which stay as they are.

use crate::databases::{Rows, Shared, System};
use crate::laravel::{laravel, tokens, users};
use crate::world::PASSWORD;
use serde_json::json;

const OURS: [&str; 5] =
    ["adyton_migrations", "auth_devices", "auth_events", "auth_sessions", "auth_superseded_tokens"];

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_adds_tables_and_alters_none() {
    for system in System::all() {
        let shared = laravel(&system, "").await;
        let (before, tables_before) = (definitions(&shared).await, tables(&shared).await);
        let (users_before, mut tokens_before) = (users(&shared).await, tokens(&shared).await);
        assert!(before.len() >= 5, "{system:?} {before:?}");
        let pretended = shared.place.done("migrate --pretend");
        assert_eq!(tables(&shared).await, tables_before, "{system:?}");
        for table in ["users", "personal_access_tokens"] {
            let touched = pretended.lines().any(|line| {
                let line = line.to_lowercase().replace(['"', '`'], "");
                ["create table", "alter table"]
                    .iter()
                    .any(|verb| line.contains(&format!("{verb} {table} ")))
            });
            assert!(!touched, "{system:?}: {pretended}");
        }
        let report = shared.place.json("migrate --json");
        assert_eq!(report["adopted"], json!(["users", "personal_access_tokens"]), "{system:?}");
        assert_eq!(shared.place.json("migrate --json")["created"], json!([]), "{system:?}");
        let server = shared.place.serve();
        let email = "ada@example.com";
        assert_eq!(server.login(email, "password").await.status, 200, "{system:?}");
        assert_eq!(server.register("new@example.com").await.status, 201, "{system:?}");
        assert_eq!(server.login("new@example.com", PASSWORD).await.status, 200, "{system:?}");
        drop(server);
        assert_eq!(definitions(&shared).await, before, "{system:?}");
        let mut expected = tables_before;
        expected.extend(OURS.map(str::to_owned));
        expected.sort();
        assert_eq!(tables(&shared).await, expected, "{system:?}");
        assert_eq!(users(&shared).await[1..5], users_before[1..], "{system:?}");
        tokens_before.remove(4); // over, and pruned
        assert_eq!(tokens(&shared).await[..11], tokens_before, "{system:?}");
    }
}

/// The names of all tables.
async fn tables(shared: &Shared) -> Vec<String> {
    let sql = match shared.system {
        System::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        System::Postgres(_) => "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        System::Mysql(_) => "SHOW TABLES",
    };
    let mut names: Vec<_> = shared.rows(sql).await.into_iter().flatten().flatten().collect();
    names.sort();
    names
}

/// How Laravel's tables, their indexes, constraints and triggers are defined.
async fn definitions(shared: &Shared) -> Rows {
    let names =
        ["migrations", "users", "password_reset_tokens", "sessions", "personal_access_tokens"];
    let list = names.map(|name| format!("'{name}'")).join(", ");
    match shared.system {
        System::Sqlite => {
            let sql = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN";
            shared.rows(&format!("{sql} ({list}) ORDER BY name")).await
        }
        System::Postgres(_) => {
            let sql = format!(
                "SELECT table_name || '.' || column_name, data_type, character_maximum_length,
                        datetime_precision, is_nullable, column_default, collation_name
                   FROM information_schema.columns WHERE table_name IN ({list})
                 UNION ALL SELECT tablename, indexdef, NULL, NULL, NULL, NULL, NULL
                   FROM pg_indexes WHERE tablename IN ({list})
                 UNION ALL SELECT conname, pg_get_constraintdef(oid), NULL, NULL, NULL, NULL, NULL
                   FROM pg_constraint WHERE conrelid::regclass::text IN ({list})
                 UNION ALL SELECT tgname, pg_get_triggerdef(oid), NULL, NULL, NULL, NULL, NULL
                   FROM pg_trigger WHERE tgrelid::regclass::text IN ({list})
                 ORDER BY 1, 2"
            );
            shared.rows(&sql).await
        }
        System::Mysql(_) => {
            let mut definitions = Rows::new();
            for name in names {
                definitions.extend(shared.rows(&format!("SHOW CREATE TABLE {name}")).await);
            }
            let triggers = "SELECT trigger_name FROM information_schema.triggers
                            WHERE trigger_schema = DATABASE()";
            definitions.extend(shared.rows(triggers).await);
            // The next id is part of the text.
            for text in definitions.iter_mut().flatten().flatten() {
                let kept = text.split(' ').filter(|word| !word.starts_with("AUTO_INCREMENT="));
                *text = kept.collect::<Vec<_>>().join(" ");
            }
            definitions
        }
    }
}
