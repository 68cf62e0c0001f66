//! The client: how requests are signed and sent, and what a 401 means. The endpoints are in
//! `endpoints.rs`, the tokens in `keeper.rs`.

use crate::answers::SignInAnswer;
use crate::builder::Builder;
use crate::keeper::Keeper;
use crate::{BaseUrl, Error, Problem, Secret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, Request, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const DEVICE: HeaderName = HeaderName::from_static("x-device-id");
/// A sign-in, a refresh or a sign-out that takes longer is given up: well within the server's grace, and
/// before others have waited for the storage for too long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A client of one Adyton server. Clones share their sign-in.
///
/// Before its access token ends, and when the server says that it has ended, the client gets the
/// next pair of tokens: once for all requests that wait for it. A server that cannot answer then, or
/// a network that is down, signs nobody out.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

struct Parts {
    http: reqwest::Client,
    base: BaseUrl,
    token_header: HeaderName,
    prefix: String,
    keeper: Keeper,
}

impl Client {
    /// A client that keeps its tokens in memory.
    ///
    /// # Errors
    /// Those of [`Builder::build`].
    pub fn new(base: BaseUrl) -> Result<Self, Error> {
        Self::builder(base).build()
    }

    /// A client with other options.
    pub fn builder(base: BaseUrl) -> Builder {
        Builder::new(base)
    }

    pub(crate) fn with(
        http: reqwest::Client,
        base: BaseUrl,
        token_header: HeaderName,
        prefix: String,
        keeper: Keeper,
    ) -> Self {
        Self(Arc::new(Parts { http, base, token_header, prefix, keeper }))
    }

    /// Where the endpoints are.
    #[must_use]
    pub fn base(&self) -> &BaseUrl {
        &self.0.base
    }

    /// A request of the app's own to the same server, for [`send`](Self::send): the path stands at
    /// the root, not below the endpoints.
    ///
    /// # Errors
    /// [`Error::Unsendable`] when the path cannot be part of a URL.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        let url = self.0.base.beside(path).map_err(|_| Error::Unsendable("this is no path"))?;
        Ok(self.0.http.request(method, url))
    }

    /// Signs a request and sends it; a guest's is sent as it is. Where the answer is a 401 that asks
    /// for a token (`WWW-Authenticate: Bearer`), the tokens are renewed and the request is sent once
    /// more, unless its body is a stream. Whatever comes then is the answer.
    ///
    /// A request that has a `token_header` already keeps it, and is sent once.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] for another server; [`Error::SessionEnded`], [`Error::NotRenewed`] and
    /// [`Error::Storage`] where the tokens were to be renewed; [`Error::Unanswered`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = request.build().map_err(Error::Malformed)?;
        if !self.0.base.is_at(request.url()) {
            return Err(Error::Elsewhere(request.url().clone()));
        }
        if request.headers().contains_key(&self.0.token_header) {
            return self.execute(request).await;
        }
        self.send_signed(request, asks_for_a_token).await
    }

    async fn send_signed(
        &self,
        request: Request,
        is_lost: impl Fn(&Response) -> bool,
    ) -> Result<Response, Error> {
        let again = request.try_clone();
        let Some(token) = self.0.keeper.fresh(self).await? else {
            return self.execute(request).await;
        };
        let response = self.execute(self.signed(request, &token)?).await?;
        let Some(again) = again.filter(|_| is_lost(&response)) else {
            return Ok(response);
        };
        match self.0.keeper.renew(&token, self).await? {
            Some(next) => self.execute(self.signed(again, &next)?).await,
            None => Ok(response),
        }
    }

    fn signed(&self, mut request: Request, token: &Secret) -> Result<Request, Error> {
        let text = format!("{} {}", self.0.prefix, token.expose());
        request.headers_mut().insert(self.0.token_header.clone(), header(text.trim_start())?);
        Ok(request)
    }

    async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.0.http.execute(request).await.map_err(Error::unanswered)
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    /// Calls an endpoint, signed.
    pub(crate) async fn call(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = request.build().map_err(Error::Malformed)?;
        // An endpoint's 401 is about the token, whatever a proxy has made of its headers.
        let is_lost = |response: &Response| response.status() == StatusCode::UNAUTHORIZED;
        accepted(self.send_signed(request, is_lost).await?).await
    }

    pub(crate) fn endpoint(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.http.request(method, self.0.base.endpoint(path))
    }

    /// An endpoint with a parameter, unless that is empty.
    pub(crate) fn asking(
        &self,
        method: Method,
        path: &str,
        parameter: &str,
        value: &str,
    ) -> RequestBuilder {
        let mut url = self.0.base.endpoint(path);
        if !value.is_empty() {
            url.query_pairs_mut().append_pair(parameter, value);
        }
        self.0.http.request(method, url)
    }

    /// Of these there are many: the session with this id, say.
    pub(crate) fn one_of(
        &self,
        method: Method,
        path: &str,
        id: &str,
    ) -> Result<RequestBuilder, Error> {
        let url = self.0.base.one_of(path, id).ok_or(Error::Unsendable("this is no id"))?;
        Ok(self.0.http.request(method, url))
    }

    /// Calls an endpoint with somebody else's token, or with none.
    pub(crate) async fn call_as(
        &self,
        request: RequestBuilder,
        token: Option<&Secret>,
    ) -> Result<Response, Error> {
        let mut request = request.build().map_err(Error::Malformed)?;
        if let Some(token) = token {
            request = self.signed(request, token)?;
        }
        accepted(self.execute(request).await?).await
    }

    /// Calls an endpoint that answers with a pair of tokens.
    pub(crate) async fn enter(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        device: Option<&Secret>,
    ) -> Result<SignInAnswer, Error> {
        let mut request = self.endpoint(Method::POST, path).json(body).timeout(PATIENCE);
        if let Some(device) = device {
            request = request.header(DEVICE, header(device.expose())?);
        }
        read(self.call_as(request, None).await?).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.0.base).finish_non_exhaustive()
    }
}

fn header(secret: &str) -> Result<HeaderValue, Error> {
    let unsendable = |_| Error::Unsendable("the token has characters that no header can carry");
    let mut value = HeaderValue::from_str(secret).map_err(unsendable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a route that may be anybody's wants another token than it got (RFC 6750, section 3).
fn asks_for_a_token(response: &Response) -> bool {
    let mut challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let bearer = |value: &HeaderValue| {
        value.as_bytes().get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"bearer"))
    };
    response.status() == StatusCode::UNAUTHORIZED && challenges.any(bearer)
}

/// The answer, unless it is a refusal.
async fn accepted(response: Response) -> Result<Response, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let body = response.bytes().await.map_err(Error::Unanswered)?;
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Err(Error::Refused(Box::new(Problem { retry_after, ..problem }))),
        Err(error) => Err(Error::Unexpected(status, Some(error.into()))),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The JSON of an answer.
pub(crate) async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    let status = response.status();
    let body = response.bytes().await.map_err(Error::Unanswered)?;
    serde_json::from_slice(&body).map_err(|error| Error::Unexpected(status, Some(error.into())))
}
