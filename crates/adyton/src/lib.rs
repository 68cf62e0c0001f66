#![doc = include_str!("docs/crate.md")]

mod body;
mod builder;
mod client_info;
mod error;
mod extract;
#[cfg(test)]
mod fuzz;
mod guard;
mod handle;
mod layer;
mod openapi;
mod routes;
#[cfg(feature = "testing")]
pub mod testing;

pub use builder::{BuildError, Builder};
pub use error::Rejection;
pub use extract::{CurrentToken, CurrentUser};
pub use handle::Adyton;
pub use layer::{AuthLayer, RequireAbilities, require_abilities, require_any_ability};
pub use openapi::openapi;

pub use adyton_core as core;
#[cfg(feature = "sqlite")]
pub use adyton_sql as sql;

pub use adyton_core::ability::Abilities;
pub use adyton_core::auth::{
    CreatedToken, Credentials, NewPersonalToken, Principal, Registration, Secrets, SessionCookie,
    SignIn, SignInOptions, Tokens,
};
pub use adyton_core::config::Config;
pub use adyton_core::device::Client;
pub use adyton_core::error::{Error, Problems, Refusal};
pub use adyton_core::token::WantedExpiry;
pub use adyton_core::user::{User, UserId};

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
