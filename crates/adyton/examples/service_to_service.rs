//! A service without a database that asks another: it is shown its callers' tokens and has the other
//! say whose they are, and it calls the other with a token of its own.
//!
//! `cargo run --example service_to_service [ADDRESS [DATABASE [ADDRESS OF THE REPORTS]]]`, then
//!
//! ```sh
//! ADA=$(curl -s localhost:3000/api/auth/register --json '{"name":"Ada","email":"ada@example.com","password":"correct horse 1"}' | grep -o 'adt_[0-9A-Za-z]*')
//! curl -s localhost:3001/report -H "Authorization: Bearer $ADA"
//! curl -s localhost:3001/report
//! # Whoever may not see reports is told so by the reports.
//! WEAK=$(curl -s localhost:3000/api/auth/tokens -H "Authorization: Bearer $ADA" --json '{"name":"weak","abilities":["orders:read"]}' | grep -o 'adt_[0-9A-Za-z]*')
//! curl -s localhost:3001/report -H "Authorization: Bearer $WEAK"
//! ```
//!
//! In production the second service is a program of its own, whose token comes from `adyton --server URL
//! token create --name reports --ability orders:read --never` and stands in its environment.

#![allow(clippy::print_stdout, reason = "it tells where it listens")]

use adyton::{
    Adyton, CurrentUser, NewPersonalToken, Registration, WantedExpiry, require_abilities,
};
use adyton_client::{Client, Method, Secret};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// The service that knows users and orders.
fn orders(auth: &Adyton) -> Router {
    let orders = get(async |caller: CurrentUser| format!("3 orders, for {}", caller.name));
    let orders = orders.route_layer(require_abilities(["orders:read"]));
    Router::new().route("/orders", orders).layer(auth.layer()).merge(auth.router())
}

/// The service that knows neither.
fn reports(client: Client) -> Router {
    Router::new().route("/report", get(report)).with_state(client)
}

async fn report(State(client): State<Client>, headers: HeaderMap) -> Result<String, Refused> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
    let caller = client.verify(&Secret::from(token), &["reports:read"]).await?;

    let response = client.send(client.request(Method::GET, "/orders")?).await?;
    let orders = response.text().await.map_err(adyton_client::Error::Unanswered)?;
    Ok(format!("a report for {}: {orders}\n", caller.email))
}

/// What Adyton says of the caller is passed on; whatever else goes wrong is not their doing.
struct Refused(adyton_client::Error);

impl From<adyton_client::Error> for Refused {
    fn from(error: adyton_client::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = self.0.problem().filter(|problem| problem.status < 500);
        let status = problem.and_then(|problem| StatusCode::from_u16(problem.status).ok());
        (status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), format!("{}\n", self.0)).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let database = arguments.next().unwrap_or_else(|| "services.sqlite3".into());
    let other_address = arguments.next().unwrap_or_else(|| "127.0.0.1:3001".into());
    let (listener, other) =
        (TcpListener::bind(address).await?, TcpListener::bind(other_address).await?);
    let url = format!("http://{}", listener.local_addr()?);
    println!("{url} http://{}", other.local_addr()?);

    let auth = Adyton::builder().url(format!("sqlite://{database}")).build().await?;
    let service = Registration {
        name: "Reports".into(),
        email: "reports@example.com".into(),
        password: "nobody signs in with it".into(),
        ..Registration::default()
    };
    let user = match auth.find_user_by_email(&service.email).await {
        Ok(user) => user,
        Err(_) => auth.create_user(&service).await?,
    };
    let abilities = Some(vec!["orders:read".into()]);
    let new = NewPersonalToken { name: "reports".into(), abilities, expiry: WantedExpiry::Never };
    let token = auth.create_token(user.id, new, None, &adyton::Client::default()).await?.token;

    let client = Client::builder(url.parse()?).token(token.expose()).build()?;
    let reports = axum::serve(other, reports(client));
    tokio::spawn(reports.into_future());
    let service = orders(&auth).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
