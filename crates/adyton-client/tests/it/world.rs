//! A server whose clock is moved by hand, that writes down what it is asked and can be made to fail.

use adyton::core::clock::Clock;
use adyton::core::store::MemoryStore;
use adyton::testing::ManualClock;
use adyton::{Adyton, Config, CurrentUser, require_abilities};
use adyton_client::{BaseUrl, Builder, Client, Method, Registration, SignedIn, StatusCode};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub(crate) const PASSWORD: &str = "correct horse 1";
const BASE: &str = "/api/auth";

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) address: SocketAddr,
    desk: Arc<Desk>,
}

/// What stands between the clients and the router.
#[derive(Default)]
struct Desk {
    asked: Mutex<Vec<(Method, String)>>,
    fault: Mutex<Option<Fault>>,
    released: Notify,
}

/// What becomes of a refresh.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The server cannot answer, and says when to come again.
    Status(u16, Option<u64>),
    /// The answer is lost on its way through a proxy, after the server has done its work.
    LostAnswer,
    /// It waits until it is released.
    Held,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (clock, mut config) = (ManualClock::default(), Config::default());
        change(&mut config);
        let builder = Adyton::builder().config(config).store(MemoryStore::new());
        let auth = builder.clock(clock.clone()).build().await.unwrap();
        let desk = Arc::new(Desk::default());
        let orders = routing::post(async |body: String| format!("orders {body}"));
        let own = Router::new()
            .route(
                "/hello",
                routing::get(async |user: CurrentUser| format!("Hello, {}!", user.name)),
            )
            .route("/orders", orders.route_layer(require_abilities(["orders:read"])))
            .route("/door", routing::get(async || (StatusCode::UNAUTHORIZED, "no key")))
            .layer(auth.layer());
        let router = auth.router().merge(own).layer(from_fn_with_state(Arc::clone(&desk), at_desk));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { clock, address, desk }
    }

    pub(crate) fn base(&self) -> BaseUrl {
        format!("http://{}{BASE}", self.address).parse().unwrap()
    }

    /// A client whose clock is the server's.
    pub(crate) fn builder(&self) -> Builder {
        let clock = self.clock.clone();
        Client::builder(self.base())
            .clock(move || OffsetDateTime::from_unix_timestamp(clock.now().unix()).unwrap())
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// A client that has just signed Ada up.
    pub(crate) async fn ada(&self) -> Client {
        let client = self.client();
        self.sign_up(&client, "ada").await;
        client
    }

    pub(crate) async fn sign_up(&self, client: &Client, name: &str) -> SignedIn {
        let new = Registration::new(name, format!("{name}@example.com"), PASSWORD);
        client.register(&new).await.unwrap()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(seconds);
    }

    pub(crate) fn fail(&self, fault: impl Into<Option<Fault>>) {
        *self.desk.fault.lock().unwrap() = fault.into();
    }

    /// Lets the refresh go on that is held.
    pub(crate) fn release(&self) {
        self.fail(None);
        self.desk.released.notify_waiters();
    }

    /// What was asked of the endpoints, without the base path.
    pub(crate) fn asked(&self) -> Vec<(Method, String)> {
        self.desk.asked.lock().unwrap().clone()
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.asked().iter().filter(|(_, path)| path == "/refresh").count()
    }
}

async fn at_desk(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if let Some(path) = path.strip_prefix(BASE).map(str::to_owned) {
        let method = request.method().clone();
        desk.asked.lock().unwrap().push((method, path));
    }
    let fault = *desk.fault.lock().unwrap();
    match fault.filter(|_| path_of(&request) == "/refresh") {
        None => next.run(request).await,
        Some(Fault::Status(status, after)) => unavailable(status, after),
        Some(Fault::LostAnswer) => {
            next.run(request).await;
            (StatusCode::BAD_GATEWAY, "<h1>Bad gateway</h1>").into_response()
        }
        Some(Fault::Held) => {
            desk.released.notified().await;
            next.run(request).await
        }
    }
}

fn path_of(request: &Request) -> &str {
    request.uri().path().strip_prefix(BASE).unwrap_or_default()
}

fn unavailable(status: u16, after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let problem = serde_json::json!({
        "type": "about:blank", "title": "", "status": status.as_u16(), "code": "store_unavailable",
        "detail": "the store cannot answer; try again", "message": "",
    });
    let mut response = (status, axum::Json(problem)).into_response();
    if let Some(after) = after {
        response.headers_mut().insert("retry-after", after.into());
    }
    response
}
