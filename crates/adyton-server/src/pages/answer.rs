//! What the answers of all pages have in common: their headers, their frame, and how a refusal
//! looks to a person. Its status and its log line are those of the endpoints.

use super::errors::{Told, told};
use super::signed_in::Member;
use super::{Site, assets, words};
use adyton::core::error::{Error, Refusal};
use adyton::core::origin::Origin;
use adyton::{Browser, CsrfReason, CsrfStatus, Rejection, User};
use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION,
    REFERRER_POLICY, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use std::sync::Arc;

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a page gives, or why it does not.
pub(super) type Answer = Result<Response, Failure>;

/// A refusal on its way to [`dress`], which makes a page of it.
pub(super) struct Failure(pub(super) Rejection);

#[derive(Clone)]
pub(super) struct Failed(Arc<Rejection>);

impl<E: Into<Rejection>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(Failed(Arc::new(self.0)));
        response
    }
}

/// What stands around the content of a page.
pub(super) struct Frame<'a> {
    pub(super) path: &'a str,
    pub(super) site: &'a str,
    /// Who is signed in.
    pub(super) email: Option<&'a str>,
    /// Which page it is, for the navigation.
    pub(super) here: &'static str,
    /// What was just done.
    pub(super) notice: Option<&'static str>,
}

impl Site {
    /// The frame of a page for guests.
    pub(super) fn frame(&self, notice: Option<&'static str>) -> Frame<'_> {
        Frame { path: &self.0.path, site: &self.0.name, email: None, here: "", notice }
    }

    /// The frame of a page of somebody's account.
    pub(super) fn frame_of<'a>(
        &'a self,
        member: &'a Member,
        here: &'static str,
        notice: Option<&'static str>,
    ) -> Frame<'a> {
        let user: &User = member.principal.user();
        Frame { email: Some(&user.email), here, ..self.frame(notice) }
    }

    /// Goes on to another page, where `done` is told. After a form, so that reloading does not send
    /// it again.
    pub(super) fn go(&self, below: &str, done: &str) -> Response {
        Redirect::to(&format!("{}?done={done}", self.at(below))).into_response()
    }
}

/// A page of a template.
pub(super) fn html(page: &impl Template) -> Answer {
    match page.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page was not rendered");
            Err(Failure(Rejection::Misconfigured("a page was not rendered")))
        }
    }
}

/// The same form again with what is wrong with it, under the status that the endpoint has for it.
/// What is no matter of the form becomes a page of its own.
pub(super) fn again<T: Template>(
    error: Error,
    labels: super::errors::Labels,
    page: impl FnOnce(super::errors::Errors) -> T,
) -> Answer {
    let Some(errors) = super::errors::Errors::of(&error, labels) else { return Err(error.into()) };
    let page = html(&page(errors))?;
    Ok(with_head_of(Rejection::from(error), page))
}

/// A page under the status and the headers that the endpoints give a refusal.
fn with_head_of(refusal: Rejection, page: Response) -> Response {
    let (mut head, _) = refusal.into_response().into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.extend(page.headers().clone());
    Response::from_parts(head, page.into_body())
}

/// A page under a policy that lets its form lead to another front end's origin.
pub(super) fn leading_to(origin: Option<&Origin>, mut page: Response) -> Response {
    let policy = origin.and_then(|origin| HeaderValue::try_from(policy(Some(origin))).ok());
    page.headers_mut().extend(policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    page
}

fn policy(form_leads_to: Option<&Origin>) -> String {
    let mut policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
        frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        .to_owned();
    if let Some(origin) = form_leads_to {
        policy.push(' ');
        policy.push_str(&origin.to_string());
    }
    policy
}

/// Checks what all pages ask of a request, and gives every answer its headers.
pub(super) async fn dress(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let mut response = match check(&mut parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(failure) => failure.into_response(),
    };
    if let Some(Failed(refusal)) = response.extensions_mut().remove() {
        let cookies = response.headers().get_all(SET_COOKIE).iter().cloned().collect::<Vec<_>>();
        let allow = response.headers_mut().remove("allow");
        response = refused(&site, Arc::into_inner(refusal), &method, &path);
        response.headers_mut().extend(allow.map(|allow| (HeaderName::from_static("allow"), allow)));
        for cookie in cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    set(response.headers_mut());
    response
}

/// One host, which is ours; and no form of another site.
async fn check(parts: &mut Parts) -> Result<(), Failure> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    if hosts.next().is_none_or(|host| host.is_empty()) || hosts.next().is_some() {
        return Err(Failure(Rejection::Malformed("the request must name one Host")));
    }
    let browser = Browser::from_request_parts(parts, &()).await?;
    // The page that explains it has a style too.
    if browser.is_on_own_host() || assets::is_one(parts.uri.path()) {
        return Ok(());
    }
    Err(Failure(Rejection::Csrf(CsrfReason::PublicUrlMissing, CsrfStatus::Forbidden)))
}

fn set(headers: &mut HeaderMap) {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // A form then says where it comes from, and other sites learn nothing (CONTRACT 4.4).
        (REFERRER_POLICY, "same-origin"),
        (PERMISSIONS_POLICY, "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
        (CORP, "same-origin"),
        (VARY, "cookie"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy(None)) {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    }
}

/// Whoever has to sign in is sent there; everything else is explained.
fn refused(site: &Site, refusal: Option<Rejection>, method: &Method, path: &str) -> Response {
    let refusal = refusal.unwrap_or(Rejection::Misconfigured("an answer was shared"));
    if let Rejection::Engine(Error::Unauthenticated(reason)) = &refusal {
        return to_sign_in(site, *reason, method, path);
    }
    let page = explain(site, &told(&refusal), &refusal);
    with_head_of(refusal, page)
}

/// To the sign-in page, and from there back to the page that was asked for, or that had the form.
fn to_sign_in(site: &Site, reason: Refusal, method: &Method, path: &str) -> Response {
    let form = ["/profile", "/tokens", "/password", "/delete"]
        .into_iter()
        .find(|page| path.strip_prefix(&site.at(page)).is_some());
    let next = match *method {
        Method::GET | Method::HEAD => path.to_owned(),
        _ => site.at(form.unwrap_or_default()),
    };
    let ended = reason != Refusal::Unauthenticated;
    let done = if ended { "&done=ended" } else { "" };
    let login = site.at("/login");
    let location = format!("{login}?next={}{done}", words::percent_encoded(&next));
    Redirect::to(&location).into_response()
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    frame: Frame<'a>,
    title: &'a str,
    text: &'a str,
    way_out: WayOut,
}

/// Where one can go from a refusal.
enum WayOut {
    Account,
    /// Somebody is signed in who may not do this.
    SignOut,
    /// No page answers here.
    None,
}

fn explain(site: &Site, told: &Told, refusal: &Rejection) -> Response {
    let way_out = match refusal {
        Rejection::Engine(Error::MissingAbility(_)) => WayOut::SignOut,
        Rejection::Csrf(CsrfReason::PublicUrlMissing, _) => WayOut::None,
        _ => WayOut::Account,
    };
    let page = Refused { frame: site.frame(None), title: told.title, text: &told.text, way_out };
    let text = page.render().unwrap_or_else(|_| told.title.to_owned());
    let mut page = Html(text).into_response();
    page.headers_mut().remove(LOCATION);
    page.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/html"));
    page
}
