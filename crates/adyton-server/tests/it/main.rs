//! The binary's parts from outside: where values come from, what the commands print, and how the
//! listener treats clients that keep silent.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests may panic; the time-outs under test are of the real clock"
)]

mod commands;
mod config_file;
mod generated;
mod http;
mod readme;
mod serve;
mod tidy;
