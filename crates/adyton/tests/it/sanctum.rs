//! A front end written for Laravel Sanctum, as it is (`compat.sanctum`).

use crate::browser::{Browser, Page};
use crate::world::{PASSWORD, World};
use adyton::Config;
use http::Method;
use serde_json::json;

/// A page on another subdomain, in a browser without Fetch Metadata, with axios.
async fn spa() -> (World, Browser) {
    let world = World::with(sanctum).await;
    let mut spa = Browser::new(&world).on(Page::of("https://app.example.com"));
    (spa.host, spa.echoes_xsrf) = ("api.example.com", true);
    (world, spa)
}

fn sanctum(config: &mut Config) {
    config.compat.sanctum = true;
    config.server.public_url = Some("https://api.example.com".into());
    config.cookie_domain = Some("example.com".into());
    config.allowed_origins = vec!["https://app.example.com".into()];
}

#[tokio::test]
async fn its_sign_in_works_on_its_own_paths() {
    let (_, mut spa) = spa().await;
    let answer = spa.visit(Method::GET, "/sanctum/csrf-cookie", None).await.expect(204);
    let line = answer.set_cookie("XSRF-TOKEN");
    assert!(line.contains("Domain=example.com") && line.contains("Secure"), "{line}");
    assert!(!line.contains("HttpOnly"), "{line}");
    let body = json!({
        "name": "Ada", "email": "ada@example.com",
        "password": PASSWORD, "password_confirmation": PASSWORD,
    });
    let answer = spa.visit(Method::POST, "/register", Some(body)).await.expect(201);
    assert_eq!(answer["guard"], "session");
    assert!(answer.set_cookie("__Secure-adyton_session").contains("Domain=example.com"));
    assert_eq!(spa.visit(Method::GET, "/api/user", None).await.expect(200)["name"], "Ada");
    spa.visit(Method::POST, "/logout", None).await.expect(204);
    assert!(spa.session().is_none());
    spa.visit(Method::GET, "/api/user", None).await.refused(401, "unauthenticated");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    spa.visit(Method::POST, "/login", Some(body)).await.expect(200);
    spa.visit(Method::GET, "/api/user", None).await.expect(200);
    assert_eq!(spa.get("/user").await.expect(200)["name"], "Ada", "the own paths are there too");
}

/// As Laravel does it. nuxt-auth-sanctum warns, at each page that its server renders, of an answer
/// that sets none.
#[tokio::test]
async fn every_answer_carries_the_token_that_the_page_has() {
    let (_, mut spa) = spa().await;
    let first = spa.visit(Method::GET, "/sanctum/csrf-cookie", None).await.expect(204);
    let line = first.set_cookie("XSRF-TOKEN").to_owned();
    for path in ["/api/user", "/api/auth/session", "/api/auth/sessions"] {
        let answer = spa.visit(Method::GET, path, None).await;
        assert_eq!(answer.set_cookie("XSRF-TOKEN"), line, "{path}");
    }
    let mut evil = spa.on(Page::evil());
    let answer = evil.visit(Method::GET, "/api/user", None).await;
    assert!(answer.cookies().is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_failed_csrf_check_is_a_page_that_expired() {
    let (_, spa) = spa().await;
    let mut evil = spa.on(Page::evil());
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "guard": "session" });
    let answer = evil.visit(Method::POST, "/login", Some(body)).await;
    let answer = answer.refused(419, "csrf_failed");
    assert_eq!(
        (&answer["title"], &answer["reason"]),
        (&json!("Page Expired"), &json!("foreign_origin"))
    );
}

#[tokio::test]
async fn without_the_option_nothing_is_there() {
    let world = World::new().await;
    let mut ada = Browser::registered(&world, "ada").await;
    for path in ["/sanctum/csrf-cookie", "/api/user"] {
        assert_eq!(ada.visit(Method::GET, path, None).await.status, 404, "{path}");
    }
    for path in ["/login", "/logout", "/register"] {
        assert_eq!(ada.visit(Method::POST, path, None).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_base_path_that_holds_one_of_its_paths_is_no_trouble() {
    for base in ["/api", "/sanctum", "/login"] {
        let world = World::with(|config| {
            sanctum(config);
            config.server.base_path = base.to_owned();
        })
        .await;
        let mut guest = Browser::new(&world);
        guest.visit(Method::GET, "/api/user", None).await.refused(401, "unauthenticated");
        guest.visit(Method::GET, "/sanctum/csrf-cookie", None).await.expect(204);
    }
}
