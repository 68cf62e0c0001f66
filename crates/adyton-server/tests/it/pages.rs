//! The account pages over HTTP: who sees them, what their forms refuse, where they lead.

use crate::world::{PASSWORD, Place, Server};
use reqwest::header::{COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Every form, with a page that asks again when it is not filled in.
const FORMS: [(&str, &str); 10] = [
    ("/account/login", "/account"),
    ("/account/register", "/account"),
    ("/account/logout", "/account"),
    ("/account/profile", "/account/profile"),
    ("/account/devices/none/end", "/account"),
    ("/account/devices/end-others", "/account"),
    ("/account/tokens", "/account/tokens"),
    ("/account/tokens/1/revoke", "/account/tokens"),
    ("/account/password", "/account/password"),
    ("/account/delete", "/account/delete"),
];

/// Pages of an account, which a guest does not see.
const PAGES: [&str; 5] =
    ["/account", "/account/profile", "/account/tokens", "/account/password", "/account/delete"];

/// Somebody with a browser.
struct Visitor<'a> {
    server: &'a Server,
    http: Client,
    origin: String,
    session: Option<String>,
}

struct Page {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn assert_leads_to(&self, location: &str) {
        assert_eq!((self.status, self.header(LOCATION.as_str())), (303, location), "{}", self.text);
    }

    #[track_caller]
    fn assert_tells(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(text), "{}", self.text);
    }
}

impl<'a> Visitor<'a> {
    fn of(server: &'a Server) -> Self {
        let http = crate::world::http().redirect(Policy::none());
        // After a refusal without reading the body a connection ends.
        let http = http.pool_max_idle_per_host(0).build().unwrap();
        Self { server, http, origin: format!("http://{}", server.address), session: None }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.server.address));
        match &self.session {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    async fn get(&self, path: &str) -> Page {
        page(self.request(Method::GET, path)).await
    }

    /// A form without what a browser says of itself.
    fn bare_form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let form = self.request(Method::POST, path).body(fields.join("&"));
        form.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Sends a form from a page of ours, and keeps the cookie of the answer.
    async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = page(self.bare_form(path, fields).header(ORIGIN, &self.origin)).await;
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let cookie = line.split(';').next().unwrap();
            if cookie.contains("adyton_session=") {
                let gone = line.contains("Max-Age=0");
                self.session = (!gone).then(|| cookie.to_owned());
            }
        }
        answer
    }

    async fn register(&mut self, email: &str) -> Page {
        let again = ("passwordConfirmation", PASSWORD);
        let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD), again];
        self.send("/account/register", &fields).await
    }

    async fn sign_in(&mut self, email: &str) -> Page {
        self.send("/account/login", &[("email", email), ("password", PASSWORD)]).await
    }

    async fn is_signed_in(&self) -> bool {
        self.get("/account").await.status == 200
    }
}

async fn page(request: RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Page { status, headers, text: response.text().await.unwrap() }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02x}");
        encoded
    })
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

#[tokio::test]
async fn guests_are_sent_to_sign_in_and_back() {
    let place = Place::new();
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    for path in PAGES {
        let location = format!("/account/login?next={path}");
        ada.get(path).await.assert_leads_to(&location);
        page(ada.request(Method::HEAD, path)).await.assert_leads_to(&location);
    }
    for (form, asks) in FORMS.into_iter().filter(|(form, _)| !form.contains("log")).skip(1) {
        ada.send(form, &[]).await.assert_leads_to(&format!("/account/login?next={asks}"));
    }
    let login = ada.get("/account/login?next=/account/tokens").await;
    login.assert_tells(200, r#"<input type="hidden" name="next" value="/account/tokens">"#);
    login.assert_tells(200, "/account/register?next=%2Faccount%2Ftokens");
    ada.register("ada@example.com").await.assert_leads_to("/account");
    ada.send("/account/logout", &[]).await.assert_leads_to("/account/login?done=signed-out");
    let fields =
        [("email", "ada@example.com"), ("password", PASSWORD), ("next", "/account/tokens")];
    ada.send("/account/login", &fields).await.assert_leads_to("/account/tokens");
    ada.get("/account/login?next=/account/delete").await.assert_leads_to("/account/delete");
    ada.get("/account/register").await.assert_leads_to("/account");
    // A client with a token that is no good is a guest too, and runs in no circle.
    let request = ada.request(Method::GET, "/account/login").bearer_auth("nonsense");
    page(request).await.assert_tells(200, "<h1>Sign in</h1>");
}

#[tokio::test]
async fn every_form_refuses_what_another_site_sends() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages.rs");
    let routes = fs::read_to_string(source).unwrap();
    assert_eq!(routes.matches("post(").count(), FORMS.len(), "a form is missing in this test");
    let place = Place::new();
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.register("ada@example.com").await;
    let sent = [
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("origin", ada.origin.as_str()), ("origin", "https://evil.example")],
        vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        vec![("sec-fetch-site", "same-site")],
        vec![("referer", ada.origin.as_str())],
        vec![],
    ];
    let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("name", "Eve")];
    for (path, _) in FORMS {
        for headers in &sent {
            let form = ada.bare_form(path, &fields);
            let form = headers.iter().fold(form, |form, (name, value)| form.header(*name, *value));
            let answer = page(form).await;
            answer.assert_tells(403, "This form was not accepted");
            assert!(!answer.headers.contains_key(SET_COOKIE), "{path} {headers:?}");
        }
    }
    ada.get("/account").await.assert_tells(200, "<dd>Ada</dd>");
    assert!(server.log().contains("malicious_csrf"));
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let place = Place::new();
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    let mut answers = vec![ada.get("/account").await, ada.send("/account/login", &[]).await];
    ada.register("ada@example.com").await;
    let more = ["/account/login", "/account/none", "/account/", "/account/style.css"];
    for path in PAGES.into_iter().chain(more).chain(["/account/copy.js", "/account/icon.svg"]) {
        answers.push(ada.get(path).await);
    }
    let put = ada.request(Method::PUT, "/account/login").header(ORIGIN, &ada.origin);
    answers.push(page(put).await);
    answers.push(page(ada.request(Method::HEAD, "/account")).await);
    answers.push(page(ada.bare_form("/account/delete", &[])).await);
    for answer in &answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{} {}", answer.status, answer.text);
        }
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        );
        assert!(answer.header("permissions-policy").contains("geolocation=()"));
        for word in ["server", "x-powered-by"] {
            assert_eq!(answer.header(word), "");
        }
        for inline in ["<style", " style=", "<script>", " onclick="] {
            assert!(!answer.text.contains(inline), "{inline}");
        }
        assert!(!answer.text.contains(env!("CARGO_PKG_VERSION")));
    }
    let [.., method, head, _] = answers.as_slice() else { panic!() };
    assert_eq!((method.status, method.header("allow")), (405, "GET,HEAD,POST"));
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    ada.get("/account/none").await.assert_tells(404, "There is no such page");
}

#[tokio::test]
async fn what_people_type_is_never_markup() {
    let place = Place::new();
    let server = place.serve();
    let mut eve = Visitor::of(&server);
    let markup = r#""><script>alert('1')</script>"#;
    let form = [
        ("name", markup),
        ("email", markup),
        ("password", markup),
        ("passwordConfirmation", markup),
        ("next", markup),
    ];
    let refused = eve.send("/account/register", &form).await;
    assert_eq!(refused.status, 422);
    let mut form = form;
    form[1].1 = "eve@example.com";
    let agent = ("user-agent", "<img src=x onerror=alert(1)>");
    let signed_up = eve.bare_form("/account/register", &form).header(ORIGIN, &eve.origin);
    let signed_up = page(signed_up.header(agent.0, agent.1)).await;
    signed_up.assert_leads_to("/account");
    eve.send("/account/login", &[("email", "eve@example.com"), ("password", markup)]).await;
    let device = r#"<script>alert('a device')</script>"#;
    let body = serde_json::json!({ "email": "eve@example.com", "password": markup,
                                   "deviceName": device });
    assert_eq!(server.post("/login", body).await.status, 200);
    assert!(eve.get("/account").await.text.contains("a device"), "what others named is shown");
    let created = [("name", markup), ("abilities", ""), ("expiresAt", "never")];
    let created = eve.send("/account/tokens", &created).await;
    let wrong = [("name", "x"), ("abilities", markup), ("expiresAt", markup)];
    let wrong = eve.send("/account/tokens", &wrong).await;
    assert_eq!((created.status, wrong.status), (200, 422));
    let pages = [
        refused,
        created,
        wrong,
        eve.get("/account").await,
        eve.get("/account/tokens?done=%3Cscript%3E").await,
        eve.get("/account/profile").await,
        eve.get("/account/%3Cscript%3E").await,
        eve.get("/account/login?next=%22%3E%3Cscript%3E").await,
    ];
    for page in pages {
        assert!(!page.text.contains("<script>") && !page.text.contains("<img"), "{}", page.text);
    }
}

#[tokio::test]
async fn next_leads_to_our_own_pages_and_to_allowed_origins_alone() {
    let place = Place::with(
        "allowed_origins = ['https://app.example.com']\n\
         server.public_url = 'https://id.example.com'",
    );
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.origin = "https://id.example.com".to_owned();
    ada.register("ada@example.com").await.assert_leads_to("/account");
    assert!(ada.session.as_ref().unwrap().starts_with("__Host-adyton_session="));
    for (next, leads_to) in [
        ("/account/tokens", "/account/tokens"),
        ("/api/orders?x=//y", "/api/orders?x=//y"),
        ("https://app.example.com/orders", "https://app.example.com/orders"),
        ("https://id.example.com/x", "https://id.example.com/x"),
        ("", "/account"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("/\t/evil.example", "/account"),
        ("/\r\nSet-Cookie: a=b", "/account"),
        ("https:evil.example", "/account"),
        ("https://evil.example/", "/account"),
        ("https://app.example.com@evil.example/", "/account"),
        ("https://app.example.com.evil.example/", "/account"),
        ("http://app.example.com/", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/%2e%2e//evil.example", "/account"),
        ("evil.example", "/account"),
    ] {
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        ada.send("/account/login", &fields).await.assert_leads_to(leads_to);
        let asked = format!("/account/login?next={}", encoded(next));
        ada.get(&asked).await.assert_leads_to(leads_to);
        let guest = Visitor::of(&server).get(&asked).await;
        let kept = guest.text.contains(r#"name="next""#);
        assert_eq!(kept, leads_to != "/account", "{next:?}: {}", guest.text);
        // A browser lets a form be answered with a redirect to another origin only if told so.
        let policy = guest.header("content-security-policy");
        let app = leads_to.starts_with("https://app.example.com");
        assert_eq!(policy.ends_with("form-action 'self' https://app.example.com"), app, "{policy}");
    }
}

#[tokio::test]
async fn a_session_without_the_ability_manages_nothing_but_its_end() {
    let place = Place::with("token_abilities = ['orders:read']");
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.register("ada@example.com").await.assert_leads_to("/account");
    for path in PAGES {
        ada.get(path).await.assert_tells(403, "lacks the ability “account”");
    }
    let anybodys = ["/account/login", "/account/register", "/account/logout"];
    for (path, _) in FORMS.into_iter().filter(|(path, _)| !anybodys.contains(path)) {
        ada.send(path, &[]).await.assert_tells(403, "lacks the ability “account”");
    }
    ada.send("/account/logout", &[]).await.assert_leads_to("/account/login?done=signed-out");
    assert_eq!(ada.session, None);
}

#[tokio::test]
async fn a_new_token_is_shown_once() {
    let place = Place::new();
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.register("ada@example.com").await;
    let form =
        [("name", "Backup"), ("abilities", " orders:read,orders:write  "), ("expiresAt", "604800")];
    let created = ada.send("/account/tokens", &form).await;
    created.assert_tells(200, "Copy it now");
    let token = between(&created.text, r#"<code id="token" aria-describedby="once">"#, "<");
    assert_eq!(server.user(token).await, 200);
    let session = server.get("/session", token).await;
    assert_eq!(session.body["abilities"], serde_json::json!(["orders:read", "orders:write"]));
    let listed = ada.get("/account/tokens").await;
    listed.assert_tells(200, "<strong>Backup</strong>");
    assert!(!listed.text.contains(token) && !server.log().contains(token));
    let id = between(&listed.text, "/account/tokens/", "/revoke").to_owned();
    let revoke = format!("/account/tokens/{id}/revoke");
    ada.send(&revoke, &[]).await.assert_leads_to("/account/tokens?done=revoked");
    assert_eq!(server.user(token).await, 401);
    ada.send(&revoke, &[]).await.assert_tells(404, "It is no longer there");
}

#[tokio::test]
async fn a_token_that_cannot_be_made_keeps_what_was_typed() {
    let place = Place::with(
        "personal_token_max_expiration = '30d'\ntokens_per_user = 1\npersonal_token_expiration = '1d'",
    );
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.register("ada@example.com").await;
    let offered = ada.get("/account/tokens").await;
    offered.assert_tells(200, r#"<option value="86400" selected>1 day</option>"#);
    assert!(!offered.text.contains("No end") && !offered.text.contains("90 days"));
    for (life, abilities, told) in [
        ("never", "a", "Expiry must be one of the list."),
        ("7776000", "a", "Expiry must be one of the list."),
        ("604800", "Not! Good", "Abilities must be `*`"),
    ] {
        let form = [("name", "My & token"), ("abilities", abilities), ("expiresAt", life)];
        let again = ada.send("/account/tokens", &form).await;
        again.assert_tells(422, told);
        again.assert_tells(422, r#"value="My &#38; token""#);
        assert!(again.text.contains(r#"aria-invalid="true""#));
    }
    let good = [("name", "One"), ("expiresAt", "604800")];
    assert_eq!(ada.send("/account/tokens", &good).await.status, 200);
    ada.send("/account/tokens", &good).await.assert_tells(409, "Revoke one first");
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let place = Place::new();
    let server = place.serve();
    let (mut ada, mut eve) = (Visitor::of(&server), Visitor::of(&server));
    ada.register("ada@example.com").await;
    ada.send("/account/tokens", &[("name", "Hers"), ("expiresAt", "never")]).await;
    let tokens = ada.get("/account/tokens").await.text;
    let token = between(&tokens, "/account/tokens/", "/revoke").to_owned();
    let mut second = Visitor::of(&server);
    second.sign_in("ada@example.com").await;
    let devices = ada.get("/account").await.text;
    let device = between(&devices, "/account/devices/", "/end").to_owned();
    eve.register("eve@example.com").await;
    let never = "0".repeat(22);
    for path in [
        format!("/account/devices/{device}/end"),
        format!("/account/devices/{never}/end"),
        "/account/devices/%ff/end".to_owned(),
        format!("/account/tokens/{token}/revoke"),
        format!("/account/tokens/0{token}/revoke"),
        format!("/account/tokens/+{token}/revoke"),
        "/account/tokens/999/revoke".to_owned(),
        "/account/tokens/x/revoke".to_owned(),
    ] {
        eve.send(&path, &[]).await.assert_tells(404, "It is no longer there");
    }
    // Nor has one's own token a second name.
    for name in [format!("0{token}"), format!("+{token}"), format!("%2B{token}")] {
        ada.send(&format!("/account/tokens/{name}/revoke"), &[]).await.assert_tells(404, "");
    }
    eve.send("/account/devices/end-others", &[]).await.assert_leads_to("/account?done=devices");
    assert!(ada.is_signed_in().await && second.is_signed_in().await);
    let path = format!("/account/devices/{device}/end");
    ada.send(&path, &[]).await.assert_leads_to("/account?done=device");
    assert!(ada.is_signed_in().await && !second.is_signed_in().await);
}

#[tokio::test]
async fn signing_in_renews_the_cookie_and_signing_out_takes_it() {
    let place = Place::new();
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    let signed_up = ada.register("ada@example.com").await;
    let line = signed_up.header("set-cookie");
    assert!(
        line.contains("HttpOnly") && line.contains("SameSite=Lax") && !line.contains("Max-Age")
    );
    let mut before = Visitor::of(&server);
    before.session.clone_from(&ada.session);
    let remembered = [("email", "ada@example.com"), ("password", PASSWORD), ("remember", "on")];
    let again = ada.send("/account/login", &remembered).await;
    assert!(again.header("set-cookie").contains("Max-Age=7776000"));
    assert!(ada.session != before.session);
    assert!(ada.is_signed_in().await && !before.is_signed_in().await);
    before.get("/account").await.assert_leads_to("/account/login?next=/account&done=ended");
    let mut other = Visitor::of(&server);
    other.session.clone_from(&ada.session);
    ada.send("/account/logout", &[]).await;
    assert!(ada.session.is_none() && !other.is_signed_in().await);
    ada.send("/account/logout", &[]).await.assert_leads_to("/account/login?done=signed-out");
}

#[tokio::test]
async fn wrong_credentials_are_told_alike_and_the_password_is_never_shown_again() {
    let place = Place::new();
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.register("ada@example.com").await;
    let mut guest = Visitor::of(&server);
    for email in ["ada@example.com", "nobody@example.com"] {
        let form = [("email", email), ("password", "secret-typo-1"), ("remember", "on")];
        let again = guest.send("/account/login", &form).await;
        again.assert_tells(401, "The e-mail or the password is not right.");
        again.assert_tells(401, &format!(r#"value="{email}""#));
        again.assert_tells(401, "name=\"remember\" checked");
        assert!(!again.text.contains("secret-typo-1"));
    }
    let taken = guest.register("ADA@example.com").await;
    taken.assert_tells(422, "E-mail has already been taken.");
    taken.assert_tells(422, r#"aria-describedby=" email-problem" aria-invalid="true""#);
    assert!(!taken.text.contains(PASSWORD));
    let form = [("currentPassword", PASSWORD), ("password", "a new phrase 1")];
    let form = [form[0], form[1], ("passwordConfirmation", "another phrase 2")];
    let again = ada.send("/account/password", &form).await;
    again.assert_tells(422, "The repetition does not match the password.");
    assert!(!again.text.contains("a new phrase 1"));
}

#[tokio::test]
async fn who_tries_too_often_is_told_how_long_to_wait() {
    let place = Place::new();
    let server = place.serve();
    let mut guest = Visitor::of(&server);
    let form = [("email", "ada@example.com"), ("password", "a guess")];
    for _ in 0..5 {
        assert_eq!(guest.send("/account/login", &form).await.status, 401);
    }
    let refused = guest.send("/account/login", &form).await;
    refused.assert_tells(429, "Too many attempts. Try again in ");
    refused.assert_tells(429, r#"value="ada@example.com""#);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() <= 60);
    assert_eq!(refused.header("x-ratelimit-limit"), "5");
}

#[tokio::test]
async fn a_new_password_ends_the_other_devices_and_the_tokens_if_asked() {
    let place = Place::new();
    let server = place.serve();
    let (mut ada, mut second) = (Visitor::of(&server), Visitor::of(&server));
    ada.register("ada@example.com").await;
    second.sign_in("ada@example.com").await;
    let created = ada.send("/account/tokens", &[("name", "Mine"), ("expiresAt", "never")]).await;
    let token = between(&created.text, r#"aria-describedby="once">"#, "<").to_owned();
    let new = "a new phrase 1";
    let form = [("currentPassword", PASSWORD), ("password", new), ("passwordConfirmation", new)];
    ada.send("/account/password", &form).await.assert_leads_to("/account?done=password");
    assert!(ada.is_signed_in().await && !second.is_signed_in().await);
    assert_eq!(server.user(&token).await, 200);
    let form = [
        ("currentPassword", new),
        ("password", PASSWORD),
        ("passwordConfirmation", PASSWORD),
        ("revokeTokens", "on"),
    ];
    ada.send("/account/password", &form).await.assert_leads_to("/account?done=password");
    assert_eq!(server.user(&token).await, 401);
    let form = [("name", "Ada King"), ("email", "king@example.com")];
    let again = ada.send("/account/profile", &form).await;
    again.assert_tells(422, "Current password is required.");
    let form = [form[0], form[1], ("currentPassword", PASSWORD)];
    ada.send("/account/profile", &form).await.assert_leads_to("/account?done=profile");
    ada.get("/account").await.assert_tells(200, "<dd>king@example.com</dd>");
    ada.send("/account/delete", &[("password", "wrong")])
        .await
        .assert_tells(422, "This is not your current password.");
    ada.send("/account/delete", &[("password", PASSWORD)])
        .await
        .assert_leads_to("/account/login?done=deleted");
    assert_eq!(ada.session, None);
    assert_eq!(ada.sign_in("king@example.com").await.status, 401);
}

#[tokio::test]
async fn what_is_no_form_is_refused_as_such() {
    let place = Place::new();
    let server = place.serve();
    let ada = Visitor::of(&server);
    let form = |body: String, media: &str| {
        let form = ada.request(Method::POST, "/account/login").body(body);
        page(form.header("content-type", media).header(ORIGIN, &ada.origin))
    };
    let urlencoded = "application/x-www-form-urlencoded";
    for (body, media, status) in [
        ("{}".to_owned(), "application/json", 415),
        ("email=a".to_owned(), "text/plain", 415),
        ("email=a&email=b".to_owned(), urlencoded, 400),
        ("email=%ff".to_owned(), urlencoded, 400),
        ("email=%".to_owned(), urlencoded, 400),
        (format!("email={}", "a".repeat(65_536)), urlencoded, 413),
        ("email=a%00b&password=x".to_owned(), urlencoded, 422),
        (String::new(), urlencoded, 422),
    ] {
        let answer = form(body.clone(), media).await;
        assert_eq!(answer.status, status, "{media}: {body:.80}");
        assert!(answer.text.starts_with("<!doctype html>"));
    }
    ada.get("/account/login?next=a&next=b").await.assert_tells(400, "This cannot be read");
}

#[tokio::test]
async fn on_a_host_that_nobody_named_the_pages_say_why_not() {
    let place = Place::new();
    let server = place.serve();
    let ada = Visitor::of(&server);
    for path in PAGES.into_iter().chain(["/account/login", "/account/none"]) {
        let request = ada.request(Method::GET, path).header(HOST, "evil.example");
        let answer = page(request).await;
        answer.assert_tells(403, "Nobody can sign in at this address");
        assert!(!answer.text.contains("evil.example") && !answer.headers.contains_key(SET_COOKIE));
    }
    // What it looks like is nobody's secret.
    let style = ada.request(Method::GET, "/account/style.css").header(HOST, "evil.example");
    page(style).await.assert_tells(200, ":root");
    let form = ada.bare_form("/account/login", &[("email", "ada@example.com")]);
    let form = form.header(HOST, "evil.example").header(ORIGIN, "http://evil.example");
    page(form).await.assert_tells(403, "Nobody can sign in at this address");
}

#[tokio::test]
async fn an_outage_is_told_kindly_and_signs_nobody_out() {
    let place = Place::with("cache.enabled = false");
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.register("ada@example.com").await;
    let database = place.database();
    database.execute_batch("ALTER TABLE auth_sessions RENAME TO away").unwrap();
    let away = ada.get("/account").await;
    away.assert_tells(503, "Back in a moment");
    assert_eq!(away.header("retry-after"), "1");
    ada.sign_in("ada@example.com").await.assert_tells(503, "Back in a moment");
    database.execute_batch("ALTER TABLE away RENAME TO auth_sessions").unwrap();
    assert!(ada.is_signed_in().await);
}

#[tokio::test]
async fn pages_can_be_elsewhere_or_nowhere() {
    let place = Place::with("pages.path = '/me'");
    let server = place.serve();
    let mut ada = Visitor::of(&server);
    ada.get("/me/tokens").await.assert_leads_to("/me/login?next=/me/tokens");
    ada.get("/me/login").await.assert_tells(200, r#"href="/me/style.css""#);
    assert_eq!(ada.get("/account").await.status, 404);
    for (file, told) in [("session_guard = 'token'", true), ("pages.enabled = false", false)] {
        place.configure(file);
        let mut server = place.serve();
        ada = Visitor::of(&server);
        let none = ada.get("/account/login").await;
        assert_eq!((none.status, none.header("content-type")), (404, "application/problem+json"));
        // Its whole log is there after its end.
        server.term();
        assert_eq!(server.log().contains("no account pages"), told, "{file}");
    }
}
