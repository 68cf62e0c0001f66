//! What a migration and a pruning make of a database that is Laravel's: tables beside its own, which
//! stay as they are.

use crate::databases::{Rows, Shared, System};
use crate::laravel::{bearer, but_the_fifth, laravel, tokens, users};
use crate::world::{PASSWORD, Place};
use serde_json::json;
use std::time::Duration;

const OURS: [&str; 5] =
    ["adyton_migrations", "auth_devices", "auth_events", "auth_sessions", "auth_superseded_tokens"];

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_adds_tables_and_alters_none() {
    for system in System::all() {
        let shared = laravel(&system, "").await;
        let (defined, tables_before) = (definitions(&shared).await, tables(&shared).await);
        let (users_before, tokens_before) = (users(&shared).await, tokens(&shared).await);
        assert!(defined.len() >= 5, "{system:?} {defined:?}");
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
        assert_eq!(definitions(&shared).await, defined, "{system:?}");
        let mut expected = tables_before;
        expected.extend(OURS.map(str::to_owned));
        expected.sort();
        assert_eq!(tables(&shared).await, expected, "{system:?}");
        assert_eq!(users(&shared).await[1..5], users_before[1..], "{system:?}");
        let (after, before) = (but_the_fifth(tokens(&shared).await), but_the_fifth(tokens_before));
        assert_eq!(after[..11], before, "{system:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_come_when_asked_for_and_tell_what_laravel_deletes() {
    for system in System::all() {
        let System::Postgres(_) = system else { continue };
        let shared = laravel(&system, "").await;
        let before = definitions(&shared).await;
        shared.place.done("migrate --with-triggers");
        let is_trigger = |row: &Vec<Option<String>>| {
            row[1].as_ref().is_some_and(|text| text.starts_with("CREATE TRIGGER"))
        };
        let (triggers, others): (Rows, Rows) =
            definitions(&shared).await.into_iter().partition(is_trigger);
        assert_eq!(others, before, "nothing else is altered");
        assert!(!triggers.is_empty());
        let server = shared.place.serve();
        let token = bearer(6);
        tokio::time::sleep(Duration::from_millis(300)).await;
        for _ in 0..20 {
            assert_eq!(server.user(&token).await, 200);
        }
        shared.execute("delete from personal_access_tokens where id = 6").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.user(&token).await, 401);
        assert_eq!(server.user(&bearer(1)).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_leaves_whatever_is_not_over_and_not_ours() {
    for system in System::all() {
        let shared = laravel(&system, "").await;
        shared.place.done("migrate");
        let teams = "UPDATE personal_access_tokens SET expires_at = '2020-01-01 00:00:00'
                     WHERE id IN (4, 8, 9)";
        shared.execute(teams).await;
        let (users_before, mut tokens_before) = (users(&shared).await, tokens(&shared).await);
        let pruned = shared.place.json("prune --json");
        assert_eq!(pruned["tokens"], 1, "{system:?} {pruned}");
        tokens_before.remove(4);
        assert_eq!(
            tokens(&shared).await,
            tokens_before,
            "{system:?}: only number 5, which is over"
        );
        assert_eq!(users(&shared).await, users_before, "{system:?}");
        for table in ["sessions", "password_reset_tokens"] {
            let count = shared.value(&format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(count.as_deref(), Some("1"), "{system:?} {table}");
        }
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

#[test]
fn the_configuration_of_the_guide_is_sound() {
    let guide = include_str!("../../../../docs/guide/beside-laravel.md");
    let block = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let place = Place::with(block);
    let told = place.done("config check");
    assert!(told.starts_with("ok: "), "{told}");
    let shown = place.done("config show");
    for line in [r"tokenable_type = 'App\Models\User'", "rehash = false", "\"mysql\""] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}
