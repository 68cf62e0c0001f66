//! The configurations of `docs/guide`, in the real nginx and the real Caddy: an app behind them
//! hears from Adyton who calls, and from nobody else.

use crate::world::{PASSWORD, Place, Server};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const CONFIGURATION: &str = r#"
    server.trusted_proxies = ["127.0.0.1"]
    no_auth_routes = ["GET:/public", "GET:/public/[...rest]", "POST:/hooks/[name]", "*:/open"]
    compat.sanctum_tokens = true
"#;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nginx,
    Caddy,
}

impl Kind {
    /// Whether it is here; if not, it says so.
    fn is_installed(self) -> bool {
        let (name, version) = match self {
            Self::Nginx => ("nginx", "-v"),
            Self::Caddy => ("caddy", "version"),
        };
        let there = Command::new(self.program()).arg(version).output().is_ok();
        if !there {
            println!("skipped: {name} is not installed");
        }
        there
    }

    /// Debian keeps nginx where only root looks.
    fn program(self) -> &'static str {
        match self {
            Self::Nginx if Path::new("/usr/sbin/nginx").exists() => "/usr/sbin/nginx",
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
        }
    }
}

fn guide(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide").join(name);
    fs::read_to_string(path).unwrap()
}

/// A text with each of these, all of which stand there, in place of the other.
fn with(text: &str, replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` does not stand in the guide");
        text.replace(from, to)
    })
}

/// A proxy as a process of its own, which ends with its handle.
struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    fn start(kind: Kind, place: &Place, adyton: &str, app: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = free.to_string();
        let mut command = match kind {
            Kind::Nginx => Self::nginx(place, &address, adyton, app),
            Kind::Caddy => Self::caddy(place, &address, adyton, app),
        };
        let log = fs::File::create(place.path("proxy.log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut proxy = Self { child: child.unwrap(), address };
        let start = Instant::now();
        while TcpStream::connect(&proxy.address).is_err() {
            let log = || fs::read_to_string(place.path("proxy.log")).unwrap();
            let ended = proxy.child.try_wait().unwrap();
            assert!(ended.is_none(), "{kind:?} ended: {}", log());
            assert!(start.elapsed() < Duration::from_secs(15), "{kind:?} is silent: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
        proxy
    }

    fn nginx(place: &Place, address: &str, adyton: &str, app: &str) -> Command {
        let folder = place.path("nginx");
        fs::create_dir(&folder).unwrap();
        let folder = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {folder}/{what};"))
            .join(" ");
        let file = with(
            &guide("nginx.conf"),
            &[
                ("listen 80;", &format!("listen {address};")),
                ("127.0.0.1:8000", adyton),
                ("127.0.0.1:3000", app),
                ("http {", &format!("http {{ access_log off; {temporary}")),
            ],
        );
        fs::write(place.path("nginx.conf"), file).unwrap();
        let mut command = Command::new(Kind::Nginx.program());
        let process = format!("daemon off; master_process off; pid {folder}/pid;");
        command.arg("-p").arg(place.path("nginx")).args(["-e", "stderr", "-g", &process]);
        command.arg("-c").arg(place.path("nginx.conf"));
        command
    }

    fn caddy(place: &Place, address: &str, adyton: &str, app: &str) -> Command {
        let site = format!("http://{address} {{\n\tbind 127.0.0.1");
        let file = with(
            &guide("Caddyfile"),
            &[
                ("app.example.com {", site.as_str()),
                ("127.0.0.1:8000", adyton),
                ("127.0.0.1:3000", app),
            ],
        );
        let options = "{\n\tadmin off\n\tauto_https off\n}\n";
        fs::write(place.path("Caddyfile"), format!("{options}{file}")).unwrap();
        let mut command = Command::new(Kind::Caddy.program());
        let home: PathBuf = place.path("home");
        command.env("HOME", &home).env("XDG_CONFIG_HOME", &home).env("XDG_DATA_HOME", &home);
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(place.path("Caddyfile"));
        command
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The app: answers with the request that it saw, and says things that nobody should hear.
fn start_app() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // It ends with the process of the test.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(&stream));
        }
    });
    address
}

fn echo(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let lengths = lines.iter().filter_map(|line| line.split_once(": "));
    let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let seen = json!({ "head": lines, "body": String::from_utf8_lossy(&body) }).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Auth-User-Id: leaked\r\n\
                X-Auth-Abilities: leaked\r\nConnection: close\r\nX-App: yes\r\nContent-Length:";
    write!(stream, "{head} {}\r\n\r\n{seen}", seen.len()).ok()
}

struct Setup {
    place: Place,
    server: Server,
    proxy: Proxy,
}

/// What came back, read to its end.
#[derive(Debug)]
struct Seen {
    status: u16,
    head: String,
    body: Value,
}

impl Seen {
    /// The values of a header that the app saw.
    #[track_caller]
    fn by_the_app(&self, name: &str) -> Vec<&str> {
        assert_eq!(self.status, 200, "{self:?}");
        let lines = self.body["head"].as_array().unwrap_or_else(|| panic!("no app: {self:?}"));
        let pairs = lines.iter().filter_map(|line| line.as_str()?.split_once(':'));
        // As apps do whose headers are variables.
        let wanted = |found: &str| found.replace('_', "-").eq_ignore_ascii_case(name);
        pairs.filter(|(found, _)| wanted(found)).map(|(_, value)| value.trim()).collect()
    }

    /// The one identity that the app saw; a guest's is empty or not there.
    #[track_caller]
    fn identity(&self) -> [&str; 3] {
        ["x-auth-user-id", "x-auth-user-email", "x-auth-abilities"].map(|name| {
            let values = self.by_the_app(name);
            assert!(values.len() <= 1, "{name} {self:?}");
            values.first().copied().unwrap_or_default()
        })
    }

    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        let head = self.head.to_lowercase();
        assert!(head.contains("content-type: application/problem+json"), "{self:?}");
        assert!(head.contains("cache-control: no-store"), "{self:?}");
        if status == 401 || code == "missing_ability" {
            assert!(head.contains("www-authenticate: bearer"), "{self:?}");
        }
        self
    }
}

impl Setup {
    fn new(kind: Kind) -> Option<Self> {
        if !kind.is_installed() {
            return None;
        }
        let place = Place::with(CONFIGURATION);
        let server = place.serve();
        let proxy = Proxy::start(kind, &place, &server.address, &start_app());
        Some(Self { place, server, proxy })
    }

    /// Sends a head and a body as they stand.
    fn raw(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        let mut stream = TcpStream::connect(&self.proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut head =
            format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.proxy.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{line}: {error}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Seen {
            status: status.unwrap_or_else(|| panic!("{line}: {answer:?}")),
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Seen {
        self.raw(&format!("GET {path}"), headers, "")
    }

    /// A personal access token of a user, as the value of the header.
    async fn token(&self, owner: &str, abilities: &[&str]) -> String {
        let request = self.server.request(reqwest::Method::POST, "/tokens").bearer_auth(owner);
        let wanted = json!({ "name": "T", "abilities": abilities });
        let made = crate::world::Answer::of(request.json(&wanted)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        format!("Bearer {}", made.token())
    }
}

/// Everything that a client might say to be somebody else.
const LIES: [(&str, &str); 13] = [
    ("X-Auth-User-Id", "1"),
    ("X-Auth-User-Id", "2"),
    ("x-AUTH-user-ID", "3"),
    ("X_Auth_User_Id", "4"),
    ("X-Auth_User-Id", "5"),
    ("x_auth_user_email", "root@example.com"),
    ("X-Auth-User-Email", "root@example.com"),
    ("X-Auth-Abilities", "*"),
    ("X_Auth_Abilities", "*"),
    ("X-Forwarded-Uri", "/public"),
    ("X-Forwarded-Uri", "/public"),
    ("X-Forwarded-Method", "GET"),
    ("Forwarded", "for=203.0.113.7"),
];

async fn the_app_hears_who_calls(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    let bearer = format!("Bearer {ada}");
    let bearer = ("Authorization", bearer.as_str());
    let reader = setup.token(&ada, &["orders:read", "orders:list"]).await;
    let reader = ("Authorization", reader.as_str());

    let seen = setup.get("/orders?abilities=a&abilities=b", &[bearer]);
    assert_eq!(seen.identity(), ["1", "ada@example.com", "*"]);
    let line = seen.body["head"][0].as_str().unwrap();
    assert!(line.starts_with("GET /orders?abilities=a&abilities=b HTTP/"), "{line}");
    assert!(seen.head.contains("X-App: yes") && !seen.head.contains("leaked"), "{seen:?}");
    let seen = setup.get("/orders", &[reader]);
    assert_eq!(seen.identity(), ["1", "ada@example.com", "orders:read,orders:list"]);

    // The body goes to the app alone, and to the last byte.
    let body = "x".repeat(100_000);
    let seen = setup.raw("POST /orders", &[bearer], &body);
    assert_eq!(seen.identity()[0], "1");
    assert_eq!(seen.body["body"].as_str().unwrap().len(), body.len());

    let seen = setup.get("/admin/x", &[reader]);
    assert_eq!(seen.refused(403, "missing_ability").body["missing"], json!(["admin"]));
    setup.raw("POST /admin/x", &[reader], "x=1").refused(403, "missing_ability");
    assert_eq!(setup.get("/admin/x?abilities=orders:read", &[bearer]).identity()[0], "1");
    setup.get("/admin/x?abilities=orders:read", &[reader]).refused(403, "missing_ability");

    setup.get("/orders", &[]).refused(401, "unauthenticated");
    setup.raw("POST /orders", &[], "x=1").refused(401, "unauthenticated");
    setup.get("/orders", &[("Authorization", "Bearer x")]).refused(401, "token_invalid");
    assert_eq!(setup.raw("HEAD /orders", &[], "").status, 401);
}

async fn nobody_says_who_they_are(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    let ben = setup.server.register("ben@example.com").await.token();
    assert_ne!(ada, ben);
    setup.get("/orders", &LIES).refused(401, "unauthenticated");
    setup.raw("POST /orders", &LIES, "x=1").refused(401, "unauthenticated");
    assert_eq!(setup.get("/public", &LIES).identity(), ["", "", ""]);
    let bearer = format!("Bearer {ben}");
    let mut headers = LIES.to_vec();
    headers.push(("Authorization", &bearer));
    let seen = setup.get("/orders", &headers);
    assert_eq!(seen.identity(), ["2", "ben@example.com", "*"]);
    assert_eq!(seen.by_the_app("forwarded"), Vec::<&str>::new());
    if kind == Kind::Caddy {
        // nginx can clear what it can name; Caddy clears the whole family.
        let seen = setup.get("/public", &[("X-Auth-Role", "admin")]);
        assert_eq!(seen.by_the_app("x-auth-role"), Vec::<&str>::new());
    }
    // Names of one's own that begin alike go on.
    assert_eq!(setup.get("/public", &[("X-Authority", "me")]).by_the_app("x-authority"), ["me"]);
}

async fn only_what_is_public_is(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    for line in ["GET /public", "GET /public?next=//x", "GET /public/a/b", "HEAD /public"] {
        let seen = setup.raw(line, &[], "");
        assert_eq!(seen.status, 200, "{line} {seen:?}");
        if line.starts_with("GET") {
            assert_eq!(seen.identity(), ["", "", ""], "{line}");
        }
    }
    assert_eq!(setup.raw("POST /hooks/x", &[], "x=1").identity(), ["", "", ""]);
    let stale = [("Authorization", "Bearer stale")];
    assert_eq!(setup.get("/public", &stale).identity(), ["", "", ""]);
    let bearer = format!("Bearer {ada}");
    assert_eq!(setup.get("/public", &[("Authorization", &bearer)]).identity()[0], "1");
    setup.raw("POST /public", &[], "x=1").refused(401, "unauthenticated");
    let spoofed = [("X-Forwarded-Uri", "/public"), ("X-Forwarded-Method", "GET")];
    setup.get("/orders", &spoofed).refused(401, "unauthenticated");
    setup.raw("POST /orders", &spoofed, "x=1").refused(401, "unauthenticated");
    // Nor does it help to ask Adyton oneself.
    for lie in [&spoofed[..], &[("X-Forwarded-Uri", "/open")]] {
        setup.get("/api/auth/verify", lie).refused(401, "unauthenticated");
    }
    for path in [
        "/public/../orders",
        "/public/%2e%2e/orders",
        "/public/..%2forders",
        "/public/..;/orders",
        "//public",
        "/public//orders",
        "/orders%2f..%2fpublic",
        "/orders/..%2fpublic",
        "/public%5c..%5corders",
        "/public\\..\\orders",
        "/PUBLIC",
        "/public/./x",
        "/public%252f..%252forders",
    ] {
        let seen = setup.get(path, &[]);
        // What a proxy does not even take is no way in either.
        assert!([400, 401].contains(&seen.status), "{path} {seen:?}");
        assert!(seen.body["head"].is_null(), "{path} {seen:?}");
    }
}

async fn an_ability_is_asked_for_however_its_path_is_written(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    let reader = setup.token(&ada, &["orders:read"]).await;
    for path in [
        "/admin",
        "/admin/",
        "/admin?x=1",
        "/ADMIN/x",
        "/Admin",
        "//admin/x",
        "/%61dmin/x",
        "/x/../admin/y",
        // The app may read the first segment and resolve nothing.
        "/admin/purge/../..",
        "/admin/purge/%2e%2E/%2E.",
        "/admin/x%2f..%2F..",
        "/admin/x/../..?y",
    ] {
        let seen = setup.get(path, &[("Authorization", &reader)]);
        assert!([400, 403].contains(&seen.status), "{path} {seen:?}");
        assert!(seen.body["head"].is_null(), "{path} {seen:?}");
    }
    for path in ["/administer", "/.well-known/x", "/x/...", "/x?y=/../z"] {
        let seen = setup.get(path, &[("Authorization", &reader)]);
        assert_eq!(seen.identity()[2], "orders:read", "{path}");
    }
}

/// A header that `Connection` names is for the next hop alone.
async fn nobody_has_headers_taken_away(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    let reader = setup.token(&ada, &["orders:read"]).await;
    let reader = ("Authorization", reader.as_str());
    for named in [
        "X-Auth-User-Id, x-auth-user-email",
        "close, X-AUTH-Abilities",
        "X-Forwarded-Uri,X-Forwarded-Method",
        "authorization",
    ] {
        let seen = setup.get("/orders", &[reader, ("Connection", named)]);
        assert_eq!(seen.identity(), ["1", "ada@example.com", "orders:read"], "{named}");
    }
}

async fn a_cookie_is_checked_for_the_clients_method(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let own = ("Sec-Fetch-Site", "same-origin");
    let evil = ("Origin", "https://evil.example");
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let headers = [own, ("Content-Type", "application/json")];
    let answer = setup.raw("POST /api/auth/register", &headers, &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    let cookie = answer.head.split("adyton_session=").nth(1).unwrap().split(';').next().unwrap();
    let cookie = format!("adyton_session={cookie}");
    let cookie = ("Cookie", cookie.as_str());
    assert_eq!(setup.get("/orders", &[cookie, evil]).identity()[1], "ada@example.com");
    let seen = setup.raw("POST /orders", &[cookie, own], "x=1");
    assert_eq!(seen.identity()[1], "ada@example.com");
    for line in ["POST /orders", "DELETE /orders", "PURGE /orders"] {
        setup.raw(line, &[cookie, evil], "x=1").refused(403, "csrf_failed");
        let lie = ("X-Forwarded-Method", "GET");
        setup.raw(line, &[cookie, evil, lie], "x=1").refused(403, "csrf_failed");
    }
    let seen = setup.raw("POST /hooks/x", &[cookie, evil], "x=1");
    assert_eq!(seen.identity(), ["", "", ""]);
}

async fn an_outage_is_not_a_refusal(kind: Kind) {
    let Some(mut setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    let bearer = format!("Bearer {ada}");
    let twice = [("Authorization", bearer.as_str()), ("Authorization", bearer.as_str())];
    let seen = setup.get("/orders", &twice);
    assert_eq!(seen.status, 400, "{seen:?}");
    setup.server.kill9();
    let seen = setup.get("/orders", &[("Authorization", &bearer)]);
    let status = if kind == Kind::Nginx { 503 } else { 502 };
    assert_eq!(seen.status, status, "{seen:?}");
    assert!(seen.body["head"].is_null(), "{seen:?}");
}

async fn what_adopted_tables_hold_does_no_harm(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    let ada = setup.server.register("ada@example.com").await.token();
    let token = setup.token(&ada, &["orders:read"]).await;
    let conn = setup.place.database();
    let abilities = json!(["a,b", "\r\nX-Auth-User-Id: 7", "\u{fc}", "%2C"]).to_string();
    let changed = "UPDATE personal_access_tokens SET abilities = ?1 WHERE name = 'T'";
    assert_eq!(conn.execute(changed, [abilities]).unwrap(), 1);
    let email = "UPDATE users SET email = 'a b\u{fc}@example.com'";
    assert_eq!(conn.execute(email, []).unwrap(), 1);
    // Another process has until then to notice.
    thread::sleep(Duration::from_millis(200));
    let seen = setup.get("/orders", &[("Authorization", &token)]);
    let abilities = "a%2Cb,%0D%0AX-Auth-User-Id:%207,%C3%BC,%252C";
    assert_eq!(seen.identity(), ["1", "a%20b%C3%BC@example.com", abilities]);
}

async fn the_client_is_known_by_its_own_address(kind: Kind) {
    let Some(setup) = Setup::new(kind) else { return };
    // All of 127.0.0.0/8 is this machine; only 127.0.0.1 is a proxy.
    let from = IpAddr::from(Ipv4Addr::new(127, 5, 5, 5));
    let client = crate::world::http().local_address(from).build().unwrap();
    let api = format!("http://{}/api/auth", setup.proxy.address);
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let request = client.post(format!("{api}/register")).json(&body);
    let request = request.header("x-forwarded-for", "203.0.113.7");
    let request = request.header("forwarded", "for=203.0.113.7");
    let request = request.header("x-real-ip", "203.0.113.7");
    let answer = crate::world::Answer::of(request).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let request = client.get(format!("{api}/sessions")).bearer_auth(answer.token());
    let list = crate::world::Answer::of(request).await;
    assert_eq!(list.body["sessions"][0]["ipAddress"], "127.5.5.0", "{}", list.body);
}

/// Tells each story before both proxies.
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod nginx {
            $(#[tokio::test]
            async fn $story() {
                super::$story(super::Kind::Nginx).await;
            })+
        }

        mod caddy {
            $(#[tokio::test]
            async fn $story() {
                super::$story(super::Kind::Caddy).await;
            })+
        }
    };
}

stories![
    the_app_hears_who_calls,
    nobody_says_who_they_are,
    only_what_is_public_is,
    an_ability_is_asked_for_however_its_path_is_written,
    nobody_has_headers_taken_away,
    a_cookie_is_checked_for_the_clients_method,
    an_outage_is_not_a_refusal,
    what_adopted_tables_hold_does_no_harm,
    the_client_is_known_by_its_own_address,
];
