//! When JavaScript gets its answer: at once where one poll is enough, else by a promise.
//!
//! A look-up in memory or in SQLite never waits, and a promise costs ten times as much as it does.

use crate::answer::Answer;
use crate::core::Core;
use futures_util::FutureExt;
use napi::bindgen_prelude::{Either, Either3, ToNapiValue, Unknown};
use napi::{Env, JsDeferred, JsValue, Result};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use tracing::dispatcher::with_default;

/// What is answered where the code that should have answered panicked.
pub(crate) trait Panicked {
    fn panicked() -> Self;
}

/// What the engine is asked for, or a promise of it.
pub(crate) fn settle<'env, T, F>(
    env: &'env Env,
    core: &Core,
    ask: impl FnOnce(&Core) -> F,
) -> Result<Unknown<'env>>
where
    T: ToNapiValue + Panicked + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    match poll_once(core, ask) {
        Ok(value) => unknown(env, value),
        Err(future) => promise(env, core, future),
    }
}

/// The value if it is there at once, else the future. That is polled again on the runtime, which is
/// entered here too, since the engine spawns tasks.
pub(crate) fn poll_once<T, F>(
    core: &Core,
    ask: impl FnOnce(&Core) -> F,
) -> std::result::Result<T, Pin<Box<F>>>
where
    T: Panicked,
    F: Future<Output = T>,
{
    let poll = || {
        let mut future = Box::pin(ask(core));
        future.as_mut().now_or_never().ok_or(future)
    };
    let _entered = core.runtime.enter();
    with_default(&core.log, || {
        catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|_| Ok(T::panicked()))
    })
}

pub(crate) fn promise<'env, T>(
    env: &'env Env,
    core: &Core,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<Unknown<'env>>
where
    T: ToNapiValue + Panicked + Send + 'static,
{
    let (promised, promise) = Promised::new(env)?;
    let answer = async move { promised.settle(future.await) };
    core.under_way.spawn_on(answer, core.runtime.handle());
    Ok(promise)
}

/// A promise that is kept. Where its task panics, or ends with the runtime, its owner would wait for
/// ever, and Node with it.
pub(crate) struct Promised<T: ToNapiValue + Panicked + Send + 'static>(
    Option<JsDeferred<T, Resolver<T>>>,
);

type Resolver<T> = Box<dyn FnOnce(Env) -> Result<T> + Send>;

impl<T: ToNapiValue + Panicked + Send + 'static> Promised<T> {
    pub(crate) fn new(env: &Env) -> Result<(Self, Unknown<'_>)> {
        let (deferred, promise) = env.create_deferred()?;
        Ok((Self(Some(deferred)), promise.to_unknown()))
    }

    pub(crate) fn settle(mut self, value: T) {
        self.resolve(value);
    }

    fn resolve(&mut self, value: T) {
        if let Some(deferred) = self.0.take() {
            deferred.resolve(Box::new(move |_| Ok(value)));
        }
    }
}

impl<T: ToNapiValue + Panicked + Send + 'static> Drop for Promised<T> {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.resolve(T::panicked());
        }
    }
}

/// A value as JavaScript gets it.
pub(crate) fn unknown<T: ToNapiValue>(env: &Env, value: T) -> Result<Unknown<'_>> {
    // SAFETY: the handle was made in this environment just now, and lives as long as this call.
    unsafe {
        let raw = T::to_napi_value(env.raw(), value)?;
        Ok(Unknown::from_raw_unchecked(env.raw(), raw))
    }
}

impl Panicked for Answer {
    fn panicked() -> Self {
        Self::bug("the engine panicked")
    }
}

impl<T> Panicked for Either<T, Answer> {
    fn panicked() -> Self {
        Self::B(Answer::panicked())
    }
}

impl<T, U> Panicked for Either3<T, Answer, U> {
    fn panicked() -> Self {
        Self::B(Answer::panicked())
    }
}
