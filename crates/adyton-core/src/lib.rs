//! The rules of authentication behind [Adyton](https://crates.io/crates/adyton): tokens, sessions,
//! rotation, passwords. It knows no HTTP and no SQL; apps use it through the crate `adyton`.
//!
//! Floors, each using only those before it: values ([`secret`], [`clock`], [`ability`], [`user`],
//! [`device`]), rules ([`token`], [`session`], and those that are the business of the engine or of its
//! doors alone), the port ([`store`]), the engine ([`Auth`]).

#![warn(missing_debug_implementations)]

pub mod ability;
mod audit;
pub mod auth;
mod cache;
pub mod channel;
pub mod clock;
pub mod config;
#[doc(hidden)] // for the doors of `adyton` alone
pub mod csrf;
pub mod device;
pub mod error;
pub mod event;
#[doc(hidden)] // for the doors of `adyton` alone
pub mod origin;
mod password;
mod refresh;
#[doc(hidden)] // for the doors of `adyton` alone
pub mod route_pattern;
pub mod secret;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod throttle;
pub mod token;
pub mod user;

pub use auth::Auth;
pub use config::Config;
pub use error::Error;
