//! The token header, byte by byte, and what is no token of its kind.

use crate::world::{Actor, Response, World};
use adyton::core::config::CacheMode;
use adyton::core::secret::{Hash, Kind, PlainText};
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderValue, Method};
use serde_json::json;

/// GET `/user` with these values of a header.
async fn present(actor: &Actor, name: &HeaderName, values: &[&[u8]]) -> Response {
    let mut request = actor.with_token("").request(Method::GET, "/api/auth/user");
    for value in values {
        request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    actor.send(request).await
}

async fn authorization(actor: &Actor, value: impl AsRef<[u8]>) -> Response {
    present(actor, &AUTHORIZATION, &[value.as_ref()]).await
}

#[tokio::test]
async fn the_prefix_is_matched_without_case_and_blanks_do_not_count() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = &ada.token;
    for value in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER   {token}"),
        format!("Bearer\t{token}"),
        format!("  Bearer {token}  "),
    ] {
        authorization(&ada, value).await.expect(200);
    }
}

#[tokio::test]
async fn what_is_no_token_is_nobody() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = &ada.token;
    for value in [
        "".to_owned(),
        "   ".to_owned(),
        "Basic YWRhOng=".to_owned(),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("Bearer{token}"),
        format!("Bearer:{token}"),
        format!("Bearer,{token}"),
        token.clone(),
        "null".to_owned(),
        "undefined".to_owned(),
        "Bearer null".to_owned(),
        "Bearer undefined".to_owned(),
        "bearer  null".to_owned(),
        "Bear".to_owned(),
    ] {
        authorization(&ada, &value).await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_prefix_followed_by_anything_else_is_an_invalid_token() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let token = &ada.token;
    let long = "a".repeat(100_000);
    for value in [
        b"Bearer".to_vec(),
        b"Bearer ".to_vec(),
        b"Bearer \xff\xfe".to_vec(),
        "Bearer ädt".into(),
        b"Bearer NULL".to_vec(),
        b"Bearer false".to_vec(),
        b"Bearer adt_".to_vec(),
        b"Bearer adr_".to_vec(),
        b"Bearer |".to_vec(),
        format!("Bearer {token}x").into(),
        format!("Bearer {token},").into(),
        format!("Bearer \"{token}\"").into(),
        format!("Bearer {token} {token}").into(),
        format!("Bearer {token}, Bearer {token}").into(),
        format!("Bearer Bearer {token}").into(),
        format!("Bearer {}", &token[..52]).into(),
        format!("Bearer {}", token.to_lowercase()).into(),
        format!("Bearer {}", token.to_uppercase()).into(),
        format!("Bearer {}", token.replacen("adt_", "ADT_", 1)).into(),
        format!("Bearer 1|{token}").into(),
        format!("Bearer {token}\t{}", "b".repeat(512)).into(),
        format!("Bearer {long}").into(),
        format!("Bearer adt_{long}").into(),
    ] {
        let response = authorization(&ada, &value).await.refused(401, "token_invalid");
        assert!(!response.body.contains(&token[10..40]), "{response:?}");
    }
}

#[tokio::test]
async fn no_byte_after_the_prefix_is_a_500() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for byte in (0..=255_u8).filter(|byte| HeaderValue::from_bytes(&[*byte]).is_ok()) {
        let alone = authorization(&ada, [byte]).await;
        assert_eq!(alone.status, 401, "{byte}");
        let mut changed = format!("Bearer {}", ada.token).into_bytes();
        changed[20] = byte;
        let response = authorization(&ada, &changed).await;
        let same = ada.token.as_bytes()[13] == byte;
        assert_eq!(response.status, if same { 200 } else { 401 }, "{byte}");
    }
}

#[tokio::test]
async fn a_header_stands_once() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let good = format!("Bearer {}", ada.token);
    for second in [good.as_str(), "", "Basic x", "Bearer x", "null"] {
        for pair in [[good.as_bytes(), second.as_bytes()], [second.as_bytes(), good.as_bytes()]] {
            let response = present(&ada, &AUTHORIZATION, &pair).await;
            response.refused(400, "malformed_request");
        }
    }
    let mut twice = ada.request(Method::GET, "/api/auth/session");
    twice.headers_mut().append(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    ada.send(twice).await.refused(400, "malformed_request");
}

#[tokio::test]
async fn a_token_elsewhere_is_no_token() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let query = format!("/user?token={0}&access_token={0}&api_token={0}", ada.token);
    world.anonymous().get(&query).await.refused(401, "unauthenticated");
    let body = json!({ "name": "X", "access_token": ada.token, "token": ada.token });
    let response = world.anonymous().call(Method::PATCH, "/user", Some(body)).await;
    response.refused(401, "unauthenticated");
    for name in ["x-api-key", "proxy-authorization", "x-authorization", "token", "cookie"] {
        let name = HeaderName::from_static(name);
        let value = format!("Bearer {}", ada.token);
        let response = present(&ada, &name, &[value.as_bytes()]).await;
        response.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn header_and_prefix_can_be_others() {
    let world = World::with(|config| {
        config.token_header = "X-Api-Key".into();
        config.prefix = String::new();
    })
    .await;
    let owner = world.token_user(&["*"]).await;
    let key = HeaderName::from_static("x-api-key");
    let good = owner.token.clone();
    present(&owner, &key, &[good.as_bytes()]).await.expect(200);
    for nothing in ["", "  ", "null", "undefined"] {
        let response = present(&owner, &key, &[nothing.as_bytes()]).await;
        response.refused(401, "unauthenticated");
    }
    let bearer = format!("Bearer {good}");
    let response = present(&owner, &key, &[bearer.as_bytes()]).await;
    response.refused(401, "token_invalid");
    authorization(&owner, &bearer).await.refused(401, "unauthenticated");
    let twice = [good.as_bytes(), good.as_bytes()];
    present(&owner, &key, &twice).await.refused(400, "malformed_request");

    let world = World::with(|config| config.prefix = "Token".into()).await;
    let owner = world.token_user(&["*"]).await;
    authorization(&owner, format!("token {}", owner.token)).await.expect(200);
    let bearer = format!("Bearer {}", owner.token);
    authorization(&owner, bearer).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn no_kind_of_secret_works_in_the_place_of_another() {
    for compat in [false, true] {
        let world = World::with(|config| {
            config.compat.sanctum_tokens = Some(compat);
            config.compat.imported_tokens = compat;
        })
        .await;
        let ada = world.user("ada").await;
        let personal = world.token_of(ada.id, &["*"]).await;
        for token in [
            ada.refresh.clone(),
            Hash::of(&ada.token).to_hex(),
            Hash::of(&personal.token).to_hex(),
            Hash::of(&ada.refresh).to_hex(),
            ada.session.clone(),
            ada.refresh.replacen("adr_", "adt_", 1),
            ada.token.replacen("adt_", "ads_", 1),
            rechecked(&ada.refresh.replacen("adr_", "adt_", 1)),
            PlainText::draw(Kind::Access).unwrap().expose().to_owned(),
            PlainText::draw(Kind::Cookie).unwrap().expose().to_owned(),
        ] {
            ada.with_token(&token).get("/user").await.refused(401, "token_invalid");
        }
        for token in [
            ada.token.clone(),
            personal.token.clone(),
            rechecked(&ada.token.replacen("adt_", "adr_", 1)),
            Hash::of(&ada.refresh).to_hex(),
        ] {
            ada.anonymous_refresh(&token).await.refused(401, "token_invalid");
        }
        assert!(ada.is_in().await && personal.is_in().await);
    }
}

/// Two refreshes later an access token stands among the replaced secrets of its session, where a
/// refresh token would be reuse.
#[tokio::test]
async fn an_old_access_token_refreshes_nothing_and_ends_nothing() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let latest = ada.refreshed().await.refreshed().await;
    ada.anonymous_refresh(&ada.token).await.refused(401, "token_invalid");
    assert!(latest.is_in().await);
    latest.refresh().await.expect(200);
}

#[tokio::test]
async fn a_wrong_checksum_is_refused_without_a_look_up() {
    let world = World::with(|config| config.cache.enabled = CacheMode::Off).await;
    let ada = world.user("ada").await;
    let before = (world.store.calls("find_token"), world.store.calls("find_session"));
    for at in [4, 20, 46, 47, 52] {
        let other = if ada.token.as_bytes()[at] == b'a' { "b" } else { "a" };
        let mut token = ada.token.clone();
        token.replace_range(at..=at, other);
        ada.with_token(&token).get("/user").await.refused(401, "token_invalid");
        let mut refresh = ada.refresh.clone();
        refresh.replace_range(at..=at, if refresh.as_bytes()[at] == b'a' { "b" } else { "a" });
        ada.anonymous_refresh(&refresh).await.refused(401, "token_invalid");
    }
    assert_eq!(before, (world.store.calls("find_token"), world.store.calls("find_session")));
}

/// A store whose collation ignores case would find these.
#[tokio::test]
async fn a_letters_case_matters_even_with_a_checksum_that_fits() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let flipped = |text: &str| {
        let at = text[4..].find(|letter: char| letter.is_ascii_alphabetic()).unwrap() + 4;
        let letter = text.as_bytes()[at];
        let other = char::from(letter ^ 0x20).to_string();
        let mut changed = text.to_owned();
        changed.replace_range(at..=at, &other);
        rechecked(&changed)
    };
    let token = flipped(&ada.token);
    assert!(PlainText::parse(Kind::Access, &token).is_some(), "its form is right");
    let before = world.store.calls("find_token");
    ada.with_token(&token).get("/user").await.refused(401, "token_invalid");
    assert_eq!(world.store.calls("find_token"), before + 1);
    let refresh = flipped(&ada.refresh);
    assert!(PlainText::parse(Kind::Refresh, &refresh).is_some());
    ada.anonymous_refresh(&refresh).await.refused(401, "token_invalid");
}

/// The text with the checksum that fits what stands before it.
fn rechecked(text: &str) -> String {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(&text.as_bytes()[..47]);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    format!("{}{}", &text[..47], String::from_utf8(digits.into()).unwrap())
}
