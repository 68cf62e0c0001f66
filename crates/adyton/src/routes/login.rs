//! POST `/login`: sign in with e-mail and password.

use crate::body::Fields;
use crate::browser::Visitor;
use crate::openapi::{Foreign, GuardName, Invalid, Refused, Shedding, SignInObject};
use crate::{Adyton, Browser, Rejection};
use adyton_core::ability::Abilities;
use adyton_core::auth::{Credentials, Secrets, SignIn, SignInOptions};
use adyton_core::clock::Timestamp;
use adyton_core::secret::PlainText;
use adyton_core::session::Guard;
use adyton_core::user::User;
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;

#[derive(utoipa::ToSchema)]
#[schema(
    rename_all = "camelCase",
    examples(json!({ "email": "ada@example.com", "password": "a long phrase of mine", "deviceName": "Phone" })),
)]
#[expect(dead_code, reason = "the shape of the input, for the document")]
pub(super) struct LoginInput {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(format = "password", min_length = 1)]
    password: String,
    /// Keeps a cookie session beyond the browser's; without effect on tokens.
    remember: Option<bool>,
    #[schema(max_length = 128)]
    device_name: Option<String>,
    /// Fewer abilities than a sign-in has by default.
    #[schema(max_items = 64)]
    abilities: Option<Vec<String>>,
    /// `session` by default for a page of this site, else `token`.
    #[schema(inline)]
    guard: Option<GuardName>,
}

/// What [`SignInObject`] describes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignInBody {
    user: User,
    guard: Guard,
    session_id: String,
    new_device: bool,
    #[serde(flatten)]
    tokens: Option<TokensBody>,
}

/// For guard `token`: a cookie session has no secret in a body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokensBody {
    token: PlainText,
    token_type: &'static str,
    expires_at: Timestamp,
    expires_in: u64,
    refresh_token: PlainText,
    refresh_expires_at: Timestamp,
    abilities: Abilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_secret: Option<PlainText>,
}

impl From<SignIn> for SignInBody {
    fn from(signed_in: SignIn) -> Self {
        let (abilities, device_secret) = (signed_in.abilities, signed_in.device_secret);
        let tokens = match signed_in.secrets {
            Secrets::Tokens(tokens) => Some(TokensBody {
                token: tokens.token,
                token_type: "Bearer",
                expires_at: tokens.expires_at,
                expires_in: tokens.expires_in,
                refresh_token: tokens.refresh_token,
                refresh_expires_at: tokens.refresh_expires_at,
                abilities,
                device_secret,
            }),
            Secrets::Cookie(_) => None,
        };
        Self {
            user: signed_in.user,
            guard: signed_in.guard,
            session_id: signed_in.session_id,
            new_device: signed_in.new_device,
            tokens,
        }
    }
}

/// Sign in with e-mail and password.
#[utoipa::path(
    post, path = "/login", operation_id = "login", tag = "sign-in", security(()), request_body = LoginInput,
    params(("X-Device-Id" = Option<String>, Header, description = "The `deviceSecret` of an earlier sign-in.")),
    responses((status = 200, body = SignInObject), Refused, Invalid, Foreign, Shedding),
)]
pub(super) async fn login(
    State(auth): State<Adyton>,
    Visitor(browser): Visitor,
    mut fields: Fields,
) -> Result<(HeaderMap, Json<SignInBody>), Rejection> {
    let mut credentials = Credentials {
        email: fields.required("email"),
        password: fields.password("password").unwrap_or_default(),
        options: read_options(&mut fields),
    };
    credentials.options.abilities = fields.texts("abilities");
    credentials.options.remember = fields.flag("remember");
    fields.finish()?;
    complete(&browser, &mut credentials.options)?;
    let signed_in = auth.login(credentials, browser.client()).await?;
    Ok((browser.signed_in(&signed_in), Json(signed_in.into())))
}

/// Reads what sign-in and sign-up have in common.
pub(super) fn read_options(fields: &mut Fields) -> SignInOptions {
    let guard = fields.text("guard").and_then(|name| {
        let guard = Guard::from_name(&name);
        if guard.is_none() {
            fields.problem("guard", "must be `token` or `session`");
        }
        guard
    });
    SignInOptions {
        device_name: fields.text("deviceName").filter(|name| !name.trim().is_empty()),
        guard,
        ..SignInOptions::default()
    }
}

/// Adds what the request itself says: its guard, and the cookie that a new one takes the place of.
pub(super) fn complete(browser: &Browser, options: &mut SignInOptions) -> Result<(), Rejection> {
    let guard = browser.guard_for(options.guard)?;
    options.guard = Some(guard);
    options.replaced = browser.replaced().filter(|_| guard == Guard::Session);
    Ok(())
}
