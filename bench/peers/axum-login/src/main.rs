//! axum-login and tower-sessions on SQLite, as the example `sqlite` of axum-login sets them up; beside
//! it the file is in WAL mode. Cookies are not signed, which the example does: that would cost more.
//!
//! `peer-axum-login seed DATABASE COUNT HEADERS` makes users and a session for each;
//! `peer-axum-login serve DATABASE PORT` serves them.

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{FromRow, SqlitePool};
use std::collections::HashMap;
use std::error::Error;
use std::io::{BufWriter, Write};
use time::{Duration, OffsetDateTime};
use tokio::task::{JoinError, spawn_blocking};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};
use tower_sessions_sqlx_store::SqliteStore;

const PASSWORD: &str = "correct horse 1";
const MADE: &str = "2026-01-01T00:00:00Z";
const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, created_at TEXT, updated_at TEXT)";
const INSERT: &str = "INSERT INTO users (name, email, password, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?)";

#[derive(Clone, Debug, FromRow, Serialize)]
struct User {
    id: i64,
    name: String,
    email: String,
    #[serde(skip)]
    password: String,
    created_at: String,
    updated_at: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Clone, Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Clone, Debug)]
struct Backend(SqlitePool);

#[derive(Debug, thiserror::Error)]
enum BackendError {
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = BackendError;

    async fn authenticate(&self, typed: Credentials) -> Result<Option<User>, BackendError> {
        let found = sqlx::query_as("SELECT * FROM users WHERE email = ?").bind(typed.email);
        let user: Option<User> = found.fetch_optional(&self.0).await?;
        let verify = move |user: &User| {
            password_auth::verify_password(typed.password, &user.password).is_ok()
        };
        Ok(spawn_blocking(move || user.filter(verify)).await?)
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, BackendError> {
        let found = sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id);
        Ok(found.fetch_optional(&self.0).await?)
    }
}

type Session = axum_login::AuthSession<Backend>;

async fn user(session: Session) -> Result<Json<User>, StatusCode> {
    session.user.map(Json).ok_or(StatusCode::UNAUTHORIZED)
}

async fn login(
    mut session: Session,
    Json(typed): Json<Credentials>,
) -> Result<Json<User>, StatusCode> {
    let user = session.authenticate(typed).await.map_err(broken)?;
    let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
    session.login(&user).await.map_err(broken)?;
    Ok(Json(user))
}

/// axum-login leaves sign-up to the app.
async fn register(
    session: Session,
    Json(typed): Json<Credentials>,
) -> Result<StatusCode, StatusCode> {
    let hash =
        spawn_blocking(|| password_auth::generate_hash(typed.password)).await.map_err(broken)?;
    let insert = sqlx::query(INSERT).bind("New").bind(typed.email).bind(hash).bind(MADE).bind(MADE);
    insert.execute(&session.backend.0).await.map_err(broken)?;
    Ok(StatusCode::CREATED)
}

fn broken(error: impl Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn pool(database: &str, synchronous: SqliteSynchronous) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(database).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(synchronous);
    SqlitePoolOptions::new().connect_with(options).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["seed", database, count, headers] => seed(database, count.parse()?, headers).await,
        ["serve", database, port] => serve(database, port.parse()?).await,
        _ => Err("seed DATABASE COUNT HEADERS | serve DATABASE PORT".into()),
    }
}

async fn serve(database: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let pool = pool(database, SqliteSynchronous::Normal).await?;
    let sessions = SessionManagerLayer::new(SqliteStore::new(pool.clone()))
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(30)));
    let auth = AuthManagerLayerBuilder::new(Backend(pool), sessions).build();
    let app = Router::new()
        .route("/user", get(user))
        .route_layer(login_required!(Backend))
        .route("/login", post(login))
        .route("/register", post(register))
        .layer(auth);
    Ok(axum::serve(tokio::net::TcpListener::bind(("127.0.0.1", port)).await?, app).await?)
}

async fn seed(database: &str, count: i64, headers: &str) -> Result<(), Box<dyn Error>> {
    let pool = pool(database, SqliteSynchronous::Off).await?;
    sqlx::query(TABLE).execute(&pool).await?;
    let hash = password_auth::generate_hash(PASSWORD);
    let mut transaction = pool.begin().await?;
    for n in 1..=count {
        let insert = sqlx::query(INSERT).bind(format!("User {n}"));
        let insert = insert.bind(format!("user{n}@example.com")).bind(&hash).bind(MADE).bind(MADE);
        insert.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    let store = SqliteStore::new(pool);
    store.migrate().await?;
    let mut lines = BufWriter::new(std::fs::File::create(headers)?);
    for n in 1..=count {
        // What axum-login writes at a sign-in.
        let entry = serde_json::json!({ "user_id": n, "auth_hash": hash.as_bytes() });
        let mut record = Record {
            id: Id::default(),
            data: HashMap::from([("axum-login.data".to_owned(), entry)]),
            expiry_date: OffsetDateTime::now_utc() + Duration::days(30),
        };
        store.create(&mut record).await?;
        writeln!(lines, "Cookie: id={}", record.id)?;
    }
    Ok(())
}
