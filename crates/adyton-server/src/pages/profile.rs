//! Name and e-mail. A new e-mail needs the password.

use super::Site;
use super::answer::{Answer, Frame, again, html};
use super::errors::{Errors, Labels};
use super::form::Fields;
use super::signed_in::Member;
use adyton::core::auth::ProfileChange;
use askama::Template;
use axum::extract::State;

const LABELS: Labels =
    &[("name", "Name"), ("email", "E-mail"), ("currentPassword", "Current password")];

#[derive(Template)]
#[template(path = "profile.html")]
struct Page<'a> {
    frame: Frame<'a>,
    errors: Errors,
    name: &'a str,
    email: &'a str,
}

pub(super) async fn show(State(site): State<Site>, member: Member) -> Answer {
    let user = member.principal.user();
    let frame = site.frame_of(&member, "profile", None);
    html(&Page { frame, errors: Errors::default(), name: &user.name, email: &user.email })
}

pub(super) async fn change(State(site): State<Site>, member: Member, mut form: Fields) -> Answer {
    let (name, email) = (form.text("name"), form.text("email"));
    let change = ProfileChange {
        name: Some(name.clone()),
        // As it stands it is no change, and needs no password.
        email: Some(email.clone()).filter(|email| *email != member.principal.user().email),
        current_password: Some(form.password("currentPassword")),
    };
    match site.auth().update_user(&member.principal, change, member.client()).await {
        Ok(_) => Ok(site.go("", "profile")),
        Err(error) => again(error, LABELS, |errors| {
            let frame = site.frame_of(&member, "profile", None);
            Page { frame, errors, name: &name, email: &email }
        }),
    }
}
