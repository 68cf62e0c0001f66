//! The parts of the binary `adyton`: where its configuration comes from.

pub mod config_file;
