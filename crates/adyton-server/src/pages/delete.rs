//! The end of an account.

use super::Site;
use super::answer::{Answer, Frame, again, html};
use super::errors::{Errors, Labels};
use super::form::Fields;
use super::signed_in::Member;
use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse;

const LABELS: Labels = &[("password", "Password")];

#[derive(Template)]
#[template(path = "delete.html")]
struct Page<'a> {
    frame: Frame<'a>,
    errors: Errors,
    email: &'a str,
}

pub(super) async fn show(State(site): State<Site>, member: Member) -> Answer {
    html(&page(&site, &member, Errors::default()))
}

pub(super) async fn delete(State(site): State<Site>, member: Member, mut form: Fields) -> Answer {
    let password = form.password("password");
    match site.auth().delete_user(&member.principal, password.expose(), member.client()).await {
        Ok(()) => Ok((member.browser.signed_out(), site.go("/login", "deleted")).into_response()),
        Err(error) => again(error, LABELS, |errors| page(&site, &member, errors)),
    }
}

fn page<'a>(site: &'a Site, member: &'a Member, errors: Errors) -> Page<'a> {
    let frame = site.frame_of(member, "delete", None);
    Page { frame, errors, email: &member.principal.user().email }
}
