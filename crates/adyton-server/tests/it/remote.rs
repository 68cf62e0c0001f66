//! `adyton --server URL …` against a running server: what a person sees, and what is left on disk.

mod tls;

use crate::world::{PASSWORD, Place, Server, told};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// A person at a machine that has nothing of the server's.
struct Person {
    home: Place,
    server: String,
}

impl Person {
    fn of(server: &Server) -> Self {
        Self { home: Place::new(), server: format!("http://{}", server.address) }
    }

    fn run(&self, arguments: &str, input: &str) -> (i32, String, String) {
        let mut command = self.home.adyton(&format!("--server {} {arguments}", self.server));
        command.env("HOME", self.home.path("home")).write_stdin(input);
        told(command)
    }

    #[track_caller]
    fn done(&self, arguments: &str, input: &str) -> String {
        let (code, out, error) = self.run(arguments, input);
        assert_eq!((code, error.as_str()), (0, ""), "{arguments}");
        out
    }

    #[track_caller]
    fn failed(&self, arguments: &str, input: &str) -> String {
        let (code, out, error) = self.run(arguments, input);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments}: {error}");
        error
    }

    fn sign_in(&self) -> String {
        self.done("login --email ada@example.com", PASSWORD)
    }

    /// Where the tokens are, and what keeps others from them meanwhile.
    fn files(&self) -> [PathBuf; 2] {
        let files = fs::read_dir(self.home.path("home/.config/adyton/servers")).unwrap();
        let mut files = files.map(|file| file.unwrap().path()).collect::<Vec<_>>();
        files.sort();
        files.try_into().unwrap()
    }

    fn file(&self) -> PathBuf {
        let [file, _] = self.files();
        file
    }
}

fn served() -> (Place, Server) {
    let place = Place::new();
    place.done_with("user create --name Ada --email ada@example.com", PASSWORD);
    let server = place.serve();
    (place, server)
}

#[test]
fn a_person_signs_in_once_and_goes_on() {
    let (_place, server) = served();
    let person = Person::of(&server);
    let told = format!("signed in at {}/api/auth as Ada\n", person.server);
    assert_eq!(person.sign_in(), told);
    assert_eq!(person.done("whoami", ""), "1\tada@example.com\tAda\t*\n");
    let whoami: Value = serde_json::from_str(&person.done("whoami --json", "")).unwrap();
    assert_eq!(whoami["user"]["email"], "ada@example.com");
    assert_eq!(whoami["session"]["deviceName"], "command line");
    assert_eq!(person.done("logout", ""), format!("signed out at {}/api/auth\n", person.server));
    let error = person.failed("whoami", "");
    assert!(error.contains("nobody is signed in at"), "{error}");
    assert!(
        error.contains(&format!("`adyton --server {}/api/auth login`", person.server)),
        "{error}"
    );
    // Nothing of the server's is here.
    assert!(!person.home.path("data").exists());
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let (place, server) = served();
    let person = Person::of(&server);
    person.sign_in();
    let token = person.done("token create --name deploy --ability orders:read --expires-in 1h", "");
    assert!(token.starts_with("adt_"), "{token}");
    let created = person.done("token create --name ci --never --json", "");
    let created: Value = serde_json::from_str(&created).unwrap();
    assert_eq!(created["accessToken"]["expiresAt"], Value::Null);
    assert!(created["token"].as_str().unwrap().starts_with("adt_"));

    // Both sides tell the same.
    let listed = person.done("token list", "");
    assert_eq!(listed, place.done("token list --user ada@example.com"));
    assert!(listed.contains("\tdeploy\torders:read\texpires 2"), "{listed}");
    let json: Value = serde_json::from_str(&person.done("token list --json", "")).unwrap();
    assert_eq!(json, place.json("token list --user 1 --json"));

    let id = &created["accessToken"]["id"];
    assert_eq!(person.done(&format!("token revoke {id}"), ""), format!("revoked token {id}\n"));
    let error = person.failed(&format!("token revoke {id}"), "");
    assert_eq!(error, format!("error: you have no personal access token {id}\n"));
    let error = person.failed("token create --name x --ability No!", "");
    assert!(error.contains("abilities must be"), "{error}");
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    let (_place, server) = served();
    let person = Person::of(&server);
    person.sign_in();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(person.files().map(mode), [0o600, 0o600]);
    assert_eq!(mode(person.home.path("home/.config/adyton/servers")), 0o700);
    assert!(fs::read_to_string(person.file()).unwrap().contains("adr_"));
    person.done("logout", "");
    let left = fs::read_to_string(person.file()).unwrap();
    assert!(!left.contains("adt_") && !left.contains("adr_"), "{left}");
}

#[test]
fn a_second_sign_in_takes_the_place_of_the_first() {
    let (place, server) = served();
    let person = Person::of(&server);
    person.sign_in();
    person.sign_in();
    let sessions = place.json("session list --user 1 --json");
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions}");
}

#[test]
fn an_access_token_that_has_ended_is_renewed() {
    let (_place, _server, person) = late("");
    let before = fs::read_to_string(person.file()).unwrap();
    person.done("whoami", "");
    assert_ne!(fs::read_to_string(person.file()).unwrap(), before);
}

/// A server whose access tokens end soon, and Ada, whose has ended.
fn late(configuration: &str) -> (Place, Server, Person) {
    let place = Place::with(&format!("token_expiration = 2\n{configuration}"));
    place.done_with("user create --name Ada --email ada@example.com", PASSWORD);
    let server = place.serve();
    let person = Person::of(&server);
    person.sign_in();
    thread::sleep(Duration::from_millis(2_100));
    (place, server, person)
}

#[test]
fn commands_at_once_share_a_refresh() {
    let (place, server, person) = late("rotation_grace = 0");
    server.signal("-STOP");
    let person = &person;
    thread::scope(|scope| {
        let commands = ["whoami", "token list", "whoami --json"];
        let commands = commands.map(|command| scope.spawn(move || person.done(command, "")));
        // Until each has asked the server or waits for another.
        thread::sleep(Duration::from_millis(700));
        server.signal("-CONT");
        for command in commands {
            command.join().unwrap();
        }
    });
    let sessions = place.json("session list --user 1 --json");
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions}");
    let reuse = place.done("events --kind authn_token_reuse");
    assert_eq!(reuse, "");
}

#[test]
fn a_command_that_dies_holds_up_nobody() {
    let (_place, server, person) = late("");
    server.signal("-STOP");
    let mut dying = std::process::Command::new(env!("CARGO_BIN_EXE_adyton"))
        .args(["--server", &person.server, "whoami"])
        .env_clear()
        .env("HOME", person.home.path("home"))
        .spawn()
        .unwrap();
    let [_, lock] = person.files();
    let is_held = || fs::File::open(&lock).unwrap().try_lock().is_err();
    let start = Instant::now();
    while !is_held() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not lock");
        thread::sleep(Duration::from_millis(5));
    }
    dying.kill().unwrap();
    dying.wait().unwrap();
    server.signal("-CONT");
    assert!(!is_held());
    person.done("whoami", "");
}

#[test]
fn a_session_that_was_ended_elsewhere_says_so() {
    let (place, server) = served();
    let person = Person::of(&server);
    person.sign_in();
    place.done("session revoke --user 1");
    let error = person.failed("token list", "");
    assert!(error.contains("nobody is signed in at"), "{error}");
    assert!(error.contains("the session is over"), "{error}");
    let again = person.failed("token list", "");
    assert!(!again.contains("the session is over"), "{again}");
}

#[test]
fn what_goes_wrong_is_told_in_one_line() {
    let (_place, mut server) = served();
    let person = Person::of(&server);
    let error = person.failed("login --email ada@example.com", "nonsense");
    assert_eq!(error, "error: these credentials do not match any user\n");
    assert!(person.failed("login", PASSWORD).contains("--email"));
    person.sign_in();
    server.kill9();
    let error = person.failed("whoami", "");
    assert!(error.starts_with("error: no answer came from the server"), "{error}");
    // An outage is no sign-out.
    assert!(fs::read_to_string(person.file()).unwrap().contains("adr_"));
}

#[test]
fn a_password_goes_over_plain_http_only_when_told_so() {
    let (_place, server) = served();
    let mut person = Person::of(&server);
    // It leads to this machine, and is no address of it.
    person.server = person.server.replace("127.0.0.1", "0.0.0.0");
    let error = person.failed("login --email ada@example.com", PASSWORD);
    assert!(error.contains("can read the password"), "{error}");
    assert!(error.contains("use https, or `login --allow-http`"), "{error}");
    // Not even the address to sign in with was asked for.
    assert_eq!(person.failed("login", ""), error);
    person.done("login --email ada@example.com --allow-http", PASSWORD);
    assert_eq!(person.done("whoami", ""), "1\tada@example.com\tAda\t*\n");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let place = Place::new();
    for (arguments, advice) in [
        ("whoami", "say where: --server URL"),
        ("token list", "say whose: --user USER"),
        ("token create --name x", "say whose: --user USER"),
        ("--server https://a.example token list --user 1", "--user goes with the database"),
        ("--server https://a.example migrate", "--server goes with login"),
        ("--server a.example whoami", "this is no URL"),
        ("--server https://ada:x@a.example whoami", "must not hold a user"),
    ] {
        let mut command = place.adyton(arguments);
        command.env("HOME", place.path("home"));
        let (code, out, error) = told(command);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments}: {error}");
        assert!(error.contains(advice), "{arguments}: {error}");
    }
    let error = place.failed("--server https://a.example whoami", "");
    assert!(error.contains("neither HOME nor XDG_CONFIG_HOME"), "{error}");
}
