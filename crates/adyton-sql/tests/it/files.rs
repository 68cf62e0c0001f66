//! The file itself.

use crate::world::World;
use adyton_sql::{SqlError, SqlStore};

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let _store = world.migrated().await;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.path()), 0o600);
    assert_eq!(mode(world.path().parent().unwrap()), 0o700);
    for end in ["-wal", "-shm"] {
        let mut path = world.path().into_os_string();
        path.push(end);
        assert_eq!(mode(path.as_ref()), 0o600, "{end}");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let world = World::new();
    let mut config = world.config.clone();
    let folder = world.path();
    std::fs::create_dir_all(&folder).unwrap();
    let opened = SqlStore::open(&config).await;
    assert!(matches!(opened, Err(SqlError::Open { path, .. }) if path == folder));
    config.auth_table = "a b".into();
    assert!(matches!(SqlStore::open(&config).await, Err(SqlError::Config(_))));
}
