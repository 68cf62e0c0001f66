//! Clients that go on whatever happens to the servers, and what they were told.

use crate::world::{Answer, Api, Server};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Options under which nothing but an outage is refused, and a lost answer can be had again.
pub(crate) const CONFIG: &str = "rotation_grace = 300\ntokens_per_user = 100000\n\
    rate_limiting.limits = { tokens = '100000/1h', refresh = '100000/1m' }";
/// A node may answer so long by what it was told before.
const LEASE: Duration = Duration::from_millis(100);

/// Clients at work.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    clients: JoinSet<Told>,
}

/// What one client was told.
pub(crate) struct Told {
    access: String,
    refresh: String,
    /// Personal tokens that were made and not revoked.
    made: Vec<(String, i64)>,
    revoked: Vec<(String, Instant)>,
    /// Calls that were answered.
    pub(crate) answered: usize,
    /// Calls to which the servers said that they cannot answer.
    pub(crate) unavailable: usize,
    /// Calls without an answer of a server: the proxy's, or none.
    pub(crate) unanswered: usize,
    /// The longest time between two answers.
    pub(crate) longest_gap: Duration,
    last: Instant,
}

impl Load {
    /// So many clients, each with a session of its own.
    pub(crate) async fn start(api: &Api, clients: usize) -> Self {
        let over = Arc::<AtomicBool>::default();
        let mut set = JoinSet::new();
        let mut sessions = Vec::new();
        for at in 0..clients {
            sessions.push(api.register(&format!("client{at}@example.com")).await);
        }
        for session in sessions {
            let (api, over) = (api.clone(), Arc::clone(&over));
            set.spawn(async move {
                let mut client = Told::new(&session);
                while !over.load(Ordering::SeqCst) {
                    client.turn(&api).await;
                }
                client
            });
        }
        Self { over, clients: set }
    }

    pub(crate) async fn stop(self) -> Vec<Told> {
        self.over.store(true, Ordering::SeqCst);
        self.clients.join_all().await
    }
}

impl Told {
    fn new(session: &Answer) -> Self {
        Self {
            access: session.token(),
            refresh: session.refresh_token(),
            made: Vec::new(),
            revoked: Vec::new(),
            answered: 0,
            unavailable: 0,
            unanswered: 0,
            longest_gap: Duration::ZERO,
            last: Instant::now(),
        }
    }

    /// A bit of everything.
    async fn turn(&mut self, api: &Api) {
        for revokes in [false, false, true] {
            self.make_token(api).await;
            self.use_token(api).await;
            if revokes {
                self.revoke_token(api).await;
            }
        }
        self.use_revoked_token(api).await;
        self.refresh(api).await;
    }

    /// An answer that decides something; an outage is told as it must be told.
    async fn call(&mut self, request: RequestBuilder) -> Option<Answer> {
        let answer = Answer::try_of(request).await;
        match answer {
            Ok(answer) if answer.status == 503 => {
                answer.assert_unavailable();
                self.unavailable += 1;
            }
            Ok(answer) if answer.status == 502 || answer.status == 504 => self.unanswered += 1,
            Err(_) => self.unanswered += 1,
            Ok(answer) => {
                self.answered += 1;
                self.longest_gap = self.longest_gap.max(self.last.elapsed());
                self.last = Instant::now();
                return Some(answer);
            }
        }
        sleep(Duration::from_millis(20)).await;
        None
    }

    async fn make_token(&mut self, api: &Api) {
        let request = api.request(Method::POST, "/tokens").bearer_auth(&self.access);
        if let Some(answer) = self.call(request.json(&json!({ "name": "load" }))).await {
            assert_eq!(answer.status, 201, "{}", answer.body);
            self.made.push((answer.token(), answer.body["accessToken"]["id"].as_i64().unwrap()));
        }
    }

    async fn use_token(&mut self, api: &Api) {
        let Some((token, _)) = self.made.last() else { return };
        let request = api.request(Method::GET, "/user").bearer_auth(token);
        if let Some(answer) = self.call(request).await {
            assert_eq!(answer.status, 200, "a token that was made: {}", answer.body);
        }
    }

    async fn revoke_token(&mut self, api: &Api) {
        let Some((token, id)) = self.made.pop() else { return };
        let request = api.request(Method::DELETE, &format!("/tokens/{id}"));
        // Without an answer nobody knows, and nothing is promised.
        if let Some(answer) = self.call(request.bearer_auth(&self.access)).await {
            assert_eq!(answer.status, 204, "{}", answer.body);
            self.revoked.push((token, Instant::now()));
        }
    }

    async fn use_revoked_token(&mut self, api: &Api) {
        let late = |(_, at): &&(String, Instant)| at.elapsed() > LEASE;
        let Some((token, _)) = self.revoked.iter().rev().find(late) else { return };
        let request = api.request(Method::GET, "/user").bearer_auth(token);
        if let Some(answer) = self.call(request).await {
            assert_eq!(answer.status, 401, "a token that was revoked");
        }
    }

    async fn refresh(&mut self, api: &Api) {
        let body = json!({ "refreshToken": self.refresh });
        let request = api.request(Method::POST, "/refresh").json(&body);
        if let Some(answer) = self.call(request).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
            (self.access, self.refresh) = (answer.token(), answer.refresh_token());
        }
    }
}

/// Asks every server for what the clients were told: none of it may be lost, and nothing revoked
/// may work.
pub(crate) async fn check(nodes: &[&Server], all: &mut [Told]) {
    for told in &mut *all {
        for node in nodes {
            for (token, _) in told.made.iter().rev().take(60) {
                assert_eq!(node.user(token).await, 200, "a token that was made");
            }
            for (token, _) in told.revoked.iter().rev().take(60) {
                assert_eq!(node.user(token).await, 401, "a token that was revoked");
            }
        }
        let before = told.answered;
        told.refresh(nodes[0]).await;
        assert_eq!(told.answered, before + 1, "its session goes on");
    }
    let sum = |count: fn(&Told) -> usize| all.iter().map(count).sum::<usize>();
    println!(
        "{} calls answered, {} tokens and {} revocations kept; {} told of the outage, {} unanswered; longest gap {:?}",
        sum(|told| told.answered),
        sum(|told| told.made.len()),
        sum(|told| told.revoked.len()),
        sum(|told| told.unavailable),
        sum(|told| told.unanswered),
        all.iter().map(|told| told.longest_gap).max().unwrap(),
    );
    assert!(sum(|told| told.revoked.len()) > 5 && sum(|told| told.made.len()) > 10);
}
