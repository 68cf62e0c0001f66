#![doc = include_str!("docs/crate.md")]
#![warn(missing_debug_implementations)]

mod body;
mod browser;
mod builder;
mod client_info;
mod cookie;
mod error;
mod extract;
mod first_party;
mod forwarded;
#[cfg(test)]
mod fragments;
#[cfg(test)]
mod fuzz;
mod guard;
mod handle;
mod hooks;
mod layer;
mod openapi;
mod recall;
mod request_id;
mod routes;
#[cfg(feature = "testing")]
pub mod testing;

pub use browser::Browser;
pub use builder::{BuildError, Builder, check_shared, connect_shared};
pub use client_info::RequestId;
pub use error::{CsrfStatus, Rejection};
pub use extract::{CurrentToken, CurrentUser};
pub use handle::Adyton;
pub use layer::{AuthLayer, CsrfLayer, RequireAbilities, require_abilities, require_any_ability};
pub use openapi::openapi;
#[doc(hidden)] // for the server of `adyton` alone
pub use recall::Recall;
pub use request_id::RequestIds;
pub use routes::Checks;

pub use adyton_core as core;
#[cfg(feature = "redis")]
pub use adyton_redis as redis;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use adyton_sql as sql;

pub use adyton_core::ability::Abilities;
pub use adyton_core::auth::{
    CreatedToken, Credentials, NewPersonalToken, Principal, Registration, Secrets, SessionCookie,
    SignIn, SignInOptions, Tokens,
};
pub use adyton_core::config::Config;
pub use adyton_core::device::Client;
pub use adyton_core::error::{CsrfReason, Error, Problems, Refusal};
pub use adyton_core::event::{Event, EventKind};
pub use adyton_core::token::WantedExpiry;
pub use adyton_core::user::{Password, User, UserId};

/// The samples of the documents, compiled and run.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/start/axum.md")]
    struct Axum;
    #[doc = include_str!("../../../docs/concepts/abilities.md")]
    struct Abilities;
    #[doc = include_str!("../../../docs/recipes/own-users-table.md")]
    struct OwnUsersTable;
    #[doc = include_str!("../../../docs/recipes/own-store.md")]
    struct OwnStore;
    #[doc = include_str!("../../../docs/recipes/testing.md")]
    struct Testing;
    #[doc = include_str!("../../../docs/recipes/new-device-mail.md")]
    struct NewDeviceMail;
}
