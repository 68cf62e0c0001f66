//! Serves a router over HTTP/1.1 and closes connections that keep silent: those that never send a
//! request, stop in the middle of one, or do not read the answer. `axum::serve` keeps these for
//! ever, hence hyper directly. What a request means is the router's business, and so is the polite
//! answer to a slow body; TLS is the proxy's.

mod activity;
mod requests;
mod stream;

pub use requests::Requests;

use activity::{Activity, Phase};
use adyton::core::config::Server;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stream::{WatchedBody, WatchedStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tower::Service;

/// Longest head of a request. Browsers send 1 to 2 KiB; cookies of a whole domain may add 8.
const HEAD_LIMIT: usize = 16 * 1024;
/// How long to wait when the system refuses a connection, as it does when it has no file left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How long a connection may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a whole head: from the connection, or from the first byte after a pause.
    pub header: Duration,
    /// For a whole body.
    pub body: Duration,
    /// Between two requests, and for a client to read on.
    pub idle: Duration,
    /// For running requests to end when the server stops.
    pub drain: Duration,
}

impl From<&Server> for Timeouts {
    fn from(server: &Server) -> Self {
        Self {
            header: server.header_timeout.duration(),
            body: server.body_timeout.duration(),
            idle: server.idle_timeout.duration(),
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves until `stop` is ready; then idle connections close at once, and running requests have
/// [`Timeouts::drain`] to end. Handlers find the peer's address as [`ConnectInfo`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    stop: impl Future<Output = ()>,
) {
    serve_counted(listener, router, timeouts, None, stop).await;
}

/// The same for a listener whose requests get ids and are counted, and are perhaps answered before the router.
pub async fn serve_counted(
    listener: TcpListener,
    router: Router,
    timeouts: Timeouts,
    requests: Option<Arc<Requests>>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, requests) = (router.clone(), requests.clone());
                let connection = Connection { stream, peer, router, timeouts, requests };
                connections.spawn(connection.drive(graceful.watcher()));
            }
            Err(error) => recover(&error).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if tokio::time::timeout(timeouts.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were still running at the end");
    }
}

/// Ready when the process is asked to end.
///
/// # Errors
/// The system refuses to pass the signals on.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// An accept that fails says something of one client, or that the system is short of something:
/// neither ends the server.
async fn recover(error: &io::Error) {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let client = [ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted];
    if !client.contains(&error.kind()) {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    timeouts: Timeouts,
    requests: Option<Arc<Requests>>,
}

impl Connection {
    async fn drive(self, watcher: Watcher) {
        let Self { stream, peer, router, timeouts, requests } = self;
        let _open = requests.as_ref().map(|requests| requests.opened());
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let activity = Arc::new(Activity::new());
        let io = TokioIo::new(WatchedStream::new(stream, Arc::clone(&activity)));
        // What all connections share is counted once for each of them and not for each request, which two cores would
        // pass to and fro.
        let router = Mutex::new(router);
        let service = service_fn(|request| {
            activity.enter(Phase::Handling);
            answer(&router, request, peer, &activity, requests.as_deref())
        });
        tokio::select! {
            biased;
            ended = watcher.watch(protocol().serve_connection(io, service)) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection failed");
                }
            }
            () = activity.silence(&timeouts) => tracing::debug!("closed a silent connection"),
        }
    }
}

/// hyper's own time-out for heads is off: it holds for idle connections too, and makes a timer for
/// each request. One buffer for head and body is sent in less time than two.
fn protocol() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_buf_size(HEAD_LIMIT).writev(false);
    http
}

async fn answer(
    router: &Mutex<Router>,
    request: Request<Incoming>,
    peer: SocketAddr,
    activity: &Arc<Activity>,
    requests: Option<&Requests>,
) -> Result<Response, Infallible> {
    if let Some(response) = requests.and_then(|requests| requests.recall(&request, peer)) {
        activity.enter(Phase::Idle);
        return Ok(response);
    }
    let mut request = request.map(|body| match body.is_end_stream() {
        true => Body::empty(),
        false => Body::new(WatchedBody::new(body, Arc::clone(activity))),
    });
    request.extensions_mut().insert(ConnectInfo(peer));
    let call = |request| router.lock().unwrap_or_else(PoisonError::into_inner).call(request);
    let response = match requests {
        Some(requests) => requests.answer(call, request, peer).await,
        None => call(request).await,
    };
    activity.enter(Phase::Idle);
    response
}
