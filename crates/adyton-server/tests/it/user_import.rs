//! `adyton user import`: users of another system sign in with the passwords that they have, and a
//! row that is none is told without what it holds.

use crate::databases::{Shared, System};
use crate::world::{Place, told};
use serde_json::{Value, json};
use std::fs;

/// bcrypt of `password`, from Laravel's own factory of users.
const PHP: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";
/// argon2i of `password`, 64 KiB, as the argon2 tool and libraries in other languages write it.
const ARGON2I: &str = "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$hMTL/Lm14ZzTttr6unXv6g";

fn users(place: &Place) -> Vec<(String, String)> {
    let all = place.json("user list --json")["users"].clone();
    let text = |user: &Value, key: &str| user[key].as_str().unwrap_or_default().to_owned();
    let both = |user| (text(user, "email"), text(user, "created_at"));
    all.as_array().unwrap().iter().map(both).collect()
}

fn password_of(place: &Place, email: &str) -> String {
    let sql = "SELECT password FROM users WHERE email = ?";
    place.database().query_row(sql, [email], |row| row.get(0)).unwrap()
}

/// Exit code, the counts of `--json`, and standard error.
fn import(place: &Place, arguments: &str, input: &[u8]) -> (i32, Value, String) {
    let mut command = place.adyton(&format!("user import --json {arguments}"));
    command.write_stdin(input);
    let (code, out, error) = told(command);
    (code, serde_json::from_str(&out).unwrap_or_default(), error)
}

fn counts(imported: u64, already_there: u64, refused: u64) -> Value {
    json!({ "imported": imported, "alreadyThere": already_there, "refused": refused })
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_php_sign_in_with_the_passwords_that_they_have() {
    for (option, stays) in [("", false), ("password.rehash = false", true)] {
        let place = Place::with(option);
        let node = PHP.replace("$2y$", "$2b$");
        let file = format!(
            "Password,id,E-Mail,email,name,created_at\n\
             {PHP},7,x,Ada@Example.com,Ada,2024-05-06 07:08:09\n\
             {node},8,x,bob@example.com,\"Bob \"\"the\"\" Builder, jr.\",\n\
             \"{ARGON2I}\",9,x,eve@example.com,Eve,2024-05-06T09:08:09.123+02:00\n"
        );
        fs::write(place.path("users.csv"), file).unwrap();
        let out = place.done("user import users.csv");
        assert_eq!(out, "imported 3 users; 0 were already there, 0 rows were refused\n");
        assert_eq!(users(&place)[0].1, "2024-05-06T07:08:09Z");
        assert_eq!(users(&place)[2].1, "2024-05-06T07:08:09Z");
        let server = place.serve();
        for (email, written) in
            [("ada@example.com", PHP), ("bob@example.com", &node), ("eve@example.com", ARGON2I)]
        {
            assert_eq!(password_of(&place, email), written);
            assert_eq!(server.login(email, "Password").await.status, 401);
            assert_eq!(server.login(email, "password").await.status, 200, "{email}");
            assert_eq!(password_of(&place, email) == written, stays, "{email}");
            assert_eq!(server.login(email, "password").await.status, 200, "{email}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_be_repeated_and_changes_nobody_who_is_there() {
    for system in System::all() {
        let shared = Shared::new(&system, "").await;
        let place = &shared.place;
        place.done("migrate");
        place.done_with("user create --name Ada --email ada@example.com", "correct horse battery");
        let hash = "SELECT password FROM users WHERE email = 'ada@example.com'";
        let before = shared.value(hash).await;
        let rows =
            format!("email,name,password\nADA@example.com,Eve,{PHP}\nbob@example.com,Bob,{PHP}\n");
        let import = |rows: &str| import(place, "- --format csv", rows.as_bytes());
        assert_eq!(import(&rows), (0, counts(1, 1, 0), String::new()), "{system:?}");
        assert_eq!(shared.value(hash).await, before, "{system:?}");
        let more: String = (0..600).map(|row| format!("{row}@example.com,N,{PHP}\n")).collect();
        assert_eq!(import(&format!("{rows}{more}")).1, counts(600, 2, 0), "{system:?}");
        assert_eq!(import(&format!("{rows}{more}")).1, counts(0, 602, 0), "{system:?}");
        let all = shared.rows("SELECT email FROM users").await;
        assert_eq!(all.len(), 602, "{system:?}");
        let events = place.json("events --kind user_created --limit 1000 --json");
        let events = events["events"].as_array().unwrap();
        let imported = events.iter().filter(|event| event["reason"] == "imported").count();
        assert_eq!((imported, events.len()), (601, 602), "{system:?}");
    }
}

#[test]
fn refused_rows_are_told_by_line_and_reason_and_never_by_what_they_hold() {
    let place = Place::new();
    let long = "x".repeat(256);
    let rows = [
        ("Ann,ann@example.com,hunter2hunter2,", "plain text"),
        ("Ann,ann@example.com,5f4dcc3b5aa765d61d8327deb882cf99,", "plain text"),
        ("Ann,ann@example.com,$1$salt$qJH7.N4xYta3aEG/dfqo/0,", "unknown kind"),
        ("Ann,ann@example.com,$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9,", "damaged"),
        ("Ann,ann@example.com,,", "password_hash is required"),
        ("Ann,nobody,PHP,", "email must be an e-mail address"),
        ("Ann,hunter2hunter2,PHP,", "email must be an e-mail address"),
        ("Ann,,PHP,", "email is required"),
        (",ann@example.com,PHP,", "name is required"),
        ("\"An\nn\",ann@example.com,PHP,", "control characters"),
        ("LONG,ann@example.com,PHP,", "at most 255 characters"),
        ("Ann,ann@example.com,PHP,yesterday", "created_at must look like"),
        ("Ann,ann@example.com,PHP", "has 3 fields, and the heading has 4"),
        ("Ann,ann@example.com,PHP,,", "has 5 fields, and the heading has 4"),
        ("Ann,ann@example.com,$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$92IX,", "quotation marks"),
        ("Ann,bob@example.com,PHP,", "email stands in line 2 already"),
        ("Ann,BOB@EXAMPLE.COM,PHP,", "email stands in line 2 already"),
    ];
    let mut file = format!("name,email,password_hash,created_at\nBob,bob@example.com,{PHP},\n");
    let mut lines = Vec::new();
    for (row, _) in rows {
        lines.push(file.lines().count() + 1);
        file.push_str(&row.replace("PHP", PHP).replace("LONG", &long));
        file.push('\n');
    }
    for end in ["\n", "\r\n"] {
        let file = file.replace('\n', end);
        let (code, counted, error) = import(&place, "- --format csv", file.as_bytes());
        assert_eq!((code, &counted["refused"]), (1, &json!(rows.len())), "{error}");
        for (told, ((_, reason), line)) in error.lines().zip(rows.iter().zip(&lines)) {
            assert!(told.starts_with(&format!("line {line}")) && told.contains(reason), "{told}");
        }
        let last = error.lines().last().unwrap();
        assert!(last.starts_with("error: 17 rows were refused: "), "{last}");
        for secret in ["hunter2", PHP, "5f4dcc", "qJH7", "92IX"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
    assert_eq!(users(&place).len(), 1, "only Bob");

    fs::write(place.path("users.csv"), &file).unwrap();
    let arguments = "users.csv --report refused.jsonl --allow-refused";
    assert_eq!(import(&place, arguments, b""), (0, counts(0, 1, 17), String::new()));
    let report = fs::read_to_string(place.path("refused.jsonl")).unwrap();
    let report: Vec<Value> =
        report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((report.len(), &report[0]["line"]), (17, &json!(3)));
    assert_eq!(report[0]["email"], "ann@example.com");
    assert_eq!(report[6]["email"], Value::Null, "what is no e-mail may be a password");
    let error = place.failed("user import users.csv --report ./users.csv", "");
    assert!(error.contains("take the place of the file"), "{error}");
    assert_eq!(fs::read_to_string(place.path("users.csv")).unwrap(), file);
}

#[test]
fn lines_of_json_are_read_as_well() {
    let place = Place::new();
    let object = |email: &str, more: &str| {
        format!(r#"{{"email": "{email}", "name": "N", "password": "{PHP}"{more}}}"#)
    };
    let ada = object("ada@example.com", r#", "created_at": null, "plan": {"id": 1}"#);
    let file = format!(
        "\u{feff}{ada}\r\n\n{}\n[1]\n{{\"email\":\n\"hunter2\"\n{}\n{}\n{}",
        object("bob@example.com", r#", "created_at": "2024-05-06 07:08:09""#),
        object("eve@example.com", r#", "password_hash": "x""#),
        object("joe@example.com", r#", "created_at": 1714980000"#),
        object("last@example.com", ""),
    );
    fs::write(place.path("users.ndjson"), &file).unwrap();
    let (code, counted, error) = import(&place, "users.ndjson", b"");
    assert_eq!((code, counted), (1, counts(3, 0, 5)), "{error}");
    let told = [
        "line 4: is not a JSON object",
        "line 5: is not a JSON object",
        "line 6: is not a JSON object",
        "line 7: has `password_hash` and `password`: leave one of them out",
        "line 8: `created_at` is not a string",
    ];
    assert_eq!(error.lines().take(5).collect::<Vec<_>>(), told);
    let emails: Vec<_> = users(&place).into_iter().map(|(email, _)| email).collect();
    assert_eq!(emails, ["ada@example.com", "bob@example.com", "last@example.com"]);

    let long = format!(
        "{}\n{ada}\n",
        object("x@example.com", &format!(r#","x":"{:65000}{:5000}""#, "", ""))
    );
    let (_, counted, error) = import(&place, "- --format jsonl", long.as_bytes());
    assert_eq!(counted, counts(0, 1, 1));
    assert!(error.starts_with("line 1: is longer than 64 KiB\n"), "{error}");
}

#[test]
fn what_is_no_such_file_is_refused_before_anything_is_done() {
    let place = Place::new();
    fs::write(place.path("users.xlsx"), b"PK\x03\x04\xff\xfe\x00").unwrap();
    fs::write(place.path("latin.csv"), b"email,name,pass\xdfword\n").unwrap();
    fs::write(place.path("semicolon.csv"), "email;name;password\n").unwrap();
    fs::write(place.path("both.csv"), "email,name,password,password_hash\n").unwrap();
    fs::write(place.path("empty.csv"), "").unwrap();
    fs::write(place.path("array.jsonl"), "\n [{\"email\": \"x\"}]").unwrap();
    for (arguments, told) in [
        ("users.xlsx", "Say --format csv or --format jsonl"),
        ("-", "Say --format csv or --format jsonl"),
        ("users.xlsx --format csv", "is it CSV in UTF-8?"),
        ("latin.csv", "is it CSV in UTF-8?"),
        (
            "semicolon.csv",
            "no column `email` and `name` and `password_hash`: the first line must name",
        ),
        ("empty.csv", "no column"),
        ("both.csv", "a column `password_hash` and a column `password`"),
        ("array.jsonl", "one JSON array"),
        ("missing.csv", "cannot read missing.csv"),
    ] {
        let error = place.failed(&format!("user import {arguments}"), "");
        assert!(error.contains(told), "{arguments}: {error}");
    }
    assert_eq!(users(&place), []);
}

/// Otherwise the rows that the open quotation mark swallows would vanish without a word.
#[test]
fn a_quotation_mark_that_is_never_closed_is_told() {
    let place = Place::new();
    let row = |email: &str, more: &str| format!("{email},N,{PHP},{more}\n");
    let file = format!(
        "email,name,password,bio\n{}{}{}",
        row("ada@example.com", "5\" disk"),
        row("bob@example.com", "\"two\nlines\""),
        row("joe@example.com", "5\" disk")
    );
    assert_eq!(import(&place, "- --format csv", file.as_bytes()).1, counts(3, 0, 0));
    let open = file + &row("eve@example.com", "\"open") + &row("lost@example.com", "");
    let (code, counted, error) = import(&place, "- --format csv", open.as_bytes());
    assert_eq!((code, counted), (1, counts(0, 3, 1)), "{error}");
    assert!(error.starts_with("line 6: opens a quotation mark"), "{error}");

    let huge = open + &row("far@example.com", "").repeat(1000);
    let (_, counted, error) = import(&place, "- --format csv", huge.as_bytes());
    assert_eq!(counted, counts(0, 3, 1));
    assert!(error.starts_with("line 6: "), "{error}");
}

/// The limit is 2,000 rows a second; here it is 200, for builds without optimisation on machines that
/// are busy: one commit a row would not even reach that on a slow disk.
#[test]
fn rows_share_commits() {
    let place = Place::new();
    let rows = (0..2000).map(|row| format!("{row}@example.com,N,{PHP}\n"));
    let file = format!("email,name,password\n{}", rows.collect::<String>());
    let start = std::time::Instant::now();
    assert_eq!(import(&place, "- --format csv", file.as_bytes()).1, counts(2000, 0, 0));
    let rate = 2000.0 / start.elapsed().as_secs_f64();
    println!("{rate:.0} rows a second");
    assert!(rate > 200.0, "{rate:.0} rows a second");
}
