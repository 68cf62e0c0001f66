//! A running engine: its runtime, its router, and its orderly end.
//!
//! Each engine has a runtime of its own, so that closing one leaves no thread behind and touches no
//! other.

use crate::answer::{Answer, Failure};
use crate::calls::{Call, Refused};
use crate::options;
use crate::request::Head;
use adyton::core::clock::{Clock, Timestamp};
use adyton::core::session::Guard;
use adyton::{Abilities, Adyton, BuildError, Config, Principal, User};
use axum::Router;
use axum::body::Body;
use napi::bindgen_prelude::{Either, Either3};
use serde::Serialize;
use std::future::Future;
use std::time::Duration;
use std::{io, mem};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::Dispatch;
use tracing::dispatcher::{set_default, with_default};

/// Most work is done on the thread that asks, on the hashing threads or on the database's writer.
const WORKERS: usize = 2;
/// Longest wait for requests that are under way when the engine is closed.
const DRAIN: Duration = Duration::from_secs(10);
/// Longest wait for uses and refusals to be written, and then for threads to end, when nothing else
/// goes on any more.
const LAST_WAIT: Duration = Duration::from_secs(2);

pub(crate) struct Core {
    pub(crate) auth: Adyton,
    pub(crate) runtime: Runtime,
    pub(crate) under_way: TaskTracker,
    pub(crate) log: Dispatch,
    router: Router,
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("no threads to work on")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Engine(#[from] BuildError),
}

impl Core {
    /// Opens and migrates the database, on this thread.
    pub(crate) fn start(
        config: Config,
        clock: impl Clock,
        log: Dispatch,
    ) -> Result<Self, StartError> {
        let logs = log.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("adyton")
            // The guard would have the thread log no more.
            .on_thread_start(move || mem::forget(set_default(&logs)))
            .enable_all()
            .build()?;
        // An app in Node has no command line to do it by.
        let builder = Adyton::builder().config(config).clock(clock).migrate();
        let auth = with_default(&log, || runtime.block_on(builder.build()))?;
        with_default(&log, || options::for_the_binary(auth.config()).for_each(warn_of));
        Ok(Self { router: auth.router(), auth, runtime, under_way: TaskTracker::new(), log })
    }

    /// Longest wait for a body.
    pub(crate) fn body_timeout(&self) -> Duration {
        self.auth.config().server.body_timeout.duration()
    }

    /// What the router answers.
    pub(crate) fn handle(
        &self,
        head: &Head<'_>,
        body: Body,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let (request, router) = (head.read(body), self.router.clone());
        async move {
            match request {
                Ok(request) => match router.oneshot(request).await {
                    Ok(response) => Answer::of(response).await,
                    Err(never) => match never {},
                },
                Err(rejection) => Answer::refusal(rejection),
            }
        }
    }

    /// Who sends a request; nobody is a guest.
    pub(crate) fn authenticate(
        &self,
        head: &Head<'_>,
    ) -> impl Future<Output = Either<Option<Principal>, Answer>> + Send + use<> {
        let (parts, auth) = (head.read_parts(), self.auth.clone());
        async move {
            let found = match parts {
                Ok(parts) => auth.authenticate_request(&parts).await,
                Err(rejection) => Err(rejection),
            };
            match found {
                Ok(caller) => Either::A(caller),
                Err(rejection) => Either::B(Answer::refusal(rejection)),
            }
        }
    }

    /// The result of a use case, as JSON.
    pub(crate) fn call(
        &self,
        call: Call,
    ) -> impl Future<Output = Either3<String, Answer, Failure>> + Send + use<> {
        let auth = self.auth.clone();
        async move {
            match call.run(&auth).await {
                Ok(result) => Either3::A(result),
                Err(Refused::Engine(error)) => Either3::B(Answer::refusal(error)),
                Err(Refused::Operator(message)) => Either3::C(Failure { message }),
            }
        }
    }

    /// Writes down what is only in memory.
    pub(crate) fn flush(&self) -> impl Future<Output = Either<(), Answer>> + Send + use<> {
        let auth = self.auth.clone();
        async move {
            match auth.flush().await {
                Ok(()) => Either::A(()),
                Err(error) => Either::B(Answer::refusal(error)),
            }
        }
    }

    /// The same before the process ends, while nothing else of it goes on.
    pub(crate) fn flush_now(&self) {
        // What fails is logged by the engine, or is too late to be told to anybody.
        let _ = self.runtime.block_on(async { timeout(LAST_WAIT, self.auth.flush()).await });
    }

    /// Waits for what is under way, writes down what is only in memory, and ends every thread.
    pub(crate) fn close(self) -> Either<(), Answer> {
        self.under_way.close();
        let written = self.runtime.block_on(async {
            let _ = timeout(DRAIN, self.under_way.wait()).await;
            self.flush().await
        });
        self.end();
        written
    }

    /// Ends every thread, whatever is under way.
    pub(crate) fn end(self) {
        // Tasks hold the engine too, whose threads end with the last who does.
        self.runtime.shutdown_timeout(LAST_WAIT);
    }
}

fn warn_of(option: &str) {
    tracing::warn!(option, "{option} has no effect here: it is for `adyton serve`");
}

/// A caller but for the session, in which few are interested.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Caller<'a> {
    user: &'a User,
    guard: Guard,
    abilities: &'a Abilities,
    expires_at: Option<Timestamp>,
    token_id: Option<i64>,
}

/// Two lines of JSON: a caller, and the session; nothing for a guest.
pub(crate) fn described(auth: &Adyton, caller: Option<&Principal>) -> String {
    let Some(principal) = caller else { return String::new() };
    let caller = Caller {
        user: principal.user(),
        guard: principal.guard(),
        abilities: principal.abilities(),
        expires_at: auth.expires_at(principal),
        token_id: principal.personal_token().map(|id| id.0),
    };
    let session = auth.session_of(principal).map(Adyton::describe_session);
    let mut json = Vec::with_capacity(768);
    // What writes into memory can only succeed.
    let _ = serde_json::to_writer(&mut json, &caller);
    json.push(b'\n');
    let _ = serde_json::to_writer(&mut json, &session);
    String::from_utf8(json).unwrap_or_default()
}
