//! The class that JavaScript sees.

use crate::answer::Answer;
use crate::calls::Call;
use crate::core::{Core, described};
use crate::log::{Choice, dispatch};
use crate::options;
use crate::request::Head;
use crate::settle::{Panicked, Promised, poll_once, promise, settle, unknown};
#[cfg(feature = "testing")]
use crate::testing::FragileClock as Clock;
#[cfg(not(feature = "testing"))]
use adyton::core::clock::SystemClock as Clock;
use adyton::core::config::Driver;
use adyton::{Config, Principal, Rejection};
use axum::body::Body;
use futures_util::FutureExt;
use napi::bindgen_prelude::{Either, Result, ToNapiValue, Unknown};
use napi::{Env, Error, Status};
use napi_derive::napi;
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::thread;

/// An engine over a database. It lives until it is closed, or until its thread of JavaScript ends.
#[napi]
pub struct Engine {
    core: Rc<RefCell<Option<Core>>>,
    /// Whom it has recognized last.
    last: RefCell<Option<Principal>>,
    #[cfg(feature = "testing")]
    clock: Clock,
}

#[napi]
impl Engine {
    /// Opens and migrates the database, on the thread that asks. The log goes to standard error,
    /// nowhere, or to a function.
    #[napi(
        constructor,
        ts_args_type = "options: string, log: boolean | ((record: string) => void)"
    )]
    pub fn new(env: Env, options: String, log: Choice<'_>) -> Result<Self> {
        let config =
            options::read(&options).map_err(|error| Error::from_reason(error.to_string()))?;
        let clock = Clock::default();
        #[cfg(feature = "testing")]
        let kept = clock.clone();
        let core = Core::start(config, clock, dispatch(log)?)
            .map_err(|error| Error::from_reason(causes(&error)))?;
        let core = Rc::new(RefCell::new(Some(core)));
        env.add_env_cleanup_hook(Rc::clone(&core), |core| {
            if let Some(core) = core.take() {
                core.flush_now();
                core.end();
            }
        })?;
        Ok(Self {
            core,
            last: RefCell::default(),
            #[cfg(feature = "testing")]
            clock: kept,
        })
    }

    /// Where the endpoints live.
    #[napi(getter)]
    pub fn base_path(&self) -> String {
        self.config(|config| config.server.base_path.clone())
    }

    /// The SQLite file; null for a database on a server.
    #[napi(getter)]
    pub fn database_path(&self) -> Option<String> {
        let core = self.core.borrow();
        let connector = &core.as_ref()?.auth.config().connector;
        let is_file = connector.driver() == Driver::Sqlite;
        is_file.then(|| connector.sqlite_path().display().to_string())
    }

    /// Longest wait for a body, in milliseconds; no more than a timer of Node can wait.
    #[napi(getter)]
    pub fn body_timeout(&self) -> u32 {
        let wait = self.core.borrow().as_ref().map(Core::body_timeout).unwrap_or_default();
        u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())
    }

    /// The headers that tell who sends a request, in lower case.
    #[napi(getter)]
    pub fn telling_headers(&self) -> Vec<String> {
        let core = self.core.borrow();
        let headers = core.as_ref().map(|core| core.auth.telling_headers()).unwrap_or_default();
        headers.iter().map(ToString::to_string).collect()
    }

    /// What the router answers to a request: its head joined of so many texts, and its body.
    #[napi(ts_return_type = "Answer | Promise<Answer>")]
    pub fn handle<'env>(
        &self,
        env: &'env Env,
        head: String,
        texts: u32,
        body: Option<&[u8]>,
    ) -> Result<Unknown<'env>> {
        let head = Head::split(&head, texts)?;
        let body = Body::from(body.unwrap_or_default().to_vec());
        self.answer(env, |core| core.handle(&head, body))
    }

    /// What is answered to a request whose body does not arrive in time.
    #[napi]
    pub fn too_slow(&self) -> Answer {
        Answer::refusal(Rejection::TooSlow)
    }

    /// Who sends a request. At once: the number of the caller's edition, 0 for a guest; what it
    /// stands for says [`describe`](Self::describe). By a promise: the description, empty for a
    /// guest. An answer for a refusal.
    #[napi(ts_return_type = "number | Answer | Promise<string | Answer>")]
    pub fn authenticate<'env>(
        &self,
        env: &'env Env,
        head: String,
        texts: u32,
    ) -> Result<Unknown<'env>> {
        let head = Head::split(&head, texts)?;
        let core = self.core.borrow();
        let Some(core) = &*core else { return unknown(env, Answer::closed()) };
        match poll_once(core, |core| core.authenticate(&head)) {
            Ok(Either::A(caller)) => {
                // JavaScript holds integers up to 2^53 exactly.
                let edition = caller.as_ref().map_or(0, Principal::edition) as f64;
                self.last.replace(caller);
                unknown(env, edition)
            }
            Ok(Either::B(refusal)) => unknown(env, refusal),
            Err(future) => {
                let auth = core.auth.clone();
                promise(
                    env,
                    core,
                    future.map(move |found| match found {
                        Either::A(caller) => Either::A(described(&auth, caller.as_ref())),
                        Either::B(refusal) => Either::B(refusal),
                    }),
                )
            }
        }
    }

    /// The caller whom [`authenticate`](Self::authenticate) answered last, at once, as two lines of
    /// JSON: the caller and their session.
    #[napi]
    pub fn describe(&self) -> String {
        let (core, last) = (self.core.borrow(), self.last.borrow());
        core.as_ref().map(|core| described(&core.auth, last.as_ref())).unwrap_or_default()
    }

    /// Does a use case that comes as JSON, for the host app itself; its result as JSON.
    #[napi(ts_return_type = "string | Answer | Failure | Promise<string | Answer | Failure>")]
    pub fn call<'env>(&self, env: &'env Env, call: String) -> Result<Unknown<'env>> {
        let call = Call::read(&call).map_err(|told| Error::new(Status::InvalidArg, told))?;
        self.answer(env, |core| core.call(call))
    }

    /// Writes down what is only in memory.
    #[napi(ts_return_type = "void | Answer | Promise<void | Answer>")]
    pub fn flush<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        self.answer(env, Core::flush)
    }

    /// The same without giving way to anything else, for the end of the process.
    #[napi]
    pub fn flush_now(&self) {
        if let Some(core) = &*self.core.borrow() {
            core.flush_now();
        }
    }

    /// Waits for what is under way, writes down what is only in memory, and ends the engine's
    /// threads. From now on nothing is answered.
    #[napi(ts_return_type = "Promise<void | Answer>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let core = self.core.take();
        self.last.take();
        let (promised, promise) = Promised::new(env)?;
        let close = move || promised.settle(core.map_or(Either::A(()), Core::close));
        thread::Builder::new().name("adyton".into()).spawn(close)?;
        Ok(promise)
    }
}

/// For the tests of the package.
#[cfg(feature = "testing")]
#[napi]
impl Engine {
    /// Whether everything that asks for the time panics.
    #[napi(skip_typescript)]
    pub fn set_broken(&self, broken: bool) {
        self.clock.set_broken(broken);
    }
}

impl Engine {
    fn config(&self, read: impl FnOnce(&Config) -> String) -> String {
        self.core.borrow().as_ref().map(|core| read(core.auth.config())).unwrap_or_default()
    }

    /// What the engine answers; of a closed one that it is.
    fn answer<'env, T, F>(
        &self,
        env: &'env Env,
        ask: impl FnOnce(&Core) -> F,
    ) -> Result<Unknown<'env>>
    where
        T: ToNapiValue + Panicked + Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        match &*self.core.borrow() {
            Some(core) => settle(env, core, ask),
            None => unknown(env, Answer::closed()),
        }
    }
}

/// An error and what it came from, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
