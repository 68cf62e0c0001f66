//! What the cache rests on, in every order of steps that the memory model allows: once somebody was
//! told of a revocation, nobody gets what was revoked. Around `cache/generations.rs` as it stands, a
//! single slot behind a lock is the cache, and a flag without any order of its own is the store.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use adyton_core::user::UserId;
use loom::sync::atomic::{self, AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

#[path = "../src/cache/generations.rs"]
mod generations;
use generations::{Generations, Number};

const ADA: UserId = UserId(1);
/// Shares Ada's slot.
const BOB: UserId = UserId(3);

struct World {
    generations: Generations<2>,
    cached: Mutex<Option<Number>>,
    revoked: AtomicBool,
    told: AtomicBool,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            generations: Generations::new(),
            cached: Mutex::new(None),
            revoked: AtomicBool::new(false),
            told: AtomicBool::new(false),
        })
    }

    fn get(&self) -> bool {
        let entry = *self.cached.lock().unwrap();
        entry.is_some_and(|began| self.generations.stand(ADA, began))
    }

    fn find(&self) -> bool {
        !self.revoked.load(Ordering::Relaxed)
    }

    fn insert(&self, began: Number) {
        if self.generations.stand(ADA, began) {
            *self.cached.lock().unwrap() = Some(began);
        }
    }

    fn look_up(&self) {
        let began = self.generations.latest();
        if self.find() {
            self.insert(began);
        }
    }

    fn commit(&self) {
        self.revoked.store(true, Ordering::Relaxed);
    }

    fn tell(&self) {
        self.told.store(true, Ordering::Release);
    }
}

/// One looks up, one revokes, one asks the cache; and it is asked once more in the end.
fn model(look_up: fn(&World), revoke: fn(&World)) {
    loom::model(move || {
        let world = World::new();
        let threads = [look_up, revoke].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || part(&world))
        });
        if world.told.load(Ordering::Acquire) {
            assert!(!world.get(), "believed after its revocation was told");
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!world.get(), "believed in the end");
    });
}

#[test]
fn nothing_revoked_is_believed_once_it_was_told() {
    model(World::look_up, |world| {
        world.commit();
        world.generations.forget(ADA);
        world.tell();
    });
}

#[test]
fn nor_once_somebody_elses_change_was_heard() {
    model(World::look_up, |world| {
        world.commit();
        world.generations.forget_all();
        world.tell();
    });
}

#[test]
fn nor_where_somebody_of_the_same_slot_is_forgotten_at_the_same_time() {
    loom::model(|| {
        let world = World::new();
        world.look_up();
        let other = thread::spawn({
            let world = Arc::clone(&world);
            move || world.generations.forget(BOB)
        });
        let revoking = thread::spawn({
            let world = Arc::clone(&world);
            move || {
                world.look_up();
                world.commit();
                world.generations.forget(ADA);
                assert!(!world.get());
            }
        });
        other.join().unwrap();
        revoking.join().unwrap();
        assert!(!world.get());
    });
}

#[test]
#[should_panic(expected = "believed in the end")]
fn it_would_be_if_the_generation_were_taken_after_the_look_up() {
    let late = |world: &World| {
        let found = world.find();
        let began = world.generations.latest();
        if found {
            world.insert(began);
        }
    };
    model(late, |world| {
        world.commit();
        world.generations.forget(ADA);
    });
}

#[test]
#[should_panic(expected = "believed in the end")]
fn it_would_be_if_it_were_forgotten_before_it_is_committed() {
    model(World::look_up, |world| {
        world.generations.forget(ADA);
        world.commit();
    });
}

#[test]
#[should_panic(expected = "believed after its revocation was told")]
fn it_would_be_if_somebody_were_told_before_it_is_forgotten() {
    model(World::look_up, |world| {
        world.commit();
        world.tell();
        world.generations.forget(ADA);
    });
}
