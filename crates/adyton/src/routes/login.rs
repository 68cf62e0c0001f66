//! POST `/login`: sign in with e-mail and password.

use crate::body::Fields;
use crate::client_info::ClientInfo;
use crate::openapi::{GuardName, Invalid, Refused, Shedding, TokenType, UserObject, WantedGuard};
use crate::{Adyton, Rejection};
use adyton_core::ability::Abilities;
use adyton_core::auth::{Credentials, SignIn, SignInOptions};
use adyton_core::clock::Timestamp;
use adyton_core::secret::PlainText;
use adyton_core::session::Guard;
use adyton_core::user::User;
use axum::Json;
use axum::extract::State;
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
    /// Only `token` in this version.
    #[schema(inline)]
    guard: Option<WantedGuard>,
}

/// What a sign-in, a sign-up and a refresh answer.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "user": {
        "id": 1, "name": "Ada", "email": "ada@example.com",
        "created_at": "2030-01-31T12:00:00Z", "updated_at": "2030-01-31T12:00:00Z",
    },
    "guard": "token",
    "sessionId": "0123456789abcdefghijkl",
    "newDevice": true,
    "token": "adt_0123456789012345678901234567890123456789012345678",
    "tokenType": "Bearer",
    "expiresAt": "2030-01-31T12:15:00Z",
    "expiresIn": 900,
    "refreshToken": "adr_0123456789012345678901234567890123456789012345678",
    "refreshExpiresAt": "2030-02-28T12:00:00Z",
    "abilities": ["*"],
})))]
pub(super) struct SignInBody {
    #[schema(value_type = UserObject)]
    user: User,
    #[schema(inline, value_type = GuardName)]
    guard: Guard,
    session_id: String,
    /// Whether the user had not signed in with this user agent before.
    new_device: bool,
    #[schema(value_type = String, pattern = "^adt_[0-9A-Za-z]{49}$")]
    token: PlainText,
    #[schema(inline, value_type = TokenType)]
    token_type: &'static str,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// In seconds.
    expires_in: u64,
    #[schema(value_type = String, pattern = "^adr_[0-9A-Za-z]{49}$")]
    refresh_token: PlainText,
    #[schema(value_type = String, format = "date-time")]
    refresh_expires_at: Timestamp,
    #[schema(value_type = Vec<String>)]
    abilities: Abilities,
}

impl From<SignIn> for SignInBody {
    fn from(signed_in: SignIn) -> Self {
        Self {
            user: signed_in.user,
            guard: signed_in.guard,
            session_id: signed_in.session_id,
            new_device: signed_in.new_device,
            token: signed_in.token,
            token_type: "Bearer",
            expires_at: signed_in.expires_at,
            expires_in: signed_in.expires_in,
            refresh_token: signed_in.refresh_token,
            refresh_expires_at: signed_in.refresh_expires_at,
            abilities: signed_in.abilities,
        }
    }
}

/// Sign in with e-mail and password.
#[utoipa::path(
    post, path = "/login", operation_id = "login", tag = "sign-in", security(()), request_body = LoginInput,
    responses((status = 200, body = SignInBody), Refused, Invalid, Shedding),
)]
pub(super) async fn login(
    State(auth): State<Adyton>,
    ClientInfo(client): ClientInfo,
    mut fields: Fields,
) -> Result<Json<SignInBody>, Rejection> {
    fields.flag("remember");
    let credentials = Credentials {
        email: fields.required("email"),
        password: fields.password("password").unwrap_or_default(),
        options: read_options(&mut fields, true),
    };
    fields.finish()?;
    Ok(Json(auth.login(credentials, &client).await?.into()))
}

/// Reads what sign-in and sign-up have in common.
pub(super) fn read_options(fields: &mut Fields, abilities: bool) -> SignInOptions {
    match fields.text("guard").as_deref() {
        None | Some("token") => {}
        Some("session") => {
            fields.problem("guard", "cookie sessions are not built yet; ask for `token`");
        }
        Some(_) => fields.problem("guard", "must be `token`"),
    }
    SignInOptions {
        device_name: fields.text("deviceName").filter(|name| !name.trim().is_empty()),
        abilities: if abilities { fields.texts("abilities") } else { None },
    }
}
