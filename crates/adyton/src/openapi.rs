//! The OpenAPI document: made of the route list, with what the routes have in common.

use crate::cookie::Cookies;
use crate::error::Problem;
use crate::routes::{self, SessionBody};
use adyton_core::Config;
use std::collections::BTreeMap;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Header, HeaderBuilder, InfoBuilder, LicenseBuilder, Object, Ref,
    RefOr, Schema, SecurityRequirement, Server, Type,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// The OpenAPI 3.1 document of the endpoints under a configuration, as JSON.
#[must_use]
pub fn openapi(config: &Config) -> String {
    let mut document = routes::document();
    document.info = InfoBuilder::new()
        .title("Adyton")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Sign-up, sign-in, refresh, sessions and personal access tokens."))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    document.servers = Some(vec![Server::new(base_url(config))]);
    document.security = Some(
        ["token", "session"].map(|name| SecurityRequirement::new::<_, _, String>(name, [])).into(),
    );
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("token", token_scheme(config));
    components.add_security_scheme("session", cookie_scheme(config));
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    for input in ["RegisterInput", "PasswordInput"] {
        set_shortest_password(components, input, config.password.min_length);
    }
    for path in document.paths.paths.values_mut() {
        path.post.iter_mut().chain(&mut path.patch).for_each(refuse_null);
    }
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// A body that may be left out may still not be null, which the annotations cannot say.
fn refuse_null(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::T(Schema::OneOf(either))) = &content.schema
        {
            content.schema = either.items.first().cloned();
        }
    }
}

/// Of the input's `password`, which the annotations cannot know.
fn set_shortest_password(components: &mut Components, input: &str, characters: usize) {
    let Some(RefOr::T(Schema::Object(input))) = components.schemas.get_mut(input) else { return };
    if let Some(RefOr::T(Schema::Object(password))) = input.properties.get_mut("password") {
        password.min_length = Some(characters);
    }
}

fn base_url(config: &Config) -> String {
    let origin = config.server.public_url.as_deref().unwrap_or_default();
    format!("{origin}{}", config.server.base_path)
}

/// RFC 6750 under its own header and prefix, an API key under any other.
fn token_scheme(config: &Config) -> SecurityScheme {
    let standard = config.token_header.eq_ignore_ascii_case("authorization")
        && config.prefix.eq_ignore_ascii_case("bearer");
    if standard {
        return SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    }
    let described = format!("the token after the word `{}`", config.prefix);
    let value = ApiKeyValue::with_description(&config.token_header, &described);
    SecurityScheme::ApiKey(ApiKey::Header(value))
}

/// A configuration that cannot stand has the names of plain http.
fn cookie_scheme(config: &Config) -> SecurityScheme {
    let cookies = Cookies::new(config, &config.web().unwrap_or_default());
    let described = "What changes something then needs to pass the CSRF check.";
    let value = ApiKeyValue::with_description(cookies.session_name(), described);
    SecurityScheme::ApiKey(ApiKey::Cookie(value))
}

/// The columns of the user table by their own names, with those named in `user_columns`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of an answer, for the document")]
pub(crate) struct UserObject {
    id: i64,
    name: String,
    email: String,
    #[schema(required, format = "date-time")]
    created_at: Option<String>,
    #[schema(required, format = "date-time")]
    updated_at: Option<String>,
}

/// What a sign-in, a sign-up and a refresh answer. With guard `session` it has the first four
/// members only: that session's secret is in a cookie.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
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
#[expect(dead_code, reason = "the shape of an answer, for the document")]
pub(crate) struct SignInObject {
    user: UserObject,
    #[schema(inline)]
    guard: GuardName,
    session_id: String,
    /// Whether the user had not signed in on this device before.
    new_device: bool,
    #[schema(nullable = false, pattern = "^adt_[0-9A-Za-z]{49}$")]
    token: Option<String>,
    #[schema(inline, nullable = false)]
    token_type: Option<TokenType>,
    #[schema(nullable = false, format = "date-time")]
    expires_at: Option<String>,
    /// In seconds.
    #[schema(nullable = false)]
    expires_in: Option<u64>,
    #[schema(nullable = false, pattern = "^adr_[0-9A-Za-z]{49}$")]
    refresh_token: Option<String>,
    #[schema(nullable = false, format = "date-time")]
    refresh_expires_at: Option<String>,
    #[schema(nullable = false)]
    abilities: Option<Vec<String>>,
    /// To be sent as `X-Device-Id` from now on; absent where the client goes on with the one it has.
    #[schema(nullable = false, pattern = "^add_[0-9A-Za-z]{49}$")]
    device_secret: Option<String>,
}

/// A personal access token as its owner sees it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of an answer, for the document")]
pub(crate) struct TokenObject {
    id: i64,
    name: String,
    abilities: Vec<String>,
    #[schema(required, format = "date-time")]
    last_used_at: Option<String>,
    #[schema(required, format = "date-time")]
    expires_at: Option<String>,
    #[schema(required, format = "date-time")]
    created_at: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// The current credential; for a guest only `user: null`, and `reason` where a credential was bad.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape of an answer, for the document")]
pub(crate) struct CurrentObject {
    #[schema(required)]
    user: Option<UserObject>,
    #[schema(inline, nullable = false)]
    guard: Option<GuardName>,
    #[schema(nullable = false)]
    abilities: Option<Vec<String>>,
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// Null for a personal access token.
    session: Option<SessionBody>,
    /// The code of what is wrong with the credential that was sent.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// What happened, for programs. Stable.
// Status and words of each are those of docs/reference/errors.md.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names, for the document")]
pub(crate) enum Code {
    /// 400: no JSON object, a member twice, a doubled token header, no `Host`: mend the client
    MalformedRequest,
    /// 401: no credential: sign in
    Unauthenticated,
    /// 401: unknown e-mail or wrong password
    InvalidCredentials,
    /// 401: never issued, revoked, or of another kind: refresh once, then sign in
    TokenInvalid,
    /// 401: an access token that has had its time: refresh
    TokenExpired,
    /// 401: a session that has had its time: sign in
    SessionExpired,
    /// 401: a session that was ended: sign in
    SessionRevoked,
    /// 401: a replaced refresh token came back, its session was ended: sign in
    RefreshTokenReused,
    /// 401: a refresh from another device under `device_binding = "enforce"`: sign in
    DeviceMismatch,
    /// 403: `missing` names the abilities
    MissingAbility,
    /// 403: `reason` says which check failed; 419 with `compat.sanctum`
    CsrfFailed,
    /// 404: no such endpoint or thing, or somebody else's
    NotFound,
    /// 405: `Allow` names the methods
    MethodNotAllowed,
    /// 408: the body did not arrive in time
    RequestTimeout,
    /// 409: as many personal access tokens as `tokens_per_user`
    LimitReached,
    /// 413: a body of more than 64 KiB
    PayloadTooLarge,
    /// 415: not plain `application/json`
    UnsupportedMediaType,
    /// 422: `errors` has the problems of each field
    ValidationFailed,
    /// 429: wait for `Retry-After` seconds; `X-RateLimit-*` tell the limit
    TooManyAttempts,
    /// 500: a bug, or a layer that is missing: the log has the cause
    InternalError,
    /// 503: too many passwords wait to be hashed: try again after `Retry-After`
    Overloaded,
    /// 503: the database does not answer: try again; nobody was signed out
    StoreUnavailable,
}

/// What may carry a sign-in.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names, for the document")]
pub(crate) enum GuardName {
    Token,
    Session,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "names, for the document")]
pub(crate) enum TokenType {
    Bearer,
}

type Responses = BTreeMap<String, RefOr<Response>>;

fn problems<const N: usize>(listed: [(u16, &str); N]) -> Responses {
    let reference = Ref::from_schema_name("Problem");
    let problem = |(status, description): (u16, &str)| {
        let content = ContentBuilder::new().schema(Some(reference.clone())).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", content);
        let response = match status {
            // A failed CSRF check is no matter of credentials.
            401 | 403 if description != "`csrf_failed`" => {
                let challenge = header(Type::String, "A `Bearer` challenge (RFC 6750).");
                response.header("WWW-Authenticate", challenge)
            }
            429 => rate_limited(response),
            503 => {
                let seconds = header(Type::Integer, "In how many seconds to try again.");
                response.header("Retry-After", seconds)
            }
            _ => response,
        };
        (status.to_string(), RefOr::T(response.build()))
    };
    listed.into_iter().map(problem).collect()
}

fn rate_limited(response: ResponseBuilder) -> ResponseBuilder {
    [
        ("Retry-After", "In how many seconds to try again."),
        ("X-RateLimit-Limit", "How many attempts the window lets through."),
        ("X-RateLimit-Remaining", "How many of them are left: none."),
        ("X-RateLimit-Reset", "When the window ends, in seconds since 1970."),
    ]
    .into_iter()
    .fold(response, |response, (name, described)| {
        response.header(name, header(Type::Integer, described))
    })
}

fn header(of: Type, description: &str) -> Header {
    let schema = Some(Object::with_type(of));
    HeaderBuilder::new().schema(schema).description(Some(description)).build()
}

/// Declares groups of refusals that endpoints have in common.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($status:literal = $description:literal),+;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                problems([$(($status, $description)),+])
            }
        }
    )+};
}

refusals! {
    /// Of every endpoint that asks who is calling.
    Refused:
        400 = "`malformed_request`",
        401 = "`unauthenticated`, `invalid_credentials`, `token_invalid`, `token_expired`, `session_expired`, `session_revoked`, `refresh_token_reused` or `device_mismatch`",
        429 = "`too_many_attempts`",
        503 = "`store_unavailable`";
    /// Of every endpoint that asks for the ability `account`.
    Forbidden:
        403 = "`missing_ability` or `csrf_failed`";
    /// Of what sets or removes a cookie.
    Foreign:
        403 = "`csrf_failed`";
    /// Of every endpoint with a body.
    Invalid:
        400 = "`malformed_request`",
        408 = "`request_timeout`",
        413 = "`payload_too_large`",
        415 = "`unsupported_media_type`",
        422 = "`validation_failed`",
        503 = "`store_unavailable`";
    /// Of an endpoint that is limited and asks nobody who they are.
    Limited:
        429 = "`too_many_attempts`";
    /// Of every endpoint that names a thing.
    Missing:
        404 = "`not_found`";
    /// Of the endpoint that makes tokens.
    Full:
        409 = "`limit_reached`";
    /// Of every endpoint that hashes a password.
    Shedding:
        503 = "`overloaded` or `store_unavailable`";
    /// Of an endpoint that asks for nothing.
    Malformed:
        400 = "`malformed_request`";
    /// Of an endpoint that knows no bad credentials.
    Unavailable:
        400 = "`malformed_request`",
        429 = "`too_many_attempts`",
        503 = "`store_unavailable`";
}
