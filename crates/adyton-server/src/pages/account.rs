//! The account: who it is, and the devices on which they are signed in.

use super::Site;
use super::answer::{Answer, Frame, html};
use super::form::Query;
use super::signed_in::Member;
use super::words::Moment;
use adyton::core::auth::SessionInfo;
use adyton::core::device::DeviceKind;
use adyton::core::error::Error;
use adyton::core::session::Guard;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    frame: Frame<'a>,
    name: &'a str,
    email: &'a str,
    since: Option<Moment>,
    devices: Vec<Row>,
}

/// A session in the list of devices.
struct Row {
    id: String,
    name: String,
    kind: &'static str,
    /// Whether it is an app or a program with an access token.
    by_token: bool,
    network: Option<String>,
    first: Moment,
    last: Moment,
    current: bool,
}

impl From<SessionInfo> for Row {
    fn from(session: SessionInfo) -> Self {
        let (kind, device) = (what(session.device.kind()), session.device);
        let name = device.name.filter(|name| !name.trim().is_empty()).or(device.user_agent);
        Self {
            id: session.id,
            name: name.unwrap_or_else(|| "Unknown device".to_owned()),
            kind,
            by_token: session.guard == Guard::Token,
            network: device.network,
            first: session.created_at.into(),
            last: session.last_seen_at.into(),
            current: session.current,
        }
    }
}

/// What a device says it is.
fn what(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Desktop => "Computer",
        DeviceKind::Phone => "Phone",
        DeviceKind::Tablet => "Tablet",
        DeviceKind::Bot | DeviceKind::Cli => "Program",
        _ => "Device",
    }
}

pub(super) async fn show(
    State(site): State<Site>,
    member: Member,
    Query(mut query): Query,
) -> Answer {
    let caller = &member.principal;
    let mut sessions = site.auth().list_sessions(caller.user_id(), Some(caller)).await?;
    // What one holds in one's hand comes first.
    sessions.sort_by_key(|session| !session.current);
    let notice = match query.text("done").as_str() {
        "device" => Some("The device is signed out."),
        "devices" => Some("All other devices are signed out."),
        "profile" => Some("Your profile is saved."),
        "password" => Some("Your password is changed. All other devices are signed out."),
        _ => None,
    };
    let user = caller.user();
    html(&Page {
        frame: site.frame_of(&member, "account", notice),
        name: &user.name,
        email: &user.email,
        since: user.created_at.map(Moment::from),
        devices: sessions.into_iter().map(Row::from).collect(),
    })
}

pub(super) async fn end_device(
    State(site): State<Site>,
    member: Member,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    let Path(id) = id.map_err(|_| Error::NotFound)?;
    site.auth().end_session(member.principal.user_id(), &id, member.client()).await?;
    Ok(site.go("", "device"))
}

pub(super) async fn end_others(State(site): State<Site>, member: Member) -> Answer {
    site.auth().end_other_sessions(&member.principal, member.client()).await?;
    Ok(site.go("", "devices"))
}
