//! The handle that an app holds: the engine, and what its HTTP side has read from the options.

use crate::cookie::Cookies;
use crate::layer::{AuthLayer, CsrfLayer};
use crate::{Rejection, guard, routes};
use adyton_core::Auth;
use adyton_core::auth::{Principal, SessionInfo};
use adyton_core::config::WebOptions;
use adyton_core::route_pattern::RoutePattern;
use axum::Router;
use http::HeaderName;
use http::request::Parts;
use serde::Serialize;
use std::ops::Deref;
use std::sync::Arc;

/// Authentication for an app. Clones are one and the same.
///
/// It derefs to the engine, so that every use case is a method:
/// [`create_token`](Auth::create_token), [`list_sessions`](Auth::list_sessions), …
///
/// ```
/// use adyton::{Adyton, Client, NewPersonalToken, Registration, WantedExpiry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("sqlite://{}", folder.path().join("app.sqlite3").display());
/// let auth = Adyton::builder().url(url).build().await?;
/// let ada = auth.create_user(&Registration {
///     name: "Ada".into(),
///     email: "ada@example.com".into(),
///     password: "correct horse 1".into(),
///     ..Registration::default()
/// }).await?;
///
/// let wanted = NewPersonalToken {
///     name: "deploy".into(),
///     abilities: Some(vec!["orders:read".into()]),
///     expiry: WantedExpiry::Never,
/// };
/// let created = auth.create_token(ada.id, wanted, None, &Client::default()).await?;
///
/// let caller = auth.authenticate(created.token.expose()).await?;
/// assert!(caller.can("orders:read") && !caller.can("orders:write"));
/// auth.revoke_token(ada.id, created.info.id, &Client::default()).await?;
/// assert!(auth.authenticate(created.token.expose()).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Adyton(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    auth: Auth,
    token_header: HeaderName,
    web: WebOptions,
    cookies: Cookies,
    exemptions: Vec<RoutePattern>,
}

impl Adyton {
    /// Begins with every option at its default.
    pub fn builder() -> crate::Builder {
        crate::Builder::default()
    }

    /// HTTP on an engine. What is read here was validated with the configuration.
    pub(crate) fn new(auth: Auth) -> Self {
        let name = HeaderName::try_from(&auth.config().token_header);
        let token_header = name.unwrap_or(http::header::AUTHORIZATION);
        let web = auth.config().web().unwrap_or_default();
        let cookies = Cookies::new(auth.config(), &web);
        let exemptions = auth.config().exemptions().unwrap_or_default();
        Self(Arc::new(Inner { auth, token_header, web, cookies, exemptions }))
    }

    /// The endpoints under `server.base_path`, to be merged into the app's router.
    ///
    /// Serve it with [`axum::extract::connect_info`], so that the addresses of clients are known.
    pub fn router(&self) -> Router {
        routes::api(self)
    }

    /// `/healthz` (the process lives) and `/readyz` (the store answers), for the root of a server.
    pub fn health_router(&self) -> Router {
        routes::health(self)
    }

    /// What the app's own routes need for [`CurrentUser`](crate::CurrentUser) and its relatives.
    /// Routes that use none of them pay nothing.
    #[must_use]
    pub fn layer(&self) -> AuthLayer {
        AuthLayer::new(self.clone())
    }

    /// What an app's own routes need where a session cookie counts: it refuses a request that other
    /// sites may have made a browser send, 403 `csrf_failed`, and puts the cookie `XSRF-TOKEN` on
    /// answers to pages of our own. Without a session cookie, with a token, and for GET, HEAD, OPTIONS
    /// and TRACE it lets everything pass. The endpoints have it already.
    ///
    /// ```
    /// # fn app(auth: adyton::Adyton) -> axum::Router {
    /// use axum::routing::post;
    ///
    /// axum::Router::new()
    ///     .route("/orders", post(async |user: adyton::CurrentUser| user.name.clone()))
    ///     .layer(auth.layer())
    ///     .layer(auth.csrf_layer())
    /// # }
    /// ```
    #[must_use]
    pub fn csrf_layer(&self) -> CsrfLayer {
        CsrfLayer::new(self.clone())
    }

    /// Who sends a request, by its token header or its session cookie, for an app whose requests do
    /// not pass through axum. `None` is a guest. What a cookie authenticates is checked against CSRF
    /// unless its method is safe. The client's address is that of
    /// [`ConnectInfo`](axum::extract::ConnectInfo) in the extensions.
    ///
    /// # Errors
    /// The refusal as it is to be answered: a bad credential, a failed check, a store that fails.
    ///
    /// ```
    /// # use adyton::{Adyton, Client, NewPersonalToken, Registration};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let auth = Adyton::builder().store(adyton::core::store::MemoryStore::new()).build().await?;
    /// # let ada = auth.create_user(&Registration {
    /// #     name: "Ada".into(), email: "ada@example.com".into(),
    /// #     password: "correct horse 1".into(), ..Registration::default()
    /// # }).await?;
    /// # let wanted = NewPersonalToken { name: "deploy".into(), ..NewPersonalToken::default() };
    /// # let created = auth.create_token(ada.id, wanted, None, &Client::default()).await?;
    /// # let token = created.token.expose();
    /// let request = http::Request::get("/orders").header("Authorization", format!("Bearer {token}"));
    /// let (parts, ()) = request.body(())?.into_parts();
    /// let caller = auth.authenticate_request(&parts).await?;
    /// assert_eq!(caller.map(|caller| caller.user_id()), Some(ada.id));
    ///
    /// let (parts, ()) = http::Request::get("/orders").body(())?.into_parts();
    /// assert!(auth.authenticate_request(&parts).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn authenticate_request(
        &self,
        parts: &Parts,
    ) -> Result<Option<Principal>, Rejection> {
        guard::authenticate_once(self, parts).await
    }

    /// Every header that [`authenticate_request`](Self::authenticate_request) looks at.
    #[must_use]
    pub fn telling_headers(&self) -> Vec<HeaderName> {
        guard::telling_headers(self)
    }

    /// A session as GET `/sessions` lists it.
    #[must_use]
    pub fn describe_session(session: SessionInfo) -> impl Serialize + use<> {
        routes::SessionBody::from(session)
    }

    pub(crate) fn token_header(&self) -> &HeaderName {
        &self.0.token_header
    }

    /// The options that say where requests may come from.
    pub(crate) fn web(&self) -> &WebOptions {
        &self.0.web
    }

    /// The routes that need no credential.
    pub(crate) fn exemptions(&self) -> &[RoutePattern] {
        &self.0.exemptions
    }

    /// The names and attributes of our cookies.
    pub(crate) fn cookies(&self) -> &Cookies {
        &self.0.cookies
    }
}

impl Deref for Adyton {
    type Target = Auth;

    fn deref(&self) -> &Auth {
        &self.0.auth
    }
}
