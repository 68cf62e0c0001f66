//! Signing out: the end of this session, whatever it may do.

use super::Site;
use super::answer::Answer;
use super::signed_in::Visitor;
use adyton::core::auth::Presentation;
use adyton::core::secret::PlainText;
use axum::extract::State;

pub(super) async fn sign_out(State(site): State<Site>, visitor: Visitor) -> Answer {
    let cookie = visitor.cookie.as_ref().map(PlainText::expose);
    let presented = Presentation { cookie, ..Presentation::default() };
    site.auth().logout(presented, &visitor.client).await?;
    Ok(site.signed_out(site.go("/login", "signed-out")))
}
