//! The rules of authentication behind [Adyton](https://crates.io/crates/adyton): tokens, sessions,
//! rotation, passwords. It knows no HTTP and no SQL; apps use it through the crate `adyton`.
//!
//! Floors, each using only those before it: values ([`secret`], [`clock`], [`ability`], [`user`],
//! [`device`]), rules ([`token`], [`session`], [`refresh`], [`password`]), the port ([`store`]),
//! the engine ([`Auth`]).

pub mod ability;
pub mod clock;
pub mod config;
pub mod device;
pub mod event;
pub mod refresh;
pub mod secret;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
pub mod user;
