//! Personal access tokens: listed, made and revoked. The plain text of a new one stands in the
//! answer to its form and nowhere else, so that this form alone is not followed by a redirect.

use super::Site;
use super::answer::{Answer, Frame, again, html};
use super::errors::{Errors, Labels};
use super::form::{Fields, Query};
use super::signed_in::Member;
use super::words::{self, Moment};
use adyton::core::auth::TokenInfo;
use adyton::core::error::{Error, Problems};
use adyton::core::token::TokenId;
use adyton::{NewPersonalToken, WantedExpiry};
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

const LABELS: Labels = &[("name", "Name"), ("abilities", "Abilities"), ("expiresAt", "Expiry")];
const DAY: u64 = 86_400;

#[derive(Template)]
#[template(path = "tokens.html")]
struct Page<'a> {
    frame: Frame<'a>,
    errors: Errors,
    tokens: Vec<Row>,
    typed: Typed,
    lives: Vec<Life>,
}

#[derive(Template)]
#[template(path = "token_created.html")]
struct Created<'a> {
    frame: Frame<'a>,
    name: &'a str,
    token: &'a str,
    expires: Option<Moment>,
}

/// A token in the list.
struct Row {
    id: i64,
    name: String,
    abilities: Vec<String>,
    created: Option<Moment>,
    used: Option<Moment>,
    expires: Option<Moment>,
}

/// How long a token may live.
struct Life {
    value: String,
    text: String,
    usual: bool,
}

impl Life {
    fn is_chosen(&self, typed: &Typed) -> bool {
        if typed.life.is_empty() { self.usual } else { self.value == typed.life }
    }
}

/// What was typed into the form.
#[derive(Default)]
struct Typed {
    name: String,
    abilities: String,
    life: String,
}

impl From<TokenInfo> for Row {
    fn from(token: TokenInfo) -> Self {
        Self {
            id: token.id.0,
            abilities: token.abilities.iter().map(str::to_owned).collect(),
            name: token.name,
            created: token.created_at.map(Moment::from),
            used: token.last_used_at.map(Moment::from),
            expires: token.expires_at.map(Moment::from),
        }
    }
}

pub(super) async fn show(
    State(site): State<Site>,
    member: Member,
    Query(mut query): Query,
) -> Answer {
    let notice = (query.text("done") == "revoked").then_some("The token is revoked.");
    let frame = site.frame_of(&member, "tokens", notice);
    let tokens = list(&site, &member).await?;
    let (errors, typed) = (Errors::default(), Typed::default());
    html(&Page { frame, errors, tokens, typed, lives: lives(&site) })
}

pub(super) async fn create(State(site): State<Site>, member: Member, mut form: Fields) -> Answer {
    let typed = Typed {
        name: form.text("name"),
        abilities: form.text("abilities"),
        life: form.text("expiresAt"),
    };
    let owner = member.principal.user_id();
    let created = match read(&site, &typed) {
        Ok(new) => {
            site.auth().create_token(owner, new, Some(&member.principal), member.client()).await
        }
        Err(problems) => Err(problems.into()),
    };
    match created {
        Ok(created) => html(&Created {
            frame: site.frame_of(&member, "tokens", None),
            name: &created.info.name,
            token: created.token.expose(),
            expires: created.info.expires_at.map(Moment::from),
        }),
        Err(error) => {
            let tokens = list(&site, &member).await?;
            let frame = site.frame_of(&member, "tokens", None);
            again(error, LABELS, |errors| Page {
                frame,
                errors,
                tokens,
                typed,
                lives: lives(&site),
            })
        }
    }
}

pub(super) async fn revoke(
    State(site): State<Site>,
    member: Member,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    let Path(id) = id.map_err(|_| Error::NotFound)?;
    // One id has one name: neither `+1` nor `01` is 1.
    let number = id.parse().ok().filter(|number: &i64| number.to_string() == id);
    let id = TokenId(number.ok_or(Error::NotFound)?);
    site.auth().revoke_token(member.principal.user_id(), id, member.client()).await?;
    Ok(site.go("/tokens", "revoked"))
}

async fn list(site: &Site, member: &Member) -> Result<Vec<Row>, Error> {
    let caller = &member.principal;
    let tokens = site.auth().list_tokens(caller.user_id(), Some(caller)).await?;
    Ok(tokens.into_iter().rev().map(Row::from).collect())
}

fn read(site: &Site, typed: &Typed) -> Result<NewPersonalToken, Problems> {
    let abilities: Vec<String> = typed
        .abilities
        .split(|letter: char| letter.is_ascii_whitespace() || letter == ',')
        .filter(|ability| !ability.is_empty())
        .map(str::to_owned)
        .collect();
    let offered = lives(site).into_iter().any(|life| life.value == typed.life);
    let expiry = match typed.life.parse() {
        Ok(seconds) if offered => site.auth().in_seconds(seconds),
        Err(_) if offered => WantedExpiry::Never,
        _ => return Err(Problems::of("expiresAt", "must be one of the list")),
    };
    let abilities = Some(abilities).filter(|abilities| !abilities.is_empty());
    Ok(NewPersonalToken { name: typed.name.clone(), abilities, expiry })
}

/// The lives to choose from, within what the configuration allows.
fn lives(site: &Site) -> Vec<Life> {
    let config = site.auth().config();
    let longest = config.personal_token_max_expiration.map(|max| max.seconds());
    let usual = config.personal_token_expiration.seconds();
    let usual = longest.map_or(usual, |longest| if usual == 0 { longest } else { usual });
    let mut seconds: Vec<u64> = [7, 30, 90, 365].map(|days| days * DAY).to_vec();
    seconds.extend([usual].into_iter().chain(longest).filter(|seconds| *seconds > 0));
    seconds.retain(|seconds| longest.is_none_or(|longest| *seconds <= longest));
    seconds.sort_unstable();
    seconds.dedup();
    let life = |seconds: u64| Life {
        value: seconds.to_string(),
        text: words::duration(seconds),
        usual: seconds == usual,
    };
    let never = longest.is_none().then(|| Life {
        value: "never".to_owned(),
        text: "No end".to_owned(),
        usual: usual == 0,
    });
    seconds.into_iter().map(life).chain(never).collect()
}
