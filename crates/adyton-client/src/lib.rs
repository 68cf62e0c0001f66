#![doc = include_str!("../README.md")]
#![warn(missing_debug_implementations)]

mod answers;
mod base_url;
mod builder;
mod client;
mod endpoints;
mod error;
mod inputs;
mod keeper;
mod secret;
mod storage;
#[cfg(all(feature = "rustls", not(target_arch = "wasm32")))]
mod tls;

pub use answers::{CreatedToken, Current, Identity, PersonalToken, Session, SignedIn, User};
pub use base_url::{BaseUrl, BaseUrlError};
pub use builder::Builder;
pub use client::Client;
pub use error::{Error, Problem};
pub use inputs::{Login, NewToken, PasswordChange, Registration, UserChange};
pub use secret::Secret;
#[cfg(not(target_arch = "wasm32"))]
pub use storage::File;
pub use storage::{Memory, Promise, Renewal, Storage, StorageError, StorageLock, Stored, Tokens};

pub use reqwest::{self, Method, StatusCode};
pub use time;
