//! The world that a test tells its story in: a router, a clock that is moved by hand, and actors.

use crate::store::TestStore;
use adyton::core::clock::Timestamp;
use adyton::core::config::CacheMode;
use adyton::core::event::{Event, EventKind};
use adyton::core::secret::{Kind, PlainText};
use adyton::core::store::{EventFilter, EventStore};
use adyton::testing::{ManualClock, acting_as};
use adyton::{
    Adyton, Client, Config, CurrentToken, CurrentUser, Recall, Registration, SignInOptions, UserId,
    require_abilities, require_any_ability,
};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use axum::{Json, Router};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::ops::Index;
use std::time::Duration;
use tower::ServiceExt;

pub(crate) const BASE: &str = "/api/auth";
pub(crate) const PASSWORD: &str = "correct horse 1";
/// Held by a test that looks at the log: where two begin to listen at once in a process, one hears nothing.
pub(crate) static LOGGING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// Headers by which a browser tells of the page that asks.
const BROWSERS_OWN: [&str; 2] = ["origin", "sec-fetch-site"];

pub(crate) struct World {
    pub(crate) auth: Adyton,
    pub(crate) clock: ManualClock,
    pub(crate) store: TestStore,
    router: Router,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A world with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(TestStore::new().await, ManualClock::default(), change).await
    }

    /// The same store and clock under another engine: a restart with other options, or one more
    /// node.
    pub(crate) async fn again(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::over(self.store.again().await, self.clock.clone(), change).await
    }

    async fn over(store: TestStore, clock: ManualClock, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let builder = Adyton::builder().config(config).store(store.clone()).clock(clock.clone());
        let pruned = store.calls("prune");
        let auth = builder.build().await.unwrap();
        lease_cache(&auth, &store).await;
        first_pruning(&store, pruned).await;
        let router = auth.router().merge(auth.health_router()).merge(host_routes(&auth));
        Self { auth, clock, store, router }
    }

    /// Somebody without a credential.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor {
            router: self.router.clone(),
            recall: Recall::of(&self.auth),
            id: UserId(0),
            token: String::new(),
            refresh: String::new(),
            session: String::new(),
            address: None,
        }
    }

    /// Somebody who has registered as `<name>@example.com` and is signed in.
    pub(crate) async fn user(&self, name: &str) -> Actor {
        let body = json!({
            "name": name, "email": format!("{name}@example.com"), "password": PASSWORD,
        });
        self.anonymous().of(&self.anonymous().post("/register", body).await.expect(201))
    }

    /// A user's personal access token with these abilities; the user is made for it.
    pub(crate) async fn token_user(&self, abilities: &[&str]) -> Actor {
        let count = self.auth.list_users(UserId(0), 1000).await.unwrap().len();
        let registration = Registration {
            name: "Token user".into(),
            email: format!("user{count}@example.com"),
            password: PASSWORD.into(),
            ..Registration::default()
        };
        let user = self.auth.create_user(&registration).await.unwrap();
        self.token_of(user.id, abilities).await
    }

    /// A personal access token of a user who is there already.
    pub(crate) async fn token_of(&self, user: UserId, abilities: &[&str]) -> Actor {
        let token = acting_as(&self.auth, user, abilities.iter().copied()).await.unwrap();
        Actor { token: token.token().to_owned(), id: user, ..self.anonymous() }
    }

    /// One more session of a user, on the word of the host app.
    pub(crate) async fn session_of(&self, user: UserId) -> Actor {
        self.session_with(user, &["*"]).await
    }

    /// The same with these abilities.
    pub(crate) async fn session_with(&self, user: UserId, abilities: &[&str]) -> Actor {
        let abilities = Some(abilities.iter().map(ToString::to_string).collect());
        let options = SignInOptions { abilities, ..SignInOptions::default() };
        let signed_in = self.auth.sign_in_as(user, &options, &Client::default()).await.unwrap();
        Actor {
            token: signed_in.tokens().unwrap().token.expose().to_owned(),
            refresh: signed_in.tokens().unwrap().refresh_token.expose().to_owned(),
            session: signed_in.session_id,
            id: user,
            ..self.anonymous()
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        adyton::core::clock::Clock::now(&self.clock)
    }

    /// What was recorded, latest first.
    pub(crate) async fn events(&self) -> Vec<Event> {
        self.store.list_events(EventFilter::latest(1000)).await.unwrap()
    }

    /// How many events of a kind were recorded.
    pub(crate) async fn count(&self, kind: EventKind) -> usize {
        self.events().await.iter().filter(|event| event.event == kind).count()
    }
}

/// Has the engine ask the store for its counter, so that tests meet a cache that answers. It holds
/// until the clock is moved.
async fn lease_cache(auth: &Adyton, store: &TestStore) {
    let asked = store.calls("change_counter");
    let nobodys = PlainText::draw(Kind::Access).unwrap();
    assert!(auth.authenticate(nobodys.expose()).await.is_err());
    let asks = auth.config().cache.enabled == CacheMode::On;
    while asks && store.calls("change_counter") == asked {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits for what an engine prunes when it starts: a test that moves the clock does not mean that.
/// Where it fails or stands still there is nothing to wait for.
async fn first_pruning(store: &TestStore, before: usize) {
    for _ in 0..1_000 {
        if store.calls("prune") > before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What an app of one's own might serve beside the endpoints.
fn host_routes(auth: &Adyton) -> Router {
    let ok = async || "ok";
    let guarded = Router::new()
        .route("/whoami", get(async |user: CurrentUser| user.name.clone()))
        .route(
            "/guest",
            get(async |user: Option<CurrentUser>| {
                user.map_or("guest".to_owned(), |user| user.name.clone())
            }),
        )
        .route(
            "/credential",
            get(async |token: CurrentToken| {
                Json(json!({
                    "user": token.user_id(),
                    "abilities": token.abilities(),
                    "personal": token.personal_token(),
                    "session": token.session().map(|session| session.public_id.clone()),
                    "reads": token.can("orders:read"),
                }))
            }),
        )
        .route(
            "/guest-credential",
            get(async |token: Option<CurrentToken>| Json(json!(token.is_some()))),
        )
        .route("/public", get(ok))
        .route(
            "/orders",
            get(async |_: CurrentUser, _: CurrentToken| "ok")
                .route_layer(require_abilities(["orders:read", "orders:list"])),
        )
        .route(
            "/reports",
            get(ok).route_layer(require_any_ability(["orders:read", "reports:read"])),
        )
        .layer(auth.layer());
    let bare = Router::new()
        .route("/bare/user", get(async |_: CurrentUser| "ok"))
        .route("/bare/guest", get(async |_: Option<CurrentUser>| "ok"))
        .route("/bare/token", get(async |_: CurrentToken| "ok"))
        .route("/bare/guest-token", get(async |_: Option<CurrentToken>| "ok"))
        .route("/bare/orders", get(ok).route_layer(require_abilities(["orders:read"])));
    // What a page of the app posts to.
    let web = Router::new().route("/web", get(ok).post(ok).delete(ok)).layer(auth.csrf_layer());
    let told = get(async |browser: adyton::Browser| format!("{browser:?}"));
    let web = web.route("/web/browser", told.layer(auth.layer()));
    guarded.merge(bare).merge(web)
}

/// Somebody who makes requests.
#[derive(Clone)]
pub(crate) struct Actor {
    router: Router,
    recall: Option<Recall>,
    /// Zero, which is nobody's, without one.
    pub(crate) id: UserId,
    /// Empty for none.
    pub(crate) token: String,
    pub(crate) refresh: String,
    /// The public id of the session.
    pub(crate) session: String,
    /// Where their connections come from, if the server tells it.
    address: Option<IpAddr>,
}

impl Actor {
    /// The same with what a sign-in answered.
    pub(crate) fn of(&self, signed_in: &Response) -> Self {
        Self {
            id: UserId(signed_in["user"]["id"].as_i64().unwrap()),
            token: signed_in.text("token"),
            refresh: signed_in.text("refreshToken"),
            session: signed_in.text("sessionId"),
            ..self.clone()
        }
    }

    /// The same person with the same secrets, before this actor's door.
    pub(crate) fn holding(&self, other: &Self) -> Self {
        Self { router: self.router.clone(), recall: self.recall.clone(), ..other.clone() }
    }

    /// The same with another text for a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The same, connected from this address.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.call(Method::DELETE, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A call of an endpoint, signed with the token if there is one.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.request(method, &format!("{BASE}{path}"));
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
            *request.body_mut() = Body::from(body.to_string());
        }
        self.send(request).await
    }

    /// A call of a route of the host app.
    pub(crate) async fn visit(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn refresh(&self) -> Response {
        self.anonymous_refresh(&self.refresh).await
    }

    pub(crate) async fn anonymous_refresh(&self, token: &str) -> Response {
        self.with_token("").post("/refresh", json!({ "refreshToken": token })).await
    }

    /// Refreshes, and goes on with the new pair.
    pub(crate) async fn refreshed(&self) -> Self {
        self.of(&self.refresh().await.expect(200))
    }

    /// Whether the token is accepted; it fails on any answer but yes and 401.
    pub(crate) async fn is_in(&self) -> bool {
        let response = self.get("/user").await;
        assert!(matches!(response.status, 200 | 401), "{response:?}");
        response.status == 200
    }

    /// A request of this actor, with a `Host` and without a body.
    pub(crate) fn request(&self, method: Method, uri: &str) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(uri).header(HOST, "app.example");
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if let Some(address) = self.address {
            request = request.extension(ConnectInfo(SocketAddr::from((address, 4711))));
        }
        request.body(Body::empty()).unwrap()
    }

    /// Sends it. Whatever the answer is, it keeps to the conventions.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let from_a_page =
            request.headers().keys().any(|name| BROWSERS_OWN.contains(&name.as_str()));
        let (head, body) = request.into_parts();
        let again = Request::from_parts(head.clone(), ());
        let request = Request::from_parts(head, body);
        let response = Response::of(self.router.clone().oneshot(request).await.unwrap()).await;
        if let Some(recalled) = self.recall.as_ref().and_then(|recall| recall.answer(&again)) {
            Response::of(recalled).await.check_same(&response);
        }
        response.check_conventions(&path, method != Method::HEAD);
        response.check_cookies(&path, from_a_page);
        response
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Null where the body is none.
    pub(crate) json: Value,
}

impl Response {
    pub(crate) async fn of(response: axum::response::Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
            body: String::from_utf8(body.into()).unwrap(),
        }
    }

    /// What is answered past the router is what the router answers; a token against CSRF that both made
    /// is drawn twice.
    #[track_caller]
    fn check_same(&self, routed: &Self) {
        let shown = |response: &Self| {
            let lines = response.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH);
            let mut lines: Vec<_> = lines
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            for (_, line) in lines.iter_mut().filter(|(name, _)| name == "set-cookie") {
                *line = line.split(';').skip(1).collect();
            }
            lines.sort();
            (response.status, lines, response.cookies().join(" "), response.body.clone())
        };
        assert_eq!(shown(self), shown(routed));
    }

    /// The answer, which has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The answer, which is a refusal with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self["code"].as_str()), (status, Some(code)), "{self:?}");
        self
    }

    /// The answer, which finds fault with this field and no other.
    #[track_caller]
    pub(crate) fn invalid(self, field: &str) -> Self {
        let response = self.refused(422, "validation_failed");
        let fields: Vec<_> = response["errors"].as_object().unwrap().keys().collect();
        assert_eq!(fields, [field], "{response:?}");
        response
    }

    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> String {
        self[field].as_str().unwrap_or_else(|| panic!("no text {field} in {self:?}")).to_owned()
    }

    /// A header's value, empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// CONTRACT 3, of every answer that any test gets.
    fn check_conventions(&self, path: &str, has_body: bool) {
        assert!(self.headers.get("location").is_none(), "{path}: {self:?}");
        if path.starts_with(&format!("{BASE}/")) {
            assert_eq!(self.header("cache-control"), "no-store", "{path}: {self:?}");
            assert_eq!(self.header("x-content-type-options"), "nosniff", "{path}: {self:?}");
            let vary: Vec<_> = self.headers.get_all("vary").iter().collect();
            let vary = format!("{vary:?}").to_lowercase();
            assert!(vary.contains("authorization") && vary.contains("cookie"), "{path}: {self:?}");
        }
        let challenged = !self.header("www-authenticate").is_empty();
        assert!(challenged || self.status != 401, "{path}: {self:?}");
        let later = matches!(self.status, 429 | 503);
        assert_eq!(!self.header("retry-after").is_empty(), later, "{path}: {self:?}");
        self.check_rate_limit(path);
        // What no route of ours answers is axum's.
        if self.status >= 400 && has_body && !self.headers.is_empty() {
            self.check_problem(path);
        }
    }

    /// The names of the cookies that the answer sets, in order.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all("set-cookie").iter();
        lines.map(|line| line.to_str().unwrap().split('=').next().unwrap()).collect()
    }

    /// The line that sets a cookie of this name.
    #[track_caller]
    pub(crate) fn set_cookie(&self, name: &str) -> &str {
        let mut lines = self.headers.get_all("set-cookie").iter();
        let line = lines.find(|line| line.to_str().unwrap().split('=').next() == Some(name));
        line.unwrap_or_else(|| panic!("no cookie {name} in {self:?}")).to_str().unwrap()
    }

    /// Only a sign-in or what ends a session says anything of its cookie; `XSRF-TOKEN` is for pages,
    /// for who asks for it, and for whose session begins or ends.
    fn check_cookies(&self, path: &str, from_a_page: bool) {
        let renewed = self.cookies().iter().any(|name| name.ends_with("adyton_session"));
        let asked = from_a_page || renewed || path.ends_with("/csrf-cookie");
        let about_sessions = ["/register", "/login", "/logout", "/user", "/sessions"];
        for name in self.cookies() {
            let allowed = match name {
                "XSRF-TOKEN" => asked,
                _ => about_sessions.iter().any(|end| {
                    // Sanctum's paths are at the root.
                    path == *end || path.starts_with(&format!("{BASE}{end}"))
                }),
            };
            assert!(allowed, "{path} sets {name}: {self:?}");
        }
        assert!(self.cookies().is_empty() || self.status != 503, "{path}: {self:?}");
    }

    /// What is left of a limit, wherever one was asked.
    fn check_rate_limit(&self, path: &str) {
        let number = |name| {
            let value = self.header(name);
            (!value.is_empty()).then(|| value.parse::<u64>().unwrap())
        };
        let (limit, left) = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"));
        assert_eq!(limit.is_some(), left.is_some(), "{path}: {self:?}");
        assert!(left <= limit, "{path}: {self:?}");
        let refused = self.status == 429;
        assert_eq!(number("x-ratelimit-reset").is_some(), refused, "{path}: {self:?}");
        if refused {
            assert!(limit > Some(0) && left == Some(0), "{path}: {self:?}");
            assert!(number("retry-after") > Some(0), "{path}: {self:?}");
        }
    }

    /// RFC 9457, and what clients of Laravel read.
    fn check_problem(&self, path: &str) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{path}: {self:?}");
        let status = StatusCode::from_u16(self.status).unwrap();
        assert_eq!(self["type"], "about:blank", "{path}: {self:?}");
        let title = status.canonical_reason().unwrap_or("Page Expired");
        assert_eq!(self["title"], title, "{path}: {self:?}");
        assert_eq!(self["status"], self.status, "{path}: {self:?}");
        assert!(!self.text("detail").is_empty() && !self.text("code").is_empty());
        assert_eq!(self["message"], self["detail"], "{path}: {self:?}");
        assert_eq!(self["errors"].is_object(), self.status == 422, "{path}: {self:?}");
        let (lacks, foreign) = (self["code"] == "missing_ability", self["code"] == "csrf_failed");
        assert_eq!(self["missing"].is_array(), lacks, "{path}: {self:?}");
        assert_eq!(self["reason"].is_string(), foreign, "{path}: {self:?}");
        assert_eq!(lacks || foreign, [403, 419].contains(&self.status), "{path}: {self:?}");
    }
}

impl Index<&str> for Response {
    type Output = Value;

    /// Null for what is not there.
    fn index(&self, field: &str) -> &Value {
        &self.json[field]
    }
}
