//! For the tests of an app: requests as somebody, with a real token through the whole stack.

pub use adyton_core::testing::ManualClock;

use crate::Adyton;
use adyton_core::auth::NewPersonalToken;
use adyton_core::device::Client;
use adyton_core::error::Error;
use adyton_core::secret::PlainText;
use adyton_core::user::UserId;
use http::{HeaderName, HeaderValue, Request};

/// Acts as a user with these abilities: mints a personal access token for them.
///
/// ```
/// use adyton::{Adyton, Registration, core::store::MemoryStore, testing::acting_as};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = Adyton::builder().store(MemoryStore::new()).build().await?;
/// let ada = auth.create_user(&Registration {
///     name: "Ada".into(),
///     email: "ada@example.com".into(),
///     password: "correct horse 1".into(),
///     ..Registration::default()
/// }).await?;
///
/// let actor = acting_as(&auth, ada.id, ["orders:read"]).await?;
/// let request = actor.sign(http::Request::get("/orders").body(())?);
/// assert!(request.headers().contains_key("authorization"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`create_token`](adyton_core::Auth::create_token).
pub async fn acting_as<S: Into<String>>(
    auth: &Adyton,
    user: UserId,
    abilities: impl IntoIterator<Item = S>,
) -> Result<Actor, Error> {
    let abilities = Some(abilities.into_iter().map(Into::into).collect());
    let new = NewPersonalToken { name: "test".into(), abilities, ..NewPersonalToken::default() };
    let created = auth.create_token(user, new, None, &Client::default()).await?;
    Ok(Actor::new(auth, created.token))
}

/// Somebody who makes requests.
#[derive(Clone, Debug)]
pub struct Actor {
    token: PlainText,
    name: HeaderName,
    value: HeaderValue,
}

impl Actor {
    fn new(auth: &Adyton, token: PlainText) -> Self {
        let text = format!("{} {}", auth.config().prefix, token.expose());
        // Prefix and token are printable ASCII.
        let mut value =
            HeaderValue::try_from(text.trim_start()).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        Self { token, name: auth.token_header().clone(), value }
    }

    /// The token's plain text.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.expose()
    }

    /// The header that carries it.
    #[must_use]
    pub fn header(&self) -> (HeaderName, HeaderValue) {
        (self.name.clone(), self.value.clone())
    }

    /// Puts the token on a request.
    #[must_use]
    pub fn sign<B>(&self, mut request: Request<B>) -> Request<B> {
        request.headers_mut().insert(self.name.clone(), self.value.clone());
        request
    }
}
