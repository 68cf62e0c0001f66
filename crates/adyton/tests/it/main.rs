//! The endpoints, told by those who call them. One file an endpoint, like `src/routes`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod examples;
