//! The sign-up page.

use super::Site;
use super::answer::{Answer, Frame, again, html, leading_to};
use super::errors::{Errors, Labels};
use super::form::{Fields, Query};
use super::next::Destination;
use super::signed_in::Visitor;
use adyton::Registration;
use askama::Template;
use axum::extract::State;

const LABELS: Labels = &[
    ("name", "Name"),
    ("email", "E-mail"),
    ("password", "Password"),
    ("passwordConfirmation", "The repetition"),
];

#[derive(Template)]
#[template(path = "register.html")]
struct Page<'a> {
    frame: Frame<'a>,
    errors: Errors,
    name: &'a str,
    email: &'a str,
    hint: String,
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
    let page = html(&page(&site, Errors::default(), ("", ""), next.as_ref()))?;
    Ok(leading_to(next.as_ref().and_then(Destination::origin), page))
}

pub(super) async fn register(
    State(site): State<Site>,
    visitor: Visitor,
    mut form: Fields,
) -> Answer {
    let next = Destination::read(&form.text("next"), &site);
    let registration = Registration {
        name: form.text("name"),
        email: form.text("email"),
        password: form.password("password"),
        password_confirmation: Some(form.password("passwordConfirmation")),
        options: visitor.options(false),
    };
    let (name, email) = (registration.name.clone(), registration.email.clone());
    match site.auth().register(registration, visitor.browser.client()).await {
        Ok(signed_in) => Ok(visitor.sign_in(&signed_in, site.onward(next.as_ref()))),
        Err(error) => {
            let page =
                again(error, LABELS, |errors| page(&site, errors, (&name, &email), next.as_ref()))?;
            Ok(leading_to(next.as_ref().and_then(Destination::origin), page))
        }
    }
}

fn page<'a>(
    site: &'a Site,
    errors: Errors,
    (name, email): (&'a str, &'a str),
    next: Option<&'a Destination>,
) -> Page<'a> {
    let hint = format!("At least {} characters.", site.auth().config().password.min_length);
    let next = next.map(Destination::as_str);
    Page { frame: site.frame(None), errors, name, email, hint, next }
}
