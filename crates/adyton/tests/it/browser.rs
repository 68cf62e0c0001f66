//! A browser: it keeps cookies, and says of each request which page sent it.

use crate::world::{Actor, BASE, PASSWORD, Response, World};
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{Method, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which page a request comes from, as its browser tells it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Page {
    /// One of our own.
    #[default]
    Own,
    /// An old browser, or none: nothing is said.
    Silent,
    /// These headers.
    Says(Vec<(&'static str, String)>),
}

impl Page {
    /// A page of another site.
    pub(crate) fn evil() -> Self {
        let origin = ("origin", "https://evil.example".to_owned());
        Self::Says(vec![("sec-fetch-site", "cross-site".to_owned()), origin])
    }

    /// A page of this origin, in a browser that sends no Fetch Metadata.
    pub(crate) fn of(origin: &str) -> Self {
        Self::Says(vec![("origin", origin.to_owned())])
    }
}

#[derive(Clone)]
pub(crate) struct Browser {
    door: Actor,
    pub(crate) host: &'static str,
    pub(crate) page: Page,
    pub(crate) jar: BTreeMap<String, String>,
    /// Sent beside the cookies; empty for none.
    pub(crate) token: String,
    pub(crate) agent: &'static str,
    /// Whether it sends `XSRF-TOKEN` back as a header, as axios does.
    pub(crate) echoes_xsrf: bool,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            door: world.anonymous(),
            host: "localhost:3000",
            page: Page::Own,
            jar: BTreeMap::new(),
            token: String::new(),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            echoes_xsrf: false,
        }
    }

    /// Somebody who has signed up with it as `<name>@example.com`.
    pub(crate) async fn registered(world: &World, name: &str) -> Self {
        let mut browser = Self::new(world);
        let body = json!({
            "name": name, "email": format!("{name}@example.com"), "password": PASSWORD,
        });
        browser.post("/register", body).await.expect(201);
        browser
    }

    /// The same person before another router.
    pub(crate) fn before(&self, world: &World) -> Self {
        Self { door: world.anonymous(), ..self.clone() }
    }

    /// The same browser, connected from this address.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { door: self.door.at(address), ..self.clone() }
    }

    /// The same browser on another page.
    pub(crate) fn on(&self, page: Page) -> Self {
        Self { page, ..self.clone() }
    }

    pub(crate) fn session(&self) -> Option<&str> {
        let mut cookies = self.jar.iter();
        cookies.find(|(name, _)| name.ends_with("adyton_session")).map(|(_, value)| &**value)
    }

    pub(crate) async fn login(&mut self, name: &str) -> Response {
        let email = format!("{name}@example.com");
        self.post("/login", json!({ "email": email, "password": PASSWORD })).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Response {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Response {
        self.call(Method::DELETE, path, None).await
    }

    /// Whether the cookie is accepted; it fails on any answer but yes and 401.
    pub(crate) async fn is_in(&mut self) -> bool {
        let response = self.get("/user").await;
        assert!(matches!(response.status, 200 | 401), "{response:?}");
        response.status == 200
    }

    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        self.visit(method, &format!("{BASE}{path}"), body).await
    }

    /// A call of any path; what it answers about cookies is kept.
    pub(crate) async fn visit(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
            *request.body_mut() = Body::from(body.to_string());
        }
        let response = self.door.send(request).await;
        self.keep(&response);
        response
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.host)
            .header("user-agent", self.agent);
        let says: Vec<(&str, String)> = match &self.page {
            Page::Own => vec![("sec-fetch-site", "same-origin".to_owned())],
            Page::Silent => Vec::new(),
            Page::Says(headers) => headers.clone(),
        };
        for (name, value) in says {
            request = request.header(name, value);
        }
        if !self.jar.is_empty() {
            let cookies = self.jar.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header(COOKIE, cookies.collect::<Vec<_>>().join("; "));
        }
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if let Some(xsrf) = self.jar.get("XSRF-TOKEN").filter(|_| self.echoes_xsrf) {
            request = request.header("x-xsrf-token", xsrf);
        }
        request.body(Body::empty()).unwrap()
    }

    fn keep(&mut self, response: &Response) {
        for line in response.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() || line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Browser {
    /// A call with one header more.
    pub(crate) async fn with_header(
        &mut self,
        name: &str,
        value: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Response {
        let mut request = self.request(method, &format!("{BASE}{path}"));
        let name = http::HeaderName::try_from(name).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
        request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *request.body_mut() = Body::from(body.to_string());
        let response = self.door.send(request).await;
        self.keep(&response);
        response
    }
}
