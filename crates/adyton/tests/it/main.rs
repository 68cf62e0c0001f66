//! The endpoints, told by those who call them. One file an endpoint, like `src/routes`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod book;
mod browser;
mod conventions;
mod cookies;
mod cors;
mod csrf;
#[path = "../../../adyton-sql/tests/it/databases.rs"]
mod databases;
mod devices;
mod document;
mod events;
mod examples;
mod extract;
mod faults;
mod health;
mod limits;
mod login;
mod logout;
mod origins;
mod parsing;
mod password;
mod proxies;
mod races;
mod recall;
mod refresh;
mod register;
mod sanctum;
mod schema;
mod secrets;
mod session;
mod sessions;
mod shared;

mod store;
mod tokens;
mod user;
mod verify;
mod world;
