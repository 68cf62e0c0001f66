//! POST `/register`: sign up and in.

use super::login::{SignInBody, complete, read_options};
use crate::body::Fields;
use crate::browser::Visitor;
use crate::openapi::{Foreign, GuardName, Invalid, Limited, Shedding, SignInObject};
use crate::{Adyton, Rejection};
use adyton_core::auth::Registration;
use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};

#[derive(utoipa::ToSchema)]
#[schema(
    rename_all = "camelCase",
    examples(json!({ "name": "Ada", "email": "ada@example.com", "password": "a long phrase of mine", "deviceName": "Phone" })),
)]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct RegisterInput {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// At most 1024 bytes in UTF-8.
    #[schema(format = "password")]
    password: String,
    /// Must equal `password` where it is given.
    password_confirmation: Option<String>,
    #[schema(max_length = 128)]
    device_name: Option<String>,
    /// `session` by default for a page of this site, else `token`.
    #[schema(inline)]
    guard: Option<GuardName>,
}

/// Sign up and in.
#[utoipa::path(
    post, path = "/register", operation_id = "register", tag = "sign-in", security(()), request_body = RegisterInput,
    params(("X-Device-Id" = Option<String>, Header, description = "The `deviceSecret` of an earlier sign-in.")),
    responses((status = 201, body = SignInObject), Invalid, Limited, Foreign, Shedding),
)]
pub(super) async fn register(
    State(auth): State<Adyton>,
    Visitor(browser): Visitor,
    mut fields: Fields,
) -> Result<(StatusCode, HeaderMap, Json<SignInBody>), Rejection> {
    let mut registration = Registration {
        name: fields.required("name"),
        email: fields.required("email"),
        password: fields.password("password").unwrap_or_default(),
        password_confirmation: fields.password("passwordConfirmation"),
        options: read_options(&mut fields),
    };
    fields.finish()?;
    complete(&browser, &mut registration.options)?;
    let signed_in = auth.register(registration, browser.client()).await?;
    Ok((StatusCode::CREATED, browser.signed_in(&signed_in), Json(signed_in.into())))
}
