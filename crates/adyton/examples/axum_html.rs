//! Pages without a script: forms that sign in and out, and the CSRF check on those of the app.
//!
//! `cargo run --example axum_html [ADDRESS [DATABASE]]`, then open <http://localhost:3000>; or, with curl
//! in the place of the browser, which says by `Origin` where a form stands:
//!
//! ```sh
//! # Whoever is not signed in sees a form, and once more after a wrong password.
//! curl -s localhost:3000 | grep -o '<h1>.*</h1>'
//! curl -s localhost:3000/sign-in -H "Origin: http://localhost:3000" -d email=ada@example.com -d password=wrong | grep -o '<p>.*</p>'
//! curl -s localhost:3000/sign-in -c jar -H "Origin: http://localhost:3000" -d email=ada@example.com --data-urlencode "password=correct horse 1"
//! curl -s localhost:3000 -b jar | grep -o '<h1>.*</h1>'
//! # A form on another site does not get through; the own one does.
//! curl -s localhost:3000/orders -b jar -H "Origin: https://evil.example" -d what=everything
//! curl -s localhost:3000/orders -b jar -H "Origin: http://localhost:3000" -d "what=<b>tea"
//! curl -s localhost:3000/sign-out -b jar -c jar -H "Origin: http://localhost:3000" -d ""
//! curl -s localhost:3000 -b jar | grep -o '<h1>.*</h1>'
//! ```

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::core::auth::Presentation;
use adyton::{Adyton, Browser, Credentials, CurrentUser, Error, Registration, Rejection};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use serde::Deserialize;
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct Order {
    what: String,
}

fn page(title: &str, body: &str) -> Html<String> {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    Html(format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>\n{body}\n"
    ))
}

fn sign_in_form(problem: &str) -> Html<String> {
    let form = r#"<form method="post" action="/sign-in"><input name="email" type="email" required>
        <input name="password" type="password" required><button>Sign in</button></form>"#;
    page("Sign in", &format!("{problem}{form}"))
}

async fn home(user: Option<CurrentUser>) -> Html<String> {
    let Some(user) = user else { return sign_in_form("") };
    let forms = r#"<form method="post" action="/orders"><input name="what"><button>Order</button></form>
        <form method="post" action="/sign-out"><button>Sign out</button></form>"#;
    page(&format!("Hello, {}", user.name), forms)
}

/// `Browser` has checked where the form stands: nobody may sign a visitor in as somebody else.
async fn sign_in(
    Extension(auth): Extension<Adyton>,
    browser: Browser,
    Form(SignIn { email, password }): Form<SignIn>,
) -> Result<Response, Rejection> {
    let options = browser.sign_in_options();
    let credentials = Credentials { email, password: password.into(), options };
    match auth.login(credentials, browser.client()).await {
        Ok(signed_in) => Ok((browser.signed_in(&signed_in), Redirect::to("/")).into_response()),
        Err(Error::Unauthenticated(_)) => {
            Ok(sign_in_form("<p>This e-mail and this password do not go together.</p>")
                .into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn sign_out(
    Extension(auth): Extension<Adyton>,
    browser: Browser,
) -> Result<impl IntoResponse, Rejection> {
    let presented = Presentation { cookie: browser.cookie(), ..Presentation::default() };
    auth.logout(presented, browser.client()).await?;
    Ok((browser.signed_out(), Redirect::to("/")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "axum_html.sqlite3".into());

    let auth = Adyton::builder().url(format!("sqlite://{database}")).build().await?;
    let ada = Registration {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        password: "correct horse 1".into(),
        ..Registration::default()
    };
    // From the second start on she is there already.
    let _ = auth.create_user(&ada).await;

    let order = async |user: CurrentUser, Form(order): Form<Order>| {
        page(&format!("{} ordered {}", user.name, order.what), "<a href=\"/\">Back</a>")
    };
    let app = Router::new()
        .route("/", get(home))
        .route("/orders", post(order))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .layer(auth.layer())
        .layer(auth.csrf_layer())
        .layer(Extension(auth.clone()));

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
