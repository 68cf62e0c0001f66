//! The client against the real router, on a port of this machine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may panic and say what they skip"
)]

mod coverage;
mod example;
mod own_requests;
mod renewal;
mod secrets;
mod sharing;
mod sign_in;
mod storage;
mod world;
