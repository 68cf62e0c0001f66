//! How the listener treats clients that keep silent, what it answers by itself, and how it ends.

use adyton::core::auth::NewPersonalToken;
use adyton::core::config::Config;
use adyton::core::device::Client;
use adyton::core::store::MemoryStore;
use adyton::{Adyton, Registration};
use adyton_server::http::{Requests, Timeouts, serve, serve_counted};
use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

const HEADER: Duration = Duration::from_millis(400);
const BODY: Duration = Duration::from_millis(100);
/// What the watchdog leaves the router to answer a slow body itself.
const GRACE: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_millis(1200);
const SLACK: Duration = Duration::from_millis(700);

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";
const HALF_HEAD: &[u8] = b"GET /ping HTTP/1.1\r\nHost:";
const HALF_BODY: &[u8] = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123";
const IGNORED_BODY: &[u8] = b"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123";

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        Self::start_counted(None).await
    }

    async fn start_counted(requests: Option<Arc<Requests>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let drain = Duration::from_secs(2);
        let timeouts = Timeouts { header: HEADER, body: BODY, idle: IDLE, drain };
        let task = tokio::spawn(async move {
            serve_counted(listener, router(), timeouts, requests, async {
                let _ = stopped.await;
            })
            .await;
        });
        Self { address, stop, task }
    }

    async fn connect(&self, first: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream
    }
}

fn router() -> Router {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        "slow"
    };
    Router::new()
        .route(
            "/ping",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        .route("/slow", get(slow))
        .route("/large", get(|| async { vec![b'x'; 32 << 20] }))
        .route("/read", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/ignore", post(|| async { "ignored" }))
}

/// Reads to the end and says how long that took.
async fn closed_after(stream: &mut TcpStream) -> (Duration, String) {
    let start = Instant::now();
    let mut text = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut text)).await;
    (start.elapsed(), String::from_utf8_lossy(&text).into_owned())
}

fn assert_near(took: Duration, limit: Duration) {
    let early = limit - Duration::from_millis(50);
    assert!((early..limit + SLACK).contains(&took), "{took:?} instead of {limit:?}");
}

/// One request on a connection that stays open.
async fn ping(stream: &mut TcpStream) -> String {
    stream.write_all(PING).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 1024];
    let read = stream.read(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

/// Who is calling, without any endpoint of the engine behind it.
#[tokio::test]
async fn who_is_known_gets_an_answer_before_the_router_and_nobody_else_does() {
    let auth = Adyton::builder().store(MemoryStore::new()).build().await.unwrap();
    let registration = Registration {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        password: "correct horse 1".into(),
        ..Registration::default()
    };
    let ada = auth.create_user(&registration).await.unwrap();
    let wanted = NewPersonalToken { name: "test".into(), ..NewPersonalToken::default() };
    let created = auth.create_token(ada.id, wanted, None, &Client::default()).await.unwrap();
    let token = created.token.expose();
    let requests = Arc::new(Requests::new(&auth).unwrap());
    let server = Server::start_counted(Some(requests)).await;
    let path = format!("{}/user", Config::default().server.base_path);
    let ask = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");

    let mut stream = server.connect(ask.as_bytes()).await;
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 404 "));

    auth.authenticate(token).await.unwrap();
    for _ in 0..2 {
        stream.write_all(ask.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("ada@example.com"));
        assert!(answer.contains("x-request-id: "), "{answer}");
    }
    stream.write_all(PING).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_client_that_never_speaks_is_closed() {
    let server = Server::start().await;
    let mut stream = server.connect(b"").await;
    assert_near(closed_after(&mut stream).await.0, HEADER);
}

#[tokio::test]
async fn a_half_head_is_closed_even_if_it_grows() {
    let server = Server::start().await;
    let mut stream = server.connect(HALF_HEAD).await;
    let start = Instant::now();
    while stream.write_all(b"x").await.is_ok() && start.elapsed() < HEADER * 4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_near(start.elapsed(), HEADER);
}

#[tokio::test]
async fn an_idle_connection_has_longer_and_its_next_head_as_long_as_the_first() {
    let server = Server::start().await;
    let mut stream = server.connect(b"").await;
    for _ in 0..2 {
        let peer = stream.local_addr().unwrap().to_string();
        assert!(ping(&mut stream).await.ends_with(&peer));
        tokio::time::sleep(HEADER + HEADER / 2).await;
    }
    stream.write_all(HALF_HEAD).await.unwrap();
    assert_near(closed_after(&mut stream).await.0, HEADER);

    let mut stream = server.connect(PING).await;
    assert_near(closed_after(&mut stream).await.0, IDLE);
}

#[tokio::test]
async fn a_running_request_has_the_time_it_needs() {
    let server = Server::start().await;
    let mut stream = server.connect(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer(&mut stream).await.ends_with("slow"));
    assert!(ping(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_half_body_is_closed_whether_it_is_read_or_not() {
    let server = Server::start().await;
    let mut stream = server.connect(HALF_BODY).await;
    assert_near(closed_after(&mut stream).await.0, BODY + GRACE);
    let mut stream = server.connect(IGNORED_BODY).await;
    let (took, text) = closed_after(&mut stream).await;
    assert!(took < IDLE + SLACK && text.contains("200 OK"), "{took:?} {text}");
    let mut stream = server.connect(HALF_BODY).await;
    stream.write_all(b"456789").await.unwrap();
    assert!(answer(&mut stream).await.ends_with('9'));
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed() {
    let server = Server::start().await;
    let large = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut stream = server.connect(large).await;
    tokio::time::sleep(IDLE + SLACK).await;
    let (_, text) = closed_after(&mut stream).await;
    assert!(text.len() < 32 << 20, "{}", text.len());
    let mut reader = server.connect(&large.repeat(2)).await;
    let (_, text) = closed_after(&mut reader).await;
    assert!(text.len() > 64 << 20, "{}", text.len());
}

#[tokio::test]
async fn a_head_has_at_most_16_kib() {
    let server = Server::start().await;
    for (size, status) in [(12 << 10, "200"), (20 << 10, "431")] {
        let head = format!("GET /ping HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(size));
        let mut stream = server.connect(head.as_bytes()).await;
        let text = answer(&mut stream).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{size}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_by_the_hundred_are_closed_while_others_are_served() {
    let server = Server::start().await;
    let mut silent = JoinSet::new();
    for first in [b"".as_slice(), HALF_HEAD, HALF_BODY] {
        for _ in 0..each_kind() {
            let mut stream = server.connect(first).await;
            silent.spawn(async move { closed_after(&mut stream).await.0 });
        }
    }
    let mut stream = server.connect(b"").await;
    let mut served = 0;
    loop {
        tokio::select! {
            ended = silent.join_next() => match ended {
                Some(took) => assert!(took.unwrap() < BODY + GRACE + Duration::from_secs(3)),
                None => break,
            },
            () = tokio::time::sleep(Duration::from_millis(5)) => {
                let start = Instant::now();
                assert!(ping(&mut stream).await.starts_with("HTTP/1.1 200"));
                assert!(start.elapsed() < Duration::from_secs(1));
                served += 1;
            }
        }
    }
    assert!(served > 20, "{served}");
}

/// 500, or what the limit on open files allows: both ends of a connection are in this process.
fn each_kind() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    (files.unwrap_or(1024_usize) / 8).min(500)
}

#[tokio::test]
async fn at_the_end_running_requests_finish_and_idle_connections_close() {
    let server = Server::start().await;
    let mut idle = server.connect(b"").await;
    ping(&mut idle).await;
    let mut silent = server.connect(b"").await;
    let mut running = server.connect(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    for stream in [&mut idle, &mut silent] {
        assert!(closed_after(stream).await.0 < Duration::from_millis(200));
    }
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(closed_after(&mut running).await.1.ends_with("slow"));
    tokio::time::timeout(Duration::from_secs(1), server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_waits_no_longer_than_the_drain() {
    let server = Server::start().await;
    let router = Router::new().route("/", get(std::future::pending::<()>));
    drop(server.stop);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let drain = Duration::from_millis(300);
    let timeouts = Timeouts { header: HEADER, body: BODY, idle: IDLE, drain };
    let stop = tokio::time::sleep(Duration::from_millis(200));
    let task = tokio::spawn(serve(listener, router, timeouts, stop));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_near(closed_after(&mut stream).await.0, Duration::from_millis(500));
    task.await.unwrap();
}
