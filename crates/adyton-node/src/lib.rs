//! The addon behind `@adyton/node`: the engine and its router in a Node process.
//!
//! It moves requests and answers over the border between JavaScript and Rust, and decides when they
//! wait: what can be answered at once is, on the thread that asks. It adds no behaviour. What is
//! convenient in JavaScript (web classes, errors, types) is made there, in `packages/node`.

// What napi's macros write is unsafe; nothing written by hand here is, but for handles of Node.
#![allow(unsafe_code)]
// They also take arguments by value alone.
#![allow(clippy::needless_pass_by_value)]

mod answer;
mod calls;
mod core;
mod engine;
mod log;
mod options;
mod request;
mod settle;
#[cfg(feature = "testing")]
mod testing;

pub use answer::{Answer, Failure};
pub use engine::Engine;
pub use options::{OptionProblem, check_options};
