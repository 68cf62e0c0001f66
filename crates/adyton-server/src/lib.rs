//! The parts of the binary `adyton`: where its configuration comes from, its command line, and the
//! listener under its router. It decides nothing about authentication.
//!
//! This is a library so that tests reach its parts; nothing here is a stable interface.

mod cli;
mod commands;
pub mod config_file;
pub mod http;
pub mod metrics;
mod pages;
mod telemetry;

pub use cli::{command, main};
pub use commands::doctor::{CODES, Code, Level};
