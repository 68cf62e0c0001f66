//! One file a command. A command takes settings and a place to write, and returns; exit codes and
//! error texts are `cli`'s.

pub(crate) mod config;
pub(crate) mod serve;
