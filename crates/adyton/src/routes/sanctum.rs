//! Sanctum's own routes at the root (`compat.sanctum`), so that a front end written for Laravel
//! works as it is. The same handlers answer; only the paths are others.

use super::{csrf_cookie, login, logout, register, user};
use crate::Adyton;
use axum::routing::{MethodRouter, get, post};

/// Each path and what answers there.
pub(super) fn routes() -> [(&'static str, MethodRouter<Adyton>); 5] {
    [
        ("/sanctum/csrf-cookie", get(csrf_cookie::show)),
        ("/register", post(register::register)),
        ("/login", post(login::login)),
        ("/logout", post(logout::logout)),
        ("/api/user", get(user::show)),
    ]
}
