//! A database in a folder of its own, and what tests keep asking for.

use adyton_core::ability::Abilities;
use adyton_core::clock::Timestamp;
use adyton_core::config::Config;
use adyton_core::device::{Device, Fingerprint};
use adyton_core::event::{Event, EventKind};
use adyton_core::secret::{Hash, Salt};
use adyton_core::session::{Guard, NewSession, Session};
use adyton_core::store::{
    DeviceSighting, Replacement, Rotation, SignInRecord, SignedIn, Store, UserStore, Who,
};
use adyton_core::token::NewToken;
use adyton_core::user::{Email, NewUser, StoredPassword, User};
use adyton_sql::SqlStore;
use std::path::PathBuf;
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

pub(crate) struct World {
    folder: TempDir,
    pub(crate) config: Config,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let path = folder.path().join("data/adyton.sqlite3");
        config.connector.url = Some(format!("sqlite://{}", path.display()));
        Self { folder, config }
    }

    /// A file in which others have worked before.
    pub(crate) fn with_tables(sql: &str) -> Self {
        let world = Self::new();
        std::fs::create_dir(world.folder.path().join("data")).unwrap();
        rusqlite::Connection::open(world.path()).unwrap().execute_batch(sql).unwrap();
        world
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.config.connector.sqlite_path()
    }

    pub(crate) async fn open(&self) -> SqlStore {
        SqlStore::open(&self.config).await.unwrap()
    }

    pub(crate) async fn migrated(&self) -> SqlStore {
        let store = self.open().await;
        store.migrate(NOW).await.unwrap();
        store
    }

    /// Somebody else's connection to the same file.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(crate) fn password(text: &str) -> StoredPassword {
    StoredPassword::new(text.into())
}

pub(crate) fn event(kind: EventKind) -> Event {
    Event::new(kind, NOW)
}

pub(crate) fn new_user(address: &str) -> NewUser {
    NewUser { name: "Ada".into(), email: email(address), password: password("hash-1") }
}

pub(crate) async fn add_user(store: &SqlStore, address: &str) -> User {
    let event = event(EventKind::UserCreated);
    store.insert_user(new_user(address), NOW, event).await.unwrap().unwrap()
}

pub(crate) fn new_token(secret: &str) -> NewToken {
    NewToken {
        name: "t".into(),
        hash: Hash::of(secret),
        abilities: Abilities::all(),
        expires_at: Some(NOW.plus(3600)),
    }
}

pub(crate) fn record(who: Who, secret: &str, now: Timestamp) -> SignInRecord {
    SignInRecord {
        replaced: None,
        who,
        session: NewSession {
            remember: false,
            public_id: format!("public-{secret}"),
            guard: Guard::Token,
            secret: Hash::of(secret),
            abilities: Abilities::all(),
            device: Device {
                user_agent: Some("curl".into()),
                fingerprint: Some(Fingerprint(Hash::of("curl"))),
                ..Device::default()
            },
            expires_at: now.plus(86_400),
        },
        token: Some(new_token(&format!("access of {secret}"))),
        device: DeviceSighting {
            presented: None,
            issued: Hash::of(&format!("device of {secret}")),
            event: None,
        },
        sessions_per_user: 3,
        now,
        events: vec![event(EventKind::AuthnLoginSuccess)],
    }
}

pub(crate) fn existing(user: &User) -> Who {
    Who::Existing { id: user.id, verified: Some(password("hash-1")), rehashed: None }
}

pub(crate) async fn sign_in(store: &SqlStore, user: &User, secret: &str) -> SignedIn {
    store.sign_in(record(existing(user), secret, NOW)).await.unwrap().unwrap()
}

/// The rotation from one refresh token to the next.
pub(crate) fn rotation(session: &Session, old: &str, new: &str, now: Timestamp) -> Rotation {
    Rotation {
        session: session.id,
        user_id: session.user_id,
        rotation: session.rotation,
        replace: Some(Replacement {
            old: Hash::of(old),
            old_expires_at: session.expires_at,
            new: Hash::of(new),
        }),
        salt: Some(Salt::draw().unwrap()),
        token: new_token(&format!("access of {new}")),
        grace_ends: now.plus(30),
        expires_at: now.plus(86_400),
        now,
        event: event(EventKind::SessionRenewed),
    }
}
