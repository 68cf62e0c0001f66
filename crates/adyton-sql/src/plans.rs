//! Every statement that a life of the store runs, and how SQLite would run it.

#[cfg(all(feature = "postgres", feature = "mysql"))]
mod servers;

use crate::SqlStore;
use adyton_core::ability::Abilities;
use adyton_core::clock::Timestamp;
use adyton_core::config::Config;
use adyton_core::device::{Device, Fingerprint, KNOWN_FOR, MOST_KNOWN};
use adyton_core::event::{Event, EventKind};
use adyton_core::secret::{Hash, Salt};
use adyton_core::session::{Guard, NewSession};
use adyton_core::store::*;
use adyton_core::store::{Credential, TokenIssue};
use adyton_core::token::NewToken;
use adyton_core::user::{Email, NewUser, StoredPassword, UserChange, UserId};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
/// What may read a table from its beginning: it stops after a bounded number of rows.
const BOUNDED: [&str; 1] = ["SELECT password FROM \"users\" WHERE password <> ''"];

fn token(secret: &str) -> NewToken {
    let (name, hash, abilities) = ("t".into(), Hash::of(secret), Abilities::all());
    NewToken { name, hash, abilities, expires_at: Some(NOW) }
}

fn sign_up(secret: &str) -> SignInRecord {
    let email = Email::parse("ada@example.com").unwrap();
    let password = StoredPassword::new("hash".into());
    SignInRecord {
        replaced: None,
        who: Who::New(NewUser { name: "Ada".into(), email, password }),
        session: NewSession {
            remember: false,
            public_id: "public".into(),
            guard: Guard::Token,
            secret: Hash::of(secret),
            abilities: Abilities::all(),
            device: Device {
                fingerprint: Some(Fingerprint(Hash::of("browser"))),
                ..Device::default()
            },
            expires_at: NOW.plus(60),
        },
        token: Some(token("a")),
        device: DeviceSighting {
            presented: Some(Hash::of("presented")),
            issued: Hash::of("device"),
            event: None,
        },
        sessions_per_user: 1,
        now: NOW,
        events: Vec::new(),
    }
}

async fn live(store: &SqlStore) -> Result<(), StoreError> {
    let event = Event::new(EventKind::UserUpdated, NOW);
    let SignedIn { user, session, .. } = store.sign_in(sign_up("r0")).await?.unwrap();
    let (replace, salt) = (
        Replacement { old: Hash::of("r0"), old_expires_at: NOW, new: Hash::of("r1") },
        Salt::draw(),
    );
    let rotation = Rotation {
        session: session.id,
        user_id: user.id,
        rotation: 0,
        replace: Some(replace),
        salt: salt.ok(),
        token: token("b"),
        grace_ends: NOW,
        expires_at: NOW.plus(60),
        now: NOW,
        event: event.clone(),
    };
    store.rotate(rotation).await?.unwrap();
    store.find_token(&Hash::of("a")).await?.unwrap();
    store.find_session(&Hash::of("r0")).await?.unwrap();
    store.find_cookie(&Hash::of("r0")).await?;
    store.find_session_by_public_id("public").await?.unwrap();
    store.list_sessions(user.id, NOW).await?;
    store.erase_salts(NOW.plus(1)).await?;
    let (user_id, event_of) = (user.id, event.clone());
    let by = Some(Credential::Session(session.id));
    let issue = TokenIssue { user_id, token: token("p"), by, limit: 9, now: NOW, event: event_of };
    let personal = store.insert_token(issue).await?.token().unwrap();
    store.find_token_by_id(personal.id).await?;
    store.list_tokens(user.id).await?;
    let touch = SessionTouch { id: session.id, seen_at: NOW, expires_at: Some(NOW) };
    let touches = Touches { tokens: vec![(personal.id, NOW)], sessions: vec![touch] };
    store.touch(touches).await?;
    store.delete_token(user.id, personal.id, event.clone()).await?;
    let email = Email::parse("ada@example.org");
    let change = UserChange { email: email.clone(), ..UserChange::default() };
    store.update_user(user.id, change, NOW, event.clone()).await?;
    store.find_account_by_email(&email.unwrap()).await?.unwrap();
    store.find_account(user.id).await?.unwrap();
    store.list_users(user.id, 1).await?;
    store.sample_passwords(1).await?;
    store.set_password(user.id, None, StoredPassword::new("new".into()), NOW).await?;
    let revocation =
        Revocation { user_id: user.id, which: Which::All, now: NOW, events: vec![event.clone()] };
    store.revoke_sessions(revocation).await?;
    let (user_id, keep, tokens) = (user.id, None, true);
    store.revoke_owned(OwnedRevocation { user_id, keep, tokens, now: NOW, event: None }).await?;
    store.find_device(user.id, &Hash::of("device")).await?.unwrap();
    let seen = sign_in_often(store, user.id).await?;
    assert!(seen.known_device, "the plans of a known one are looked at, too");
    store.prune(NOW.plus(600), 9).await?;
    assert!(store.prune(NOW.plus(KNOWN_FOR + 600), 9).await?.devices > 0);
    let (latest, kind) = (EventFilter::latest(9), Some(EventKind::UserUpdated));
    let users = EventFilter { user: Some(user.id), ..latest };
    for filter in [latest, users, EventFilter { kind, ..latest }, EventFilter { kind, ..users }] {
        store.list_events(filter).await?;
    }
    store.prune_events(NOW.plus(1), 1).await?;
    store.ping().await?;
    store.delete_account(user.id, None, event).await?;
    Ok(())
}

/// Signs in with more devices than can be known, and with the last of them once more.
async fn sign_in_often(store: &SqlStore, id: UserId) -> Result<SignedIn, StoreError> {
    let sign_in = |n: u32, presented: Option<Hash>| {
        let mut record = sign_up(&format!("often {n}"));
        record.who = Who::Existing { id, verified: None, rehashed: None };
        record.session.public_id = format!("public {n}");
        (record.token, record.device.presented) = (None, presented);
        record.device.issued = Hash::of(&format!("device {n}"));
        store.sign_in(record)
    };
    for n in 0..MOST_KNOWN {
        sign_in(n, None).await?.unwrap();
    }
    let last = Hash::of(&format!("device {}", MOST_KNOWN - 1));
    Ok(sign_in(MOST_KNOWN, Some(last)).await?.unwrap())
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adyton.sqlite3");
    let mut config = Config::default();
    config.connector.url = Some(format!("sqlite://{}", path.display()));
    let store = SqlStore::open(&config).await.unwrap();
    store.migrate(NOW).await.unwrap();
    store.db.names().forget();
    live(&store).await.unwrap();

    let conn = rusqlite::Connection::open(path).unwrap();
    let texts = store.db.names().rendered();
    assert!(texts.len() > 40, "{}", texts.len());
    for text in texts.iter().filter(|text| !BOUNDED.iter().any(|bounded| text.contains(bounded))) {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let count = statement.parameter_count();
        let nulls = vec![rusqlite::types::Null; count];
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>("detail");
        let plan = statement.query_map(rusqlite::params_from_iter(nulls), read).unwrap();
        let plan = plan.collect::<Result<Vec<_>, _>>().unwrap();
        // All our tokens have one type, so an index that leads by it alone leads to each of them.
        let scan = plan.iter().find(|step| {
            let whole = step.starts_with("SCAN") && *step != "SCAN CONSTANT ROW";
            whole || step.ends_with("(tokenable_type=?)")
        });
        assert_eq!(scan, None, "{text}\n{plan:#?}");
    }
}
