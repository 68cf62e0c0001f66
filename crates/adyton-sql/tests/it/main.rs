//! The store from outside, on files of its own. Tests tell a story each; `world` sets the scene.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "helpers of tests may panic, and tell what they measured by the real clock"
)]

mod changes;
mod conformance;
mod copy;
mod databases;
mod everywhere;
mod files;
mod import;
mod migrate;
mod outage;
mod races;
mod rotation;
mod servers;
mod store;
mod world;
mod writes;
