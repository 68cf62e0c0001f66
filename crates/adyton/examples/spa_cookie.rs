//! A page with a script on the same origin: the browser holds a cookie that no script can read, and
//! other sites cannot use it.
//!
//! `cargo run --example spa_cookie [ADDRESS [DATABASE]]`, then open <http://localhost:3000>. What the
//! page does, with curl in the place of the browser, which says by `Origin` where a request comes from:
//!
//! ```sh
//! curl -s localhost:3000/api/auth/register -c jar -H "Origin: http://localhost:3000" --json '{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}'
//! # The cookie signs every request in.
//! curl -s localhost:3000/notes -b jar
//! curl -s localhost:3000/notes -b jar -H "Origin: http://localhost:3000" -d "buy milk"
//! # A page of another site may make the browser send it, to no avail.
//! curl -s localhost:3000/notes -b jar -H "Origin: https://evil.example" -d "buy them out"
//! # Signed out, the cookie is worth nothing to whoever kept a copy.
//! curl -s -X POST localhost:3000/api/auth/logout -b jar -c jar -H "Origin: http://localhost:3000"
//! curl -s localhost:3000/notes -b jar
//! ```
//!
//! On a host of its own, `server.public_url` says which; `@adyton/client` is the same in more comfort.

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::{Adyton, CurrentUser};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const PAGE: &str = r##"<!doctype html><meta charset="utf-8"><title>Notes</title>
<form id="in"><input name="email" value="ada@example.com"><input name="password" type="password">
<button>Sign in</button></form><pre id="notes"></pre><button id="out">Sign out</button>
<script type="module">
const api = (path, method, body) => fetch(path, {
  method, body: body && JSON.stringify(body), headers: body && { "Content-Type": "application/json" },
});
const show = async () => {
  const answer = await fetch("/notes");
  document.querySelector("#notes").textContent = answer.ok ? await answer.text() : "Nobody is signed in.";
};
document.querySelector("#in").addEventListener("submit", async (event) => {
  event.preventDefault();
  await api("/api/auth/login", "POST", Object.fromEntries(new FormData(event.target)));
  await show();
});
document.querySelector("#out").addEventListener("click", async () => {
  await api("/api/auth/logout", "POST");
  await show();
});
await show();
</script>
"##;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "spa_cookie.sqlite3".into());

    let auth = Adyton::builder().url(format!("sqlite://{database}")).build().await?;
    let kept = Arc::new(Mutex::new(vec!["water the plants".to_owned()]));
    let list = {
        let kept = Arc::clone(&kept);
        async move |user: CurrentUser| {
            let notes = kept.lock().map(|notes| notes.join(", ")).unwrap_or_default();
            format!("{}: {notes}\n", user.name)
        }
    };
    let add = async move |_: CurrentUser, note: String| {
        kept.lock().map(|mut notes| notes.push(note)).map_or("lost\n", |()| "noted\n")
    };
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/notes", get(list).post(add))
        .layer(auth.layer())
        // Without it a form on any page could post a note.
        .layer(auth.csrf_layer())
        .merge(auth.router());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
