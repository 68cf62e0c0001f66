//! How SQLite's writer groups work, and what its connections are set to.

use super::*;
use crate::error::SqlError;
use adyton_core::config::Config;
use std::sync::mpsc;

const INSERT: &str = "INSERT INTO notes (text) VALUES (?)";
const COUNT: &str = "SELECT COUNT(*) FROM notes";

async fn notes(folder: &tempfile::TempDir) -> Arc<Db> {
    let mut config = Config::default();
    let file = folder.path().join("notes.sqlite3");
    config.connector.url = Some(format!("sqlite://{}", file.display()));
    let db = Db::open(&config).await.unwrap();
    let sql = "CREATE TABLE notes (text TEXT UNIQUE)";
    db.transaction(|tx| Box::pin(tx.script(sql))).await.unwrap();
    Arc::new(db)
}

async fn note(db: Arc<Db>, text: &'static str) -> Result<u64> {
    db.transaction(move |tx| {
        Box::pin(async move {
            tx.execute(INSERT, &[text.into()]).await?;
            match text {
                "panics" => std::panic::resume_unwind(Box::new(())),
                "fails" => tx.execute(INSERT, &[text.into()]).await,
                _ => Ok(1),
            }
        })
    })
    .await
}

fn file(db: &Db) -> &sqlite::File {
    #[allow(irrefutable_let_patterns)]
    let Backend::Sqlite(file) = &db.backend else { panic!("no file") };
    file
}

/// Holds the writer until the returned end is dropped, so that what is queued meanwhile
/// becomes one batch.
async fn hold(db: &Arc<Db>) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (started, starts) = tokio::sync::oneshot::channel();
    let db = Arc::clone(db);
    tokio::spawn(async move {
        let wait = file(&db).alone(move |_| {
            Box::pin(async move {
                let _ = (started.send(()), held.recv());
                Ok(())
            })
        });
        wait.await
    });
    starts.await.unwrap();
    release
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_batch_each_fails_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    let release = hold(&db).await;
    let mut asked = Vec::new();
    for text in ["first", "fails", "panics", "last"] {
        asked.push(tokio::spawn(note(Arc::clone(&db), text)));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (reader, seen) = (Arc::clone(&db), Arc::clone(&db));
    let looks = seen.transaction(move |tx| {
        Box::pin(async move {
            let outside = reader.fetch_one::<i64>(COUNT, &[]).await?;
            Ok((outside, tx.fetch_one::<i64>(COUNT, &[]).await?))
        })
    });
    let (looked, ()) = tokio::join!(looks, async { drop(release) });
    assert_eq!(looked.unwrap(), (Some(0), Some(2)), "one transaction, two savepoints kept");
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    assert!(matches!(
        answers.as_slice(),
        [Ok(1), Err(SqlError::Duplicate), Err(SqlError::Stopped), Ok(1)]
    ));
    assert_eq!(db.fetch_one(COUNT, &[]).await.unwrap(), Some(2_i64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_fails_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    let sql =
        "CREATE TABLE owned (id INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED);
               CREATE TABLE owners (id INTEGER PRIMARY KEY)";
    db.transaction(|tx| Box::pin(tx.script(sql))).await.unwrap();
    let release = hold(&db).await;
    let good = tokio::spawn(note(Arc::clone(&db), "good"));
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let bad = db.transaction(|tx| Box::pin(tx.execute("INSERT INTO owned VALUES (1)", &[])));
    let (bad, ()) = tokio::join!(bad, async { drop(release) });
    assert!(bad.is_err() && good.await.unwrap().is_err());
    assert_eq!(note(Arc::clone(&db), "good").await.unwrap(), 1);
}

/// SQLite rolls back a whole transaction by itself when it finds no room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_fails_everybody_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    let pages = |count: &'static str| file(&db).alone(move |tx| Box::pin(tx.script(count)));
    pages("PRAGMA max_page_count = 1").await.unwrap();
    let release = hold(&db).await;
    let good = tokio::spawn(note(Arc::clone(&db), "small"));
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let long = "INSERT INTO notes VALUES (hex(zeroblob(100000)))";
    let bad = db.transaction(|tx| Box::pin(tx.execute(long, &[])));
    let (bad, ()) = tokio::join!(bad, async { drop(release) });
    assert!(bad.is_err() && good.await.unwrap().is_err());
    assert_eq!(db.fetch_one(COUNT, &[]).await.unwrap(), Some(0_i64));
    pages("PRAGMA max_page_count = 1000000").await.unwrap();
    assert_eq!(note(Arc::clone(&db), "small").await.unwrap(), 1);
}

/// Pages in the log, and how many of them are in the file, too.
async fn log(db: &Db) -> (i64, i64) {
    let sql = "PRAGMA wal_checkpoint(NOOP)";
    let log = file(db).alone(move |tx| Box::pin(tx.fetch_one::<(i64, (i64, i64))>(sql, &[]))).await;
    log.unwrap().unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_copied_beside_the_writer_and_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    let version = db.change_counter().await.unwrap();
    let long = "INSERT INTO notes VALUES (hex(randomblob(1500000)))";
    let mut begun_anew = false;
    for _ in 0..20 {
        let before = log(&db).await.0;
        db.transaction(move |tx| Box::pin(tx.execute(long, &[]))).await.unwrap();
        begun_anew |= log(&db).await.0 < before;
    }
    assert!(begun_anew, "15,000 pages were written");
    let copied = async {
        while let (pages, copied) = log(&db).await
            && pages - copied >= 500
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), copied).await.unwrap();
    assert_eq!(db.change_counter().await.unwrap(), version, "no other has written");
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    assert!(db.fetch_one::<i64>("DELETE FROM notes", &[]).await.is_err());
    let safe = ["PRAGMA secure_delete", "PRAGMA synchronous", "PRAGMA foreign_keys"];
    for (sql, value) in safe.into_iter().zip([1, 2, 1]) {
        let set = file(&db).alone(move |tx| Box::pin(tx.fetch_one::<i64>(sql, &[]))).await.unwrap();
        assert_eq!(set, Some(value), "{sql}");
    }
    assert!(db.fetch_one::<String>("SELECT \"no_such_column\"", &[]).await.is_err());
}

/// SQLite plans anew for another limit by itself: once a sign-in.
#[tokio::test]
async fn a_statement_is_planned_once() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    let planned_anew = file(&db).alone(|tx| {
        #[allow(irrefutable_let_patterns)]
        let Session::Sqlite(conn) = &tx.session else { panic!("no file") };
        let sql = "SELECT text FROM notes WHERE text > ? ORDER BY text LIMIT ? OFFSET ?";
        let mut statement = conn.prepare_cached(sql).unwrap();
        for limit in 0..3 {
            let _ = statement.query(("a", limit, 2 * limit)).unwrap().next();
        }
        let planned_anew = statement.get_status(rusqlite::StatementStatus::RePrepare);
        Box::pin(async move { Ok(planned_anew) })
    });
    assert_eq!(planned_anew.await.unwrap(), 0);
}

/// A future is allocated and moved by each call; what a server's driver keeps in its own is nothing
/// of a file's.
#[tokio::test]
async fn a_read_has_no_room_for_the_driver_of_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let db = notes(&folder).await;
    let size = size_of_val(&db.fetch::<i64>(COUNT, &[]));
    assert!(size <= 256, "{size} bytes");
}
