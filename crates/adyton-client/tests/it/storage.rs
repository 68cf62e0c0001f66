//! What is kept between runs.

use crate::world::{PASSWORD, World};
use adyton_client::{Error, File, Login, Memory, Promise, Storage, Stored};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn a_file_signs_the_next_run_in() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/tokens.json");
    let run = || world.builder().storage(File::at(&path)).build().unwrap();
    assert!(run().token().await.unwrap().is_none());
    world.sign_up(&run(), "ada").await;
    assert_eq!(run().user().await.unwrap().name, "ada");
    run().refresh().await.unwrap();
    assert_eq!(run().user().await.unwrap().name, "ada");
    run().logout().await.unwrap();
    assert!(run().token().await.unwrap().is_none());
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("adt_") && !text.contains("adr_"), "{text}");
    assert!(!run().login(&Login::new("ada@example.com", PASSWORD)).await.unwrap().new_device);
    let left = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(left.count(), 2, "nothing is left beside it but the lock");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adyton/tokens.json");
    File::at(&path).save(&Stored::default()).await.unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    drop(File::at(&path).lock().await.unwrap());
    assert_eq!(mode(&folder.path().join("adyton/tokens.json.lock")), 0o600);
    // Nor one that somebody had opened to all.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    File::at(&path).save(&Stored::default()).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

/// Readers see the old text or the new one, whoever writes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_never_meets_half_a_file() {
    let world = World::new().await;
    let kept = Arc::new(Memory::default());
    let client = world.builder().storage(Arc::clone(&kept)).build().unwrap();
    world.sign_up(&client, "ada").await;
    let stored = kept.load().await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        // Two clients in one process have a file each of the same name.
        let (file, stored) = (File::at(&path), stored.clone());
        writers.spawn(async move {
            for round in 0..100 {
                let next = if round % 2 == 0 { &stored } else { &Stored::default() };
                file.save(next).await.unwrap();
            }
        });
    }
    let file = File::at(&path);
    while !writers.is_empty() {
        if let Some(read) = file.load().await.unwrap() {
            assert!(read == stored || read == Stored::default());
        }
        if let Some(written) = writers.try_join_next() {
            written.unwrap();
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_damaged_file_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    for damaged in
        ["", "{\"tokens\":", "\"adt_secret\"", "{\"tokens\":{\"token\":[\"adt_secret\"]}}"]
    {
        fs::write(&path, damaged).unwrap();
        let error = File::at(&path).load().await.unwrap_err();
        let told = format!("{error} {} {error:?}", error.source().unwrap());
        assert!(told.contains("tokens.json") && told.contains("damaged at line"), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = File::at(&path).save(&Stored::default()).await.unwrap_err();
    assert!(error.to_string().contains("tokens.json"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A disk that is full now and then.
#[derive(Debug, Default)]
struct Disk {
    kept: Memory,
    is_full: AtomicBool,
}

impl Storage for Disk {
    fn load(&self) -> Promise<'_, Option<Stored>> {
        self.kept.load()
    }

    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Box::pin(async { Err("the disk is full".into()) });
        }
        self.kept.save(stored)
    }
}

#[tokio::test]
async fn a_pair_that_cannot_be_written_is_not_lost() {
    let world = World::new().await;
    let disk = Arc::new(Disk::default());
    let client = world.builder().storage(Arc::clone(&disk)).build().unwrap();
    world.sign_up(&client, "ada").await;
    disk.is_full.store(true, Ordering::Relaxed);
    world.wait(3601);
    assert!(matches!(client.user().await, Err(Error::Storage(_))));
    client.user().await.unwrap();
    // The old refresh token, which the disk still has, would be reuse by now.
    world.wait(3601);
    disk.is_full.store(false, Ordering::Relaxed);
    client.user().await.unwrap();
    assert_eq!(world.refreshes(), 2);
    let kept = disk.load().await.unwrap().unwrap().tokens.unwrap().token;
    assert_eq!(Some(kept), client.token().await.unwrap());
}
