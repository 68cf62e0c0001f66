//! Requests that other sites make a browser send (THREATS, "CSRF, CORS"), at a route of the host app
//! and at the endpoints. The layer asks whether a session cookie is there, not whether it is good.

use crate::browser::{Browser, Page};
use crate::world::{BASE, PASSWORD, Response, World};
use adyton::Config;
use adyton::core::event::EventKind;
use http::header::HOST;
use http::{HeaderName, Method};
use serde_json::json;

const COOKIE: (&str, &str) = ("cookie", "__Host-adyton_session=ads_somebody");
const OTHER: (&str, &str) = ("cookie", "__Host-adyton_session=ads_somebody_else");
const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");
const CROSS_SITE: (&str, &str) = ("sec-fetch-site", "cross-site");
const OWN: (&str, &str) = ("origin", "https://app.example");
const FOREIGN: (&str, &str) = ("origin", "https://evil.example");
const ALLOWED: (&str, &str) = ("origin", "https://spa.example.com");

type Headers<'a> = [(&'a str, &'a str)];

async fn world_with(change: impl FnOnce(&mut Config)) -> World {
    let options = |config: &mut Config| {
        config.server.public_url = Some("https://app.example".into());
        config.allowed_origins = vec!["https://spa.example.com".into()];
        change(config);
    };
    World::with(options).await
}

async fn world() -> World {
    world_with(|_| ()).await
}

async fn call(world: &World, call: &str, headers: &Headers<'_>) -> Response {
    let (method, path) = call.split_once(' ').unwrap();
    let mut request = world.anonymous().request(method.parse().unwrap(), path);
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        if name == HOST {
            request.headers_mut().remove(HOST);
        }
        request.headers_mut().append(name, value.parse().unwrap());
    }
    world.anonymous().send(request).await
}

/// The value of `XSRF-TOKEN` that who sends these headers is given.
async fn token(world: &World, headers: &Headers<'_>) -> String {
    let response = call(world, &format!("GET {BASE}/csrf-cookie"), headers).await.expect(204);
    let line = response.set_cookie("XSRF-TOKEN");
    line.split(['=', ';']).nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_cookie_counts_only_for_pages_of_ours() {
    let world = world().await;
    let right = token(&world, &[COOKIE]).await;
    let right = ("x-xsrf-token", right.as_str());
    let wrong = ("x-xsrf-token", "x123");
    for (headers, refused) in [
        (vec![COOKIE, SAME_ORIGIN], None),
        (vec![COOKIE, SAME_ORIGIN, FOREIGN], None),
        (vec![COOKIE, SAME_ORIGIN, wrong], None),
        (vec![COOKIE, ("sec-fetch-site", "none")], None),
        (vec![COOKIE, OWN], None),
        (vec![COOKIE, ("origin", "https://app.example:443")], None),
        (vec![COOKIE, ALLOWED, CROSS_SITE], None),
        (vec![COOKIE, right], None),
        (vec![COOKIE, FOREIGN, right], Some("foreign_origin")),
        (vec![COOKIE, ("origin", "null"), right], Some("foreign_origin")),
        (vec![COOKIE, ("origin", "http://app.example"), right], Some("foreign_origin")),
        (vec![COOKIE, ("origin", "https://app.example.evil"), right], Some("foreign_origin")),
        (vec![COOKIE, ("origin", "https://app.example:8443"), right], Some("foreign_origin")),
        (vec![COOKIE, ("origin", ""), right], Some("foreign_origin")),
        (vec![COOKIE, CROSS_SITE, right], Some("cross_site")),
        (vec![COOKIE, ("sec-fetch-site", "same-site"), right], Some("cross_site")),
        (vec![COOKIE, ("sec-fetch-site", "SAME-ORIGIN"), right], Some("cross_site")),
        (vec![COOKIE], Some("xsrf_token_missing")),
        (vec![COOKIE, wrong], Some("xsrf_token_mismatch")),
        (vec![COOKIE, right, right], Some("xsrf_token_mismatch")),
        (vec![COOKIE, OWN, OWN], Some("header_doubled")),
        (vec![COOKIE, OWN, FOREIGN], Some("header_doubled")),
        (vec![COOKIE, SAME_ORIGIN, CROSS_SITE], Some("header_doubled")),
    ] {
        for method in ["POST", "DELETE"] {
            let response = call(&world, &format!("{method} /web"), &headers).await;
            match refused {
                None => assert_eq!(response.status, 200, "{headers:?}: {response:?}"),
                Some(reason) => {
                    let response = response.refused(403, "csrf_failed");
                    assert_eq!(response["reason"], reason, "{headers:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_no_cookie_authenticates_needs_no_check() {
    let world = world().await;
    for headers in [
        vec![FOREIGN, CROSS_SITE],
        // Two are none, and neither is one of another name.
        vec![COOKIE, OTHER, CROSS_SITE],
        vec![("cookie", "adyton_session=ads_x; __Secure-adyton_session=ads_x"), CROSS_SITE],
        // A token alone counts, whatever it is worth.
        vec![COOKIE, CROSS_SITE, ("authorization", "Bearer adt_x")],
    ] {
        let response = call(&world, "POST /web", &headers).await;
        assert_eq!(response.status, 200, "{headers:?}: {response:?}");
    }
    for method in ["GET", "HEAD"] {
        call(&world, &format!("{method} /web"), &[COOKIE, FOREIGN, CROSS_SITE]).await.expect(200);
    }
}

#[tokio::test]
async fn what_is_no_token_does_not_switch_the_check_off() {
    let world = world().await;
    for junk in ["Bearer null", "undefined", "Basic YTpi", ""] {
        let headers = [COOKIE, CROSS_SITE, ("authorization", junk)];
        call(&world, "POST /web", &headers).await.refused(403, "csrf_failed");
    }
    let doubled =
        [COOKIE, CROSS_SITE, ("authorization", "Bearer a"), ("authorization", "Bearer b")];
    call(&world, "POST /web", &doubled).await.refused(400, "malformed_request");
    // No header or field speaks for another method.
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let headers = [COOKIE, CROSS_SITE, (name, "GET")];
        call(&world, "POST /web?_method=GET", &headers).await.refused(403, "csrf_failed");
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_own_session_only() {
    let world = world().await;
    let (own, others) = (token(&world, &[COOKIE]).await, token(&world, &[OTHER]).await);
    let guests = token(&world, &[]).await;
    let both = format!("{}; XSRF-TOKEN={guests}", COOKIE.1);
    for bad in [&others, &guests, &own.to_lowercase(), &own[1..].to_owned()] {
        for cookie in [COOKIE, ("cookie", both.as_str())] {
            let headers = [cookie, ("x-xsrf-token", bad.as_str())];
            let response = call(&world, "POST /web", &headers).await.refused(403, "csrf_failed");
            assert_eq!(response["reason"], "xsrf_token_mismatch");
        }
    }
    let escaped: String = own.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for good in [&own, &escaped] {
        call(&world, "POST /web", &[COOKIE, ("x-xsrf-token", good)]).await.expect(200);
    }
    for broken in ["%", "%4", "%zz", "%ff"] {
        let broken = format!("{own}{broken}");
        let headers = [COOKIE, ("x-xsrf-token", broken.as_str())];
        call(&world, "POST /web", &headers).await.refused(403, "csrf_failed");
    }
}

#[tokio::test]
async fn every_answer_to_a_page_of_ours_carries_a_token() {
    let world = world().await;
    for (what, status) in [
        (format!("GET {BASE}/user"), 401),
        (format!("GET {BASE}/session"), 200),
        (format!("GET {BASE}/nothing"), 404),
        (format!("PUT {BASE}/session"), 405),
        ("GET /web".to_owned(), 200),
    ] {
        for page in [SAME_ORIGIN, OWN, ALLOWED] {
            let response = call(&world, &what, &[page]).await.expect(status);
            let line = response.set_cookie("XSRF-TOKEN");
            let (value, attributes) = line.split_once("; ").unwrap();
            assert!(value.starts_with("XSRF-TOKEN=x") && value.len() > 80, "{line}");
            let mut attributes: Vec<_> = attributes.split("; ").collect();
            attributes.sort_unstable();
            assert_eq!(attributes, ["Path=/", "SameSite=Lax", "Secure"]);
        }
        for nobody in [vec![], vec![FOREIGN], vec![CROSS_SITE], vec![("sec-fetch-site", "none")]] {
            let response = call(&world, &what, &nobody).await.expect(status);
            assert!(response.cookies().is_empty(), "{nobody:?}: {response:?}");
        }
    }
    // Who says two things is believed neither.
    let headers = [COOKIE, OWN, OWN];
    assert!(call(&world, "POST /web", &headers).await.expect(403).cookies().is_empty());
}

#[tokio::test]
async fn a_good_token_is_kept_and_another_one_replaced() {
    let world = world().await;
    for session in ["", "__Host-adyton_session=ads_somebody; "] {
        let cookie = format!("{session}a=b");
        let own = token(&world, &[("cookie", &cookie)]).await;
        let good = format!("{session}XSRF-TOKEN={own}");
        let response = call(&world, "GET /web", &[("cookie", &good), SAME_ORIGIN]).await;
        assert!(response.cookies().is_empty(), "{response:?}");
        // Whoever asks for it is told it again.
        assert_eq!(token(&world, &[("cookie", &good)]).await, own);
        for bad in [
            format!("{session}XSRF-TOKEN=x123"),
            format!("__Host-adyton_session=ads_other; XSRF-TOKEN={own}"),
            format!("{session}XSRF-TOKEN={own}; XSRF-TOKEN={own}"),
        ] {
            let response = call(&world, "GET /web", &[("cookie", &bad), SAME_ORIGIN]).await;
            assert!(!response.set_cookie("XSRF-TOKEN").contains(&own), "{bad}");
        }
    }
}

#[tokio::test]
async fn the_endpoints_are_checked_too() {
    let world = world().await;
    for what in ["PATCH /user", "DELETE /user", "PUT /user/password", "DELETE /sessions"] {
        let what = what.replace(' ', &format!(" {BASE}"));
        call(&world, &what, &[COOKIE, FOREIGN]).await.refused(403, "csrf_failed");
    }
    // Who has registered by token is not asked where from.
    let ada = world.user("ada").await;
    let mut request = ada.request(Method::DELETE, &format!("{BASE}/sessions"));
    for (name, value) in [COOKIE, CROSS_SITE] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    ada.send(request).await.expect(204);
    // A refresh carries its own proof.
    let mut request = ada.request(Method::POST, &format!("{BASE}/refresh"));
    *request.body_mut() = json!({ "refreshToken": ada.refresh }).to_string().into();
    for (name, value) in [COOKIE, CROSS_SITE, ("content-type", "application/json")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    ada.with_token("").send(request).await.expect(200);
}

#[tokio::test]
async fn the_check_can_be_switched_off() {
    let world = world_with(|config| config.csrf_protection = false).await;
    for headers in [vec![COOKIE], vec![COOKIE, FOREIGN, CROSS_SITE], vec![COOKIE, OWN, OWN]] {
        call(&world, "POST /web", &headers).await.expect(200);
    }
}

#[tokio::test]
async fn clients_of_laravel_are_told_that_the_page_expired() {
    let world = world_with(|config| config.compat.sanctum = true).await;
    let response = call(&world, "POST /web", &[COOKIE, FOREIGN]).await;
    let response = response.refused(419, "csrf_failed");
    assert_eq!(
        (&response["title"], &response["reason"]),
        (&json!("Page Expired"), &json!("foreign_origin"))
    );
}

#[tokio::test]
async fn refused_requests_are_counted() {
    let world = world().await;
    for _ in 0..3 {
        call(&world, "POST /web", &[COOKIE, FOREIGN]).await.expect(403);
    }
    world.auth.flush().await.unwrap();
    let events = world.events().await;
    let of = |event: &&adyton::core::event::Event| event.event == EventKind::MaliciousCsrf;
    let rows: Vec<_> = events.iter().filter(of).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((rows[0].count, rows[0].reason.as_deref()), (3, Some("foreign_origin")));
}

#[tokio::test]
async fn no_page_of_another_site_signs_anybody_in_or_out() {
    let world = World::new().await;
    world.user("eve").await;
    let victim = Browser::registered(&world, "ada").await;
    let guest = Browser::new(&world);
    let null = Page::Says(vec![("origin", "null".to_owned())]);
    let same_site = Page::Says(vec![("sec-fetch-site", "same-site".to_owned())]);
    for page in [Page::evil(), null, same_site, Page::of("https://localhost:3000")] {
        for browser in [&victim, &guest] {
            let mut foreign = browser.on(page.clone());
            let login = json!({ "email": "eve@example.com", "password": PASSWORD });
            // By token a page gets what it cannot read, and no cookie.
            let answer = foreign.post("/login", login).await.expect(200);
            assert_eq!((&answer["guard"], answer.cookies().len()), (&json!("token"), 0));
            for (path, email) in [("/login", "eve"), ("/register", "mallory")] {
                let body = json!({ "name": "M", "email": format!("{email}@example.com"),
                                   "password": PASSWORD, "guard": "session" });
                let refused = foreign.post(path, body).await.refused(403, "csrf_failed");
                assert!(refused.cookies().is_empty(), "{refused:?}");
            }
            let refused = foreign.post("/logout", json!({})).await.refused(403, "csrf_failed");
            assert!(refused.cookies().is_empty(), "{refused:?}");
        }
        assert!(victim.clone().is_in().await, "still signed in");
    }
    assert_eq!(world.auth.list_users(adyton::UserId(0), 10).await.unwrap().len(), 2);
}
