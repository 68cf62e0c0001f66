//! The binary's parts from outside: where values come from, what the commands print, and how the
//! listener treats clients that keep silent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests may panic and tell what they measured; what they measure is of the real clock"
)]

mod adopt;
mod book;
mod cluster;
mod commands;
mod commands_engine;
mod config_file;
mod copy;
mod crash;
mod databases;
mod demo;
mod doctor;
mod events_command;
mod failures;
mod generated;
mod grammar;
mod http;
mod laravel;
mod laravel_schema;
mod load;
mod metrics;
mod moving_up;
mod nodes;
mod outages;
mod pages;
mod proxies;
mod readme;
mod redis;
mod remote;
mod request_id;
mod serve;
mod services;
mod startup;
mod threats;
mod tidy;
mod user_import;
mod world;
