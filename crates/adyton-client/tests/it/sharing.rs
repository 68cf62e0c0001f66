//! Several programs that keep their tokens in one place.

use crate::world::{Fault, World};
use adyton::core::config::Lifetime;
use adyton_client::{Error, File, Memory, Promise, Storage, StorageLock, Stored};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIFE: u64 = 3600;

/// Two whose token has ended, where presenting a refresh token twice ends the session.
async fn both_go_on(storage: impl Fn() -> Arc<dyn Storage>) {
    let world = World::with(|config| config.rotation_grace = Lifetime::from_seconds(0)).await;
    let client = || world.builder().storage(storage()).build().unwrap();
    let (one, other) = (client(), client());
    world.sign_up(&one, "ada").await;
    other.user().await.unwrap();
    world.wait(LIFE + 1);
    world.fail(Fault::Held);
    let asked = [one.clone(), other.clone()];
    let asked = asked.map(|client| tokio::spawn(async move { client.user().await }));
    // Long enough for a second refresh to stand beside the first, if nothing holds it back.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.release();
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(world.refreshes(), 1);
    one.user().await.unwrap();
    other.user().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_refresh_one_file_at_once_are_no_reuse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    both_go_on(|| Arc::new(File::at(&path))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_refresh_one_memory_at_once_are_no_reuse() {
    let memory = Arc::new(Memory::default());
    both_go_on(|| Arc::<Memory>::clone(&memory)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_lock_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::at(folder.path().join("deep/tokens.json"));
    let held = file.lock().await.unwrap();
    let other = file.clone();
    let waits = tokio::spawn(async move { other.lock().await.map(drop) });
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert!(!waits.is_finished());
    let error = waits.await.unwrap().unwrap_err();
    let told = format!("{error}: {}", error.source().unwrap());
    assert!(told.contains("tokens.json.lock cannot be used: other programs have held"), "{told}");
    drop(held);
    file.lock().await.unwrap();
}

/// A storage that others hold.
#[derive(Debug, Default)]
struct Held {
    kept: Memory,
    asked: AtomicUsize,
}

impl Storage for Held {
    fn load(&self) -> Promise<'_, Option<Stored>> {
        self.kept.load()
    }

    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
        self.kept.save(stored)
    }

    fn lock(&self) -> Promise<'_, StorageLock> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Err("somebody holds it".into())
        })
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_had_signs_nobody_out() {
    let (world, held) = (World::new().await, Arc::new(Held::default()));
    let kept = Arc::new(Memory::default());
    world.sign_up(&world.builder().storage(Arc::clone(&kept)).build().unwrap(), "ada").await;
    held.save(&kept.load().await.unwrap().unwrap()).await.unwrap();

    let client = world.builder().storage(Arc::clone(&held)).build().unwrap();
    world.wait(LIFE - 10);
    client.user().await.unwrap();
    world.wait(11);
    let before = held.asked.load(Ordering::Relaxed);
    let waiting = (0..20).map(|_| client.clone());
    let waiting = waiting.map(|client| tokio::spawn(async move { client.user().await }));
    for answer in waiting.collect::<Vec<_>>() {
        let error = answer.await.unwrap().unwrap_err();
        let Error::NotRenewed(source) = &error else { panic!("{error:?}") };
        assert!(matches!(**source, Error::Locked(_)) && error.is_temporary(), "{error:?}");
    }
    assert_eq!(held.asked.load(Ordering::Relaxed) - before, 1, "those who wait share the failure");
    assert!(matches!(client.logout().await, Err(Error::Locked(_))));
    assert_eq!(world.refreshes(), 0);
    assert!(held.load().await.unwrap().unwrap().tokens.is_some());
}
