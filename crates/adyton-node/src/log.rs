//! Where the log goes: each engine has its own, so that closing one leaves nothing behind.
//!
//! What the engine logs has no secret in it. By default warnings and errors go to standard error; a
//! function of the app gets what happened too (sign-ins, refusals), one JSON object a call.

use napi::bindgen_prelude::{Either, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Result, Status};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

/// Lines that wait for an app which is slower than they come; further ones are lost to it.
const BACKLOG: usize = 1024;

/// The app's function. It does not keep the process alive.
type Sink = ThreadsafeFunction<String, (), String, Status, false, true, BACKLOG>;

/// Whether to log to standard error, or to which function instead.
pub(crate) type Choice<'env> = Either<bool, Function<'env, String, ()>>;

/// What takes the lines of an engine.
pub(crate) fn dispatch(choice: Choice<'_>) -> Result<Dispatch> {
    Ok(match choice {
        Either::A(false) => Dispatch::none(),
        Either::A(true) => to_standard_error(),
        Either::B(function) => {
            let sink = function.build_threadsafe_function().callee_handled::<false>();
            to_app(sink.weak::<true>().max_queue_size::<BACKLOG>().build()?)
        }
    })
}

fn to_standard_error() -> Dispatch {
    let lines = fmt().with_max_level(LevelFilter::WARN).with_writer(io::stderr);
    lines.with_ansi(io::stderr().is_terminal()).into()
}

fn to_app(sink: Sink) -> Dispatch {
    let lines = Lines(Arc::new(sink));
    let log = fmt().with_max_level(LevelFilter::INFO).json().flatten_event(true);
    log.with_writer(move || lines.clone()).into()
}

#[derive(Clone)]
struct Lines(Arc<Sink>);

/// A record is written as a whole, in one call.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into_owned();
        self.0.call(text, ThreadsafeFunctionCallMode::NonBlocking);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
