//! Layers for routes: the app's own, and those of the endpoints.

mod auth;
mod conventions;
mod cors;
mod csrf;
mod finishing;
mod require;

pub use auth::AuthLayer;
pub(crate) use auth::Installed;
pub(crate) use conventions::{Conventions, names_one_host};
pub(crate) use cors::cors;
pub use csrf::CsrfLayer;
pub(crate) use csrf::{ShowXsrf, Visitor};
pub use require::{RequireAbilities, require_abilities, require_any_ability};
