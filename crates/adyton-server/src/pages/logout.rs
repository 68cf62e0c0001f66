//! Signing out: the end of this session, whatever it may do.

use super::Site;
use super::answer::Answer;
use super::signed_in::Visitor;
use adyton::core::auth::Presentation;
use axum::extract::State;
use axum::response::IntoResponse;

pub(super) async fn sign_out(State(site): State<Site>, visitor: Visitor) -> Answer {
    let browser = visitor.browser;
    let presented = Presentation { cookie: browser.cookie(), ..Presentation::default() };
    site.auth().logout(presented, browser.client()).await?;
    Ok((browser.signed_out(), site.go("/login", "signed-out")).into_response())
}
