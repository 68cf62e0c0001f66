//! From options to a client.

use crate::client::Client;
use crate::keeper::Keeper;
use crate::storage::{Storage, Stored, Tokens};
use crate::{BaseUrl, Error, Memory, Secret};
use reqwest::header::{AUTHORIZATION, HeaderName};
use std::fmt;
use time::OffsetDateTime;

pub(crate) type Clock = Box<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// Builds a [`Client`].
#[must_use]
pub struct Builder {
    base: BaseUrl,
    storage: Box<dyn Storage>,
    http: Option<reqwest::Client>,
    user_agent: String,
    token_header: HeaderName,
    prefix: String,
    allow_http: bool,
    clock: Clock,
}

impl Builder {
    pub(crate) fn new(base: BaseUrl) -> Self {
        Self {
            base,
            storage: Box::new(Memory::default()),
            http: None,
            user_agent: concat!("adyton-client/", env!("CARGO_PKG_VERSION")).into(),
            token_header: AUTHORIZATION,
            prefix: "Bearer".into(),
            allow_http: false,
            clock: Box::new(OffsetDateTime::now_utc),
        }
    }

    /// Where to keep what the client is signed in with: in [`Memory`] by default.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Box::new(storage);
        self
    }

    /// A personal access token that the client is signed in with, kept in memory. It is not renewed.
    pub fn token(self, token: impl Into<Secret>) -> Self {
        let tokens = Some(Tokens::personal(token.into()));
        self.storage(Memory::holding(Stored { tokens, ..Stored::default() }))
    }

    /// An HTTP client of the app's own, with its proxies, time-outs and roots. It should not follow
    /// redirects with a `token_header` other than `Authorization`, which would go along to any host.
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// What the client calls itself; users read it in their list of sessions. An
    /// [own HTTP client](Self::http) has its own.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// The header that carries the token, where the server has another `token_header`.
    pub fn token_header(mut self, name: HeaderName) -> Self {
        self.token_header = name;
        self
    }

    /// The word before the token, where the server has another `prefix`; empty for none.
    pub fn prefix(mut self, word: impl Into<String>) -> Self {
        self.prefix = word.into();
        self
    }

    /// Sends passwords and tokens over plain `http` to another machine too: where the network between
    /// is one's own, or encrypts by itself as a service mesh does. Without it only `https`, and `http`
    /// to this machine, are spoken; no name or address tells whether a network can be trusted.
    pub fn allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// A clock of the app's own, for tests.
    pub fn clock(mut self, clock: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The client. Nothing is read or sent yet.
    ///
    /// # Errors
    /// [`Error::PlainHttp`] without [`allow_http`](Self::allow_http);
    /// [`Error::Setup`] when the system has no roots to trust, or the name for the user agent cannot
    /// stand in a header.
    pub fn build(self) -> Result<Client, Error> {
        if self.base.is_readable_by_others() && !self.allow_http {
            return Err(Error::PlainHttp(self.base));
        }
        let http = match self.http {
            Some(http) => http,
            None => http(&self.base, &self.user_agent)?,
        };
        let keeper = Keeper::new(self.storage, self.clock);
        Ok(Client::with(http, self.base, self.token_header, self.prefix, keeper))
    }
}

/// Without the storage, which may hold tokens.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn http(base: &BaseUrl, user_agent: &str) -> Result<reqwest::Client, Error> {
    use reqwest::redirect::Policy;
    use std::time::Duration;
    let builder = reqwest::Client::builder()
        .user_agent(user_agent)
        // No endpoint redirects, and a token should not arrive where nobody sent it.
        .redirect(Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30));
    #[cfg(feature = "rustls")]
    let builder = builder.tls_backend_preconfigured(
        crate::tls::config(base).map_err(|error| Error::Setup(error.into()))?,
    );
    #[cfg(not(feature = "rustls"))]
    let _ = base;
    builder.build().map_err(|error| Error::Setup(error.into()))
}

/// A browser has its own ways with all of that.
#[cfg(target_arch = "wasm32")]
fn http(_: &BaseUrl, _: &str) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder().build().map_err(|error| Error::Setup(error.into()))
}
