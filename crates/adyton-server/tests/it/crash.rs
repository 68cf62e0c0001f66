//! What was acknowledged stands, however the server ends, and nothing is half done.

use crate::world::{Answer, DATABASE, PASSWORD, Place, Server};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const ROUNDS: u64 = 20;
/// Sessions whose refresh token is presented by two callers at once, and by one.
const TABS: usize = 20;
const LONERS: usize = 8;
/// With these, 64 calls are under way at every moment.
const SIGN_UPS: usize = 3;
const SIGN_INS: usize = 3;
const SIGN_OUTS: usize = 4;
const TOKEN_MAKERS: usize = 6;
/// Long enough for what was replaced just before a crash to be replayed after it, and more calls
/// from one address than any limit lets through.
const CONFIG: &str = "rotation_grace = 300\nsessions_per_user = 1000\ntokens_per_user = 100000\n\
                      rate_limiting.enabled = false\n";

/// What a client was told, and what it may have been about to be told.
#[derive(Default)]
struct Told {
    /// Signed up, with the token of it.
    users: Vec<(String, String)>,
    /// The last pair of each session.
    sessions: Vec<Pair>,
    /// Personal tokens that were made, and not revoked.
    tokens: Vec<String>,
    /// Secrets that were revoked.
    revoked: Vec<String>,
    refreshes: usize,
    unanswered: usize,
}

#[derive(Clone)]
struct Pair {
    access: String,
    refresh: String,
}

impl From<&Answer> for Pair {
    fn from(answer: &Answer) -> Self {
        Self { access: answer.token(), refresh: answer.refresh_token() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_half_done_after_kill_9() {
    let place = Place::with(CONFIG);
    let mut server = place.serve();
    let mut told = Told::default();
    for _ in 0..TABS + LONERS + SIGN_OUTS {
        let answer = match told.users.is_empty() {
            true => server.register("first@example.com").await,
            false => server.login("first@example.com", PASSWORD).await,
        };
        told.sessions.push(Pair::from(&answer));
        told.users.push(("first@example.com".to_owned(), answer.token()));
        told.users.truncate(1);
    }
    told.users.clear(); // its session is refreshed below
    for round in 0..ROUNDS {
        let (load, crash) = (Load::default(), Duration::from_millis(20 + round * 19));
        let server_ref = Arc::new(server);
        let clients = load.start(&server_ref, &mut told, round);
        tokio::time::sleep(crash).await;
        server_ref.signal("-KILL");
        load.over.store(true, Ordering::SeqCst);
        for outcome in clients.join_all().await {
            told.take_in(outcome);
        }
        server = Arc::into_inner(server_ref).unwrap();
        server.kill9();
        check_file(&place);
        server = place.serve();
        check_promises(&server, &place, &mut told).await;
    }
    for (email, _) in &told.users {
        assert_eq!(server.login(email, PASSWORD).await.status, 200, "{email} signed up");
    }
    let Told { users, sessions, tokens, revoked, refreshes, unanswered } = &told;
    println!(
        "{} sign-ups, {} sessions, {refreshes} refreshes, {} tokens, {} revocations kept; {unanswered} calls unanswered",
        users.len(),
        sessions.len(),
        tokens.len(),
        revoked.len(),
    );
    // How much a machine gets done beside other tests differs; that it does some of each does not.
    assert!(!users.is_empty() && *refreshes > 100 && !tokens.is_empty() && revoked.len() > 5);
    assert!(*unanswered > 100, "the crashes came in the middle of work");
}

/// Clients that work until the server is gone.
#[derive(Clone, Default)]
struct Load {
    over: Arc<AtomicBool>,
}

/// What one client was told.
enum Outcome {
    SignedUp(Option<(String, Pair)>),
    SignedIn(Option<Pair>),
    Refreshed {
        last: Pair,
        times: usize,
        unanswered: usize,
    },
    /// The session's own, and whether the sign-out was acknowledged.
    SignedOut(Pair, bool),
    Tokens {
        made: Vec<String>,
        revoked: Vec<String>,
    },
}

impl Load {
    fn start(&self, server: &Arc<Server>, told: &mut Told, round: u64) -> JoinSet<Outcome> {
        let mut clients = JoinSet::new();
        let mut sessions = std::mem::take(&mut told.sessions).into_iter();
        let owner = sessions.next().unwrap();
        for pair in sessions.by_ref().take(TABS - 1).chain([owner.clone()]) {
            clients.spawn(self.clone().refresh(Arc::clone(server), pair, true));
        }
        for pair in sessions.by_ref().take(LONERS) {
            clients.spawn(self.clone().refresh(Arc::clone(server), pair, false));
        }
        for pair in sessions.by_ref().take(SIGN_OUTS) {
            clients.spawn(sign_out(Arc::clone(server), pair));
        }
        told.sessions.extend(sessions);
        for at in 0..SIGN_UPS {
            let email = format!("user-{round}-{at}@example.com");
            clients.spawn(sign_up(Arc::clone(server), email));
        }
        for _ in 0..SIGN_INS {
            clients.spawn(sign_in(Arc::clone(server)));
        }
        for _ in 0..TOKEN_MAKERS {
            clients.spawn(self.clone().make_tokens(Arc::clone(server), owner.access.clone()));
        }
        clients
    }

    async fn refresh(self, server: Arc<Server>, mut last: Pair, twice: bool) -> Outcome {
        let (mut times, mut unanswered) = (0, 0);
        while !self.over.load(Ordering::SeqCst) {
            let call = || try_refresh(&server, &last.refresh);
            let answers = match twice {
                true => <[_; 2]>::from(tokio::join!(call(), call())).into_iter().collect(),
                false => vec![call().await],
            };
            unanswered += answers.iter().filter(|answer| answer.is_none()).count();
            let mut pairs = answers.iter().flatten().map(Pair::from);
            let Some(next) = pairs.next() else { break };
            for other in pairs {
                assert_eq!((&other.refresh, &other.access), (&next.refresh, &next.access));
            }
            times += 1;
            last = next;
        }
        Outcome::Refreshed { last, times, unanswered }
    }

    async fn make_tokens(self, server: Arc<Server>, access: String) -> Outcome {
        let (mut made, mut revoked) = (Vec::new(), Vec::new());
        while !self.over.load(Ordering::SeqCst) {
            let create = server.request(Method::POST, "/tokens").bearer_auth(&access);
            let create = Answer::try_of(create.json(&json!({ "name": "crash" }))).await;
            let Some(created) = create.ok().filter(|answer| answer.status == 201) else { break };
            let id = &created.body["accessToken"]["id"];
            if id.as_i64().unwrap() % 2 == 0 {
                made.push(created.token());
                continue;
            }
            let path = format!("/tokens/{id}");
            let revoke = server.request(Method::DELETE, &path).bearer_auth(&access);
            let Ok(answer) = Answer::try_of(revoke).await else { break };
            if answer.status == 204 {
                revoked.push(created.token());
            }
        }
        Outcome::Tokens { made, revoked }
    }
}

async fn try_refresh(server: &Server, token: &str) -> Option<Answer> {
    let body = json!({ "refreshToken": token });
    let answer = Answer::try_of(server.request(Method::POST, "/refresh").json(&body)).await.ok()?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Some(answer)
}

async fn sign_up(server: Arc<Server>, email: String) -> Outcome {
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    let answer = Answer::try_of(server.request(Method::POST, "/register").json(&body)).await;
    Outcome::SignedUp(answer.ok().map(|answer| (email, Pair::from(&answer))))
}

async fn sign_in(server: Arc<Server>) -> Outcome {
    let body = json!({ "email": "first@example.com", "password": PASSWORD });
    let answer = Answer::try_of(server.request(Method::POST, "/login").json(&body)).await;
    Outcome::SignedIn(answer.ok().map(|answer| Pair::from(&answer)))
}

async fn sign_out(server: Arc<Server>, pair: Pair) -> Outcome {
    let logout = server.request(Method::POST, "/logout").bearer_auth(&pair.access);
    let answer = Answer::try_of(logout).await;
    let acknowledged = answer.is_ok_and(|answer| answer.status == 204);
    Outcome::SignedOut(pair, acknowledged)
}

impl Told {
    fn take_in(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::SignedUp(Some((email, pair))) => {
                self.users.push((email, pair.access.clone()));
                self.sessions.push(pair);
            }
            Outcome::SignedIn(Some(pair)) => self.sessions.push(pair),
            Outcome::SignedUp(None) | Outcome::SignedIn(None) => self.unanswered += 1,
            Outcome::Refreshed { last, times, unanswered } => {
                self.sessions.insert(0, last);
                self.refreshes += times;
                self.unanswered += unanswered;
            }
            Outcome::SignedOut(pair, true) => self.revoked.extend([pair.access, pair.refresh]),
            Outcome::SignedOut(_, false) => self.unanswered += 1,
            Outcome::Tokens { made, revoked } => {
                self.tokens.extend(made);
                self.revoked.extend(revoked);
            }
        }
    }
}

/// Asks the restarted server for everything that was acknowledged before.
async fn check_promises(server: &Server, place: &Place, told: &mut Told) {
    let database = place.database();
    for token in &told.tokens {
        assert_eq!(server.user(token).await, 200, "a token that was made");
    }
    for secret in &told.revoked {
        let status = match secret.starts_with("adr_") {
            true => server.refresh(secret).await.status,
            false => server.user(secret).await,
        };
        assert_eq!(status, 401, "revoked stays revoked");
    }
    for pair in &mut told.sessions {
        assert_eq!(server.user(&pair.access).await, 200, "the last token of a session");
        let current: String = database
            .query_row(
                "SELECT secret_hash FROM auth_sessions WHERE ?1 IN (secret_hash, previous_hash)",
                [sha256(&pair.refresh)],
                |row| row.get(0),
            )
            .expect("the last refresh token is the current one or its predecessor");
        // Where the crash hid an answer, the server has gone one step further than its client.
        let ahead = current != sha256(&pair.refresh);
        let (first, second) =
            tokio::join!(server.refresh(&pair.refresh), server.refresh(&pair.refresh));
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200), "{}", first.body);
        *pair = Pair::from(&first);
        assert_eq!(pair.refresh, second.refresh_token());
        assert!(!ahead || current == sha256(&pair.refresh), "the answer that was lost");
        assert_eq!(server.user(&pair.access).await, 200);
    }
    if let Some((email, _)) = told.users.last() {
        assert_eq!(server.login(email, PASSWORD).await.status, 200, "{email} signed up");
    }
}

/// No row of these may exist: each is a change of which one half is missing.
const HALVES: [(&str, &str); 13] = [
    ("session without user", "SELECT id FROM auth_sessions WHERE user_id NOT IN (SELECT id FROM users)"),
    ("user without session", "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM auth_sessions)"),
    ("token without user", "SELECT id FROM personal_access_tokens WHERE tokenable_id NOT IN (SELECT id FROM users)"),
    (
        "live session without its token",
        "SELECT s.id FROM auth_sessions s WHERE s.revoked_at IS NULL AND NOT EXISTS (
         SELECT 1 FROM personal_access_tokens t WHERE t.id = s.access_token_id AND t.tokenable_id = s.user_id)",
    ),
    (
        "previous token that is gone",
        "SELECT s.id FROM auth_sessions s WHERE s.previous_access_token_id NOT IN (SELECT id FROM personal_access_tokens)",
    ),
    (
        "rotated session without previous token",
        "SELECT id FROM auth_sessions WHERE revoked_at IS NULL AND (rotation > 0) <> (previous_access_token_id IS NOT NULL)",
    ),
    (
        "revoked session that has a token",
        "SELECT id FROM auth_sessions WHERE revoked_at IS NOT NULL
         AND (access_token_id IS NOT NULL OR previous_access_token_id IS NOT NULL OR salt IS NOT NULL)",
    ),
    (
        "token of a sign-in that no session has",
        "SELECT id FROM personal_access_tokens WHERE name <> 'crash' AND id NOT IN (
         SELECT access_token_id FROM auth_sessions WHERE access_token_id IS NOT NULL
         UNION SELECT previous_access_token_id FROM auth_sessions WHERE previous_access_token_id IS NOT NULL)",
    ),
    (
        // Each rotation replaces a refresh token, and from the second on deletes an access token.
        "rotation without its superseded tokens",
        "SELECT id FROM auth_sessions s WHERE MAX(2 * rotation - 1, 0) <> (
         SELECT COUNT(*) FROM auth_superseded_tokens WHERE session_id = s.id)",
    ),
    (
        "secret both current and superseded",
        "SELECT id FROM auth_sessions WHERE secret_hash IN (SELECT hash FROM auth_superseded_tokens)",
    ),
    (
        "session whose device is gone",
        "SELECT id FROM auth_sessions WHERE device_id NOT IN (SELECT id FROM auth_devices)",
    ),
    (
        "rotation without its event",
        "SELECT id FROM auth_sessions s WHERE rotation <> (
         SELECT COUNT(*) FROM auth_events WHERE event = 'session_renewed' AND session_id = s.public_id)",
    ),
    (
        "session without its events",
        "SELECT id FROM auth_sessions s WHERE (1, revoked_at IS NOT NULL) <> (
         (SELECT COUNT(*) FROM auth_events WHERE event = 'session_created' AND session_id = s.public_id),
         (SELECT COUNT(*) FROM auth_events WHERE event = 'session_revoked' AND session_id = s.public_id))",
    ),
];

/// Looks at what the dead server left on disk, in a copy: the recovery is the next server's.
fn check_file(place: &Place) {
    let copy = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let from = place.path(&format!("{DATABASE}{suffix}"));
        fs::copy(from, copy.path().join(format!("db{suffix}"))).unwrap();
    }
    let database = Connection::open(copy.path().join("db")).unwrap();
    let integrity: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    for (what, sql) in HALVES {
        let ids: Vec<i64> = database
            .prepare(sql)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .flatten()
            .collect();
        assert!(ids.is_empty(), "{what}: {ids:?}");
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_finishes_what_runs_and_writes_down_what_it_remembers() {
    let place = Place::with(CONFIG);
    let mut server = place.serve();
    let ada = server.register("ada@example.com").await;
    let tokens = place.database();
    let unused = "SELECT COUNT(*) FROM personal_access_tokens WHERE last_used_at IS NULL";
    let count = |sql: &str| tokens.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(server.login("ada@example.com", PASSWORD).await);
    }
    assert_eq!(count(unused), 9);
    let shared = Arc::new(server);
    let (over, calls) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut clients = JoinSet::new();
    for session in sessions {
        let (server, over, calls) = (Arc::clone(&shared), Arc::clone(&over), Arc::clone(&calls));
        clients.spawn(async move {
            let mut last = Pair::from(&session);
            while !over.load(Ordering::SeqCst) {
                let use_it = server.request(Method::GET, "/user").bearer_auth(&last.access);
                let Ok(answer) = Answer::try_of(use_it).await else { break };
                assert_eq!(answer.status, 200, "an answer, or none");
                let Some(next) = try_refresh(&server, &last.refresh).await else { break };
                last = Pair::from(&next);
                calls.fetch_add(1, Ordering::SeqCst);
            }
            last
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shared.user(&ada.token()).await, 200);
    let hash = sha256(&ada.token());
    let used = format!(
        "SELECT last_used_at IS NOT NULL FROM personal_access_tokens WHERE token = '{hash}'"
    );
    assert_eq!(count(&used), 0, "it is only in memory");
    shared.signal("-TERM");
    let last = clients.join_all().await;
    over.store(true, Ordering::SeqCst);
    server = Arc::into_inner(shared).unwrap();
    assert_eq!(server.term().code(), Some(0), "{}", server.log());
    assert!(server.log().contains("stopped"));
    assert!(calls.load(Ordering::SeqCst) > 16, "under load");
    assert_eq!(count(&used), 1, "a use that was only in memory is written down");
    drop(tokens);
    let server = place.serve();
    let mut seen = HashSet::new();
    for pair in last {
        assert_eq!(server.user(&pair.access).await, 200);
        let next = server.refresh(&pair.refresh).await;
        assert_eq!(next.status, 200, "{}", next.body);
        assert!(seen.insert(next.refresh_token()));
    }
}
