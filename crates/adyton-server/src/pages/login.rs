//! The sign-in page.

use super::Site;
use super::answer::{Answer, Frame, again, html, leading_to};
use super::errors::{Errors, Labels};
use super::form::{Fields, Query};
use super::next::Destination;
use super::signed_in::Visitor;
use adyton::Credentials;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};

const LABELS: Labels = &[("email", "E-mail"), ("password", "Password")];

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    frame: Frame<'a>,
    errors: Errors,
    email: &'a str,
    remember: bool,
    next: Option<&'a str>,
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Query(mut query): Query,
) -> Answer {
    let next = Destination::read(&query.text("next"), &site);
    if visitor.principal.is_some() {
        return Ok(site.onward(next.as_ref()));
    }
    let notice = match query.text("done").as_str() {
        "signed-out" => Some("You are signed out."),
        "deleted" => Some("Your account is deleted."),
        "ended" => Some("You were signed out on this device. Sign in again."),
        _ => None,
    };
    let page = html(&Page {
        frame: site.frame(notice),
        errors: Errors::default(),
        email: "",
        remember: false,
        next: next.as_ref().map(Destination::as_str),
    })?;
    Ok(leading_to(next.as_ref().and_then(Destination::origin), page))
}

pub(super) async fn sign_in(
    State(site): State<Site>,
    visitor: Visitor,
    mut form: Fields,
) -> Answer {
    let next = Destination::read(&form.text("next"), &site);
    let (email, remember) = (form.text("email"), form.ticked("remember"));
    let credentials = Credentials {
        email: email.clone(),
        password: form.password("password"),
        options: visitor.options(remember),
    };
    match site.auth().login(credentials, visitor.browser.client()).await {
        Ok(signed_in) => Ok(visitor.sign_in(&signed_in, site.onward(next.as_ref()))),
        Err(error) => {
            let page = again(error, LABELS, |errors| Page {
                frame: site.frame(None),
                errors,
                email: &email,
                remember,
                next: next.as_ref().map(Destination::as_str),
            })?;
            Ok(leading_to(next.as_ref().and_then(Destination::origin), page))
        }
    }
}

impl Site {
    /// Where somebody goes who is signed in now.
    pub(super) fn onward(&self, next: Option<&Destination>) -> axum::response::Response {
        let account = || Redirect::to(&self.at("")).into_response();
        next.map_or_else(account, Destination::go)
    }
}
