//! When JavaScript gets its answer: at once where one poll is enough, else by a promise.
//!
//! A look-up in memory or in SQLite never waits, and a promise costs ten times as much as it does.

use crate::answer::Answer;
use crate::core::Core;
use futures_util::FutureExt;
use napi::bindgen_prelude::{Either, ToNapiValue, Unknown};
use napi::{Env, JsValue, Result};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

/// What is answered where the code that should have answered panicked.
pub(crate) trait Panicked {
    fn panicked() -> Self;
}

/// Makes the value of a promise on the thread of JavaScript.
pub(crate) type Resolver<T> = Box<dyn FnOnce(Env) -> Result<T> + Send>;

/// The future's value, or a promise of it.
pub(crate) fn settle<'env, T>(
    env: &'env Env,
    core: &Core,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<Unknown<'env>>
where
    T: ToNapiValue + Panicked + Send + 'static,
{
    let mut future = Box::pin(future);
    match poll_once(core, future.as_mut()) {
        Some(value) => unknown(env, value),
        None => promise(env, core, future),
    }
}

/// The future's value, if it has it at once. Whoever has not is polled again on the runtime, which
/// is entered here too, since the engine spawns tasks.
fn poll_once<T: Panicked>(core: &Core, future: impl Future<Output = T>) -> Option<T> {
    let _entered = core.runtime.enter();
    let polled = catch_unwind(AssertUnwindSafe(|| future.now_or_never()));
    polled.unwrap_or_else(|_| Some(T::panicked()))
}

fn promise<'env, T>(
    env: &'env Env,
    core: &Core,
    future: Pin<Box<impl Future<Output = T> + Send + 'static>>,
) -> Result<Unknown<'env>>
where
    T: ToNapiValue + Panicked + Send + 'static,
{
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    let handle = core.runtime.handle();
    let task = handle.spawn(future);
    core.under_way.spawn_on(
        async move {
            // A task fails when it panics, or when its runtime ends before it does.
            let value = task.await.unwrap_or_else(|_| T::panicked());
            deferred.resolve(Box::new(move |_| Ok(value)));
        },
        handle,
    );
    Ok(promise.to_unknown())
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
