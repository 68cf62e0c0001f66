//! A new password. Every other device is signed out by it.

use super::Site;
use super::answer::{Answer, Frame, again, html};
use super::errors::{Errors, Labels};
use super::form::Fields;
use super::signed_in::Member;
use adyton::Problems;
use askama::Template;
use axum::extract::State;

const LABELS: Labels = &[
    ("currentPassword", "Current password"),
    ("password", "New password"),
    ("passwordConfirmation", "The repetition"),
];

#[derive(Template)]
#[template(path = "password.html")]
struct Page<'a> {
    frame: Frame<'a>,
    errors: Errors,
    email: &'a str,
    hint: String,
    revoke_tokens: bool,
}

pub(super) async fn show(State(site): State<Site>, member: Member) -> Answer {
    html(&page(&site, &member, Errors::default(), false))
}

pub(super) async fn change(State(site): State<Site>, member: Member, mut form: Fields) -> Answer {
    let (current, new) = (form.password("currentPassword"), form.password("password"));
    let revoke_tokens = form.ticked("revokeTokens");
    let same = form.password("passwordConfirmation") == new;
    let (caller, client) = (&member.principal, member.client());
    let changed = match same {
        true => {
            site.auth()
                .change_password(caller, current.expose(), new.expose(), revoke_tokens, client)
                .await
        }
        false => Err(Problems::of("passwordConfirmation", "does not match the password").into()),
    };
    match changed {
        Ok(()) => Ok(site.go("", "password")),
        Err(error) => again(error, LABELS, |errors| page(&site, &member, errors, revoke_tokens)),
    }
}

fn page<'a>(site: &'a Site, member: &'a Member, errors: Errors, revoke_tokens: bool) -> Page<'a> {
    let hint = format!("At least {} characters.", site.auth().config().password.min_length);
    let frame = site.frame_of(member, "password", None);
    Page { frame, errors, email: &member.principal.user().email, hint, revoke_tokens }
}
